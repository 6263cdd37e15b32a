//! Causal softmax attention with grouped queries and rotary positions: Llama's, and Qwen2's with biases.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::RotaryTable;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

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
    heads: usize,
    #[module(skip)]
    kv_heads: usize,
    #[module(skip)]
    head_dim: usize,
    #[module(skip)]
    rotary: Arc<RotaryTable>,
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
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            rotary,
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
}

/// Attention of each row's new queries to all of its keys and values, the last query aligned with the last key.
fn continued(queries: Tensor<2>, keys: Tensor<2>, values: Tensor<2>, batch: usize, spec: &AttentionSpec) -> Tensor<2> {
    let (time, all) = (queries.dims()[0] / batch, keys.dims()[0] / batch);
    let segment = |b: usize| Segment { query_start: b * time, query_len: time, key_start: b * all, key_len: all };
    let segments: Vec<Segment> = (0..batch).map(segment).collect();
    ops::composed_attention(queries, keys, values, &segments, spec)
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
        let (q_width, kv_width) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let precision = context.precision();
        let flat = x.reshape([batch * time, width]);
        let qkv = Linear::forward_joined(flat, &[&self.q_proj, &self.k_proj, &self.v_proj], precision);
        let part = |first: usize| qkv.clone().narrow(1, first, kv_width);
        let carried = context.is_whole_rows().then(|| (part(q_width), part(q_width + kv_width)));
        let spec = AttentionSpec {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            rotary: self.rotary.clone(),
        };
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
                let mixed = continued(queries, keys.clone(), values.clone(), batch, &spec);
                (mixed, Some(AttentionState { keys, values }))
            }
            (Some(MixerState::Attention(_)), None) => panic!("a carried state needs one item a row"),
            (Some(_), _) => panic!("the state of another mixer"),
            (None, carried) => {
                let state = carried.map(|(keys, values)| AttentionState { keys, values });
                (ops::causal_attention(qkv, context.shared_spans(), spec), state)
            }
        };
        let y = self.o_proj.forward(mixed, precision).reshape([batch, time, width]);
        (y, state.map(MixerState::Attention))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Growing, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let weights = |l: &Linear| l.shape().iter().product::<usize>() as u64;
        let projections = weights(&self.q_proj) + weights(&self.k_proj) + weights(&self.v_proj) + weights(&self.o_proj);
        let pairs = (time as u64) * (time as u64 + 1) / 2;
        time as u64 * projections + 2 * pairs * (self.heads * self.head_dim) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let matrices = ["q_proj", "k_proj", "v_proj", "o_proj"];
        let linears = [&self.q_proj, &self.k_proj, &self.v_proj, &self.o_proj];
        let mut groups = Vec::new();
        for (name, linear) in matrices.iter().zip(linears) {
            groups.push(ParameterGroup {
                path: format!("{name}.weight"),
                learning_rate_scale: 1.0,
                decays: true,
                initialization: Initialization::Normal(0.02),
            });
            if linear.bias.is_some() {
                groups.push(ParameterGroup {
                    path: format!("{name}.bias"),
                    learning_rate_scale: 1.0,
                    decays: false,
                    initialization: Initialization::Constant(0.0),
                });
            }
        }
        groups
    }
}
