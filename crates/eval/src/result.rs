//! What a suite reports: tables of scores with intervals, the floors beside them, the protocol, and how it is filed.

mod protocol;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files, hash};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::protocol::{Artifact, Decoding, MadeBy, Mode, Protocol, Server, Source};
use crate::metrics::Scores;
use crate::statistics::{Difference, Estimate, paired_difference};

/// The four scores of one group of items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// JSONExact, Wilson interval.
    pub json_exact: Estimate,
    /// FieldF1, bootstrap interval over schemas and items.
    pub field_f1: Estimate,
    /// SchemaCompliance, Wilson interval.
    pub schema_compliance: Estimate,
    /// WrongValid (lower is better), Wilson interval.
    pub wrong_valid: Estimate,
}

/// Scores of all items and of every group of them. A group is listed only if it has items; items that do not say
/// which group they are in form the group `unknown`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// All items.
    pub overall: Table,
    /// By level: `simple`, `medium`, `complex`, `unknown`.
    pub by_level: BTreeMap<String, Table>,
    /// By text style.
    pub by_style: BTreeMap<String, Table>,
    /// By whether the training data has the item's schema: `seen`, `unseen`, `unknown`.
    pub by_schema_seen: BTreeMap<String, Table>,
    /// By whether the training data may have all sentence templates of the item: `seen`, `unseen`, `unknown`.
    pub by_template_seen: BTreeMap<String, Table>,
    /// By level, then style.
    pub by_level_style: BTreeMap<String, BTreeMap<String, Table>>,
}

/// Paired differences of one output set against another on the same items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Difference in JSONExact.
    pub json_exact: Difference,
    /// Difference in FieldF1.
    pub field_f1: Difference,
    /// Difference in SchemaCompliance.
    pub schema_compliance: Difference,
    /// Difference in WrongValid.
    pub wrong_valid: Difference,
}

/// What varies from run to run with the same result. Never part of [`SuiteResult::content_hash`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds from the first prompt to the last answer.
    pub wall_s: f64,
    /// Prompt tokens of all items.
    pub prompt_tokens: u64,
    /// Generated tokens of all items.
    pub generated_tokens: u64,
    /// Items worked on at a time.
    pub threads: usize,
    /// Items that an earlier execution had finished; `wall_s` is of the others.
    #[serde(default)]
    pub resumed_items: usize,
}

/// The result of one suite over one set of outputs. Scores and comparisons are the suite's; those of `edge-json` by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteResult<T = Tables, C = Comparison> {
    /// The suite's name: `edge-json`.
    pub suite: String,
    /// The name of the model or predictions file.
    pub model: String,
    /// Items.
    pub n: usize,
    /// The scores.
    #[serde(flatten)]
    pub tables: T,
    /// The floors' scores on the same items, by floor: `rule`, `empty`.
    pub floors: BTreeMap<String, T>,
    /// Differences to the floors, paired on the same items.
    pub versus_floors: BTreeMap<String, C>,
    /// The protocol.
    pub protocol: Protocol,
    /// Times, kept apart from what is hashed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timing: Option<Timing>,
}

/// One item with its output and scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// The item's id.
    pub id: String,
    /// The item's schema.
    pub schema_id: String,
    /// `simple`, `medium`, `complex` or `unknown`.
    pub level: String,
    /// The text's style, or `unknown`.
    pub style: String,
    /// `seen`, `unseen` or `unknown`.
    pub schema_seen: String,
    /// `seen`, `unseen` or `unknown`.
    pub template_seen: String,
    /// The text.
    pub prompt: String,
    /// The whole output; `null` if there is none.
    pub output: Option<String>,
    /// The answer found in the output, as compact JSON; `null` if there is none.
    pub answer: Option<Box<RawValue>>,
    /// The gold as written in the data.
    pub gold: Box<RawValue>,
    /// JSONExact.
    pub exact: bool,
    /// FieldF1.
    pub f1: f64,
    /// SchemaCompliance.
    pub compliant: bool,
    /// Why there is no answer, or no output.
    pub error: Option<String>,
    /// Why decoding ended, if a model decoded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finish_reason: Option<String>,
    /// The floors' scores on this item.
    pub floors: BTreeMap<String, Scores>,
}

impl Sample {
    /// The item's scores.
    pub fn scores(&self) -> Scores {
        Scores { exact: self.exact, field_f1: self.f1, compliant: self.compliant }
    }
}

/// A result with its samples.
#[derive(Clone, Debug)]
pub struct Evaluation<T = Tables, C = Comparison, S = Sample> {
    /// The scores.
    pub result: SuiteResult<T, C>,
    /// Every item, in the data's order.
    pub samples: Vec<S>,
}

impl<T: Serialize + Clone, C: Serialize + Clone> SuiteResult<T, C> {
    /// SHA-256 of the result without its timing.
    ///
    /// # Errors
    /// Internal, should the result not be writable as JSON.
    pub fn content_hash(&self) -> Result<String> {
        let text = serde_json::to_vec(&Self { timing: None, ..self.clone() });
        text.map(|t| hash::bytes(&t)).map_err(|e| Error::internal("result", e))
    }
}

