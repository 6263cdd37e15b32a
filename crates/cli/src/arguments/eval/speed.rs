//! What can be said to `bantam eval speed`?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `eval speed`.
#[derive(Args, Debug)]
pub struct SpeedArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M")]
    pub model: PathBuf,
    /// Items (JSONL).
    #[arg(long, value_name = "F.jsonl")]
    pub data: PathBuf,
    /// The folder with `<schema_id>.json` files.
    #[arg(long, value_name = "DIR")]
    pub schemas: PathBuf,
    /// The folder for the result.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Let the schema limit what the model may say.
    #[arg(long)]
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
    /// The single stream goes on for at least so long, and asks every item at least once.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub min_seconds: f64,
    /// Where joules come from.
    #[arg(long, value_name = "COUNTER", default_value = "auto")]
    pub energy: EnergyArgument,
    /// Idle power is measured for so long before; 0 leaves net energy out.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub idle_seconds: f64,
}

/// An energy counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EnergyArgument {
    /// RAPL where it can be read.
    Auto,
    /// The processor packages' counters.
    Rapl,
    /// Power draw of NVIDIA devices.
    NvidiaSmi,
    /// Not measured.
    None,
}
