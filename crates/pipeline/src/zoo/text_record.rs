//! What came of one run on a text: a file of its own, `text-<name>-<mixers>-lr<rate>-seed<n>-<hash8>.json`, there whole or
//! not at all.

use bantam_core::{Error, Result, hash};
use bantam_eval::statistics::Estimate;
use serde::{Deserialize, Serialize};

use super::Pattern;
use super::record::{Circumstances, Point};

/// The text and its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// The file's or the folder's name.
    pub name: String,
    /// Of all documents and their parts.
    pub sha256: String,
    /// Documents to train on, to validate on and to score on.
    pub documents: [usize; 3],
    /// Their bytes.
    pub bytes: [u64; 3],
    /// Tokens to train on: one pass.
    pub train_tokens: u64,
    /// Files left out because they are not UTF-8.
    pub not_utf8: usize,
    /// Documents left out because they were there already.
    pub repeated: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
}

/// Everything that decides the result of a run. Its hash is a part of the run's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMade {
    /// The text.
    pub corpus: Corpus,
    /// The mixers, as on the command line.
    pub mixers: String,
    /// Parameters that were asked for.
    pub budget: u64,
    /// Tokens that a window predicts.
    pub context: usize,
    /// Windows of a step.
    pub batch: usize,
    /// Steps.
    pub steps: u64,
    /// The highest learning rate; it falls to 0 by a cosine.
    pub learning_rate: f64,
    /// Seed of weights and order.
    pub seed: u64,
}

impl TextMade {
    /// A name for the run that no other run has.
    pub fn id(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| Error::internal("text record", e))?;
        let hash = hash::bytes(text.as_bytes());
        let mixers = self.mixers.parse::<Pattern>()?.file_name();
        let (name, rate, seed) = (&self.corpus.name, self.learning_rate, self.seed);
        Ok(format!("text-{name}-{mixers}-lr{rate}-seed{seed}-{}", &hash[..8]))
    }
}

/// A document that was held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// The document.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bits that the model takes for it, its end included.
    pub bits: f64,
    /// Bits that a byte n-gram takes that read the training documents and the test documents before.
    pub floor_bits: f64,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRecord {
    /// What was run.
    pub made: TextMade,
    /// Parameters of the model.
    pub parameters: u64,
    /// Bytes of the model's state after a window, in 32-bit floats; `None` for what cannot be stepped.
    pub state_bytes: Option<u64>,
    /// Steps taken.
    pub steps: u64,
    /// Over the test documents, with the percentile bootstrap that draws documents; `None` where training diverged.
    pub bits_per_byte: Option<Estimate>,
    /// The test documents; none where training diverged.
    pub documents: Vec<Scored>,
    /// The validations, in order.
    pub curve: Vec<Point>,
    /// Milliseconds for one token after half a context of others, on one thread of the runtime; differs from run to run.
    pub step_ms: Option<f64>,
    /// Where and how fast.
    pub circumstances: Circumstances,
}

impl TextRecord {
    /// The loss of the last validation; infinite where training diverged.
    pub fn validated(&self) -> f64 {
        self.curve.last().filter(|_| self.bits_per_byte.is_some()).map_or(f64::INFINITY, |p| p.loss)
    }
}
