//! What of an evaluation is finished? `<result's name>.partial.jsonl`: the protocol, then an item a line, until the result is whole.
//!
//! Each line is written in one go as its item is answered. A kill can only tear the last line, which is then dropped, and its
//! item asked again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bantam_core::{Error, Result, hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Keep;
use super::request::Output;
use crate::result::{Protocol, file_stem};

/// What to do about a partial file that was written under another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It is an error: somebody's work would be lost.
    Refuse,
    /// Begin anew: who calls knows that it is out of date.
    Discard,
}

/// An open partial file. No other process can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    outputs: HashMap<String, Output>,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    /// SHA-256 of `made_under`.
    protocol_hash: String,
    /// Suite, model and protocol.
    made_under: Value,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Line<I, O> {
    id: I,
    output: O,
}

impl Journal {
    /// Opens the partial file of a result in `keep.dir`, an empty one if there is none, with the items that it has.
    ///
    /// # Errors
    /// An input error when the file cannot be opened or written, another process has it, a line but the last is damaged, or,
    /// with [`Stale::Refuse`], it was made under another protocol; the first differences are named.
    pub fn open(keep: Keep<'_>, suite: &str, model: &str, protocol: &Protocol) -> Result<Self> {
        let path = keep.dir.join(format!("{}.partial.jsonl", file_stem(suite, model, protocol)));
        let failed = |action: &str, e: &std::io::Error| Error::io(&path, action, e);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(|e| failed("write", &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let remedy = "wait until it is done, or choose another folder";
                return Err(Error::input(path.display(), "another evaluation is writing it", remedy));
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock", &e)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| failed("read", &e))?;
        let place = path.display().to_string();
        let head = head(suite, model, protocol)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let (mut outputs, mut keep_bytes) = (HashMap::new(), whole);
        if whole > 0 {
            match read(&place, &bytes[..whole], &head) {
                Ok(found) => outputs = found,
                Err(Unfit::OtherProtocol(_)) if keep.stale == Stale::Discard => keep_bytes = 0,
                Err(Unfit::OtherProtocol(e) | Unfit::Damaged(e)) => return Err(e),
            }
        }
        file.set_len(keep_bytes as u64).map_err(|e| failed("write", &e))?;
        file.seek(SeekFrom::End(0)).map_err(|e| failed("write", &e))?;
        let journal = Self { path, file: Mutex::new(file), outputs };
        if keep_bytes == 0 {
            journal.write(&head)?;
        }
        Ok(journal)
    }

    /// How many items were finished when it was opened.
    pub fn finished(&self) -> usize {
        self.outputs.len()
    }

    /// The output of an item that was finished when it was opened.
    pub fn output(&self, id: &str) -> Option<&Output> {
        self.outputs.get(id)
    }

    /// Keeps the output of an item.
    ///
    /// # Errors
    /// An input error when it cannot be written (a full disk).
    pub fn append(&self, id: &str, output: &Output) -> Result<()> {
        self.write(&Line { id, output })
    }

    /// Removes the file: the result is safe.
    ///
    /// # Errors
    /// An input error when it cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|e| Error::io(&self.path, "remove", &e))
    }

    fn write(&self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|e| Error::internal("partial result", e))?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).map_err(|e| Error::io(&self.path, "write", &e))
    }
}

/// The first line for a result.
fn head(suite: &str, model: &str, protocol: &Protocol) -> Result<Head> {
    let made_under = serde_json::json!({"suite": suite, "model": model, "protocol": protocol.without_paths()});
    let text = serde_json::to_vec(&made_under).map_err(|e| Error::internal("protocol", e))?;
    Ok(Head { protocol_hash: hash::bytes(&text), made_under })
}

/// Why the items of a partial file cannot be used.
enum Unfit {
    OtherProtocol(Error),
    Damaged(Error),
}

/// The items of a partial file, given its whole lines.
fn read(place: &str, bytes: &[u8], wanted: &Head) -> Result<HashMap<String, Output>, Unfit> {
    let mut outputs = HashMap::new();
    for (index, raw) in bytes.split(|b| *b == b'\n').enumerate().filter(|(_, raw)| !raw.is_empty()) {
        let damaged = |e: serde_json::Error| {
            let place = format!("{place}:{}", index + 1);
            Unfit::Damaged(Error::input(place, format_args!("damaged: {e}"), "remove the file to begin anew"))
        };
        if index > 0 {
            let line: Line<String, Output> = serde_json::from_slice(raw).map_err(damaged)?;
            outputs.insert(line.id, line.output);
            continue;
        }
        let head: Head = serde_json::from_slice(raw).map_err(damaged)?;
        if head.protocol_hash != wanted.protocol_hash {
            let mut found = Vec::new();
            differences(&head.made_under, &wanted.made_under, String::new(), &mut found);
            found.truncate(3);
            let what = format!("an unfinished evaluation under another protocol ({})", found.join("; "));
            let remedy = "finish it with its own settings, choose another folder, or remove the file to begin anew";
            return Err(Unfit::OtherProtocol(Error::input(place, what, remedy)));
        }
    }
    Ok(outputs)
}

/// Where two values differ: `/protocol/decoding/max_new_tokens: 16 there, 8 here`.
fn differences(there: &Value, here: &Value, pointer: String, found: &mut Vec<String>) {
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            for name in names {
                let of = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or(Value::Null);
                differences(&of(a), &of(b), format!("{pointer}/{name}"), found);
            }
        }
        _ if there == here => {}
        _ => {
            let shown = |value: &Value| {
                let text = value.to_string();
                text.char_indices().nth(40).map_or(text.clone(), |(at, _)| format!("{}...", &text[..at]))
            };
            found.push(format!("{pointer}: {} there, {} here", shown(there), shown(here)));
        }
    }
}
