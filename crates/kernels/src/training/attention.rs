//! Causal attention over packed segments with rotary embedding inside, forward and backward.
//!
//! Softmax attention (Vaswani et al. 2017) with grouped queries (Ainslie et al. 2023) and rotary positions in the
//! half-split form (Su et al. 2021, as Llama's Hugging Face implementation lays it out). Scores exist for one block
//! of queries at a time and are computed again in the backward pass from the saved log-sum-exp (Dao et al. 2022).

use rayon::prelude::*;

use super::disjoint::Disjoint;
use super::product::{Strided, product};
use crate::multiversion::{exp, mul_add, multiversion};

/// Queries whose scores are held at once.
const BLOCK: usize = 48;

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

/// Cosines and sines of the rotary angles, `[positions, head_dim / 2]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct RotaryTable {
    /// Cosines.
    pub cos: Vec<f32>,
    /// Sines.
    pub sin: Vec<f32>,
    /// `head_dim / 2`.
    pub half: usize,
}

impl RotaryTable {
    /// The table for `inverse_frequencies` (one for each pair) and positions `0..positions`.
    pub fn new(inverse_frequencies: &[f32], positions: usize) -> Self {
        let angle = |i: usize| {
            let (position, pair) = (i / inverse_frequencies.len(), i % inverse_frequencies.len());
            // The angle is rounded to f32 first, as `transformers` has it.
            f64::from(position as f32 * inverse_frequencies[pair])
        };
        let n = positions * inverse_frequencies.len();
        Self {
            cos: (0..n).map(|i| angle(i).cos() as f32).collect(),
            sin: (0..n).map(|i| angle(i).sin() as f32).collect(),
            half: inverse_frequencies.len(),
        }
    }

    /// Number of positions.
    pub fn positions(&self) -> usize {
        self.cos.len() / self.half
    }

    /// Rotates one head's vector to `position`; with `inverse`, back.
    #[inline(always)]
    fn rotate(&self, position: usize, inverse: bool, from: &[f32], to: &mut [f32]) {
        let cos = &self.cos[position * self.half..][..self.half];
        let sin = &self.sin[position * self.half..][..self.half];
        let (a, b) = from.split_at(self.half);
        let (to_a, to_b) = to.split_at_mut(self.half);
        let sign = if inverse { -1.0 } else { 1.0 };
        for i in 0..self.half {
            let s = sign * sin[i];
            to_a[i] = a[i] * cos[i] - b[i] * s;
            to_b[i] = b[i] * cos[i] + a[i] * s;
        }
    }
}

/// The shape of a call. Queries are `[rows, heads * head_dim]`, keys and values `[rows, kv_heads * head_dim]`.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Values a head; even.
    pub head_dim: usize,
    /// Who sees whom. Query rows of different segments are disjoint.
    pub segments: &'a [Segment],
    /// Rotary angles for at least the longest segment's positions.
    pub rotary: &'a RotaryTable,
}

impl Shape<'_> {
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    fn check(&self, query_rows: usize, key_rows: usize) {
        assert!(self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads), "heads must be a multiple of kv_heads");
        assert!(self.head_dim == 2 * self.rotary.half, "rotary table of another head size");
        for s in self.segments {
            assert!(s.query_len <= s.key_len && s.key_len <= self.rotary.positions(), "segment lengths");
            assert!(s.query_start + s.query_len <= query_rows && s.key_start + s.key_len <= key_rows, "segment rows");
        }
    }

    /// One task for each segment and key head: they share nothing that is written.
    fn tasks(&self) -> Vec<(Segment, usize)> {
        self.segments.iter().flat_map(|&s| (0..self.kv_heads).map(move |g| (s, g))).collect()
    }
}

