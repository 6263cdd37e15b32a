//! What one output is worth: JSONExact, FieldF1, SchemaCompliance and WrongValid.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::Json;

/// Raised whenever a definition below changes what a score can be. Part of every result's protocol.
pub const METRIC_VERSION: u32 = 1;

/// The definitions in words, by metric, for a result's protocol.
pub fn definitions() -> BTreeMap<String, String> {
    [
        (
            "json_exact",
            "the answer equals the gold: objects unordered, arrays ordered, numbers by exact decimal value, a boolean \
             never equals a number, null is not absent; an unparsable or missing answer scores 0 and is counted",
        ),
        (
            "field_f1",
            "F1 over the multiset of (JSON pointer, type, value) leaves; an empty container is a leaf; both sides \
             empty is 1; an unparsable or missing answer scores 0; mean over items",
        ),
        (
            "schema_compliance",
            "the answer validates against the item's schema (draft by its $schema, else 2020-12; `format` is not \
             asserted); an unparsable or missing answer does not",
        ),
        ("wrong_valid", "the answer validates but is not exact, over all items (lower is better)"),
    ]
    .map(|(name, words)| (name.to_owned(), words.to_owned()))
    .into()
}

/// The scores of one item.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// JSONExact.
    pub exact: bool,
    /// FieldF1, 0 to 1.
    pub field_f1: f64,
    /// SchemaCompliance.
    pub compliant: bool,
}

impl Scores {
    /// What an unparsable or missing output gets.
    pub const NONE: Self = Self { exact: false, field_f1: 0.0, compliant: false };

    /// Valid by the schema but not exact.
    pub fn wrong_valid(&self) -> bool {
        self.compliant && !self.exact
    }
}

/// Scores an answer against the gold and the item's schema.
pub fn score(answer: &Json, gold: &Json, validator: &Validator) -> Scores {
    Scores {
        exact: answer == gold,
        field_f1: field_f1(answer, gold),
        compliant: validator.is_valid(&answer.to_value()),
    }
}

/// Builds the validator that SchemaCompliance uses: the draft its `$schema` names, 2020-12 without one; `format` is
/// an annotation, not an assertion; references outside the file are not followed.
///
/// # Errors
/// In words, why the schema is not a valid one.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options().should_validate_formats(false).build(schema).map_err(|e| {
        let at = e.instance_path().to_string();
        if at.is_empty() { e.to_string() } else { format!("{e} (at {at})") }
    })
}

/// F1 of the answer's leaves against the gold's.
pub fn field_f1(answer: &Json, gold: &Json) -> f64 {
    let (answer, gold) = (leaves(answer), leaves(gold));
    if answer.is_empty() && gold.is_empty() {
        return 1.0;
    }
    let common = answer.iter().filter(|(pointer, value)| gold.get(*pointer) == Some(value)).count();
    2.0 * common as f64 / (answer.len() + gold.len()) as f64
}

/// The leaves of a value by JSON pointer (RFC 6901). Keys are unique and array places are part of the pointer, so no
/// pointer occurs twice and the multiset of leaves is this map. [`Json`]'s equality compares type and value.
pub fn leaves(value: &Json) -> BTreeMap<String, &Json> {
    fn walk<'a>(value: &'a Json, pointer: String, into: &mut BTreeMap<String, &'a Json>) {
        match value {
            Json::Object(members) if !members.is_empty() => {
                for (key, member) in members {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(member, format!("{pointer}/{key}"), into);
                }
            }
            Json::Array(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    walk(item, format!("{pointer}/{i}"), into);
                }
            }
            _ => {
                into.insert(pointer, value);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(value, String::new(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use serde_json::json;

    fn f1(answer: &str, gold: &str) -> f64 {
        field_f1(&parse(answer).unwrap(), &parse(gold).unwrap())
    }

    #[test]
    fn field_f1_counts_leaves() {
        assert_eq!(f1("{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1.0}"), 1.0);
        // One of two found, nothing wrong: precision 1, recall 1/2.
        assert_eq!(f1("{\"a\":1}", "{\"a\":1,\"b\":2}"), 2.0 / 3.0);
        // Two right, one wrong value, of three.
        assert_eq!(f1("{\"a\":1,\"b\":2,\"c\":4}", "{\"a\":1,\"b\":2,\"c\":3}"), 4.0 / 6.0);
        // A shifted array has every pointer wrong but the first.
        assert_eq!(f1("[1,3,2]", "[1,2,3]"), 2.0 / 6.0);
    }

    #[test]
    fn field_f1_keeps_types_and_empty_containers_apart() {
        assert_eq!(f1("{}", "{}"), 1.0);
        assert_eq!(f1("[]", "{}"), 0.0);
        assert_eq!(f1("{}", "{\"a\":{}}"), 0.0);
        assert_eq!(f1("{\"a\":{}}", "{\"a\":[]}"), 0.0);
        assert_eq!(f1("{\"a\":1}", "{\"a\":true}"), 0.0);
        assert_eq!(f1("{\"a\":\"1\"}", "{\"a\":1}"), 0.0);
        assert_eq!(f1("{\"a\":null}", "{}"), 0.0);
        // A key with a slash is not a path.
        assert_eq!(f1("{\"a/b\":1}", "{\"a\":{\"b\":1}}"), 0.0);
        assert_eq!(f1("{\"a~1b\":1}", "{\"a/b\":1}"), 0.0);
    }

    #[test]
    fn compliance_reads_the_schema_and_wrong_valid_follows() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}},
            "required": ["n"], "additionalProperties": false});
        let v = validator(&schema).unwrap();
        let of = |answer: &str| score(&parse(answer).unwrap(), &parse("{\"n\":5}").unwrap(), &v);
        assert_eq!(of("{\"n\":5.0}"), Scores { exact: true, field_f1: 1.0, compliant: true });
        assert!(of("{\"n\":4}").wrong_valid());
        assert!(!of("{\"n\":2}").compliant);
        assert!(!of("{\"n\":true}").compliant);
        assert!(!of("{\"n\":5,\"m\":1}").compliant);
        assert!(!of("{\"n\":5.0000000000000000000000001}").compliant);
        assert!(!of("{\"n\":5}").wrong_valid());
    }

    #[test]
    fn the_draft_is_the_schemas_own() {
        // Draft 7 reads an array in `items` as a tuple, 2020-12 refuses it.
        let tuple = |draft: &str| json!({"$schema": draft, "items": [{"type": "string"}]});
        let seven = validator(&tuple("http://json-schema.org/draft-07/schema#")).unwrap();
        assert!(!seven.is_valid(&json!([1])));
        assert!(validator(&tuple("https://json-schema.org/draft/2020-12/schema")).is_err());
        assert!(validator(&json!({"items": [{}]})).is_err());
        assert!(validator(&json!({"type": "objekt"})).unwrap_err().contains("/type"));
        assert!(validator(&json!({"$ref": "https://example.com/elsewhere.json"})).is_err());
        // Formats annotate.
        assert!(validator(&json!({"format": "email"})).unwrap().is_valid(&json!("not an address")));
    }
}
