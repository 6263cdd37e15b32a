//! What can be said to `bantam zoo`?

use std::path::PathBuf;

use bantam_pipeline::zoo::Pattern;
use clap::{Args, Subcommand, ValueEnum};

/// `zoo`.
#[derive(Args, Debug)]
pub struct ZooArguments {
    /// What to do instead of the table.
    #[command(subcommand)]
    pub what: Option<ZooVerb>,
    /// The table.
    #[command(flatten)]
    pub table: ZooTableArguments,
}

/// What else `zoo` does.
#[derive(Debug, Subcommand)]
pub enum ZooVerb {
    /// Train small models on a recall task: every mixer, learning rate and seed that has no result yet.
    Recall(ZooRecallArguments),
    /// Train models of one size on a text: every mixer, learning rate and seed that has no result yet.
    Texts(ZooTextsArguments),
}

/// `zoo` without more: what every mixer costs, and what it recalls.
#[derive(Args, Debug)]
pub struct ZooTableArguments {
    /// Mixers, or patterns such as mamba2*5+attention, separated by commas; default: every mixer.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub mixers: Vec<Pattern>,
    /// Parameters of each model, such as 2M or 750k.
    #[arg(long, value_name = "N", default_value = "2M")]
    pub budget: String,
    /// Tokens of the vocabulary.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub vocab: usize,
    /// Tokens of a sequence.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub context: usize,
    /// Sequences of a training step.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub batch: usize,
    /// Training steps to time; 0 measures no speed.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub steps: usize,
    /// A folder of `zoo recall` and `zoo texts`, to show its results beside.
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Write the picture: recall and bits per byte against state bytes, loss against parameters.
    #[arg(long, value_name = "FILE.svg", requires = "results")]
    pub svg: Option<PathBuf>,
}

/// `zoo recall`.
#[derive(Args, Debug)]
pub struct ZooRecallArguments {
    /// The task.
    #[arg(long)]
    pub task: RecallTask,
    /// The task's size.
    #[arg(long, default_value = "scaled")]
    pub setting: RecallSetting,
    /// Mixers, or patterns such as mamba2+attention, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub mixers: Vec<Pattern>,
    /// Learning rates to choose from, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.001,0.003,0.01")]
    pub learning_rates: Vec<f64>,
    /// Seeds 1 to this.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seeds: u64,
    /// The folder of results; runs that have one there are not made again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Tokens of a sequence; default: the setting's.
    #[arg(long, value_name = "N")]
    pub length: Option<usize>,
    /// MQAR's pairs, or the tokens to copy; default: the setting's.
    #[arg(long, value_name = "N")]
    pub pairs: Option<usize>,
    /// Items to train on; default: the setting's.
    #[arg(long, value_name = "N")]
    pub items: Option<usize>,
    /// Width of the models.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub width: usize,
    /// Layers of the models; rounded up to whole patterns.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub layers: usize,
    /// Heads of attention, retention and Performer.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub heads: usize,
    /// Items of a step.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub batch: usize,
    /// Steps, at most.
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub steps: u64,
    /// Stop at this validation accuracy.
    #[arg(long, value_name = "X", default_value_t = 0.999)]
    pub enough: f64,
}

/// What is asked.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RecallTask {
    /// Multi-query associative recall.
    Mqar,
    /// The same over vectors.
    MqarVectors,
    /// Induction heads.
    Induction,
    /// Selective copying.
    Copy,
}

impl RecallTask {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mqar => "mqar",
            Self::MqarVectors => "mqar-vectors",
            Self::Induction => "induction",
            Self::Copy => "copy",
        }
    }
}

/// How large a task is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RecallSetting {
    /// In a size that a CPU core learns in minutes.
    Scaled,
    /// As in its paper.
    Published,
}

/// `zoo texts`.
#[derive(Args, Debug)]
pub struct ZooTextsArguments {
    /// A folder of texts, a JSONL file with `text`, or a text (WikiText's headings begin documents).
    #[arg(long, value_name = "PATH")]
    pub text: PathBuf,
    /// Of a folder, only files that end in this, such as py.
    #[arg(long, value_name = "EXT")]
    pub extension: Option<String>,
    /// Mixers, or patterns such as mamba2*5+attention, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub mixers: Vec<Pattern>,
    /// Parameters of each model, such as 2M or 750k.
    #[arg(long, value_name = "N", default_value = "2M")]
    pub budget: String,
    /// Tokens of the vocabulary.
    #[arg(long, value_name = "N", default_value_t = 2048)]
    pub vocab: usize,
    /// Tokens that a window predicts.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub context: usize,
    /// Windows of a step.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub batch: usize,
    /// Steps.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub steps: u64,
    /// Learning rates to choose from, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.003")]
    pub learning_rates: Vec<f64>,
    /// Seeds 1 to this.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seeds: u64,
    /// The folder of results; runs that have one there are not made again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
