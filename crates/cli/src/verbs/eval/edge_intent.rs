//! `bantam eval edge-intent`: score a model or predictions on intents, beside the floors.

use std::fmt::Write;
use std::path::PathBuf;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result};
use bantam_eval::intent::suite::{Ask, Options, Suite, Texts};
use bantam_eval::intent::tables::{IntentComparison, IntentTable, IntentTables};
use bantam_eval::result::SuiteResult;
use bantam_pipeline::evaluation;
use serde::Serialize;

use super::asked::{keep, source};
use crate::arguments::EdgeIntentArguments;
use crate::output::Output;

type IntentResult = SuiteResult<IntentTables, IntentComparison>;

#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    result: &'a IntentResult,
    result_file: PathBuf,
    samples_file: PathBuf,
}

/// Evaluates, writes, prints.
pub fn run(arguments: &EdgeIntentArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let asked = &arguments.asked;
    let source = source(asked)?;
    let ask = match (arguments.weighed, arguments.probabilities) {
        (true, _) => Ask::Weighed,
        (_, true) => Ask::TextAndProbabilities,
        _ => Ask::Text,
    };
    let options =
        Options { told: arguments.schema_in_prompt.into(), ask, by_length: arguments.by_length, limit: asked.limit };
    let suite = Suite::load(&texts(arguments)?, options)?;
    let summary = |e: &bantam_eval::harness::EvaluationOf<Suite>| {
        format!("{} items: accuracy {:.3}", e.result.n, e.result.tables.overall.accuracy.value)
    };
    let written = evaluation::evaluate(&suite, &source, keep(asked), progress, summary)?;
    let (result, result_file) = (&written.evaluation.result, written.result_file);
    output.text(&format!("{}{}", for_people(result), result_file.display()))?;
    output.object(&Evaluated { result, result_file, samples_file: written.samples_file })
}

fn texts(arguments: &EdgeIntentArguments) -> Result<Texts> {
    let EdgeIntentArguments { clinc, banking, items, taxonomy, train, .. } = arguments;
    match (clinc, banking, items, taxonomy, train) {
        (Some(file), ..) => Ok(Texts::Clinc { file: file.clone(), split: arguments.split.clone() }),
        (_, Some(file), _, _, Some(train)) => Ok(Texts::Banking { file: file.clone(), train: train.clone() }),
        (_, _, Some(file), Some(taxonomy), Some(train)) => {
            Ok(Texts::Items { file: file.clone(), taxonomy: taxonomy.clone(), train: train.clone() })
        }
        _ => Err(Error::input("eval edge-intent", "no texts", "give --clinc, --banking or --items")),
    }
}

/// Scores of the model and its floors, and what is confused most.
fn for_people(result: &IntentResult) -> String {
    let mut text = format!("{} of {} on {} items\n", result.suite, result.model, result.n);
    let columns = ["accuracy", "in scope", "exact", "macro-F1", "top-3", "invalid", "OOS recall", "OOS precision"];
    let more = ["AUROC", "ECE", "Brier"];
    let _ = write!(text, "{:<24} {:>6}", "", "n");
    columns.iter().chain(&more).for_each(|name| {
        let _ = write!(text, "  {name:<20}");
    });
    text.push('\n');
    let mut row = |name: &str, table: &IntentTable| {
        let _ = write!(text, "{name:<24} {:>6}", table.accuracy.n);
        for estimate in [
            Some(table.accuracy),
            table.in_scope_accuracy,
            table.exact,
            table.macro_f1,
            table.top3,
            Some(table.invalid_rate),
            table.oos_recall,
            table.oos_precision,
            table.oos_auroc,
            table.ece,
            table.brier,
        ] {
            let _ = write!(text, "  {:<20}", estimate.map_or_else(|| "-".to_owned(), |e| e.to_string()));
        }
        text.push('\n');
    };
    row("overall", &result.tables.overall);
    let tables = &result.tables;
    for (name, table) in tables.by_domain.iter().chain(&tables.by_kind).chain(&tables.by_template_seen) {
        row(name, table);
    }
    for (name, floor) in &result.floors {
        row(&format!("floor: {name}"), &floor.overall);
    }
    for confusion in tables.confusions.iter().take(5) {
        let _ = writeln!(text, "{} taken for {}: {}", confusion.intent, confusion.taken_for, confusion.count);
    }
    let (whose, suspected) = match &tables.label_errors {
        Some(found) => ("the model's", Some(found)),
        None => ("the linear floor's", result.floors.get("linear").and_then(|f| f.label_errors.as_ref())),
    };
    if let Some(found) = suspected {
        let _ = writeln!(text, "labels that look wrong by {whose} probabilities: {}", found.count);
    }
    text
}
