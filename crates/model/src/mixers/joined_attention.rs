//! Attention whose queries, keys and values are one matrix, which does not rotate: GPT-2's.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::RotaryTable;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::attention::{attend, attention_cost, projection_groups, spec};
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops::AttentionSpec;

/// Two projections around [`crate::ops::causal_attention`].
#[derive(Module, Debug)]
pub struct JoinedAttention {
    qkv_proj: Linear,
    o_proj: Linear,
    #[module(skip)]
    spec: AttentionSpec,
}

impl JoinedAttention {
    /// Projections of zeros. `still` holds angles of zero.
    pub fn new(config: &ModelConfig, still: Arc<RotaryTable>, device: &Device) -> Self {
        let (width, mixed) = (config.hidden_size, config.query_width());
        Self {
            qkv_proj: Linear::zeros(width, mixed + 2 * config.key_value_width(), config.attention_bias, device),
            o_proj: Linear::zeros(mixed, width, config.output_projection_bias(), device),
            spec: spec(config, still),
        }
    }

    /// The projections by their path within the mixer.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 2] {
        [("qkv_proj", &mut self.qkv_proj), ("o_proj", &mut self.o_proj)]
    }

    fn linears(&self) -> [(&'static str, &Linear); 2] {
        [("qkv_proj", &self.qkv_proj), ("o_proj", &self.o_proj)]
    }
}

impl Mixer for JoinedAttention {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let precision = context.precision();
        let qkv = self.qkv_proj.forward(x.reshape([batch * time, width]), precision);
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
