//! RWKV-4's time mixing: Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer Era", with the tensors of `transformers`. See
//! `docs/mixers.md`.

use bantam_kernels::training::sequence::{TimeShift, Wkv4};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, matrix, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Token shift, weighted average with decay, gate.
#[derive(Module, Debug)]
pub struct Rwkv4 {
    time_decay: Param<Tensor<1>>,
    time_first: Param<Tensor<1>>,
    time_mix_key: Param<Tensor<1>>,
    time_mix_value: Param<Tensor<1>>,
    time_mix_receptance: Param<Tensor<1>>,
    key: Linear,
    value: Linear,
    receptance: Linear,
    output: Linear,
}

impl Rwkv4 {
    /// Zeros.
    pub fn new(width: usize, inner: usize, device: &Device) -> Self {
        let vector = |n: usize| zeros([n], device);
        let inward = || Linear::zeros(width, inner, false, device);
        Self {
            time_decay: vector(inner),
            time_first: vector(inner),
            time_mix_key: vector(width),
            time_mix_value: vector(width),
            time_mix_receptance: vector(width),
            key: inward(),
            value: inward(),
            receptance: inward(),
            output: Linear::zeros(inner, width, false, device),
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 4] {
        [
            ("key", &mut self.key),
            ("value", &mut self.value),
            ("receptance", &mut self.receptance),
            ("output", &mut self.output),
        ]
    }
}

impl Mixer for Rwkv4 {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let mut pass = Pass::new(context, state);
        let x = x.reshape([batch * time, width]);
        let shifted = pass.run(TimeShift { width }, vec![x.clone()]);
        let mixed = |share: &Param<Tensor<1>>| shifted.clone() + (x.clone() - shifted.clone()) * row(share.val());
        let precision = context.precision();
        let k = self.key.forward(mixed(&self.time_mix_key), precision);
        let v = self.value.forward(mixed(&self.time_mix_value), precision);
        let r = activation::sigmoid(self.receptance.forward(mixed(&self.time_mix_receptance), precision));
        let inner = k.dims()[1];
        let inputs = vec![k, v, row(self.time_decay.val()), row(self.time_first.val())];
        let y = self.output.forward(r * pass.run(Wkv4 { width: inner }, inputs), precision);
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let [inner, width] = self.key.shape();
        (time * (4 * inner * width + 8 * inner)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let (inner, width) = (self.key.shape()[0], self.key.shape()[1]);
        // As the authors begin, in the middle of the stack: channels that forget at once to channels that keep everything.
        let place = |i: usize, n: usize| i as f64 / (n.max(2) - 1) as f64;
        let decay = (0..inner).map(|i| -5.0 + 8.0 * place(i, inner).powf(1.35)).collect();
        let first = (0..inner).map(|i| 0.3f64.ln() + 0.5 * ((i + 1) % 3) as f64 - 0.5).collect();
        let share = |power: f64, more: f64| {
            Initialization::Values((0..width).map(|i| place(i, width).powf(power) + more).collect())
        };
        let mut groups = vec![
            fixed_rate("time_decay", Initialization::Values(decay)),
            fixed_rate("time_first", Initialization::Values(first)),
            fixed_rate("time_mix_key", share(0.5, 0.0)),
            fixed_rate("time_mix_value", share(0.5, 0.15)),
            fixed_rate("time_mix_receptance", share(0.25, 0.0)),
        ];
        groups.extend(["key.weight", "value.weight", "receptance.weight", "output.weight"].map(matrix));
        groups
    }
}
