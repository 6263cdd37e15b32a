//! Retention: Sun et al. 2023, "Retentive Network: A Successor to Transformer". See `docs/mixers.md`.

use bantam_kernels::training::sequence::Retention;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::parameters::matrix;
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Epsilon of the norm over each head.
const NORM_EPSILON: f32 = 1e-6;

/// Attention that decays by a fixed factor for each head, with a gate.
#[derive(Module, Debug)]
pub struct Retnet {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    g_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Retnet {
    /// Zeros.
    pub fn new(width: usize, heads: usize, value: usize, device: &Device) -> Self {
        let map = |inputs, outputs| Linear::zeros(inputs, outputs, false, device);
        Self {
            q_proj: map(width, width),
            k_proj: map(width, width),
            v_proj: map(width, value),
            g_proj: map(width, value),
            out_proj: map(value, width),
            heads,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 5] {
        [
            ("q_proj", &mut self.q_proj),
            ("k_proj", &mut self.k_proj),
            ("v_proj", &mut self.v_proj),
            ("g_proj", &mut self.g_proj),
            ("out_proj", &mut self.out_proj),
        ]
    }
}

impl Mixer for Retnet {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (heads, precision) = (self.heads, context.precision());
        let mut pass = Pass::new(context, state);
        let x = x.reshape([batch * time, width]);
        let qk = Linear::forward_joined(x.clone(), &[&self.q_proj, &self.k_proj], precision);
        let vg = Linear::forward_joined(x, &[&self.v_proj, &self.g_proj], precision);
        let value = vg.dims()[1] / 2 / heads;
        let retention = Retention { heads, key: width / heads, value, epsilon: NORM_EPSILON };
        let y = self.out_proj.forward(pass.run(retention, vec![qk, vg]), precision);
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let weights = |l: &Linear| l.shape().iter().product::<usize>();
        let maps = [&self.q_proj, &self.k_proj, &self.v_proj, &self.g_proj, &self.out_proj];
        let [value, width] = self.v_proj.shape();
        (time * (maps.map(weights).iter().sum::<usize>() + 2 * width * value / self.heads)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        ["q_proj.weight", "k_proj.weight", "v_proj.weight", "g_proj.weight", "out_proj.weight"].map(matrix).into()
    }
}
