//! From flags to what the runtime takes, for the verbs that write text.

use std::path::Path;

use bantam_core::{Error, Result, files};
use bantam_formats::Tokenizer;
use bantam_runtime::{Constraint, ConstraintCompiler, GenerateOptions, SamplingOptions};
use serde_json::Value;

use crate::arguments::{ConstraintArguments, SamplingArguments};

/// Options checked by the runtime.
pub fn options(arguments: &SamplingArguments, max_new_tokens: usize, ends: &[u32]) -> Result<GenerateOptions> {
    let options = GenerateOptions {
        max_new_tokens,
        sampling: SamplingOptions {
            temperature: arguments.temperature,
            top_k: arguments.top_k,
            top_p: arguments.top_p,
            min_p: arguments.min_p,
            repetition_penalty: arguments.repetition_penalty,
            presence_penalty: arguments.presence_penalty,
            frequency_penalty: arguments.frequency_penalty,
            logit_bias: arguments.logit_bias.iter().map(|b| logit_bias(b)).collect::<Result<_>>()?,
            seed: arguments.seed,
        },
        end_tokens: ends.to_vec(),
        stop: arguments.stop.clone(),
        log_probabilities: None,
    };
    options.validate()?;
    Ok(options)
}

/// `17=-2.5`
fn logit_bias(text: &str) -> Result<(u32, f32)> {
    let parsed = text.split_once('=').and_then(|(id, bias)| Some((id.parse().ok()?, bias.parse().ok()?)));
    parsed.ok_or_else(|| {
        Error::input("--logit-bias", format_args!("`{text}` is not ID=BIAS"), "give a token's id and a number: 17=-2.5")
    })
}

/// The constraint asked for.
pub fn constraint(
    arguments: &ConstraintArguments,
    schema: Option<&Value>,
    tokenizer: &Tokenizer,
    ends: &[u32],
) -> Result<Option<Constraint>> {
    let compiler = || ConstraintCompiler::new(tokenizer, ends);
    match (arguments, schema) {
        (ConstraintArguments { schema: Some(path), .. }, Some(schema)) => {
            compiler()?.compile(&path.display().to_string(), schema).map(Some)
        }
        (ConstraintArguments { regex: Some(regex), .. }, _) => compiler()?.compile_regex("--regex", regex).map(Some),
        (ConstraintArguments { grammar: Some(path), .. }, _) => {
            let grammar = files::read_text(path)?;
            compiler()?.compile_lark(&path.display().to_string(), &grammar).map(Some)
        }
        _ => Ok(None),
    }
}

/// A JSON Schema's file.
pub fn read_schema(path: &Path) -> Result<Value> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text)
        .map_err(|e| Error::input(path.display(), format_args!("not JSON: {e}"), "give a JSON Schema"))
}
