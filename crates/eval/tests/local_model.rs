//! The suite with a model of random weights: what it says is noise, but under the constraint it is valid noise, the same
//! for any number of threads, and what cannot be done is said.

mod random_model;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bantam_data::prompt::CHAT_TEMPLATE;
use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::harness::{self, Answerer as _, Candidates, Constraint, Grammar, Keep, Request, Source, Stale};
use bantam_eval::local_model::{LocalModel, ModelOptions};
use bantam_eval::result::{Evaluation, Mode, file_stem};
use bantam_formats::ModelArtifact;
use bantam_runtime::{LoadOptions, Model, Session};
use random_model::RandomModel;
use serde_json::{Value, json};

const TEXTS: [&str; 4] = [
    "Name: Ada, 36 years",
    "Name: Linus\nAge: 52",
    "{\"name\":\"Rosa\",\"age\":7,\"paid\":true}",
    "I am Emil, and I paid.",
];

fn write_model(dir: &Path, context: usize, chat: bool) -> PathBuf {
    let path = dir.join(format!("noise-{context}-{chat}"));
    let chat_template = chat.then_some(CHAT_TEMPLATE);
    RandomModel { texts: &TEXTS, vocab_size: 300, layers: 2, context, chat_template, seed: 3 }.write(&path);
    path
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0,
        "maximum": 99}, "paid": {"type": "boolean"}}, "required": ["name", "age"], "additionalProperties": false})
}

fn write_items(dir: &Path, schema: &Value) -> (PathBuf, PathBuf) {
    let schemas = dir.join("schemas");
    std::fs::create_dir_all(&schemas).unwrap();
    std::fs::write(schemas.join("person.json"), schema.to_string()).unwrap();
    let line = |(i, text): (usize, &&str)| {
        let item = json!({"id": format!("i{i}"), "schema_id": "person", "complexity": "simple", "style": "prose", "prompt": text,
            "expected_output": {"name": "Ada", "age": 36}});
        format!("{item}\n")
    };
    let data = dir.join("test.jsonl");
    std::fs::write(&data, TEXTS.iter().enumerate().map(line).collect::<String>()).unwrap();
    (data, schemas)
}

fn evaluate(dir: &Path, schema: &Value, model: &Path, options: ModelOptions) -> bantam_core::Result<Evaluation> {
    let (data, schemas) = write_items(dir, schema);
    let suite = Suite::load(Inputs { data: &data, schemas: &schemas, limit: None })?;
    let source = Source::Model { path: model.to_owned(), options };
    harness::evaluate(&suite, &source, None, &|_, _| {}).map(|(evaluation, _)| evaluation)
}

#[test]
fn constrained_noise_is_valid_and_threads_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let model = write_model(dir.path(), 512, true);
    let options = ModelOptions { constrained: true, max_new_tokens: 120, threads: 1 };
    let one = evaluate(dir.path(), &schema(), &model, options).unwrap();
    let result = &one.result;
    assert_eq!(result.protocol.mode, Mode::Constrained);
    assert_eq!(result.tables.overall.schema_compliance.value, 1.0, "{:?}", one.samples);
    let decoding = result.protocol.decoding.as_ref().unwrap();
    assert!(decoding.prompt.starts_with("chat template") && decoding.constraint.is_some());
    assert_eq!(result.protocol.artifact.as_ref().unwrap().path, model.display().to_string());
    let two = evaluate(dir.path(), &schema(), &model, ModelOptions { threads: 2, ..options }).unwrap();
    assert_eq!(two.result.content_hash().unwrap(), result.content_hash().unwrap());
    let free = evaluate(dir.path(), &schema(), &model, ModelOptions { constrained: false, ..options }).unwrap();
    let stem = |of: &bantam_eval::result::SuiteResult| file_stem(&of.suite, &of.model, &of.protocol);
    assert_ne!(stem(&free.result), stem(result));
    assert_eq!(free.result.tables.overall.json_exact.n, 4);

    let out = dir.path().join("results");
    let (result_file, samples_file) = one.write(&out).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&result_file).unwrap()).unwrap();
    for key in [
        "suite",
        "n",
        "overall",
        "by_level",
        "by_style",
        "by_schema_seen",
        "by_template_seen",
        "by_level_style",
        "floors",
        "protocol",
    ] {
        assert!(written.get(key).is_some(), "{key}");
    }
    assert_eq!(
        written["overall"]["json_exact"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["value", "low", "high", "n"]
    );
    assert!(written["floors"]["rule"]["by_level"]["simple"]["field_f1"]["value"].is_number());
    assert_eq!(serde_json::from_value::<bantam_eval::result::SuiteResult>(written).unwrap(), one.result);
    assert_eq!(std::fs::read_to_string(samples_file).unwrap().lines().count(), 4);
}

