//! Loss on held-out items: never smoothed; of tokens in nats each and in bits a byte of the raw answers.

use bantam_core::Result;
use bantam_data::packing::{Batch, Example};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::objective::{Inputs, Objective};
use crate::trainable::{Measured, Trainable};

/// What validation measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean cross-entropy over answer tokens (the end token included), nats, without label smoothing; a vector model's
    /// mean objective.
    pub loss: f64,
    /// All of it over the raw bytes of the answers, bits; `None` where answers are no text.
    pub bits_per_byte: Option<f64>,
    /// Share of answer tokens that are the model's first choice, given the right ones before; of predicted vectors, the share
    /// that is nearest to its own target among those of the item.
    pub accuracy: f64,
    /// Items.
    pub items: usize,
    /// Targets.
    pub tokens: usize,
    /// Answer bytes.
    pub bytes: usize,
}

/// Validates on `examples`, packed into batches of at most `batch_tokens`. `None` without examples.
///
/// # Errors
/// Those of the objective.
pub fn validate<M: Trainable>(
    model: &M,
    objective: &dyn Objective<M>,
    examples: &[Example],
    batch_tokens: usize,
) -> Result<Option<Validation>> {
    let (model, device) = without_gradients(model);
    let (mut loss, mut right, mut tokens, mut bytes) = (0.0, 0, 0, 0);
    for batch in Batch::all(examples, batch_tokens) {
        let inputs = Inputs::new(&batch, &device);
        let measured = model.measure(objective, &inputs)?;
        loss += measured.loss;
        right += measured.found;
        tokens += inputs.targets.tokens.len();
        bytes += batch.answer_bytes;
    }
    Ok((tokens > 0).then(|| Validation {
        loss: loss / tokens as f64,
        bits_per_byte: (bytes > 0).then(|| loss / std::f64::consts::LN_2 / bytes as f64),
        accuracy: right as f64 / tokens as f64,
        items: examples.len(),
        tokens,
        bytes,
    }))
}

/// A batch's loss summed over its targets, never smoothed.
pub(crate) fn summed_loss<M: Trainable>(model: &M, objective: &dyn Objective<M>, batch: &Batch) -> Result<f64> {
    let (model, device) = without_gradients(model);
    let Measured { loss, .. } = model.measure(objective, &Inputs::new(batch, &device))?;
    Ok(loss)
}

/// The same values without gradients, and where they are.
fn without_gradients<M: Trainable>(model: &M) -> (M, Device) {
    let model = model.clone().valid();
    let device = model.devices().into_iter().next().unwrap_or_else(Device::flex);
    (model, device)
}
