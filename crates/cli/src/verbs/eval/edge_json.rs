//! `bantam eval edge-json`: score a model or predictions, beside the floors.

use std::fmt::Write;
use std::path::PathBuf;

use bantam_core::Result;
use bantam_core::progress::Progress;
use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::result::{SuiteResult, Table};
use bantam_pipeline::evaluation;
use serde::Serialize;

use super::asked::{keep, source};
use crate::arguments::EdgeJsonArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    result: &'a SuiteResult,
    result_file: PathBuf,
    samples_file: PathBuf,
}

/// Evaluates, writes, prints.
pub fn run(arguments: &EdgeJsonArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let asked = &arguments.asked;
    let source = source(asked)?;
    let suite = Suite::load(Inputs { data: &arguments.data, schemas: &arguments.schemas, limit: asked.limit })?;
    let written = evaluation::evaluate(&suite, &source, keep(asked), progress, evaluation::summary)?;
    let (result, result_file) = (&written.evaluation.result, written.result_file);
    output.text(&format!("{}{}", for_people(result), result_file.display()))?;
    output.object(&Evaluated { result, result_file, samples_file: written.samples_file })
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
