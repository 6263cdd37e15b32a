//! How is a JSON Schema told to a small model in few tokens?
//!
//! TypeScript-like: `{id:string,total:number,paid?:boolean,status:"a"|"b",items:[{sku:string,qty:integer}]}`. Properties
//! keep the schema's order, `?` marks those not required, a known string format stands for its type (`date`, `email`).
//! A call of a function, `{"name": "f", "arguments": {...}}`, is written `f(a:string,b?:integer)`, and the question for
//! parameters, `{"missing": [...]}` beside calls, `missing`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::canonical::quoted;

/// Nesting beyond this, and references into themselves, are written `any`.
const MAX_DEPTH: usize = 16;
/// References to references followed before giving up on a cycle.
const MAX_HOPS: usize = 16;

/// The compact signature of any JSON Schema. What it cannot say in this notation it writes as `any`.
pub fn schema_signature(schema: &Value) -> String {
    let mut out = String::new();
    Writer { root: schema, open_refs: Vec::new() }.write(schema, MAX_DEPTH, &mut out);
    out
}

/// Follows local references (`#`, `#/$defs/x`) to the schema meant; `None` for cycles, remote and dangling references.
pub(crate) fn resolve<'a>(root: &'a Value, mut part: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_HOPS {
        let Some(reference) = part.get("$ref").and_then(Value::as_str) else { return Some(part) };
        part = root.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

struct Writer<'a> {
    root: &'a Value,
    open_refs: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    fn write(&mut self, schema: &'a Value, depth: usize, out: &mut String) {
        let Some(map) = schema.as_object().filter(|_| depth > 0) else { return out.push_str("any") };
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let target = resolve(self.root, schema).filter(|_| !self.open_refs.contains(&reference));
            let Some(target) = target else { return out.push_str("any") };
            self.open_refs.push(reference);
            self.write(target, depth - 1, out);
            self.open_refs.pop();
            return;
        }
        if let Some(value) = map.get("const") {
            return out.push_str(&value.to_string());
        }
        if let Some(values) = map.get("enum").and_then(Value::as_array).filter(|v| !v.is_empty()) {
            return separated(values, "|", out, |value, out| out.push_str(&value.to_string()));
        }
        if let Some((name, arguments)) = function(map) {
            out.push_str(name);
            out.push('(');
            self.properties(arguments, depth, out);
            return out.push(')');
        }
        if map.contains_key("properties") {
            return self.object(map, depth, out);
        }
        for (key, separator) in [("anyOf", "|"), ("oneOf", "|"), ("allOf", "&")] {
            if let Some(parts) = map.get(key).and_then(Value::as_array).filter(|p| !p.is_empty()) {
                let beside_calls = parts.iter().any(lists_calls);
                return separated(parts, separator, out, |part, out| {
                    if beside_calls && asks_for_parameters(part) {
                        out.push_str("missing");
                    } else {
                        self.write(part, depth - 1, out);
                    }
                });
            }
        }
        match map.get("type") {
            Some(Value::String(kind)) => self.typed(kind, map, depth, out),
            Some(Value::Array(kinds)) if !kinds.is_empty() => separated(kinds, "|", out, |kind, out| {
                self.typed(kind.as_str().unwrap_or("any"), map, depth, out);
            }),
            _ if map.contains_key("items") || map.contains_key("prefixItems") => self.array(map, depth, out),
            _ => out.push_str("any"),
        }
    }

    fn typed(&mut self, kind: &str, map: &'a Map<String, Value>, depth: usize, out: &mut String) {
        match kind {
            "object" => self.object(map, depth, out),
            "array" => self.array(map, depth, out),
            "string" => out.push_str(match map.get("format").and_then(Value::as_str) {
                Some(f @ ("date" | "time" | "duration" | "email" | "uuid" | "uri" | "hostname" | "ipv4" | "ipv6")) => f,
                Some("date-time") => "datetime",
                _ => "string",
            }),
            "integer" | "number" | "boolean" | "null" => out.push_str(kind),
            _ => out.push_str("any"),
        }
    }

    fn object(&mut self, map: &'a Map<String, Value>, depth: usize, out: &mut String) {
        out.push('{');
        let any = self.properties(map, depth, out);
        // Free keys matter to the reader only where they are all there is.
        if !any && let Some(values @ Value::Object(_)) = map.get("additionalProperties") {
            out.push_str("*:");
            self.write(values, depth - 1, out);
        }
        out.push('}');
    }

    /// What stands between the brackets of an object or a function; whether there is anything.
    fn properties(&mut self, map: &'a Map<String, Value>, depth: usize, out: &mut String) -> bool {
        let required = map.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|r| r.iter().any(|v| v == name));
        let mut first = true;
        for (name, part) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            if is_plain(name) {
                out.push_str(name);
            } else {
                out.push_str(&quoted(name));
            }
            let _ = write!(out, "{}:", if is_required(name) { "" } else { "?" });
            self.write(part, depth - 1, out);
        }
        !first
    }

    fn array(&mut self, map: &'a Map<String, Value>, depth: usize, out: &mut String) {
        if let Some(parts) = map.get("prefixItems").and_then(Value::as_array) {
            out.push('(');
            separated(parts, ",", out, |part, out| self.write(part, depth - 1, out));
            return out.push(')');
        }
        out.push('[');
        if let Some(items) = map.get("items") {
            self.write(items, depth - 1, out);
        } else {
            out.push_str("any");
        }
        out.push(']');
    }
}

