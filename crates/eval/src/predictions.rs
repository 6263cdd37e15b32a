//! Outputs read from a file of `{"id", "output"}` lines, for scoring without a model.

use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::Deserialize;

use crate::harness::Output;

#[derive(Deserialize)]
struct Line {
    id: String,
    output: String,
}

/// Reads the outputs for `ids`, in their order; an id without a line has no output.
///
/// # Errors
/// An input error naming `file:line` for a line that is not UTF-8, not a JSON object with the texts `id` and `output`,
/// or whose id is unknown or already used.
pub fn read(path: &Path, ids: &[&str]) -> Result<Vec<Output>> {
    parse(&path.display().to_string(), &files::read(path)?, ids)
}

/// [`read`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read`].
pub fn parse(place: &str, bytes: &[u8], ids: &[&str]) -> Result<Vec<Output>> {
    let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut lines: Vec<Option<usize>> = vec![None; ids.len()];
    let mut outputs: Vec<Output> = ids.iter().map(|_| Output::missing("no line in the predictions file")).collect();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (index, raw) in bytes.split(|&b| b == b'\n').enumerate() {
        if raw.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let here = format!("{place}:{}", index + 1);
        let line: Line = serde_json::from_slice(raw).map_err(|e| {
            let remedy = "every line is a JSON object with `id` and `output`, the model's whole text as a string";
            Error::input(&here, format_args!("not a prediction: {}", shortened(&e.to_string())), remedy)
        })?;
        let Some(&at) = places.get(line.id.as_str()) else {
            let what = format!("id `{}` is not in the data", shortened(&line.id));
            return Err(Error::input(&here, what, "score predictions against the data they were made for"));
        };
        if let Some(first) = lines[at].replace(index + 1) {
            let what = format!("id `{}` was already used on line {first}", shortened(&line.id));
            return Err(Error::input(&here, what, "keep one prediction for each item"));
        }
        outputs[at] = Output::text(line.output);
    }
    Ok(outputs)
}

/// Error lines stay readable whatever the input holds.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_matched_by_id_and_missing_ones_said() {
        let text = "\u{feff}{\"id\":\"b\",\"output\":\"{}\",\"more\":1}\r\n\n";
        let outputs = parse("p", text.as_bytes(), &["a", "b"]).unwrap();
        assert_eq!(outputs[1].text.as_deref(), Some("{}"));
        assert_eq!(outputs[0].text, None);
        assert!(outputs[0].note.as_deref().is_some_and(|n| n.contains("no line")));
    }

    #[test]
    fn broken_files_name_the_line() {
        for (text, expected) in [
            (
                "{\"id\":\"a\",\"output\":\"\"}\n{\"id\":\"a\",\"output\":\"\"}",
                "p:2: id `a` was already used on line 1",
            ),
            ("\n{\"id\":\"z\",\"output\":\"\"}", "p:2: id `z` is not in the data"),
            ("{\"id\":\"a\"}", "p:1: not a prediction: missing field `output`"),
            ("{\"output\":\"\"}", "p:1: not a prediction: missing field `id`"),
            ("{\"id\":\"a\",\"output\":{}}", "p:1: not a prediction"),
            ("{\"id\":\"a\",\"output\":null}", "p:1: not a prediction"),
            ("{\"id\":\"a\",\"output\":\"", "p:1: not a prediction"),
            ("[1]", "p:1: not a prediction"),
            ("{\"id\":\"a\",\"output\":\"\",\"output\":\"\"}", "duplicate field `output`"),
        ] {
            let e = parse("p", text.as_bytes(), &["a"]).unwrap_err();
            assert_eq!(e.exit_code(), 2);
            assert!(e.to_string().contains(expected), "{e}");
        }
        assert_eq!(parse("p", b"\xff", &["a"]).unwrap_err().exit_code(), 2);
    }
}
