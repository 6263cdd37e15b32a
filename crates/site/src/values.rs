//! Nested values as rows of name and text, and JSON as people read it.

use std::fmt;

use bantam_eval::result::{Protocol, Timing};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::numbers::{bytes, percent, short_hash, thousands};

/// Rows shown of one value.
const MOST_ROWS: usize = 200;

/// The leaves of a value by their path ("made › data › train.jsonl"); lists of plain values are one row.
pub fn flat(value: &Value) -> Vec<(String, String)> {
    fn plain(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(n) => match (n.as_u64(), n.as_f64()) {
                (Some(n), _) => n.to_string(),
                (None, Some(f)) => {
                    let text = format!("{f:.4}");
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                }
                _ => n.to_string(),
            },
            other => other.to_string(),
        }
    }
    fn walk(value: &Value, path: &str, rows: &mut Vec<(String, String)>) {
        let below = |name: &str| {
            if path.is_empty() { name.replace('_', " ") } else { format!("{path} › {}", name.replace('_', " ")) }
        };
        match value {
            Value::Object(members) if members.is_empty() => {}
            Value::Object(members) if members.keys().eq(["count", "of", "rate"]) => {
                let share = percent(value["rate"].as_f64().unwrap_or_default());
                rows.push((
                    path.to_owned(),
                    format!("{} of {} ({share} %)", plain(&value["count"]), plain(&value["of"])),
                ));
            }
            Value::Object(members) => members.iter().for_each(|(k, v)| walk(v, &below(k), rows)),
            Value::Array(items) if items.iter().all(|v| !v.is_object() && !v.is_array()) => {
                rows.push((path.to_owned(), items.iter().map(plain).collect::<Vec<_>>().join(" ")));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, v)| walk(v, &below(&(i + 1).to_string()), rows))
            }
            Value::Null => {}
            leaf => rows.push((path.to_owned(), plain(leaf))),
        }
    }
    let mut rows = Vec::new();
    walk(value, "", &mut rows);
    if rows.len() > MOST_ROWS {
        let more = rows.len() - MOST_ROWS;
        rows.truncate(MOST_ROWS);
        rows.push(("and more".to_owned(), format!("{more} rows")));
    }
    rows
}

/// The value without these members: what is told elsewhere, or at length.
pub fn without(value: &Value, names: &[&str]) -> Value {
    let mut rest = value.clone();
    if let Some(members) = rest.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
    rest
}

/// The overlap report without what is long: the generator's configuration and the counts by split, level and style.
pub fn brief_overlap(overlap: &Value) -> Value {
    without(overlap, &["config", "items"])
}

/// The lineage without the scores, which have tables of their own.
pub fn brief_lineage(lineage: &Value) -> Value {
    let mut brief = lineage.clone();
    if let Some(made) = brief.get_mut("made") {
        *made = without(made, &["results"]);
    }
    brief
}

/// What is an evaluation's own in its protocol.
pub fn protocol_rows(protocol: &Protocol, timing: Option<&Timing>, n: usize) -> Vec<(&'static str, String)> {
    let source = |s: &bantam_eval::result::Source| format!("{} (SHA-256 {})", s.name, short_hash(&s.sha256));
    let mut rows = vec![("data", source(&protocol.data))];
    rows.extend(protocol.schemas.as_ref().map(|schemas| ("schemas", source(schemas))));
    rows.extend(protocol.track.as_ref().map(|track| ("track", track.clone())));
    rows.push(("items", protocol.limit.map_or_else(|| thousands(n as u64), |limit| format!("the first {limit}"))));
    rows.extend(protocol.valid_golds.map(|valid| {
        ("golds valid by their schema", format!("{} of {}", thousands(valid as u64), thousands(n as u64)))
    }));
    if let Some(predictions) = &protocol.predictions {
        rows.push(("predictions", source(predictions)));
    }
    if let Some(a) = &protocol.artifact {
        let hash = short_hash(&a.sha256);
        rows.push(("artifact", format!("{} ({}, SHA-256 {hash})", a.path, a.kind)));
        rows.push(("size", format!("{}, {} parameters", bytes(a.bytes), thousands(a.parameters))));
    }
    rows.extend(protocol.server.as_ref().map(|server| ("server", format!("{} at {}", server.model, server.url))));
    if let Some(d) = &protocol.decoding {
        rows.push(("prompt", d.prompt.clone()));
        rows.push((
            "decoding",
            match d.context {
                Some(context) => format!("{}, at most {} new tokens, context {context}", d.strategy, d.max_new_tokens),
                None => format!("{}, at most {} new tokens", d.strategy, d.max_new_tokens),
            },
        ));
        rows.push(("constraint", d.constraint.clone().unwrap_or_else(|| "none".to_owned())));
        if let Some(template) = &d.chat_template {
            rows.push(("chat template", template.clone()));
        }
    }
    if let Some(t) = timing {
        let tokens = format!("{} prompt and {} new tokens", thousands(t.prompt_tokens), thousands(t.generated_tokens));
        rows.push(("time", format!("{:.1} s for {tokens}, {} at a time", t.wall_s, t.threads)));
    }
    rows
}

