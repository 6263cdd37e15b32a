//! How is a gold value written as the answer a model is trained to give?
//!
//! Compact JSON: no spaces, object keys in the order of the schema's properties (unknown keys after them, in their own
//! order), strings with the fewest escapes, numbers as the gold writes them. The keys of an object that is a
//! [set of slots](answer_order::is_slots) keep the gold's order, which is the text's where people annotated it: a model then labels the
//! next words instead of going through all labels there are. A model that writes [absent fields](AbsentFields) as `null` has those in
//! its answer too, and whoever asked it gets the answer [without them](without_absent).

use std::fmt;

use bantam_formats::answer_order;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::absent_fields::{self, AbsentFields};
use crate::signature::resolve;

/// Deeper parts are copied as they stand: the readers never let such values in, and recursion must end.
const MAX_DEPTH: usize = 128;

/// The canonical answer of a gold value under its schema.
pub fn canonical_answer(value: &RawValue, schema: &Value, absent: AbsentFields) -> String {
    let mut out = String::with_capacity(value.get().len());
    let nulls = if absent.writes_nulls(schema) { Nulls::Fill } else { Nulls::Keep };
    write(value, Some(Governed { root: schema, part: schema, plain: true, nulls }), MAX_DEPTH, &mut out);
    out
}

/// An answer of a model that writes `absent` fields so, as it is meant under its schema: without the nulls that stand for absent fields. Keys and
/// numbers stay as they are, also where a key comes twice; a text that is no JSON stays as it is.
pub fn without_absent(answer: &str, schema: &Value, absent: AbsentFields) -> String {
    let read = if absent.writes_nulls(schema) { serde_json::from_str::<&RawValue>(answer).ok() } else { None };
    let Some(value) = read else { return answer.to_owned() };
    let mut out = String::with_capacity(answer.len());
    write(value, Some(Governed { root: schema, part: schema, plain: true, nulls: Nulls::Drop }), MAX_DEPTH, &mut out);
    out
}

/// The same value without insignificant whitespace; keys keep their order.
pub fn compact(value: &RawValue) -> Box<RawValue> {
    let mut out = String::with_capacity(value.get().len());
    write(value, None, MAX_DEPTH, &mut out);
    // What `write` makes of valid JSON is valid JSON; should that ever be false, the input is still right.
    RawValue::from_string(out).unwrap_or_else(|_| value.to_owned())
}

/// What becomes of nulls that stand for absent fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// Nothing: there are none.
    Keep,
    /// They are written.
    Fill,
    /// They are left out; keys stay in their order.
    Drop,
}

/// What a schema says of a value.
#[derive(Clone, Copy)]
struct Governed<'a> {
    root: &'a Value,
    /// The part that governs the value.
    part: &'a Value,
    /// Whether there are only closed objects above it, whose place is theirs alone.
    plain: bool,
    nulls: Nulls,
}

