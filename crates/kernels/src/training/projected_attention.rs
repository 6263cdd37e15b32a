//! Attention to positions that are mixed into a few (Wang et al. 2020, "Linformer"), forward and backward: in each head
//! `softmax(q (E K)^T d^{-1/2}) (F V)`, without positions.
//!
//! A head of an item is a task: mixing, scores and values, the scores a block of queries at a time. They are computed again on the way back
//! from their log-sum-exp.

use rayon::prelude::*;

use super::disjoint::{Disjoint, Unfilled};
use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Precision, multiply};
use super::parts::{over_parts, sum_each};
use super::sums::{dot, exponentials};
use crate::multiversion::{exp, multiversion};

/// Queries whose scores are held at once.
const BLOCK: usize = 48;

/// The shape of a call. A row of `qkv` holds the queries of all heads, then keys, then values: `3 heads * width` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Heads.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
    /// Positions of an item; rows are whole items.
    pub length: usize,
    /// Positions that they are mixed into.
    pub projected: usize,
}

/// What the backward pass wants to have kept.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// `E K d^{-1/2}` and `F V` of each head of each item, `[projected, width]` each.
    mixed: Vec<f32>,
    /// Of each row's scores, `[rows, heads]`.
    log_sum_exp: Vec<f32>,
}

/// What a backward pass gives.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// Of `qkv`.
    pub qkv: Vec<f32>,
    /// Of `E`.
    pub e: Vec<f32>,
    /// Of `F`.
    pub f: Vec<f32>,
}

impl Shape {
    fn all(&self) -> usize {
        self.heads * self.width
    }

    /// Checks the sizes; the number of items.
    fn items(&self, qkv: &[f32], e: &[f32], f: &[f32]) -> usize {
        let item = self.length * 3 * self.all();
        assert!(item > 0 && qkv.len().is_multiple_of(item), "rows are whole items");
        assert!(self.projected > 0 && e.len() == self.projected * self.length && f.len() == e.len(), "sizes");
        qkv.len() / item
    }

    /// Where a head's queries (0), keys (1) or values (2) are at a row.
    fn at(&self, row: usize, head: usize, part: usize) -> usize {
        (row * 3 + part) * self.all() + head * self.width
    }

    /// A head's keys (1) or values (2) at an item's positions.
    fn list<'a>(&self, qkv: &'a [f32], item: usize, head: usize, part: usize) -> Vec<&'a [f32]> {
        let row = |t: usize| &qkv[self.at(item * self.length + t, head, part)..][..self.width];
        (0..self.length).map(row).collect()
    }

    fn scale(&self) -> f32 {
        (self.width as f32).powf(-0.5)
    }

    /// A row of scores is whole vectors.
    fn padded(&self) -> usize {
        self.projected.next_multiple_of(16)
    }
}

/// Memory for one head after the other.
struct Room {
    columns: Panels,
    rows: Panels,
    values: Panels,
    block: Panels,
    scores: Vec<f32>,
    d_scores: Vec<f32>,
    part: Vec<f32>,
    left: LeftRoom,
}

impl Room {
    fn new(shape: &Shape) -> Self {
        let panels = || Panels::empty(Precision::F32);
        Self {
            columns: panels(),
            rows: panels(),
            values: panels(),
            block: panels(),
            scores: vec![0.0; BLOCK * shape.padded()],
            d_scores: vec![0.0; BLOCK * shape.padded()],
            part: vec![0.0; shape.length.max(BLOCK) * shape.width],
            left: LeftRoom::default(),
        }
    }
}

/// `qkv` `[items * length, 3 heads * width]`, `e` and `f` `[projected, length]`. The output is `[items * length, heads * width]`.
pub fn forward(shape: &Shape, qkv: &[f32], e: &[f32], f: &[f32]) -> (Vec<f32>, Saved) {
    let items = shape.items(qkv, e, f);
    let rows = items * shape.length;
    let (mut out, mut log_sum_exp) = (Unfilled::new(rows * shape.all()), Unfilled::new(rows * shape.heads));
    let mut mixed = Unfilled::new(items * shape.heads * 2 * shape.projected * shape.width);
    let rooms = (out.room(), log_sum_exp.room(), mixed.room());
    (0..items * shape.heads).into_par_iter().with_max_len(1).for_each_init(
        || Room::new(shape),
        |room, task| {
            let (out, log_sum_exp, mixed) = rooms;
            let size = shape.projected * shape.width;
            // SAFETY: a task's own place.
            let mixed = unsafe { mixed.range(task * 2 * size, 2 * size) };
            mix(shape, [e, f], qkv, task, mixed, room);
            attend(shape, qkv, task, mixed, out, log_sum_exp, room);
        },
    );
    // SAFETY: the tasks cover every head of every row.
    unsafe { (out.filled(), Saved { mixed: mixed.filled(), log_sum_exp: log_sum_exp.filled() }) }
}

