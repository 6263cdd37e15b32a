//! Causal attention over packed spans with rotary embedding inside, forward and backward.
//!
//! Softmax attention (Vaswani et al. 2017) with grouped queries (Ainslie et al. 2023) and rotary positions in the
//! half-split form (Su et al. 2021, as Llama's Hugging Face implementation lays it out). Scores exist for one block
//! of queries at a time and are computed again in the backward pass from the saved log-sum-exp (Dao et al. 2022).

use rayon::prelude::*;

use super::disjoint::{Disjoint, Unfilled};
use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Precision, multiply};
use super::prefetch;
use super::sums::{dot, exponentials};
use crate::multiversion::{exp, multiversion};

/// Queries whose scores are held at once.
fn block_of(precision: Precision) -> usize {
    if precision.is_on_matrix_unit() { 64 } else { 48 }
}

/// The same in the backward pass, where each block reads and writes the gradients of all of the span's keys and values. On a matrix unit that takes longer than the
/// products: the longer the span, and the less a block computes beyond the diagonal in comparison, the larger the block.
fn backward_block_of(precision: Precision, len: usize) -> usize {
    let block = block_of(precision);
    if precision.is_on_matrix_unit() { (len / 8).next_multiple_of(32).clamp(block, 2 * block) } else { block }
}

/// Rows `start..start + len`: each attends to itself and to the earlier rows of its span. Its position is counted from
/// the span's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row.
    pub start: usize,
    /// Number of rows.
    pub len: usize,
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
        let turn = |a: f32, b: f32, cos: f32, sin: f32| (a * cos - b * (sign * sin), b * cos + a * (sign * sin));
        // Sixteen at a time are read before any is written, so that the compiler need not ask whether the slices overlap, which took as long as
        // turning them.
        let [(a16, a), (b16, b), (cos16, cos), (sin16, sin)] = [a, b, cos, sin].map(|values| values.as_chunks::<16>());
        let [(to_a16, to_a), (to_b16, to_b)] = [to_a, to_b].map(|values| values.as_chunks_mut::<16>());
        let to16 = to_a16.iter_mut().zip(to_b16);
        for ((to_a, to_b), ((a, b), (cos, sin))) in to16.zip(a16.iter().zip(b16).zip(cos16.iter().zip(sin16))) {
            let both: [(f32, f32); 16] = std::array::from_fn(|i| turn(a[i], b[i], cos[i], sin[i]));
            (*to_a, *to_b) = (both.map(|(a, _)| a), both.map(|(_, b)| b));
        }
        for ((to_a, to_b), ((a, b), (cos, sin))) in
            to_a.iter_mut().zip(to_b).zip(a.iter().zip(b).zip(cos.iter().zip(sin)))
        {
            (*to_a, *to_b) = turn(*a, *b, *cos, *sin);
        }
    }
}

/// The shape of a call. A row of `qkv` holds the queries of all heads, then keys, then values:
/// `(heads + 2 kv_heads) * head_dim` values.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Values a head; even.
    pub head_dim: usize,
    /// Who sees whom: disjoint spans of rows, ascending. Rows outside all of them come out as zeros.
    pub spans: &'a [Span],
    /// Rotary angles for at least the longest span's positions.
    pub rotary: &'a RotaryTable,
    /// What the operands of products are rounded to; softmax and sums are f32.
    pub precision: Precision,
}

impl Shape<'_> {
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Values a row of the output has.
    pub fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Values a row of `qkv` has.
    pub fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    fn query(&self, row: usize, head: usize) -> usize {
        row * self.qkv_width() + head * self.head_dim
    }

    fn key(&self, row: usize, kv_head: usize) -> usize {
        row * self.qkv_width() + (self.heads + kv_head) * self.head_dim
    }

    fn value(&self, row: usize, kv_head: usize) -> usize {
        row * self.qkv_width() + (self.heads + self.kv_heads + kv_head) * self.head_dim
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// Checks the shape and returns the number of rows.
    fn rows(&self, qkv: &[f32]) -> usize {
        assert!(self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads), "heads must be a multiple of kv_heads");
        assert!(self.head_dim == 2 * self.rotary.half, "rotary table of another head size");
        assert!(qkv.len().is_multiple_of(self.qkv_width()), "rows of another width");
        let rows = qkv.len() / self.qkv_width();
        let mut end = 0;
        for s in self.spans {
            assert!(s.start >= end && s.len <= self.rotary.positions(), "spans overlap or are longer than the table");
            end = s.start + s.len;
        }
        assert!(end <= rows, "a span leaves the rows");
        rows
    }

    /// One task for each span and key head: they share nothing that is written.
    fn tasks(&self) -> Vec<(Span, usize)> {
        self.spans.iter().flat_map(|&s| (0..self.kv_heads).map(move |g| (s, g))).collect()
    }

    /// Rows outside every span.
    fn outside(&self, rows: usize) -> Vec<Span> {
        let mut gaps = Vec::new();
        let mut end = 0;
        for s in self.spans.iter().copied().chain([Span { start: rows, len: 0 }]) {
            if s.start > end {
                gaps.push(Span { start: end, len: s.start - end });
            }
            end = s.start + s.len;
        }
        gaps
    }
}