/// Names the folder of the evaluation that [`evaluates_until_it_is_killed`] does.
const FOLDER: &str = "BANTAM_TEST_KILLED_EVALUATION";

fn evaluate_into(dir: &Path, out: &str, max_new_tokens: usize) -> bantam_core::Result<String> {
    let options = ModelOptions { constrained: false, max_new_tokens, threads: 1 };
    let (data, schemas) = (dir.join("many.jsonl"), dir.join("schemas"));
    let suite = Suite::load(Inputs { data: &data, schemas: &schemas, limit: None })?;
    let keep = Keep { dir: &dir.join(out), stale: Stale::Refuse };
    let source = Source::Model { path: dir.join("noise-512-true"), options };
    let written = harness::evaluate_into(&suite, &source, keep, &|_, _| {})?;
    Ok(std::fs::read_to_string(written.samples_file).unwrap())
}

#[test]
#[ignore = "the process that `a_killed_evaluation_goes_on` kills"]
fn evaluates_until_it_is_killed() {
    if let Some(dir) = std::env::var_os(FOLDER) {
        evaluate_into(Path::new(&dir), "killed", 200).unwrap();
    }
}

#[test]
fn a_killed_evaluation_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    write_model(dir.path(), 512, true);
    write_items(dir.path(), &schema());
    let line = |i: usize| {
        let item = json!({"id": format!("i{i}"), "schema_id": "person", "prompt": format!("{} {i}", TEXTS[i % 4]),
            "expected_output": {"name": "Ada", "age": 36}});
        format!("{item}\n")
    };
    std::fs::write(dir.path().join("many.jsonl"), (0..150).map(line).collect::<String>()).unwrap();
    let lines = || {
        let Ok(entries) = std::fs::read_dir(dir.path().join("killed")) else { return 0 };
        let partial = entries.map(|e| e.unwrap().path()).find(|p| p.to_string_lossy().ends_with(".partial.jsonl"));
        partial.map_or(0, |path| std::fs::read(path).unwrap_or_default().iter().filter(|b| **b == b'\n').count())
    };
    let mut kills = 0;
    for finished in [0, 2, 9, 10, 25, 40] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "evaluates_until_it_is_killed", "--ignored"])
            .env(FOLDER, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while lines() <= finished && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills >= 4, "it ended before it could be killed: {kills} kills");
    let e = evaluate_into(dir.path(), "killed", 199).unwrap_err();
    assert!(e.to_string().contains("/protocol/decoding/max_new_tokens: 200 there, 199 here"), "{e}");
    assert!(lines() > 40);
    let whole = evaluate_into(dir.path(), "whole", 200).unwrap();
    assert!(evaluate_into(dir.path(), "killed", 200).unwrap() == whole, "the samples repeat bit for bit");
    assert_eq!((whole.lines().count(), lines()), (150, 0));
}

#[test]
fn too_long_a_prompt_scores_zero_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let model = write_model(dir.path(), 16, false);
    let made = evaluate(dir.path(), &schema(), &model, ModelOptions::default()).unwrap();
    assert_eq!(made.result.tables.overall.json_exact, bantam_eval::statistics::Estimate::proportion(0, 4));
    assert!(made.samples.iter().all(|s| s.error.as_deref().is_some_and(|e| e.contains("the model's context 16"))));
    assert!(made.result.protocol.decoding.unwrap().prompt.starts_with("no chat template"));
}

#[test]
fn what_cannot_be_done_is_said_before_it_is_begun() {
    let dir = tempfile::tempdir().unwrap();
    let model = write_model(dir.path(), 128, true);
    let constrained = ModelOptions { constrained: true, ..ModelOptions::default() };
    let failing = |schema: Value, options| {
        let e = evaluate(dir.path(), &schema, &model, options).unwrap_err();
        assert_eq!(e.exit_code(), 2, "{e}");
        e.to_string()
    };
    // Valid, but beyond what the constraint engine can express.
    let e =
        failing(json!({"type": "object", "propertyNames": {"pattern": "^a"}, "not": {"required": ["b"]}}), constrained);
    assert!(e.contains("person.json") && e.contains("constraint engine"), "{e}");
    let e = failing(json!({"type": "objekt"}), ModelOptions::default());
    assert!(e.contains("person.json") && e.contains("not a valid schema"), "{e}");
    let e = failing(json!({"type": "string"}), ModelOptions::default());
    assert!(e.contains("neither an object nor an array"), "{e}");
    failing(schema(), ModelOptions { max_new_tokens: 0, ..constrained });
    let missing = evaluate(dir.path(), &schema(), &dir.path().join("none"), constrained).err().map(|e| e.exit_code());
    assert_eq!(missing, Some(2));
}

