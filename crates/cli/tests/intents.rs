//! From texts with intents to items, and what is told when that cannot be.

mod command;

use std::fs;

use command::{bantam, json, refused};
use serde_json::Value;

#[test]
fn clinc150_becomes_items_that_a_recipe_s_source_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("data_full.json"), dir.path().join("out"));
    let pairs = |intent: &str| (0..8).map(|i| format!(r#"["{intent} {i}","{intent}"]"#)).collect::<Vec<_>>().join(",");
    let text = format!(
        r#"{{"train":[{},{}],"val":[["a new one","yes"]],"oos_train":[{}],"oos_val":[["why","oos"]]}}"#,
        pairs("yes"),
        pairs("no"),
        pairs("oos")
    );
    fs::write(&file, text).unwrap();
    let command = || {
        let mut command = bantam(["data", "intents", "--valid-per-intent", "2", "--out"]);
        command.arg(&out).arg("--clinc").arg(&file);
        command
    };
    let made = json(command().args(["--test-split", "val"]));
    assert_eq!((made["train"].as_u64(), made["valid"].as_u64(), made["test"].as_u64()), (Some(18), Some(6), Some(2)));
    assert_eq!(json(command().args(["--test-split", "val"]))["sha256"], made["sha256"]);
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(out.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let test = lines("test.jsonl");
    assert_eq!(test[0]["prompt"], "a new one");
    assert_eq!(test[0]["expected_output"], serde_json::json!({"intent": "yes"}));
    assert_eq!((&test[0]["schema_id"], &test[1]["expected_output"]["intent"]), (&"clinc150".into(), &"oos".into()));
    let schema: Value = serde_json::from_slice(&fs::read(out.join("schemas/clinc150.json")).unwrap()).unwrap();
    assert_eq!(schema["properties"]["intent"]["enum"], serde_json::json!(["no", "yes", "oos"]));
    // The texts and the taxonomy that were written can be read again.
    let again = dir.path().join("again");
    let mut command = bantam(["data", "intents", "--out"]);
    command.arg(&again).arg("--items").arg(out.join("intents/train.jsonl"));
    assert_eq!(json(command.arg("--taxonomy").arg(out.join("taxonomy.json")))["taxonomy"], "clinc150");
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("f"), dir.path().join("out"));
    let clinc = |text: &str, more: &[&str], told: &[&str]| {
        fs::write(&file, text).unwrap();
        refused(bantam(["data", "intents", "--out"]).arg(&out).arg("--clinc").arg(&file).args(more), told);
        assert!(!out.exists());
    };
    clinc("[", &[], &["not CLINC150"]);
    clinc(r#"{"val":[["a","b"],["c","d"]]}"#, &[], &["no item is in split `train`", "choose one of: val"]);
    clinc(r#"{"train":[["a","b"],["c","d"]]}"#, &["--test-split", "test"], &["split `test`"]);
    fs::write(&file, "text,category\nx\n").unwrap();
    refused(bantam(["data", "intents", "--out"]).arg(&out).arg("--banking").arg(&file), &["f:2", "1 fields"]);
    fs::create_dir(&out).unwrap();
    refused(bantam(["data", "intents", "--out"]).arg(&out).arg("--banking").arg(&file), &["no data folder"]);
}
