//! `bantam zoo`: runs on recall tasks and texts are made once, those on recall survive kills, the table shows them, mistakes are named.

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
    refused(bantam(["zoo", "--results"]).arg(dir.path()), &["x.json", "no record of the zoo"]);
}

/// A folder of texts that differ and that a small model can learn something of.
fn some_texts(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    for i in 0..24 {
        let lines: Vec<String> = (0..12).map(|l| format!("def f{}(x): return x + {}", i * l % 17, i + l)).collect();
        std::fs::write(dir.join(format!("{i}.py")), lines.join("\n")).unwrap();
    }
    std::fs::write(dir.join("latin.py"), b"\xe9").unwrap();
}

#[test]
fn texts_are_learned_at_equal_size_and_shown_with_what_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (text, out) = (dir.path().join("code"), dir.path().join("out"));
    some_texts(&text);
    let texts = |mixers: &str| {
        let mut command = bantam(["zoo", "texts", "--mixers", mixers, "--seeds", "2", "--budget", "300k"]);
        command.args(["--vocab", "300", "--context", "32", "--batch", "4", "--steps", "40", "--text"]).arg(&text);
        command.args(["--extension", "py", "--out"]).arg(&out);
        command
    };
    let first = json(&mut texts("attention,gru"));
    assert_eq!(first["runs"], serde_json::json!({"finished_before": 0, "finished": 4, "elsewhere": 0}));
    let table = &first["texts"][0];
    let rows = table["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &table["pairs"]), (2, &Value::from(1)), "{first}");
    for row in rows {
        let bits = row["bits_per_byte"]["value"].as_f64().unwrap();
        assert!(bits > 0.3 && bits < 6.0 && row["bits_per_byte"]["n"] == 4 && row["seeds"] == 2, "{row}");
        assert!(row["step_ms"].as_f64().unwrap() > 0.0 && row["state_bytes"].as_u64().unwrap() > 0, "{row}");
    }
    assert!(table["floor"]["value"].as_f64().unwrap() > 0.3, "{table}");
    let record = files_under(&out).into_iter().find(|name| name.contains("gru-lr0.003-seed2")).unwrap();
    let record: Value = serde_json::from_slice(&std::fs::read(out.join(record)).unwrap()).unwrap();
    assert_eq!(record["made"]["corpus"]["documents"], serde_json::json!([18, 2, 4]));
    assert_eq!(record["made"]["corpus"]["not_utf8"], 1);
    assert_eq!(json(&mut texts("attention,gru"))["texts"], first["texts"], "nothing is made twice");

    let picture = dir.path().join("zoo.svg");
    let mut shown =
        bantam(["zoo", "--mixers", "gru", "--budget", "300k", "--vocab", "300", "--steps", "0", "--results"]);
    assert_eq!(json(shown.arg(&out).arg("--svg").arg(&picture))["texts"], first["texts"]);
    assert!(std::fs::read_to_string(picture).unwrap().contains("code: bits per byte against state"));

    refused(&mut texts("linformer"), &["sees the future"]);
    let refuses = |text: &Path, extra: &[&str], told: &[&str]| {
        let mut command = bantam(["zoo", "texts", "--mixers", "gru", "--out", "none", "--text"]);
        refused(command.arg(text).args(extra), told);
    };
    refuses(&text, &["--batch", "0"], &["--batch"]);
    refuses(&text, &["--seeds", "0"], &["nothing to run"]);
    refuses(&text, &["--extension", "rs"], &["code", "end in .rs"]);
    std::fs::write(dir.path().join("one.txt"), "one document").unwrap();
    refuses(&dir.path().join("one.txt"), &[], &["one.txt", "1 documents"]);
}
