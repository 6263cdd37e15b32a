//! What carries a state along a sequence, forward and backward: the recurrences and convolutions of the mixers, on packed
//! items. Everything that a matrix product does better stays outside.
//!
//! An item is a run of rows ([`Span`]). Its state begins as zeros (or as [`SequenceOperation::start`] says), or continues
//! where an earlier chunk of the same item ended; no gradient passes from one chunk to the earlier one.

mod channels;
mod chunk;
mod favor;
mod gru;
mod heads;
mod linear_attention;
mod long_convolution;
mod lstm;
mod recurrent;
mod retention;
mod s4d;
mod short_convolution;
#[cfg(test)]
mod tests;
mod time_shift;
mod wkv4;
mod wkv7;

pub use favor::Favor;
pub use gru::Gru;
pub use linear_attention::LinearAttention;
pub use long_convolution::LongConvolution;
pub use lstm::Lstm;
pub use retention::Retention;
pub use s4d::S4d;
pub use short_convolution::ShortConvolution;
pub use time_shift::TimeShift;
pub use wkv4::Wkv4;
pub use wkv7::Wkv7;

use std::fmt::Debug;

use super::attention::Span;
use super::disjoint::{Disjoint, Unfilled};

/// The items of a call.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    /// Rows of every input that has rows, and of the output.
    pub rows: usize,
    /// The items: disjoint and ascending. Rows outside come out as zeros.
    pub spans: &'a [Span],
    /// The state that each item continues, `[items, state size]`; none for items that begin.
    pub initial: Option<&'a [f32]>,
}

impl Items<'_> {
    /// The state before the first row of item `i`.
    fn state(&self, operation: &dyn SequenceOperation, i: usize) -> Vec<f32> {
        let size = operation.state_size();
        match self.initial {
            Some(all) => all[i * size..][..size].to_vec(),
            None => {
                let mut state = vec![0.0; size];
                operation.start(&mut state);
                state
            }
        }
    }

    /// Room for rows of `width` values, which are zeros outside the items; whoever asks writes the others.
    fn unfilled(&self, width: usize) -> Unfilled {
        let mut fresh = Unfilled::new(self.rows * width);
        // SAFETY: this thread alone holds the memory.
        unsafe { self.zero_outside(fresh.room(), width) };
        fresh
    }

    /// Writes zeros to the rows outside the items, `width` values each.
    ///
    /// # Safety
    /// No one else holds these rows.
    unsafe fn zero_outside(&self, room: Disjoint<'_>, width: usize) {
        let mut end = 0;
        for span in self.spans.iter().copied().chain([Span { start: self.rows, len: 0 }]) {
            // SAFETY: the caller's promise.
            unsafe { room.range(end * width, (span.start - end) * width) }.fill(0.0);
            end = span.start + span.len;
        }
    }

    /// Each item's rows of a matrix with rows of `width`, to be written.
    fn rows_mut<'b>(&self, mut values: &'b mut [f32], width: usize) -> Vec<&'b mut [f32]> {
        let mut at = 0;
        let mut of = |span: &Span| {
            let (_, rest) = std::mem::take(&mut values).split_at_mut((span.start - at) * width);
            let (rows, rest) = rest.split_at_mut(span.len * width);
            values = rest;
            at = span.start + span.len;
            rows
        };
        self.spans.iter().map(&mut of).collect()
    }
}

/// An item's rows of a matrix with rows of `width`.
fn rows_of(values: &[f32], span: Span, width: usize) -> &[f32] {
    &values[span.start * width..][..span.len * width]
}

/// What a forward pass gives.
#[derive(Clone, Debug, Default)]
pub struct Forward {
    /// `[rows, width]`.
    pub out: Vec<f32>,
    /// The state after the last row of each item, `[items, state size]`.
    pub last: Vec<f32>,
    /// What the backward pass wants to have kept.
    pub saved: Vec<f32>,
}

/// What the backward pass sees of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// [`Forward::out`].
    pub out: &'a [f32],
    /// [`Forward::saved`].
    pub saved: &'a [f32],
}

/// An operation along a sequence with its own backward pass.
pub trait SequenceOperation: Debug + Send + Sync {
    /// Values in a row of the output.
    fn width(&self) -> usize;

    /// Values in the state of an item.
    fn state_size(&self) -> usize;

    /// Fills in the state before an item, which is zeros when it comes.
    fn start(&self, _state: &mut [f32]) {}

    /// The output. What the inputs are is said where an operation is defined.
    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward;

    /// The gradient of every input, given that of the output, which is finite in all rows of items. That of an input which is a
    /// constant is empty.
    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>>;
}

/// The sum of parts of one length, in their order.
fn summed(parts: Vec<Vec<f32>>, len: usize) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_else(|| vec![0.0; len]);
    for part in parts {
        sum.iter_mut().zip(&part).for_each(|(s, p)| *s += p);
    }
    sum
}
