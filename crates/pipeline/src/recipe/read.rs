//! What does a recipe file say, and where exactly is it wrong? TOML text with its positions, `--set` overrides, and
//! errors that name file, line, column and key.

use std::ops::Range;
use std::path::Path;

use bantam_core::{Error, Result};
use serde::de::DeserializeOwned;
use toml::Value;
use toml::de::{DeTable, DeValue};

const REMEDY: &str = "docs/recipes.md lists every key with its type and default";

/// A recipe's text with what is needed to point into it.
pub(crate) struct Source<'a> {
    file: String,
    text: &'a str,
    keys: Vec<Key>,
}

/// A key of the file: `train.steps`, and which bytes it and its value take.
struct Key {
    path: String,
    span: Range<usize>,
}

impl<'a> Source<'a> {
    /// Checks the syntax and notes where each key stands.
    pub(crate) fn new(file: &Path, text: &'a str) -> Result<Self> {
        let mut source = Self { file: file.display().to_string(), text, keys: Vec::new() };
        let table = DeTable::parse(text).map_err(|e| source.error(&e))?;
        note_keys(table.get_ref(), "", &mut source.keys);
        Ok(source)
    }

    /// Reads the text as a `T`.
    pub(crate) fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(self.text).map_err(|e| self.error(&e))
    }

    /// The text as a table.
    pub(crate) fn table(&self) -> Result<toml::Table> {
        self.deserialize()
    }

    /// Where `key` stands, for an error about its value; a key that is not in the file has its default.
    pub(crate) fn place_of(&self, key: &str) -> String {
        match self.keys.iter().find(|k| k.path == key) {
            Some(found) => format!("{}: {key}", self.position(found.span.start)),
            None => format!("{}: {key} (its default)", self.file),
        }
    }

    fn error(&self, error: &toml::de::Error) -> Error {
        let Some(span) = error.span() else { return Error::input(&self.file, error.message(), REMEDY) };
        let message = error.message();
        // The innermost key around the span; for an unknown key that is the unknown key itself.
        let around = self.keys.iter().rev().find(|k| k.span.start <= span.start && span.start < k.span.end.max(1));
        let place = match around {
            Some(key) => format!("{}: {}", self.position(span.start), key.path),
            None => self.position(span.start),
        };
        Error::input(place, message, remedy_for(message))
    }

    fn position(&self, offset: usize) -> String {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        format!("{}:{line}:{column}", self.file)
    }
}

fn note_keys(table: &DeTable<'_>, prefix: &str, into: &mut Vec<Key>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        into.push(Key { path: path.clone(), span: key.span().start..value.span().end.max(key.span().end) });
        note_values(value.get_ref(), &path, into);
    }
}

fn note_values(value: &DeValue<'_>, path: &str, into: &mut Vec<Key>) {
    match value {
        DeValue::Table(table) => note_keys(table, path, into),
        DeValue::Array(array) => {
            for (at, element) in array.iter().enumerate() {
                let path = format!("{path}.{at}");
                into.push(Key { path: path.clone(), span: element.span() });
                note_values(element.get_ref(), &path, into);
            }
        }
        _ => {}
    }
}

/// `a.b=value`, the value written as in TOML; a bare word that is no TOML value is taken as a string.
pub(crate) fn apply_override(table: &mut toml::Table, argument: &str) -> Result<()> {
    let wrong = |what: String, remedy: &str| Error::input(format_args!("--set {argument}"), what, remedy);
    let example = "write it as --set train.steps=200";
    let (key, text) = argument.split_once('=').ok_or_else(|| wrong("no `=` in it".into(), example))?;
    let path: Vec<&str> = key.trim().split('.').collect();
    if path.iter().any(|part| part.is_empty()) {
        return Err(wrong("an empty key".into(), example));
    }
    let value = parse_value(text.trim()).ok_or_else(|| {
        wrong(format!("`{}` is not a TOML value", text.trim()), "quote strings: --set 'run.name=\"a b\"'")
    })?;
    let (last, parents) = path.split_last().ok_or_else(|| wrong("an empty key".into(), example))?;
    let mut at = Slot::Table(table);
    for part in parents {
        at = at.child(part).ok_or_else(|| wrong(format!("`{part}` is not a table"), REMEDY))?;
    }
    at.set(last, value).ok_or_else(|| wrong(format!("`{last}` cannot be set there"), REMEDY))
}

