//! Causal attention over packed segments, rotary embedding included.

use std::sync::Arc;

use bantam_kernels::training::attention::{RotaryTable, Segment, Shape};
use burn::backend::Dispatch;
use burn::tensor::{Bool, Tensor, TensorData, activation};

use super::flex::FusedOps;
use super::is_flex;

/// The shape of a call, shared between the forward and the backward pass.
#[derive(Clone, Debug)]
pub struct AttentionSpec {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Values a head.
    pub head_dim: usize,
    /// Who sees whom.
    pub segments: Arc<[Segment]>,
    /// Rotary angles.
    pub rotary: Arc<RotaryTable>,
}

impl AttentionSpec {
    /// The same for the kernels.
    pub fn shape(&self) -> Shape<'_> {
        Shape {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            segments: &self.segments,
            rotary: &self.rotary,
        }
    }
}

/// Queries `[rows, heads * head_dim]`, keys and values `[key rows, kv_heads * head_dim]`, none of them rotated yet;
/// returns `[rows, heads * head_dim]`. Rows outside every segment come out as zeros.
pub fn packed_attention(q: Tensor<2>, k: Tensor<2>, v: Tensor<2>, spec: AttentionSpec) -> Tensor<2> {
    if !is_flex(&q) {
        return composed_attention(q, k, v, &spec);
    }
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedOps>::packed_attention(q, k, v, spec))
}

/// The same from Burn's operations, with the whole score matrix and a mask.
pub fn composed_attention(q: Tensor<2>, k: Tensor<2>, v: Tensor<2>, spec: &AttentionSpec) -> Tensor<2> {
    let device = q.device();
    let ([rows, width], [key_rows, _]) = (q.dims(), k.dims());
    let (heads, kv_heads, dim) = (spec.heads, spec.kv_heads, spec.head_dim);
    let mut hidden = vec![true; rows * key_rows];
    let mut in_segment = vec![0f32; rows];
    let (mut query_positions, mut key_positions) = (vec![0; rows], vec![0; key_rows]);
    for s in spec.segments.iter() {
        for j in 0..s.key_len {
            key_positions[s.key_start + j] = j;
        }
        for i in 0..s.query_len {
            let position = s.key_len - s.query_len + i;
            query_positions[s.query_start + i] = position;
            in_segment[s.query_start + i] = 1.0;
            let row = &mut hidden[(s.query_start + i) * key_rows + s.key_start..][..position + 1];
            row.fill(false);
        }
    }
    let rotate = |x: Tensor<2>, heads: usize, positions: &[usize]| -> Tensor<3> {
        let half = dim / 2;
        let table = |values: &[f32]| -> Tensor<3> {
            let rows = positions.iter().flat_map(|&p| values[p * half..(p + 1) * half].to_vec()).collect::<Vec<_>>();
            Tensor::from_data(TensorData::new(rows, [positions.len(), 1, half]), &device)
        };
        let (cos, sin) = (table(&spec.rotary.cos), table(&spec.rotary.sin));
        let x = x.reshape([positions.len(), heads, dim]);
        let (a, b) = (x.clone().narrow(2, 0, half), x.narrow(2, half, half));
        Tensor::cat(vec![a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin], 2)
    };
    // [heads, rows, head_dim]; key heads are repeated for the queries that share them.
    let q = rotate(q, heads, &query_positions).swap_dims(0, 1);
    let share = |x: Tensor<3>| -> Tensor<3> {
        let x: Tensor<4> = x.swap_dims(0, 1).unsqueeze_dim(1);
        x.repeat_dim(1, heads / kv_heads).reshape([heads, key_rows, dim])
    };
    let k = share(rotate(k, kv_heads, &key_positions));
    let v = share(v.reshape([key_rows, kv_heads, dim]));
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(hidden, [rows, key_rows]), &device);
    let scores = q.matmul(k.swap_dims(1, 2)) / (dim as f32).sqrt();
    let scores = scores.mask_fill(mask.unsqueeze::<3>().repeat_dim(0, heads), -1e30);
    let out = activation::softmax(scores, 2).matmul(v);
    let in_segment = Tensor::<2>::from_data(TensorData::new(in_segment, [rows, 1]), &device);
    out.swap_dims(0, 1).reshape([rows, width]) * in_segment
}
