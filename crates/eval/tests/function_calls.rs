//! The function-calling suite from files to results: golds are right in any order and both syntaxes, failures count as wrong,
//! the floors stand beside.

use std::io::Write;
use std::path::{Path, PathBuf};

use bantam_data::function_call::{GenerateConfig, generate};
use bantam_eval::function_call::Literal;
use bantam_eval::function_call::suite::{Set, Suite, Syntax, Tables};
use bantam_eval::harness::{self, EvaluationOf};
use serde_json::{Value, json};

fn device_set(dir: &Path) -> Vec<bantam_data::item::Item> {
    let config = GenerateConfig { train: 20, valid: 5, test: 120, test_tool_sets: 40, ..GenerateConfig::default() };
    let data = generate(&config).unwrap();
    data.write(&dir.join("set")).unwrap();
    data.test
}

fn scored(dir: &Path, syntax: Syntax, outputs: &[(String, String)]) -> EvaluationOf<Suite> {
    let (data, schemas) = (dir.join("set/test.jsonl"), dir.join("set/schemas"));
    let suite = Suite::load(Set::Device { data: &data, schemas: &schemas }, syntax, None).unwrap();
    harness::score_predictions(&suite, &predictions(dir, outputs)).unwrap()
}

fn predictions(dir: &Path, outputs: &[(String, String)]) -> PathBuf {
    let path = dir.join("predictions.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for (id, output) in outputs {
        writeln!(file, "{}", json!({"id": id, "output": output})).unwrap();
    }
    path
}

/// The gold in Python's syntax, its calls in the opposite order.
fn in_python(gold: &Value) -> String {
    if gold["missing"].is_array() {
        return format!("missing(parameters={})", Literal::of_json(&gold["missing"]).repr());
    }
    let call = |call: &Value| {
        let argument = |(name, value): (&String, &Value)| format!("{name}={}", Literal::of_json(value).repr());
        let arguments: Vec<String> = call["arguments"].as_object().unwrap().iter().map(argument).collect();
        format!("{}({})", call["name"].as_str().unwrap(), arguments.join(", "))
    };
    let calls: Vec<String> = gold.as_array().unwrap().iter().rev().map(call).collect();
    format!("[{}]", calls.join(", "))
}

#[test]
fn golds_are_right_in_any_order_and_both_syntaxes() {
    let dir = tempfile::tempdir().unwrap();
    let items = device_set(dir.path());
    let outputs = |of: &dyn Fn(&Value) -> String| -> Vec<(String, String)> {
        let gold = |i: &bantam_data::item::Item| serde_json::from_str::<Value>(i.expected_output.get()).unwrap();
        items.iter().map(|i| (i.id.clone(), of(&gold(i)))).collect()
    };
    let reversed = |gold: &Value| match gold.as_array() {
        Some(calls) => Value::Array(calls.iter().rev().cloned().collect()).to_string(),
        None => gold.to_string(),
    };
    for (syntax, outputs) in [(Syntax::Json, outputs(&reversed)), (Syntax::Python, outputs(&in_python))] {
        let result = scored(dir.path(), syntax, &outputs).result;
        assert_eq!(result.tables.overall.exact.value, 1.0, "{syntax:?}");
        assert_eq!(result.tables.by_category.len(), 5);
        let floors = |name: &str| &result.floors[name].by_category;
        assert_eq!(floors("refuse")["irrelevant"].exact.value, 1.0);
        assert_eq!(floors("refuse")["simple"].exact.value, 0.0);
        let rule = result.floors["rule"].overall.exact.value;
        assert!((0.05..0.6).contains(&rule), "{rule}");
        assert!(result.protocol.track.as_deref().is_some_and(|t| t.starts_with("device_")));
    }
}

