//! Mamba-2: Dao and Gu 2024, "Transformers are SSMs", with the tensors of `transformers`. See `docs/mixers.md`.

use bantam_kernels::training::sequence::LinearAttention;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};

use super::carried::{Pass, row};
use super::depthwise::DepthwiseConvolution;
use super::parameters::{fixed_rate, matrix, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops;

/// Sizes, as in `MixerConfig::Mamba2`.
#[derive(Clone, Copy, Debug)]
pub struct Mamba2Sizes {
    /// Inner width.
    pub inner: usize,
    /// Width of a head.
    pub head: usize,
    /// Groups of heads that share B and C.
    pub groups: usize,
    /// States for each inner value.
    pub states: usize,
    /// Positions that the convolution reaches.
    pub kernel: usize,
}

impl Mamba2Sizes {
    fn heads(&self) -> usize {
        self.inner / self.head
    }

    fn convolved(&self) -> usize {
        self.inner + 2 * self.groups * self.states
    }
}

/// The state-space duality mixer.
#[derive(Module, Debug)]
pub struct Mamba2 {
    in_proj: Linear,
    conv1d: DepthwiseConvolution,
    dt_bias: Param<Tensor<1>>,
    a_log: Param<Tensor<1>>,
    d: Param<Tensor<1>>,
    norm: Gain,
    out_proj: Linear,
    #[module(skip)]
    sizes: Mamba2Sizes,
    #[module(skip)]
    epsilon: f32,
}

/// The gain of a norm.
#[derive(Module, Debug)]
pub struct Gain {
    weight: Param<Tensor<1>>,
}

impl Mamba2 {
    /// Zeros.
    pub fn new(width: usize, sizes: Mamba2Sizes, epsilon: f64, device: &Device) -> Self {
        let vector = |n: usize| zeros([n], device);
        Self {
            in_proj: Linear::zeros(width, sizes.inner + sizes.convolved() + sizes.heads(), false, device),
            conv1d: DepthwiseConvolution::new(sizes.convolved(), sizes.kernel, true, device),
            dt_bias: vector(sizes.heads()),
            a_log: vector(sizes.heads()),
            d: vector(sizes.heads()),
            norm: Gain { weight: vector(sizes.inner) },
            out_proj: Linear::zeros(sizes.inner, width, false, device),
            sizes,
            epsilon: epsilon as f32,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 2] {
        [("in_proj", &mut self.in_proj), ("out_proj", &mut self.out_proj)]
    }
}

/// Root-mean-square norm of each of `groups` parts of the rows, without a gain.
fn grouped_rms_norm(x: Tensor<2>, groups: usize, epsilon: f32) -> Tensor<2> {
    let [rows, width] = x.dims();
    let ones = Tensor::ones([width / groups], &x.device());
    ops::rms_norm(x.reshape([rows * groups, width / groups]), ones, epsilon).reshape([rows, width])
}

impl Mixer for Mamba2 {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (rows, s) = (batch * time, &self.sizes);
        let (heads, keys) = (s.heads(), s.groups * s.states);
        let mut pass = Pass::new(context, state);
        let projected = self.in_proj.forward(x.reshape([rows, width]), context.precision());
        let z = projected.clone().narrow(1, 0, s.inner);
        let convolved = self.conv1d.forward(projected.clone().narrow(1, s.inner, s.convolved()), true, &mut pass);
        let dt = projected.narrow(1, s.inner + s.convolved(), heads) + row(self.dt_bias.val());
        let dt = activation::softplus(dt, 1.0);
        let (x, b, c) = (
            convolved.clone().narrow(1, 0, s.inner).reshape([rows, heads, s.head]),
            convolved.clone().narrow(1, s.inner, keys),
            convolved.narrow(1, s.inner + keys, keys),
        );
        let log_decay = -(row(self.a_log.val()).exp() * dt.clone());
        let scaled = (x.clone() * dt.unsqueeze_dim(2)).reshape([rows, s.inner]);
        let memory = LinearAttention { heads, groups: s.groups, key: s.states, value: s.head };
        let y = pass.run(memory, vec![c, b, scaled, log_decay]);
        let skip: Tensor<3> = x * self.d.val().reshape([1, heads, 1]);
        let y = ops::swiglu(z, y + skip.reshape([rows, s.inner]));
        let y = grouped_rms_norm(y, s.groups, self.epsilon) * row(self.norm.weight.val());
        let y = self.out_proj.forward(y, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let s = &self.sizes;
        let weights: usize = [&self.in_proj, &self.out_proj].map(|l| l.shape().iter().product::<usize>()).iter().sum();
        (time * (weights + s.convolved() * s.kernel + 2 * s.inner * s.states)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups = vec![
            matrix("in_proj.weight"),
            matrix("out_proj.weight"),
            // Steps between 0.001 and 0.1, decays of 1 to 16 a unit of time, as the authors begin.
            fixed_rate("dt_bias", Initialization::InverseSoftplusOfLogUniform(1e-3, 1e-1)),
            fixed_rate("a_log", Initialization::LogOfUniform(1.0, 16.0)),
            fixed_rate("d", Initialization::Constant(1.0)),
            fixed_rate("norm.weight", Initialization::Constant(1.0)),
        ];
        groups.extend(self.conv1d.groups("conv1d"));
        groups
    }
}
