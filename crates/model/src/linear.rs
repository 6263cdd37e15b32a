//! A linear map `y = x W^T (+ b)` with the weight stored `[out, in]`, as Hugging Face and GGUF store it.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

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

    /// `[rows, in] -> [rows, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.weight.val().transpose());
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }
}
