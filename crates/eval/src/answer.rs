//! Where the answer begins in a model's output, and whether it is JSON.
//!
//! The rule, once for all suites ([`EXTRACTION_RULE`]): the answer starts at the first `{` or `[` that fits the
//! schema's root type and is parsed strictly from there. What follows it is ignored. A failure there is final.

use serde_json::Value;

use crate::json::{self, Json, JsonError};

/// The rule in words, for a result's protocol.
pub const EXTRACTION_RULE: &str = "the answer starts at the first `{` or `[` that fits the schema's root type and is \
    parsed strictly (RFC 8259; duplicate keys, NaN, lone surrogates, nesting over 128 and truncation are invalid) from \
    there; what follows is ignored; a failure there is final";

/// Which brackets the answer may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootKind {
    /// `{` fits.
    pub object: bool,
    /// `[` fits.
    pub array: bool,
}

impl RootKind {
    /// What the schema's root permits, by `type`, `const`, `enum`, `anyOf`, `oneOf`, `allOf` and `$ref` into the same
    /// file. A root that says nothing permits both.
    pub fn of(schema: &Value) -> Self {
        Self::of_part(schema, schema, &mut 0, 0)
    }

    fn of_part(part: &Value, root: &Value, visits: &mut usize, depth: usize) -> Self {
        let mut kind = Self { object: true, array: true };
        *visits += 1;
        if depth > 32 || *visits > 1_000 {
            return kind; // a circle of references says nothing
        }
        let Some(members) = part.as_object() else { return kind };
        let mut narrow = |to: Self| kind = Self { object: kind.object && to.object, array: kind.array && to.array };
        let names = |name: &str, t: &Value| match t {
            Value::String(one) => one == name,
            Value::Array(several) => several.iter().any(|t| t == name),
            _ => true,
        };
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("type", t) => narrow(Self { object: names("object", t), array: names("array", t) }),
                ("const", v) => narrow(Self { object: v.is_object(), array: v.is_array() }),
                ("enum", Value::Array(vs)) => {
                    narrow(Self { object: vs.iter().any(Value::is_object), array: vs.iter().any(Value::is_array) });
                }
                ("anyOf" | "oneOf", Value::Array(parts)) => {
                    let kinds: Vec<_> = parts.iter().map(|p| Self::of_part(p, root, visits, depth + 1)).collect();
                    narrow(Self { object: kinds.iter().any(|k| k.object), array: kinds.iter().any(|k| k.array) });
                }
                ("allOf", Value::Array(parts)) => {
                    parts.iter().for_each(|p| narrow(Self::of_part(p, root, visits, depth + 1)));
                }
                ("$ref", Value::String(reference)) => {
                    if let Some(target) = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                        narrow(Self::of_part(target, root, visits, depth + 1));
                    }
                }
                _ => {}
            }
        }
        kind
    }
}

/// Why an output has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No bracket in the output fits the schema's root.
    NoBracket,
    /// The text from the first fitting bracket (at byte `start` of the output) is not JSON.
    Invalid {
        /// Where the answer began, in bytes of the output.
        start: usize,
        /// What is wrong, counted from `start`.
        error: JsonError,
    },
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBracket => f.write_str("no `{` or `[` that fits the schema's root"),
            Self::Invalid { start, error } => write!(f, "{} at byte {}", error.what, start + error.offset),
        }
    }
}

/// The answer in `output`, by [`EXTRACTION_RULE`].
pub fn find(output: &str, root: RootKind) -> Result<Json, NoAnswer> {
    let fits = |c: char| (c == '{' && root.object) || (c == '[' && root.array);
    let start = output.find(fits).ok_or(NoAnswer::NoBracket)?;
    match json::parse_prefix(&output[start..]) {
        Ok((answer, _)) => Ok(answer),
        Err(error) => Err(NoAnswer::Invalid { start, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OBJECT: RootKind = RootKind { object: true, array: false };
    const ARRAY: RootKind = RootKind { object: false, array: true };

    #[test]
    fn the_answer_begins_at_the_first_bracket_that_fits() {
        let gold = json::parse("{\"a\":[1]}").unwrap();
        assert_eq!(find("Sure [1]: {\"a\":[1]} Anything { else", OBJECT).unwrap(), gold);
        assert_eq!(find("```json\n{\"a\":[1]}\n```", OBJECT).unwrap(), gold);
        assert_eq!(find("{\"a\": } [2]", ARRAY).unwrap(), json::parse("[2]").unwrap());
        assert_eq!(find("no json", OBJECT), Err(NoAnswer::NoBracket));
        assert_eq!(find("[1]", OBJECT), Err(NoAnswer::NoBracket));
    }

    #[test]
    fn a_failure_is_final() {
        let failed = find("{oops} {\"a\":[1]}", OBJECT).unwrap_err();
        assert_eq!(failed.to_string(), "expected a key in quotes at byte 1");
        assert!(find("é{\"a\":1", OBJECT).unwrap_err().to_string().starts_with("the text ends too early"));
    }

    #[test]
    fn the_root_kind_is_read_from_the_schema() {
        let both = RootKind { object: true, array: true };
        let none = RootKind { object: false, array: false };
        for (schema, kind) in [
            (json!({"type": "object"}), OBJECT),
            (json!({"type": ["array", "null"]}), ARRAY),
            (json!({}), both),
            (json!(true), both),
            (json!({"type": "string"}), none),
            (json!({"anyOf": [{"type": "object"}, {"type": "array"}]}), both),
            (json!({"allOf": [{"type": ["object", "array"]}, {"type": "array"}]}), ARRAY),
            (json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}), OBJECT),
            (json!({"$ref": "#"}), both),
            (json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}), both),
            (json!({"enum": [{"a": 1}, 3]}), OBJECT),
        ] {
            assert_eq!(RootKind::of(&schema), kind, "{schema}");
        }
    }
}
