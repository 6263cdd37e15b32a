//! Where a conversation's lines come from: an editor on a terminal, standard input elsewhere.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result};
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, history::History as _};

/// The lines, as they come.
pub struct Lines {
    editor: Option<DefaultEditor>,
    history: Option<PathBuf>,
}

impl Lines {
    /// An editor where standard input is a terminal, with the lines of `history` to recall.
    pub fn open(history: Option<&Path>) -> Result<Self> {
        if !std::io::stdin().is_terminal() {
            return Ok(Self { editor: None, history: None });
        }
        let mut editor = DefaultEditor::new().map_err(failed)?;
        if let Some(path) = history.filter(|path| path.exists()) {
            editor.load_history(path).map_err(|e| unreadable(path, &e))?;
        }
        Ok(Self { editor: Some(editor), history: history.map(Path::to_owned) })
    }

    /// Whether someone types.
    pub fn is_interactive(&self) -> bool {
        self.editor.is_some()
    }

    /// The next line, those that end with `\` joined with their next; `None` at the end.
    pub fn next(&mut self) -> Result<Option<String>> {
        let mut text = String::new();
        loop {
            let Some(line) = self.read(if text.is_empty() { "> " } else { ". " })? else {
                return Ok((!text.is_empty()).then_some(text));
            };
            match line.strip_suffix('\\') {
                Some(begun) => {
                    text += begun;
                    text.push('\n');
                }
                None => return Ok(Some(text + &line)),
            }
        }
    }

    fn read(&mut self, prompt: &str) -> Result<Option<String>> {
        let Some(editor) = &mut self.editor else {
            let mut line = Vec::new();
            let read = std::io::stdin().lock().read_until(b'\n', &mut line);
            let count =
                read.map_err(|e| Error::input("standard input", format_args!("cannot read: {e}"), "check it"))?;
            let line = String::from_utf8(line)
                .map_err(|_| Error::input("standard input", "a line is not UTF-8 text", "convert it to UTF-8"))?;
            return Ok((count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()));
        };
        match editor.readline(prompt) {
            Ok(line) => {
                editor.add_history_entry(&line).map_err(failed)?;
                Ok(Some(line))
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the history, where it is kept.
    pub fn close(mut self) -> Result<()> {
        match (&mut self.editor, &self.history) {
            (Some(editor), Some(path)) if !editor.history().is_empty() => {
                editor.save_history(path).map_err(|e| unreadable(path, &e))
            }
            _ => Ok(()),
        }
    }
}

fn failed(error: ReadlineError) -> Error {
    Error::input("terminal", error, "give the lines by a pipe")
}

fn unreadable(path: &Path, error: &ReadlineError) -> Error {
    Error::input(path.display(), error, "check the path and the permissions")
}