/// `E K d^{-1/2}` and `F V` of a head.
fn mix(shape: &Shape, mixing: [&[f32]; 2], qkv: &[f32], task: usize, mixed: &mut [f32], room: &mut Room) {
    let (item, head) = (task / shape.heads, task % shape.heads);
    let (keys, values) = mixed.split_at_mut(shape.projected * shape.width);
    for (part, (weights, to)) in mixing.into_iter().zip([&mut *keys, values]).enumerate() {
        room.rows.set_rows(&shape.list(qkv, item, head, part + 1));
        let left = Strided::rows(weights, shape.length);
        multiply(shape.projected, left, room.rows.all(), to, shape.width, Onto::Replace, &mut room.left);
    }
    let scale = shape.scale();
    keys.iter_mut().for_each(|k| *k *= scale);
}

/// The gradient of the output, with what the forward pass saw and wrote.
#[derive(Clone, Copy)]
struct Given<'a> {
    qkv: &'a [f32],
    out: &'a [f32],
    saved: &'a Saved,
    d_out: &'a [f32],
}

/// The gradients, given that of the output.
pub fn backward(
    shape: &Shape,
    qkv: &[f32],
    [e, f]: [&[f32]; 2],
    out: &[f32],
    saved: &Saved,
    d_out: &[f32],
) -> Gradients {
    let items = shape.items(qkv, e, f);
    assert!(out.len() * 3 == qkv.len() && d_out.len() == out.len(), "sizes");
    let mut d_qkv = Unfilled::new(qkv.len());
    let d_room = d_qkv.room();
    let given = Given { qkv, out, saved, d_out };
    let parts = over_parts(items * shape.heads, 1, |tasks| {
        let mut room = Room::new(shape);
        let mut sums = [(); 2].map(|()| vec![0.0; e.len()]);
        let mut d_mixed = vec![0.0; 2 * shape.projected * shape.width];
        for task in tasks {
            d_mixed.fill(0.0);
            attend_backward(shape, given, task, &mut d_mixed, d_room, &mut room);
            mix_backward(shape, [e, f], qkv, task, &mut d_mixed, d_room, &mut sums, &mut room);
        }
        sums.into()
    });
    let [e, f] = <[Vec<f32>; 2]>::try_from(sum_each(parts)).expect("two sums of each part");
    // SAFETY: the tasks cover every head of every row, and its queries, keys and values.
    Gradients { qkv: unsafe { d_qkv.filled() }, e, f }
}

/// Gradients of keys and values, and of what mixes them.
#[allow(clippy::too_many_arguments)]
fn mix_backward(
    shape: &Shape,
    mixing: [&[f32]; 2],
    qkv: &[f32],
    task: usize,
    d_mixed: &mut [f32],
    d_qkv: Disjoint<'_>,
    sums: &mut [Vec<f32>; 2],
    room: &mut Room,
) {
    let (item, head) = (task / shape.heads, task % shape.heads);
    let (width, length) = (shape.width, shape.length);
    let (d_keys, d_values) = d_mixed.split_at_mut(shape.projected * width);
    let scale = shape.scale();
    d_keys.iter_mut().for_each(|k| *k *= scale);
    for (part, ((weights, d), sum)) in mixing.into_iter().zip([d_keys, d_values]).zip(sums).enumerate() {
        room.rows.set_rows(&d.chunks_exact(width).collect::<Vec<_>>());
        let left = Strided::columns(weights, length);
        multiply(length, left, room.rows.all(), &mut room.part, width, Onto::Replace, &mut room.left);
        for (t, row) in room.part.chunks_exact(width).take(length).enumerate() {
            // SAFETY: row, head and part belong to this task alone.
            unsafe { d_qkv.range(shape.at(item * length + t, head, part + 1), width) }.copy_from_slice(row);
        }
        room.columns.set_columns(&shape.list(qkv, item, head, part + 1));
        let left = Strided::rows(d, width);
        multiply(shape.projected, left, room.columns.all(), sum, length, Onto::Add, &mut room.left);
    }
}

multiversion! {
    fn attend(shape: &Shape, qkv: &[f32], task: usize, mixed: &[f32], out: Disjoint<'_>, log_sum_exp: Disjoint<'_>, room: &mut Room) = attend_body
}
multiversion! {
    /// The gradients of queries, and those of the mixed keys and values, which are added to `d_mixed`.
    fn attend_backward(shape: &Shape, given: Given<'_>, task: usize, d_mixed: &mut [f32], d_qkv: Disjoint<'_>, room: &mut Room) = attend_backward_body
}

