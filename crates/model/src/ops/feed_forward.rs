//! The gated feed-forward with its residual.

use bantam_kernels::training::panels::Precision;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::{composed_swiglu, is_flex};

/// `residual + down(silu(gate(x)) * up(x))`: `x` and `residual` `[rows, width]`, `gate` and `up` `[inner, width]`, `down`
/// `[width, inner]`.
pub fn feed_forward(
    x: Tensor<2>,
    gate: Tensor<2>,
    up: Tensor<2>,
    down: Tensor<2>,
    residual: Tensor<2>,
    precision: Precision,
) -> Tensor<2> {
    if !is_flex(&x) {
        return composed_feed_forward(x, gate, up, down, residual);
    }
    let y = <Dispatch as FusedOps>::feed_forward(
        x.into_dispatch(),
        gate.into_dispatch(),
        up.into_dispatch(),
        down.into_dispatch(),
        residual.into_dispatch(),
        precision,
    );
    Tensor::from_dispatch(y)
}

/// The same from Burn's operations.
pub fn composed_feed_forward(
    x: Tensor<2>,
    gate: Tensor<2>,
    up: Tensor<2>,
    down: Tensor<2>,
    residual: Tensor<2>,
) -> Tensor<2> {
    let hidden = composed_swiglu(x.clone().matmul(gate.transpose()), x.matmul(up.transpose()));
    residual + hidden.matmul(down.transpose())
}
