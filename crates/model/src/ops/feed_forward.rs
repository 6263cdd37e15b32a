//! The second half of a block: the mixer's residual, the norm and the gated feed-forward with its residual.

use bantam_kernels::training::panels::Precision;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::{composed_rms_norm, composed_swiglu, is_flex};

/// The matrices of a gated feed-forward.
#[derive(Clone, Debug)]
pub struct GatedMaps {
    /// `[inner, width]`.
    pub gate: Tensor<2>,
    /// `[inner, width]`.
    pub up: Tensor<2>,
    /// `[width, inner]`.
    pub down: Tensor<2>,
}

/// `h + down(silu(gate(n)) * up(n))` with `h = x + mixed` and `n` the norm of `h` (see [`super::rms_norm`]): `x` and
/// `mixed` `[rows, width]`, `norm` `[width]`.
pub fn feed_forward(
    x: Tensor<2>,
    mixed: Tensor<2>,
    norm: Tensor<1>,
    maps: GatedMaps,
    epsilon: f32,
    precision: Precision,
) -> Tensor<2> {
    if !is_flex(&x) {
        return composed_feed_forward(x, mixed, norm, maps, epsilon);
    }
    let y = <Dispatch as FusedOps>::feed_forward(
        x.into_dispatch(),
        mixed.into_dispatch(),
        norm.into_dispatch(),
        maps.gate.into_dispatch(),
        maps.up.into_dispatch(),
        maps.down.into_dispatch(),
        epsilon,
        precision,
    );
    Tensor::from_dispatch(y)
}

/// The same from Burn's operations.
pub fn composed_feed_forward(
    x: Tensor<2>,
    mixed: Tensor<2>,
    norm: Tensor<1>,
    maps: GatedMaps,
    epsilon: f32,
) -> Tensor<2> {
    let h = x + mixed;
    let n = composed_rms_norm(h.clone(), norm, epsilon);
    let hidden = composed_swiglu(n.clone().matmul(maps.gate.transpose()), n.matmul(maps.up.transpose()));
    h + hidden.matmul(maps.down.transpose())
}
