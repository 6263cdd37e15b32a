//! In what do two runs differ? Recipe, origin and artifacts key by key; scores side by side, paired item by item where both
//! runs were scored on the same items.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bantam_core::lineage::Lineage;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use bantam_eval::result::{Sample, SuiteResult, paired};
use bantam_eval::statistics::Difference;
use serde::Serialize;
use serde_json::{Value, json};

use crate::evaluation;

/// Two runs beside each other.
#[derive(Clone, Debug, Serialize)]
pub struct RunDifference {
    /// The first run.
    pub a: Side,
    /// The second run.
    pub b: Side,
    /// Keys of the resolved recipes.
    pub recipe: Vec<Changed>,
    /// Parents, data, artifacts, source, machine and device; times and the command line are left out.
    pub lineage: Vec<Changed>,
    /// Everything measured, whether it differs or not.
    pub metrics: Vec<Measured>,
}

/// One of the runs.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Its folder.
    pub path: PathBuf,
    /// The lineage's id; `None` while there is none.
    pub id: Option<String>,
}

/// A key with other values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Such as `train.phases.0.batch_tokens`.
    pub key: String,
    /// The first run's value; `None` where it has no such key.
    pub a: Option<Value>,
    /// The second run's.
    pub b: Option<Value>,
}

/// A number with its 95 % interval, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The number.
    pub value: f64,
    /// Lower and upper end.
    pub interval: Option<[f64; 2]>,
}

/// What both runs measured, or one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Such as `eval-free json_exact` or `train valid_loss`.
    pub name: String,
    /// The first run's.
    pub a: Option<Score>,
    /// The second run's.
    pub b: Option<Score>,
    /// First minus second on the same items, where the items are the same.
    pub difference: Option<Difference>,
}

/// Compares two run folders.
///
/// # Errors
/// Recipes, lineages or results that cannot be read.
pub fn compare(a: &RunFolder, b: &RunFolder) -> Result<RunDifference> {
    let (la, lb) = (lineage(a)?, lineage(b)?);
    let recipe = |run: &RunFolder| -> Result<BTreeMap<String, Value>> {
        let read: std::result::Result<Value, _> = toml::from_str(&files::read_text(&run.recipe())?);
        let broken = |e: toml::de::Error| Error::input(run.recipe().display(), e.message(), "restore it, or run again");
        Ok(leaves(&read.map_err(broken)?))
    };
    let (ma, mb) = (measured(la.as_ref()), measured(lb.as_ref()));
    let differences = differences((a, la.as_ref()), (b, lb.as_ref()))?;
    let names = union(&ma, &mb).into_iter().map(|name| Measured {
        a: ma.get(&name).copied(),
        b: mb.get(&name).copied(),
        difference: differences.get(&name).copied(),
        name,
    });
    let side = |run: &RunFolder, lineage: &Option<Lineage>| Side {
        path: run.path().to_owned(),
        id: lineage.as_ref().map(|l| l.id.clone()),
    };
    Ok(RunDifference {
        recipe: changed(&recipe(a)?, &recipe(b)?),
        lineage: changed(&origin(la.as_ref()), &origin(lb.as_ref())),
        metrics: names.collect(),
        a: side(a, &la),
        b: side(b, &lb),
    })
}

fn lineage(run: &RunFolder) -> Result<Option<Lineage>> {
    run.lineage().is_file().then(|| Lineage::read(&run.lineage())).transpose()
}

/// Every value that is no table or list, by its path.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
        let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(map) if !map.is_empty() => map.iter().for_each(|(k, v)| collect(&under(k), v, found)),
            Value::Array(list) if !list.is_empty() => {
                list.iter().enumerate().for_each(|(i, v)| collect(&under(&i.to_string()), v, found));
            }
            leaf => {
                found.insert(path.to_owned(), leaf.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect("", value, &mut found);
    found
}

fn union<T>(a: &BTreeMap<String, T>, b: &BTreeMap<String, T>) -> Vec<String> {
    let mut names: Vec<String> = a.keys().chain(b.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn changed(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Vec<Changed> {
    let of = |key: String| Changed { a: a.get(&key).cloned(), b: b.get(&key).cloned(), key };
    union(a, b).into_iter().map(of).filter(|c| c.a != c.b).collect()
}

/// Where a run comes from and what it left; seed and recipe are compared key by key elsewhere.
fn origin(lineage: Option<&Lineage>) -> BTreeMap<String, Value> {
    let Some(Lineage { made, circumstances: at, .. }) = lineage else { return BTreeMap::new() };
    let told = json!({
        "parents": made.parents, "data": made.data, "artifacts": made.artifacts,
        "source": at.source, "host": at.host, "device": at.device,
    });
    leaves(&told).into_iter().filter(|(_, value)| *value != json!({}) && !value.is_null()).collect()
}

/// Scores by `<stage> <metric>`, and the seconds of each stage.
fn measured(lineage: Option<&Lineage>) -> BTreeMap<String, Score> {
    let mut found = BTreeMap::new();
    let Some(Lineage { made, circumstances: at, .. }) = lineage else { return found };
    for (stage, result) in made.results.iter().chain(&at.measured) {
        let scores = result.get("overall").unwrap_or(result);
        for (metric, told) in scores.as_object().into_iter().flatten() {
            let number = |key: &str| told.get(key).and_then(Value::as_f64);
            let interval = number("low").zip(number("high")).map(|(low, high)| [low, high]);
            if let Some(value) = told.as_f64().or_else(|| number("value")) {
                found.insert(format!("{stage} {metric}"), Score { value, interval });
            }
        }
    }
    let seconds = |(stage, &value): (&String, &f64)| (format!("{stage} seconds"), Score { value, interval: None });
    found.extend(at.stage_seconds.iter().map(seconds));
    found
}

/// Paired differences of the evaluations that both runs have of the same items.
fn differences(
    a: (&RunFolder, Option<&Lineage>),
    b: (&RunFolder, Option<&Lineage>),
) -> Result<BTreeMap<String, Difference>> {
    let mut found = BTreeMap::new();
    for stage in ["eval-free", "eval-constrained"] {
        let (Some(first), Some(second)) = (evaluated(a, stage)?, evaluated(b, stage)?) else { continue };
        let items = |r: &SuiteResult| (r.protocol.data.sha256.clone(), r.protocol.schemas.clone().map(|s| s.sha256));
        if items(&first.0) != items(&second.0) {
            continue;
        }
        let Some(compared) = paired(&first.1, &second.1) else { continue };
        let all = [
            ("json_exact", compared.json_exact),
            ("field_f1", compared.field_f1),
            ("schema_compliance", compared.schema_compliance),
            ("wrong_valid", compared.wrong_valid),
        ];
        found.extend(all.map(|(metric, difference)| (format!("{stage} {metric}"), difference)));
    }
    Ok(found)
}

/// The result whose samples are those that the lineage names; the folder may hold others.
fn evaluated(
    (run, lineage): (&RunFolder, Option<&Lineage>),
    stage: &str,
) -> Result<Option<(SuiteResult, Vec<Sample>)>> {
    let wanted = lineage.and_then(|l| l.made.artifacts.get(&format!("{stage}.samples")));
    let Some(wanted) = wanted else { return Ok(None) };
    let Ok(entries) = std::fs::read_dir(run.results()) else { return Ok(None) };
    let mut samples: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    samples.sort();
    for path in samples {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".samples.jsonl") else { continue };
        if hash::file(&path)? == *wanted {
            let result: &Path = &path.with_file_name(format!("{stem}.json"));
            return evaluation::read(&[path.clone(), result.to_owned()]).map(Some);
        }
    }
    Ok(None)
}
