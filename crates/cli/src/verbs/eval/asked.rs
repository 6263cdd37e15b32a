//! From flags to what answers a suite's items, the same for every suite.

use std::time::Duration;

use bantam_core::{Error, Result};
use bantam_eval::endpoint::{self, EndpointOptions};
use bantam_eval::harness::{Keep, Source, Stale};
use bantam_eval::local_model::ModelOptions;

use crate::arguments::AskedArguments;
use crate::verbs::thread_count;

/// What answers.
pub fn source(arguments: &AskedArguments) -> Result<Source> {
    let threads = threads(arguments.threads)?;
    let (constrained, max_new_tokens) = (arguments.constrained, arguments.max_new_tokens);
    if let Some(predictions) = &arguments.predictions {
        return Ok(Source::Predictions(predictions.clone()));
    }
    if let (Some(url), Some(model)) = (&arguments.endpoint, &arguments.endpoint_model) {
        let api_key = arguments
            .api_key_env
            .as_deref()
            .map(|variable| endpoint::api_key("--api-key-env", variable))
            .transpose()?;
        return Ok(Source::Endpoint(EndpointOptions {
            url: url.clone(),
            model: model.clone(),
            api_key,
            constrained,
            max_new_tokens,
            threads,
            timeout: Duration::from_secs(arguments.timeout),
            attempts: arguments.attempts,
        }));
    }
    match &arguments.model {
        Some(path) => {
            Ok(Source::Model { path: path.clone(), options: ModelOptions { constrained, max_new_tokens, threads } })
        }
        None => Err(Error::input("--model", "there is none", "give --model, --endpoint or --predictions")),
    }
}

/// Threads asked for, all cores without.
pub fn threads(asked: Option<usize>) -> Result<usize> {
    match thread_count(asked)? {
        0 => Ok(std::thread::available_parallelism().map_or(1, |n| n.get())),
        n => Ok(n),
    }
}

/// Where results and unfinished ones go.
pub fn keep(arguments: &AskedArguments) -> Keep<'_> {
    Keep { dir: &arguments.out, stale: Stale::Refuse }
}
