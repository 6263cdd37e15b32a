//! Which schemas are there inside a JSON Schema?

use serde_json::{Map, Value};

/// Visits the schemas directly inside a schema, each with the keyword that it stands under.
pub fn each_subschema(keys: &mut Map<String, Value>, mut visit: impl FnMut(&str, &mut Value)) {
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
pub fn subschemas(schema: &Value) -> Vec<(String, &Value)> {
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
