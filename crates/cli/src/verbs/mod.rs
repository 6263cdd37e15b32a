//! Which code answers which verb?

mod bench;
mod chat;
mod compress;
mod data;
mod decoding;
mod doctor;
mod eval;
mod generate;
mod merge;
mod run;
mod runs;
mod score;
mod tokenizer;
mod train;
mod zoo;

use bantam_core::progress::{self, Progress};
use bantam_core::{Error, Result};
use bantam_formats::ModelArtifact;
use bantam_runtime::{CacheFormat, LoadOptions};

use crate::arguments::{Arguments, CacheArgument, LoadArguments, Verb};
use crate::output::Output;

/// Runs the verb that was chosen.
pub fn run(arguments: Arguments) -> Result<()> {
    let output = Output::new(arguments.json);
    let progress: Box<dyn Progress> =
        if arguments.quiet { Box::new(progress::Silent) } else { progress::standard_error() };
    let progress = progress.as_ref();
    match arguments.verb {
        Verb::Run(recipe) => run::run(&recipe, None, progress, &output),
        Verb::Train(arguments) => train::run(&arguments, progress, &output),
        Verb::Data(verb) => data::run(&verb, progress, &output),
        Verb::Tokenizer(verb) => tokenizer::run(&verb, progress, &output),
        Verb::Merge(arguments) => merge::run(&arguments, &output),
        Verb::Compress(verb) => compress::run(&verb, &output),
        Verb::Generate(arguments) => generate::run(&arguments, progress, &output),
        Verb::Chat(arguments) => chat::run(&arguments, progress, &output),
        Verb::Score(arguments) => score::run(&arguments, &output),
        Verb::Eval(verb) => eval::run(&verb, progress, &output),
        Verb::Bench(arguments) => bench::run(&arguments, progress, &output),
        Verb::Runs(verb) => runs::run(verb, &output),
        Verb::Zoo(arguments) => zoo::run(&arguments, progress, &output),
        Verb::Doctor => doctor::run(&output),
    }
}

/// `--threads`: none means all cores.
fn load_options(arguments: &LoadArguments) -> Result<LoadOptions> {
    let cache = arguments.cache.map(|cache| match cache {
        CacheArgument::F32 => CacheFormat::F32,
        CacheArgument::F16 => CacheFormat::F16,
        CacheArgument::Q8_0 => CacheFormat::Q8_0,
    });
    Ok(LoadOptions { threads: thread_count(arguments.threads)?, cache })
}

/// Threads asked for, 0 for all cores.
fn thread_count(threads: Option<usize>) -> Result<usize> {
    match threads {
        Some(0) => {
            Err(Error::input("--threads", "0 threads do nothing", "give at least 1, or leave it out for all cores"))
        }
        Some(n) if n > 4096 => Err(Error::input("--threads", format_args!("{n} is too many"), "give at most 4096")),
        threads => Ok(threads.unwrap_or(0)),
    }
}

/// What results name as the artifact used.
fn artifact_path(artifact: &ModelArtifact) -> String {
    artifact.path().display().to_string()
}
