//! JSON Schemas as the constraint engine gets them.

use llguidance::JsonCompileOptions;
use serde_json::{Map, Value};

/// The schema with the engine's options: compact JSON, and `format` only where it is to bind. An error says why it has no instances.
pub(super) fn prepare(schema: &Value, assert_formats: bool) -> Result<Value, String> {
    let mut schema = schema.clone();
    if !assert_formats {
        drop_formats(&mut schema);
    }
    match &mut schema {
        Value::Object(keys) => {
            // An engine's private options do not belong to the schema.
            keys.shift_remove("x-guidance");
            let options = JsonCompileOptions { whitespace_flexible: false, ..JsonCompileOptions::default() };
            options.apply_to(&mut schema);
            Ok(schema)
        }
        Value::Bool(true) => Ok(serde_json::json!({"x-guidance": {"whitespace_flexible": false}})),
        Value::Bool(false) => Err("the schema `false` has no instances".into()),
        _ => Err("a schema is an object or `true`".into()),
    }
}

/// Removes `format` from a schema and all schemas inside it, but no property of that name.
fn drop_formats(schema: &mut Value) {
    let Value::Object(keys) = schema else { return };
    keys.shift_remove("format");
    each_subschema(keys, |_, part| drop_formats(part));
}

/// Visits the schemas directly inside a schema, each with the keyword that it stands under.
pub(super) fn each_subschema(keys: &mut Map<String, Value>, mut visit: impl FnMut(&str, &mut Value)) {
    for (key, value) in keys {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(parts)) => {
                parts.values_mut().for_each(|part| visit(key, part));
            }
            ("prefixItems" | "items" | "anyOf" | "oneOf" | "allOf", Value::Array(parts)) => {
                parts.iter_mut().for_each(|part| visit(key, part));
            }
            ("items" | "additionalProperties" | "additionalItems", part) => visit(key, part),
            _ => {}
        }
    }
}

/// The schemas inside a schema, each with the JSON pointer that leads to it.
pub(super) fn subschemas(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in schema.as_object().into_iter().flatten() {
        let key_of = |k: &str| format!("/{key}/{}", k.replace('~', "~0").replace('/', "~1"));
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(parts)) => {
                found.extend(parts.iter().map(|(k, part)| (key_of(k), part)));
            }
            ("prefixItems" | "items" | "anyOf" | "oneOf" | "allOf", Value::Array(parts)) => {
                found.extend(parts.iter().enumerate().map(|(i, part)| (key_of(&i.to_string()), part)));
            }
            ("items" | "additionalProperties" | "additionalItems", Value::Object(_)) => {
                found.push((format!("/{key}"), value));
            }
            _ => {}
        }
    }
    found
}
