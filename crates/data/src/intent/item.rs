//! What is one text with its intent, and how is a file of them read and written?
//!
//! One JSON object per line: `id`, `text` and `intent` are required; `slots`, `out_of_scope`, `template`, `split` and
//! `kind` may follow. Fields that Bantam does not know are read over.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};

use super::Taxonomy;
use crate::item::shortened;
use crate::jsonl;

/// A text and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentItem {
    /// Unique within its set.
    pub id: String,
    /// What was said.
    pub text: String,
    /// A label of the taxonomy.
    pub intent: String,
    /// The slots that the text states, by name, as said in the text or as the slot's values write it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, String>,
    /// Whether the text means none of the intents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_scope: bool,
    /// The template a generated text was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The split the source puts the item in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// What sort of text it is (`clean`, `typos`, `near`), for scores by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Reads a JSONL file of texts whose intents are from `taxonomy`.
///
/// # Errors
/// An input error that names `file:line` for a line that cannot be read, an empty id or text, an id used twice, an
/// intent or slot that the taxonomy lacks, or an `out_of_scope` that contradicts the intent.
pub fn read_jsonl(path: &Path, taxonomy: &Taxonomy) -> Result<Vec<IntentItem>> {
    parse_jsonl(&path.display().to_string(), &files::read(path)?, taxonomy)
}

/// [`read_jsonl`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read_jsonl`].
pub fn parse_jsonl(place: &str, bytes: &[u8], taxonomy: &Taxonomy) -> Result<Vec<IntentItem>> {
    let mut items = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    let slots = taxonomy.slots();
    for (line, mut item) in jsonl::parse::<IntentItem>(place, bytes, "a text", "id, text and intent are required")? {
        let wrong =
            |what: String, remedy: &str| Err(Error::input(format_args!("{place}:{line}"), what, remedy.to_owned()));
        if item.id.is_empty() || item.text.trim().is_empty() {
            return wrong("`id` or `text` is empty".to_owned(), "give every item an id and a text");
        }
        if taxonomy.label_index(&item.intent).is_none() {
            let what = format!("intent `{}` is not in taxonomy `{}`", shortened(&item.intent), taxonomy.name);
            return wrong(what, "mend the intent or choose the taxonomy it is from");
        }
        let outside = taxonomy.out_of_scope.as_deref() == Some(&item.intent);
        if item.out_of_scope && !outside {
            let what = format!("out of scope, but intent `{}`", shortened(&item.intent));
            return wrong(what, "out-of-scope items have the taxonomy's out_of_scope label as their intent");
        }
        item.out_of_scope = outside;
        if let Some(slot) = item.slots.keys().find(|name| !slots.iter().any(|s| s.name == **name)) {
            let what = format!("slot `{}` is not in taxonomy `{}`", shortened(slot), taxonomy.name);
            return wrong(what, "mend the slot's name or add it to an intent of the taxonomy");
        }
        if let Some(first) = lines.insert(item.id.clone(), line) {
            let what = format!("id `{}` was already used on line {first}", shortened(&item.id));
            return wrong(what, "make the ids unique");
        }
        items.push(item);
    }
    Ok(items)
}

/// Writes texts as JSONL, whole or not at all.
///
/// # Errors
/// An input error when the file cannot be written.
pub fn write_jsonl(path: &Path, items: &[IntentItem]) -> Result<()> {
    files::write_with(path, |out| {
        for item in items {
            serde_json::to_writer(&mut *out, item)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taxonomy() -> Taxonomy {
        let text =
            r#"{"name":"t","out_of_scope":"none","intents":[{"name":"on","slots":[{"name":"room"}]},{"name":"off"}]}"#;
        Taxonomy::parse_json("t", text).unwrap()
    }

    const GOOD: &str = r#"{"id":"a","text":"light on","intent":"on","slots":{"room":"den"},"more":1}"#;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let outside = r#"{"id":"b","text":"tell me\na joke","intent":"none"}"#;
        let items = parse_jsonl("f", format!("{GOOD}\n\n{outside}\r\n").as_bytes(), &taxonomy()).unwrap();
        assert_eq!((items[0].out_of_scope, items[1].out_of_scope), (false, true));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        write_jsonl(&path, &items).unwrap();
        assert_eq!(read_jsonl(&path, &taxonomy()).unwrap(), items);
    }

    #[test]
    fn every_kind_of_broken_line_names_file_and_line() {
        let told = |line: &str, part: &str| {
            let e = parse_jsonl("f", format!("{GOOD}\n{line}").as_bytes(), &taxonomy()).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().starts_with("f:2") && e.to_string().contains(part), "{e}");
        };
        told(GOOD, "`a` was already used on line 1");
        told("{\"id\":\"b\"}", "missing field `text`");
        told("{\"id\":\"b\",\"text\":\"x\"}", "missing field `intent`");
        told("{\"id\":\"b\",\"text\":\" \",\"intent\":\"on\"}", "empty");
        told("{\"id\":\"b\",\"text\":\"x\",\"intent\":\"up\"}", "`up` is not in taxonomy `t`");
        told("{\"id\":\"b\",\"text\":\"x\",\"intent\":\"on\",\"out_of_scope\":true}", "but intent `on`");
        told("{\"id\":\"b\",\"text\":\"x\",\"intent\":\"on\",\"slots\":{\"door\":\"x\"}}", "slot `door`");
        told("{\"id\":\"b\",\"text\":\"x\",\"intent\":\"on\",\"slots\":{\"room\":1}}", "not a text");
        told("[]", "not a text");
    }
}
