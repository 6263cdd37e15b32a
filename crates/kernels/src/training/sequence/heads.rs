//! One head of one item at a time: its columns with their rows adjacent, for operations that treat every head by itself.

use rayon::prelude::*;

use super::super::attention::Span;
use super::super::disjoint::Disjoint;
use super::Items;
use super::chunk::Rows;

/// Runs `each(item, head)` for every head of every item, in this order.
pub(super) fn each_head<T: Send>(items: &Items<'_>, heads: usize, each: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let tasks = (0..items.spans.len() * heads).into_par_iter().with_max_len(1);
    tasks.map(|i| each(i / heads, i % heads)).collect()
}

/// Columns that a head has of some matrix's rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// Values in a row of all heads.
    pub all: usize,
    /// The first of the head's.
    pub first: usize,
    /// How many they are.
    pub width: usize,
}

impl Columns {
    /// The values at a row.
    pub(super) fn of<'a>(&self, values: &'a [f32], row: usize) -> &'a [f32] {
        &values[row * self.all + self.first..][..self.width]
    }

    /// The values from a row on.
    pub(super) fn rows<'a>(&self, values: &'a [f32], row: usize) -> Rows<'a> {
        Rows::apart(&values[row * self.all + self.first..], self.all, self.width)
    }

    /// Where the values at a row are written.
    ///
    /// # Safety
    /// No one else holds this head's columns of the row.
    pub(super) unsafe fn to<'a>(&self, room: Disjoint<'a>, row: usize) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { room.range(row * self.all + self.first, self.width) }
    }

    /// Writes rows that lie side by side, from `row` on.
    ///
    /// # Safety
    /// No one else holds this head's columns of these rows.
    pub(super) unsafe fn write(&self, room: Disjoint<'_>, row: usize, from: &[f32]) {
        for (i, from) in from.chunks_exact(self.width).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.to(room, row + i) }.copy_from_slice(from);
        }
    }
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
