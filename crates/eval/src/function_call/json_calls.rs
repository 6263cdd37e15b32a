//! Which calls does a text in JSON make?
//!
//! `[{"name": "f", "arguments": {...}}]` (OpenAI's names; `function`/`parameters` as the leaderboard asks for, and
//! arguments as a string of JSON are read too) or `[{"f": {...}}]`; a single object is a list of one.

use serde_json::{Map, Value};

use super::literal::Literal;
use super::{Call, CallError};

/// The calls in an output: from its first `[` or `{` on, whatever follows.
///
/// # Errors
/// Where and why it is no list of calls.
pub fn parse(output: &str) -> Result<Vec<Call>, CallError> {
    let fail = |offset, what| Err(CallError { offset, what });
    let Some(start) = output.find(['[', '{']) else { return fail(0, "no `[` or `{`") };
    let mut values = serde_json::Deserializer::from_str(&output[start..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Array(items))) => items.iter().map(|item| call(item, start)).collect(),
        Some(Ok(item)) => Ok(vec![call(&item, start)?]),
        _ => fail(start, "not JSON"),
    }
}

fn call(item: &Value, offset: usize) -> Result<Call, CallError> {
    let error = |what| CallError { offset, what };
    let map = item.as_object().ok_or_else(|| error("a call is an object"))?;
    for (name_key, arguments_key) in [("name", "arguments"), ("function", "parameters"), ("name", "parameters")] {
        if let (Some(Value::String(name)), Some(arguments)) = (map.get(name_key), map.get(arguments_key)) {
            return with_arguments(name, arguments).ok_or_else(|| error("the arguments are no object"));
        }
    }
    // OpenAI's outer layer: {"type": "function", "function": {"name": ..., "arguments": ...}}.
    if let Some(inner @ Value::Object(inner_map)) = map.get("function")
        && inner_map.contains_key("name")
        && !inner_map.contains_key("function")
    {
        return call(inner, offset);
    }
    match (map.len(), map.iter().next()) {
        (1, Some((name, arguments))) => {
            with_arguments(name, arguments).ok_or_else(|| error("the arguments are no object"))
        }
        _ => Err(error("a call has a name and arguments")),
    }
}

fn with_arguments(name: &str, arguments: &Value) -> Option<Call> {
    let of_map = |map: &Map<String, Value>| {
        let argument = |(key, value): (&String, &Value)| (Some(key.clone()), Literal::of_json(value));
        Call { name: name.to_owned(), arguments: map.iter().map(argument).collect() }
    };
    match arguments {
        Value::Object(map) => Some(of_map(map)),
        Value::String(text) => serde_json::from_str(text).ok().as_ref().map(of_map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_call_is_one_call() {
        let expected = [Call { name: "f".into(), arguments: vec![(Some("a".into()), Literal::Int(1))] }];
        for text in [
            r#"[{"name":"f","arguments":{"a":1}}]"#,
            r#"Sure: {"name":"f","arguments":"{\"a\": 1}"} - done"#,
            r#"```json
[{"function":"f","parameters":{"a":1}}]
```"#,
            r#"[{"f":{"a":1}}]"#,
            r#"[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#,
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        assert_eq!(parse("[]").unwrap(), []);
    }

    #[test]
    fn what_is_no_call_says_why() {
        for text in ["", "no", "[1]", "[{}]", r#"{"f":1}"#, r#"{"name":"f"}"#, r#"[{"name":"f","arguments":{"a":1}}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
