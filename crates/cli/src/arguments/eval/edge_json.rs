//! What can be said to `eval edge-json`.

use std::path::PathBuf;

use clap::Args;

/// `eval edge-json`.
#[derive(Args, Debug)]
pub struct EdgeJsonArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M", conflicts_with = "predictions", required_unless_present = "predictions")]
    pub model: Option<PathBuf>,
    /// Lines {"id", "output"} to score without a model.
    #[arg(long, value_name = "P.jsonl")]
    pub predictions: Option<PathBuf>,
    /// Items (JSONL).
    #[arg(long, value_name = "F.jsonl")]
    pub data: PathBuf,
    /// The folder with `<schema_id>.json` files.
    #[arg(long, value_name = "DIR")]
    pub schemas: PathBuf,
    /// The folder for the result and the samples.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Let the schema limit what the model may say.
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
