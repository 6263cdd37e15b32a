//! From nothing to a report with the tiny recipe: what is made, what is skipped, what a kill changes (nothing).

mod command;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};

use command::{bantam, json, tiny_recipe, tiny_run};
use serde_json::Value;

fn run(out: &Path, sets: &[&str]) -> Value {
    let mut command = bantam(["run"]);
    command.arg(tiny_recipe()).arg("--out").arg(out);
    for set in sets {
        command.args(["--set", set]);
    }
    json(&mut command)
}

/// The stages that were run and not skipped.
fn ran(summary: &Value) -> Vec<&str> {
    let stages = summary["stages"].as_array().unwrap();
    stages.iter().filter(|s| s["skipped"] == false).map(|s| s["name"].as_str().unwrap()).collect()
}

#[test]
fn a_run_leaves_everything_the_design_names() {
    let run = tiny_run();
    for name in [
        "recipe.toml",
        "lineage.json",
        "metrics.jsonl",
        "data/train.jsonl",
        "data/overlap.json",
        "tokenizer/tokenizer.json",
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "model/generation_config.json",
        "model-f16.gguf",
        "model-q8_0.gguf",
        "report.md",
        "report.html",
    ] {
        assert!(run.join(name).is_file(), "{name}");
    }
    assert!(run.join("checkpoints/step-00000012").is_dir());
    let results: Vec<_> = std::fs::read_dir(run.join("results")).unwrap().map(|e| e.unwrap().file_name()).collect();
    let ending = |end: &str| results.iter().filter(|n| n.to_string_lossy().ends_with(end)).count();
    assert_eq!((ending(".samples.jsonl"), ending(".json")), (2, 2), "{results:?}");
    let recipe = std::fs::read_to_string(run.join("recipe.toml")).unwrap();
    assert!(recipe.contains("rope_theta = 10000.0") && recipe.contains("noise = 0.5"), "defaults are written out");
    let steps = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(steps.lines().filter(|l| l.contains("\"loss\"")).count(), 12);
}

#[test]
fn a_second_run_skips_all_and_a_changed_value_reruns_what_depends_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("tiny");
    command::copy(tiny_run(), &out);
    let first = run(&out, &[]);
    assert_eq!(ran(&first), [""; 0]);
    assert_eq!(ran(&run(&out, &["eval.max_new_tokens=8"])), ["eval-free", "eval-constrained", "report"]);
    assert_eq!(ran(&run(&out, &["eval.max_new_tokens=8", "package.gguf=[\"q8_0\"]"])), ["gguf", "report"]);
    assert!(!out.join("model-f16.gguf").exists(), "a package that the recipe no longer names");
    let steps = run(&out, &["train.steps=10"]);
    let after_tokenizer = ["train", "package", "gguf", "eval-free", "eval-constrained", "report"];
    assert_eq!(ran(&steps), after_tokenizer);
    // The same again from the start of training: the same bits as the first time.
    let again = run(&out, &[]);
    assert_eq!(ran(&again), after_tokenizer);
    assert_eq!(again["artifacts"], first["artifacts"]);
    assert_eq!(again["id"], first["id"]);
}

#[test]
fn the_same_recipe_elsewhere_gives_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let here = run(tiny_run(), &[]);
    let there = run(&dir.path().join("other-name"), &[]);
    let hashes =
        |summary: &Value| -> BTreeMap<String, Value> { serde_json::from_value(summary["artifacts"].clone()).unwrap() };
    assert_eq!(hashes(&here), hashes(&there));
    for name in ["data", "tokenizer", "model", "model-f16.gguf", "model-q8_0.gguf"] {
        assert!(hashes(&here).contains_key(name), "{name}");
    }
    assert_eq!(here["id"], there["id"]);
    let other = run(&dir.path().join("other-seed"), &["run.seed=2"]);
    for name in ["data", "tokenizer", "model"] {
        assert_ne!(hashes(&here)[name], hashes(&other)[name], "{name}");
    }
}

/// Waits until training has logged `steps` steps, then kills it. False when it ended before.
fn killed_after(child: &mut Child, metrics: &Path, steps: usize) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let logged = std::fs::read_to_string(metrics).unwrap_or_default();
        if logged.lines().filter(|l| l.contains("\"loss\"")).count() >= steps {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_training_that_is_killed_and_resumed_ends_with_the_same_weights() {
    killed_and_resumed(&["train.accumulate=2"]);
}

#[test]
#[ignore = "a minute; run with `cargo test --workspace --test whole_path -- --ignored`"]
fn every_optimizer_and_every_ending_survives_kills() {
    for extra in [
        &["train.optimizer='muon'", "train.accumulate=3"][..],
        &["train.optimizer='lion'", "train.schedule='cosine'", "train.average=3"],
        &["train.patience=2", "train.learning_rate=0.3", "train.gradient_checkpointing=true"],
    ] {
        killed_and_resumed(extra);
    }
}

fn killed_and_resumed(extra: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let mut sets = vec!["train.steps=24", "train.checkpoint_every=5", "train.validate_every=8"];
    sets.extend(extra);
    let train = |out: &Path| {
        let mut command = bantam(["train"]);
        command.arg(tiny_recipe()).arg("--out").arg(out).arg("--resume");
        sets.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        command
    };
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    let expected = json(&mut train(&whole));
    let mut kills = 0;
    // Right at the start, before the first checkpoint, between two, right after one.
    for steps in [1, 2, 4, 6, 8, 11, 13, 16, 19, 22] {
        let mut child = train(&broken).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        kills += usize::from(killed_after(&mut child, &broken.join("metrics.jsonl"), steps));
    }
    assert!(kills >= 6, "the training ended before it could be killed: {kills} kills");
    let resumed = json(&mut train(&broken));
    assert_eq!(resumed["artifacts"], expected["artifacts"]);
    assert_eq!(resumed["id"], expected["id"]);
    // Every step is logged once, though some were taken twice.
    let metrics = std::fs::read_to_string(broken.join("metrics.jsonl")).unwrap();
    let logged: Vec<u64> = metrics
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .filter(|l| l.get("loss").is_some())
        .map(|l| l["step"].as_u64().unwrap())
        .collect();
    let steps = logged.len() as u64;
    assert!(steps == 24 || sets.iter().any(|s| s.starts_with("train.patience")), "{steps} steps");
    assert_eq!(logged, (1..=steps).collect::<Vec<_>>());
    let left = command::files_under(&broken);
    assert!(!left.iter().any(|f| f.ends_with(".tmp")), "{left:?}");
}
