//! Causal attention over packed spans, rotary embedding included.

use std::sync::Arc;

use bantam_kernels::training::attention::{RotaryTable, Shape, Span};
use burn::backend::Dispatch;
use burn::tensor::{Bool, Tensor, TensorData, activation};

use super::flex::FusedOps;
use super::is_flex;

/// Queries `query_start..query_start + query_len` attend to keys `key_start..key_start + key_len` and to no others.
/// The last query is aligned with the last key; key `i` of the segment has position `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First row of the queries.
    pub query_start: usize,
    /// Number of queries, at most `key_len`.
    pub query_len: usize,
    /// First row of the keys and values.
    pub key_start: usize,
    /// Number of keys.
    pub key_len: usize,
}

/// The heads and angles of a call.
#[derive(Clone, Debug)]
pub struct AttentionSpec {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Values a head.
    pub head_dim: usize,
    /// Rotary angles.
    pub rotary: Arc<RotaryTable>,
}

impl AttentionSpec {
    /// The same for the kernels.
    pub(super) fn shape<'a>(&'a self, spans: &'a [Span]) -> Shape<'a> {
        Shape { heads: self.heads, kv_heads: self.kv_heads, head_dim: self.head_dim, spans, rotary: &self.rotary }
    }
}

/// Attention inside each span, each row to itself and the earlier ones. A row of `qkv` holds queries, keys and values,
/// none of them rotated yet: `[rows, (heads + 2 kv_heads) * head_dim]`. Returns `[rows, heads * head_dim]`; rows outside
/// every span come out as zeros.
pub fn causal_attention(qkv: Tensor<2>, spans: Arc<[Span]>, spec: AttentionSpec) -> Tensor<2> {
    if !is_flex(&qkv) {
        return composed_causal_attention(qkv, &spans, &spec);
    }
    Tensor::from_dispatch(<Dispatch as FusedOps>::causal_attention(qkv.into_dispatch(), spans, spec))
}

/// The same from Burn's operations.
pub fn composed_causal_attention(qkv: Tensor<2>, spans: &[Span], spec: &AttentionSpec) -> Tensor<2> {
    let (q, kv) = (spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim);
    let of = |s: &Span| Segment { query_start: s.start, query_len: s.len, key_start: s.start, key_len: s.len };
    let segments: Vec<Segment> = spans.iter().map(of).collect();
    let (k, v) = (qkv.clone().narrow(1, q, kv), qkv.clone().narrow(1, q + kv, kv));
    composed_attention(qkv.narrow(1, 0, q), k, v, &segments, spec)
}

/// Attention of queries `[rows, heads * head_dim]` to keys and values `[key rows, kv_heads * head_dim]` that may be of
/// other rows, from Burn's operations with the whole score matrix and a mask.
pub fn composed_attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    segments: &[Segment],
    spec: &AttentionSpec,
) -> Tensor<2> {
    let device = q.device();
    let ([rows, width], [key_rows, _]) = (q.dims(), k.dims());
    let (heads, kv_heads, dim) = (spec.heads, spec.kv_heads, spec.head_dim);
    let mut hidden = vec![true; rows * key_rows];
    let mut in_segment = vec![0f32; rows];
    let (mut query_positions, mut key_positions) = (vec![0; rows], vec![0; key_rows]);
    for s in segments {
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
