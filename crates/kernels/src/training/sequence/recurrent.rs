//! The loop of networks whose state passes through a matrix at every position: LSTM and GRU, which differ in their cell.
//!
//! Items run side by side, so that each position costs one product for all of them; how they are divided among threads depends on
//! their lengths alone.

use rayon::prelude::*;

use super::super::attention::Span;
use super::super::left::{LeftRoom, Strided};
use super::super::panels::{Onto, Panels, Precision, multiply};
use super::{Forward, Items, Kept, SequenceOperation, rows_of};

/// Items that run side by side at most: a tile of the products.
const TOGETHER: usize = 6;

/// What happens at one position of one item. Widths are counted in blocks of the hidden width.
pub(super) trait Cell: SequenceOperation {
    /// Blocks of what comes in from below, and of the hidden product.
    const GATES: usize;
    /// Blocks of the state; the first is the hidden vector.
    const STATES: usize;
    /// Blocks kept for the way back.
    const KEPT: usize;
    /// Whether `a` and the product have one gradient: where they are but added.
    const ADDED: bool;

    /// Width of the hidden vector.
    fn hidden(&self) -> usize;

    /// Moves `state` on, given the input `a` and the `product` of the hidden vector with its matrix, bias included.
    fn advance(&self, a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]);

    /// The way back: `d_state` is the gradient of the state after the position and becomes what of it reaches the state before, past
    /// the product; `h` is the hidden vector before.
    fn retreat(&self, kept: &[f32], h: &[f32], d_state: &mut [f32], d_a: &mut [f32], d_product: &mut [f32]);
}

/// Items by falling length, a few at a time and as many in each part: eight are four and four, which two threads share, and not
/// six and two.
fn parts(spans: &[Span]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(spans[i].len));
    let together = order.len().div_ceil(order.len().div_ceil(TOGETHER).max(1)).max(1);
    order.chunks(together).map(<[usize]>::to_vec).collect()
}

/// How many of a part's items are longer than `t`.
fn active(part: &[usize], spans: &[Span], t: usize) -> usize {
    part.iter().take_while(|&&i| spans[i].len > t).count()
}

/// Hands each part the slices of its items.
fn dealt<'a>(parts: &[Vec<usize>], slices: Vec<&'a mut [f32]>) -> Vec<Vec<&'a mut [f32]>> {
    let mut slices: Vec<Option<&mut [f32]>> = slices.into_iter().map(Some).collect();
    parts.iter().map(|part| part.iter().filter_map(|&i| slices[i].take()).collect()).collect()
}

/// Inputs: `a [rows, gates * hidden]`, `weight [gates * hidden, hidden]`, `bias [gates * hidden]`.
pub(super) fn forward<C: Cell>(cell: &C, inputs: &[&[f32]], items: Items<'_>) -> Forward {
    let [a, weight, bias] = inputs else { panic!("three inputs") };
    let hidden = cell.hidden();
    let (gates, states, kept) = (C::GATES * hidden, C::STATES * hidden, C::KEPT * hidden);
    let panels = Panels::of_columns(Precision::F32, &weight.chunks_exact(hidden).collect::<Vec<_>>());
    let (mut out, mut saved) = (items.unfilled(hidden), items.unfilled(kept));
    let parts = parts(items.spans);
    // SAFETY: this thread alone holds the memory, and every position of every item is written before it is read.
    let (to, to_keep) = unsafe { (out.room().range(0, items.rows * hidden), saved.room().range(0, items.rows * kept)) };
    let outs = dealt(&parts, items.rows_mut(to, hidden));
    let keeps = dealt(&parts, items.rows_mut(to_keep, kept));
    let ends: Vec<Vec<f32>> = (parts.par_iter().zip(outs).zip(keeps).with_max_len(1))
        .map(|((part, mut outs), mut keeps)| {
            let mut state: Vec<f32> = part.iter().flat_map(|&i| items.state(cell, i)).collect();
            let mut product = vec![0.0; part.len() * gates];
            let mut room = LeftRoom::default();
            for t in 0..items.spans[part[0]].len {
                let n = active(part, items.spans, t);
                product.chunks_exact_mut(gates).take(n).for_each(|row| row.copy_from_slice(bias));
                multiply(n, Strided::rows(&state, states), panels.all(), &mut product, gates, Onto::Add, &mut room);
                let rows = state.chunks_exact_mut(states).zip(product.chunks_exact(gates)).zip(part);
                for (((state, product), &item), (out, keep)) in rows.zip(outs.iter_mut().zip(&mut keeps)).take(n) {
                    let a = &rows_of(a, items.spans[item], gates)[t * gates..][..gates];
                    cell.advance(a, product, state, &mut keep[t * kept..][..kept]);
                    out[t * hidden..][..hidden].copy_from_slice(&state[..hidden]);
                }
            }
            state
        })
        .collect();
    let mut last = vec![0.0; items.spans.len() * states];
    for (&item, state) in parts.iter().flatten().zip(ends.iter().flat_map(|e| e.chunks_exact(states))) {
        last[item * states..][..states].copy_from_slice(state);
    }
    // SAFETY: the loops have written all positions.
    let (out, saved) = unsafe { (out.filled(), saved.filled()) };
    Forward { out, last, saved }
}

