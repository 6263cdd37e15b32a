//! Linformer: Wang et al. 2020, "Linformer: Self-Attention with Linear Complexity": an encoder of whole contexts. See `docs/mixers.md`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::parameters::{matrix, with, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops;

/// Attention to positions that are mixed into a few.
#[derive(Module, Debug)]
pub struct Linformer {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    e_proj: Param<Tensor<2>>,
    f_proj: Param<Tensor<2>>,
    #[module(skip)]
    heads: usize,
}

impl Linformer {
    /// Zeros.
    pub fn new(width: usize, heads: usize, length: usize, projected: usize, device: &Device) -> Self {
        let map = || Linear::zeros(width, width, false, device);
        let mixing = || zeros([projected, length], device);
        Self { q_proj: map(), k_proj: map(), v_proj: map(), o_proj: map(), e_proj: mixing(), f_proj: mixing(), heads }
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

impl Mixer for Linformer {
    /// # Panics
    /// If the rows are not whole items of the one length, or a state is given.
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let [_, length] = self.e_proj.dims();
        assert!(state.is_none() && context.is_whole_rows() && time == length, "rows are whole items of {length}");
        let maps = [&self.q_proj, &self.k_proj, &self.v_proj];
        let qkv = Linear::forward_joined(x.reshape([batch * time, width]), &maps, context.precision());
        let o = ops::projected_attention(qkv, self.e_proj.val(), self.f_proj.val(), self.heads);
        (self.o_proj.forward(o, context.precision()).reshape([batch, time, width]), None)
    }

    fn capabilities(&self) -> Capabilities {
        let [_, length] = self.e_proj.dims();
        Capabilities { causal: false, stepping: Stepping::None, fixed_length: Some(length) }
    }

    fn cost(&self, time: usize) -> u64 {
        let ([projected, _], width) = (self.e_proj.dims(), self.q_proj.shape()[0]);
        (time * (4 * width * width + 4 * width * projected)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let [projected, _] = self.e_proj.dims();
        let mut groups: Vec<ParameterGroup> =
            ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"].map(matrix).into();
        let start = Initialization::Normal((projected as f64).powf(-0.5));
        groups.extend(["e_proj", "f_proj"].map(|name| with(name, true, start.clone())));
        groups
    }
}
