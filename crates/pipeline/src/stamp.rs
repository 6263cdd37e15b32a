//! Are a finished stage's outputs still what it made? A stamp remembers their hashes, and each file's size and
//! time of change, so that the answer is usually had without reading them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bantam_core::{Error, Result, files, hash};
use serde::{Deserialize, Serialize};

use crate::stage::{Output, StageReport};

/// The content of `.stages/<name>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stamp {
    pub(crate) key: String,
    seconds: f64,
    content: BTreeMap<String, String>,
    records: BTreeMap<String, String>,
    files: BTreeMap<String, Seen>,
}

/// How a file looked when it was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    modified_ns: u64,
}

impl Stamp {
    /// Hashes the outputs under `root` that a stage has just made.
    pub(crate) fn of(root: &Path, key: &str, outputs: &[Output], seconds: f64) -> Result<Self> {
        let (mut content, mut records) = (BTreeMap::new(), BTreeMap::new());
        for output in outputs {
            let hashed = hash::tree(&root.join(output.path()))?;
            let name = name_of(output.path());
            match output {
                Output::Content(_) => content.insert(name, hashed),
                Output::Record(_) => records.insert(name, hashed),
            };
        }
        let mut stamp = Self { key: key.to_owned(), seconds, content, records, files: BTreeMap::new() };
        stamp.files = stamp.look(root)?;
        Ok(stamp)
    }

    /// The stamp at `path`. One that is missing or broken is as good as none: the stage runs again.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read(path).ok()?).ok()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::internal(path.display(), e))?;
        files::write(path, format!("{text}\n").as_bytes())
    }

    /// Whether the outputs are as they were. Files that only look touched (a copied run folder) are read and hashed
    /// once; when the content is the same, the stamp is brought up to date.
    pub(crate) fn holds(&self, root: &Path, stamp_path: &Path) -> Result<bool> {
        let Ok(now) = self.look(root) else { return Ok(false) };
        if now == self.files {
            return Ok(true);
        }
        for (name, hashed) in self.content.iter().chain(&self.records) {
            if hash::tree(&root.join(name)).ok().as_ref() != Some(hashed) {
                return Ok(false);
            }
        }
        Self { files: now, ..self.clone() }.write(stamp_path)?;
        Ok(true)
    }

    pub(crate) fn report(&self, name: &'static str, skipped: bool) -> StageReport {
        let content = self.content.keys().map(|path| Output::Content(PathBuf::from(path)));
        let records = self.records.keys().map(|path| Output::Record(PathBuf::from(path)));
        let outputs = content.chain(records).collect();
        StageReport { name, skipped, seconds: self.seconds, outputs, hashes: self.content.clone() }
    }

    fn look(&self, root: &Path) -> Result<BTreeMap<String, Seen>> {
        let mut seen = BTreeMap::new();
        for name in self.content.keys().chain(self.records.keys()) {
            look_at(root, Path::new(name), &mut seen)?;
        }
        Ok(seen)
    }
}

fn look_at(root: &Path, relative: &Path, seen: &mut BTreeMap<String, Seen>) -> Result<()> {
    let path = root.join(relative);
    let failed = |e| Error::io(&path, "read", &e);
    let metadata = std::fs::metadata(&path).map_err(failed)?;
    if metadata.is_dir() {
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            look_at(root, &relative.join(entry.map_err(failed)?.file_name()), seen)?;
        }
        return Ok(());
    }
    let modified = metadata.modified().map_err(failed)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let modified_ns = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
    seen.insert(name_of(relative), Seen { bytes: metadata.len(), modified_ns });
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
