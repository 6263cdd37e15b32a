//! `bantam eval baselines`: a list of models on a list of suites, as one table.

use bantam_core::Result;
use bantam_core::progress::Progress;
use bantam_pipeline::baselines::List;

use super::asked::threads;
use crate::arguments::BaselinesArguments;
use crate::output::Output;

/// Evaluates what is not there yet, writes and prints the table.
pub fn run(arguments: &BaselinesArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let list = List::read(&arguments.list)?;
    let table = list.run(&arguments.out, threads(arguments.threads)?, progress)?;
    output.text(&table.markdown())?;
    output.object(&table)
}
