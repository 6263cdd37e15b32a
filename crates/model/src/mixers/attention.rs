//! Causal softmax attention with grouped queries and rotary positions: Llama's, and Qwen2's with biases.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::RotaryTable;
use bantam_kernels::training::panels::Precision;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::parameters::{fixed_rate, matrix};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops::{self, AttentionSpec, Segment};

/// Projections around [`ops::causal_attention`].
#[derive(Module, Debug)]
pub struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    #[module(skip)]
    spec: AttentionSpec,
}

/// Keys (not yet rotated) and values of all earlier positions, `[batch * past, kv_heads * head_dim]`: views of what the
/// pass computed, so that a state nobody continues costs nothing.
#[derive(Clone, Debug)]
pub struct AttentionState {
    keys: Tensor<2>,
    values: Tensor<2>,
}

impl Attention {
    /// Projections of zeros. `rotary` is shared between layers.
    pub fn new(config: &ModelConfig, rotary: Arc<RotaryTable>, device: &Device) -> Self {
        let (width, bias) = (config.hidden_size, config.attention_bias);
        Self {
            q_proj: Linear::zeros(width, config.query_width(), bias, device),
            k_proj: Linear::zeros(width, config.key_value_width(), bias, device),
            v_proj: Linear::zeros(width, config.key_value_width(), bias, device),
            o_proj: Linear::zeros(config.query_width(), width, config.output_projection_bias(), device),
            spec: spec(config, rotary),
        }
    }

    /// The projections by their path within the mixer.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 4] {
        [
            ("q_proj", &mut self.q_proj),
            ("k_proj", &mut self.k_proj),
            ("v_proj", &mut self.v_proj),
            ("o_proj", &mut self.o_proj),
        ]
    }

    fn linears(&self) -> [(&'static str, &Linear); 4] {
        [("q_proj", &self.q_proj), ("k_proj", &self.k_proj), ("v_proj", &self.v_proj), ("o_proj", &self.o_proj)]
    }
}

/// The model's heads and angles. Each pass has its own precision.
pub(super) fn spec(config: &ModelConfig, rotary: Arc<RotaryTable>) -> AttentionSpec {
    AttentionSpec {
        heads: config.num_attention_heads,
        kv_heads: config.num_key_value_heads,
        head_dim: config.head_dim,
        rotary,
        precision: Precision::F32,
    }
}

/// Attention of each row's new queries to all of its keys and values, the last query aligned with the last key.
fn continued(queries: Tensor<2>, keys: Tensor<2>, values: Tensor<2>, batch: usize, spec: &AttentionSpec) -> Tensor<2> {
    let (time, all) = (queries.dims()[0] / batch, keys.dims()[0] / batch);
    let segment = |b: usize| Segment { query_start: b * time, query_len: time, key_start: b * all, key_len: all };
    let segments: Vec<Segment> = (0..batch).map(segment).collect();
    ops::composed_attention(queries, keys, values, &segments, spec)
}

/// What queries, keys and values side by side (`[rows, (heads + 2 kv_heads) * head_dim]`) give, and the state after them.
pub(super) fn attend(
    qkv: Tensor<2>,
    context: &SequenceContext,
    state: Option<MixerState>,
    spec: &AttentionSpec,
) -> (Tensor<2>, Option<MixerState>) {
    let (batch, time) = (context.batch(), context.time());
    let (q_width, kv_width) = (spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim);
    let part = |first: usize| qkv.clone().narrow(1, first, kv_width);
    let carried = context.is_whole_rows().then(|| (part(q_width), part(q_width + kv_width)));
    let (mixed, state) = match (state, carried) {
        (Some(MixerState::Attention(past)), Some((keys, values))) => {
            let join = |past: Tensor<2>, new: Tensor<2>| -> Tensor<2> {
                let before = past.dims()[0] / batch;
                let rows = |x: Tensor<2>, n: usize| -> Tensor<3> { x.reshape([batch, n, kv_width]) };
                let all = Tensor::cat(vec![rows(past, before), rows(new, time)], 1);
                all.reshape([batch * (before + time), kv_width])
            };
            let (keys, values) = (join(past.keys, keys), join(past.values, values));
            let queries = qkv.clone().narrow(1, 0, q_width);
            let mixed = continued(queries, keys.clone(), values.clone(), batch, spec);
            (mixed, Some(AttentionState { keys, values }))
        }
        (Some(MixerState::Attention(_)), None) => panic!("a carried state needs one item a row"),
        (Some(_), _) => panic!("the state of another mixer"),
        (None, carried) => {
            let state = carried.map(|(keys, values)| AttentionState { keys, values });
            let spec = AttentionSpec { precision: context.precision(), ..spec.clone() };
            (ops::causal_attention(qkv, context.shared_spans(), spec), state)
        }
    };
    (mixed, state.map(MixerState::Attention))
}

/// Multiply-adds of attention with these projections over `time` positions.
pub(super) fn attention_cost(projections: &[(&str, &Linear)], spec: &AttentionSpec, time: usize) -> u64 {
    let weights: usize = projections.iter().map(|(_, linear)| linear.shape().iter().product::<usize>()).sum();
    let pairs = (time as u64) * (time as u64 + 1) / 2;
    time as u64 * weights as u64 + 2 * pairs * (spec.heads * spec.head_dim) as u64
}

/// Rules for projections: matrices decay, biases start at zero and do not.
pub(super) fn projection_groups(projections: &[(&str, &Linear)]) -> Vec<ParameterGroup> {
    let of = |(name, linear): &(&str, &Linear)| {
        let bias = fixed_rate(&format!("{name}.bias"), Initialization::Constant(0.0));
        let weight = matrix(&format!("{name}.weight"));
        [Some(weight), linear.bias.is_some().then_some(bias)]
    };
    projections.iter().flat_map(of).flatten().collect()
}

impl Mixer for Attention {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let precision = context.precision();
        let flat = x.reshape([batch * time, width]);
        let qkv = Linear::forward_joined(flat, &[&self.q_proj, &self.k_proj, &self.v_proj], precision);
        let (mixed, state) = attend(qkv, context, state, &self.spec);
        (self.o_proj.forward(mixed, precision).reshape([batch, time, width]), state)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Growing, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        attention_cost(&self.linears(), &self.spec, time)
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        projection_groups(&self.linears())
    }
}