/// Writes the attention output `[query rows, heads * head_dim]` and, for the backward pass, the log-sum-exp of each
/// row's scaled scores, `[query rows, heads]`. Rows outside every segment are not written.
pub fn forward(shape: &Shape<'_>, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], log_sum_exp: &mut [f32]) {
    shape.check(q.len() / shape.width(), k.len() / shape.kv_width());
    assert!(out.len() == q.len() && log_sum_exp.len() * shape.head_dim == q.len() && v.len() == k.len(), "sizes");
    let (out, log_sum_exp) = (Disjoint::new(out), Disjoint::new(log_sum_exp));
    shape.tasks().into_par_iter().for_each(|(segment, kv_head)| {
        forward_task(shape, segment, kv_head, q, k, v, out, log_sum_exp);
    });
}

/// What the forward pass saw and wrote, for [`backward`].
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    /// Queries.
    pub q: &'a [f32],
    /// Keys.
    pub k: &'a [f32],
    /// Values.
    pub v: &'a [f32],
    /// The output.
    pub out: &'a [f32],
    /// The log-sum-exp.
    pub log_sum_exp: &'a [f32],
}

/// Given the gradient of the output, adds the gradients of queries, keys and values. The three must start at zero
/// (or at what is to be added to); key rows of different segments must be disjoint.
pub fn backward(shape: &Shape<'_>, saved: Saved<'_>, d_out: &[f32], d_q: &mut [f32], d_k: &mut [f32], d_v: &mut [f32]) {
    shape.check(saved.q.len() / shape.width(), saved.k.len() / shape.kv_width());
    assert!(d_q.len() == saved.q.len() && d_k.len() == saved.k.len() && d_v.len() == saved.v.len(), "sizes");
    let mut keys: Vec<_> = shape.segments.iter().map(|s| (s.key_start, s.key_start + s.key_len)).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|w| w[0].1 <= w[1].0), "segments share keys");
    let (d_q, d_k, d_v) = (Disjoint::new(d_q), Disjoint::new(d_k), Disjoint::new(d_v));
    shape.tasks().into_par_iter().for_each(|(segment, kv_head)| {
        backward_task(shape, segment, kv_head, saved, d_out, d_q, d_k, d_v);
    });
}

