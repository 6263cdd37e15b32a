//! How is a gold value written as the answer a model is trained to give?
//!
//! Compact JSON: no spaces, object keys in the order of the schema's properties (unknown keys after them, in their own
//! order), strings with the fewest escapes, numbers as the gold writes them. The keys of an object that is a
//! [set of slots](answer_order::is_slots) keep the gold's order, which is the text's where people annotated it: a model then labels the
//! next words instead of going through all labels there are.

use std::fmt;

use bantam_formats::answer_order;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::signature::resolve;

/// Deeper parts are copied as they stand: the readers never let such values in, and recursion must end.
const MAX_DEPTH: usize = 128;

/// The canonical answer of a gold value under its schema.
pub fn canonical_answer(value: &RawValue, schema: &Value) -> String {
    let mut out = String::with_capacity(value.get().len());
    write(value, Some(Governed { root: schema, part: schema, plain: true }), MAX_DEPTH, &mut out);
    out
}

/// The same value without insignificant whitespace; keys keep their order.
pub fn compact(value: &RawValue) -> Box<RawValue> {
    let mut out = String::with_capacity(value.get().len());
    write(value, None, MAX_DEPTH, &mut out);
    // What `write` makes of valid JSON is valid JSON; should that ever be false, the input is still right.
    RawValue::from_string(out).unwrap_or_else(|_| value.to_owned())
}

/// What a schema says of a value.
#[derive(Clone, Copy)]
struct Governed<'a> {
    root: &'a Value,
    /// The part that governs the value.
    part: &'a Value,
    /// Whether there are only closed objects above it.
    plain: bool,
}

fn write(value: &RawValue, schema: Option<Governed<'_>>, depth: usize, out: &mut String) {
    let text = value.get();
    let first = text.trim_start().as_bytes().first().copied();
    let read = if depth == 0 { None } else { first };
    match read {
        Some(b'{') => {
            let Ok(Entries(mut entries)) = serde_json::from_str::<Entries>(text) else { return out.push_str(text) };
            let properties = schema.and_then(|s| properties(s.root, s.part, &entries));
            let plain = schema.is_some_and(|s| s.plain && answer_order::closed_object(s.part).is_some());
            let any_order = schema.is_some_and(|s| s.plain && answer_order::is_slots(s.part));
            if let Some(properties) = properties.filter(|_| !any_order) {
                let rank = |key: &str| properties.iter().position(|(name, _)| *name == key).unwrap_or(usize::MAX);
                entries.sort_by_key(|(key, _)| rank(key));
            }
            out.push('{');
            for (i, (key, part)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                let of_key = properties.and_then(|p| p.get(key.as_str()));
                let below = schema.zip(of_key).map(|(s, part)| Governed { root: s.root, part, plain });
                write(part, below, depth - 1, out);
            }
            out.push('}');
        }
        Some(b'[') => {
            let Ok(Elements(elements)) = serde_json::from_str::<Elements>(text) else { return out.push_str(text) };
            out.push('[');
            for (i, part) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let below = schema.and_then(|Governed { root, part, .. }| {
                    Some(Governed { root, part: element_schema(root, part, i)?, plain: false })
                });
                write(part, below, depth - 1, out);
            }
            out.push(']');
        }
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(s) => out.push_str(&quoted(&s)),
            Err(_) => out.push_str(text),
        },
        _ => out.push_str(text.trim()),
    }
}

/// A JSON string literal with the fewest escapes.
pub(crate) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// The properties that govern an object: its own, or those of the first alternative whose constants it has (a call is
/// governed by its own function), or of the first that has any.
fn properties<'a>(
    root: &'a Value,
    part: &'a Value,
    entries: &[(String, Box<RawValue>)],
) -> Option<&'a serde_json::Map<String, Value>> {
    let part = resolve(root, part)?;
    if let Some(found) = part.get("properties").and_then(Value::as_object) {
        return Some(found);
    }
    let all = || alternatives(part).filter_map(|p| resolve(root, p)?.get("properties")?.as_object());
    let has = |(name, schema): (&String, &Value)| {
        let Some(constant) = schema.get("const") else { return true };
        let value = entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
        value.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| value == *constant))
    };
    all().find(|properties| properties.iter().all(has)).or_else(|| all().next())
}

