//! LSTM: Hochreiter and Schmidhuber 1997, in torch's form. See `docs/mixers.md`.

use bantam_kernels::training::sequence;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, matrix, with};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops::{self, Map};

/// One layer of LSTM and a projection of its hidden vector.
#[derive(Module, Debug)]
pub struct Lstm {
    weight_ih: Param<Tensor<2>>,
    weight_hh: Param<Tensor<2>>,
    bias_ih: Param<Tensor<1>>,
    bias_hh: Param<Tensor<1>>,
    out_proj: Linear,
    #[module(skip)]
    hidden: usize,
}

impl Lstm {
    /// Zeros.
    pub fn new(width: usize, hidden: usize, device: &Device) -> Self {
        let matrix = |columns: usize| Param::from_tensor(Tensor::zeros([4 * hidden, columns], device));
        let bias = || Param::from_tensor(Tensor::zeros([4 * hidden], device));
        Self {
            weight_ih: matrix(width),
            weight_hh: matrix(hidden),
            bias_ih: bias(),
            bias_hh: bias(),
            out_proj: Linear::zeros(hidden, width, false, device),
            hidden,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 1] {
        [("out_proj", &mut self.out_proj)]
    }
}

impl Mixer for Lstm {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let mut pass = Pass::new(context, state);
        let map = Map { weight: self.weight_ih.val(), bias: Some(self.bias_ih.val()) };
        let a = ops::linear(x.reshape([batch * time, width]), &[map], None, context.precision());
        let inputs = vec![a, self.weight_hh.val(), row(self.bias_hh.val())];
        let h = pass.run(sequence::Lstm { hidden: self.hidden }, inputs);
        let y = self.out_proj.forward(h, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let [width, hidden] = self.out_proj.shape();
        (time * hidden * (4 * width + 4 * hidden + width)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        // Uniform within one over the root of the hidden width, as torch begins.
        let bound = 1.0 / (self.hidden as f64).sqrt();
        let start = Initialization::Uniform(-bound, bound);
        let mut groups = vec![matrix("out_proj.weight")];
        groups.extend(["weight_ih", "weight_hh"].map(|name| with(name, true, start.clone())));
        groups.extend(["bias_ih", "bias_hh"].map(|name| fixed_rate(name, start.clone())));
        groups
    }
}