/// Fresh memory for `rows` rows of `width` values, zero outside the spans.
fn result(shape: &Shape<'_>, rows: usize, width: usize) -> Unfilled {
    let mut fresh = Unfilled::new(rows * width);
    let room = fresh.room();
    for gap in shape.outside(rows) {
        // SAFETY: this thread alone holds the memory.
        unsafe { room.range(gap.start * width, gap.len * width) }.fill(0.0);
    }
    fresh
}

/// The attention output `[rows, heads * head_dim]` and, for the backward pass, the log-sum-exp of each row's scaled
/// scores, `[rows, heads]`.
pub fn forward(shape: &Shape<'_>, qkv: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let rows = shape.rows(qkv);
    let (mut out, mut log_sum_exp) = (result(shape, rows, shape.width()), result(shape, rows, shape.heads));
    let (out_room, lse_room) = (out.room(), log_sum_exp.room());
    shape.tasks().into_par_iter().for_each_init(
        || Room::new(shape.precision),
        |room, (span, kv_head)| {
            forward_task(shape, span, kv_head, qkv, out_room, lse_room, room);
        },
    );
    // SAFETY: the tasks cover every head of every row inside the spans, `result` the rest.
    unsafe { (out.filled(), log_sum_exp.filled()) }
}

/// What the forward pass saw and wrote, for [`backward`].
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    /// Queries, keys and values.
    pub qkv: &'a [f32],
    /// The output.
    pub out: &'a [f32],
    /// The log-sum-exp.
    pub log_sum_exp: &'a [f32],
}

/// Given the gradient of the output, that of `qkv`, in the same layout.
pub fn backward(shape: &Shape<'_>, saved: Saved<'_>, d_out: &[f32]) -> Vec<f32> {
    let rows = shape.rows(saved.qkv);
    assert!(saved.out.len() == rows * shape.width() && d_out.len() == saved.out.len(), "sizes");
    assert!(saved.log_sum_exp.len() == rows * shape.heads, "sizes");
    let mut d_qkv = result(shape, rows, shape.qkv_width());
    let room = d_qkv.room();
    shape.tasks().into_par_iter().for_each_init(
        || Room::new(shape.precision),
        |scratch, (span, kv_head)| {
            backward_task(shape, span, kv_head, saved, d_out, room, scratch);
        },
    );
    // SAFETY: the tasks cover every head of every row inside the spans, `result` the rest.
    unsafe { d_qkv.filled() }
}

/// Rows of scores are whole vectors: exponentials of a rest, value by value, would cost as much as all the others.
fn padded(n: usize) -> usize {
    n.next_multiple_of(16)
}

/// Memory that a thread's tasks use one after the other.
struct Room {
    /// Keys and values of the head, packed with positions as columns, and as rows.
    key_columns: Panels,
    key_rows: Panels,
    value_columns: Panels,
    value_rows: Panels,
    /// A block's queries and output gradients as rows.
    block_rows: Panels,
    /// Rotated keys, `[len, head_dim]`.
    keys: Vec<f32>,
    /// Rotated and scaled queries of the block, `[block, head_dim]`.
    queries: Vec<f32>,
    /// A block's scores, then its weights, `[block, padded len]`.
    scores: Vec<f32>,
    d_scores: Vec<f32>,
    /// A block of results, `[block, head_dim]`.
    rows: Vec<f32>,
    /// The sum of each of its rows' weights.
    sums: Vec<f32>,
    d_keys: Vec<f32>,
    d_values: Vec<f32>,
    left: LeftRoom,
}

impl Room {
    fn new(precision: Precision) -> Self {
        let panels = || Panels::empty(precision);
        Self {
            key_columns: panels(),
            key_rows: panels(),
            value_columns: panels(),
            value_rows: panels(),
            block_rows: panels(),
            keys: Vec::new(),
            queries: Vec::new(),
            scores: Vec::new(),
            d_scores: Vec::new(),
            rows: Vec::new(),
            sums: Vec::new(),
            d_keys: Vec::new(),
            d_values: Vec::new(),
            left: LeftRoom::default(),
        }
    }