fn write(value: &RawValue, schema: Option<Governed<'_>>, depth: usize, out: &mut String) {
    let text = value.get();
    let first = text.trim_start().as_bytes().first().copied();
    let read = if depth == 0 { None } else { first };
    match read {
        Some(b'{') => {
            let Ok(Entries(mut entries)) = serde_json::from_str::<Entries>(text) else { return out.push_str(text) };
            let object = schema.and_then(|s| object(s.root, s.part, &entries));
            let properties = object.and_then(|object| object.get("properties")?.as_object());
            let plain = schema.is_some_and(|s| s.plain && answer_order::closed_object(s.part).is_some());
            let any_order = schema.is_some_and(|s| s.plain && answer_order::is_slots(s.part));
            let nulls = schema.map_or(Nulls::Keep, |s| s.nulls);
            let is_filled = |name: &str, part: &Value| {
                let known = schema.zip(object).filter(|_| nulls != Nulls::Keep && !any_order);
                known.is_some_and(|(s, object)| absent_fields::is_filled(s.root, object, name, part))
            };
            match (nulls, properties) {
                (Nulls::Fill, Some(properties)) => {
                    let absent = |name: &str| entries.iter().all(|(key, _)| key != name);
                    let absent = properties.iter().filter(|(name, part)| absent(name) && is_filled(name, part));
                    let absent: Vec<_> = absent.map(|(name, _)| (name.clone(), RawValue::NULL.to_owned())).collect();
                    entries.extend(absent);
                }
                (Nulls::Drop, Some(properties)) => entries.retain(|(key, value)| {
                    value.get() != "null" || !properties.get(key).is_some_and(|part| is_filled(key, part))
                }),
                _ => {}
            }
            if let Some(properties) = properties.filter(|_| !any_order && nulls != Nulls::Drop) {
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
                let below =
                    schema.zip(of_key).map(|(s, part)| Governed { part, plain: plain && !is_filled(key, part), ..s });
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
                let below =
                    schema.and_then(|s| Some(Governed { part: element_schema(s.root, s.part, i)?, plain: false, ..s }));
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

/// The keywords of the schema whose properties govern an object: its own, or the first alternative whose constants it has (a call is
/// governed by its own function), or the first that has any properties.
fn object<'a>(root: &'a Value, part: &'a Value, entries: &[(String, Box<RawValue>)]) -> Option<&'a Map<String, Value>> {
    let with_properties =
        |part: &'a Value| part.as_object().filter(|o| o.get("properties").is_some_and(Value::is_object));
    let part = resolve(root, part)?;
    if let Some(found) = with_properties(part) {
        return Some(found);
    }
    let all = || alternatives(part).filter_map(|p| with_properties(resolve(root, p)?));
    let has = |(name, schema): (&String, &Value)| {
        let Some(constant) = schema.get("const") else { return true };
        let value = entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
        value.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| value == *constant))
    };
    let is_it = |object: &&Map<String, Value>| object["properties"].as_object().into_iter().flatten().all(has);
    all().find(is_it).or_else(|| all().next())
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
    use super::AbsentFields::{Null, Omitted};
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
        assert_eq!(canonical_answer(&gold, &schema, Omitted), r#"{"b":12.50,"a":[{"y":"é\n","x":1}],"z":null}"#);
        assert_eq!(compact(&gold).get(), r#"{"z":null,"a":[{"x":1,"y":"é\n"}],"b":12.50}"#);
    }

    #[test]
    fn slots_keep_the_order_of_the_gold() {
        let slots = json!({"properties": {"b": {}, "a": {}}, "additionalProperties": false});
        let schema = json!({"properties": {"intent": {}, "slots": slots}, "required": ["intent"], "additionalProperties": false});
        let gold = raw(r#"{"slots":{"a":1,"b":2},"intent":"i"}"#);
        assert_eq!(canonical_answer(&gold, &schema, Omitted), r#"{"intent":"i","slots":{"a":1,"b":2}}"#);
    }

    #[test]
    fn absent_fields_are_filled_with_nulls_and_dropped_again() {
        let part = json!({"properties": {"u": {"type": "string"}, "v": {"type": "number"}}, "required": ["v"]});
        let schema = json!({"properties": {"a": {"type": "string"}, "n": {"type": ["string", "null"]}, "p": part, "l": {"type": "array", "items": part}}});
        let gold = raw(r#"{"l":[{"v":1.50},{"v":2,"u":"w"}],"n":null,"z":null}"#);
        let written = r#"{"a":null,"n":null,"p":null,"l":[{"u":null,"v":1.50},{"u":"w","v":2}],"z":null}"#;
        assert_eq!(canonical_answer(&gold, &schema, Null), written);
        let meant = r#"{"n":null,"l":[{"v":1.50},{"u":"w","v":2}],"z":null}"#;
        assert_eq!(without_absent(written, &schema, Null), meant);
        assert_eq!(canonical_answer(&gold, &schema, Omitted), meant);
        assert_eq!(without_absent(written, &schema, Omitted), written);
        assert_eq!(
            canonical_answer(&raw(r#"{"p":{"v":1}}"#), &schema, Null),
            r#"{"a":null,"p":{"u":null,"v":1},"l":null}"#
        );
    }

    #[test]
    fn an_answer_without_nulls_keeps_its_keys_and_what_is_no_answer() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]});
        let dropped = |text: &str| without_absent(text, &schema, Null);
        assert_eq!(dropped(r#"{"b":null,"a":null,"a":"x","a":"y"}"#), r#"{"b":null,"a":"x","a":"y"}"#);
        assert_eq!(dropped("{\"a\":null"), "{\"a\":null");
        assert_eq!(dropped("null"), "null");
    }

    #[test]
    fn slots_are_not_filled() {
        let slots =
            json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "additionalProperties": false});
        let schema = json!({"properties": {"slots": slots, "t": {"type": "string"}}, "required": ["slots"], "additionalProperties": false});
        let gold = raw(r#"{"slots":{"b":"x"}}"#);
        assert_eq!(canonical_answer(&gold, &schema, Null), r#"{"slots":{"b":"x"},"t":null}"#);
        // Where they may be null they are no slots to whoever holds the model to its schema, and are filled.
        let optional = json!({"properties": {"slots": slots, "t": {"type": "string"}}, "required": ["t"], "additionalProperties": false});
        let gold = raw(r#"{"t":"y","slots":{"b":"x"}}"#);
        assert_eq!(canonical_answer(&gold, &optional, Null), r#"{"slots":{"a":null,"b":"x"},"t":"y"}"#);
    }

    #[test]
    fn alternatives_and_self_references_are_followed() {
        let schema = json!({"anyOf": [{"type": "null"}, {"properties": {"v": {}, "next": {"$ref": "#"}}}]});
        let gold = raw(r#"{"next":{"next":null,"v":2},"v":1}"#);
        assert_eq!(canonical_answer(&gold, &schema, Omitted), r#"{"v":1,"next":{"v":2,"next":null}}"#);
        let cyclic = json!({"$ref": "#"});
        assert_eq!(canonical_answer(&gold, &cyclic, Omitted), gold.get());
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
        assert_eq!(canonical_answer(&gold, &schema, Omitted), expected);
    }

    #[test]
    fn hostile_depth_does_not_overflow() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(canonical_answer(&raw(&deep), &json!({}), Omitted), deep);
        assert_eq!(without_absent(&deep, &json!({}), AbsentFields::Null), deep);
    }
}
