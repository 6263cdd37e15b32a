//! What is the JSON Schema of calls, given functions as BFCL describes them?

use serde_json::{Map, Value, json};

/// The schema of a list of calls of these functions, `[{"name": ..., "arguments": {...}}]`.
pub fn calls_schema(functions: &[Value]) -> Value {
    let calls: Vec<Value> = functions.iter().map(call).collect();
    let items = if let [only] = &calls[..] { only.clone() } else { json!({"anyOf": calls}) };
    json!({"type": "array", "items": items})
}

fn call(function: &Value) -> Value {
    let parameters = &function["parameters"];
    let required = parameters["required"].as_array().cloned().unwrap_or_default();
    json!({"type": "object", "properties": {
        "name": {"const": function["name"]},
        "arguments": {"type": "object", "properties": properties(&parameters["properties"], 0),
            "required": required, "additionalProperties": false},
    }, "required": ["name", "arguments"], "additionalProperties": false})
}

/// Nesting beyond this may hold anything.
const MAX_DEPTH: usize = 8;

fn properties(of: &Value, depth: usize) -> Map<String, Value> {
    of.as_object().into_iter().flatten().map(|(name, part)| (name.clone(), schema(part, depth))).collect()
}

fn schema(part: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return json!({});
    }
    if let Some(values) = part["enum"].as_array().filter(|v| !v.is_empty()) {
        return json!({"enum": values});
    }
    match part["type"].as_str() {
        Some(kind @ ("string" | "integer" | "boolean")) => json!({"type": kind}),
        Some("float" | "number") => json!({"type": "number"}),
        Some("array" | "tuple") => match part.get("items") {
            Some(items) => json!({"type": "array", "items": schema(items, depth + 1)}),
            None => json!({"type": "array"}),
        },
        Some("dict" | "object") => match part.get("properties") {
            Some(inner) => json!({"type": "object", "properties": properties(inner, depth + 1)}),
            None => json!({"type": "object"}),
        },
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_types_become_those_of_json_schema() {
        let function = json!({"name": "a.f", "parameters": {"type": "dict", "required": ["x"], "properties": {
            "x": {"type": "float"}, "t": {"type": "tuple", "items": {"type": "integer"}}, "o": {"type": "dict"},
            "e": {"type": "string", "enum": ["p", "q"]}, "y": {"type": "any"}}}});
        let schema = calls_schema(&[function]);
        assert!(jsonschema::validator_for(&schema).is_ok());
        assert_eq!(
            bantam_data::prompt::schema_signature(&schema),
            r#"[a.f(x:number,t?:[integer],o?:{},e?:"p"|"q",y?:any)]"#
        );
    }
}
