//! `silu(gate) * up`.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};

use super::flex::FusedOps;
use super::is_flex;

/// SwiGLU's gate, element by element; both of shape `[rows, width]`.
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    if !is_flex(&gate) {
        return composed_swiglu(gate, up);
    }
    Tensor::from_dispatch(<Dispatch as FusedOps>::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

/// The same from Burn's operations.
pub fn composed_swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    activation::silu(gate) * up
}
