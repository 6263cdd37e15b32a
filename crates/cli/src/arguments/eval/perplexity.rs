//! What can be said to `bantam eval perplexity`?

use std::path::PathBuf;

use bantam_eval::perplexity::Format;
use clap::{Args, ValueEnum};

/// `eval perplexity`.
#[derive(Args, Debug)]
pub struct PerplexityArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M")]
    pub model: PathBuf,
    /// Texts, or files of problems as published.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the files are.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArgument,
    /// The folder for results and samples.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Of a text: tokens a prediction may look back on; default: what the model was made for, at most 2,048.
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Of a text: tokens between the starts of two windows; default: half the context.
    #[arg(long, value_name = "N")]
    pub stride: Option<usize>,
    /// Take only the first N problems.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Problems at a time; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// A file's format.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatArgument {
    /// Any UTF-8 text.
    Text,
    /// CSV without a header: question, four choices, letter.
    Mmlu,
    /// CSV with a header.
    Gpqa,
    /// JSON: passages with questions.
    Drop,
    /// JSONL with problem and solution.
    Math,
    /// JSONL, plain or gzipped.
    Humaneval,
}

impl FormatArgument {
    /// As the suite has it.
    pub fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Mmlu => Format::Mmlu,
            Self::Gpqa => Format::Gpqa,
            Self::Drop => Format::Drop,
            Self::Math => Format::Math,
            Self::Humaneval => Format::HumanEval,
        }
    }
}
