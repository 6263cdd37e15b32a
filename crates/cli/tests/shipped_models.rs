//! The models in `models/` answer as README and cards say.

mod command;

use std::path::{Path, PathBuf};

use command::{bantam, json};

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

/// What a model answers to `prompt`, held to a schema.
fn answer(model: &str, schema: &str, prompt: &str) -> String {
    let mut command = bantam(["generate", "--chat", "--prompt", prompt, "--model"]);
    let summary = json(command.arg(models().join(model)).arg("--schema").arg(models().join(schema)));
    summary["text"].as_str().unwrap().to_owned()
}

#[test]
fn the_first_minute_gives_the_answers_that_are_shown() {
    for (contact, expected) in [
        (
            "The new contact is Tom Berg, e-mail tom@berg.example, phone 555-0142.",
            r#"{"name":"Tom Berg","email":"tom@berg.example","phone":"555-0142"}"#,
        ),
        ("The new contact is Tom Berg, phone 555-0142.", r#"{"name":"Tom Berg","phone":"555-0142"}"#),
    ] {
        assert_eq!(answer("edge-json.gguf.zst", "contact.schema.json", contact), expected);
    }
    assert_eq!(
        answer("edge-assistant.gguf.zst", "home.schema.json", "set the temperature in the kitchen to 21 degrees"),
        r#"[{"name":"set_temperature","arguments":{"room":"kitchen","degrees":21}}]"#
    );
}

#[test]
fn every_model_has_a_card_and_a_lineage_that_names_its_weights() {
    let mut found = 0;
    for entry in std::fs::read_dir(models()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(stem) = name.strip_suffix(".gguf.zst") else { continue };
        assert!(std::fs::metadata(&path).unwrap().len() <= 10_000_000, "{name}");
        let card = std::fs::read_to_string(models().join(format!("{stem}.md"))).unwrap();
        assert!(card.contains(name) && card.contains("## Measured"), "{stem}.md");
        let lineage = std::fs::read_to_string(models().join(format!("{stem}.lineage.json"))).unwrap();
        let lineage: serde_json::Value = serde_json::from_str(&lineage).unwrap();
        assert_eq!(lineage["made"]["artifacts"]["model"].as_str().unwrap().len(), 64, "{stem}");
        found += 1;
    }
    assert_eq!(found, 2);
}
