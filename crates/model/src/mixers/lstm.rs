//! LSTM: Hochreiter and Schmidhuber 1997, in torch's form. See `docs/mixers.md`.

use bantam_kernels::training::sequence;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::parameters::matrix;
use super::recurrent::RecurrentLayer;
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// One layer of LSTM and a projection of its hidden vector.
#[derive(Module, Debug)]
pub struct Lstm {
    layer: RecurrentLayer,
    out_proj: Linear,
    #[module(skip)]
    hidden: usize,
}

impl Lstm {
    /// Zeros.
    pub fn new(width: usize, hidden: usize, device: &Device) -> Self {
        let layer = RecurrentLayer::new(4, width, hidden, device);
        Self { layer, out_proj: Linear::zeros(hidden, width, false, device), hidden }
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
        let (cell, x) = (sequence::Lstm { hidden: self.hidden }, x.reshape([batch * time, width]));
        let h = self.layer.forward(x, cell, context.precision(), &mut pass);
        let y = self.out_proj.forward(h, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        (time * (self.layer.cost() + self.out_proj.shape().iter().product::<usize>())) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups = vec![matrix("out_proj.weight")];
        groups.extend(self.layer.groups("layer"));
        groups
    }
}
