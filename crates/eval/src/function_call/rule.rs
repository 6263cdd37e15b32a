//! What does a rule without any learning answer? The floor of the device set.
//!
//! It calls the function offered whose name shares most words with the text (none: `[]`) and fills parameters by type: an
//! enum's value where it is in the text, numbers in their order, `on` and `off`, a time, an identifier of capitals and
//! digits, or what follows `the`; a required parameter without a value is asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::decimal::Decimal;
use crate::json::Json;

/// The rule in words, for a result's protocol.
pub const DEFINITION: &str = "the function offered whose name shares most words with the text; enum values found in it, numbers in \
    order, on/off, HH:MM, identifiers, or the words after `the`; a required parameter without a value is asked for; no word in common: []";

/// The rule's answer to a text under the schema of an answer.
pub fn answer(text: &str, schema: &Value) -> Json {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let shared = |call: &Value| {
        let name = call.pointer("/properties/name/const").and_then(Value::as_str).unwrap_or_default();
        name_words(name).iter().filter(|w| words.contains(&w.as_str())).count()
    };
    let mut best: Option<(usize, &Value)> = None;
    for call in calls(schema) {
        let count = shared(call);
        if count > best.map_or(0, |(most, _)| most) {
            best = Some((count, call));
        }
    }
    let Some((_, call)) = best else { return Json::Array(Vec::new()) };
    filled(text, &lower, &words, call)
}

/// The schemas of the calls in that of an answer.
pub(crate) fn calls(schema: &Value) -> Vec<&Value> {
    if schema.pointer("/properties/name/const").is_some() {
        return vec![schema];
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    alternatives.chain(schema.get("items")).flat_map(calls).collect()
}

/// `setLight` and `set_light` are of two words.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

fn filled(text: &str, lower: &str, words: &[&str], call: &Value) -> Json {
    let arguments = &call["properties"]["arguments"];
    let mut numbers = text.split_whitespace().filter_map(number);
    let mut found = BTreeMap::new();
    for (name, part) in arguments["properties"].as_object().into_iter().flatten() {
        let value = match (part.get("enum").and_then(Value::as_array), part["type"].as_str()) {
            (Some(values), _) => {
                let stated = |v: &&str| lower.contains(&v.replace('_', " "));
                values.iter().filter_map(Value::as_str).find(stated).map(|v| Json::String(v.to_owned()))
            }
            (_, Some("integer" | "number")) => numbers.next().map(Json::Number),
            (_, Some("boolean")) => match (words.contains(&"on"), words.contains(&"off")) {
                (false, false) => None,
                (on, _) => Some(Json::Bool(on)),
            },
            (_, Some("array")) => after_the(text).map(|v| Json::Array(vec![Json::String(v)])),
            _ if part.get("pattern").is_some() => text.split_whitespace().find_map(clock).map(Json::String),
            _ => identifier(text).or_else(|| after_the(text)).map(Json::String),
        };
        if let Some(value) = value {
            found.insert(name.clone(), value);
        }
    }
    let required = arguments["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<Json> =
        required.filter(|name| !found.contains_key(*name)).map(|name| Json::String(name.to_owned())).collect();
    if !missing.is_empty() {
        return Json::Object([("missing".to_owned(), Json::Array(missing))].into());
    }
    let name = call.pointer("/properties/name/const").and_then(Value::as_str).unwrap_or_default();
    let call = [("name".to_owned(), Json::String(name.to_owned())), ("arguments".to_owned(), Json::Object(found))];
    Json::Array(vec![Json::Object(call.into())])
}

fn number(word: &str) -> Option<Decimal> {
    let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { Decimal::from_literal(digits) } else { None }
}

fn clock(word: &str) -> Option<String> {
    let (hour, minute) = word.trim_end_matches(|c: char| !c.is_ascii_digit()).split_once(':')?;
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

fn identifier(text: &str) -> Option<String> {
    let fits = |w: &&str| {
        let has = |of: fn(&u8) -> bool| w.as_bytes().iter().any(of);
        has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && !has(u8::is_ascii_lowercase)
    };
    text.split_whitespace().map(|w| w.trim_end_matches([',', '.', '?', ';'])).find(fits).map(str::to_owned)
}

fn after_the(text: &str) -> Option<String> {
    let rest = text.split_once(" the ")?.1;
    let end = [" to ", " at ", " in ", " for ", " with ", ",", ".", "?"].into_iter().filter_map(|e| rest.find(e)).min();
    Some(rest[..end.unwrap_or(rest.len())].trim().to_owned()).filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rule_calls_asks_or_refuses() {
        let call = |name: &str, properties: Value, required: Value| {
            json!({"type": "object", "properties": {"name": {"const": name}, "arguments":
                {"type": "object", "properties": properties, "required": required}}, "required": ["name", "arguments"]})
        };
        let dim = call(
            "dimLights",
            json!({"room": {"type": "string"}, "level": {"type": "integer"}}),
            json!(["room", "level"]),
        );
        let fog =
            call("toggle_fog", json!({"on": {"type": "boolean"}, "w": {"enum": ["front", "rear_left"]}}), json!([]));
        let schema = json!({"anyOf": [{"type": "array", "items": {"anyOf": [dim, fog]}}, {"type": "object"}]});
        let said = |text: &str| answer(text, &schema).to_string();
        assert_eq!(
            said("please dim the kitchen to 40 %"),
            r#"[{"arguments":{"level":40,"room":"kitchen"},"name":"dimLights"}]"#
        );
        assert_eq!(said("dim lights"), r#"{"missing":["room","level"]}"#);
        assert_eq!(
            said("turn the rear left fog light on"),
            r#"[{"arguments":{"on":true,"w":"rear_left"},"name":"toggle_fog"}]"#
        );
        assert_eq!(said("tell me a joke"), "[]");
    }
}
