//! Stacked GRU: Cho et al. 2014, in torch's form. See `docs/mixers.md`.

use bantam_kernels::training::sequence;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::parameters::matrix;
use super::recurrent::RecurrentLayer;
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Layers of GRU and a projection of the last one's hidden vector.
#[derive(Module, Debug)]
pub struct Gru {
    layers: Vec<RecurrentLayer>,
    out_proj: Linear,
    #[module(skip)]
    hidden: usize,
}

impl Gru {
    /// Zeros.
    pub fn new(width: usize, hidden: usize, layers: usize, device: &Device) -> Self {
        let layer = |at: usize| RecurrentLayer::new(3, if at == 0 { width } else { hidden }, hidden, device);
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
            h = layer.forward(h, sequence::Gru { hidden: self.hidden }, context.precision(), &mut pass);
        }
        let y = self.out_proj.forward(h, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let layers: usize = self.layers.iter().map(RecurrentLayer::cost).sum();
        (time * (layers + self.out_proj.shape().iter().product::<usize>())) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups = vec![matrix("out_proj.weight")];
        for (at, layer) in self.layers.iter().enumerate() {
            groups.extend(layer.groups(&format!("layers.{at}")));
        }
        groups
    }
}
