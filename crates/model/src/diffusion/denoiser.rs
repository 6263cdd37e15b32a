//! The denoiser: blocks that attend to the encoded context, every norm of which is modulated by the step of diffusion (AdaLN, Peebles and
//! Xie 2023), and which start as the identity.
//!
//! A block is self-attention, cross-attention and feed-forward. Each position denoises one vector, so that self-attention sees the position
//! alone: it is its value and output maps. Cross-attention sees nothing (a vector of zeros) and then the context up to the position.

use std::sync::Arc;

use bantam_formats::{MODULATIONS, STEP_FEATURES, VectorConfig};
use bantam_kernels::training::attention::RotaryTable;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::schedule::STEPS;
use crate::block::Norm;
use crate::context::{Precision, SequenceContext};
use crate::linear::Linear;
use crate::ops::{self, AttentionSpec, Segment};

/// One block.
#[derive(Module, Debug)]
struct DenoiserBlock {
    modulation: Linear,
    value_proj: Linear,
    own_proj: Linear,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

/// The second tower.
#[derive(Module, Debug)]
pub struct Denoiser {
    context_norm: Norm,
    input: Linear,
    first: Linear,
    second: Linear,
    blocks: Vec<DenoiserBlock>,
    #[module(skip)]
    spec: AttentionSpec,
    #[module(skip)]
    epsilon: f32,
}

/// What is denoised: every row of a batch at a step of its own.
#[derive(Clone, Debug)]
pub struct Denoising<'a> {
    /// `[rows, size]`, noisy vectors as the scaler normalizes them.
    pub noisy: Tensor<2>,
    /// The step of each row, below [`STEPS`].
    pub steps: &'a [usize],
    /// 1 for each row that sees the context, 0 for one that does not; `[rows, 1]`. `None`: all see it.
    pub sees: Option<Tensor<2>>,
}

impl Denoiser {
    /// Maps of zeros.
    pub fn new(config: &VectorConfig, device: &Device) -> Self {
        let (width, inner) = (config.blocks.hidden_size, config.blocks.intermediate_size);
        let map = |inputs: usize, outputs: usize| Linear::zeros(inputs, outputs, false, device);
        let block = |_| DenoiserBlock {
            modulation: Linear::zeros(width, MODULATIONS * width, true, device),
            value_proj: map(width, width),
            own_proj: map(width, width),
            q_proj: map(width, width),
            k_proj: map(width, width),
            v_proj: map(width, width),
            o_proj: map(width, width),
            gate_proj: map(width, inner),
            up_proj: map(width, inner),
            down_proj: map(inner, width),
        };
        let heads = config.blocks.num_attention_heads;
        let head_dim = width / heads;
        // Where a vector of the context stands, the contextualizer has told already: no angle turns.
        let positions = config.blocks.max_position_embeddings + 1;
        let rotary = Arc::new(RotaryTable::new(&vec![0.0; head_dim / 2], positions));
        Self {
            context_norm: Norm::rms(width, config.blocks.rms_norm_eps, device),
            input: Linear::zeros(config.vector_size, width, true, device),
            first: Linear::zeros(STEP_FEATURES, width, true, device),
            second: Linear::zeros(width, width, true, device),
            blocks: (0..config.denoiser_layers).map(block).collect(),
            spec: AttentionSpec { heads, kv_heads: heads, head_dim, rotary, precision: Precision::F32 },
            epsilon: config.blocks.rms_norm_eps as f32,
        }
    }

    /// What the last block makes of noisy vectors, `[rows, width]`, from what the contextualizer made of the vectors up to each row:
    /// `hidden`, which of each item begins with `before` rows that came in earlier chunks.
    pub fn forward(
        &self,
        denoising: &Denoising<'_>,
        hidden: Tensor<2>,
        before: usize,
        context: &SequenceContext,
    ) -> Tensor<2> {
        let precision = context.precision();
        let device = hidden.device();
        let told = activation::silu(self.told(denoising.steps, &device, precision));
        let (keys, segments) = behind_nothing(self.context_norm.forward(hidden), before, context);
        let mut x = self.input.forward(denoising.noisy.clone(), precision);
        for block in &self.blocks {
            x = self.block(block, x, told.clone(), keys.clone(), &segments, denoising, precision);
        }
        x
    }

    #[allow(clippy::too_many_arguments)]
    fn block(
        &self,
        block: &DenoiserBlock,
        x: Tensor<2>,
        told: Tensor<2>,
        keys: Tensor<2>,
        segments: &[Segment],
        denoising: &Denoising<'_>,
        precision: Precision,
    ) -> Tensor<2> {
        let width = x.dims()[1];
        let modulations = block.modulation.forward(told, precision);
        let part = |i: usize| modulations.clone().narrow(1, i * width, width);
        let ones = Tensor::<1>::ones([width], &x.device());
        let modulated = |x: Tensor<2>, at: usize| {
            ops::rms_norm(x, ones.clone(), self.epsilon) * (part(3 * at + 1) + 1.0) + part(3 * at)
        };
        let own = block.value_proj.forward(modulated(x.clone(), 0), precision);
        let x = x + part(2) * block.own_proj.forward(own, precision);

        let queries = block.q_proj.forward(modulated(x.clone(), 1), precision);
        let (k, v) = (block.k_proj.forward(keys.clone(), precision), block.v_proj.forward(keys, precision));
        let seen = ops::composed_attention(queries, k, v, segments, &self.spec);
        // To see nothing but the vector of zeros is to get its value: zeros.
        let seen = match &denoising.sees {
            Some(sees) => seen * sees.clone(),
            None => seen,
        };
        let x = x + part(5) * block.o_proj.forward(seen, precision);

        let normed = modulated(x.clone(), 2);
        let gate = block.gate_proj.forward(normed.clone(), precision);
        let hidden = ops::swiglu(gate, block.up_proj.forward(normed, precision));
        x + part(8) * block.down_proj.forward(hidden, precision)
    }

    /// Each row's step as the blocks are told it, `[rows, width]`.
    fn told(&self, steps: &[usize], device: &Device, precision: Precision) -> Tensor<2> {
        let half = STEP_FEATURES / 2;
        let of = |&step: &usize| {
            assert!(step < STEPS, "a step of diffusion");
            let angle = move |i: usize| step as f64 * (-(10_000f64.ln()) * i as f64 / half as f64).exp();
            (0..half).map(move |i| angle(i).cos() as f32).chain((0..half).map(move |i| angle(i).sin() as f32))
        };
        let values: Vec<f32> = steps.iter().flat_map(of).collect();
        let values = Tensor::from_data(TensorData::new(values, [steps.len(), STEP_FEATURES]), device);
        self.second.forward(activation::silu(self.first.forward(values, precision)), precision)
    }
}

/// The rows of each item behind a row of zeros of its own, and which of them each row sees: the zeros and the item up to itself.
fn behind_nothing(hidden: Tensor<2>, before: usize, context: &SequenceContext) -> (Tensor<2>, Vec<Segment>) {
    let width = hidden.dims()[1];
    let zeros = Tensor::<2>::zeros([1, width], &hidden.device());
    let (mut parts, mut segments, mut start) = (Vec::new(), Vec::new(), 0);
    for (item, span) in context.spans().iter().enumerate() {
        // With something before, rows of the batch are one item each.
        let len = before + span.len;
        parts.extend([zeros.clone(), hidden.clone().narrow(0, span.start + item * before, len)]);
        let key_len = len + 1;
        segments.push(Segment { query_start: span.start, query_len: span.len, key_start: start, key_len });
        start += key_len;
    }
    (Tensor::cat(parts, 0), segments)
}
