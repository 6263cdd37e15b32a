//! What a track tells and how many solved items it shows; results fit their published schema; others are refused.

use std::path::Path;

use bantam_data::absent_fields::AbsentFields;
use bantam_data::prompt::SchemaInPrompt;
use bantam_eval::edge_json::{Inputs, Shots, Suite, Track};
use bantam_eval::harness::{Grammar, Keep, Output, Prompt, Source, Stale, Suite as _, evaluate_into, filed};
use bantam_eval::result::check_version;
use serde_json::{Value, json};

fn lines(path: &Path, items: &[(&str, &str, &str, Value)]) {
    let line = |(id, schema, prompt, gold): &(&str, &str, &str, Value)| {
        format!("{}\n", json!({"id": id, "schema_id": schema, "prompt": prompt, "expected_output": gold}))
    };
    std::fs::write(path, items.iter().map(line).collect::<String>()).unwrap();
}

/// Two schemas, of which the training items have one.
fn write(dir: &Path) {
    std::fs::create_dir(dir.join("schemas")).unwrap();
    let a = json!({"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}});
    std::fs::write(dir.join("schemas/a.json"), a.to_string()).unwrap();
    std::fs::write(dir.join("schemas/b.json"), "{\"type\":\"object\"}").unwrap();
    lines(
        &dir.join("test.jsonl"),
        &[("1", "a", "one", json!({"x": 1})), ("2", "b", "two", json!({})), ("t3", "a", "three", json!({"x": 3}))],
    );
    lines(
        &dir.join("train.jsonl"),
        &[
            ("t1", "a", "four", json!({"y": 4, "x": 0})),
            ("t2", "a", "one", json!({"x": 1})),
            ("t3", "a", "five", json!({"x": 5})),
            ("t4", "a", "six", json!({"x": 6})),
        ],
    );
}

fn load(dir: &Path) -> Suite {
    let inputs = Inputs { data: &dir.join("test.jsonl"), schemas: &dir.join("schemas"), limit: None };
    Suite::load(inputs).unwrap()
}

/// Roles and contents of an item's prompt.
fn messages(suite: &Suite, item: usize) -> Vec<(String, String)> {
    let Prompt::Chat { messages, .. } = suite.request(item, false).prompt else { unreachable!("it is a chat") };
    messages.into_iter().map(|m| (m.role, m.content)).collect()
}

#[test]
fn the_system_message_tells_what_the_track_says() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let system = |told| messages(&load(dir.path()).on(Track { told, ..Track::default() }).unwrap(), 0)[0].1.clone();
    assert_eq!(system(SchemaInPrompt::Signature), messages(&load(dir.path()), 0)[0].1);
    assert!(system(SchemaInPrompt::Signature).contains('x'));
    assert_eq!([system(SchemaInPrompt::Name), system(SchemaInPrompt::None)], ["a", ""]);
    let track = |told| load(dir.path()).on(Track { told, ..Track::default() }).unwrap().protocol().track;
    assert_eq!(track(SchemaInPrompt::Signature), None);
    assert_eq!(track(SchemaInPrompt::None).as_deref(), Some("no_schema"));
}

#[test]
fn on_the_verbatim_track_every_item_has_a_constraint_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let suite = load(dir.path()).on(Track { verbatim: true, ..Track::default() }).unwrap();
    assert!(suite.constraints().is_empty() && !load(dir.path()).constraints().is_empty());
    assert_eq!(suite.protocol().track.as_deref(), Some("verbatim"));
    assert!(suite.protocol().settings.contains_key("strings"));
    let constraint = suite.request(0, true).constraint.unwrap();
    assert_eq!(constraint.name, suite.ids()[0]);
    assert!(suite.request(0, false).constraint.is_none());
}

