//! A linear map `y = x W^T (+ b)` with the weight stored `[out, in]`, as Hugging Face and GGUF store it.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::adapters::{FrozenMatrix, LowRank, frozen_linear};

/// A linear map; no bias unless the architecture has one. It may carry an adapter, and its matrix may be frozen in 4
/// bits.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`; of no elements once the matrix is frozen.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Added to the map's own product.
    pub(crate) adapter: Option<LowRank>,
    #[module(skip)]
    frozen: Option<Arc<FrozenMatrix>>,
}

impl Linear {
    /// A map of zeros, to be filled by [`crate::weights::load`] or [`crate::weights::initialize`].
    pub fn zeros(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([outputs, inputs], device)),
            bias: bias.then(|| Param::from_tensor(Tensor::zeros([outputs], device))),
            adapter: None,
            frozen: None,
        }
    }

    /// Whether the map is just `weight` and `bias`: what a fused product of several maps can take over.
    pub fn is_plain(&self) -> bool {
        self.adapter.is_none() && self.frozen.is_none()
    }

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        let lazy = || self.weight.lazy_shape();
        self.frozen.as_ref().map_or_else(|| [lazy()[0], lazy()[1]], |f| f.shape())
    }

    /// Replaces the matrix by one in 4 bits, which is not trained.
    pub(crate) fn freeze(&mut self, matrix: FrozenMatrix, device: &Device) {
        self.weight = Param::from_tensor(Tensor::zeros([0, 0], device));
        self.frozen = Some(Arc::new(matrix));
    }

    /// The 4-bit matrix, if the map has one.
    pub fn frozen(&self) -> Option<&FrozenMatrix> {
        self.frozen.as_deref()
    }

    /// `[rows, in] -> [rows, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let adapted = self.adapter.as_ref().map(|a| a.forward(x.clone()));
        let y = match &self.frozen {
            Some(matrix) => frozen_linear(x, matrix),
            None => x.matmul(self.weight.val().transpose()),
        };
        let y = match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        };
        match adapted {
            Some(adapted) => y + adapted,
            None => y,
        }
    }
}
