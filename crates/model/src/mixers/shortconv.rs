//! A gated short convolution, as in Liquid AI's LFM2, with the tensors of `transformers`. See `docs/mixers.md`.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::depthwise::DepthwiseConvolution;
use super::parameters::matrix;
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Neighbours mixed between two gates.
#[derive(Module, Debug)]
pub struct Shortconv {
    in_proj: Linear,
    conv: DepthwiseConvolution,
    out_proj: Linear,
}

impl Shortconv {
    /// Zeros.
    pub fn new(width: usize, kernel: usize, device: &Device) -> Self {
        Self {
            in_proj: Linear::zeros(width, 3 * width, false, device),
            conv: DepthwiseConvolution::new(width, kernel, false, device),
            out_proj: Linear::zeros(width, width, false, device),
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 2] {
        [("in_proj", &mut self.in_proj), ("out_proj", &mut self.out_proj)]
    }
}

impl Mixer for Shortconv {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let mut pass = Pass::new(context, state);
        let projected = self.in_proj.forward(x.reshape([batch * time, width]), context.precision());
        let part = |at: usize| projected.clone().narrow(1, at * width, width);
        let convolved = self.conv.forward(part(0) * part(2), false, &mut pass);
        let y = self.out_proj.forward(part(1) * convolved, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let weights: usize = [&self.in_proj, &self.out_proj].map(|l| l.shape().iter().product::<usize>()).iter().sum();
        (time * (weights + self.conv.cost())) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups = vec![matrix("in_proj.weight"), matrix("out_proj.weight")];
        groups.extend(self.conv.groups("conv"));
        groups
    }
}
