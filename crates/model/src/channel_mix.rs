//! RWKV's channel mixing, the second half of its blocks: RWKV-4's (Peng et al. 2023) and RWKV-7's (Peng et al. 2025). See
//! `docs/mixers.md`.

use bantam_formats::{Architecture, ModelConfig};
use bantam_kernels::training::sequence::TimeShift;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};

use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::mixers::{Initialization, MixerState, ParameterGroup, Pass, fixed_rate, matrix, row, zeros};

/// Token shift, then a feed-forward with squared ReLU, gated in RWKV-4.
#[derive(Module, Debug)]
pub struct ChannelMix {
    shares: Shares,
    key: Linear,
    value: Linear,
}

/// How much of the position before is seen, and what of it gates.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Shares {
    /// RWKV-4.
    Rwkv4(Gate),
    /// RWKV-7.
    Rwkv7(KeyShare),
}

/// RWKV-4's shares of the present position, `[width]`, and the map of its gate.
#[derive(Module, Debug)]
pub struct Gate {
    time_mix_key: Param<Tensor<1>>,
    time_mix_receptance: Param<Tensor<1>>,
    receptance: Linear,
}

/// RWKV-7's share of the position before, `[width]`.
#[derive(Module, Debug)]
pub struct KeyShare {
    x_k: Param<Tensor<1>>,
}

impl ChannelMix {
    /// The architecture's, with weights of zeros.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let share = || zeros([width], device);
        let shares = match config.architecture {
            Architecture::Rwkv4 => Shares::Rwkv4(Gate {
                time_mix_key: share(),
                time_mix_receptance: share(),
                receptance: Linear::zeros(width, width, false, device),
            }),
            _ => Shares::Rwkv7(KeyShare { x_k: share() }),
        };
        let (key, value) = (Linear::zeros(width, inner, false, device), Linear::zeros(inner, width, false, device));
        Self { shares, key, value }
    }

    /// The linear maps by their path within the feed-forward.
    pub(crate) fn linears_mut(&mut self) -> Vec<(&'static str, &mut Linear)> {
        let mut maps = vec![("key", &mut self.key), ("value", &mut self.value)];
        if let Shares::Rwkv4(gate) = &mut self.shares {
            maps.push(("receptance", &mut gate.receptance));
        }
        maps
    }

    /// `[rows, width] -> [rows, width]`, and the state after the last row, as a mixer's.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        context: &SequenceContext,
        state: Option<MixerState>,
    ) -> (Tensor<2>, Option<MixerState>) {
        let mut pass = Pass::new(context, state);
        let precision = context.precision();
        let before = pass.run(TimeShift { width: x.dims()[1] }, vec![x.clone()]);
        // One plus the other's difference, by a share of it.
        let between = |one: &Tensor<2>, other: &Tensor<2>, share: &Param<Tensor<1>>| {
            one.clone() + (other.clone() - one.clone()) * row(share.val())
        };
        let feed = |of_key: Tensor<2>| {
            let key = activation::relu(self.key.forward(of_key, precision));
            self.value.forward(key.clone() * key, precision)
        };
        let y = match &self.shares {
            Shares::Rwkv7(share) => feed(between(&x, &before, &share.x_k)),
            Shares::Rwkv4(gate) => {
                let of_gate = between(&before, &x, &gate.time_mix_receptance);
                let gate_values = activation::sigmoid(gate.receptance.forward(of_gate, precision));
                gate_values * feed(between(&before, &x, &gate.time_mix_key))
            }
        };
        (y, pass.state())
    }

    /// Rules for every parameter, as the authors begin in the middle of the stack.
    pub(crate) fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let width = self.key.shape()[1];
        let place = |i: usize| i as f64 / width as f64;
        let share = |of: &dyn Fn(f64) -> f64| Initialization::Values((0..width).map(|i| of(place(i))).collect());
        let mut groups = match &self.shares {
            Shares::Rwkv4(_) => vec![
                fixed_rate("time_mix_key", share(&f64::sqrt)),
                fixed_rate("time_mix_receptance", share(&f64::sqrt)),
                matrix("receptance.weight"),
            ],
            Shares::Rwkv7(_) => vec![fixed_rate("x_k", share(&|place| 1.0 - place.powf(0.0625)))],
        };
        groups.extend(["key.weight", "value.weight"].map(matrix));
        groups
    }
}
