//! From texts and predictions to a filed result: what is counted, and what cannot be read.

use std::path::{Path, PathBuf};

use bantam_data::prompt::SchemaInPrompt;
use bantam_eval::harness::{self, Answerer, Asked, Constraint, Keep, Output, Request, Source, Stale};
use bantam_eval::intent::suite::{Ask, Options, Suite, Texts};
use bantam_eval::result::MadeBy;
use serde_json::{Value, json};

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Two intents and texts out of scope; `yes` texts hold the word, so that the linear floor can learn it.
fn clinc(dir: &Path) -> PathBuf {
    let pairs = |word: &str, n: usize| -> Vec<Value> {
        let words = ["really", "maybe", "surely", "well", "now", "then", "here", "there"];
        (0..n).map(|i| json!([format!("{word} {} {}", words[i % 8], words[(i / 8) % 8]), word])).collect()
    };
    let oos = |n: usize| -> Vec<Value> { (0..n).map(|i| json!([format!("why is {i} odd"), "oos"])).collect() };
    let both = |a, b| [pairs("yes", a), pairs("no", b)].concat();
    let data = json!({"train": both(20, 12), "oos_train": oos(6),
                      "val": both(6, 6), "oos_val": oos(4)});
    write(dir, "clinc.json", &data.to_string())
}

fn load(dir: &Path, options: Options) -> Suite {
    Suite::load(&Texts::Clinc { file: clinc(dir), split: "val".into() }, options).unwrap()
}

