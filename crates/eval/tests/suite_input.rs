//! What is wrong with a suite's files is said with file and place, before anything runs.

use std::path::Path;

use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::harness::score_predictions;
use serde_json::json;

/// Evaluates one item with this gold (as text) and schema against one prediction.
fn evaluate(dir: &Path, gold: &str, schema: &str, limit: Option<usize>) -> Result<f64, String> {
    let schemas = dir.join("schemas");
    std::fs::create_dir_all(&schemas).unwrap();
    std::fs::write(schemas.join("s.json"), schema).unwrap();
    let data = dir.join("data.jsonl");
    let item =
        |id: &str| format!("{{\"id\":\"{id}\",\"schema_id\":\"s\",\"prompt\":\"p\",\"expected_output\":{gold}}}\n");
    std::fs::write(&data, item("a") + &item("b")).unwrap();
    let predictions = dir.join("p.jsonl");
    std::fs::write(&predictions, format!("{}\n", json!({"id": "a", "output": gold}))).unwrap();
    let suite = Suite::load(Inputs { data: &data, schemas: &schemas, limit });
    let made = suite.and_then(|suite| score_predictions(&suite, &predictions));
    made.map(|e| e.result.tables.overall.json_exact.value).map_err(|e| {
        assert_eq!(e.exit_code(), 2, "{e}");
        e.to_string()
    })
}

#[test]
fn a_missing_output_stays_in_the_denominator() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(evaluate(dir.path(), "{\"a\":1}", "{}", None), Ok(0.5));
    assert_eq!(evaluate(dir.path(), "{\"a\":1}", "{}", Some(1)), Ok(1.0));
    assert_eq!(evaluate(dir.path(), "{\"a\":1}", "{}", Some(9)), Ok(0.5));
}

#[test]
fn broken_golds_schemas_and_limits_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let failing = |gold: &str, schema: &str, limit| evaluate(dir.path(), gold, schema, limit).unwrap_err();
    let e = failing("{\"a\":1,\"a\":2}", "{}", None);
    assert!(e.contains("data.jsonl: item `a`") && e.contains("duplicate key"), "{e}");
    let e = failing("{}", "{\"type\":\"objekt\"}", None);
    assert!(e.contains("s.json") && e.contains("not a valid schema"), "{e}");
    let e = failing("{}", "{\"$ref\":\"elsewhere.json\"}", None);
    assert!(e.contains("s.json"), "{e}");
    assert!(failing("{}", "{", None).contains("s.json"));
    assert!(failing("{}", "{}", Some(0)).contains("no items"));
    std::fs::write(dir.path().join("schemas/t.json"), "{}").unwrap();
    let data = dir.path().join("other.jsonl");
    std::fs::write(&data, "{\"id\":\"a\",\"schema_id\":\"gone\",\"prompt\":\"\",\"expected_output\":{}}").unwrap();
    let schemas = dir.path().join("schemas");
    let inputs = Inputs { data: &data, schemas: &schemas, limit: None };
    let e = Suite::load(inputs).err().unwrap();
    assert!(e.exit_code() == 2 && e.to_string().contains("gone"), "{e}");
    assert!(e.to_string().contains("other.jsonl"), "{e}");
}