/// Containers up to this many characters stay on one line.
const ONE_LINE: usize = 64;

/// JSON text with line breaks and indents; keys keep their order, numbers and strings their spelling. Text that is not
/// JSON comes back as it is.
pub fn pretty(json: &str) -> String {
    let mut out = String::new();
    write_pretty(&mut out, json.trim(), 0);
    out
}

fn write_pretty(out: &mut String, json: &str, depth: usize) {
    let Parts { open, close, parts } = match Parts::of(json) {
        Some(parts) if one_line(json).chars().count() > ONE_LINE => parts,
        _ => return out.push_str(&one_line(json)),
    };
    out.push(open);
    for (i, (key, value)) in parts.iter().enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        out.push_str(key);
        write_pretty(out, value.get(), depth + 1);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

fn one_line(json: &str) -> String {
    let Some(Parts { open, close, parts }) = Parts::of(json) else { return json.to_owned() };
    let parts: Vec<String> = parts.iter().map(|(key, value)| format!("{key}{}", one_line(value.get()))).collect();
    format!("{open}{}{close}", parts.join(", "))
}

/// A container's brackets, and the members of an object (keys as JSON with their colon) or the items of an array, in order.
struct Parts<'a> {
    open: char,
    close: char,
    parts: Vec<(String, &'a RawValue)>,
}

impl<'a> Parts<'a> {
    fn of(json: &'a str) -> Option<Self> {
        json.starts_with(['{', '[']).then(|| serde_json::from_str(json).ok()).flatten()
    }
}

impl<'a> Deserialize<'a> for Parts<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'a> Visitor<'a> for InOrder {
            type Value = Parts<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Parts<'a>, M::Error> {
                let mut parts = Vec::new();
                while let Some((key, value)) = members.next_entry::<String, &RawValue>()? {
                    parts.push((format!("{}: ", Value::String(key)), value));
                }
                Ok(Parts { open: '{', close: '}', parts })
            }

            fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<Parts<'a>, S::Error> {
                let mut parts = Vec::new();
                while let Some(value) = items.next_element::<&RawValue>()? {
                    parts.push((String::new(), value));
                }
                Ok(Parts { open: '[', close: ']', parts })
            }
        }
        from.deserialize_any(InOrder)
    }
}

/// At most `most` characters, saying so where there are more.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\n[... {} more characters]", &text[..at], text[at..].chars().count()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_rows() {
        let rows = flat(
            &json!({"made": {"seed": 7, "data": {"train.jsonl": "ab"}, "none": {}}, "command": ["bantam", "run"], "f": 0.25, "duplicates": {"count": 3, "of": 60, "rate": 0.05}}),
        );
        let expected = [
            ("made › seed", "7"),
            ("made › data › train.jsonl", "ab"),
            ("command", "bantam run"),
            ("f", "0.25"),
            ("duplicates", "3 of 60 (5.0 %)"),
        ];
        assert_eq!(rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn pretty_json_keeps_every_literal() {
        let text =
            r#"{"b":1.50,"a":[],"c":{"d":"x, \"y\": {z}\\"},"e":[1e5, {"long":"0123456789012345678901234567890"}]}"#;
        let expected = "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"c\": {\"d\": \"x, \\\"y\\\": {z}\\\\\"},\n  \"e\": [1e5, \
            {\"long\": \"0123456789012345678901234567890\"}]\n}";
        assert_eq!(pretty(text), expected);
        assert_eq!(pretty("}}]"), "}}]");
        assert_eq!(pretty("{\"a\":"), "{\"a\":");
    }
}