#[inline(always)]
fn attend_body<const FMA: bool, const LANES: usize>(
    shape: &Shape,
    qkv: &[f32],
    task: usize,
    mixed: &[f32],
    out: Disjoint<'_>,
    log_sum_exp: Disjoint<'_>,
    room: &mut Room,
) {
    let (item, head) = (task / shape.heads, task % shape.heads);
    let (width, stride) = (shape.width, shape.padded());
    let (keys, values) = mixed.split_at(shape.projected * width);
    room.columns.set_columns(&keys.chunks_exact(width).collect::<Vec<_>>());
    room.rows.set_rows(&values.chunks_exact(width).collect::<Vec<_>>());
    for first in (0..shape.length).step_by(BLOCK) {
        let (rows, row) = (BLOCK.min(shape.length - first), item * shape.length + first);
        let queries = Strided::rows(&qkv[shape.at(row, head, 0)..], 3 * shape.all());
        let Room { columns, rows: value_rows, scores, part, left, .. } = &mut *room;
        multiply(rows, queries, columns.all(), scores, stride, Onto::Replace, left);
        for (i, scores) in scores.chunks_exact_mut(stride).take(rows).enumerate() {
            scores[shape.projected..].fill(f32::NEG_INFINITY);
            let (maximum, sum) = exponentials::<FMA>(scores);
            let inverse = 1.0 / sum;
            scores.iter_mut().for_each(|s| *s *= inverse);
            // SAFETY: row and head belong to this task alone.
            let to = unsafe { log_sum_exp.range((row + i) * shape.heads + head, 1) };
            to[0] = maximum + sum.ln();
        }
        let weights = Strided::rows(scores, stride);
        multiply(rows, weights, value_rows.all(), part, width, Onto::Replace, left);
        for (i, result) in part.chunks_exact(width).take(rows).enumerate() {
            // SAFETY: as above.
            unsafe { out.range((row + i) * shape.all() + head * width, width) }.copy_from_slice(result);
        }
    }
}

#[inline(always)]
fn attend_backward_body<const FMA: bool, const LANES: usize>(
    shape: &Shape,
    given: Given<'_>,
    task: usize,
    d_mixed: &mut [f32],
    d_qkv: Disjoint<'_>,
    room: &mut Room,
) {
    let (item, head) = (task / shape.heads, task % shape.heads);
    let (width, stride, all, size) = (shape.width, shape.padded(), shape.all(), shape.projected * shape.width);
    let (keys, values) = given.saved.mixed[task * 2 * size..][..2 * size].split_at(size);
    let list: Vec<&[f32]> = keys.chunks_exact(width).collect();
    room.columns.set_columns(&list);
    room.rows.set_rows(&list);
    room.values.set_columns(&values.chunks_exact(width).collect::<Vec<_>>());
    let (d_keys, d_values) = d_mixed.split_at_mut(size);
    for first in (0..shape.length).step_by(BLOCK) {
        let (rows, row) = (BLOCK.min(shape.length - first), item * shape.length + first);
        let queries = &given.qkv[shape.at(row, head, 0)..];
        let out_at = row * all + head * width;
        let d_out = &given.d_out[out_at..];
        let Room { columns, rows: key_rows, values, block, scores, d_scores, part, left } = &mut *room;
        multiply(rows, Strided::rows(queries, 3 * all), columns.all(), scores, stride, Onto::Replace, left);
        multiply(rows, Strided::rows(d_out, all), values.all(), d_scores, stride, Onto::Replace, left);
        let both = scores.chunks_exact_mut(stride).zip(d_scores.chunks_exact_mut(stride));
        for (i, (w, d)) in both.take(rows).enumerate() {
            let delta = dot::<FMA>(&given.out[out_at + i * all..][..width], &d_out[i * all..][..width]);
            let log_sum_exp = given.saved.log_sum_exp[(row + i) * shape.heads + head];
            // What fills up the vectors is read by nobody; it must not grow from block to block.
            w[shape.projected..].fill(0.0);
            d[shape.projected..].fill(0.0);
            for (w, d) in w.iter_mut().zip(d.iter_mut()) {
                *w = exp::<FMA>(*w - log_sum_exp);
                *d = *w * (*d - delta);
            }
        }
        block.set_rows(&(0..rows).map(|i| &d_out[i * all..][..width]).collect::<Vec<_>>());
        let weights = Strided::columns(scores, stride);
        multiply(shape.projected, weights, block.all(), d_values, width, Onto::Add, left);
        block.set_rows(&(0..rows).map(|i| &queries[i * 3 * all..][..width]).collect::<Vec<_>>());
        let d = Strided::columns(d_scores, stride);
        multiply(shape.projected, d, block.all(), d_keys, width, Onto::Add, left);
        multiply(rows, Strided::rows(d_scores, stride), key_rows.all(), part, width, Onto::Replace, left);
        for (i, d_query) in part.chunks_exact(width).take(rows).enumerate() {
            // SAFETY: row and head belong to this task alone.
            unsafe { d_qkv.range(shape.at(row + i, head, 0), width) }.copy_from_slice(d_query);
        }
    }
}

#[cfg(test)]
mod tests;
