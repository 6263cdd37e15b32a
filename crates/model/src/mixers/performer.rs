//! Causal FAVOR+: Choromanski et al. 2021, "Rethinking Attention with Performers", with positive random features. See
//! `docs/mixers.md`.

use bantam_kernels::training::sequence::Favor;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::parameters::{constant, matrix, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Softmax attention by random features, in linear time.
#[derive(Module, Debug)]
pub struct Performer {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    features: Param<Tensor<2>>,
    #[module(skip)]
    heads: usize,
}

impl Performer {
    /// Zeros.
    pub fn new(width: usize, heads: usize, features: usize, device: &Device) -> Self {
        let map = || Linear::zeros(width, width, false, device);
        Self {
            q_proj: map(),
            k_proj: map(),
            v_proj: map(),
            o_proj: map(),
            features: zeros([features, width / heads], device),
            heads,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 4] {
        [
            ("q_proj", &mut self.q_proj),
            ("k_proj", &mut self.k_proj),
            ("v_proj", &mut self.v_proj),
            ("o_proj", &mut self.o_proj),
        ]
    }
}

impl Mixer for Performer {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let [features, head] = self.features.dims();
        let mut pass = Pass::new(context, state);
        let qkv = Linear::forward_joined(
            x.reshape([batch * time, width]),
            &[&self.q_proj, &self.k_proj, &self.v_proj],
            context.precision(),
        );
        let attention = Favor { heads: self.heads, width: head, features };
        let o = pass.run(attention, vec![qkv, self.features.val().detach()]);
        let y = self.o_proj.forward(o, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let ([count, head], width) = (self.features.dims(), self.q_proj.shape()[0]);
        (time * (4 * width * width + self.heads * count * (4 * head + 2))) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups: Vec<ParameterGroup> =
            ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"].map(matrix).into();
        groups.push(constant("features", Initialization::OrthogonalRows));
        groups
    }
}
