//! `bantam runs list|show|diff`: which runs are there, what came of one, and in what do two differ?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bantam_core::lineage::Lineage;
use bantam_core::run::RunFolder;
use bantam_core::{Result, files};
use bantam_pipeline::run_difference::{self, Changed, Measured, RunDifference, Score, Side};
use serde::Serialize;
use serde_json::Value;

use crate::arguments::RunsVerb;
use crate::output::Output;

/// Lists runs or shows one.
pub fn run(verb: RunsVerb, output: &Output) -> Result<()> {
    match verb {
        RunsVerb::List { dir } => list(&dir, output),
        RunsVerb::Diff { a, b, dir } => {
            let difference = run_difference::compare(&locate(&a, &dir)?, &locate(&b, &dir)?)?;
            output.text(&side_by_side(&difference))?;
            output.object(&difference)
        }
        RunsVerb::Show { run, dir } => show(&locate(&run, &dir)?, output),
    }
}

/// A path to a run folder, or a name under the runs folder.
fn locate(run: &Path, dir: &Path) -> Result<RunFolder> {
    let named = dir.join(run);
    if !run.is_dir() && named.is_dir() { RunFolder::open(&named) } else { RunFolder::open(run) }
}

#[derive(Serialize)]
struct Summary {
    name: String,
    path: PathBuf,
    /// The lineage's id; absent while the run is unfinished.
    id: Option<String>,
    state: &'static str,
    seed: Option<u64>,
    results: BTreeMap<String, Value>,
    /// Why the lineage cannot be read, where it cannot.
    problem: Option<String>,
}

impl Summary {
    /// One broken run must not hide the others, so its problem is told in its line.
    fn of(run: &RunFolder) -> Self {
        let read = run.lineage().is_file().then(|| Lineage::read(&run.lineage()));
        let (lineage, problem) = match read {
            Some(Ok(lineage)) => (Some(lineage), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let state = match (&lineage, &problem) {
            (_, Some(_)) => "broken",
            (Some(_), _) if run.report_markdown().is_file() => "finished",
            _ => "unfinished",
        };
        let path = run.path().to_owned();
        let (id, seed) = (lineage.as_ref().map(|l| l.id.clone()), lineage.as_ref().map(|l| l.made.seed));
        let results = lineage.map(|l| l.made.results).unwrap_or_default();
        Self { name: run.name(), path, id, state, seed, results, problem }
    }
}

#[derive(Serialize)]
struct List {
    runs: Vec<Summary>,
}

fn list(dir: &Path, output: &Output) -> Result<()> {
    let runs: Vec<Summary> = RunFolder::list(dir)?.iter().map(Summary::of).collect();
    let mut text = String::new();
    let width = runs.iter().map(|r| r.name.chars().count()).max().unwrap_or(0).max(4);
    for run in &runs {
        let id = run.id.as_deref().map_or("-", |id| id.get(..12).unwrap_or(id));
        let told = run.problem.clone().unwrap_or_else(|| scores(&run.results));
        let line = format!("{:<width$}  {:<12}  {:<10}  {told}", run.name, id, run.state);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if runs.is_empty() {
        text = format!("no runs in {}\n", dir.display());
    }
    output.text(&text)?;
    output.object(&List { runs })
}

/// The headline of each result: JSONExact and FieldF1.
fn scores(results: &BTreeMap<String, Value>) -> String {
    let headline = |(name, result): (&String, &Value)| {
        let value = |metric: &str| result.pointer(&format!("/overall/{metric}/value")).and_then(Value::as_f64);
        Some(format!("{name}: exact {:.3}, field F1 {:.3}", value("json_exact")?, value("field_f1")?))
    };
    results.iter().filter_map(headline).collect::<Vec<_>>().join("; ")
}

#[derive(Serialize)]
struct Shown {
    path: PathBuf,
    state: &'static str,
    lineage: Option<Lineage>,
    recipe: String,
}

fn show(run: &RunFolder, output: &Output) -> Result<()> {
    // Here the one run is the subject: a broken lineage is an error.
    let lineage = run.lineage().is_file().then(|| Lineage::read(&run.lineage())).transpose()?;
    let recipe = files::read_text(&run.recipe())?;
    let state = Summary::of(run).state;
    let mut text = format!("{} ({state})\n", run.path().display());
    if let Some(lineage) = &lineage {
        let host = &lineage.circumstances.host;
        text.push_str(&format!("id        {}\nseed      {}\n", lineage.id, lineage.made.seed));
        text.push_str(&format!("source    {}\n", lineage.circumstances.source));
        text.push_str(&format!("command   {}\n", lineage.circumstances.command.join(" ")));
        text.push_str(&format!("host      {}, {} cores, {}\n", host.cpu, host.cores, host.os));
        if let Some(device) = &lineage.circumstances.device {
            text.push_str(&format!("device    {device}\n"));
        }
        for (stage, seconds) in &lineage.circumstances.stage_seconds {
            text.push_str(&format!("stage     {stage:<10} {seconds:>9.1} s\n"));
        }
        for (name, hash) in lineage.made.data.iter().chain(&lineage.made.artifacts) {
            text.push_str(&format!("sha256    {hash}  {name}\n"));
        }
        for line in scores(&lineage.made.results).split("; ").filter(|l| !l.is_empty()) {
            text.push_str(&format!("result    {line}\n"));
        }
    }
    text.push_str(&format!("\n{recipe}"));
    output.text(&text)?;
    output.object(&Shown { path: run.path().to_owned(), state, lineage, recipe })
}

fn side_by_side(difference: &RunDifference) -> String {
    let RunDifference { a, b, recipe, lineage, metrics } = difference;
    let side = |name: &str, side: &Side| {
        format!("{name}  {}  {}\n", side.path.display(), side.id.as_deref().unwrap_or("no lineage yet"))
    };
    let mut text = side("a", a) + &side("b", b);
    let shown = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    for (title, changes) in [("recipe", recipe), ("lineage", lineage)] {
        text.push_str(&format!("{title}{}\n", if changes.is_empty() { ": the same" } else { "" }));
        for Changed { key, a, b } in changes {
            text.push_str(&format!("  {key}: {} | {}\n", shown(a), shown(b)));
        }
    }
    let score = |score: &Option<Score>| match score {
        Some(Score { value, interval: Some([low, high]) }) => format!("{value:.4} [{low:.4}, {high:.4}]"),
        Some(Score { value, interval: None }) => format!("{value:.4}"),
        None => "-".to_owned(),
    };
    text.push_str("metrics\n");
    let width = metrics.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    for Measured { name, a, b, difference } in metrics {
        text.push_str(format!("  {name:<width$}  {:<26}  {:<26}", score(a), score(b)).trim_end());
        if let Some(d) = difference {
            let verdict = serde_json::to_value(d.verdict).unwrap_or_default();
            let verdict = verdict.as_str().unwrap_or_default();
            text.push_str(&format!("  a - b: {:+.4} [{:+.4}, {:+.4}], {verdict}", d.value, d.low, d.high));
        }
        text.push('\n');
    }
    text
}
