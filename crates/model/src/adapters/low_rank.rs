//! The pair of matrices that adapts one linear map (LoRA, Hu et al. 2021).

use bantam_formats::peft::LowRankPair;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::context::Precision;
use crate::ops::{self, Map};

/// `scale * (x A^T) B^T`, added to what the map gives.
#[derive(Module, Debug)]
pub struct LowRank {
    /// `[rank, in]`.
    a: Param<Tensor<2>>,
    /// `[out, rank]`.
    b: Param<Tensor<2>>,
    #[module(skip)]
    scale: f32,
}

impl LowRank {
    /// A pair with its values in place.
    pub fn new(pair: &LowRankPair, rank: usize, scale: f32, device: &Device) -> Self {
        let param = |values: &Vec<f32>, shape: [usize; 2]| {
            Param::from_tensor(Tensor::from_data(TensorData::new(values.clone(), shape), device))
        };
        Self { a: param(&pair.a, [rank, pair.module.inputs]), b: param(&pair.b, [pair.module.outputs, rank]), scale }
    }

    /// `y + scale * (x A^T) B^T`; `y` `[rows, out]`, `x` `[rows, in]`. The scale is applied in between, where the rows are
    /// shortest.
    pub fn add_to(&self, y: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let map = |weight: &Param<Tensor<2>>| [Map { weight: weight.val(), bias: None }];
        let low = ops::linear(x, &map(&self.a), None, Precision::F32) * self.scale;
        ops::linear(low, &map(&self.b), Some(y), Precision::F32)
    }
}
