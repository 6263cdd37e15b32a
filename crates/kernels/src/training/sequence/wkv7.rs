//! RWKV-7's memory (Peng et al. 2025): each position decays it by channel, takes out along one direction what it replaces, and writes
//! one value.
//!
//! In a head, with column vectors and `S` `[value, key]`: `S_t = S_{t-1} diag(w_t) + (S_{t-1} a_t) b_t^T + v_t k_t^T`, `out_t = S_t r_t`.
//! `S` is held turned, `[key, value]`, so that every loop runs along values.

use super::super::attention::Span;
use super::super::sums::dot;
use super::heads::{add_columns, columns, each_head};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::{mul_add, multiversion};

/// Inputs: `r`, `w`, `k`, `v`, `a`, `b`, each `[rows, heads * width]`; `w` is the factor itself, between 0 and 1. State: `S` `[heads,
/// key, value]`.
#[derive(Clone, Copy, Debug)]
pub struct Wkv7 {
    /// Heads.
    pub heads: usize,
    /// Width of a head's keys and of its values.
    pub head_width: usize,
}

/// Every so many positions the state is kept; in between the backward pass computes it again.
const STRIDE: usize = 16;

/// One head's six inputs of one item, its rows adjacent.
type Columns = [Vec<f32>; 6];

impl Wkv7 {
    fn columns(&self, inputs: &[&[f32]], span: Span, head: usize) -> Columns {
        let inputs: &[&[f32]; 6] = inputs.try_into().expect("six inputs");
        inputs.map(|x| self.column(x, span, head))
    }

    fn column(&self, x: &[f32], span: Span, head: usize) -> Vec<f32> {
        columns(x, span, self.width(), head * self.head_width, self.head_width)
    }
}

impl SequenceOperation for Wkv7 {
    fn width(&self) -> usize {
        self.heads * self.head_width
    }

    fn state_size(&self) -> usize {
        self.heads * self.head_width * self.head_width
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let (n, size) = (self.head_width, self.head_width * self.head_width);
        let heads = each_head(&items, self.heads, |item, head| {
            let columns = self.columns(inputs, items.spans[item], head);
            let mut state = items.state(self, item)[head * size..][..size].to_vec();
            let mut out = vec![0.0; columns[0].len()];
            let (mut kept, mut read) = (Vec::new(), vec![0.0; n]);
            for (t, out) in out.chunks_exact_mut(n).enumerate() {
                if t % STRIDE == 0 {
                    kept.extend_from_slice(&state);
                }
                let [r, w, k, v, a, b] = columns.each_ref().map(|x| &x[t * n..][..n]);
                advance(w, k, v, a, b, &mut read, &mut state);
                answer(r, &state, out);
            }
            (out, state, kept)
        });
        let mut forward = Forward { out: vec![0.0; items.rows * self.width()], ..Forward::default() };
        for (i, (out, state, kept)) in heads.iter().enumerate() {
            add_columns(&mut forward.out, items.spans[i / self.heads], self.width(), i % self.heads * n, out);
            forward.last.extend_from_slice(state);
            forward.saved.extend_from_slice(kept);
        }
        forward
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let (n, size) = (self.head_width, self.head_width * self.head_width);
        // Where each item's kept states begin.
        let strides = |span: &Span| span.len.div_ceil(STRIDE);
        let starts: Vec<usize> = (items.spans.iter())
            .scan(0, |at, span| Some(std::mem::replace(at, *at + strides(span) * self.heads * size)))
            .collect();
        let heads = each_head(&items, self.heads, |item, head| {
            let span = items.spans[item];
            let columns = self.columns(inputs, span, head);
            let d_out = self.column(d_out, span, head);
            let kept = &kept.saved[starts[item] + head * strides(&span) * size..][..strides(&span) * size];
            let mut d: Columns = std::array::from_fn(|_| vec![0.0; columns[0].len()]);
            let (mut g, mut rooms) = (vec![0.0; size], [vec![0.0; n], vec![0.0; n]]);
            let mut states = vec![0.0; (STRIDE + 1) * size];
            for (stride, part) in kept.chunks_exact(size).enumerate().rev() {
                let first = stride * STRIDE;
                let last = (first + STRIDE).min(span.len);
                states[..size].copy_from_slice(part);
                for t in first..last {
                    let (before, after) = states[(t - first) * size..].split_at_mut(size);
                    after[..size].copy_from_slice(before);
                    let [_, w, k, v, a, b] = columns.each_ref().map(|x| &x[t * n..][..n]);
                    advance(w, k, v, a, b, &mut rooms[0], &mut after[..size]);
                }
                for t in (first..last).rev() {
                    let (before, after) = states[(t - first) * size..].split_at(size);
                    let inputs = columns.each_ref().map(|x| &x[t * n..][..n]);
                    let d = d.each_mut().map(|x| &mut x[t * n..][..n]);
                    retreat(inputs, before, &after[..size], &d_out[t * n..][..n], &mut g, &mut rooms, d);
                }
            }
            d
        });
        let mut gradients = vec![vec![0.0; items.rows * self.width()]; 6];
        for (i, parts) in heads.iter().enumerate() {
            for (gradient, part) in gradients.iter_mut().zip(parts) {
                add_columns(gradient, items.spans[i / self.heads], self.width(), i % self.heads * n, part);
            }
        }
        gradients
    }
}

