//! Causal attention over packed spans, rotary embedding included.

use std::collections::BTreeMap;
use std::sync::Arc;

use bantam_kernels::training::attention::{RotaryTable, Shape, Span};
use bantam_kernels::training::panels::Precision;
use burn::backend::Dispatch;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation};

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
    /// What the fused form rounds the operands of its products to.
    pub precision: Precision,
}

impl AttentionSpec {
    /// The same for the kernels.
    pub(super) fn shape<'a>(&'a self, spans: &'a [Span]) -> Shape<'a> {
        let Self { heads, kv_heads, head_dim, ref rotary, precision } = *self;
        Shape { heads, kv_heads, head_dim, spans, rotary, precision }
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
/// other rows, from Burn's operations. Segments of about the same length are padded to the longest of them and computed
/// together with their whole score matrices and a mask, so that memory goes with the squares of the segments' lengths,
/// not with that of all rows.
pub fn composed_attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    segments: &[Segment],
    spec: &AttentionSpec,
) -> Tensor<2> {
    let device = q.device();
    let ([rows, width], [key_rows, _]) = (q.dims(), k.dims());
    let (kv_heads, dim) = (spec.kv_heads, spec.head_dim);
    let (mut query_positions, mut key_positions) = (vec![0; rows], vec![0; key_rows]);
    for s in segments {
        (0..s.key_len).for_each(|j| key_positions[s.key_start + j] = j);
        (0..s.query_len).for_each(|i| query_positions[s.query_start + i] = s.key_len - s.query_len + i);
    }
    let q = rotated(q.reshape([rows, spec.heads, dim]), &query_positions, &spec.rotary);
    let k = rotated(k.reshape([key_rows, kv_heads, dim]), &key_positions, &spec.rotary);
    let v: Tensor<3> = v.reshape([key_rows, kv_heads, dim]);
    let mut alike: BTreeMap<usize, Vec<Segment>> = BTreeMap::new();
    for s in segments.iter().filter(|s| s.query_len > 0) {
        alike.entry(s.key_len.next_power_of_two()).or_default().push(*s);
    }
    // What a row comes out as, by its place among the groups' results; one more row, of zeros, is for rows in no segment.
    let (mut results, mut places, mut done) = (Vec::new(), vec![usize::MAX; rows], 0);
    for group in alike.values() {
        let longest = group.iter().map(|s| s.query_len).max().unwrap_or(0);
        for (n, s) in group.iter().enumerate() {
            (0..s.query_len).for_each(|i| places[s.query_start + i] = done + n * longest + i);
        }
        done += group.len() * longest;
        results.push(padded_attention(&q, &k, &v, group));
    }
    results.push(Tensor::zeros([1, width], &device));
    let places = places.into_iter().map(|place| place.min(done)).collect();
    Tensor::cat(results, 0).select(0, indices(places, &device))
}

/// Every vector `[rows, heads, head_dim]` turned by its row's position.
fn rotated(x: Tensor<3>, positions: &[usize], rotary: &RotaryTable) -> Tensor<3> {
    let device = x.device();
    let half = x.dims()[2] / 2;
    let table = |values: &[f32]| -> Tensor<3> {
        let rows = positions.iter().flat_map(|&p| values[p * half..(p + 1) * half].to_vec()).collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(rows, [positions.len(), 1, half]), &device)
    };
    let (cos, sin) = (table(&rotary.cos), table(&rotary.sin));
    let (a, b) = (x.clone().narrow(2, 0, half), x.narrow(2, half, half));
    Tensor::cat(vec![a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin], 2)
}

/// The segments' results one after the other, each padded to the longest: `[segments * queries, heads * head_dim]`.
fn padded_attention(q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>, segments: &[Segment]) -> Tensor<2> {
    let device = q.device();
    let ([_, heads, dim], [_, kv_heads, _]) = (q.dims(), k.dims());
    let n = segments.len();
    let queries = segments.iter().map(|s| s.query_len).max().unwrap_or(0);
    let keys = segments.iter().map(|s| s.key_len).max().unwrap_or(0);
    // Padding reads a segment's last row. No key of it is seen, and no query of it is read.
    let rows = |of: fn(&Segment) -> (usize, usize), longest: usize| -> Tensor<1, Int> {
        let all = segments.iter().flat_map(|s| {
            let (start, len) = of(s);
            (0..longest).map(move |i| start + i.min(len - 1))
        });
        indices(all.collect(), &device)
    };
    let query_rows = rows(|s| (s.query_start, s.query_len), queries);
    let key_rows = rows(|s| (s.key_start, s.key_len), keys);
    let mut hidden = vec![true; n * queries * keys];
    for (s, hidden) in segments.iter().zip(hidden.chunks_exact_mut(queries * keys)) {
        for (i, row) in hidden.chunks_exact_mut(keys).enumerate() {
            row[..(s.key_len - s.query_len + i + 1).min(s.key_len)].fill(false);
        }
    }
    // [segments, heads, rows, head_dim]; key heads are repeated for the queries that share them.
    let q: Tensor<4> = q.clone().select(0, query_rows).reshape([n, queries, heads, dim]).swap_dims(1, 2);
    let shared = |x: &Tensor<3>| -> Tensor<4> {
        let x: Tensor<4> = x.clone().select(0, key_rows.clone()).reshape([n, keys, kv_heads, dim]).swap_dims(1, 2);
        let x: Tensor<5> = x.unsqueeze_dim(2);
        x.repeat_dim(2, heads / kv_heads).reshape([n, heads, keys, dim])
    };
    let (k, v) = (shared(k), shared(v));
    let mask = Tensor::<4, Bool>::from_data(TensorData::new(hidden, [n, 1, queries, keys]), &device);
    let scores = q.matmul(k.swap_dims(2, 3)) / (dim as f32).sqrt();
    let scores = scores.mask_fill(mask.repeat_dim(1, heads), -1e30);
    activation::softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([n * queries, heads * dim])
}

fn indices(rows: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.into_iter().map(|row| row as i32).collect();
    let n = rows.len();
    Tensor::from_data(TensorData::new(rows, [n]), device)
}