/// Refuses results whose scores do not mean what `suite`'s mean now. `place` is their file.
///
/// # Errors
/// An input error that says so.
pub fn check_version(place: &str, suite: &str, found: u32, current: u32) -> Result<()> {
    if found == current {
        return Ok(());
    }
    let what = format!(
        "its scores are {suite}'s of metric version {found}, those of this Bantam are of version {current}: they do not mean the same"
    );
    Err(Error::input(place, what, "evaluate again with this version"))
}

/// `<suite>-<model>-<mode>-<datahash8>`; a track and a limit are said after the mode, so that no result overwrites another.
pub fn file_stem(suite: &str, model: &str, protocol: &Protocol) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '_' };
    let model: String = model.chars().map(kept).collect();
    let model = model.trim_start_matches('.');
    let track = protocol.track.as_ref().map(|t| format!("_{}", t.chars().map(kept).collect::<String>()));
    let limit = protocol.limit.map(|n| format!("_first{n}")).unwrap_or_default();
    let data = protocol.data.sha256.get(..8).unwrap_or("unknown");
    format!("{suite}-{model}-{}{}{limit}-{data}", protocol.mode.name(), track.unwrap_or_default())
}

impl<T: Serialize, C: Serialize, S: Serialize> Evaluation<T, C, S> {
    /// Writes `<stem>.json` and `<stem>.samples.jsonl` into `dir` and returns both paths, the result first.
    ///
    /// # Errors
    /// An input error when the folder or a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(PathBuf, PathBuf)> {
        files::create_dir(dir)?;
        let stem = file_stem(&self.result.suite, &self.result.model, &self.result.protocol);
        let (result, samples) = (dir.join(format!("{stem}.json")), dir.join(format!("{stem}.samples.jsonl")));
        files::write_with(&samples, |out| {
            for sample in &self.samples {
                serde_json::to_writer(&mut *out, sample)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        files::write_with(&result, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.result)?;
            out.write_all(b"\n")
        })?;
        Ok((result, samples))
    }
}

/// Which group each item is in; parallel to the scores.
pub(crate) struct Groups {
    pub(crate) schema: Vec<usize>,
    pub(crate) level: Vec<String>,
    pub(crate) style: Vec<String>,
    pub(crate) schema_seen: Vec<String>,
    pub(crate) template_seen: Vec<String>,
}

/// All tables of one set of scores.
pub(crate) fn tables(scores: &[Scores], groups: &Groups) -> Tables {
    let by = |names: &[String], among: &dyn Fn(usize) -> bool| {
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, name) in names.iter().enumerate().filter(|(i, _)| among(*i)) {
            members.entry(name.clone()).or_default().push(i);
        }
        members.into_iter().map(|(name, items)| (name, table(scores, &groups.schema, &items))).collect()
    };
    let all = |_: usize| true;
    let by_level: BTreeMap<String, Table> = by(&groups.level, &all);
    let by_level_style =
        by_level.keys().map(|level| (level.clone(), by(&groups.style, &|i| groups.level[i] == *level))).collect();
    Tables {
        overall: table(scores, &groups.schema, &(0..scores.len()).collect::<Vec<_>>()),
        by_level,
        by_style: by(&groups.style, &all),
        by_schema_seen: by(&groups.schema_seen, &all),
        by_template_seen: by(&groups.template_seen, &all),
        by_level_style,
    }
}

fn table(scores: &[Scores], schemas: &[usize], items: &[usize]) -> Table {
    let share = |of: &dyn Fn(&Scores) -> bool| {
        Estimate::proportion(items.iter().filter(|&&i| of(&scores[i])).count(), items.len())
    };
    let f1: Vec<f64> = items.iter().map(|&i| scores[i].field_f1).collect();
    let clusters: Vec<usize> = items.iter().map(|&i| schemas[i]).collect();
    Table {
        json_exact: share(&|s| s.exact),
        field_f1: Estimate::mean(&f1, &clusters),
        schema_compliance: share(&|s| s.compliant),
        wrong_valid: share(&Scores::wrong_valid),
    }
}

/// First minus second, paired item by item; `schemas` labels each item's schema.
pub(crate) fn compare(first: &[Scores], second: &[Scores], schemas: &[usize]) -> Comparison {
    let difference = |of: &dyn Fn(&Scores) -> f64| {
        let column = |scores: &[Scores]| scores.iter().map(of).collect::<Vec<_>>();
        paired_difference(&column(first), &column(second), schemas)
    };
    Comparison {
        json_exact: difference(&|s| f64::from(s.exact)),
        field_f1: difference(&|s| s.field_f1),
        schema_compliance: difference(&|s| f64::from(s.compliant)),
        wrong_valid: difference(&|s| f64::from(s.wrong_valid())),
    }
}

/// Compares two evaluations on the items both have, first minus second. `None` if they share no item.
pub fn paired(first: &[Sample], second: &[Sample]) -> Option<Comparison> {
    let by_id: BTreeMap<&str, &Sample> = second.iter().map(|s| (s.id.as_str(), s)).collect();
    let mut schemas: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut ours, mut theirs, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    for sample in first {
        let Some(other) = by_id.get(sample.id.as_str()) else { continue };
        let next = schemas.len();
        clusters.push(*schemas.entry(&sample.schema_id).or_insert(next));
        ours.push(sample.scores());
        theirs.push(other.scores());
    }
    (!ours.is_empty()).then(|| compare(&ours, &theirs, &clusters))
}
