//! One optimizer step: loss, gradients, clipping, update.

use bantam_core::Result;
use bantam_model::context::Precision;
use bantam_model::dropout::Dropout;

use crate::accumulation::{Accumulated, accumulate};
use crate::objective::{Inputs, Objective};
use crate::optimizer::{Optimizer, global_norm};
use crate::trainable::Trainable;

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

impl StepReport {
    /// Whether the loss and the gradient were numbers, and so the step was taken.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.gradient_norm.is_finite()
    }
}

/// How a step is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRule {
    /// The learning rate.
    pub learning_rate: f64,
    /// Gradients are scaled down to this global L2 norm; 0 does not clip.
    pub clip_norm: f64,
    /// How the gradient is computed.
    pub pass: PassRule,
}

/// How a forward and a backward pass are computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassRule {
    /// Whether blocks are run again in the backward pass instead of kept (gradient checkpointing).
    pub recompute: bool,
    /// What the operands of weight products are rounded to.
    pub precision: Precision,
    /// What is dropped at random.
    pub dropout: Option<Dropout>,
    /// What an objective draws at random follows from it.
    pub seed: u64,
}

/// Takes one step on the mean loss over all targets of `batches`.
/// When the loss or a gradient is not finite the model is returned as it was.
///
/// The step runs on a thread of rayon's pool. From any other thread each of its several hundred parallel regions would be handed over and
/// waited for asleep, and what lies between them would run on one thread more than there are processors (2 to 12 % of a step).
///
/// # Errors
/// Those of the objective; batches without any target.
pub fn train_step<M: Trainable>(
    model: M,
    optimizer: &mut Optimizer,
    objective: &dyn Objective<M>,
    batches: &[Inputs],
    rule: StepRule,
) -> Result<(M, StepReport)> {
    rayon::scope(|_| step(model, optimizer, objective, batches, rule))
}

fn step<M: Trainable>(
    model: M,
    optimizer: &mut Optimizer,
    objective: &dyn Objective<M>,
    batches: &[Inputs],
    rule: StepRule,
) -> Result<(M, StepReport)> {
    let Accumulated { loss, gradients, tokens, target_tokens } = accumulate(&model, objective, batches, &rule.pass)?;
    let StepRule { learning_rate, clip_norm, .. } = rule;
    let gradient_norm = global_norm(&gradients);
    let report = StepReport { loss, gradient_norm, learning_rate, tokens, target_tokens };
    if !report.is_finite() {
        return Ok((model, report));
    }
    let scale = if clip_norm > 0.0 && gradient_norm > clip_norm { clip_norm / gradient_norm } else { 1.0 };
    Ok((optimizer.step(model, &gradients, learning_rate, scale), report))
}
