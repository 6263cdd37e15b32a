//! Causal softmax attention with grouped queries and rotary positions: Llama's, and Qwen2's with biases.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::{RotaryTable, Segment};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Capabilities, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops::{self, AttentionSpec};

/// Projections around [`ops::packed_attention`].
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

/// Keys (not yet rotated) and values of all earlier positions, `[batch, past, kv_heads * head_dim]`.
#[derive(Clone, Debug)]
pub struct AttentionState {
    keys: Tensor<3>,
    values: Tensor<3>,
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

impl Mixer for Attention {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let kv_width = self.kv_heads * self.head_dim;
        let flat = x.reshape([batch * time, width]);
        let q = self.q_proj.forward(flat.clone());
        let mut keys = self.k_proj.forward(flat.clone()).reshape([batch, time, kv_width]);
        let mut values = self.v_proj.forward(flat).reshape([batch, time, kv_width]);
        let mut past = 0;
        if let Some(MixerState::Attention(state)) = state {
            assert!(context.is_whole_rows(), "a carried state needs one item a row");
            past = state.keys.dims()[1];
            keys = Tensor::cat(vec![state.keys, keys], 1);
            values = Tensor::cat(vec![state.values, values], 1);
        }
        let segments = context.spans().iter().map(|s| Segment {
            query_start: s.start,
            query_len: s.len,
            // With a past, every row is one span: it sees its own past and itself.
            key_start: s.start + past * (s.start / time),
            key_len: past + s.len,
        });
        let spec = AttentionSpec {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            segments: segments.collect(),
            rotary: self.rotary.clone(),
        };
        let rows = batch * (past + time);
        let flat_keys = keys.clone().reshape([rows, kv_width]);
        let flat_values = values.clone().reshape([rows, kv_width]);
        let mixed = ops::packed_attention(q, flat_keys, flat_values, spec);
        let y = self.o_proj.forward(mixed).reshape([batch, time, width]);
        let state = context.is_whole_rows().then_some(MixerState::Attention(AttentionState { keys, values }));
        (y, state)
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
