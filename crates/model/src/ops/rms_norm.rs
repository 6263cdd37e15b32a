//! Root-mean-square normalization.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::is_flex;

/// `x / sqrt(mean(x^2) + epsilon) * weight` over rows; `x` `[rows, width]`, `weight` `[width]`.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f32) -> Tensor<2> {
    if !is_flex(&x) {
        return composed_rms_norm(x, weight, epsilon);
    }
    let y = <Dispatch as FusedOps>::rms_norm(x.into_dispatch(), weight.into_dispatch(), epsilon);
    Tensor::from_dispatch(y)
}

/// The same from Burn's operations.
pub fn composed_rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f32) -> Tensor<2> {
    let rms = (x.clone().powi_scalar(2).mean_dim(1) + epsilon).sqrt();
    x / rms * weight.unsqueeze()
}
