//! A causal depthwise convolution over a few positions: a part of Mamba-2, Hyena and the gated short convolution.

use bantam_kernels::training::sequence::ShortConvolution;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, with};
use super::{Initialization, ParameterGroup};

/// A filter for each channel.
#[derive(Module, Debug)]
pub struct DepthwiseConvolution {
    /// `[channels, 1, kernel]`.
    weight: Param<Tensor<3>>,
    bias: Option<Param<Tensor<1>>>,
}

impl DepthwiseConvolution {
    /// Zeros.
    pub(super) fn new(channels: usize, kernel: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([channels, 1, kernel], device)),
            bias: bias.then(|| Param::from_tensor(Tensor::zeros([channels], device))),
        }
    }

    /// `[rows, channels] -> [rows, channels]`, perhaps with SiLU after it.
    pub(super) fn forward(&self, x: Tensor<2>, silu: bool, pass: &mut Pass<'_>) -> Tensor<2> {
        let [channels, _, kernel] = self.weight.dims();
        let bias = match &self.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([channels], &x.device()),
        };
        let weight = self.weight.val().reshape([channels, kernel]);
        pass.run(ShortConvolution { channels, kernel, silu }, vec![x, weight, row(bias)])
    }

    /// Multiply-adds of one position.
    pub(super) fn cost(&self) -> usize {
        self.weight.dims().iter().product()
    }

    /// Started as torch starts a convolution.
    pub(super) fn groups(&self, path: &str) -> Vec<ParameterGroup> {
        let bound = 1.0 / (self.weight.dims()[2] as f64).sqrt();
        let start = Initialization::Uniform(-bound, bound);
        let mut groups = vec![with(&format!("{path}.weight"), true, start.clone())];
        groups.extend(self.bias.iter().map(|_| fixed_rate(&format!("{path}.bias"), start.clone())));
        groups
    }
}