fn element_schema<'a>(root: &'a Value, part: &'a Value, index: usize) -> Option<&'a Value> {
    let part = resolve(root, part)?;
    let of = |s: &'a Value| s.get("prefixItems").and_then(|p| p.get(index)).or_else(|| s.get("items"));
    of(part).or_else(|| alternatives(part).find_map(|p| of(resolve(root, p)?)))
}

fn alternatives(part: &Value) -> impl Iterator<Item = &Value> {
    ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|k| part.get(k)?.as_array()).flatten()
}

/// An object's entries in their order, values unread.
struct Entries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(V)
    }
}

/// An array's elements, unread.
struct Elements(Vec<Box<RawValue>>);

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Elements;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.into()).unwrap()
    }

    #[test]
    fn keys_follow_the_schema_at_every_depth_and_numbers_stay_as_written() {
        let schema = json!({"properties": {"b": {"type": "number"}, "a": {"items": {"$ref": "#/$defs/p"}}},
            "$defs": {"p": {"properties": {"y": {}, "x": {}}}}});
        let gold = raw("{ \"z\" : null, \"a\": [ {\"x\":1, \"y\":\"\\u00e9\\n\"} ], \"b\": 12.50 }");
        assert_eq!(canonical_answer(&gold, &schema), r#"{"b":12.50,"a":[{"y":"é\n","x":1}],"z":null}"#);
        assert_eq!(compact(&gold).get(), r#"{"z":null,"a":[{"x":1,"y":"é\n"}],"b":12.50}"#);
    }

    #[test]
    fn slots_keep_the_order_of_the_gold() {
        let slots = json!({"properties": {"b": {}, "a": {}}, "additionalProperties": false});
        let schema = json!({"properties": {"intent": {}, "slots": slots}, "required": ["intent"], "additionalProperties": false});
        let gold = raw(r#"{"slots":{"a":1,"b":2},"intent":"i"}"#);
        assert_eq!(canonical_answer(&gold, &schema), r#"{"intent":"i","slots":{"a":1,"b":2}}"#);
    }

    #[test]
    fn alternatives_and_self_references_are_followed() {
        let schema = json!({"anyOf": [{"type": "null"}, {"properties": {"v": {}, "next": {"$ref": "#"}}}]});
        let gold = raw(r#"{"next":{"next":null,"v":2},"v":1}"#);
        assert_eq!(canonical_answer(&gold, &schema), r#"{"v":1,"next":{"v":2,"next":null}}"#);
        let cyclic = json!({"$ref": "#"});
        assert_eq!(canonical_answer(&gold, &cyclic), gold.get());
    }

    #[test]
    fn an_alternative_is_chosen_by_its_constants() {
        let call = |name: &str, keys: [&str; 2]| {
            let arguments: serde_json::Map<_, _> = keys.into_iter().map(|k| (k.to_owned(), json!({}))).collect();
            json!({"properties": {"name": {"const": name}, "arguments": {"properties": arguments}}})
        };
        let schema = json!({"items": {"anyOf": [call("f", ["a", "b"]), call("g", ["b", "a"])]}});
        let gold = raw(r#"[{"name":"g","arguments":{"a":1,"b":2}},{"arguments":{"b":2,"a":1},"name":"f"}]"#);
        let expected = r#"[{"name":"g","arguments":{"b":2,"a":1}},{"name":"f","arguments":{"a":1,"b":2}}]"#;
        assert_eq!(canonical_answer(&gold, &schema), expected);
    }

    #[test]
    fn hostile_depth_does_not_overflow() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(canonical_answer(&raw(&deep), &json!({})), deep);
    }
}
