//! What a report is made from.

use bantam_eval::result::{Sample, SuiteResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything a report says, gathered by whoever ran the stages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReportInput {
    /// The run's name.
    pub name: String,
    /// What was built, in a sentence or two.
    pub summary: String,
    /// What was built in numbers: one table each for data, tokenizer, model, training, ...
    #[serde(default)]
    pub facts: Vec<FactTable>,
    /// The files that came out.
    #[serde(default)]
    pub artifacts: Vec<ArtifactFile>,
    /// The points of `metrics.jsonl`, in order.
    #[serde(default)]
    pub training: Vec<TrainingPoint>,
    /// Every evaluation, in the order its column is to have. Those of the same data share tables and floors.
    #[serde(default)]
    pub evaluations: Vec<Evaluated>,
    /// The measured overlap of training and test data (`overlap.json`).
    #[serde(default)]
    pub overlap: Option<Value>,
    /// The content of `lineage.json`.
    #[serde(default)]
    pub lineage: Value,
    /// The resolved recipe's text.
    #[serde(default)]
    pub recipe: Option<String>,
}

/// A small table of names and values.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FactTable {
    /// What it is about.
    pub title: String,
    /// Name and value, as they are to be read.
    pub rows: Vec<(String, String)>,
}

/// A file or folder that the run made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ArtifactFile {
    /// Path in the run folder.
    pub path: String,
    /// What it is, in a few words.
    pub what: String,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// One point of the training log. Values that were not measured at that step are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingPoint {
    /// The optimizer step.
    pub step: u64,
    /// Training loss per target token, in nats.
    #[serde(default, alias = "loss")]
    pub train_loss: Option<f64>,
    /// Validation loss per target token without label smoothing, in nats.
    #[serde(default, alias = "validation_loss")]
    pub valid_loss: Option<f64>,
    /// Validation loss in bits per byte of the answers' text.
    #[serde(default, alias = "valid_bits_per_byte", alias = "validation_bits_per_byte")]
    pub bits_per_byte: Option<f64>,
    /// Learning rate.
    #[serde(default, alias = "lr")]
    pub learning_rate: Option<f64>,
    /// The values are of an earlier step's weights, with which the run ended: no point of a curve.
    #[serde(default)]
    pub weights_of_step: Option<u64>,
    /// The values are of the mean of so many checkpoints, with which the run ended: no point of a curve.
    #[serde(default)]
    pub mean_of_checkpoints: Option<u64>,
}

/// One evaluation with its samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluated {
    /// The result file's content.
    pub result: SuiteResult,
    /// The samples file's content.
    pub samples: Vec<Sample>,
}