pub(super) fn backward<C: Cell>(
    cell: &C,
    inputs: &[&[f32]],
    seen: Kept<'_>,
    d_out: &[f32],
    items: Items<'_>,
) -> Vec<Vec<f32>> {
    let [_, weight, _] = inputs else { panic!("three inputs") };
    let hidden = cell.hidden();
    let (gates, states, kept) = (C::GATES * hidden, C::STATES * hidden, C::KEPT * hidden);
    let panels = Panels::of_rows(Precision::F32, &weight.chunks_exact(hidden).collect::<Vec<_>>());
    let before = hidden_before(cell, seen.out, &items);
    // Values in a row of the product's gradient, if it has one of its own.
    let own = if C::ADDED { 0 } else { gates };
    let (mut d_a, mut d_products) = (items.unfilled(gates), items.unfilled(own));
    let parts = parts(items.spans);
    // SAFETY: this thread alone holds the memory, and every position of every item is written before it is read.
    let (to, to_products) =
        unsafe { (d_a.room().range(0, items.rows * gates), d_products.room().range(0, items.rows * own)) };
    let d_as = dealt(&parts, items.rows_mut(to, gates));
    let d_ps = dealt(&parts, items.rows_mut(to_products, own));
    (parts.par_iter().zip(d_as).zip(d_ps).with_max_len(1)).for_each(|((part, mut d_as), mut d_ps)| {
        let mut d_state = vec![0.0; part.len() * states];
        let mut d_product = vec![0.0; part.len() * gates];
        let mut room = LeftRoom::default();
        for t in (0..items.spans[part[0]].len).rev() {
            let n = active(part, items.spans, t);
            let rows = d_state.chunks_exact_mut(states).zip(d_product.chunks_exact_mut(gates)).zip(part);
            for (((d_state, d_product), &item), (d_a, d_p)) in rows.zip(d_as.iter_mut().zip(&mut d_ps)).take(n) {
                let span = items.spans[item];
                let d_out = &rows_of(d_out, span, hidden)[t * hidden..][..hidden];
                d_state.iter_mut().zip(d_out).for_each(|(s, d)| *s += d);
                let kept = &rows_of(seen.saved, span, kept)[t * kept..][..kept];
                let h = &rows_of(&before, span, hidden)[t * hidden..][..hidden];
                cell.retreat(kept, h, d_state, &mut d_a[t * gates..][..gates], d_product);
                d_p[t * own..][..own].copy_from_slice(&d_product[..own]);
            }
            multiply(n, Strided::rows(&d_product, gates), panels.all(), &mut d_state, states, Onto::Add, &mut room);
        }
    });
    // SAFETY: the loops have written all positions.
    let (d_a, d_products) = unsafe { (d_a.filled(), d_products.filled()) };
    let d_products = if C::ADDED { &d_a } else { &d_products };
    let d_weight = weight_gradient(d_products, gates, &before, hidden);
    let mut d_bias = vec![0.0; gates];
    d_products.chunks_exact(gates).for_each(|row| d_bias.iter_mut().zip(row).for_each(|(s, d)| *s += d));
    vec![d_a, d_weight, d_bias]
}

/// The hidden vector before each row.
fn hidden_before<C: Cell>(cell: &C, out: &[f32], items: &Items<'_>) -> Vec<f32> {
    let hidden = cell.hidden();
    let mut before = vec![0.0; out.len()];
    for (i, rows) in items.rows_mut(&mut before, hidden).into_iter().enumerate() {
        let (first, rest) = rows.split_at_mut(hidden);
        first.copy_from_slice(&items.state(cell, i)[..hidden]);
        rest.copy_from_slice(&rows_of(out, items.spans[i], hidden)[..rest.len()]);
    }
    before
}

/// `d_product^T before`, cut by outputs among the threads.
fn weight_gradient(d_products: &[f32], gates: usize, before: &[f32], hidden: usize) -> Vec<f32> {
    const OUTPUTS: usize = 48;
    let panels = Panels::of_rows(Precision::F32, &before.chunks_exact(hidden).collect::<Vec<_>>());
    let mut d_weight = vec![0.0; gates * hidden];
    d_weight.par_chunks_mut(OUTPUTS * hidden).enumerate().for_each_init(LeftRoom::default, |room, (i, part)| {
        let left = Strided::columns(&d_products[i * OUTPUTS..], gates);
        multiply(part.len() / hidden, left, panels.all(), part, hidden, Onto::Replace, room);
    });
    d_weight
}

/// Defines the operation of a cell: all of it is this file's loop.
macro_rules! recurrent_operation {
    ($cell:ident) => {
        impl SequenceOperation for $cell {
            fn width(&self) -> usize {
                self.hidden
            }

            fn state_size(&self) -> usize {
                <Self as Cell>::STATES * self.hidden
            }

            fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
                recurrent::forward(self, inputs, items)
            }

            fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
                recurrent::backward(self, inputs, kept, d, items)
            }
        }
    };
}
pub(super) use recurrent_operation;
