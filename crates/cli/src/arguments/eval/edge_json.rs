//! What can be said to `eval edge-json`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::AskedArguments;

/// `eval edge-json`.
#[derive(Args, Debug)]
pub struct EdgeJsonArguments {
    /// What answers, and where results go.
    #[command(flatten)]
    pub asked: AskedArguments,
    /// Items (JSONL).
    #[arg(long, value_name = "F.jsonl")]
    pub data: PathBuf,
    /// The folder with `<schema_id>.json` files.
    #[arg(long, value_name = "DIR")]
    pub schemas: PathBuf,
    /// What the prompt tells of the schema.
    #[arg(long, value_name = "WHAT", default_value = "signature", conflicts_with = "predictions")]
    pub schema_in_prompt: ToldArgument,
    /// Free strings of constrained answers are words of the text.
    #[arg(long, requires = "constrained", conflicts_with_all = ["predictions", "endpoint"])]
    pub verbatim: bool,
    /// Solved items of the same schema that come before each question.
    #[arg(long, value_name = "K", requires = "shots_from", conflicts_with = "predictions")]
    pub shots: Option<usize>,
    /// The items they are drawn from (JSONL).
    #[arg(long, value_name = "TRAIN.jsonl", requires = "shots")]
    pub shots_from: Option<PathBuf>,
    /// The seed of that draw.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "shots")]
    pub shots_seed: u64,
    /// Fresh items of the same kind (JSONL): the contamination gap, published minus fresh, is reported too.
    #[arg(long, value_name = "FRESH.jsonl", conflicts_with = "predictions")]
    pub fresh_data: Option<PathBuf>,
    /// Their schemas; default: --schemas.
    #[arg(long, value_name = "DIR", requires = "fresh_data")]
    pub fresh_schemas: Option<PathBuf>,
    /// Tell beside the scores what EdgeJSON v3's published scorer would have said, and why they differ.
    #[arg(long)]
    pub legacy_v3: bool,
}

/// What a prompt tells of the schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ToldArgument {
    /// Its signature.
    Signature,
    /// Its name, for models that were trained on it.
    Name,
    /// Nothing.
    None,
}
