//! One head of one item at a time: its columns with their rows adjacent, for operations that treat every head by itself.

use rayon::prelude::*;

use super::super::attention::Span;
use super::Items;

/// Runs `each(item, head)` for every head of every item, in this order.
pub(super) fn each_head<T: Send>(items: &Items<'_>, heads: usize, each: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let tasks = (0..items.spans.len() * heads).into_par_iter().with_max_len(1);
    tasks.map(|i| each(i / heads, i % heads)).collect()
}

/// The columns `first..first + width` of an item's rows, of `all` columns.
pub(super) fn columns(values: &[f32], span: Span, all: usize, first: usize, width: usize) -> Vec<f32> {
    let rows = &values[span.start * all..][..span.len * all];
    let mut out = Vec::with_capacity(span.len * width);
    // Row by row, as copies of memory: value by value this took a twentieth of a step.
    rows.chunks_exact(all).for_each(|row| out.extend_from_slice(&row[first..first + width]));
    out
}

/// Adds `part` to an item's rows, from column `first` on.
pub(super) fn add_columns(values: &mut [f32], span: Span, all: usize, first: usize, part: &[f32]) {
    let width = part.len() / span.len;
    let rows = values[span.start * all..][..span.len * all].chunks_exact_mut(all);
    for (row, part) in rows.zip(part.chunks_exact(width)) {
        row[first..first + width].iter_mut().zip(part).for_each(|(r, p)| *r += p);
    }
}
