//! What a score has to beat: a schema-guided rule without learning, and the empty answer.
//!
//! The rule ([`rule`]) reads a text with the schema in hand and nothing else. Keys are looked for in title case as
//! "Key: value"; values are typed by the schema; an indented block below a key is its object or array; a repeated key
//! starts a new array item. It guesses nothing that the text does not spell out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::answer::RootKind;
use crate::json::{self, Json};

/// The floors in words, by name, for a result's protocol.
pub fn definitions() -> BTreeMap<String, String> {
    [
        (
            "rule",
            "schema-guided rule: recursive; title-cased keys found as \"Key: value\", values typed by the schema, a \
             repeated key starts a new array item; no learning",
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

/// The rule's answer for `text`.
pub fn rule(text: &str, schema: &Value) -> Json {
    let mut rule = Rule { root: schema, titles: BTreeSet::new() };
    let mut titles = BTreeSet::new();
    rule.titles(schema, 0, &mut titles);
    rule.titles = titles;
    let lines = lines(text, &rule.titles);
    if RootKind::of(schema).object {
        return Json::Object(rule.objects(&lines, schema, false, 0).0.swap_remove(0));
    }
    let objects = rule.objects(&lines, rule.items(schema), true, 0).0;
    Json::Array(objects.into_iter().filter(|o| !o.is_empty()).map(Json::Object).collect())
}

/// One line of the text, or one "Key: value" of several on it.
#[derive(Clone)]
struct Line {
    indent: usize,
    /// Lower case, without list and emphasis marks; empty if the line has no colon.
    key: String,
    /// What follows the colon.
    value: String,
    /// The whole line, trimmed.
    text: String,
}

/// `order_id`, `orderId` and `order id` all read "order id" here; the text says "Order Id".
fn title(key: &str) -> String {
    let mut out = String::new();
    let mut after_lower = false;
    for c in key.chars() {
        let gap = c == '_' || c == '-' || c.is_whitespace();
        if (gap || (after_lower && c.is_uppercase())) && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        if !gap {
            out.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    out
}

/// Splits the text into lines, and a line with several known keys ("Order Id: 7, Status: open") into one for each.
fn lines(text: &str, titles: &BTreeSet<String>) -> Vec<Line> {
    let mut out = Vec::new();
    for line in text.lines() {
        let lower = line.to_ascii_lowercase(); // keeps byte offsets
        let mut starts = vec![0];
        for (colon, _) in lower.match_indices(':') {
            let before = &lower[..colon];
            let starts_key = |title: &&String| {
                let head = before.strip_suffix(title.as_str()).filter(|head| head.ends_with(' '));
                head.is_some_and(|head| head.trim_end().ends_with([',', ';', '|', '.', ':', '(']))
            };
            starts.extend(titles.iter().filter(starts_key).map(|title| colon - title.len()).min());
        }
        starts.push(line.len());
        for span in starts.windows(2) {
            let mut part = &line[span[0]..span[1]];
            if starts.len() > 2 {
                part = part.trim_end().trim_end_matches([',', ';', '|', '(']);
            }
            let indent = line.len() - line.trim_start().len();
            let (key, value) = part.split_once(':').unwrap_or(("", ""));
            let marks = |c: char| c.is_whitespace() || "-*•>#|".contains(c);
            out.push(Line {
                indent,
                key: key.trim_matches(marks).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
                value: value.trim_start_matches('*').trim().to_owned(),
                text: part.trim().to_owned(),
            });
        }
    }
    out
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
    /// Every key of the schema, at any depth, as a text spells it.
    titles: BTreeSet<String>,
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

    /// Every key of the schema as a text would spell it.
    fn titles(&self, schema: &'a Value, depth: usize, into: &mut BTreeSet<String>) {
        if depth > MAX_DEPTH {
            return;
        }
        for (key, property) in self.properties(schema) {
            into.insert(title(key));
            self.titles(property, depth + 1, into);
        }
        if !self.items(schema).is_null() {
            self.titles(self.items(schema), depth + 1, into);
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
            self.properties(schema).map(|(key, property)| (title(key), (key, property))).collect();
        let mut at = 0;
        while at < lines.len() {
            let line = &lines[at];
            at += 1;
            let Some(&(key, property)) = by_title.get(&line.key) else {
                unused.extend((!line.key.is_empty()).then(|| line.clone()));
                continue;
            };
            let block = lines[at..].iter().take_while(|l| l.indent > line.indent && !l.text.is_empty()).count();
            let body = &lines[at..at + block];
            at += block;
            // A text goes on over the next lines until a blank one or a key.
            let goes_on = |l: &&Line| l.indent == line.indent && !l.text.is_empty() && !self.titles.contains(&l.key);
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

    /// Objects and arrays of objects whose own name the text leaves out ("City: ..." without "Address:").
    fn without_header(&self, mut unused: Vec<Line>, schema: &'a Value, object: &mut Object, depth: usize) -> Vec<Line> {
        for (key, property) in self.properties(schema) {
            let shape = self.shape(property);
            if unused.is_empty() || object.contains_key(key) {
                continue;
            }
            let (found, left) = match shape.kind {
                Kind::Object => self.objects(&unused, shape.schema, false, depth + 1),
                Kind::Array if self.shape(shape.items).kind == Kind::Object => {
                    self.objects(&unused, shape.items, true, depth + 1)
                }
                _ => continue,
            };
            let mut found: Vec<Json> = found.into_iter().filter(|o| !o.is_empty()).map(Json::Object).collect();
            if !found.is_empty() {
                unused = left;
                let one = shape.kind == Kind::Object;
                object.insert(key.clone(), if one { found.swap_remove(0) } else { Json::Array(found) });
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

    /// A scalar typed by the schema; `None` if the text is not of that type.
    fn scalar(&self, text: &str, schema: &'a Value) -> Option<Json> {
        let shape = self.shape(schema);
        if let Some(values) = shape.schema["enum"].as_array() {
            let spelled = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            let wanted = title(text);
            let found =
                values.iter().find(|v| spelled(v) == text).or(values.iter().find(|v| title(&spelled(v)) == wanted));
            return found.and_then(|v| json::parse(&v.to_string()).ok());
        }
        match shape.kind {
            Kind::Number => number(text),
            Kind::Boolean => match text.trim_end_matches('.').to_lowercase().as_str() {
                "true" | "yes" => Some(Json::Bool(true)),
                "false" | "no" => Some(Json::Bool(false)),
                _ => None,
            },
            _ => Some(Json::String(text.to_owned())),
        }
    }
}

/// A number as written, or with a currency or unit around it and commas between thousands.
fn number(text: &str) -> Option<Json> {
    let plain = |t: &str| json::parse(t).ok().filter(|v| matches!(v, Json::Number(_)));
    plain(text).or_else(|| {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let start = if text[..start].ends_with('-') { start - 1 } else { start };
        let part = &text[start..];
        let end = part.find(|c: char| !(c.is_ascii_digit() || ".,-".contains(c))).unwrap_or(part.len());
        plain(&part[..end].trim_end_matches(['.', ',', '-']).replace(',', ""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        assert_eq!(empty(&json!({"type": "array"})), Json::Array(vec![]));
        assert_eq!(empty(&json!({})), Json::Object(BTreeMap::new()));
    }
}
