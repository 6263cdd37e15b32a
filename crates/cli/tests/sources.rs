//! Training on several sources: another file mixed in by weight, and test items kept out.

mod command;

use std::path::Path;

use bantam_formats::ModelArtifact;
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

#[test]
fn training_goes_on_from_a_model_of_the_same_shape() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let train = |settings: &[&str]| {
        let start = format!("model.start={:?}", tiny_run().join("model"));
        let mut command = bantam(["train"]);
        command.arg(tiny_recipe()).arg("--out").arg(&out).args(["--set", &start]);
        command.args(settings.iter().flat_map(|s| ["--set", s]));
        command
    };
    json(&mut train(&["train.steps=1", "train.warmup_steps=1", "train.learning_rate=1e-9"]));
    let same = |file: &str| {
        assert_eq!(std::fs::read(out.join(file)).unwrap(), std::fs::read(tiny_run().join(file)).unwrap(), "{file}");
    };
    same("tokenizer/tokenizer.json");
    let read = |path: &Path| -> serde_json::Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let lineage = |run: &Path| read(&run.join("lineage.json"))["made"].clone();
    assert_eq!(lineage(&out)["parents"], serde_json::json!({"start": lineage(tiny_run())["artifacts"]["model"]}));
    let losses = |run: &Path| -> Vec<f64> {
        let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter_map(|line| line["valid_loss"].as_f64()).collect()
    };
    // A step of next to nothing leaves the model where the other run ended.
    let (continued, ended) = (losses(&out), losses(tiny_run()));
    let apart = (continued[0] - ended.last().unwrap()).abs();
    assert!(continued.len() == 1 && apart < 1e-4 && ended[0] - ended.last().unwrap() > 0.01, "{continued:?} {ended:?}");
    for (setting, found) in [
        ("model.num_hidden_layers=3", "num_hidden_layers: 3"),
        ("model.max_position_embeddings=1024", "max_position_embeddings: 1024"),
    ] {
        let output = train(&[setting]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(found), "{told}");
    }
    // Twice the layers begin as the same model.
    let least = ["train.steps=1", "train.warmup_steps=1", "train.learning_rate=1e-9", "model.num_hidden_layers=4"];
    json(&mut train(&least));
    let apart = (losses(&out).last().unwrap() - ended.last().unwrap()).abs();
    let layers = read(&out.join("model/config.json"))["num_hidden_layers"].as_u64();
    assert!(layers == Some(4) && apart < 1e-4, "{layers:?} {:?} {ended:?}", losses(&out));
    // Positions that are computed may be more than they were.
    json(&mut train(&["train.steps=1", "train.warmup_steps=1", "model.max_position_embeddings=4096"]));
    assert_eq!(read(&out.join("model/config.json"))["max_position_embeddings"], 4096);
}

#[test]
fn a_model_says_how_it_writes_absent_fields_and_answers_come_without_nulls() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let setting = ["--set", "tokenizer.absent_fields='null'"];
    json(bantam(["train"]).arg(tiny_recipe()).arg("--out").arg(&out).args(setting));
    let schema = dir.path().join("s.json");
    std::fs::write(
        &schema,
        r#"{"type":"object","properties":{"a":{"enum":["x"]},"b":{"enum":["y"]},"c":{"enum":["z"]}}}"#,
    )
    .unwrap();
    let generated = |model: &Path| {
        let mut command = bantam(["generate", "--chat", "--prompt", "z", "--model"]);
        json(command.arg(model).arg("--schema").arg(&schema))
    };
    let packed = dir.path().join("packed.gguf");
    json(bantam(["compress", "pack"]).arg(out.join("model")).args(["--to", "q8_0", "-o"]).arg(&packed));
    for model in [out.join("model"), packed] {
        let made = generated(&model);
        let answer: serde_json::Value = serde_json::from_str(made["text"].as_str().unwrap()).unwrap();
        assert!(answer.as_object().unwrap().values().all(|v| !v.is_null()), "{answer}");
        // What the model itself wrote names every field.
        let tokens: Vec<u32> = serde_json::from_value(made["tokens"].clone()).unwrap();
        let written = ModelArtifact::open(&model).unwrap().tokenizer().unwrap().decode(&tokens, true);
        assert!(["\"a\":", "\"b\":", "\"c\":"].iter().all(|key| written.contains(key)), "{written}");
    }
}