/// Chat prompt, candidates with and without their end, and the text beside them.
#[test]
fn candidates_are_weighed_by_the_models_own_distribution() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_model(dir.path(), 128, true);
    let model = LocalModel::open(&path, ModelOptions { max_new_tokens: 8, ..ModelOptions::default() }).unwrap();
    let texts = ["Ada", "Ada, 36", "", "Linus"].map(str::to_owned).to_vec();
    let asked = Request::chat("who", "Name: Ada", "ANSWER:");
    let plain = model.answer(&asked).unwrap();
    let artifact = ModelArtifact::open(&path).unwrap();
    let runtime = Model::load(&artifact, LoadOptions { threads: 1, ..Default::default() }).unwrap();
    let tokenizer = artifact.tokenizer().unwrap();
    let prompt = tokenizer.encode("<|system|>who<|user|>Name: Ada<|assistant|>", false);
    for ended in [false, true] {
        let candidates = Some(Arc::new(Candidates { texts: texts.clone(), ended }));
        let output = model.answer(&Request { candidates: candidates.clone(), ..asked.clone() }).unwrap();
        // Weighing leaves the text as it is.
        assert_eq!((&output.text, output.prompt_tokens), (&plain.text, prompt.len()));
        for (text, found) in texts.iter().zip(output.candidate_log_probabilities.unwrap()) {
            let mut tokens = tokenizer.encode(text, false);
            tokens.extend(ended.then_some(0));
            let rows = Session::new(&runtime).prefill_all(&[&prompt[..], &tokens].concat()).unwrap();
            let ln_p = |(i, token): (usize, &u32)| {
                let row = &rows[(prompt.len() - 1 + i) * 300..][..300];
                let row: Vec<f64> = row.iter().map(|l| f64::from(*l).exp()).collect();
                (row[*token as usize] / row.iter().sum::<f64>()).ln()
            };
            let expected: f64 = tokens.iter().enumerate().map(ln_p).sum();
            assert!((found - expected).abs() < 1e-5, "{text} {ended}: {found} {expected}");
        }
        let weighed = model.answer(&Request { candidates, text: false, ..asked.clone() }).unwrap();
        assert!(weighed.text.is_none() && weighed.note.is_none() && weighed.candidate_log_probabilities.is_some());
    }
    let long = Arc::new(Candidates { texts: vec!["Ada ".repeat(200)], ended: false });
    let output = model.answer(&Request { candidates: Some(long), ..asked }).unwrap();
    assert!(output.note.is_some_and(|note| note.contains("the model's context 128")));
}

#[test]
fn labels_regexes_and_grammars_hold_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let options = ModelOptions { constrained: true, max_new_tokens: 20, threads: 1 };
    let mut model = LocalModel::open(&write_model(dir.path(), 128, true), options).unwrap();
    let labels = ["light_on", "light", "say \"no\"\\", "ä"].map(str::to_owned).to_vec();
    let constraint =
        |name: &str, grammar| Constraint { name: name.into(), place: format!("{name} of item 3"), grammar };
    let mut ask = |constraint: Constraint, prepared: bool| {
        if prepared {
            model.prepare(&constraint).unwrap();
        }
        model.answer(&Request { constraint: Some(constraint), ..Request::chat("", "Linus", "") }).unwrap()
    };
    for prepared in [true, false] {
        let said = ask(constraint("labels", Grammar::Labels(Arc::new(labels.clone()))), prepared).text.unwrap();
        assert!(labels.contains(&said), "{said}");
        let said = ask(constraint("regex", Grammar::Regex("[ab]{3}".into())), prepared).text.unwrap();
        assert!(said.len() == 3 && said.chars().all(|c| "ab".contains(c)), "{said}");
        let said = ask(constraint("lark", Grammar::Lark(r#"start: "[" "x"? "]""#.into())), prepared).text.unwrap();
        assert!(["[]", "[x]"].contains(&said.as_str()), "{said}");
    }
    // An item's own constraint that is none is the item's failure.
    let output = ask(constraint("broken", Grammar::Regex("(".into())), false);
    assert!(
        output.text.is_none() && output.note.as_ref().is_some_and(|n| n.contains("broken of item 3")),
        "{output:?}"
    );
}
