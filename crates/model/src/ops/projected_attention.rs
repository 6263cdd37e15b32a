//! Attention to positions that are mixed into a few: Linformer's.

use bantam_kernels::training::projected_attention::Shape;
use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};

use super::flex::FusedOps;
use super::is_flex;

/// In each head of each item `softmax(q (E K)^T d^{-1/2}) (F V)`. A row of `qkv` holds the queries of all heads, then keys, then values:
/// `[items * length, 3 width]`, whole items; `e` and `f` are `[projected, length]`. Returns `[items * length, width]`.
pub fn projected_attention(qkv: Tensor<2>, e: Tensor<2>, f: Tensor<2>, heads: usize) -> Tensor<2> {
    if !is_flex(&qkv) {
        return composed_projected_attention(qkv, e, f, heads);
    }
    let ([_, columns], [projected, length]) = (qkv.dims(), e.dims());
    let shape = Shape { heads, width: columns / 3 / heads, length, projected };
    let (qkv, e, f) = (qkv.into_dispatch(), e.into_dispatch(), f.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedOps>::projected_attention(qkv, e, f, shape))
}

/// The same from Burn's operations, with all scores in memory.
pub fn composed_projected_attention(qkv: Tensor<2>, e: Tensor<2>, f: Tensor<2>, heads: usize) -> Tensor<2> {
    let ([rows, columns], [projected, length]) = (qkv.dims(), e.dims());
    let (items, width) = (rows / length, columns / 3);
    let head = width / heads;
    let part = |at: usize| -> Tensor<3> { qkv.clone().narrow(1, at * width, width).reshape([items, length, width]) };
    let mixed = |weights: Tensor<2>, x: Tensor<3>| weights.unsqueeze_dim::<3>(0).matmul(x);
    let by_head = |x: Tensor<3>, n: usize| -> Tensor<4> { x.reshape([items, n, heads, head]).swap_dims(1, 2) };
    let q = by_head(part(0), length);
    let k = by_head(mixed(e, part(1)), projected);
    let v = by_head(mixed(f, part(2)), projected);
    let scores = q.matmul(k.swap_dims(2, 3)) * (head as f32).powf(-0.5);
    activation::softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([rows, width])
}
