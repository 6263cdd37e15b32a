//! How does an answer say that the text has nothing for a field that the schema does not require?
//!
//! By leaving the field out, as the schema has it; or, inside the model alone, by `null`: every field is written, and a small model
//! answers one question after another ("what is the text's `phone`?") instead of deciding at each comma which of the fields behind it
//! come next. Whoever reads the answer gets it without those nulls.

use std::borrow::Cow;

use bantam_formats::subschemas::{each_subschema, subschemas};
use bantam_formats::{answer_order, chat};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::signature::resolve;

/// The variable of a chat template in which a model says how it writes absent fields.
pub const VARIABLE: &str = "absent_fields";

/// How a model writes absent fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsentFields {
    /// It leaves them out.
    #[default]
    Omitted,
    /// It writes `null`, under [schemas that allow it](Self::writes_nulls).
    Null,
}

/// Keywords that ask more of an object, or of its neighbours, than which properties it names: a `null` there might not be one more
/// way to say "absent".
const ENTANGLED: [&str; 12] = [
    "allOf",
    "if",
    "not",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "$dynamicRef",
];

impl AbsentFields {
    /// What a model's chat template says: left out, where it says nothing.
    pub fn of_template(template: Option<&str>) -> Self {
        match template.and_then(|template| chat::variable(template, VARIABLE)).as_deref() {
            Some("null") => Self::Null,
            _ => Self::Omitted,
        }
    }

    /// What a chat template begins with to say so.
    pub fn declaration(self) -> &'static str {
        match self {
            Self::Omitted => "",
            Self::Null => "{% set absent_fields = 'null' %}",
        }
    }

    /// Whether answers to this schema have nulls in the places of absent fields: not where alternatives of objects, or joined
    /// schemas, leave open which fields there are.
    pub fn writes_nulls(self, schema: &Value) -> bool {
        self == Self::Null && is_plain(schema, schema)
    }

    /// The schema of what the model writes: fields that it writes as `null` when absent are required, and may be null.
    pub fn schema<'a>(self, schema: &'a Value) -> Cow<'a, Value> {
        if !self.writes_nulls(schema) {
            return Cow::Borrowed(schema);
        }
        let mut written = schema.clone();
        fill_in(&mut written, schema, true);
        Cow::Owned(written)
    }
}

/// Whether a property of an object (its schema's keywords) is written as `null` when absent: it is neither required nor may it be null
/// by itself. A set of slots is asked about first, see [`answer_order::is_slots`].
pub(crate) fn is_filled(root: &Value, object: &Map<String, Value>, name: &str, property: &Value) -> bool {
    let required = object.get("required").and_then(Value::as_array);
    !required.is_some_and(|r| r.iter().any(|v| v == name)) && !allows_null(root, property, MAX_DEPTH)
}

/// Alternatives of alternatives deeper than this are taken to allow anything.
const MAX_DEPTH: usize = 16;

fn allows_null(root: &Value, schema: &Value, depth: usize) -> bool {
    let Some(Value::Object(keys)) = resolve(root, schema).filter(|_| depth > 0) else { return true };
    if let Some(value) = keys.get("const") {
        return value.is_null();
    }
    if let Some(values) = keys.get("enum").and_then(Value::as_array) {
        return values.contains(&Value::Null);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(parts) = keys.get(key).and_then(Value::as_array) {
            return parts.iter().any(|part| allows_null(root, part, depth - 1));
        }
    }
    match keys.get("type") {
        Some(Value::String(kind)) => kind == "null",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        // Without a type, `properties` and `items` let a null through; that nobody meant it shows in `properties` alone.
        _ => !keys.contains_key("properties"),
    }
}

/// Whether no part of a schema has an entangled keyword, or more than one alternative with parts of its own.
fn is_plain(root: &Value, schema: &Value) -> bool {
    let Some(keys) = schema.as_object() else { return true };
    let has_parts = |part: &Value| {
        let keys = resolve(root, part).and_then(Value::as_object);
        keys.is_none_or(|keys| {
            ["properties", "items", "prefixItems", "anyOf", "oneOf"].iter().any(|k| keys.contains_key(*k))
        })
    };
    let choice = |key: &str| keys.get(key).and_then(Value::as_array);
    let sole = ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(choice)
        .all(|parts| parts.iter().filter(|part| has_parts(part)).count() <= 1 && !keys.contains_key("properties"));
    let entangled = ENTANGLED.iter().any(|key| keys.contains_key(*key));
    // Definitions alone may be referred to: what stands in a property's place is another schema afterwards.
    let definition = |r: &str| r.starts_with("#/$defs/") || r.starts_with("#/definitions/");
    let referring =
        keys.get("$ref").is_some_and(|r| !r.as_str().is_some_and(definition) || keys.contains_key("properties"));
    sole && !entangled && !referring && subschemas(schema).iter().all(|(_, part)| is_plain(root, part))
}

