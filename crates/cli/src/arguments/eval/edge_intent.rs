//! What can be said to `eval edge-intent`.

use std::path::PathBuf;

use bantam_data::prompt::SchemaInPrompt;
use clap::{ArgGroup, Args, ValueEnum};

use super::AskedArguments;

/// `eval edge-intent`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("texts").required(true))]
pub struct EdgeIntentArguments {
    /// What answers, and where results go.
    #[command(flatten)]
    pub asked: AskedArguments,
    /// CLINC150's data_full.json, or another of its files.
    #[arg(long, value_name = "FILE", group = "texts")]
    pub clinc: Option<PathBuf>,
    /// The split of it to judge on.
    #[arg(long, value_name = "NAME", default_value = "val")]
    pub split: String,
    /// Banking77's test.csv.
    #[arg(long, value_name = "FILE", group = "texts", requires = "train")]
    pub banking: Option<PathBuf>,
    /// Texts (JSONL: id, text, intent, ...) of the taxonomy given.
    #[arg(long, value_name = "F.jsonl", group = "texts", requires_all = ["taxonomy", "train"])]
    pub items: Option<PathBuf>,
    /// The taxonomy of --items (TOML or JSON).
    #[arg(long, value_name = "FILE")]
    pub taxonomy: Option<PathBuf>,
    /// The texts that the floors learn from, in the format of --banking or --items.
    #[arg(long, value_name = "FILE", conflicts_with = "clinc")]
    pub train: Option<PathBuf>,
    /// What prompts tell of the labels.
    #[arg(long, value_name = "WHAT", default_value = "name")]
    pub schema_in_prompt: ToldArgument,
    /// Have the model weigh every label too: top-3, calibration, AUROC.
    #[arg(long, conflicts_with = "predictions")]
    pub probabilities: bool,
    /// Take the label that the model finds most probable, without a text.
    #[arg(long, conflicts_with_all = ["predictions", "constrained", "probabilities"])]
    pub weighed: bool,
    /// Divide a label's log-probability by the answer's length in bytes before labels are compared.
    #[arg(long)]
    pub by_length: bool,
}

/// What prompts tell of the labels.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ToldArgument {
    /// The taxonomy's name, for a model that was trained on it.
    Name,
    /// The signature of the answer's schema, which lists the labels.
    Signature,
    /// Nothing.
    None,
}

impl From<ToldArgument> for SchemaInPrompt {
    fn from(told: ToldArgument) -> Self {
        match told {
            ToldArgument::Name => Self::Name,
            ToldArgument::Signature => Self::Signature,
            ToldArgument::None => Self::None,
        }
    }
}
