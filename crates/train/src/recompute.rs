//! Gradient checkpointing: a backward pass that keeps only each block's input and runs the block again when its turn
//! comes (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). One block's activations are in memory at a
//! time, for one more forward pass. Loss and gradients are those of the pass that keeps everything, to the bit.

use std::collections::HashMap;

use bantam_core::{Error, Result};
use bantam_model::mixers::Crossing;
use bantam_model::{BlockState, weights};
use burn::tensor::{Gradients, Tensor};

use crate::objective::{Inputs, Objective};
use crate::trainable::Trainable;

/// The loss of a batch and its gradients by parameter name.
///
/// # Errors
/// Those of the objective.
pub(crate) fn loss_and_gradients<M: Trainable>(
    model: &M,
    objective: &dyn Objective<M>,
    inputs: &Inputs,
) -> Result<(f64, HashMap<String, Vec<f32>>)> {
    let context = &model.context(inputs);
    let blocks = model.backbone().blocks();
    let mut kept: Vec<Tensor<3>> = Vec::with_capacity(blocks.len());
    {
        let plain = model.clone().valid();
        let mut x = plain.embed(&Inputs { tokens: inputs.tokens.clone().inner(), ..inputs.clone() });
        for block in plain.backbone().blocks() {
            kept.push(x.clone());
            x = block.forward(x, context, BlockState::default(), &mut Crossing::default()).0;
        }
        kept.push(x);
    }
    let mut leaf =
        || Tensor::<3>::from_inner(kept.pop().unwrap_or_else(|| unreachable!("one for each part"))).require_grad();

    let last = leaf();
    let [batch, time, width] = last.dims();
    let loss = objective.loss(model, last.clone().reshape([batch * time, width]), inputs)?;
    let mut backward = loss.backward();
    let loss = loss.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
    let mut gradient = gradient_of(&last, &backward)?;
    let mut all = weights::take_gradients(model, &mut backward);
    for block in blocks.iter().rev() {
        let x = leaf();
        let y = block.forward(x.clone(), context, BlockState::default(), &mut Crossing::default()).0;
        let mut backward = pulled_back(y, gradient);
        gradient = gradient_of(&x, &backward)?;
        add(&mut all, weights::take_gradients(model, &mut backward));
    }
    let embedded = model.embed(inputs);
    // Frozen, it has nothing to pass the gradient to.
    if model.trains_in_port() {
        let mut backward = pulled_back(embedded, gradient);
        add(&mut all, weights::take_gradients(model, &mut backward));
    }
    Ok((loss, all))
}

/// The backward pass of `y` for a gradient that comes from above: that of the sum of their product.
fn pulled_back(y: Tensor<3>, gradient: Tensor<3>) -> Gradients {
    (y * Tensor::from_inner(gradient)).sum().backward()
}

fn gradient_of(x: &Tensor<3>, backward: &Gradients) -> Result<Tensor<3>> {
    x.grad(backward).ok_or_else(|| Error::internal("gradient checkpointing", "a block does not depend on its input"))
}

/// A tied embedding gets a gradient from the head and one from the rows that were read.
fn add(all: &mut HashMap<String, Vec<f32>>, more: HashMap<String, Vec<f32>>) {
    for (name, gradient) in more {
        match all.get_mut(&name) {
            Some(sum) => sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g),
            None => {
                all.insert(name, gradient);
            }
        }
    }
}
