//! The gradient of one step from one or several batches, as if all their items had been one batch.

use std::collections::HashMap;

use bantam_core::{Error, Result, seed};
use bantam_model::dropout::Dropout;
use bantam_model::weights;
use rand::Rng as _;

use crate::objective::{Inputs, Objective};
use crate::recompute;
use crate::step::PassRule;
use crate::trainable::Trainable;

/// Loss and gradients over all targets of some batches.
#[derive(Clone, Debug)]
pub struct Accumulated {
    /// Mean loss over all targets, nats.
    pub loss: f64,
    /// Gradients of that mean, by parameter name.
    pub gradients: HashMap<String, Vec<f32>>,
    /// Tokens the model read.
    pub tokens: usize,
    /// Tokens in the loss.
    pub target_tokens: usize,
}

/// Runs forward and backward on one batch after the other by `rule`.
/// Every target counts the same, whichever batch it is in: a batch's mean is weighted by its share of all targets.
///
/// # Errors
/// Those of the objective; batches without any target.
pub fn accumulate<M: Trainable>(
    model: &M,
    objective: &dyn Objective<M>,
    batches: &[Inputs],
    rule: &PassRule,
) -> Result<Accumulated> {
    let target_tokens: usize = batches.iter().map(|b| b.targets.tokens.len()).sum();
    if target_tokens == 0 {
        return Err(Error::input("training data", "a step without a target token", "give items with an answer"));
    }
    let tokens = batches.iter().map(|b| b.tokens.shape().num_elements()).sum();
    let mut all = Accumulated { loss: 0.0, gradients: HashMap::new(), tokens, target_tokens };
    for (at, batch) in batches.iter().enumerate().filter(|(_, b)| !b.targets.tokens.is_empty()) {
        let share = batch.targets.tokens.len() as f64 / target_tokens as f64;
        // Batches of one step draw and drop different values.
        let of_batch = |seed: u64| seed::rng(seed, &format!("batch/{at}")).next_u64();
        let dropout = rule.dropout.clone().map(|d| Dropout { seed: of_batch(d.seed), ..d });
        let context = batch.context.clone().with_precision(rule.precision).with_dropout(dropout);
        let batch = &Inputs { context, seed: of_batch(rule.seed), ..batch.clone() };
        let (loss, gradients) = match rule.recompute {
            true => recompute::loss_and_gradients(model, objective, batch)?,
            false => loss_and_gradients(model, objective, batch)?,
        };
        all.loss += share * loss;
        if all.gradients.is_empty() && share == 1.0 {
            all.gradients = gradients;
            continue;
        }
        let share = share as f32;
        for (name, gradient) in gradients {
            match all.gradients.get_mut(&name) {
                Some(sum) => sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += share * g),
                None => {
                    all.gradients.insert(name, gradient.into_iter().map(|g| share * g).collect());
                }
            }
        }
    }
    Ok(all)
}

/// The loss of a batch and its gradients by parameter name.
fn loss_and_gradients<M: Trainable>(
    model: &M,
    objective: &dyn Objective<M>,
    inputs: &Inputs,
) -> Result<(f64, HashMap<String, Vec<f32>>)> {
    let loss = objective.mean_loss(model, inputs)?;
    let mut gradients = loss.backward();
    let loss = loss.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
    Ok((loss, weights::take_gradients(model, &mut gradients)))
}