multiversion! {
    fn forward_task(shape: &Shape<'_>, segment: Segment, kv_head: usize, q: &[f32], k: &[f32], v: &[f32], out: Disjoint<'_>, log_sum_exp: Disjoint<'_>) = forward_body
}
multiversion! {
    fn backward_task(shape: &Shape<'_>, segment: Segment, kv_head: usize, saved: Saved<'_>, d_out: &[f32], d_q: Disjoint<'_>, d_k: Disjoint<'_>, d_v: Disjoint<'_>) = backward_body
}

/// Rounds up, so that rows of scores are whole vectors.
fn padded(n: usize) -> usize {
    n.next_multiple_of(32)
}

/// The head's rotated keys, transposed to `[head_dim, padded(key_len)]`, and in rows if `rows` is not empty.
#[inline(always)]
fn rotated_keys(shape: &Shape<'_>, segment: Segment, kv_head: usize, k: &[f32], rows: &mut [f32]) -> Vec<f32> {
    let (dim, stride) = (shape.head_dim, padded(segment.key_len));
    let mut transposed = vec![0.0; dim * stride];
    let mut rotated = vec![0.0; dim];
    for j in 0..segment.key_len {
        let row = &k[(segment.key_start + j) * shape.kv_width() + kv_head * dim..][..dim];
        shape.rotary.rotate(j, false, row, &mut rotated);
        for (d, &x) in rotated.iter().enumerate() {
            transposed[d * stride + j] = x;
        }
        if let Some(to) = rows.get_mut(j * dim..(j + 1) * dim) {
            to.copy_from_slice(&rotated);
        }
    }
    transposed
}

/// The block's rotated queries, scaled, `[rows, head_dim]`.
#[inline(always)]
fn rotated_queries(
    shape: &Shape<'_>,
    segment: Segment,
    head: usize,
    first: usize,
    rows: usize,
    q: &[f32],
    to: &mut [f32],
) {
    let dim = shape.head_dim;
    let scale = shape.scale();
    for (i, to) in to.chunks_exact_mut(dim).take(rows).enumerate() {
        let row = &q[(segment.query_start + first + i) * shape.width() + head * dim..][..dim];
        shape.rotary.rotate(segment.key_len - segment.query_len + first + i, false, row, to);
        to.iter_mut().for_each(|x| *x *= scale);
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn forward_body<const FMA: bool, const LANES: usize>(
    shape: &Shape<'_>,
    segment: Segment,
    kv_head: usize,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    out: Disjoint<'_>,
    log_sum_exp: Disjoint<'_>,
) {
    let (dim, stride) = (shape.head_dim, padded(segment.key_len));
    let keys = rotated_keys(shape, segment, kv_head, k, &mut []);
    let values = &v[segment.key_start * shape.kv_width() + kv_head * dim..];
    let mut queries = vec![0.0; BLOCK * dim];
    let mut scores = vec![0.0; BLOCK * stride];
    let mut result = vec![0.0; BLOCK * dim];
    let past = segment.key_len - segment.query_len;
    for head in kv_head * shape.group()..(kv_head + 1) * shape.group() {
        for first in (0..segment.query_len).step_by(BLOCK) {
            let rows = BLOCK.min(segment.query_len - first);
            let seen = past + first + rows;
            rotated_queries(shape, segment, head, first, rows, q, &mut queries);
            product(rows, padded(seen), dim, Strided::rows(&queries, dim), &keys, stride, &mut scores, stride, false);
            for i in 0..rows {
                let row = &mut scores[i * stride..][..seen];
                let (visible, hidden) = row.split_at_mut(past + first + i + 1);
                hidden.fill(0.0);
                let (maximum, sum) = exponentials::<FMA>(visible);
                let inverse = 1.0 / sum;
                visible.iter_mut().for_each(|s| *s *= inverse);
                // SAFETY: row and head belong to this task alone.
                let lse = unsafe { log_sum_exp.range((segment.query_start + first + i) * shape.heads + head, 1) };
                lse[0] = maximum + sum.ln();
            }
            product(rows, dim, seen, Strided::rows(&scores, stride), values, shape.kv_width(), &mut result, dim, false);
            for (i, result) in result.chunks_exact(dim).take(rows).enumerate() {
                let at = (segment.query_start + first + i) * shape.width() + head * dim;
                // SAFETY: as above.
                unsafe { out.range(at, dim) }.copy_from_slice(result);
            }
        }
    }
}

/// Replaces scores by e^(score - maximum); returns the maximum and the sum. The sum runs in 16 parts.
#[inline(always)]
fn exponentials<const FMA: bool>(scores: &mut [f32]) -> (f32, f32) {
    let mut maxima = [f32::NEG_INFINITY; 16];
    let (blocks, rest) = scores.as_chunks::<16>();
    for block in blocks {
        for (m, &s) in maxima.iter_mut().zip(block) {
            *m = if s > *m { s } else { *m };
        }
    }
    let maximum = maxima.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &s| m.max(s));
    let mut sums = [0f32; 16];
    let (blocks, rest) = scores.as_chunks_mut::<16>();
    for block in blocks {
        for (sum, s) in sums.iter_mut().zip(block) {
            *s = exp::<FMA>(*s - maximum);
            *sum += *s;
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for s in rest {
        *s = exp::<FMA>(*s - maximum);
        sum += *s;
    }
    (maximum, sum)
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn backward_body<const FMA: bool, const LANES: usize>(
    shape: &Shape<'_>,
    segment: Segment,
    kv_head: usize,
    saved: Saved<'_>,
    d_out: &[f32],
    d_q: Disjoint<'_>,
    d_k: Disjoint<'_>,
    d_v: Disjoint<'_>,
) {
    let (dim, stride, key_len) = (shape.head_dim, padded(segment.key_len), segment.key_len);
    let mut key_rows = vec![0.0; key_len * dim];
    let keys = rotated_keys(shape, segment, kv_head, saved.k, &mut key_rows);
    let mut values = vec![0.0; dim * stride];
    for j in 0..key_len {
        let row = &saved.v[(segment.key_start + j) * shape.kv_width() + kv_head * dim..][..dim];
        for (d, &x) in row.iter().enumerate() {
            values[d * stride + j] = x;
        }
    }
    let mut d_keys = vec![0.0; key_len * dim];
    let mut d_values = vec![0.0; key_len * dim];
    let mut queries = vec![0.0; BLOCK * dim];
    let mut d_queries = vec![0.0; BLOCK * dim];
    let mut weights = vec![0.0; BLOCK * stride];
    let mut d_scores = vec![0.0; BLOCK * stride];
    let past = key_len - segment.query_len;
    for head in kv_head * shape.group()..(kv_head + 1) * shape.group() {
        for first in (0..segment.query_len).step_by(BLOCK) {
            let rows = BLOCK.min(segment.query_len - first);
            let seen = past + first + rows;
            let block_at = (segment.query_start + first) * shape.width() + head * dim;
            let d_block = &d_out[block_at..];
            rotated_queries(shape, segment, head, first, rows, saved.q, &mut queries);
            let left = Strided::rows(&queries, dim);
            product(rows, padded(seen), dim, left, &keys, stride, &mut weights, stride, false);
            let left = Strided::rows(d_block, shape.width());
            product(rows, padded(seen), dim, left, &values, stride, &mut d_scores, stride, false);
            for i in 0..rows {
                let at = block_at + i * shape.width();
                let delta: f32 = saved.out[at..at + dim].iter().zip(&d_out[at..at + dim]).map(|(o, d)| o * d).sum();
                let lse = saved.log_sum_exp[(segment.query_start + first + i) * shape.heads + head];
                let visible = past + first + i + 1;
                let (w, w_hidden) = weights[i * stride..][..seen].split_at_mut(visible);
                let (d, d_hidden) = d_scores[i * stride..][..seen].split_at_mut(visible);
                for (w, d) in w.iter_mut().zip(d) {
                    *w = exp::<FMA>(*w - lse);
                    *d = *w * (*d - delta);
                }
                w_hidden.fill(0.0);
                d_hidden.fill(0.0);
            }
            product(
                seen,
                dim,
                rows,
                Strided::columns(&weights, stride),
                d_block,
                shape.width(),
                &mut d_values,
                dim,
                true,
            );
            product(seen, dim, rows, Strided::columns(&d_scores, stride), &queries, dim, &mut d_keys, dim, true);
            product(rows, dim, seen, Strided::rows(&d_scores, stride), &key_rows, dim, &mut d_queries, dim, false);
            let scale = shape.scale();
            let mut rotated = vec![0.0; dim];
            for (i, d_query) in d_queries.chunks_exact(dim).take(rows).enumerate() {
                shape.rotary.rotate(past + first + i, true, d_query, &mut rotated);
                // SAFETY: row and head belong to this task alone.
                let to = unsafe { d_q.range(block_at + i * shape.width(), dim) };
                for (to, &g) in to.iter_mut().zip(&rotated) {
                    *to = mul_add::<FMA>(scale, g, *to);
                }
            }
        }
    }
    let mut rotated = vec![0.0; dim];
    for j in 0..key_len {
        shape.rotary.rotate(j, true, &d_keys[j * dim..(j + 1) * dim], &mut rotated);
        let at = (segment.key_start + j) * shape.kv_width() + kv_head * dim;
        // SAFETY: segments' keys are disjoint (asserted in `backward`) and this head's columns belong to this task.
        let (to_k, to_v) = unsafe { (d_k.range(at, dim), d_v.range(at, dim)) };
        for d in 0..dim {
            to_k[d] += rotated[d];
            to_v[d] += d_values[j * dim + d];
        }
    }
}

#[cfg(test)]
mod tests;
