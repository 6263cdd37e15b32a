//! How do results reach standard output, and the error line standard error? Nothing here panics when a pipe closes.

use std::io::{ErrorKind, Write};

use bantam_core::{Error, Result};
use serde::Serialize;

/// Where a verb prints its result: text for people, or one JSON object with `--json`.
pub struct Output {
    json: bool,
}

impl Output {
    /// With `json`, [`Output::text`] prints nothing and [`Output::object`] does.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Lines for people.
    pub fn text(&self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { print(&format!("{}\n", text.trim_end_matches('\n'))) }
    }

    /// A piece of a text for people, shown at once.
    pub fn piece(&self, piece: &str) -> Result<()> {
        if self.json { Ok(()) } else { print(piece) }
    }

    /// The result as the last line of standard output.
    pub fn object(&self, object: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let line = serde_json::to_string(object).map_err(|e| Error::internal("--json", e))?;
        print(&format!("{line}\n"))
    }
}

/// A reader that has seen enough (`bantam runs list | head -1`) is no error; a full disk behind `>` is one.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::input(
            "standard output",
            format_args!("cannot write: {e}"),
            "free space or choose another place",
        )),
        _ => Ok(()),
    }
}

/// The one error line.
pub fn error_line(text: &str) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "error: {text}");
}
