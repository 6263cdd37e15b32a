//! What can be typed about texts with intents?

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// `data intents`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").required(true))]
pub struct IntentsArguments {
    /// CLINC150's data_full.json, or another of its files.
    #[arg(long, value_name = "FILE", group = "source")]
    pub clinc: Option<PathBuf>,
    /// Banking77's train.csv.
    #[arg(long, value_name = "FILE", group = "source")]
    pub banking: Option<PathBuf>,
    /// Texts (JSONL: id, text, intent, ...) of the taxonomy given.
    #[arg(long, value_name = "F.jsonl", group = "source", requires = "taxonomy")]
    pub items: Option<PathBuf>,
    /// The taxonomy of --items (TOML or JSON).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["clinc", "banking"])]
    pub taxonomy: Option<PathBuf>,
    /// The split to train on; texts that name no split are in `train`.
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub split: String,
    /// Write this split as test.jsonl.
    #[arg(long, value_name = "NAME")]
    pub test_split: Option<String>,
    /// How many texts of every intent become valid.jsonl.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub valid_per_intent: usize,
    /// The seed that draws them.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
