//! Where do the weights begin?

use bantam_core::hash;
use bantam_model::TokenModel;
use bantam_model::weights::{self, NamedTensor};
use burn::tensor::Device;

use crate::trainable::Trainable;

/// The weights before the first step.
#[derive(Clone, Debug)]
pub enum Start<M = TokenModel> {
    /// Random, each parameter by its own rule and from its own stream of the run's seed.
    Random,
    /// A model with its weights in place, on the training's device: fine-tuning. For a Hugging Face folder it is made
    /// by [`weights::load_artifact`] or [`bantam_model::adapters::load_quantized`]; adapters, where there are some, are attached
    /// already.
    Model(Box<M>),
}

impl<M: Trainable> Start<M> {
    /// The model to train, and a hash of the weights it starts from (none for random ones, which follow from the seed).
    pub(crate) fn model(&self, config: &M::Config, seed: u64, device: &Device) -> (M, Option<String>) {
        match self {
            Start::Random => (M::random(config, seed, device), None),
            Start::Model(model) => {
                let identity = format!("{} {}", identity(&weights::read(model.as_ref())), model.identity());
                (M::clone(model), Some(identity))
            }
        }
    }
}

fn identity(tensors: &[NamedTensor]) -> String {
    let of = |(name, shape, values): &NamedTensor| {
        format!("{name} {shape:?} {}\n", hash::bytes(bytemuck::cast_slice(values)))
    };
    hash::bytes(tensors.iter().map(of).collect::<String>().as_bytes())
}
