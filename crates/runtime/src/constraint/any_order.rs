//! Schemas with sets of slots, whose keys come in any order, as grammars.
//!
//! The engine compiles a schema's objects with their keys in the schema's order. Where the keys of a part come in any order
//! ([`answer_order`]), the objects from the root to it are written as rules of a grammar, and everything inside them stays a schema. A set of
//! slots is a rule with a number whose bits tell which keys were written: each comes at most once.

use std::fmt::Write as _;

use bantam_formats::answer_order;
use serde_json::{Map, Value, json};

use super::schema::prepare;

/// The grammar of a schema that [has slots](answer_order::has_slots), in llguidance's variant of Lark's syntax. An error says what has no
/// instances.
pub(super) fn grammar(schema: &Value, assert_formats: bool) -> Result<String, String> {
    let definitions = ["$defs", "definitions"].into_iter().filter_map(|key| Some((key, schema.get(key)?)));
    let definitions = definitions.map(|(key, value)| (key.to_owned(), value.clone())).collect();
    let mut writer = Writer { definitions, assert_formats, rules: Vec::new(), values: Vec::new() };
    let root = writer.object(schema)?;
    let mut text = format!("start: {root}\n");
    for rule in &writer.rules {
        let _ = writeln!(text, "{rule}");
    }
    for (at, value) in writer.values.iter().enumerate() {
        let _ = writeln!(text, "v{at}: %json {value}");
    }
    Ok(text)
}

struct Writer {
    /// What references inside a property lead to.
    definitions: Map<String, Value>,
    assert_formats: bool,
    /// Rules of objects, ready.
    rules: Vec<String>,
    /// Schemas of values as they were prepared; their rules are `v0`, `v1` and so on.
    values: Vec<Value>,
}

impl Writer {
    /// The rule of a closed object on the way to a set of slots, or of the set itself.
    fn object(&mut self, schema: &Value) -> Result<String, String> {
        let properties = answer_order::closed_object(schema).ok_or("not a closed object")?;
        let mut members = Vec::new();
        for (key, part) in properties {
            let value = if answer_order::has_slots(part) { self.object(part)? } else { self.value(part)? };
            let name = Value::String(format!("{}:", Value::String(key.clone())));
            members.push((format!("{name} {value}"), answer_order::required(schema).any(|r| r == key)));
        }
        let named = |key: &str| properties.contains_key(key);
        if let Some(other) = answer_order::required(schema).find(|key| !named(key)) {
            return Err(format!("the property {other:?} is required and never allowed"));
        }
        let name = format!("o{}", self.rules.len());
        let rule = if answer_order::is_slots(schema) { slots(&name, &members) } else { in_order(&name, &members) };
        self.rules.push(rule);
        Ok(name)
    }

    /// The rule of any value.
    fn value(&mut self, schema: &Value) -> Result<String, String> {
        let mut schema = match schema {
            Value::Bool(true) => json!({}),
            other => other.clone(),
        };
        if let Value::Object(keys) = &mut schema {
            for (key, content) in &self.definitions {
                keys.entry(key.clone()).or_insert_with(|| content.clone());
            }
        }
        let prepared = prepare(&schema, self.assert_formats)?;
        let known = self.values.iter().position(|known| *known == prepared);
        let at = known.unwrap_or_else(|| {
            self.values.push(prepared);
            self.values.len() - 1
        });
        Ok(format!("v{at}"))
    }
}

/// Each member at most once, in any order.
fn slots(name: &str, members: &[(String, bool)]) -> String {
    let mut rule = format!("{name}: \"{{}}\" | \"{{\" {name}i::0x0\n{name}i::_:");
    for (bit, (member, _)) in members.iter().enumerate() {
        let or = if bit > 0 { "\n  |" } else { "" };
        let _ = write!(rule, "{or} {member} {name}m::set_bit({bit}) %if bit_clear({bit})");
    }
    let _ = write!(rule, "\n{name}m::_: \"}}\" | \",\" {name}i::_ %if bit_count_lt(_, {})", members.len());
    rule
}

/// Members in their order, some of them (`true`) always.
fn in_order(name: &str, members: &[(String, bool)]) -> String {
    // `f`: nothing is written yet; `n`: something is.
    let mut rule = format!("{name}: \"{{\" {name}f0 \"}}\"");
    for (at, (member, always)) in members.iter().enumerate() {
        let next = at + 1;
        for (state, comma) in [("f", ""), ("n", "\",\" ")] {
            let _ = write!(rule, "\n{name}{state}{at}: {comma}{member} {name}n{next}");
            if !always {
                let _ = write!(rule, " | {name}{state}{next}");
            }
        }
    }
    for state in ["f", "n"] {
        let _ = write!(rule, "\n{name}{state}{}: \"\"", members.len());
    }
    rule
}
