//! How is CLINC150 read, as published?
//!
//! Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction" (EMNLP 2019): one JSON
//! object (`data_full.json`, `data_small.json`, ...) whose keys `train`, `val`, `test`, `oos_train`, `oos_val` and
//! `oos_test` each hold pairs `[text, intent]`. A file may lack some of them. Items of `oos_train` belong to the split `train`.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::Deserialize;

use super::{IntentItem, IntentSet, Taxonomy};
use crate::item::without_position;

/// The published label of texts that mean none of the intents.
pub const OUT_OF_SCOPE: &str = "oos";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    train: Option<Vec<(String, String)>>,
    val: Option<Vec<(String, String)>>,
    test: Option<Vec<(String, String)>>,
    oos_train: Option<Vec<(String, String)>>,
    oos_val: Option<Vec<(String, String)>>,
    oos_test: Option<Vec<(String, String)>>,
}

/// Reads a file. The taxonomy is called `clinc150` and has the labels of all its splits, sorted.
///
/// # Errors
/// An input error naming the file and line, or key and place, that is not as published.
pub fn read(path: &Path) -> Result<IntentSet> {
    parse(&path.display().to_string(), &files::read(path)?)
}

/// [`read`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read`].
pub fn parse(place: &str, bytes: &[u8]) -> Result<IntentSet> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let published: Published = serde_json::from_slice(bytes).map_err(|e| {
        let here = format!("{place}:{}:{}", e.line(), e.column());
        let remedy = "a CLINC150 file is an object of train, val, test, oos_train, oos_val and oos_test, each a list of \
                      [text, intent]";
        Error::input(here, format_args!("not CLINC150: {}", without_position(&e)), remedy)
    })?;
    let mut items = Vec::new();
    for (key, split, pairs) in [
        ("train", "train", published.train),
        ("val", "val", published.val),
        ("test", "test", published.test),
        ("oos_train", "train", published.oos_train),
        ("oos_val", "val", published.oos_val),
        ("oos_test", "test", published.oos_test),
    ] {
        for (number, (text, intent)) in pairs.unwrap_or_default().into_iter().enumerate() {
            let wrong = |what: &str, remedy: &str| {
                Err(Error::input(format_args!("{place}: {key}[{number}]"), what.to_owned(), remedy.to_owned()))
            };
            if text.trim().is_empty() || intent.trim().is_empty() {
                return wrong("the text or the intent is empty", "give both, or take the pair out");
            }
            let out_of_scope = intent == OUT_OF_SCOPE;
            if key.starts_with("oos") && !out_of_scope {
                return wrong("an out-of-scope text has an intent", "its label is `oos`");
            }
            items.push(IntentItem {
                id: format!("clinc150_{key}_{number:05}"),
                text,
                intent,
                slots: Default::default(),
                out_of_scope,
                template: None,
                split: Some(split.to_owned()),
                kind: None,
            });
        }
    }
    let names = items.iter().map(|item| item.intent.clone());
    let taxonomy = Taxonomy::of_names("clinc150", names, Some(OUT_OF_SCOPE)).map_err(|e| e.within(place))?;
    Ok(IntentSet { taxonomy, items })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_labels_and_out_of_scope_texts_are_kept_apart() {
        let text = r#"{"val":[["hi","greeting"]],"train":[["bye","goodbye"],["hello","greeting"]],"oos_train":[["why","oos"]]}"#;
        let set = parse("f", text.as_bytes()).unwrap();
        assert_eq!(set.taxonomy.labels().collect::<Vec<_>>(), ["goodbye", "greeting", "oos"]);
        let train = set.split("train");
        assert_eq!(
            train.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(),
            ["clinc150_train_00000", "clinc150_train_00001", "clinc150_oos_train_00000"]
        );
        assert!(train[2].out_of_scope && !train[0].out_of_scope);
        assert_eq!(set.split("val").len(), 1);
        assert!(set.split("test").is_empty());
    }

    #[test]
    fn what_is_not_as_published_is_named() {
        for (text, part) in [
            (r#"{"train":[["a"]]}"#, "f:1:15: not CLINC150"),
            (r#"{"train":[["a","b","c"]]}"#, "not CLINC150"),
            (r#"{"train":[["a",1]]}"#, "not CLINC150"),
            (r#"{"train":[["a","b"]],"dev":[]}"#, "unknown field `dev`"),
            (r#"{"train":[["a","b"]],"train":[]}"#, "duplicate field `train`"),
            (r#"{"train":[["a","b"],[" ","c"]]}"#, "f: train[1]: the text or the intent is empty"),
            (r#"{"oos_val":[["a","b"]]}"#, "f: oos_val[0]: an out-of-scope text has an intent"),
            (r#"{"train":[["a","b"]]}"#, "1 intents"),
            (r#"[]"#, "not CLINC150"),
            ("", "not CLINC150"),
        ] {
            let e = parse("f", text.as_bytes()).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(part), "{e}");
        }
        assert_eq!(parse("f", b"\xff").unwrap_err().exit_code(), 2);
    }
}
