//! A linear map `y = x W^T (+ b)` with the weight stored `[out, in]`, as Hugging Face and GGUF store it.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::context::Precision;
use crate::ops::{self, Map};

/// A linear map; no bias unless the architecture has one.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// A map of zeros, to be filled by [`crate::weights::load`] or [`crate::weights::initialize`].
    pub fn zeros(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([outputs, inputs], device)),
            bias: bias.then(|| Param::from_tensor(Tensor::zeros([outputs], device))),
        }
    }

    /// Weight and bias for [`ops::linear`].
    pub fn map(&self) -> Map {
        Map { weight: self.weight.val(), bias: self.bias.as_ref().map(Param::val) }
    }

    /// `[rows, in] -> [rows, out]`.
    pub fn forward(&self, x: Tensor<2>, precision: Precision) -> Tensor<2> {
        ops::linear(x, &[self.map()], None, precision)
    }

    /// Several maps of the same input, their results side by side.
    pub fn forward_joined(x: Tensor<2>, linears: &[&Self], precision: Precision) -> Tensor<2> {
        let maps: Vec<Map> = linears.iter().map(|l| l.map()).collect();
        ops::linear(x, &maps, None, precision)
    }
}
