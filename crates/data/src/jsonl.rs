//! Lines of a JSONL file as values of one type, with the line named in every error.

use bantam_core::{Error, Result};
use serde::de::DeserializeOwned;

use crate::item::without_position;

/// Reads each line that is not blank. `place` names the file; `what` and `required` say in errors what a line should be.
/// Returns (line number, value).
///
/// # Errors
/// An input error that names `file:line` for a line that is not UTF-8 or not a `T`.
pub fn parse<T: DeserializeOwned>(place: &str, bytes: &[u8], what: &str, required: &str) -> Result<Vec<(usize, T)>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut values = Vec::new();
    for (index, raw) in bytes.split(|&b| b == b'\n').enumerate() {
        let here = format!("{place}:{}", index + 1);
        if raw.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = std::str::from_utf8(raw).map_err(|e| {
            Error::input(&here, format_args!("not UTF-8 at byte {}", e.valid_up_to() + 1), "save the file as UTF-8")
        })?;
        let value = serde_json::from_str(line).map_err(|e| {
            Error::input(
                &here,
                format_args!("not {what}: {}", without_position(&e)),
                format_args!("mend column {} ({required})", e.column()),
            )
        })?;
        values.push((index + 1, value));
    }
    Ok(values)
}
