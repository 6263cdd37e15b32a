//! Ports: how tokens enter a backbone and how it answers with logits. Backbones see only vectors.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::block::Norm;
use crate::context::{Precision, SequenceContext};
use crate::ops::{self, Map};

/// Token embedding, that of positions where they are learned, and the norm of an RWKV's.
#[derive(Module, Debug)]
pub struct TokenInPort {
    /// `[vocabulary, width]`.
    pub embedding: Param<Tensor<2>>,
    /// `[positions, width]`, added.
    positions: Option<Param<Tensor<2>>>,
    /// Of the embedding, in RWKV.
    embedding_norm: Option<Norm>,
}

impl TokenInPort {
    /// An embedding of zeros.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let table = |rows: usize| Param::from_tensor(Tensor::zeros([rows, config.hidden_size], device));
        let learned = config.architecture.learns_positions();
        Self {
            embedding: table(config.vocab_size),
            positions: learned.then(|| table(config.max_position_embeddings)),
            embedding_norm: config.architecture.mixes_channels().then(|| Norm::new(config, device)),
        }
    }

    /// `[batch, time]` token ids to `[batch, time, width]`. Every item begins at the first position.
    pub fn forward(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<3> {
        let [batch, time] = tokens.dims();
        let width = self.embedding.dims()[1];
        let mut rows = self.embedding.val().select(0, tokens.reshape([batch * time]));
        if let Some(positions) = &self.positions {
            let of_rows: Vec<i32> = context.positions(0).into_iter().map(|position| position as i32).collect();
            let of_rows = Tensor::<1, Int>::from_data(TensorData::new(of_rows, [batch * time]), &rows.device());
            rows = rows + positions.val().select(0, of_rows);
        }
        if let Some(norm) = &self.embedding_norm {
            rows = norm.forward(rows);
        }
        rows.reshape([batch, time, width])
    }
}

/// Final norm and projection to logits; tied models project with the embedding itself.
#[derive(Module, Debug)]
pub struct TokenOutPort {
    norm: Norm,
    /// `[vocabulary, width]`; absent when tied.
    pub head: Option<Param<Tensor<2>>>,
}

/// What the loss is taken over: `rows[i]` of the flattened batch should predict `targets[i]`. The rows ascend strictly.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Rows of `[batch * time]`.
    pub rows: Arc<[u32]>,
    /// Token ids, one for each row.
    pub tokens: Arc<[u32]>,
}

/// Numbers of rows, to select them by.
pub(crate) fn index(rows: &[u32], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.iter().map(|&r| r as i32).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}

impl TokenOutPort {
    /// A head of zeros, unless tied.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let head = (!config.tie_word_embeddings)
            .then(|| Param::from_tensor(Tensor::zeros([config.vocab_size, config.hidden_size], device)));
        Self { norm: Norm::new(config, device), head }
    }

    fn projection(&self, input: &TokenInPort) -> Tensor<2> {
        self.head.as_ref().unwrap_or(&input.embedding).val()
    }

    /// Logits, `[rows, width] -> [rows, vocabulary]`.
    pub fn logits(&self, x: Tensor<2>, input: &TokenInPort, precision: Precision) -> Tensor<2> {
        let map = Map { weight: self.projection(input), bias: None };
        ops::linear(self.norm.forward(x), &[map], None, precision)
    }

    /// Logits of the targets' rows, `[targets, vocabulary]`.
    pub fn target_logits(
        &self,
        x: Tensor<2>,
        input: &TokenInPort,
        targets: &Targets,
        precision: Precision,
    ) -> Tensor<2> {
        let rows = index(&targets.rows, &x.device());
        self.logits(x.select(0, rows), input, precision)
    }

    /// Mean (label-smoothed) cross-entropy over the targets, a tensor of one value.
    pub fn mean_loss(
        &self,
        x: Tensor<2>,
        input: &TokenInPort,
        targets: &Targets,
        label_smoothing: f32,
        precision: Precision,
    ) -> Tensor<1> {
        ops::linear_cross_entropy(self.norm.forward(x), self.projection(input), targets, label_smoothing, precision)
    }

    /// Summed cross-entropy in nats and the number of targets that are the most likely token; no gradients.
    pub fn summed_loss(
        &self,
        x: Tensor<2>,
        input: &TokenInPort,
        targets: &Targets,
        precision: Precision,
    ) -> (f64, usize) {
        ops::summed_cross_entropy(self.norm.forward(x), self.projection(input), targets, precision)
    }
}
