//! What answers a suite's items, and where its results go: the same flags for every suite.

use std::path::PathBuf;

use clap::Args;

/// What every suite takes.
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("answers").required(true)))]
pub struct AskedArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M", group = "answers")]
    pub model: Option<PathBuf>,
    /// A server that speaks OpenAI's chat completions: http://127.0.0.1:8080/v1. https needs a build with `--features hub`.
    #[arg(long, value_name = "URL", group = "answers", requires = "endpoint_model")]
    pub endpoint: Option<String>,
    /// The model to ask the server for.
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    pub endpoint_model: Option<String>,
    /// The environment variable that holds the server's key.
    #[arg(long, value_name = "VAR", requires = "endpoint")]
    pub api_key_env: Option<String>,
    /// Seconds to wait for the server's answer to an item.
    #[arg(long, value_name = "S", default_value_t = 120, requires = "endpoint", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// How often an item is tried before it counts as failed.
    #[arg(long, value_name = "N", default_value_t = 6, requires = "endpoint", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// Lines {"id", "output"} to score without a model.
    #[arg(long, value_name = "P.jsonl", group = "answers")]
    pub predictions: Option<PathBuf>,
    /// The folder for the result and the samples; what a killed evaluation had finished is there too.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Let only answers through that fit the item: its schema, labels, functions.
    #[arg(long, conflicts_with = "predictions")]
    pub constrained: bool,
    /// Take only the first N items.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Tokens after which an answer counts as truncated.
    #[arg(long, value_name = "N", default_value_t = 768)]
    pub max_new_tokens: usize,
    /// Threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}
