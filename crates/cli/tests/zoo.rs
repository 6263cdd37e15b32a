//! `bantam zoo`: recall runs are made once and survive kills, the table shows them, mistakes are named.

mod command;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use command::{bantam, files_under, json, refused};
use serde_json::Value;

/// Two small models on short sequences.
fn recall(out: &Path) -> Command {
    let mut command = bantam(["zoo", "recall", "--task", "induction", "--mixers", "attention,lstm", "--seeds", "1"]);
    command.args(["--learning-rates", "0.01", "--items", "200", "--length", "12", "--width", "16", "--batch", "8"]);
    command.args(["--steps", "64", "--enough", "1", "--out"]).arg(out);
    command
}

/// The records by file name, without what differs when they are made again.
fn records(dir: &Path) -> BTreeMap<String, Value> {
    let read = |name: String| {
        let mut record: Value = serde_json::from_slice(&std::fs::read(dir.join(&name)).unwrap()).unwrap();
        record.as_object_mut().unwrap().remove("circumstances").unwrap();
        (name, record)
    };
    files_under(dir).into_iter().map(read).collect()
}

/// Whether some run has written a checkpoint.
fn has_checkpoint(dir: &Path) -> bool {
    let Ok(runs) = std::fs::read_dir(dir.join(".unfinished")) else { return false };
    let names = |run: std::fs::DirEntry| {
        let inside = std::fs::read_dir(run.path().join("checkpoints")).into_iter().flatten();
        inside.flatten().any(|e| e.file_name().to_string_lossy().starts_with("step-"))
    };
    runs.flatten().any(names)
}

#[test]
fn recall_runs_are_made_once_and_a_killed_one_goes_on_to_the_same_record() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    let first = json(&mut recall(&whole));
    assert_eq!(first["runs"], serde_json::json!({"finished_before": 0, "finished": 2, "elsewhere": 0}));
    let rows = first["recall"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|r| r["accuracy"]["n"] == 1000 && r["seeds"] == 1 && r["loss"].is_f64()), "{first}");
    // Only the records are left, and nothing is made twice.
    assert_eq!(records(&whole).len(), 2);
    let again = json(&mut recall(&whole));
    assert_eq!(again["runs"], serde_json::json!({"finished_before": 2, "finished": 0, "elsewhere": 0}));
    assert_eq!(again["recall"], first["recall"]);

    let mut child = recall(&broken).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !has_checkpoint(&broken) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    json(&mut recall(&broken));
    assert_eq!(records(&broken), records(&whole));

    // The table reads them.
    let picture = dir.path().join("zoo.svg");
    let mut table = bantam(["zoo", "--mixers", "attention,lstm", "--budget", "300k", "--vocab", "300"]);
    table.args(["--context", "32", "--batch", "2", "--steps", "1", "--results"]).arg(&whole).arg("--svg").arg(&picture);
    let zoo = json(&mut table);
    assert_eq!(zoo["recall"], first["recall"]);
    for (row, stepping) in zoo["costs"].as_array().unwrap().iter().zip(["growing", "constant"]) {
        assert!(row["stepping"] == stepping && row["state_bytes"].as_u64().unwrap() > 0, "{row}");
        assert!(row["train_tokens_per_s"].as_f64().unwrap() > 0.0, "{row}");
    }
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("recall against state") && svg.contains("lstm"), "{svg}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let with = |extra: &[&str]| {
        let mut command = bantam(["zoo", "recall", "--out"]);
        command.arg(dir.path().join("out")).args(extra);
        command
    };
    let cases: [(&[&str], &str); 9] = [
        (&["--task", "mqar", "--mixers", "mamba"], "`mamba` is no mixer"),
        (&["--task", "mqar", "--mixers", "linformer"], "sees the future"),
        (&["--task", "mqar", "--mixers", "lstm", "--pairs", "0"], "recall.mqar"),
        (&["--task", "copy", "--mixers", "lstm", "--length", "18446744073709551615"], "recall"),
        (&["--task", "induction", "--mixers", "lstm", "--pairs", "3"], "--pairs"),
        (&["--task", "mqar", "--mixers", "lstm", "--learning-rates=-1"], "learning_rate"),
        (&["--task", "mqar", "--mixers", "lstm", "--heads", "3"], "--width"),
        (&["--task", "mqar", "--mixers", "lstm", "--items", "0"], "recall.train"),
        (&["--task", "mqar", "--mixers", "lstm", "--seeds", "0"], "nothing to run"),
    ];
    for (extra, told) in cases {
        refused(&mut with(extra), &[told]);
    }
    assert!(!dir.path().join("out").exists(), "nothing is made of a plan that cannot be run");
    let none = dir.path().join("none");
    refused(bantam(["zoo", "--results"]).arg(&none), &["none"]);
    refused(&mut bantam(["zoo", "--svg", "x.svg"]), &["--results"]);
    refused(&mut bantam(["zoo", "--budget", "3k", "--mixers", "lstm"]), &["no width and depth"]);
    refused(&mut bantam(["zoo", "--vocab", "1"]), &["--vocab"]);
    std::fs::write(dir.path().join("x.json"), "{}").unwrap();
    refused(bantam(["zoo", "--results"]).arg(dir.path()), &["x.json", "no recall record"]);
}