#[test]
fn every_kind_of_output_is_counted_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let suite = load(dir.path(), Options::default());
    let line = |id: String, output: &str| json!({"id": id, "output": output}).to_string() + "\n";
    let mut predictions = String::new();
    // Six `yes`: right in four ways, one other label, one no label. Of six `no` one is missing.
    for (i, output) in [
        r#"{"intent":"yes"}"#,
        " yes\n",
        r#"Sure: {"intent": "yes"} - done"#,
        r#"{"intent":"yes","slots":{}}"#,
        r#"{"intent":"no"}"#,
        r#"{"intent":"perhaps"}"#,
    ]
    .iter()
    .enumerate()
    {
        predictions += &line(format!("clinc150_val_{i:05}"), output);
    }
    for i in 7..12 {
        predictions += &line(format!("clinc150_val_{i:05}"), if i < 9 { "oos" } else { r#"{"intent":"no"}"# });
    }
    for (i, output) in ["oos", r#"{"intent":"oos"}"#, "yes", "{broken"].iter().enumerate() {
        predictions += &line(format!("clinc150_oos_val_{i:05}"), output);
    }
    let file = write(dir.path(), "p.jsonl", &predictions);
    let keep = Keep { dir: &dir.path().join("out"), stale: Stale::Refuse };
    let written = harness::evaluate_into(&suite, &Source::Predictions(file), keep, &|_, _| {}).unwrap();
    let result: Value = serde_json::from_slice(&std::fs::read(&written.result_file).unwrap()).unwrap();
    let value = |name: &str| result["overall"][name]["value"].as_f64().unwrap();
    assert_eq!((result["n"].as_u64(), value("accuracy")), (Some(16), 9.0 / 16.0));
    assert_eq!(value("in_scope_accuracy"), 7.0 / 12.0);
    assert_eq!(value("invalid_rate"), 3.0 / 16.0);
    assert_eq!((value("oos_recall"), value("oos_precision")), (0.5, 0.5));
    // yes: 4 right, 6 gold, 5 said; no: 3, 6, 4; oos: 2, 4, 4.
    let macro_f1 = (8.0 / 11.0 + 6.0 / 10.0 + 4.0 / 8.0) / 3.0;
    assert!((value("macro_f1") - macro_f1).abs() < 1e-12);
    assert!(result["overall"].get("ece").is_none() && result["overall"].get("exact").is_none());
    assert_eq!(result["confusions"][0], json!({"intent": "no", "taken_for": "oos", "count": 2}));
    let floor = &result["floors"]["linear"]["overall"];
    assert_eq!(floor["in_scope_accuracy"]["value"], 1.0);
    assert!(floor["oos_auroc"]["value"].as_f64().unwrap() > 0.99 && floor["ece"].is_object());
    assert_eq!(result["floors"]["majority"]["overall"]["accuracy"]["value"], 6.0 / 16.0);
    let samples = std::fs::read_to_string(&written.samples_file).unwrap();
    let sample = samples.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let missing = sample.into_iter().find(|s| s["id"] == "clinc150_val_00006").unwrap();
    assert_eq!((&missing["predicted"], &missing["scores"]["accuracy"]), (&Value::Null, &json!(false)));
    assert_eq!(missing["error"], "no line in the predictions file");
    assert_eq!(missing["floors"]["linear"]["accuracy"], true);
}

/// Says `yes` to everything, and finds the right label second most probable for `no`.
struct Weighs;

impl Answerer for Weighs {
    fn prepare(&mut self, _: &Constraint) -> bantam_core::Result<()> {
        Ok(())
    }

    fn answer(&self, request: &Request) -> bantam_core::Result<Output> {
        let asked = request.prompt.plain();
        let candidates = request.candidates.as_ref().unwrap();
        assert_eq!(candidates.texts, [r#"{"intent":"no"}"#, r#"{"intent":"yes"}"#, r#"{"intent":"oos"}"#]);
        assert!(candidates.ended && !request.text);
        let logs = if asked.contains("why") { [-9.0, -8.0, -1.0] } else { [-2.0, -1.0, -9.0] };
        Ok(Output { candidate_log_probabilities: Some(logs.to_vec()), ..Output::default() })
    }
}

#[test]
fn weighed_labels_have_calibration_areas_and_no_invalid_ones() {
    let dir = tempfile::tempdir().unwrap();
    let suite = load(dir.path(), Options { ask: Ask::Weighed, told: SchemaInPrompt::Name, ..Default::default() });
    let asked = Asked {
        answerer: &mut Weighs,
        name: "weighs".into(),
        made_by: MadeBy::default(),
        constrained: false,
        threads: 1,
    };
    let (evaluation, _) = harness::evaluate_answerer(&suite, asked, None, &|_, _| {}).unwrap();
    let overall = &evaluation.result.tables.overall;
    assert_eq!((overall.accuracy.value, overall.invalid_rate.value), (10.0 / 16.0, 0.0));
    assert_eq!((overall.top3.unwrap().value, overall.oos_recall.unwrap().value), (1.0, 1.0));
    assert_eq!((overall.oos_auroc.unwrap().value, overall.oos_auroc_max.unwrap().value), (1.0, 1.0));
    let (yes, oos) = (1.0 / (1.0 + (-1f64).exp() + (-8f64).exp()), 1.0 / (1.0 + (-7f64).exp() + (-8f64).exp()));
    let ece = (12.0 * (yes - 0.5) + 4.0 * (1.0 - oos)) / 16.0;
    assert!((overall.ece.unwrap().value - ece).abs() < 1e-12);
    assert_eq!(evaluation.result.protocol.track.as_deref(), Some("val_name_weighed"));
}

#[test]
fn slots_count_where_the_taxonomy_has_some() {
    let dir = tempfile::tempdir().unwrap();
    let taxonomy = r#"{"name":"t","intents":[{"name":"on","domain":"home","slots":[{"name":"room"}]},{"name":"off"}]}"#;
    let lines = r#"{"id":"a","text":"den on","intent":"on","slots":{"room":"den"},"kind":"clean","template_seen":false}
{"id":"b","text":"off","intent":"off"}
{"id":"c","text":"hall on","intent":"on","slots":{"room":"hall"}}"#;
    let file = write(dir.path(), "items.jsonl", lines);
    let texts = Texts::Items {
        file: file.clone(),
        taxonomy: write(dir.path(), "t.json", taxonomy),
        train: write(dir.path(), "train.jsonl", lines),
    };
    let suite = Suite::load(&texts, Options::default()).unwrap();
    let predictions = r#"{"id":"a","output":"{\"intent\":\"on\",\"slots\":{\"room\":\"den\"}}"}
{"id":"b","output":"{\"intent\":\"off\",\"slots\":{}}"}
{"id":"c","output":"{\"intent\":\"on\",\"slots\":{\"room\":[\"hall\"]}}"}"#;
    let found = harness::score_predictions(&suite, &write(dir.path(), "p.jsonl", predictions)).unwrap();
    let tables = &found.result.tables;
    assert_eq!((tables.overall.accuracy.value, tables.overall.exact.unwrap().value), (1.0, 2.0 / 3.0));
    assert_eq!((tables.by_kind["clean"].accuracy.n, tables.by_template_seen["unseen"].accuracy.n), (1, 1));
    assert_eq!(tables.by_domain["home"].accuracy.n, 2);
    assert!(found.result.versus_floors["linear"].exact.is_some());
}

#[test]
fn what_cannot_be_judged_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = clinc(dir.path());
    let told = |texts: &Texts, options: Options, part: &str| {
        let e = Suite::load(texts, options).err().unwrap();
        assert!(e.exit_code() == 2 && e.to_string().contains(part), "{e}");
    };
    let of = |split: &str| Texts::Clinc { file: file.clone(), split: split.into() };
    told(&of("train"), Options::default(), "judge on `val` or `test`");
    told(&of("test"), Options::default(), "no texts to judge on");
    told(&of("val"), Options { limit: Some(0), ..Default::default() }, "--limit");
    let train = write(dir.path(), "train.csv", "text,category\na,x\nb,y\n");
    let test = write(dir.path(), "test.csv", "text,category\na,x\nb,z\n");
    told(&Texts::Banking { file: test, train }, Options::default(), "which the training texts lack");
}
