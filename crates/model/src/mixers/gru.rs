//! Stacked GRU: Cho et al. 2014, in torch's form. See `docs/mixers.md`.

use bantam_kernels::training::sequence;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, matrix, with};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops::{self, Map};

/// Layers of GRU and a projection of the last one's hidden vector.
#[derive(Module, Debug)]
pub struct Gru {
    layers: Vec<GruLayer>,
    out_proj: Linear,
    #[module(skip)]
    hidden: usize,
}

/// One layer.
#[derive(Module, Debug)]
pub struct GruLayer {
    weight_ih: Param<Tensor<2>>,
    weight_hh: Param<Tensor<2>>,
    bias_ih: Param<Tensor<1>>,
    bias_hh: Param<Tensor<1>>,
}

impl GruLayer {
    fn new(width: usize, hidden: usize, device: &Device) -> Self {
        let matrix = |columns: usize| Param::from_tensor(Tensor::zeros([3 * hidden, columns], device));
        let bias = || Param::from_tensor(Tensor::zeros([3 * hidden], device));
        Self { weight_ih: matrix(width), weight_hh: matrix(hidden), bias_ih: bias(), bias_hh: bias() }
    }
}

impl Gru {
    /// Zeros.
    pub fn new(width: usize, hidden: usize, layers: usize, device: &Device) -> Self {
        let layer = |at: usize| GruLayer::new(if at == 0 { width } else { hidden }, hidden, device);
        Self { layers: (0..layers).map(layer).collect(), out_proj: Linear::zeros(hidden, width, false, device), hidden }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 1] {
        [("out_proj", &mut self.out_proj)]
    }
}

impl Mixer for Gru {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let mut pass = Pass::new(context, state);
        let mut h = x.reshape([batch * time, width]);
        for layer in &self.layers {
            let map = Map { weight: layer.weight_ih.val(), bias: Some(layer.bias_ih.val()) };
            let a = ops::linear(h, &[map], None, context.precision());
            let inputs = vec![a, layer.weight_hh.val(), row(layer.bias_hh.val())];
            h = pass.run(sequence::Gru { hidden: self.hidden }, inputs);
        }
        let y = self.out_proj.forward(h, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let [width, hidden] = self.out_proj.shape();
        let layer = |at: usize| 3 * hidden * (hidden + if at == 0 { width } else { hidden });
        (time * ((0..self.layers.len()).map(layer).sum::<usize>() + width * hidden)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        // Uniform within one over the root of the hidden width, as torch begins.
        let bound = 1.0 / (self.hidden as f64).sqrt();
        let start = Initialization::Uniform(-bound, bound);
        let mut groups = vec![matrix("out_proj.weight")];
        for layer in 0..self.layers.len() {
            let path = |name: &str| format!("layers.{layer}.{name}");
            groups.extend(["weight_ih", "weight_hh"].map(|name| with(&path(name), true, start.clone())));
            groups.extend(["bias_ih", "bias_hh"].map(|name| fixed_rate(&path(name), start.clone())));
        }
        groups
    }
}
