//! Prompts and their completions to fine-tune on: JSONL of `{"prompt", "completion"}`.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::Deserialize;

use crate::jsonl;

/// A prompt and what should follow it. Fields that Bantam does not know are read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The line it stands on.
    pub line: usize,
    /// What the model is shown; may be empty.
    pub prompt: String,
    /// What it should write next.
    pub completion: String,
}

#[derive(Deserialize)]
struct Line {
    prompt: String,
    completion: String,
}

/// Reads a file of completions.
///
/// # Errors
/// An input error that names `file:line` for a line that is not such an object or whose completion is empty.
pub fn read_jsonl(path: &Path) -> Result<Vec<Completion>> {
    parse_jsonl(&path.display().to_string(), &files::read(path)?)
}

/// [`read_jsonl`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read_jsonl`].
pub fn parse_jsonl(place: &str, bytes: &[u8]) -> Result<Vec<Completion>> {
    let lines = jsonl::parse::<Line>(place, bytes, "a completion", "prompt and completion, both strings")?;
    let completion = |(line, Line { prompt, completion }): (usize, Line)| {
        if completion.is_empty() {
            let what = "the completion is empty";
            return Err(Error::input(format!("{place}:{line}"), what, "leave the line out or fill it"));
        }
        Ok(Completion { line, prompt, completion })
    };
    lines.into_iter().map(completion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_broken_ones_named() {
        let read = parse_jsonl("f", br#"{"prompt":"","completion":" b","id":3}"#).unwrap();
        assert_eq!(read, [Completion { line: 1, prompt: String::new(), completion: " b".into() }]);
        for text in ["[]", r#"{"prompt":"a"}"#, r#"{"prompt":"a","completion":""}"#, r#"{"prompt":1,"completion":"a"}"#]
        {
            let e = parse_jsonl("f", text.as_bytes()).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().starts_with("f:1: "), "{e}");
        }
    }
}
