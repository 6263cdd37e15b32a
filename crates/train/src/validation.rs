//! Loss on held-out items: never smoothed, in nats a token and in bits a byte of the raw answers.

use bantam_data::packing::{Batch, Example};
use bantam_model::TokenModel;
use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::objective::Inputs;

/// What validation measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean cross-entropy over answer tokens (the end token included), nats, without label smoothing.
    pub loss: f64,
    /// All of it over the raw bytes of the answers, bits.
    pub bits_per_byte: f64,
    /// Share of answer tokens that are the model's first choice, given the right ones before.
    pub token_accuracy: f64,
    /// Items.
    pub items: usize,
    /// Answer tokens.
    pub tokens: usize,
    /// Answer bytes.
    pub bytes: usize,
}

/// Validates on `examples`, packed into batches of at most `batch_tokens`. `None` without examples.
pub fn validate(model: &TokenModel, examples: &[Example], batch_tokens: usize) -> Option<Validation> {
    let (model, device) = without_gradients(model);
    let (mut nats, mut right, mut tokens, mut bytes) = (0.0, 0, 0, 0);
    for batch in Batch::all(examples, batch_tokens) {
        let inputs = Inputs::new(&batch, &device);
        let (n, r) = model.summed_loss(inputs.tokens, &inputs.context, &inputs.targets);
        nats += n;
        right += r;
        tokens += inputs.targets.tokens.len();
        bytes += batch.answer_bytes;
    }
    (tokens > 0).then(|| Validation {
        loss: nats / tokens as f64,
        bits_per_byte: nats / std::f64::consts::LN_2 / bytes as f64,
        token_accuracy: right as f64 / tokens as f64,
        items: examples.len(),
        tokens,
        bytes,
    })
}

/// A batch's loss summed over its targets, nats, never smoothed.
pub(crate) fn summed_nats(model: &TokenModel, batch: &Batch) -> f64 {
    let (model, device) = without_gradients(model);
    let inputs = Inputs::new(batch, &device);
    model.summed_loss(inputs.tokens, &inputs.context, &inputs.targets).0
}

/// The same values without gradients, and where they are.
fn without_gradients(model: &TokenModel) -> (TokenModel, Device) {
    let model = model.clone().valid();
    let device = model.devices().into_iter().next().unwrap_or_else(Device::flex);
    (model, device)
}
