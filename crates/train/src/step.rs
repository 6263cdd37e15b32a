//! One optimizer step: loss, gradients, clipping, update.

use std::sync::Arc;

use bantam_data::packing::Batch;
use bantam_model::context::Span;
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, TokenModel, weights};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::optimizer::{AdamW, global_norm};

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Mean loss over the targets, label smoothing included, nats.
    pub loss: f64,
    /// L2 norm of all gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Tokens the model read.
    pub tokens: usize,
    /// Tokens in the loss.
    pub target_tokens: usize,
}

/// A batch as the model wants it.
pub(crate) fn inputs(batch: &Batch, device: &Device) -> (Tensor<2, Int>, SequenceContext, Targets) {
    let n = batch.tokens.len();
    let ids: Vec<i32> = batch.tokens.iter().map(|&t| t as i32).collect();
    let spans = batch.spans.iter().map(|&(start, len)| Span { start, len }).collect();
    let targets =
        Targets { rows: Arc::from(batch.target_rows.clone()), tokens: Arc::from(batch.target_tokens.clone()) };
    (Tensor::from_data(TensorData::new(ids, [1, n]), device), SequenceContext::packed(1, n, spans), targets)
}

/// Takes one step on inputs whose gradients are averaged over `targets`. `clip_norm` 0 does not clip.
/// When the loss or a gradient is not finite the model is returned as it was.
#[allow(clippy::too_many_arguments)]
pub fn train_step(
    model: TokenModel,
    optimizer: &mut AdamW,
    tokens: Tensor<2, Int>,
    context: &SequenceContext,
    targets: &Targets,
    label_smoothing: f64,
    learning_rate: f64,
    clip_norm: f64,
) -> (TokenModel, StepReport) {
    let read = tokens.shape().num_elements();
    let loss = model.mean_loss(tokens, context, targets, label_smoothing as f32);
    let mut gradients = loss.backward();
    let loss = loss.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
    let gradients = weights::take_gradients(&model, &mut gradients);
    let gradient_norm = global_norm(&gradients);
    let report = StepReport { loss, gradient_norm, learning_rate, tokens: read, target_tokens: targets.tokens.len() };
    if !(loss.is_finite() && gradient_norm.is_finite()) {
        return (model, report);
    }
    let scale = if clip_norm > 0.0 && gradient_norm > clip_norm { clip_norm / gradient_norm } else { 1.0 };
    (optimizer.step(model, &gradients, learning_rate, scale), report)
}