    fn fit(&mut self, len: usize, block: usize, dim: usize) {
        let block = block.min(len);
        for (buffer, size) in [
            (&mut self.keys, len * dim),
            (&mut self.queries, block * dim),
            (&mut self.scores, block * padded(len)),
            (&mut self.d_scores, block * padded(len)),
            (&mut self.rows, block * dim),
            (&mut self.sums, block),
            (&mut self.d_keys, len * dim),
            (&mut self.d_values, len * dim),
        ] {
            buffer.resize(size, 0.0);
        }
    }
}

multiversion! {
    fn forward_task(shape: &Shape<'_>, span: Span, kv_head: usize, qkv: &[f32], out: Disjoint<'_>, log_sum_exp: Disjoint<'_>, room: &mut Room) = forward_body
}
multiversion! {
    fn backward_task(shape: &Shape<'_>, span: Span, kv_head: usize, saved: Saved<'_>, d_out: &[f32], d_qkv: Disjoint<'_>, room: &mut Room) = backward_body
}

/// Writes the head's rotated keys, `[len, head_dim]`.
#[inline(always)]
fn rotated_keys(shape: &Shape<'_>, span: Span, kv_head: usize, qkv: &[f32], to: &mut [f32]) {
    let dim = shape.head_dim;
    for (j, to) in to.chunks_exact_mut(dim).enumerate() {
        let row = span.start + j;
        prefetch::ask_for(qkv, shape.key(row + prefetch::ROWS, kv_head), dim);
        // Values are packed when the keys are done.
        prefetch::ask_for(qkv, shape.value(row, kv_head), dim);
        shape.rotary.rotate(j, false, &qkv[shape.key(row, kv_head)..][..dim], to);
    }
}

/// Writes the block's rotated queries, scaled.
#[inline(always)]
fn rotated_queries(shape: &Shape<'_>, span: Span, head: usize, first: usize, qkv: &[f32], to: &mut [f32]) {
    let (scale, dim) = (shape.scale(), shape.head_dim);
    for (i, to) in to.chunks_exact_mut(dim).enumerate() {
        let row = span.start + first + i;
        prefetch::ask_for(qkv, shape.query(row + prefetch::ROWS, head), dim);
        shape.rotary.rotate(first + i, false, &qkv[shape.query(row, head)..][..dim], to);
        to.iter_mut().for_each(|x| *x *= scale);
    }
}

/// The head's values.
fn value_rows<'a>(shape: &Shape<'_>, span: Span, kv_head: usize, qkv: &'a [f32]) -> Vec<&'a [f32]> {
    (0..span.len).map(|j| &qkv[shape.value(span.start + j, kv_head)..][..shape.head_dim]).collect()
}

#[inline(always)]
fn forward_body<const FMA: bool, const LANES: usize>(
    shape: &Shape<'_>,
    span: Span,
    kv_head: usize,
    qkv: &[f32],
    out: Disjoint<'_>,
    log_sum_exp: Disjoint<'_>,
    room: &mut Room,
) {
    let (dim, len) = (shape.head_dim, span.len);
    let stride = padded(len);
    let block = block_of(shape.precision);
    room.fit(len, block, dim);
    rotated_keys(shape, span, kv_head, qkv, &mut room.keys);
    room.key_columns.set_columns(&room.keys.chunks_exact(dim).collect::<Vec<_>>());
    room.value_rows.set_rows(&value_rows(shape, span, kv_head, qkv));
    for head in kv_head * shape.group()..(kv_head + 1) * shape.group() {
        for first in (0..len).step_by(block) {
            let rows = block.min(len - first);
            let seen = first + rows;
            let queries = &mut room.queries[..rows * dim];
            rotated_queries(shape, span, head, first, qkv, queries);
            let left = Strided::rows(queries, dim);
            multiply(
                rows,
                left,
                room.key_columns.part(dim, seen),
                &mut room.scores,
                stride,
                Onto::Replace,
                &mut room.left,
            );
            for i in 0..rows {
                let row = &mut room.scores[i * stride..][..padded(seen)];
                let (past, future) = row.split_at_mut(padded(first + i + 1));
                past[first + i + 1..].fill(f32::NEG_INFINITY);
                future.fill(0.0);
                let (maximum, sum) = exponentials::<FMA>(past);
                room.sums[i] = sum;
                // SAFETY: row and head belong to this task alone.
                let lse = unsafe { log_sum_exp.range((span.start + first + i) * shape.heads + head, 1) };
                lse[0] = maximum + sum.ln();
            }
            let left = Strided::rows(&room.scores, stride);
            multiply(rows, left, room.value_rows.part(seen, dim), &mut room.rows, dim, Onto::Replace, &mut room.left);
            for ((i, result), sum) in room.rows.chunks_exact(dim).take(rows).enumerate().zip(&room.sums) {
                // SAFETY: as above.
                let out = unsafe { out.range((span.start + first + i) * shape.width() + head * dim, dim) };
                // A row's result has fewer values than its weights, so it is what is divided by their sum.
                let inverse = 1.0 / sum;
                out.iter_mut().zip(result).for_each(|(o, r)| *o = r * inverse);
            }
        }
    }
}

#[inline(always)]
fn backward_body<const FMA: bool, const LANES: usize>(
    shape: &Shape<'_>,
    span: Span,
    kv_head: usize,
    saved: Saved<'_>,
    d_out: &[f32],
    d_qkv: Disjoint<'_>,
    room: &mut Room,
) {
    let (dim, len, width) = (shape.head_dim, span.len, shape.width());
    let stride = padded(len);
    let block = backward_block_of(shape.precision, len);
    room.fit(len, block, dim);
    rotated_keys(shape, span, kv_head, saved.qkv, &mut room.keys);
    let keys: Vec<&[f32]> = room.keys.chunks_exact(dim).collect();
    room.key_columns.set_columns(&keys);
    room.key_rows.set_rows(&keys);
    room.value_columns.set_columns(&value_rows(shape, span, kv_head, saved.qkv));
    room.d_keys.fill(0.0);
    room.d_values.fill(0.0);
    let left_room = &mut room.left;
    for head in kv_head * shape.group()..(kv_head + 1) * shape.group() {
        for first in (0..len).step_by(block) {
            let rows = block.min(len - first);
            let seen = first + rows;
            let block_at = (span.start + first) * width + head * dim;
            let d_block = &d_out[block_at..];
            let queries = &mut room.queries[..rows * dim];
            rotated_queries(shape, span, head, first, saved.qkv, queries);
            let queries = &*queries;
            let (scores, d_scores) = (&mut room.scores[..], &mut room.d_scores[..]);
            let left = Strided::rows(queries, dim);
            multiply(rows, left, room.key_columns.part(dim, seen), scores, stride, Onto::Replace, left_room);
            let left = Strided::rows(d_block, width);
            multiply(rows, left, room.value_columns.part(dim, seen), d_scores, stride, Onto::Replace, left_room);
            for i in 0..rows {
                let at = block_at + i * width;
                prefetch::ask_for(saved.out, at + prefetch::ROWS * width, dim);
                prefetch::ask_for(d_out, at + (rows + prefetch::ROWS) * width, dim);
                let delta = dot::<FMA>(&saved.out[at..at + dim], &d_out[at..at + dim]);
                let lse = saved.log_sum_exp[(span.start + first + i) * shape.heads + head];
                let w = &mut scores[i * stride..][..padded(seen)];
                let d = &mut d_scores[i * stride..][..padded(seen)];
                let past = padded(first + i + 1);
                for (w, d) in w[..past].iter_mut().zip(&mut d[..past]) {
                    *w = exp::<FMA>(*w - lse);
                    *d = *w * (*d - delta);
                }
                w[first + i + 1..].fill(0.0);
                d[first + i + 1..].fill(0.0);
            }
            let block_rows: Vec<&[f32]> = (0..rows).map(|i| &d_block[i * width..][..dim]).collect();
            room.block_rows.set_rows(&block_rows);
            let left = Strided::columns(scores, stride);
            multiply(seen, left, room.block_rows.all(), &mut room.d_values, dim, Onto::Add, left_room);
            room.block_rows.set_rows(&queries.chunks_exact(dim).collect::<Vec<_>>());
            let left = Strided::columns(d_scores, stride);
            multiply(seen, left, room.block_rows.all(), &mut room.d_keys, dim, Onto::Add, left_room);
            let left = Strided::rows(d_scores, stride);
            multiply(rows, left, room.key_rows.part(seen, dim), &mut room.rows, dim, Onto::Replace, left_room);
            let scale = shape.scale();
            for (i, d_query) in room.rows.chunks_exact_mut(dim).take(rows).enumerate() {
                d_query.iter_mut().for_each(|d| *d *= scale);
                // SAFETY: row and head belong to this task alone.
                let to = unsafe { d_qkv.range(shape.query(span.start + first + i, head), dim) };
                shape.rotary.rotate(first + i, true, d_query, to);
            }
        }
    }
    for (j, (d_key, d_value)) in room.d_keys.chunks_exact(dim).zip(room.d_values.chunks_exact(dim)).enumerate() {
        // SAFETY: spans are disjoint (asserted in `Shape::rows`) and this key head belongs to this task.
        let (to_k, to_v) = unsafe {
            (
                d_qkv.range(shape.key(span.start + j, kv_head), dim),
                d_qkv.range(shape.value(span.start + j, kv_head), dim),
            )
        };
        shape.rotary.rotate(j, true, d_key, to_k);
        to_v.copy_from_slice(d_value);
    }
}

#[cfg(test)]
mod tests;
