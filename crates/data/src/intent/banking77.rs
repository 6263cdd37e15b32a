//! How is Banking77 read, as published?
//!
//! Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders" (2020): `train.csv` and `test.csv` with the
//! header `text,category`, quoted by RFC 4180 (texts hold commas, quotes and line breaks). It has no out-of-scope texts.

use std::path::Path;

use bantam_core::{Error, Result, files};

use super::{IntentItem, IntentSet, Taxonomy};
use crate::item::shortened;

/// Reads one file, whose items all get the split `split`. The taxonomy is called `banking77` and has the file's
/// categories, sorted.
///
/// # Errors
/// An input error naming `file:line` for a record that is not a text and a category, or a header that is not
/// `text,category`.
pub fn read(path: &Path, split: &str) -> Result<IntentSet> {
    parse(&path.display().to_string(), &files::read(path)?, split)
}

/// [`read`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read`].
pub fn parse(place: &str, bytes: &[u8], split: &str) -> Result<IntentSet> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut items = Vec::new();
    let mut header = true;
    loop {
        // Where the next record starts; the record itself knows only where reading it began.
        let line = reader.position().line();
        let wrong =
            |what: String, remedy: &str| Err(Error::input(format_args!("{place}:{line}"), what, remedy.to_owned()));
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => return wrong(format!("not CSV: {}", shortened(&e.to_string())), "save the file as published"),
        }
        let fields: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
        let Ok(fields) = fields else { return wrong("not UTF-8".to_owned(), "save the file as UTF-8") };
        let [text, category] = fields[..] else {
            let what = format!("{} fields where `text,category` are expected", fields.len());
            return wrong(what, "give a text, in quotes if it has commas, and a category");
        };
        if header {
            if (text, category) != ("text", "category") {
                return wrong("the header is not `text,category`".to_owned(), "take the file as published");
            }
            header = false;
            continue;
        }
        if text.trim().is_empty() || category.trim().is_empty() {
            return wrong("the text or the category is empty".to_owned(), "give both, or take the line out");
        }
        items.push(IntentItem {
            id: format!("banking77_{split}_{:05}", items.len()),
            text: text.to_owned(),
            intent: category.to_owned(),
            slots: Default::default(),
            out_of_scope: false,
            template: None,
            split: Some(split.to_owned()),
            kind: None,
        });
    }
    let names = items.iter().map(|item| item.intent.clone());
    let taxonomy = Taxonomy::of_names("banking77", names, None).map_err(|e| e.within(place))?;
    Ok(IntentSet { taxonomy, items })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_breaks_are_part_of_texts() {
        let text = "\u{feff}text,category\r\n\"Where's my card, \"\"the new one\"\"?\",card_arrival\r\n\"two\nlines\",b\nplain,b\n";
        let set = parse("f", text.as_bytes(), "train").unwrap();
        let texts: Vec<&str> = set.items.iter().map(|i| i.text.as_str()).collect();
        assert_eq!(texts, ["Where's my card, \"the new one\"?", "two\nlines", "plain"]);
        assert_eq!(set.taxonomy.labels().collect::<Vec<_>>(), ["b", "card_arrival"]);
        assert_eq!(set.items[2].id, "banking77_train_00002");
    }

    #[test]
    fn what_is_not_as_published_is_named() {
        for (text, part) in [
            (&b"text,label\na,b\n"[..], "f:1: the header"),
            (b"text,category\na\n", "f:2: 1 fields"),
            (b"text,category\na,b\nc,d,e\n", "f:3: 3 fields"),
            (b"text,category\n\"a\nb\",c\n ,d\n", "f:4: the text or the category is empty"),
            (b"text,category\n\xff,b\n", "f:2: not UTF-8"),
            (b"text,category\na,b\n", "1 intents"),
            (b"", "0 intents"),
        ] {
            let e = parse("f", text, "train").unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(part), "{e}");
        }
    }
}
