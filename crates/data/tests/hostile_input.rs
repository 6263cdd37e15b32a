//! Do the readers and what is built from them survive any input?

use std::path::PathBuf;

use bantam_data::absent_fields::AbsentFields;
use bantam_data::canonical::without_absent;
use bantam_data::item;
use bantam_data::prompt::{canonical_answer, messages, schema_signature};
use bantam_data::schemas::{self, SchemaSet};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

const LINE: &str =
    r#"{"id":"a","schema_id":"s","complexity":"simple","prompt":"p \u00e9","expected_output":{"x":[1,{"y":null}]}}"#;

/// Any JSON value, with the words of schemas among the keys so that signatures are really built.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |f| f.is_finite()).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        prop::sample::select(vec!["object", "array", "string", "integer", "date", "#", "#/$defs/x", "#/properties/x"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let words =
            ["type", "properties", "items", "enum", "anyOf", "$ref", "$defs", "required", "const", "format", "x"];
        let key = prop_oneof![prop::sample::select(words.to_vec()).prop_map(str::to_owned), "\\PC{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|e| Value::Object(e.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A schema of nested objects and lists, closed or not, and a value that has some of its optional fields.
fn schema_and_value() -> impl Strategy<Value = (Value, Value)> {
    let leaf = prop_oneof![
        Just((json!({"type": "string"}), json!("x"))),
        Just((json!({"enum": [1, 2]}), json!(2))),
        Just((json!({"type": ["string", "null"]}), Value::Null)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let field = ("[a-e]", inner.clone(), prop::bool::weighted(0.3), any::<bool>());
        let object = (prop::collection::vec(field, 0..5), prop::bool::weighted(0.7)).prop_map(|(fields, closed)| {
            let (mut properties, mut required, mut value) = (Map::new(), Vec::new(), Map::new());
            for (name, (part, of_part), is_required, is_there) in fields {
                if properties.insert(name.clone(), part).is_some() {
                    value.remove(&name);
                    required.retain(|r| *r != name);
                }
                if is_required || is_there {
                    value.insert(name.clone(), of_part);
                }
                if is_required {
                    required.push(name);
                }
            }
            let mut schema = json!({"type": "object", "properties": properties, "required": required});
            if closed {
                schema["additionalProperties"] = json!(false);
            }
            (schema, Value::Object(value))
        });
        let list = (inner, 0..3usize).prop_map(|((part, value), count)| {
            (json!({"type": "array", "items": part}), Value::Array(vec![value; count]))
        });
        prop_oneof![3 => object, 1 => list]
    })
}

/// A value whose objects have no nulls.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            entries.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_items_or_an_input_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(e) = item::parse_jsonl("f", &bytes) {
            prop_assert_eq!(e.exit_code(), 2);
            prop_assert!(!e.to_string().contains('\n'));
        }
        let _ = schemas::parse("f", &bytes);
    }

    #[test]
    fn a_damaged_line_never_panics(at in 0usize..LINE.len(), with in any::<u8>(), cut in 0usize..LINE.len()) {
        let mut bytes = LINE.as_bytes().to_vec();
        bytes[at] = with;
        let _ = item::parse_jsonl("f", &bytes);
        bytes.truncate(cut);
        let _ = item::parse_jsonl("f", &bytes);
    }

    #[test]
    fn a_damaged_line_is_named(good in 0usize..20) {
        let mut text = String::new();
        for i in 0..good {
            text.push_str(&LINE.replace("\"a\"", &format!("\"a{i}\"")));
            text.push('\n');
        }
        text.push_str("{\"id\":");
        let e = item::parse_jsonl("f", text.as_bytes()).unwrap_err();
        let place = format!("f:{}: ", good + 1);
        prop_assert!(e.to_string().starts_with(&place), "{}", e);
    }

    #[test]
    fn any_json_has_a_signature(schema in any_json()) {
        prop_assert!(!schema_signature(&schema).is_empty());
    }

    #[test]
    fn the_canonical_answer_is_the_same_value_under_any_schema(value in any_json(), schema in any_json()) {
        let raw = RawValue::from_string(serde_json::to_string_pretty(&value).unwrap()).unwrap();
        let answer = canonical_answer(&raw, &schema, AbsentFields::Omitted);
        prop_assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), value);
        // Canonical means that another writing of the value gives the same answer.
        let again = RawValue::from_string(answer.clone()).unwrap();
        prop_assert_eq!(canonical_answer(&again, &schema, AbsentFields::Omitted), answer);
    }

    #[test]
    fn an_answer_with_nulls_for_absent_fields_gives_the_value_back((schema, value) in schema_and_value()) {
        let raw = RawValue::from_string(value.to_string()).unwrap();
        let answer = canonical_answer(&raw, &schema, AbsentFields::Null);
        let filled = jsonschema::draft202012::new(&AbsentFields::Null.schema(&schema)).unwrap();
        prop_assert!(filled.is_valid(&serde_json::from_str(&answer).unwrap()), "{}: {}", schema, answer);
        let back = without_absent(&answer, &schema, AbsentFields::Null);
        prop_assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), value);
    }
}

fn shared_data() -> Option<PathBuf> {
    let path = match std::env::var_os("BANTAM_SHARED_DATA") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no shared data at {} (set BANTAM_SHARED_DATA)", path.display());
    None
}

#[test]
fn public_sets_load_and_their_golds_keep_their_value() {
    let Some(dir) = shared_data() else { return };
    let sets = [("edgejson_v3", "edgejson_v3/schemas", 629), ("snips", "snips", 13_784), ("e2e", "e2e", 4_672)];
    for (set, schemas, rows) in sets {
        let items = item::read_jsonl(&dir.join(set).join("train.jsonl")).unwrap();
        assert_eq!(items.len(), rows, "{set}");
        let schemas = SchemaSet::load(&dir.join(schemas)).unwrap();
        for item in items.iter().step_by(7) {
            let schema = schemas.get(&item.schema_id).unwrap();
            let answer = canonical_answer(&item.expected_output, schema, AbsentFields::Omitted);
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), gold, "{}", item.id);
            let written = canonical_answer(&item.expected_output, schema, AbsentFields::Null);
            let back = without_absent(&written, schema, AbsentFields::Null);
            assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), without_nulls(gold), "{}", item.id);
            let [(_, system), (_, user)] = messages(item, schema);
            // One field of EdgeJSON v3 (`condition_value`) has no type.
            assert!(
                system.starts_with('{') && !system.replace("condition_value?:any", "").contains(":any"),
                "{system}"
            );
            assert_eq!(user, item.prompt);
        }
    }
    let e2e = SchemaSet::load(&dir.join("e2e")).unwrap();
    assert!(schema_signature(e2e.get("restaurant").unwrap()).contains(r#""customer rating"?:"1 out of 5"|"#));
    let snips = SchemaSet::load(&dir.join("snips")).unwrap();
    assert!(schema_signature(snips.get("snips").unwrap()).contains("slots:{album?:string|[string],artist?:"));
    assert_eq!(schema_signature(&json!(true)), "any");
}
