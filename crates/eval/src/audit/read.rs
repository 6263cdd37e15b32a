//! Which texts and golds does a file hold, whatever its format?

use std::path::Path;

use bantam_core::{Error, Result, files};
use bantam_data::intent::{IntentItem, banking77, clinc150};
use bantam_data::schemas::SchemaSet;
use bantam_data::{item, jsonl};
use serde_json::Value;

use crate::json;
use crate::result::Source;

/// A text with its gold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Unique within its file.
    pub id: String,
    /// The text.
    pub text: String,
    /// The gold: compact JSON with sorted keys, or an intent.
    pub gold: String,
    /// The schema of an extraction item.
    pub schema_id: Option<String>,
    /// The level of an extraction item.
    pub level: Option<String>,
    /// Slots of an intent item.
    slots: Vec<String>,
}

/// A file's texts.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The file.
    pub source: Source,
    /// What it was read as: `items`, `intents`, `clinc150` or `banking77`.
    pub format: &'static str,
    /// Its texts.
    pub items: Vec<Audited>,
}

impl DataSet {
    /// Whether the golds are JSON under schemas.
    pub fn has_schemas(&self) -> bool {
        self.format == "items"
    }
}

impl Audited {
    /// The schema's name; of an intent item, the intent.
    pub fn schema(&self) -> Option<&str> {
        Some(self.schema_id.as_deref().unwrap_or(&self.gold))
    }

    /// Strings and numbers of the gold, those that an enum of the schema lists left out; of an intent item, its slots.
    pub fn values(&self, schemas: Option<&SchemaSet>) -> Vec<String> {
        let Some(schema_id) = &self.schema_id else { return self.slots.clone() };
        let mut out = Vec::new();
        if let Ok(gold) = serde_json::from_str::<Value>(&self.gold) {
            collect(&gold, schemas.and_then(|s| s.get(schema_id).ok()), &mut out);
        }
        out
    }
}

fn collect(value: &Value, schema: Option<&Value>, out: &mut Vec<String>) {
    match value {
        Value::String(_) | Value::Number(_)
            if schema.is_none_or(|s| s.get("enum").is_none() && s.get("const").is_none()) =>
        {
            out.push(value.to_string());
        }
        Value::Array(values) => values.iter().for_each(|v| collect(v, schema.and_then(|s| s.get("items")), out)),
        Value::Object(members) => {
            for (key, value) in members {
                collect(value, schema.and_then(|s| s.get("properties")?.get(key)), out);
            }
        }
        _ => {}
    }
}

/// Reads extraction items (JSONL with `expected_output`), intent items (JSONL with `intent`), a CLINC150 file (JSON) or a Banking77
/// file (CSV). `split` takes one split of a file that has several.
///
/// # Errors
/// An input error when the file is none of these, or has no text (of that split).
pub fn read(path: &Path, split: Option<&str>) -> Result<DataSet> {
    let place = path.display().to_string();
    let bytes = files::read(path)?;
    let of_split = |item: &Option<String>| split.is_none() || item.as_deref() == split;
    let (format, items) = match kind(path, &bytes) {
        Kind::Items => {
            let items = item::parse_jsonl(&place, &bytes)?.into_iter().filter(|i| of_split(&i.split));
            let items = items.map(|item| {
                let gold = json::parse(item.expected_output.get()).map_err(|e| {
                    let what = format!("the gold is not strict JSON: {e}");
                    Error::input(format_args!("{place}: item `{}`", item.id), what, "mend its expected_output")
                })?;
                Ok(Audited {
                    id: item.id,
                    text: item.prompt,
                    gold: gold.to_string(),
                    schema_id: Some(item.schema_id),
                    level: item.complexity.map(|l| l.name().to_owned()),
                    slots: Vec::new(),
                })
            });
            ("items", items.collect::<Result<Vec<_>>>()?)
        }
        Kind::Intents => {
            let lines = jsonl::parse::<IntentItem>(
                &place,
                &bytes,
                "a text with an intent",
                "id, text and intent are required",
            )?;
            ("intents", intents(lines.into_iter().map(|(_, item)| item), &of_split))
        }
        Kind::Clinc150 => ("clinc150", intents(clinc150::parse(&place, &bytes)?.items, &of_split)),
        Kind::Banking77 => {
            ("banking77", intents(banking77::parse(&place, &bytes, split.unwrap_or("all"))?.items, &of_split))
        }
    };
    if items.is_empty() {
        let what = split.map_or("no texts".to_owned(), |split| format!("no texts of a split `{split}`"));
        return Err(Error::input(place, what, "choose a file with texts, or another split"));
    }
    Ok(DataSet { source: Source::of(path)?, format, items })
}

enum Kind {
    Items,
    Intents,
    Clinc150,
    Banking77,
}

/// By the name's end and the first line.
fn kind(path: &Path, bytes: &[u8]) -> Kind {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        return Kind::Banking77;
    }
    let line = bytes.split(|b| *b == b'\n').find(|l| !l.iter().all(u8::is_ascii_whitespace)).unwrap_or_default();
    match serde_json::from_slice::<Value>(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)) {
        Ok(first) if first.get("intent").is_some() && first.get("expected_output").is_none() => Kind::Intents,
        Ok(first) if ["train", "val", "test"].iter().any(|key| first[*key].is_array()) => Kind::Clinc150,
        Err(_) if path.extension().is_some_and(|e| e == "json") => Kind::Clinc150,
        _ => Kind::Items,
    }
}

fn intents(items: impl IntoIterator<Item = IntentItem>, of_split: &dyn Fn(&Option<String>) -> bool) -> Vec<Audited> {
    let items = items.into_iter().filter(|item| of_split(&item.split));
    let audited = items.map(|item| Audited {
        id: item.id,
        text: item.text,
        gold: item.intent,
        schema_id: None,
        level: item.kind,
        slots: item.slots.into_values().collect(),
    });
    audited.collect()
}