multiversion! {
    /// The state moves on by one position; `read` is room for what `a` finds in it.
    fn advance(w: &[f32], k: &[f32], v: &[f32], a: &[f32], b: &[f32], read: &mut [f32], state: &mut [f32]) = advance_body
}
multiversion! { fn answer(r: &[f32], state: &[f32], out: &mut [f32]) = answer_body }
multiversion! {
    /// One position backwards: `g` is the gradient of the state after it, without what this position's output brings, and becomes that
    /// of the state before.
    fn retreat(inputs: [&[f32]; 6], before: &[f32], after: &[f32], d_out: &[f32], g: &mut [f32], rooms: &mut [Vec<f32>; 2], d: [&mut [f32]; 6]) = retreat_body
}

#[inline(always)]
fn add_scaled<const FMA: bool>(scale: f32, x: &[f32], sum: &mut [f32]) {
    for (s, &x) in sum.iter_mut().zip(x) {
        *s = mul_add::<FMA>(scale, x, *s);
    }
}

/// `sum_j weights_j rows_j`.
#[inline(always)]
fn answer_body<const FMA: bool, const LANES: usize>(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for (&weight, row) in weights.iter().zip(rows.chunks_exact(out.len())) {
        add_scaled::<FMA>(weight, row, out);
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn advance_body<const FMA: bool, const LANES: usize>(
    w: &[f32],
    k: &[f32],
    v: &[f32],
    a: &[f32],
    b: &[f32],
    read: &mut [f32],
    state: &mut [f32],
) {
    answer_body::<FMA, LANES>(a, state, read);
    for (((row, &w), &k), &b) in state.chunks_exact_mut(v.len()).zip(w).zip(k).zip(b) {
        for ((s, &v), &read) in row.iter_mut().zip(v).zip(&*read) {
            *s = mul_add::<FMA>(k, v, mul_add::<FMA>(b, read, w * *s));
        }
    }
}

#[inline(always)]
fn retreat_body<const FMA: bool, const LANES: usize>(
    inputs: [&[f32]; 6],
    before: &[f32],
    after: &[f32],
    d_out: &[f32],
    g: &mut [f32],
    rooms: &mut [Vec<f32>; 2],
    d: [&mut [f32]; 6],
) {
    let [r, w, k, v, a, b] = inputs;
    let [d_r, d_w, d_k, d_v, d_a, d_b] = d;
    let n = v.len();
    let [read, d_read] = rooms;
    for (row, &r) in g.chunks_exact_mut(n).zip(r) {
        add_scaled::<FMA>(r, d_out, row);
    }
    answer_body::<FMA, LANES>(a, before, read);
    answer_body::<FMA, LANES>(b, g, d_read);
    answer_body::<FMA, LANES>(k, g, d_v);
    for j in 0..n {
        let (row, before) = (&mut g[j * n..][..n], &before[j * n..][..n]);
        d_r[j] = dot::<FMA>(&after[j * n..][..n], d_out);
        d_w[j] = dot::<FMA>(row, before);
        d_k[j] = dot::<FMA>(row, v);
        d_b[j] = dot::<FMA>(row, read);
        d_a[j] = dot::<FMA>(before, d_read);
        for (g, &d_read) in row.iter_mut().zip(&*d_read) {
            *g = mul_add::<FMA>(w[j], *g, a[j] * d_read);
        }
    }
}
