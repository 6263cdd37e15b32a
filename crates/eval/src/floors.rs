//! What a score has to beat: a schema-guided rule without learning, and the empty answer.
//!
//! The rule ([`rule`]) reads a text with the schema in hand and nothing else. Keys are looked for in title case as
//! "Key: value" (or with another separator, or with the parent's name before them: "Receiver City = ..."); values are typed
//! by the schema; an indented block below a key is its object or array; a repeated key starts a new array item. It guesses
//! nothing that the text does not spell out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::answer::RootKind;
use crate::json::Json;

mod lines;
mod scalars;

use lines::{Line, lines, spoken};

/// The floors in words, by name, for a result's protocol.
pub fn definitions() -> BTreeMap<String, String> {
    [
        (
            "rule",
            "schema-guided rule: recursive; title-cased keys found as \"Key: value\" (also with `=`, `->`, ` - ` or `|`, and \
             after the parent's name), values typed by the schema, a repeated key starts a new array item; no learning",
        ),
        ("empty", "the empty object (or array, where the schema's root asks for one)"),
    ]
    .map(|(name, words)| (name.to_owned(), words.to_owned()))
    .into()
}

/// The empty answer that the schema's root permits.
pub fn empty(schema: &Value) -> Json {
    if RootKind::of(schema).object { Json::Object(BTreeMap::new()) } else { Json::Array(Vec::new()) }
}

/// Schemas that refer to themselves are followed this far down.
const MAX_DEPTH: usize = 12;
/// Places of a schema where keys are collected.
const MOST_PLACES: usize = 2_000;
/// Objects without headers are looked for this far down: every level multiplies the places to look.
const MOST_HEADERLESS: usize = 2;

/// The rule's answer for `text`.
pub fn rule(text: &str, schema: &Value) -> Json {
    let mut rule = Rule { root: schema, keys: BTreeSet::new() };
    let mut keys = BTreeSet::new();
    rule.collect_keys(schema, "", &mut BTreeSet::new(), &mut keys);
    rule.keys = keys;
    let lines = lines(text, &rule.keys);
    if RootKind::of(schema).object {
        return Json::Object(rule.objects(&lines, schema, false, 0).0.swap_remove(0));
    }
    let objects = rule.objects(&lines, rule.items(schema), true, 0).0;
    Json::Array(objects.into_iter().filter(|o| !o.is_empty()).map(Json::Object).collect())
}

/// What the rule uses of a schema: types, enum values, and the schema that declares properties or items.
struct Shape<'a> {
    schema: &'a Value,
    items: &'a Value,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Object,
    Array,
    Number,
    Boolean,
    Text,
}

struct Rule<'a> {
    root: &'a Value,
    /// Every key of the schema, at any depth, alone and after its parent's, as it is said.
    keys: BTreeSet<String>,
}

type Object = BTreeMap<String, Json>;

