//! JSON Schemas as the constraint engine gets them.

use bantam_formats::subschemas::{each_subschema, subschemas};
use llguidance::JsonCompileOptions;
use serde_json::{Map, Value};

/// The schema with the engine's options: compact JSON, [no properties but those it names](close), and `format` only where it is to
/// bind. An error says why it has no instances.
pub(super) fn prepare(schema: &Value, assert_formats: bool) -> Result<Value, String> {
    let mut schema = schema.clone();
    if !joins_schemas(&schema) {
        close(&mut schema);
    }
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

/// Keywords with which an object's named properties are not all that it may need.
const OPEN: [&str; 6] = [
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "dependentRequired",
];

/// Allows an object that names properties, and says nothing of others, these alone, as deep as there are such objects. A schema is
/// silent on other properties mostly because nobody thought of them, and where they are allowed a model may write the name of its
/// neighbour's property, or its own again: a duplicate, which the engine does not see.
fn close(schema: &mut Value) {
    let Value::Object(keys) = schema else { return };
    let named = keys.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty());
    let required = keys.get("required").and_then(Value::as_array);
    let suffices = |named: &Map<String, Value>| {
        required.into_iter().flatten().all(|name| name.as_str().is_some_and(|name| named.contains_key(name)))
    };
    if named.is_some_and(suffices) && !OPEN.iter().any(|key| keys.contains_key(*key)) {
        keys.insert("additionalProperties".into(), Value::Bool(false));
    }
    each_subschema(keys, |_, part| close(part));
}

/// Whether some object must be valid by several schemas at once: closing one of them would shut the others' properties out.
fn joins_schemas(schema: &Value) -> bool {
    let has = |key: &str| schema.get(key).is_some();
    let beside = ["anyOf", "oneOf", "if", "not", "$ref", "dependentSchemas", "dependencies"].into_iter().any(has);
    let joined = has("allOf") || beside && (has("properties") || has("required"));
    joined || subschemas(schema).iter().any(|(_, part)| joins_schemas(part))
}

/// Removes `format` from a schema and all schemas inside it, but no property of that name.
fn drop_formats(schema: &mut Value) {
    let Value::Object(keys) = schema else { return };
    keys.shift_remove("format");
    each_subschema(keys, |_, part| drop_formats(part));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn closed(mut schema: Value) -> Value {
        close(&mut schema);
        schema
    }

    #[test]
    fn objects_that_say_nothing_of_other_properties_get_none() {
        let inner = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        let outer = closed(json!({"properties": {"list": {"items": inner}, "one": inner}}));
        for pointer in ["", "/properties/list/items", "/properties/one"] {
            assert_eq!(outer.pointer(pointer).unwrap()["additionalProperties"], false, "{pointer}");
        }
        let choice = closed(json!({"anyOf": [inner, {"type": "null"}]}));
        assert_eq!(choice["anyOf"][0]["additionalProperties"], false);
        let named = closed(json!({"$defs": {"x": inner}, "properties": {"y": {"$ref": "#/$defs/x"}}}));
        assert_eq!(named["$defs"]["x"]["additionalProperties"], false);
    }

    #[test]
    fn objects_that_may_need_other_properties_keep_them() {
        for open in [
            json!({"type": "object"}),
            json!({"properties": {}}),
            json!({"properties": {"a": {}}, "additionalProperties": true}),
            json!({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
            json!({"properties": {"a": {}}, "patternProperties": {"^x": {}}}),
            json!({"properties": {"a": {}}, "required": ["b"]}),
            json!({"properties": {"a": {}}, "minProperties": 2}),
        ] {
            assert_eq!(closed(open.clone()), open);
        }
        for joined in [
            json!({"properties": {"a": {"allOf": [{"properties": {"b": {}}}]}}}),
            json!({"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}}, {"properties": {"c": {}}}]}),
            json!({"required": ["b"], "oneOf": [{"properties": {"b": {}}}]}),
            json!({"$defs": {"x": {"properties": {"b": {}}}}, "properties": {"a": {}}, "$ref": "#/$defs/x"}),
        ] {
            assert!(joins_schemas(&joined), "{joined}");
            let prepared = prepare(&joined, false).unwrap();
            assert!(!prepared.to_string().contains("additionalProperties"), "{prepared}");
        }
        assert!(!joins_schemas(&json!({"properties": {"allOf": {"type": "string"}}})));
    }
}
