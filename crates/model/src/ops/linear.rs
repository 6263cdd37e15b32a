//! Linear maps of the same input, side by side.

use bantam_kernels::training::panels::Precision;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::is_flex;

/// A weight `[out, in]` and perhaps a bias `[out]`.
#[derive(Clone, Debug)]
pub struct Map {
    /// `[out, in]`.
    pub weight: Tensor<2>,
    /// `[out]`.
    pub bias: Option<Tensor<1>>,
}

/// Which of the optional operands of [`FusedOps::linear`] are there. Absent ones are tensors that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearSpec {
    /// Weights, 1 to 3.
    pub maps: usize,
    /// Whether each has a bias.
    pub biases: [bool; 3],
    /// Whether something is added to the result.
    pub residual: bool,
    /// What the operands are rounded to.
    pub precision: Precision,
}

/// `x` `[rows, in]` through one to three maps, their results side by side, `[rows, out1 + out2 + out3]`; `residual`, of
/// that shape, is added.
///
/// # Panics
/// Without a map or with more than three.
pub fn linear(x: Tensor<2>, maps: &[Map], residual: Option<Tensor<2>>, precision: Precision) -> Tensor<2> {
    assert!((1..=3).contains(&maps.len()), "one to three maps");
    if !is_flex(&x) {
        return composed_linear(x, maps, residual);
    }
    let device = x.device();
    let absent = || Tensor::<1>::zeros([1], &device).into_dispatch();
    let biases = std::array::from_fn(|i| maps.get(i).is_some_and(|m| m.bias.is_some()));
    let spec = LinearSpec { maps: maps.len(), biases, residual: residual.is_some(), precision };
    let weight = |i: usize| maps.get(i).map_or_else(absent, |m| m.weight.clone().into_dispatch());
    let bias = |i: usize| {
        let bias = maps.get(i).and_then(|m| m.bias.clone());
        bias.map_or_else(absent, Tensor::into_dispatch)
    };
    let residual = residual.map_or_else(absent, Tensor::into_dispatch);
    let (x, [w0, w1, w2], [b0, b1, b2]) = (x.into_dispatch(), [0, 1, 2].map(weight), [0, 1, 2].map(bias));
    Tensor::from_dispatch(<Dispatch as FusedOps>::linear(x, w0, w1, w2, b0, b1, b2, residual, spec))
}

/// The same from Burn's operations.
pub fn composed_linear(x: Tensor<2>, maps: &[Map], residual: Option<Tensor<2>>) -> Tensor<2> {
    let one = |m: &Map| {
        let y = x.clone().matmul(m.weight.clone().transpose());
        match &m.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        }
    };
    let y = Tensor::cat(maps.iter().map(one).collect(), 1);
    match residual {
        Some(residual) => residual + y,
        None => y,
    }
}
