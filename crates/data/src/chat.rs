//! Conversations to fine-tune on: JSONL of `{"messages": [{"role", "content"}, ...]}`, as most chat data sets come.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::Deserialize;

use crate::jsonl;

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Turn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// A conversation with at least one answer. Fields that Bantam does not know are read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The line it stands on.
    pub line: usize,
    /// The turns, up to the last answer: what follows it teaches nothing.
    pub turns: Vec<Turn>,
}

/// The role whose turns are learned.
pub const ASSISTANT: &str = "assistant";

#[derive(Deserialize)]
struct Line {
    messages: Vec<Turn>,
}

/// Reads a file of conversations.
///
/// # Errors
/// An input error that names `file:line` for a line that is no conversation, has another role than `system`, `user` and
/// `assistant`, an empty answer, or no answer.
pub fn read_jsonl(path: &Path) -> Result<Vec<Conversation>> {
    parse_jsonl(&path.display().to_string(), &files::read(path)?)
}

/// [`read_jsonl`] for bytes at hand; `place` names them in errors.
///
/// # Errors
/// As [`read_jsonl`].
pub fn parse_jsonl(place: &str, bytes: &[u8]) -> Result<Vec<Conversation>> {
    let required = "messages: a list of objects with role and content, both strings";
    let lines = jsonl::parse::<Line>(place, bytes, "a conversation", required)?;
    let conversation = |(line, Line { mut messages }): (usize, Line)| {
        let wrong = |what: String, remedy: &str| Err(Error::input(format!("{place}:{line}"), what, remedy));
        for (at, turn) in messages.iter().enumerate() {
            if !["system", "user", ASSISTANT].contains(&turn.role.as_str()) {
                let what = format!("message {} has the role `{}`", at + 1, crate::item::shortened(&turn.role));
                return wrong(what, "use system, user and assistant");
            }
            if turn.role == ASSISTANT && turn.content.trim().is_empty() {
                return wrong(format!("message {} is an empty answer", at + 1), "leave it out or fill it");
            }
        }
        match messages.iter().rposition(|t| t.role == ASSISTANT) {
            Some(last) => {
                messages.truncate(last + 1);
                Ok(Conversation { line, turns: messages })
            }
            None => wrong("no message is the assistant's".into(), "give at least one answer to learn"),
        }
    };
    lines.into_iter().map(conversation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_end_with_their_last_answer() {
        let text = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"x":1}"#;
        let read = parse_jsonl("f", format!("\n{text}\n").as_bytes()).unwrap();
        assert_eq!((read.len(), read[0].line, read[0].turns.len()), (1, 2, 2));
    }

    #[test]
    fn broken_lines_are_named() {
        let cases = [
            ("{", "f:1: not a conversation"),
            ("{\"messages\":3}", "f:1: not a conversation"),
            (r#"{"messages":[]}"#, "no message is the assistant's"),
            (r#"{"messages":[{"role":"user","content":"a"}]}"#, "no message is the assistant's"),
            (r#"{"messages":[{"role":"tool","content":"a"}]}"#, "`tool`"),
            (r#"{"messages":[{"role":"assistant","content":" "}]}"#, "empty answer"),
            (r#"{"messages":[{"role":"assistant","content":null}]}"#, "not a conversation"),
        ];
        for (text, says) in cases {
            let e = parse_jsonl("f", text.as_bytes()).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(says), "{e}");
        }
        assert!(parse_jsonl("f", b"\n\xff").unwrap_err().to_string().starts_with("f:2: not UTF-8"));
    }
}
