//! What answers a suite's items, and where its results go: the same flags for every suite.

use std::path::PathBuf;

use clap::Args;

/// What every suite takes.
#[derive(Args, Debug)]
pub struct AskedArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M", conflicts_with = "predictions", required_unless_present = "predictions")]
    pub model: Option<PathBuf>,
    /// Lines {"id", "output"} to score without a model.
    #[arg(long, value_name = "P.jsonl")]
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
