//! `bantam eval edge-json`: score a model or predictions, beside the floors.

use std::fmt::Write;
use std::path::PathBuf;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_eval::edge_json::{Inputs, evaluate_predictions};
use bantam_eval::local_model::ModelOptions;
use bantam_eval::result::{SuiteResult, Table};
use bantam_pipeline::evaluation;
use serde::Serialize;

use crate::arguments::EdgeJsonArguments;
use crate::output::Output;
use crate::verbs::thread_count;

#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    result: &'a SuiteResult,
    result_file: PathBuf,
    samples_file: PathBuf,
}

/// Evaluates, writes, prints.
pub fn run(arguments: &EdgeJsonArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    // Before anything is decoded: an hour of work must not end at an unwritable folder.
    files::create_dir(&arguments.out)?;
    let evaluation = evaluate(arguments, progress)?;
    let (result_file, samples_file) = evaluation.write(&arguments.out)?;
    output.text(&format!("{}{}", for_people(&evaluation.result), result_file.display()))?;
    output.object(&Evaluated { result: &evaluation.result, result_file, samples_file })
}

fn evaluate(arguments: &EdgeJsonArguments, progress: &dyn Progress) -> Result<bantam_eval::result::Evaluation> {
    let inputs = Inputs { data: &arguments.data, schemas: &arguments.schemas, limit: arguments.limit };
    match (&arguments.model, &arguments.predictions) {
        (_, Some(predictions)) => evaluate_predictions(inputs, predictions),
        (Some(model), None) => {
            let threads = match thread_count(arguments.threads)? {
                0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
                n => n,
            };
            let max_new_tokens = arguments.max_new_tokens;
            let options = ModelOptions { constrained: arguments.constrained, max_new_tokens, threads };
            evaluation::model(inputs, model, options, progress)
        }
        (None, None) => Err(Error::input("--model", "there is none", "give --model or --predictions")),
    }
}

/// Overall and by level, the floors below.
fn for_people(result: &SuiteResult) -> String {
    let mut text = format!("{} of {} on {} items\n", result.suite, result.model, result.n);
    let _ = writeln!(
        text,
        "{:<22} {:>6}  JSONExact             FieldF1               SchemaCompliance  WrongValid",
        "", "n"
    );
    let mut row = |name: &str, table: &Table| {
        let interval = |e: &bantam_eval::statistics::Estimate| format!("{:.3} [{:.3}, {:.3}]", e.value, e.low, e.high);
        let _ = writeln!(
            text,
            "{name:<22} {:>6}  {:<20}  {:<20}  {:<16.3}  {:.3}",
            table.json_exact.n,
            interval(&table.json_exact),
            interval(&table.field_f1),
            table.schema_compliance.value,
            table.wrong_valid.value,
        );
    };
    row("overall", &result.tables.overall);
    for (level, table) in &result.tables.by_level {
        row(level, table);
    }
    for (name, floor) in &result.floors {
        row(&format!("floor: {name}"), &floor.overall);
        for (level, table) in &floor.by_level {
            row(&format!("floor: {name}, {level}"), table);
        }
    }
    text
}
