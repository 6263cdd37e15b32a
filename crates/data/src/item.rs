//! What is one extraction item, and how is a file of them read and written?
//!
//! The format is EdgeJSON v3's: one JSON object per line with at least `id`, `schema_id`, `prompt` and `expected_output`.
//! Fields that Bantam does not know are read over.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{canonical, jsonl};

/// How much structure a schema asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Three to five flat fields.
    Simple,
    /// Eight to twelve fields, some nested.
    Medium,
    /// Fifteen fields or more, arrays of objects, objects at depth three or more.
    Complex,
}

impl Level {
    /// All levels, easiest first.
    pub const ALL: [Level; 3] = [Level::Simple, Level::Medium, Level::Complex];

    /// The name used in files: `simple`, `medium` or `complex`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Simple => "simple",
            Level::Medium => "medium",
            Level::Complex => "complex",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text and the JSON value that it states, under a schema named by `schema_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Unique within its file.
    pub id: String,
    /// The schema is the file `<schema_id>.json` of the schema folder.
    pub schema_id: String,
    /// The level; absent in 72 rows of EdgeJSON v3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complexity: Option<Level>,
    /// Where the text comes from (`template`, `human`, a model's name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Which teacher wrote the item, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// The text's style (`prose`, `email`, `chat`, ...), for reports by style.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// The split the generator put the item in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Whether the training split has items of the same schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_seen: Option<bool>,
    /// Whether every sentence template of this text may occur in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates_seen: Option<bool>,
    /// Ids of the sentence templates the text was made with, in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
    /// The text to extract from.
    pub prompt: String,
    /// The gold value, with its numbers as written.
    pub expected_output: Box<RawValue>,
}

/// Reads a JSONL file of items. Blank lines are skipped.
///
/// # Errors
/// An input error that names `file:line` for a line that is not UTF-8, not a JSON object, lacks a required field,
/// has an empty or repeated `id`, or nests its gold value deeper than 128.
pub fn read_jsonl(path: &Path) -> Result<Vec<Item>> {
    parse_jsonl(&path.display().to_string(), &files::read(path)?)
}

/// [`read_jsonl`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read_jsonl`].
pub fn parse_jsonl(place: &str, bytes: &[u8]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    let required = "id, schema_id, prompt and expected_output are required";
    for (line, item) in jsonl::parse::<Item>(place, bytes, "an item", required)? {
        let here = format!("{place}:{line}");
        if item.id.is_empty() || item.schema_id.is_empty() {
            return Err(Error::input(&here, "`id` or `schema_id` is empty", "give every item an id and a schema_id"));
        }
        // RawValue checks syntax alone: depth and lone surrogates show only here.
        if let Err(e) = serde_json::from_str::<Value>(item.expected_output.get()) {
            let what = format!("expected_output cannot be read: {}", without_position(&e));
            return Err(Error::input(&here, what, "mend the gold value"));
        }
        if let Some(first) = lines.insert(item.id.clone(), line) {
            let what = format!("id `{}` was already used on line {first}", shortened(&item.id));
            return Err(Error::input(&here, what, "make the ids unique"));
        }
        items.push(item);
    }
    Ok(items)
}

/// Writes items as JSONL, whole or not at all.
///
/// # Errors
/// An input error when the file cannot be written.
pub fn write_jsonl(path: &Path, items: &[Item]) -> Result<()> {
    files::write_with(path, |out| {
        for item in items {
            // A gold value that spans lines would break the format.
            if item.expected_output.get().contains(['\n', '\r']) {
                let mut item = item.clone();
                item.expected_output = canonical::compact(&item.expected_output);
                serde_json::to_writer(&mut *out, &item)?;
            } else {
                serde_json::to_writer(&mut *out, item)?;
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// serde_json ends its messages with "at line 1 column 7", where line 1 is always the JSONL line itself.
pub(crate) fn without_position(e: &serde_json::Error) -> String {
    let text = e.to_string();
    match text.rfind(" at line ") {
        Some(at) => shortened(&text[..at]),
        None => shortened(&text),
    }
}

/// Error lines stay readable whatever the input holds.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","schema_id":"s","extra":[1],"prompt":"p","expected_output":{"x": 1.50}}"#;

    fn error(bytes: &[u8]) -> String {
        let e = parse_jsonl("f.jsonl", bytes).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        e.to_string()
    }

    #[test]
    fn reads_required_fields_and_keeps_number_text() {
        let items = parse_jsonl("f", format!("\u{feff}{GOOD}\r\n\n").as_bytes()).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].complexity, None);
        assert_eq!(items[0].expected_output.get(), r#"{"x": 1.50}"#);
    }

    #[test]
    fn every_kind_of_broken_line_names_file_and_line() {
        assert!(error(b"{\"id\":").starts_with("f.jsonl:1: not an item"));
        assert!(error(format!("{GOOD}\n[1]").as_bytes()).starts_with("f.jsonl:2: not an item"));
        assert!(
            error(b"\n{\"id\":\"a\",\"schema_id\":\"s\",\"prompt\":\"p\"}").contains("missing field `expected_output`")
        );
        assert!(error(b"\xff\xfe").starts_with("f.jsonl:1: not UTF-8"));
        assert!(error(format!("{GOOD}\n{GOOD}").as_bytes()).contains("f.jsonl:2: id `a` was already used on line 1"));
        assert!(error(GOOD.replace("\"a\"", "\"\"").as_bytes()).contains("empty"));
        assert!(error(GOOD.replace("\"id\"", "\"complexity\":\"hard\",\"id\"").as_bytes()).contains("hard"));
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(error(GOOD.replace("1.50", &deep).as_bytes()).contains("recursion"));
        assert!(error(GOOD.replace("1.50", r#""\ud800""#).as_bytes()).contains("expected_output"));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let mut item = parse_jsonl("f", GOOD.as_bytes()).unwrap().remove(0);
        item.complexity = Some(Level::Medium);
        item.templates = vec!["t1".into()];
        item.prompt = "line\nbreak \"q\"".into();
        item.expected_output = RawValue::from_string("{\n \"x\": 1.50\n}".into()).unwrap();
        write_jsonl(&path, std::slice::from_ref(&item)).unwrap();
        let back = read_jsonl(&path).unwrap().remove(0);
        assert_eq!(back.prompt, item.prompt);
        assert_eq!(back.complexity, item.complexity);
        assert_eq!(back.templates, item.templates);
        assert_eq!(back.expected_output.get(), r#"{"x":1.50}"#);
    }
}