#[test]
fn shots_are_of_the_schema_never_the_item_and_repeat() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let train = dir.path().join("train.jsonl");
    let on = |count, seed| {
        let shots = Some(Shots { count, from: &train, seed });
        load(dir.path()).on(Track { told: SchemaInPrompt::Name, shots, ..Track::default() })
    };
    let all = on(4, 0).unwrap();
    // The first item's text is in training, the third's id is.
    let shown = |item: usize| -> Vec<String> {
        let mut asked: Vec<_> = messages(&all, item).into_iter().filter(|m| m.0 == "user").map(|m| m.1).collect();
        asked.pop();
        asked.sort();
        asked
    };
    assert_eq!(shown(0), ["five", "four", "six"]);
    assert_eq!(shown(1), Vec::<String>::new());
    assert_eq!(shown(2), ["four", "one", "six"]);
    let said = messages(&all, 0);
    assert_eq!(
        said.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(),
        ["system", "user", "assistant", "user", "assistant", "user", "assistant", "user"]
    );
    let four = said.iter().position(|m| m.1 == "four").unwrap();
    assert_eq!(said[four + 1].1, "{\"x\":0,\"y\":4}", "as a model is trained to answer");
    let protocol = all.protocol();
    assert_eq!(
        (protocol.track.as_deref(), &protocol.settings["items_with_fewer_shots"]),
        (Some("name_4shot"), &json!(3))
    );
    let draw = |seed| messages(&on(1, seed).unwrap(), 0)[1].1.clone();
    assert_eq!(draw(1), draw(1));
    assert!((0..20).any(|seed| draw(seed) != draw(0)));
    for (count, from) in [(0, &train), (65, &train), (1, &dir.path().join("none"))] {
        let shots = Some(Shots { count, from, seed: 0 });
        assert_eq!(
            load(dir.path())
                .on(Track { told: SchemaInPrompt::Name, shots, ..Track::default() })
                .err()
                .unwrap()
                .exit_code(),
            2
        );
    }
}

/// A model that writes every field is held to that, shown it, and scored by what it means.
#[test]
fn nulls_for_absent_fields_are_asked_for_and_left_out_of_the_score() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let train = dir.path().join("train.jsonl");
    let shots = Some(Shots { count: 1, from: &train, seed: 0 });
    let asked = |absent| load(dir.path()).on(Track { shots, absent, ..Track::default() }).unwrap();
    let (plain, nulls) = (asked(AbsentFields::Omitted), asked(AbsentFields::Null));
    assert_eq!(messages(&plain, 0)[0], messages(&nulls, 0)[0], "the signature is the schema's in both");
    assert!(messages(&nulls, 1).len() == 2, "{:?}", messages(&nulls, 1));
    let shown = &messages(&nulls, 0)[2].1;
    assert!(["{\"x\":5,\"y\":null}", "{\"x\":6,\"y\":null}", "{\"x\":0,\"y\":4}"].contains(&shown.as_str()), "{shown}");
    let required = |suite: &Suite| match suite.request(0, true).constraint.unwrap().grammar {
        Grammar::JsonSchema(schema) => schema.get("required").cloned(),
        _ => unreachable!("it is a schema"),
    };
    assert_eq!((required(&plain), required(&nulls)), (None, Some(json!(["x", "y"]))));
    let outputs = ["{\"x\":1,\"y\":null}", "{}", "{\"x\":null,\"y\":null}"]
        .map(|text| Output { text: Some(text.to_owned()), ..Output::default() });
    let exact = |suite: &Suite| suite.score(&outputs).unwrap().samples.iter().map(|s| s.exact).collect::<Vec<_>>();
    assert_eq!(exact(&nulls), [true, true, false]);
    assert_eq!(exact(&plain), [false, true, false]);
    let answer = nulls.score(&outputs).unwrap().samples[0].answer.clone().unwrap();
    assert_eq!(answer.get(), "{\"x\":1}");
}

#[test]
fn a_result_fits_the_published_schema_and_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let predictions = dir.path().join("p.jsonl");
    std::fs::write(&predictions, "{\"id\":\"1\",\"output\":\"{\\\"x\\\":1}\"}\n").unwrap();
    let (suite, source, out) = (load(dir.path()), Source::Predictions(predictions.clone()), dir.path().join("out"));
    let keep = Keep { dir: &out, stale: Stale::Refuse };
    let written = evaluate_into(&suite, &source, keep, &|_, _| {}).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let result: Value = serde_json::from_slice(&std::fs::read(&written.result_file).unwrap()).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&result).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for (pointer, value) in [
        ("/protocol/metric_version", Value::Null),
        ("/overall/json_exact/low", Value::Null),
        ("/protocol/mode", json!("guessed")),
        ("/protocol/data/sha256", json!("abc")),
        ("/protocol/predictions", Value::Null),
        ("/overall", json!({})),
    ] {
        let mut wrong = result.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
    assert_eq!(filed(&suite, &source, &out).unwrap(), Some((written.result_file.clone(), result.clone())));
    let mut other = result;
    other["protocol"]["metric_version"] = json!(0);
    std::fs::write(&written.result_file, other.to_string()).unwrap();
    assert_eq!(filed(&suite, &source, &out).unwrap(), None);
    let e = check_version("r.json", "edge-json", 0, 1).unwrap_err();
    assert!(
        e.exit_code() == 2 && e.to_string().contains("r.json: its scores are edge-json's of metric version 0"),
        "{e}"
    );
}
