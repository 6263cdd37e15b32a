//! Where does a run come from, and is this one the same as that one?
//!
//! A lineage has an `id`: the hash of everything that is the same whenever the same thing is made again (parents,
//! seed, resolved recipe, data, artifacts, scores). What differs between two makings of the same thing (command
//! line, source revision, machine, times, measured speeds) stands beside it and is never hashed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::Host;
use crate::{Error, Result, files, hash};

/// The content of `lineage.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Hash of [`Lineage::made`]: equal ids mean the same content.
    pub id: String,
    /// What was made, and from what. Hashed.
    pub made: Made,
    /// How, where and when. Not hashed.
    pub circumstances: Circumstances,
}

/// What the id hashes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Runs or models this one was made from: role (such as `teacher`) to id or content hash.
    pub parents: BTreeMap<String, String>,
    /// The run's seed.
    pub seed: u64,
    /// Hash of the resolved recipe.
    pub recipe: String,
    /// Content hashes of the data that went in: name to SHA-256.
    pub data: BTreeMap<String, String>,
    /// Content hashes of what came out: path in the run folder to SHA-256.
    pub artifacts: BTreeMap<String, String>,
    /// Results that repeat bit for bit, such as scores; keyed by result file.
    pub results: BTreeMap<String, Value>,
}

/// What explains a making and is not its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    /// The command line.
    pub command: Vec<String>,
    /// Bantam's version, with the source revision it was built from where the build could tell.
    pub source: String,
    /// The machine.
    pub host: Host,
    /// What the training computed on; `None` where nothing was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Seconds since 1970-01-01 UTC when the lineage was written.
    pub written_unix_s: u64,
    /// Wall-clock seconds of each stage, from the execution that made it.
    pub stage_seconds: BTreeMap<String, f64>,
    /// Measured speeds and sizes in memory: they vary between executions.
    pub measured: BTreeMap<String, Value>,
}

impl Lineage {
    /// Computes the id of `made`.
    pub fn new(made: Made, circumstances: Circumstances) -> Self {
        Self { id: made.id(), made, circumstances }
    }

    /// Writes the lineage whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::internal(path.display(), e))?;
        files::write(path, format!("{text}\n").as_bytes())
    }

    /// Reads a lineage; one whose id does not match its content was edited, and is an input error.
    pub fn read(path: &Path) -> Result<Self> {
        let text = files::read_text(path)?;
        let lineage: Self = serde_json::from_str(&text).map_err(|e| {
            Error::input(path.display(), format_args!("not a lineage: {e}"), "write it anew with `bantam run`")
        })?;
        if lineage.id != lineage.made.id() {
            let what = "the id does not match the content: the file was changed by hand";
            return Err(Error::input(path.display(), what, "write it anew with `bantam run`"));
        }
        Ok(lineage)
    }
}

impl Made {
    fn id(&self) -> String {
        // `Value` objects may keep any key order; sorted, equal content always gives equal bytes.
        let value = sorted(serde_json::to_value(self).unwrap_or_default());
        hash::bytes(value.to_string().as_bytes())
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_key: BTreeMap<String, Value> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            Value::Object(by_key.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made() -> Made {
        let results = BTreeMap::from([("eval".to_owned(), json!({"b": 1, "a": [{"d": 0.25, "c": null}]}))]);
        Made { seed: 7, recipe: "r".into(), results, ..Made::default() }
    }

    #[test]
    fn the_id_is_of_the_content_alone() {
        let here = Lineage::new(made(), Circumstances::default());
        let elsewhere = Circumstances { written_unix_s: 9, host: Host::detect(), ..Circumstances::default() };
        assert_eq!(here.id, Lineage::new(made(), elsewhere).id);
        let mut reordered = made();
        reordered.results.insert("eval".into(), json!({"a": [{"c": null, "d": 0.25}], "b": 1}));
        assert_eq!(here.id, Lineage::new(reordered, Circumstances::default()).id);
        let mut other = made();
        other.seed = 8;
        assert_ne!(here.id, Lineage::new(other, Circumstances::default()).id);
    }

    #[test]
    fn a_lineage_reads_back_and_an_edited_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lineage.json");
        let lineage = Lineage::new(made(), Circumstances { command: vec!["bantam".into()], ..Default::default() });
        lineage.write(&path).unwrap();
        assert_eq!(Lineage::read(&path).unwrap(), lineage);
        let edited = files::read_text(&path).unwrap().replace("\"seed\": 7", "\"seed\": 8");
        files::write(&path, edited.as_bytes()).unwrap();
        assert!(Lineage::read(&path).unwrap_err().to_string().contains("changed by hand"));
        files::write(&path, b"{\"id\": 3}").unwrap();
        let error = Lineage::read(&path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(!error.to_string().contains('\n'));
    }
}
