//! `bantam eval edge-funccall`: function calls of a model or of predictions, beside the floors.

use std::fmt::Write;
use std::path::PathBuf;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result};
use bantam_eval::function_call::suite::{Comparison, Set, Suite, Table, Tables};
use bantam_eval::result::SuiteResult;
use bantam_pipeline::evaluation;
use serde::Serialize;

use super::asked::{keep, source};
use crate::arguments::{EdgeFuncCallArguments, SyntaxChoice};
use crate::output::Output;

#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    result: &'a SuiteResult<Tables, Comparison>,
    result_file: PathBuf,
    samples_file: PathBuf,
}

/// Evaluates, writes, prints.
pub fn run(arguments: &EdgeFuncCallArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let asked = &arguments.asked;
    if asked.constrained && arguments.syntax == SyntaxChoice::Python {
        return Err(Error::input("--constrained", "keeps to JSON Schemas", "leave out --syntax python"));
    }
    let set = match (&arguments.bfcl, &arguments.data, &arguments.schemas) {
        (Some(data), ..) => Set::Bfcl { data, dots_as_underscores: arguments.dots_as_underscores },
        (None, Some(data), Some(schemas)) => Set::Device { data, schemas },
        _ => return Err(Error::input("--data", "there is none", "give --bfcl, or --data and --schemas")),
    };
    let source = source(asked)?;
    let suite = Suite::load(set, arguments.syntax.syntax(), asked.limit)?;
    let written = evaluation::evaluate(&suite, &source, keep(asked), progress, |evaluation| {
        let overall = &evaluation.result.tables.overall;
        format!("{} items: exact {:.3}, strict {:.3}", evaluation.result.n, overall.exact.value, overall.strict.value)
    })?;
    let (result, result_file) = (&written.evaluation.result, written.result_file);
    output.text(&format!("{}{}", for_people(result), result_file.display()))?;
    output.object(&Evaluated { result, result_file, samples_file: written.samples_file })
}

/// Overall, by category and by cell, the floors below.
fn for_people(result: &SuiteResult<Tables, Comparison>) -> String {
    let mut text = format!("{} of {} on {} items\n", result.suite, result.model, result.n);
    let _ = writeln!(text, "{:<36} {:>6}  exact                 strict                functions  decoded", "", "n");
    let mut row = |name: &str, table: &Table| {
        let _ = writeln!(
            text,
            "{name:<36} {:>6}  {:<20}  {:<20}  {:<9.3}  {:.3}",
            table.exact.n, table.exact, table.strict, table.right_functions.value, table.decoded.value,
        );
    };
    row("overall", &result.tables.overall);
    for (name, table) in result.tables.by_category.iter().chain(&result.tables.by_cell) {
        row(name, table);
    }
    for (name, floor) in &result.floors {
        row(&format!("floor: {name}"), &floor.overall);
    }
    text
}
