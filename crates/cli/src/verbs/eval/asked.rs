//! From flags to what answers a suite's items, the same for every suite.

use bantam_core::{Error, Result};
use bantam_eval::harness::{Keep, Source, Stale};
use bantam_eval::local_model::ModelOptions;

use crate::arguments::AskedArguments;
use crate::verbs::thread_count;

/// What answers.
pub fn source(arguments: &AskedArguments) -> Result<Source> {
    let threads = match thread_count(arguments.threads)? {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    };
    match (&arguments.model, &arguments.predictions) {
        (_, Some(predictions)) => Ok(Source::Predictions(predictions.clone())),
        (Some(model), None) => {
            let (constrained, max_new_tokens) = (arguments.constrained, arguments.max_new_tokens);
            Ok(Source::Model { path: model.clone(), options: ModelOptions { constrained, max_new_tokens, threads } })
        }
        (None, None) => Err(Error::input("--model", "there is none", "give --model or --predictions")),
    }
}

/// Where results and unfinished ones go.
pub fn keep(arguments: &AskedArguments) -> Keep<'_> {
    Keep { dir: &arguments.out, stale: Stale::Refuse }
}
