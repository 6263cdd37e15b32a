//! What is minimized: from a model and one batch to a loss that gradients flow from.

use std::sync::Arc;

use bantam_core::Result;
use bantam_data::packing::Batch;
use bantam_model::context::Span;
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, TokenModel};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::trainable::Trainable;

/// A batch as the model wants it.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `[batch, time]` token ids, or the numbers of vectors.
    pub tokens: Tensor<2, Int>,
    /// Where each item begins and ends.
    pub context: SequenceContext,
    /// Which positions predict which tokens.
    pub targets: Targets,
    /// What an objective draws at random follows from it. 0 in validation.
    pub seed: u64,
}

impl Inputs {
    /// Packed items as one row on `device`.
    pub fn new(batch: &Batch, device: &Device) -> Self {
        let n = batch.tokens.len();
        let ids: Vec<i32> = batch.tokens.iter().map(|&t| t as i32).collect();
        let spans = batch.spans.iter().map(|&(start, len)| Span { start, len }).collect();
        let targets =
            Targets { rows: Arc::from(batch.target_rows.clone()), tokens: Arc::from(batch.target_tokens.clone()) };
        Self {
            tokens: Tensor::from_data(TensorData::new(ids, [1, n]), device),
            context: SequenceContext::packed(1, n, spans),
            targets,
            seed: 0,
        }
    }
}

/// What training minimizes. `Sync`, since a step runs on a thread of the pool.
pub trait Objective<M: Trainable = TokenModel>: Sync {
    /// The mean loss over the batch's targets, nats: a tensor of one value to call `backward` on. `hidden` is what
    /// [`Trainable::hidden`] makes of the batch. It must be a mean over the targets: the loop weighs the batches of one
    /// step by their numbers of targets.
    ///
    /// # Errors
    /// Whatever the objective cannot read, such as a teacher's cached outputs.
    fn loss(&self, model: &M, hidden: Tensor<2>, inputs: &Inputs) -> Result<Tensor<1>>;

    /// [`loss`](Self::loss) of the whole model, with everything kept that the backward pass needs.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn mean_loss(&self, model: &M, inputs: &Inputs) -> Result<Tensor<1>> {
        self.loss(model, model.hidden(inputs), inputs)
    }

    /// Everything of it that decides the weights, in words. Part of the run's identity: a checkpoint is continued only
    /// under the same objective.
    fn identity(&self) -> String;
}

/// Cross-entropy of the next token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NextToken {
    /// Share of the uniform distribution mixed into the targets.
    pub label_smoothing: f64,
}

impl Objective for NextToken {
    fn loss(&self, model: &TokenModel, hidden: Tensor<2>, inputs: &Inputs) -> Result<Tensor<1>> {
        Ok(model.mean_loss_of(hidden, &inputs.targets, self.label_smoothing as f32, inputs.context.precision()))
    }

    fn identity(&self) -> String {
        format!("{self:?}")
    }
}
