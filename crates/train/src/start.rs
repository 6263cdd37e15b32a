//! Where do the weights begin?

use bantam_core::hash;
use bantam_formats::ModelConfig;
use bantam_model::weights::{self, NamedTensor};
use bantam_model::{TokenModel, adapters};
use burn::tensor::Device;

/// The weights before the first step.
#[derive(Clone, Debug)]
pub enum Start {
    /// Random, each parameter by its own rule and from its own stream of the run's seed.
    Random,
    /// A model with its weights in place, on the training's device: fine-tuning. For a Hugging Face folder it is made
    /// by [`weights::load_artifact`] or [`adapters::load_quantized`]; adapters, where there are some, are attached
    /// already.
    Model(Box<TokenModel>),
}

impl Start {
    /// The model to train, and a hash of the weights it starts from (none for random ones, which follow from the seed).
    pub(crate) fn model(&self, config: &ModelConfig, seed: u64, device: &Device) -> (TokenModel, Option<String>) {
        match self {
            Start::Random => (weights::initialize(TokenModel::new(config, device), config, seed), None),
            Start::Model(model) => {
                let identity = format!("{} {:?}", identity(&weights::read(model)), adapters::frozen_hash(model));
                (TokenModel::clone(model), Some(identity))
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