fn parse_value(text: &str) -> Option<Value> {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {text}\n")).ok();
    // One key only: text with a line break could otherwise smuggle in others.
    let parsed = parsed.filter(|t| t.len() == 1).and_then(|mut t| t.remove("value"));
    let word = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    parsed.or_else(|| (!text.is_empty() && text.chars().all(word)).then(|| Value::String(text.to_owned())))
}

/// Where an override goes: a table, or an array by index (`train.curriculum.0.steps`).
enum Slot<'t> {
    Table(&'t mut toml::Table),
    Array(&'t mut Vec<Value>),
}

impl<'t> Slot<'t> {
    fn child(self, part: &str) -> Option<Slot<'t>> {
        let value = match self {
            Slot::Table(table) => table.entry(part.to_owned()).or_insert_with(|| Value::Table(toml::Table::new())),
            Slot::Array(array) => array.get_mut(part.parse::<usize>().ok()?)?,
        };
        match value {
            Value::Table(table) => Some(Slot::Table(table)),
            Value::Array(array) => Some(Slot::Array(array)),
            _ => None,
        }
    }

    fn set(self, part: &str, value: Value) -> Option<()> {
        match self {
            Slot::Table(table) => {
                table.insert(part.to_owned(), value);
            }
            Slot::Array(array) => *array.get_mut(part.parse::<usize>().ok()?)? = value,
        }
        Some(())
    }
}

/// Says which known name was probably meant where `message` tells of an unknown one.
pub(crate) fn remedy_for(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown").then(|| quoted.next()).flatten();
    let nearest = unknown.and_then(|name| {
        quoted.map(|known| (distance(name, known), known)).min().filter(|(d, _)| *d <= name.len().div_ceil(3))
    });
    match nearest {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => REMEDY.to_owned(),
    }
}

/// Levenshtein's distance, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, argument: &str) -> Result<toml::Table> {
        let mut table = text.parse().unwrap();
        apply_override(&mut table, argument).map(|()| table)
    }

    #[test]
    fn overrides_are_typed_and_reach_into_arrays() {
        let text = "[train]\nsteps = 1\ncurriculum = [{ steps = 1 }, { steps = 2 }]\n";
        assert_eq!(set(text, "train.steps=200").unwrap()["train"]["steps"], Value::Integer(200));
        assert_eq!(set(text, "train.rate=1.5e-3").unwrap()["train"]["rate"], Value::Float(0.0015));
        assert_eq!(
            set(text, "train.curriculum.1.steps=9").unwrap()["train"]["curriculum"][1]["steps"].as_integer(),
            Some(9)
        );
        assert_eq!(set(text, "run.out = /tmp/a").unwrap()["run"]["out"].as_str(), Some("/tmp/a"));
        assert_eq!(set(text, "run.name='a b'").unwrap()["run"]["name"].as_str(), Some("a b"));
        for wrong in [
            "train.steps",
            "=1",
            "train..steps=1",
            "train.steps=",
            "train.steps=[1",
            "train.steps.x=1",
            "train.curriculum.7.steps=1",
            "train.x=1\ny=2",
        ] {
            let error = set(text, wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn unknown_names_get_the_nearest_known_one() {
        assert_eq!(remedy_for("unknown field `stpes`, expected one of `seed`, `steps`"), "did you mean `steps`?");
        assert_eq!(remedy_for("unknown field `zzzzz`, expected `a` or `b`"), REMEDY);
        assert_eq!(remedy_for("invalid type: string \"a\", expected u64"), REMEDY);
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let source = Source::new(Path::new("r.toml"), "# ä\n[a]\nb = 'ö'\n  c = [1, { d = 2 }]\n").unwrap();
        assert_eq!(source.place_of("a.b"), "r.toml:3:1: a.b");
        assert_eq!(source.place_of("a.c"), "r.toml:4:3: a.c");
        assert_eq!(source.place_of("a.c.1.d"), "r.toml:4:13: a.c.1.d");
        assert_eq!(source.place_of("a.z"), "r.toml: a.z (its default)");
        let error = Source::new(Path::new("r.toml"), "a = 1\nb = = 2\n").err().unwrap().to_string();
        assert!(error.starts_with("r.toml:2:5"), "{error}");
    }
}
