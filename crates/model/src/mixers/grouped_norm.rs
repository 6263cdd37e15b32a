//! Norms of parts of a row: Mamba-2's groups and retention's heads.

use burn::tensor::Tensor;

use crate::ops;

/// Root-mean-square norm of each of `groups` parts of the rows, without a gain.
pub(super) fn grouped_rms_norm(x: Tensor<2>, groups: usize, epsilon: f32) -> Tensor<2> {
    let [rows, width] = x.dims();
    let ones = Tensor::ones([width / groups], &x.device());
    ops::rms_norm(x.reshape([rows * groups, width / groups]), ones, epsilon).reshape([rows, width])
}
