//! Schemas whose strings can only be words of a text: what is extracted from a text stands in it, and a small model that copies
//! a rare name letter by letter can go astray where it must not.

use bantam_formats::subschemas::each_subschema;
use serde_json::{Map, Value, json};

/// The name of the definition that free strings refer to.
const DEFINITION: &str = "words_of_the_text";
/// Most pieces of a text that one value spans: the expression grows with the text and with this.
const LONGEST: usize = 96;
/// Keywords by which a string is not free: what it may be is said, and may be said otherwise in the text.
const BOUND: [&str; 8] = ["enum", "const", "pattern", "format", "minLength", "maxLength", "contentEncoding", "not"];

/// The schema with every free string (of type `string`, with no keyword on what it may be) limited to what stands in `text`: neighbouring
/// words, signs between and around them included. It is the schema itself where the text has no words.
pub fn verbatim(schema: &Value, text: &str) -> Value {
    let mut limited = schema.clone();
    let Some(pattern) = spans(text) else { return limited };
    if limit(&mut limited)
        && let Value::Object(root) = &mut limited
    {
        let definitions = root.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(definitions) = definitions {
            definitions.insert(DEFINITION.to_owned(), json!({"type": "string", "pattern": pattern}));
            return limited;
        }
    }
    schema.clone()
}

/// Puts references in the places of free strings; whether there were any.
fn limit(schema: &mut Value) -> bool {
    let Value::Object(keys) = schema else { return false };
    let is_text = keys.get("type").is_some_and(|t| t == "string");
    if is_text && !keys.keys().any(|key| BOUND.contains(&key.as_str())) {
        *schema = json!({"$ref": format!("#/$defs/{DEFINITION}")});
        return true;
    }
    let mut found = false;
    // What `allOf` says of a string is said in several parts: none of them tells whether it is free.
    each_subschema(keys, |keyword, part| found |= keyword != "allOf" && limit(part));
    found
}

/// A regular expression for every run of neighbouring pieces that neither begins nor ends with white space.
fn spans(text: &str) -> Option<String> {
    let pieces = pieces(text);
    let is_space = |piece: &str| piece.starts_with(char::is_whitespace);
    let mut starts = Vec::new();
    for first in (0..pieces.len()).filter(|at| !is_space(pieces[*at])) {
        let mut last = pieces.len().min(first + LONGEST) - 1;
        while is_space(pieces[last]) {
            last -= 1;
        }
        // `a(?: b(?: c)?)?`: white space together with the piece behind it.
        let (mut start, mut open) = (escaped(pieces[first]), 0);
        let mut at = first + 1;
        while at <= last {
            start.push_str("(?:");
            open += 1;
            while is_space(pieces[at]) {
                start.push_str(&escaped(pieces[at]));
                at += 1;
            }
            start.push_str(&escaped(pieces[at]));
            at += 1;
        }
        start.push_str(&")?".repeat(open));
        starts.push(start);
    }
    starts.sort();
    starts.dedup();
    (!starts.is_empty()).then(|| format!("^(?:{})$", starts.join("|")))
}

/// Words, runs of white space, and single signs.
fn pieces(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut found = Vec::new();
    let (mut start, mut before) = (0, 2);
    for (at, c) in text.char_indices() {
        if at > start && (kind(c) != before || kind(c) == 2) {
            found.push(&text[start..at]);
            start = at;
        }
        before = kind(c);
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

fn escaped(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    for c in piece.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '<' | '>' => out.push(c),
            c if c.is_ascii_punctuation() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_words_spaces_and_signs() {
        assert_eq!(
            pieces("add P!nk's  \"Ära\"."),
            ["add", " ", "P", "!", "nk", "'", "s", "  ", "\"", "Ära", "\"", "."]
        );
        assert!(pieces("").is_empty());
    }

    #[test]
    fn spans_begin_and_end_with_words_or_signs() {
        assert_eq!(spans("a (b) ").as_deref(), Some("^(?:\\((?:b(?:\\))?)?|\\)|a(?: \\((?:b(?:\\))?)?)?|b(?:\\))?)$"));
        assert_eq!(spans(" \n"), None);
    }

    #[test]
    fn only_free_strings_are_limited() {
        let schema = json!({"type": "object", "properties": {"kind": {"enum": ["a"]}, "day": {"type": "string", "format": "date"},
            "name": {"type": "string", "title": "Name"}, "tags": {"type": "array", "items": {"type": "string"}}}});
        let limited = verbatim(&schema, "x y");
        let reference = json!({"$ref": "#/$defs/words_of_the_text"});
        assert_eq!(limited["properties"]["name"], reference);
        assert_eq!(limited["properties"]["tags"]["items"], reference);
        assert_eq!(limited["properties"]["day"], schema["properties"]["day"]);
        assert_eq!(limited["$defs"]["words_of_the_text"]["pattern"], "^(?:x(?: y)?|y)$");
        assert_eq!(verbatim(&schema, " "), schema);
        let none = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
        assert_eq!(verbatim(&none, "x y"), none);
    }
}
