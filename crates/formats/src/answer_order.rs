//! In what order do the keys of a JSON answer come?
//!
//! In the schema's, except in a set of slots, where they come in any: people annotate a text from its beginning to its end, and a model
//! that labels the next words of a text does what is far easier than to go through all labels that there are. What writes
//! answers to learn from and what holds decoding to a schema both ask here.

use serde_json::{Map, Value};

/// A set with more properties keeps the schema's order: which of them were written is kept in the bits of one number.
const MOST_SLOTS: usize = 64;

/// Keywords that a plain object may have.
const PLAIN: [&str; 13] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "title",
    "description",
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "default",
    "examples",
];

/// The properties of an object that has these and no others, and says nothing else about itself. Order is free only inside such
/// objects, from the root on.
pub fn closed_object(schema: &Value) -> Option<&Map<String, Value>> {
    let keywords = schema.as_object()?;
    let is_object = keywords.get("type").is_none_or(|t| t == "object");
    let closed = keywords.get("additionalProperties") == Some(&Value::Bool(false));
    let plain = keywords.keys().all(|k| PLAIN.contains(&k.as_str()));
    keywords.get("properties")?.as_object().filter(|_| is_object && closed && plain)
}

/// The names that an object requires.
pub fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a [closed object](closed_object) requires nothing: its properties, two at least, are slots that a text may fill.
pub fn is_slots(schema: &Value) -> bool {
    let count = closed_object(schema).map_or(0, Map::len);
    (2..=MOST_SLOTS).contains(&count) && required(schema).next().is_none()
}

/// Whether the answer to a schema has a part whose keys come in any order.
pub fn has_slots(schema: &Value) -> bool {
    is_slots(schema) || closed_object(schema).is_some_and(|properties| properties.values().any(has_slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn slots_are_closed_and_require_nothing() {
        let slots = json!({"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false});
        assert!(is_slots(&slots) && has_slots(&slots));
        let with = |key: &str, value: Value| {
            let mut other = slots.clone();
            other[key] = value;
            other
        };
        assert!(is_slots(&with("required", json!([]))) && is_slots(&with("title", json!("t"))));
        for (key, value) in [
            ("required", json!(["a"])),
            ("additionalProperties", json!(true)),
            ("properties", json!({"a": {}})),
            ("minProperties", json!(1)),
            ("type", json!(["object", "null"])),
        ] {
            assert!(!is_slots(&with(key, value)), "{key}");
        }
        let many: Map<String, Value> = (0..65).map(|i| (i.to_string(), json!({}))).collect();
        assert!(!is_slots(&with("properties", Value::Object(many))));
        assert!(!is_slots(&json!(true)) && !is_slots(&json!({"properties": 1})));
    }

    #[test]
    fn slots_are_found_inside_closed_objects_alone() {
        let slots = json!({"properties": {"a": {}, "b": {}}, "additionalProperties": false});
        let around = |closed: bool| json!({"properties": {"intent": {}, "slots": slots}, "required": ["intent"], "additionalProperties": !closed});
        assert!(has_slots(&around(true)) && !is_slots(&around(true)));
        assert!(!has_slots(&around(false)));
        assert!(!has_slots(&json!({"items": slots})));
    }
}
