//! Which code answers which verb?

mod doctor;
mod run;
mod runs;

use bantam_core::Result;
use bantam_core::progress::{self, Progress};

use crate::arguments::{Arguments, Verb};
use crate::output::Output;

/// Runs the verb that was chosen.
pub fn run(arguments: Arguments) -> Result<()> {
    let output = Output::new(arguments.json);
    let progress: Box<dyn Progress> =
        if arguments.quiet { Box::new(progress::Silent) } else { progress::standard_error() };
    match arguments.verb {
        Verb::Run(recipe) => run::run(&recipe, None, progress.as_ref(), &output),
        Verb::Train(recipe) => run::run(&recipe, Some("train"), progress.as_ref(), &output),
        Verb::Runs(verb) => runs::run(verb, &output),
        Verb::Doctor => doctor::run(&output),
    }
}