/// The function's name and its arguments' schema, if an object is a call: `name` a constant, `arguments` an object.
fn function(map: &Map<String, Value>) -> Option<(&str, &Map<String, Value>)> {
    let properties = map.get("properties")?.as_object().filter(|p| p.len() == 2)?;
    let name = properties.get("name")?.get("const")?.as_str()?;
    let required = map.get("required")?.as_array()?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let arguments = properties.get("arguments")?.as_object()?;
    let is_object = arguments.get("type").is_some_and(|t| t == "object");
    (plain && !name.is_empty() && required.len() == 2 && is_object).then_some((name, arguments))
}

/// Whether a schema is that of a list of calls.
fn lists_calls(schema: &Value) -> bool {
    let Some(items) = schema.get("items") else { return false };
    let is_call = |part: &Value| part.as_object().is_some_and(|map| function(map).is_some());
    let alternatives = items.get("anyOf").and_then(Value::as_array);
    is_call(items) || alternatives.is_some_and(|parts| parts.iter().all(is_call))
}

/// Whether a schema is that of `{"missing": [...]}`.
fn asks_for_parameters(schema: &Value) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|p| p.len() == 1 && p.get("missing").is_some_and(|m| m.get("items").is_some()))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn separated<'a>(parts: &'a [Value], by: &str, out: &mut String, mut each: impl FnMut(&'a Value, &mut String)) {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str(by);
        }
        each(part, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_notation_of_the_contract() {
        let schema = json!({"type": "object", "required": ["id", "total", "status", "items"], "properties": {
            "id": {"type": "string"}, "total": {"type": "number", "minimum": 0}, "paid": {"type": "boolean"},
            "status": {"enum": ["a", "b"]}, "due": {"type": "string", "format": "date"},
            "items": {"type": "array", "items": {"type": "object", "required": ["sku", "qty"],
                "properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}}}});
        assert_eq!(
            schema_signature(&schema),
            r#"{id:string,total:number,paid?:boolean,status:"a"|"b",due?:date,items:[{sku:string,qty:integer}]}"#
        );
    }

    #[test]
    fn alternatives_constants_references_and_the_unknown() {
        let schema = json!({"properties": {"two words": {"anyOf": [{"type": "string"}, {"type": "array",
            "items": {"type": "string"}}]}, "c": {"const": 3}, "n": {"type": ["integer", "null"]}, "r": {"$ref": "#/$defs/r"},
            "bad": {"$ref": "http://x/y"}, "t": {"prefixItems": [{"type": "number"}, true]}, "f": {"not": {}},
            "m": {"type": "object", "additionalProperties": {"type": "number"}}, "o": {"type": "object"}, "a": {"type": "array"}},
            "$defs": {"r": {"properties": {"self": {"$ref": "#/$defs/r"}}}}});
        assert_eq!(
            schema_signature(&schema),
            r#"{"two words"?:string|[string],c?:3,n?:integer|null,r?:{self?:any},bad?:any,t?:(number,any),f?:any,m?:{*:number},o?:{},a?:[any]}"#
        );
    }

    #[test]
    fn functions_are_written_as_functions() {
        let call = |name: &str, properties: Value, required: Value| {
            json!({"type": "object", "properties": {"name": {"const": name}, "arguments":
                {"type": "object", "properties": properties, "required": required}}, "required": ["name", "arguments"]})
        };
        let light =
            call("light.on", json!({"room": {"type": "string"}, "level": {"type": "integer"}}), json!(["room"]));
        let stop = call("stop", json!({}), json!([]));
        let missing =
            json!({"type": "object", "properties": {"missing": {"type": "array", "items": {"enum": ["room"]}}}});
        let list = json!({"type": "array", "items": {"anyOf": [light, stop]}});
        assert_eq!(schema_signature(&list), "[light.on(room:string,level?:integer)|stop()]");
        let both = json!({"anyOf": [list, missing]});
        assert_eq!(schema_signature(&both), "[light.on(room:string,level?:integer)|stop()]|missing");
        assert_eq!(
            schema_signature(&json!({"anyOf": [{"type": "array", "items": stop}, missing]})),
            "[stop()]|missing"
        );
        // What only looks like it stays an object.
        assert_eq!(schema_signature(&missing), r#"{missing?:["room"]}"#);
        let open = json!({"properties": {"name": {"type": "string"}, "arguments": {"type": "object"}}});
        assert_eq!(schema_signature(&open), "{name?:string,arguments?:{}}");
    }

    #[test]
    fn cycles_and_depth_end() {
        assert_eq!(schema_signature(&json!({"$ref": "#"})), "any");
        let mut deep = json!({"type": "string"});
        for _ in 0..100 {
            deep = json!({"type": "array", "items": deep});
        }
        assert_eq!(schema_signature(&deep), format!("{}any{}", "[".repeat(16), "]".repeat(16)));
    }
}