impl<'a> Rule<'a> {
    /// Follows `$ref` within the file and the first alternative of `anyOf` or `oneOf`.
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..MAX_DEPTH {
            let reference =
                schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')).and_then(|p| self.root.pointer(p));
            let alternative = ["anyOf", "oneOf", "allOf"].iter().find_map(|k| schema[*k].get(0));
            match reference.or(alternative.filter(|_| schema.get("type").is_none())) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    fn shape(&self, schema: &'a Value) -> Shape<'a> {
        let schema = self.resolve(schema);
        let is = |name: &str| match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(several) => several.iter().any(|t| t == name),
            _ => false,
        };
        let kind = match () {
            () if is("object") || schema.get("properties").is_some() => Kind::Object,
            () if is("array") || schema.get("items").is_some() => Kind::Array,
            () if is("string") => Kind::Text,
            () if is("number") || is("integer") => Kind::Number,
            () if is("boolean") => Kind::Boolean,
            () => Kind::Text,
        };
        Shape { schema, items: self.items(schema), kind }
    }

    fn items(&self, schema: &'a Value) -> &'a Value {
        self.resolve(&self.resolve(schema)["items"])
    }

    fn properties(&self, schema: &'a Value) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.resolve(schema)["properties"].as_object().into_iter().flatten()
    }

    fn collect_keys(
        &self,
        schema: &'a Value,
        parent: &str,
        visited: &mut BTreeSet<(*const Value, String)>,
        into: &mut BTreeSet<String>,
    ) {
        let schema = self.resolve(schema);
        if visited.len() > MOST_PLACES || !visited.insert((std::ptr::from_ref(schema), parent.to_owned())) {
            return; // a schema that refers to itself
        }
        for (key, property) in self.properties(schema) {
            let key = spoken(key);
            if !parent.is_empty() {
                into.insert(format!("{parent} {key}"));
            }
            self.collect_keys(property, &key, visited, into);
            into.insert(key);
        }
        if !self.items(schema).is_null() {
            self.collect_keys(self.items(schema), parent, visited, into);
        }
    }

    /// Reads objects of this schema from lines. With `many`, a repeated key starts the next one. Always at least one,
    /// perhaps empty. Also returns the "Key: value" lines that belong to no property.
    fn objects(&self, lines: &[Line], schema: &'a Value, many: bool, depth: usize) -> (Vec<Object>, Vec<Line>) {
        let mut out = vec![Object::new()];
        let mut unused = Vec::new();
        if depth > MAX_DEPTH {
            return (out, unused);
        }
        let by_title: BTreeMap<String, (&String, &Value)> =
            self.properties(schema).map(|(key, property)| (spoken(key), (key, property))).collect();
        let mut at = 0;
        while at < lines.len() {
            let line = &lines[at];
            at += 1;
            let Some(&(key, property)) = by_title.get(&line.key) else {
                unused.extend(self.keys.contains(&line.key).then(|| line.clone()));
                continue;
            };
            let block = lines[at..].iter().take_while(|l| l.indent > line.indent && !l.text.is_empty()).count();
            let body = &lines[at..at + block];
            at += block;
            // A text goes on over the next lines until a blank one or a key.
            let goes_on = |l: &&Line| l.indent == line.indent && !l.text.is_empty() && !self.keys.contains(&l.key);
            let more: Vec<&Line> = lines[at..].iter().take_while(goes_on).collect();
            let value = self.value(&line.value, body, &more, property, depth);
            if out.last().is_some_and(|object| object.contains_key(key)) {
                if !many {
                    continue; // the first one counts
                }
                out.push(Object::new());
            }
            if let (Some(value), Some(object)) = (value, out.last_mut()) {
                object.insert(key.clone(), value);
            }
        }
        if !many {
            unused = self.without_header(unused, schema, &mut out[0], depth);
        }
        (out, unused)
    }

    /// Objects and arrays of objects that have no header of their own: first those whose keys carry the name ("Address City:
    /// ..."), then those whose keys do without ("City: ...").
    fn without_header(&self, mut unused: Vec<Line>, schema: &'a Value, object: &mut Object, depth: usize) -> Vec<Line> {
        if depth > MOST_HEADERLESS {
            return unused;
        }
        for named in [true, false] {
            for (key, property) in self.properties(schema) {
                let shape = self.shape(property);
                let one = shape.kind == Kind::Object;
                let members = if one { shape.schema } else { shape.items };
                let nested = one || (shape.kind == Kind::Array && self.shape(members).kind == Kind::Object);
                if unused.is_empty() || object.contains_key(key) || !nested {
                    continue;
                }
                let prefix = if named { format!("{} ", spoken(key)) } else { String::new() };
                let (own, others): (Vec<Line>, Vec<Line>) =
                    unused.iter().cloned().partition(|l| l.key.starts_with(&prefix));
                let own: Vec<Line> =
                    own.into_iter().map(|l| Line { key: l.key[prefix.len()..].to_owned(), ..l }).collect();
                if own.is_empty() {
                    continue;
                }
                let (found, left) = self.objects(&own, members, !one, depth + 1);
                let mut found: Vec<Json> = found.into_iter().filter(|o| !o.is_empty()).map(Json::Object).collect();
                if !found.is_empty() {
                    unused = left
                        .into_iter()
                        .map(|l| Line { key: format!("{prefix}{}", l.key), ..l })
                        .chain(others)
                        .collect();
                    object.insert(key.clone(), if one { found.swap_remove(0) } else { Json::Array(found) });
                }
            }
        }
        unused
    }

    /// The value of one property: from the rest of its line, the block below it, or the lines that go on from it.
    fn value(&self, rest: &str, body: &[Line], more: &[&Line], property: &'a Value, depth: usize) -> Option<Json> {
        let shape = self.shape(property);
        match shape.kind {
            Kind::Object => {
                let (mut found, _) = self.objects(body, shape.schema, false, depth + 1);
                Some(Json::Object(found.swap_remove(0)))
            }
            Kind::Array if self.shape(shape.items).kind == Kind::Object => {
                let (found, _) = self.objects(body, shape.items, true, depth + 1);
                Some(Json::Array(found.into_iter().filter(|o| !o.is_empty()).map(Json::Object).collect()))
            }
            Kind::Array => {
                let listed = body.iter().map(|l| l.text.trim_start_matches(['-', '*', '•', ' ']));
                let inline = rest.split([',', ';']).map(str::trim).filter(|v| !v.is_empty());
                let values = inline.chain(listed).filter_map(|v| self.scalar(v, shape.items));
                Some(Json::Array(values.collect()))
            }
            Kind::Text if !more.is_empty() && shape.schema.get("enum").is_none() => {
                let whole: Vec<&str> = std::iter::once(rest).chain(more.iter().map(|l| l.text.as_str())).collect();
                Some(Json::String(whole.join("\n")))
            }
            _ => self.scalar(rest, property),
        }
    }

    fn scalar(&self, text: &str, schema: &'a Value) -> Option<Json> {
        let shape = self.shape(schema);
        if let Some(values) = shape.schema["enum"].as_array() {
            return scalars::one_of(text, values);
        }
        match shape.kind {
            Kind::Number => scalars::number(text),
            Kind::Boolean => scalars::boolean(text),
            _ if shape.schema["format"] == "date" => {
                Some(Json::String(scalars::date(text).unwrap_or_else(|| text.to_owned())))
            }
            _ => Some(Json::String(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_text_has_an_answer(text in "([ \\-*|]{0,3}(Order Id|order_id|Items|Sku|City|a|é)( ?(:|=|->|-|\\|) ?)[a-z0-9 .,:\"é]{0,8}\n?){0,12}") {
            let schema = json!({"type": "object", "properties": {"order_id": {"type": "string"}, "city": {"enum": ["a", 1]},
                "items": {"type": "array", "items": {"properties": {"sku": {"type": "number"}, "a": {"type": "array"}}}}}});
            prop_assert!(matches!(rule(&text, &schema), Json::Object(_)));
        }
    }

    fn says(text: &str, schema: &Value, expected: Value) {
        assert_eq!(rule(text, schema), json::parse(&expected.to_string()).unwrap());
    }

    #[test]
    fn the_rule_reads_flat_nested_and_repeated_keys() {
        let schema = json!({"type": "object", "properties": {
            "order_id": {"type": "string"}, "total": {"type": "number"}, "paid": {"type": "boolean"},
            "status": {"enum": ["in_progress", "done"]},
            "address": {"type": "object", "properties": {"city": {"type": "string"}, "zip_code": {"type": "string"}}},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "tags": {"type": "array", "items": {"type": "string"}}},
            "$defs": {"item": {"type": "object", "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"}}}}});
        let text = "Order\n\nOrder Id: A: 7\nTotal: $1,200.50\nPaid: Yes\nStatus: In progress\nAddress:\n  City: Rome\n  \
            Zip Code: 00100\nItems:\n  Sku: a\n  Quantity: 2\n  Sku: b\n  Quantity: 3\nTags:\n  red\n  blue\n\nPlease \
            extract the order as JSON: now.";
        says(
            text,
            &schema,
            json!({"order_id": "A: 7", "total": 1200.50, "paid": true, "status": "in_progress",
            "address": {"city": "Rome", "zip_code": "00100"},
            "items": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 3}], "tags": ["red", "blue"]}),
        );
        says("Nothing here.", &schema, json!({}));
        says("Hi. Order Id: 9, Total: 5.", &schema, json!({"order_id": "9", "total": 5}));
        says(
            "- **Order Id:** 9\n- City: Rome\n- Sku: a\n- Sku: b",
            &schema,
            json!({"order_id": "9", "address": {"city": "Rome"}, "items": [{"sku": "a"}, {"sku": "b"}]}),
        );
        says("Address:\nItems:\nPaid: maybe", &schema, json!({"address": {}, "items": []}));
    }

    #[test]
    fn a_text_goes_on_over_lines() {
        let schema = json!({"properties": {"address": {"type": "string"}, "zone": {"type": "string"}}});
        says("Address: 1 Street\nTown\nZone: x\n\nBye", &schema, json!({"address": "1 Street\nTown", "zone": "x"}));
    }

    #[test]
    fn odd_schemas_do_no_harm() {
        says("A: 1", &json!(true), json!({}));
        says("A: 1", &json!({"type": "array", "items": {"properties": {"a": {"type": "integer"}}}}), json!([{"a": 1}]));
        says("A: 1", &json!({"type": "array"}), json!([]));
        let circle = json!({"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"},
            "next_2": {"$ref": "#/$defs/n"}, "v": {"type": "integer"}}}}});
        says("V: 1\nNext:\n V: 2", &circle, json!({"v": 1, "next": {"v": 2}}));
        says("é: ü:ß,", &circle, json!({}));
        let many: serde_json::Map<String, Value> =
            (0..40).map(|i| (format!("k{i}"), json!({"$ref": "#"}))).chain([("v".to_owned(), json!({}))]).collect();
        assert_ne!(
            rule(&"V: 1\nK3 K4: 2\nX: 2\n".repeat(20), &json!({"properties": many})),
            Json::Object(BTreeMap::new())
        );
        assert_eq!(empty(&json!({"type": "array"})), Json::Array(vec![]));
        assert_eq!(empty(&json!({})), Json::Object(BTreeMap::new()));
    }
}