/// Makes every field that is written as `null` when absent required, and lets it be null. `in_closed`: whether the schema's place has only
/// closed objects above it, so that it may be a set of slots.
fn fill_in(schema: &mut Value, root: &Value, in_closed: bool) {
    let is_slots = in_closed && answer_order::is_slots(schema);
    let in_closed = in_closed && answer_order::closed_object(schema).is_some();
    let Value::Object(keys) = schema else { return };
    let named = keys.get("properties").and_then(Value::as_object).into_iter().flatten();
    let filled: Vec<String> = if is_slots {
        Vec::new()
    } else {
        named.filter(|(name, part)| is_filled(root, keys, name, part)).map(|(name, _)| name.clone()).collect()
    };
    if let Some(Value::Object(properties)) = keys.get_mut("properties") {
        for (name, part) in properties {
            let null_too = filled.contains(name);
            fill_in(part, root, in_closed && !null_too);
            if null_too {
                *part = json!({"anyOf": [part.take(), {"type": "null"}]});
            }
        }
    }
    if !filled.is_empty() {
        let required = keys.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(names) = required {
            names.extend(filled.into_iter().map(Value::String));
        }
    }
    each_subschema(keys, |keyword, part| {
        if keyword != "properties" {
            fill_in(part, root, false);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(schema: &Value) -> Value {
        AbsentFields::Null.schema(schema).into_owned()
    }

    #[test]
    fn a_template_says_how_absent_fields_are_written() {
        for absent in [AbsentFields::Omitted, AbsentFields::Null] {
            let template = format!("{}{{{{ messages[0] }}}}", absent.declaration());
            assert_eq!(AbsentFields::of_template(Some(&template)), absent);
        }
        assert_eq!(AbsentFields::of_template(None), AbsentFields::Omitted);
        assert_eq!(AbsentFields::of_template(Some("{% set absent_fields = 'no' %}")), AbsentFields::Omitted);
        assert_eq!(AbsentFields::of_template(Some("{% broken")), AbsentFields::Omitted);
    }

    #[test]
    fn optional_fields_are_required_and_may_be_null() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"}, "b": {"type": "integer"}, "n": {"type": ["string", "null"]}, "any": {},
            "o": {"properties": {"c": {"enum": ["x"]}}}, "l": {"type": "array", "items": {"$ref": "#/$defs/d"}}},
            "$defs": {"d": {"type": "object", "properties": {"e": {"type": "boolean"}}, "required": []}}});
        let may = |part: Value| json!({"anyOf": [part, {"type": "null"}]});
        let o = json!({"properties": {"c": may(json!({"enum": ["x"]}))}, "required": ["c"]});
        let expected = json!({"type": "object", "required": ["a", "b", "o", "l"], "properties": {
            "a": {"type": "string"}, "b": may(json!({"type": "integer"})), "n": {"type": ["string", "null"]}, "any": {},
            "o": may(o), "l": may(json!({"type": "array", "items": {"$ref": "#/$defs/d"}}))},
            "$defs": {"d": {"type": "object", "properties": {"e": may(json!({"type": "boolean"}))}, "required": ["e"]}}});
        assert_eq!(written(&schema), expected);
        assert_eq!(*AbsentFields::Omitted.schema(&schema), schema);
    }

    #[test]
    fn slots_stay_slots() {
        let slots = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "additionalProperties": false});
        assert_eq!(written(&slots), slots);
        let required = json!({"properties": {"slots": slots}, "required": ["slots"], "additionalProperties": false});
        assert_eq!(written(&required), required);
        // What may be null is not only closed objects above: its keys are in order again, and filled.
        let optional = json!({"properties": {"slots": slots}, "additionalProperties": false});
        let inner = &written(&optional)["properties"]["slots"]["anyOf"][0];
        assert_eq!(inner["required"], json!(["a", "b"]));
    }

    #[test]
    fn schemas_that_leave_open_which_fields_there_are_stay_as_they_are() {
        let object = json!({"properties": {"a": {"type": "string"}}});
        for entangled in [
            json!({"properties": {"x": {"anyOf": [object, {"properties": {"b": {"type": "string"}}}]}}}),
            json!({"properties": {"a": {"type": "string"}}, "minProperties": 1}),
            json!({"properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]}),
            json!({"properties": {"x": {"allOf": [object]}}}),
            json!({"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}}),
            json!({"properties": {"a": {"$ref": "#"}}}),
        ] {
            assert!(!AbsentFields::Null.writes_nulls(&entangled), "{entangled}");
            assert_eq!(written(&entangled), entangled);
        }
        assert!(
            AbsentFields::Null.writes_nulls(&json!({"properties": {"x": {"anyOf": [object, {"type": "string"}]}}}))
        );
        assert!(!AbsentFields::Omitted.writes_nulls(&object));
    }
}
