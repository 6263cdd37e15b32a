//! Training on several sources: another file mixed in by weight, and test items kept out.

mod command;

use command::{bantam, json, tiny_recipe, tiny_run};

#[test]
fn another_source_is_mixed_in_and_test_items_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (more, out) = (dir.path().join("more"), dir.path().join("run"));
    json(bantam(["data", "generate", "--seed", "7", "--recipe"]).arg(tiny_recipe()).arg("--out").arg(&more));
    command::copy(tiny_run(), &out);
    let train = |items: &str, weight: f64| {
        let (items, schemas) = (more.join(items), more.join("schemas"));
        let mut command = bantam(["train"]);
        let sources = format!("[{{ weight = 3 }}, {{ weight = {weight}, items = {items:?}, schemas = {schemas:?} }}]");
        command.arg(tiny_recipe()).arg("--out").arg(&out).args(["--set", &format!("sources={sources}")]);
        command
    };
    let ran = |summary: &serde_json::Value| {
        let stages = summary["stages"].as_array().unwrap().clone();
        stages.iter().any(|s| s["name"] == "train" && s["skipped"] == false)
    };
    let alone = json(bantam(["train"]).arg(tiny_recipe()).arg("--out").arg(&out));
    let mixed = json(&mut train("train.jsonl", 1.0));
    assert!(!ran(&alone) && ran(&mixed));
    assert_ne!(mixed["artifacts"]["model"], alone["artifacts"]["model"]);
    // The same content elsewhere is the same source; another weight is not.
    std::fs::rename(more.join("train.jsonl"), more.join("moved.jsonl")).unwrap();
    assert!(!ran(&json(&mut train("moved.jsonl", 1.0))));
    assert!(ran(&json(&mut train("moved.jsonl", 2.0))));
    // A source with a text of the run's test split.
    std::fs::copy(out.join("data/test.jsonl"), more.join("test.jsonl")).unwrap();
    let output = train("test.jsonl", 1.0).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains("has the text of a test or validation item"), "{told}");
}
