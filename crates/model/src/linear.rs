//! A linear map `y = x W^T (+ b)` with the weight stored `[out, in]`, as Hugging Face and GGUF store it.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::adapters::{FrozenMatrix, LowRank, frozen_linear};
use crate::context::Precision;
use crate::ops::{self, Map};

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

    /// Weight and bias for [`ops::linear`].
    fn map(&self) -> Map {
        Map { weight: self.weight.val(), bias: self.bias.as_ref().map(Param::val) }
    }

    /// `[rows, in] -> [rows, out]`. Adapters compute in f32, whatever the precision.
    pub fn forward(&self, x: Tensor<2>, precision: Precision) -> Tensor<2> {
        let own = match &self.frozen {
            Some(matrix) => {
                let y = frozen_linear(x.clone(), matrix);
                match &self.bias {
                    Some(bias) => y + bias.val().unsqueeze(),
                    None => y,
                }
            }
            None => ops::linear(x.clone(), &[self.map()], None, precision),
        };
        match &self.adapter {
            Some(adapter) => adapter.add_to(own, x),
            None => own,
        }
    }

    /// Several maps of the same input, their results side by side.
    pub fn forward_joined(x: Tensor<2>, linears: &[&Self], precision: Precision) -> Tensor<2> {
        if linears.iter().any(|l| !l.is_plain()) {
            return Tensor::cat(linears.iter().map(|l| l.forward(x.clone(), precision)).collect(), 1);
        }
        let maps: Vec<Map> = linears.iter().map(|l| l.map()).collect();
        ops::linear(x, &maps, None, precision)
    }
}
