//! What came of one recall run: a file of its own, `<task>-<mixers>-lr<rate>-seed<n>-<hash8>.json`, there whole or not at
//! all.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bantam_core::host::Host;
use bantam_core::{Error, Result, files, hash};
use bantam_data::recall::Settings;
use bantam_eval::statistics::Estimate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pattern;
use super::text_record::TextRecord;

/// Everything that decides the result of a run. Its hash is the run's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Task and numbers of items.
    pub settings: Settings,
    /// The mixers, as on the command line.
    pub mixers: String,
    /// Width of the model.
    pub width: usize,
    /// Its layers.
    pub layers: usize,
    /// Heads, of mixers that have some.
    pub heads: usize,
    /// Width inside its feed-forwards.
    pub intermediate: usize,
    /// Items of a step.
    pub batch: usize,
    /// Steps, unless it is enough before.
    pub steps: u64,
    /// The highest learning rate; it falls to 0 by a cosine.
    pub learning_rate: f64,
    /// Training ends at a validation accuracy of this.
    pub enough: f64,
    /// Seed of items, weights and order.
    pub seed: u64,
}

impl Made {
    /// A name for the run that no other run has.
    pub fn id(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| Error::internal("recall record", e))?;
        let hash = hash::bytes(text.as_bytes());
        let mixers = self.mixers.parse::<Pattern>()?.file_name();
        let (task, rate, seed) = (self.settings.task.name(), self.learning_rate, self.seed);
        Ok(format!("{task}-{mixers}-lr{rate}-seed{seed}-{}", &hash[..8]))
    }
}

/// A validation of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Steps taken.
    pub step: u64,
    /// Loss of the validation items, nats for each question.
    pub loss: f64,
    /// Share of their questions answered.
    pub accuracy: f64,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What was run.
    pub made: Made,
    /// Parameters of the model.
    pub parameters: u64,
    /// Bytes of the model's state after an item, in 32-bit floats; `None` for what cannot be stepped.
    pub state_bytes: Option<u64>,
    /// Steps taken.
    pub steps: u64,
    /// Share of the test items' questions that are answered rightly, with its Wilson interval over the questions.
    pub accuracy: Estimate,
    /// What guessing reaches.
    pub chance: f64,
    /// Loss of the test items, nats for each question. `None` where training diverged: then nothing is answered.
    pub loss: Option<f64>,
    /// The validations, in order.
    pub curve: Vec<Point>,
    /// Where and how fast.
    pub circumstances: Circumstances,
}

/// What differs when the same run is made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    /// The machine.
    pub host: Host,
    /// Seconds of training since it was last begun or continued.
    pub seconds: f64,
    /// Training tokens a second in that time, validations included.
    pub tokens_per_s: f64,
    /// Seconds since 1970-01-01 UTC when it ended.
    pub written_unix_s: u64,
}

impl Circumstances {
    /// A run that ends now, on this machine.
    pub(super) fn now(seconds: f64, tokens_per_s: f64) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let written_unix_s = since_1970.map_or(0, |d| d.as_secs());
        Self { host: Host::detect(), seconds, tokens_per_s, written_unix_s }
    }
}

impl Record {
    /// The last validation: its accuracy and loss; nothing right where there was none.
    pub fn validated(&self) -> (f64, f64) {
        self.curve.last().filter(|_| self.loss.is_some()).map_or((0.0, f64::INFINITY), |p| (p.accuracy, p.loss))
    }
}

/// Writes a record into the folder, whole or not at all.
pub(super) fn write(record: &impl Serialize, dir: &Path, id: &str) -> Result<PathBuf> {
    let path = dir.join(format!("{id}.json"));
    let text = serde_json::to_string_pretty(record).map_err(|e| Error::internal(path.display(), e))?;
    files::write(&path, format!("{text}\n").as_bytes())?;
    Ok(path)
}

/// The records of a folder, by file name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Of `zoo recall`.
    pub recall: Vec<Record>,
    /// Of `zoo texts`.
    pub texts: Vec<TextRecord>,
}

/// All records of a folder.
///
/// # Errors
/// No such folder; a `.json` file in it that is no record.
pub fn read_all(dir: &Path) -> Result<Results> {
    let failed = |e| Error::io(dir, "read the folder", &e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut results = Results::default();
    for path in &paths {
        let told =
            |e| Error::input(path.display(), format_args!("no record of the zoo: {e}"), "move it out of the folder");
        let value: Value = serde_json::from_slice(&files::read(path)?).map_err(told)?;
        match value["made"].get("corpus") {
            Some(_) => results.texts.push(serde_json::from_value(value).map_err(told)?),
            None => results.recall.push(serde_json::from_value(value).map_err(told)?),
        }
    }
    Ok(results)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::zoo) fn record(mixers: &str, learning_rate: f64, seed: u64, right: usize) -> Record {
        let accuracy = right as f64 / 100.0;
        Record {
            made: Made {
                settings: Settings::scaled("mqar").unwrap(),
                mixers: mixers.into(),
                width: 64,
                layers: 2,
                heads: 1,
                intermediate: 192,
                batch: 64,
                steps: 100,
                learning_rate,
                enough: 0.999,
                seed,
            },
            parameters: 1_000,
            state_bytes: Some(2_048),
            steps: 100,
            accuracy: Estimate::proportion(right, 100),
            chance: 0.125,
            loss: Some(1.0 - accuracy),
            curve: vec![Point { step: 100, loss: 1.0 - accuracy, accuracy }],
            circumstances: Circumstances { host: Host::default(), seconds: 1.0, tokens_per_s: 1.0, written_unix_s: 0 },
        }
    }

    #[test]
    fn records_read_back_and_anything_else_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (record("mamba2*2+attention", 1e-3, 1, 90), record("lstm", 3e-3, 2, 50));
        let path = write(&a, dir.path(), &a.made.id().unwrap()).unwrap();
        assert!(path.file_name().unwrap().to_string_lossy().starts_with("mqar-mamba2x2+attention-lr0.001-seed1-"));
        write(&b, dir.path(), &b.made.id().unwrap()).unwrap();
        assert_eq!(read_all(dir.path()).unwrap().recall, [b, a.clone()]);
        assert_ne!(Made { steps: 101, ..a.made.clone() }.id().unwrap(), a.made.id().unwrap());
        files::write(&dir.path().join("x.json"), b"{}").unwrap();
        let e = read_all(dir.path()).unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains("x.json: no record of the zoo"), "{e}");
        assert_eq!(read_all(&dir.path().join("none")).unwrap_err().exit_code(), 2);
    }
}
