//! How well does a model predict what people wrote: texts, the right choice of a question, an answer, a program?
//!
//! [`formats`] reads published files into [`Problem`]s; [`problems`] asks a model for the log-probabilities of their choices and
//! answers, as a suite of the harness; [`text`] slides a window over a whole text; [`byte_ngram`] is the floor under bits per byte.

use serde::{Deserialize, Serialize};

pub mod byte_ngram;
pub mod formats;
pub mod problems;
pub mod text;

pub use formats::{Format, Problem, Task};
pub use problems::{Problems, Scoring};

/// The suite's name in results.
pub const NAME: &str = "perplexity";
/// Raised whenever a definition below changes what a score can be.
pub const METRIC_VERSION: u32 = 1;

/// One problem or stretch of text with its scores: a line of the samples file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Unique within its file.
    pub id: String,
    /// The subject of a problem.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// By metric.
    pub scores: std::collections::BTreeMap<String, f64>,
    /// By floor, then metric.
    pub floors: std::collections::BTreeMap<String, std::collections::BTreeMap<String, f64>>,
    /// ln p of each choice or of the answer, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub log_probabilities: Vec<f64>,
    /// Place of the right choice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub right: Option<usize>,
    /// Raw bytes that `bits_per_byte` counts.
    pub bytes: usize,
    /// Why there is no score.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// `nats` as bits for each of `bytes`.
fn bits_per_byte(nats: f64, bytes: usize) -> f64 {
    -nats / std::f64::consts::LN_2 / bytes.max(1) as f64
}
