//! What does the loop need of a model? Ports around a backbone: items of numbers go in, a loss over targets comes out. Token models
//! and vector models are trained by the same loop, in the same order, with the same checks.

use std::fmt::Debug;
use std::sync::Arc;

use bantam_core::Result;
use bantam_formats::{ModelConfig, VectorConfig};
use bantam_model::mixers::ParameterGroup;
use bantam_model::vectors::Vectors;
use bantam_model::{Backbone, SequenceContext, TokenModel, VectorModel, adapters, weights};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::guards::causality::{self, Probed};
use crate::nearest::nearest_of_item;
use crate::objective::{Inputs, Objective};

/// A model that the loop can train.
pub trait Trainable: Module + Sync {
    /// Its shape, and all else that it is made from.
    type Config: Debug + Sync;

    /// A model with random weights, each parameter's from its own stream of `seed`.
    fn random(config: &Self::Config, seed: u64, device: &Device) -> Self;

    /// Rules of every parameter, by name.
    fn parameter_groups(&self, config: &Self::Config) -> Vec<ParameterGroup>;

    /// Numbers that an item may have, at most.
    fn positions(config: &Self::Config) -> usize;

    /// Numbers are below it, where a number is all that there is to predict; else `None`.
    fn vocabulary(config: &Self::Config) -> Option<usize>;

    /// The first block's input, `[batch, time, width]`.
    fn embed(&self, inputs: &Inputs) -> Tensor<3>;

    /// Whether gradients are taken of the in-port.
    fn trains_in_port(&self) -> bool;

    /// The blocks.
    fn backbone(&self) -> &Backbone;

    /// Changes single inputs and demands that earlier outputs are equal to the last bit.
    ///
    /// # Errors
    /// A failed check (exit code 1) if they are not.
    fn probe(&self, config: &Self::Config, seed: u64, device: &Device) -> Result<Probed>;

    /// The loss of a batch summed over its targets, never smoothed, and how many of them are found.
    ///
    /// # Errors
    /// Those of the objective.
    fn measure(&self, objective: &dyn Objective<Self>, inputs: &Inputs) -> Result<Measured>;

    /// What tells a model apart whose weights are given, besides its parameters.
    fn identity(&self) -> String;

    /// What the blocks must know of a batch.
    fn context(&self, inputs: &Inputs) -> SequenceContext {
        inputs.context.clone()
    }

    /// What the last block makes of a batch, `[batch * time, width]`.
    fn hidden(&self, inputs: &Inputs) -> Tensor<2> {
        let x = self.backbone().forward(self.embed(inputs), &self.context(inputs), &mut Vec::new());
        let [batch, time, width] = x.dims();
        x.reshape([batch * time, width])
    }
}

/// What was measured on a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The loss summed over the targets.
    pub loss: f64,
    /// Targets that are found: the likeliest token; of a vector model's, the nearest among those of the same item.
    pub found: usize,
}

impl Trainable for TokenModel {
    type Config = ModelConfig;

    fn random(config: &ModelConfig, seed: u64, device: &Device) -> Self {
        weights::initialize(TokenModel::new(config, device), config, seed)
    }

    fn parameter_groups(&self, config: &ModelConfig) -> Vec<ParameterGroup> {
        weights::parameter_groups(self, config)
    }

    fn positions(config: &ModelConfig) -> usize {
        config.max_position_embeddings
    }

    fn vocabulary(config: &ModelConfig) -> Option<usize> {
        Some(config.vocab_size)
    }

    fn embed(&self, inputs: &Inputs) -> Tensor<3> {
        TokenModel::embed(self, inputs.tokens.clone(), &inputs.context)
    }

    fn trains_in_port(&self) -> bool {
        self.trains_embedding()
    }

    fn backbone(&self) -> &Backbone {
        TokenModel::backbone(self)
    }

    /// A loss of tokens reads the targets' rows alone.
    fn context(&self, inputs: &Inputs) -> SequenceContext {
        inputs.context.wanting(inputs.targets.rows.clone())
    }

    fn probe(&self, config: &ModelConfig, seed: u64, device: &Device) -> Result<Probed> {
        causality::of_tokens(self, config, seed, device)
    }

    /// Cross-entropy in nats, whatever the objective.
    fn measure(&self, _: &dyn Objective<Self>, inputs: &Inputs) -> Result<Measured> {
        let (loss, found) = self.summed_loss(inputs.tokens.clone(), &inputs.context, &inputs.targets);
        Ok(Measured { loss, found })
    }

    fn identity(&self) -> String {
        format!("{:?}", adapters::frozen_hash(self))
    }
}

/// A vector model before it is trained.
#[derive(Clone, Debug)]
pub struct VectorSetup {
    /// Its shape.
    pub config: VectorConfig,
    /// What the items' numbers stand for.
    pub vectors: Arc<Vectors>,
    /// Median and interquartile range of each component, where the ports are a concept model's.
    pub scaler: Option<[Vec<f32>; 2]>,
}

impl Trainable for VectorModel {
    type Config = VectorSetup;

    fn random(setup: &VectorSetup, seed: u64, device: &Device) -> Self {
        let model = VectorModel::new(&setup.config, setup.vectors.clone(), device);
        let groups = model.parameter_groups(setup);
        weights::start(model, groups, seed)
    }

    fn parameter_groups(&self, setup: &VectorSetup) -> Vec<ParameterGroup> {
        weights::vector_parameter_groups(self, &setup.config, setup.scaler.as_ref())
    }

    fn positions(setup: &VectorSetup) -> usize {
        setup.config.blocks.max_position_embeddings
    }

    fn vocabulary(_: &VectorSetup) -> Option<usize> {
        None
    }

    fn embed(&self, inputs: &Inputs) -> Tensor<3> {
        VectorModel::embed(self, inputs.tokens.clone(), &inputs.context)
    }

    fn trains_in_port(&self) -> bool {
        VectorModel::trains_in_port(self)
    }

    fn backbone(&self) -> &Backbone {
        VectorModel::backbone(self)
    }

    fn probe(&self, setup: &VectorSetup, seed: u64, device: &Device) -> Result<Probed> {
        causality::of_vectors(self, &setup.config, seed, device)
    }

    fn measure(&self, objective: &dyn Objective<Self>, inputs: &Inputs) -> Result<Measured> {
        let hidden = Trainable::hidden(self, inputs);
        let loss = objective.loss(self, hidden.clone(), inputs)?.into_data().iter::<f64>().sum::<f64>();
        let Inputs { tokens, context, targets, .. } = inputs;
        let predicted = self.target_predictions_of(hidden, tokens.clone(), context, targets);
        let values: Vec<f32> = predicted.inner().into_data().try_into_vec().expect("predictions are f32");
        let found = nearest_of_item(&values, self.vectors(), context.spans(), targets);
        Ok(Measured { loss: loss * targets.rows.len() as f64, found })
    }

    fn identity(&self) -> String {
        format!("{:?}", self.vectors())
    }
}