#[test]
fn wrong_calls_and_failures_stay_in_the_denominator() {
    let dir = tempfile::tempdir().unwrap();
    let items = device_set(dir.path());
    let of = |style: &str| items.iter().find(|i| i.style.as_deref() == Some(style)).unwrap();
    let (simple, missing, irrelevant) = (of("simple"), of("missing"), of("irrelevant"));
    let mut gold: Value = serde_json::from_str(simple.expected_output.get()).unwrap();
    gold[0]["arguments"] = json!({"made": "up"});
    let outputs = [
        (simple.id.clone(), gold.to_string()),
        (missing.id.clone(), r#"{"missing":["made up"]}"#.to_owned()),
        (irrelevant.id.clone(), "[{\"name\":".to_owned()),
    ];
    let evaluation = scored(dir.path(), Syntax::Json, &outputs);
    let of = |id: &str| evaluation.samples.iter().find(|s| s.id == id).unwrap();
    assert!(of(&simple.id).scores.right_functions && !of(&simple.id).scores.exact);
    assert!(!of(&missing.id).scores.exact && of(&missing.id).scores.decoded);
    // A failed parse is no refusal.
    assert!(!of(&irrelevant.id).scores.exact && !of(&irrelevant.id).scores.decoded);
    assert!(of(&irrelevant.id).error.is_some());
    let Tables { overall, .. } = evaluation.result.tables;
    assert_eq!((overall.exact.n, overall.exact.value), (120, 0.0));
}

#[test]
fn bfcl_files_are_read_as_published_and_broken_ones_named() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let item = |id: &str| {
        let function = json!({"name": "geo.find", "description": "", "parameters": {"type": "dict", "required": ["city"],
            "properties": {"city": {"type": "string"}, "near": {"type": "float"}}}});
        json!({"id": id, "question": [[{"role": "user", "content": "Find Bonn."}]], "function": [function]}).to_string()
    };
    write("BFCL_v4_simple_python.json", &item("simple_python_0"));
    write("BFCL_v4_irrelevance.json", &item("irrelevance_0"));
    let load = |syntax| Suite::load(Set::Bfcl { data: dir.path(), dots_as_underscores: false }, syntax, None);
    assert!(load(Syntax::Python).err().unwrap().to_string().contains("possible_answer"));
    let answer =
        json!({"id": "simple_python_0", "ground_truth": [{"geo.find": {"city": ["Bonn"], "near": ["", 2.0]}}]});
    write("possible_answer/BFCL_v4_simple_python.json", &answer.to_string());
    for (syntax, call, refusal, lenient, strict) in [
        (Syntax::Python, "[geo.find(city='bonn', near=2)]", "[geo.find(city=", 1.0, 0.5),
        (Syntax::Json, r#"[{"name":"geo.find","arguments":{"city":"Bonn"}}]"#, "I cannot.", 1.0, 1.0),
        (Syntax::Json, r#"[{"name":"geo.find","arguments":{"city":"Ulm"}}]"#, "[]", 0.5, 0.5),
    ] {
        let outputs =
            [("simple_python_0".to_owned(), call.to_owned()), ("irrelevance_0".to_owned(), refusal.to_owned())];
        let evaluation =
            harness::score_predictions(&load(syntax).unwrap(), &predictions(dir.path(), &outputs)).unwrap();
        let overall = evaluation.result.tables.overall;
        assert_eq!((overall.exact.value, overall.strict.value), (lenient, strict), "{call} {refusal}");
    }
    write("BFCL_v4_simple_python.json", "{\"id\": \"x\"}");
    let e = load(Syntax::Json).err().unwrap();
    assert!(e.exit_code() == 2 && e.to_string().contains("BFCL_v4_simple_python.json:1"), "{e}");
    let java = dir.path().join("BFCL_v4_simple_java.json");
    std::fs::write(&java, "").unwrap();
    assert_eq!(
        Suite::load(Set::Bfcl { data: &java, dots_as_underscores: false }, Syntax::Json, None)
            .err()
            .unwrap()
            .exit_code(),
        2
    );
}
