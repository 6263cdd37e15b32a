//! Sixteen channels at a time: the columns of an item, for operations that treat every channel by itself.

use rayon::prelude::*;

use super::super::attention::Span;
use super::Items;

/// Channels side by side: a register of the widest instruction set.
pub(super) const LANES: usize = 16;

/// One value of each of sixteen channels.
pub(super) type Lane = [f32; LANES];

/// Sixteen channels, or what is left of them, of one item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub item: usize,
    pub span: Span,
    /// Which block of channels.
    pub at: usize,
}

/// Runs `each` for every block of channels of every item, in this order.
pub(super) fn each_block<T: Send>(
    items: &Items<'_>,
    channels: usize,
    each: impl Fn(Block) -> T + Sync,
) -> Vec<(Block, T)> {
    let blocks = channels.div_ceil(LANES);
    let task = |i: usize| {
        let block = Block { item: i / blocks, span: items.spans[i / blocks], at: i % blocks };
        (block, each(block))
    };
    (0..items.spans.len() * blocks).into_par_iter().with_max_len(1).map(task).collect()
}

/// Block `block` of the rows; channels that are not there are zeros.
pub(super) fn gather(values: &[f32], channels: usize, span: Span, block: usize) -> Vec<Lane> {
    let first = block * LANES;
    let width = LANES.min(channels - first);
    let rows = values[span.start * channels..][..span.len * channels].chunks_exact(channels);
    let lane = |row: &[f32]| {
        let mut lane = [0.0; LANES];
        lane[..width].copy_from_slice(&row[first..][..width]);
        lane
    };
    rows.map(lane).collect()
}

/// Adds the channels of a block to the rows.
pub(super) fn add(values: &mut [f32], channels: usize, span: Span, block: usize, lanes: &[Lane]) {
    let first = block * LANES;
    let width = LANES.min(channels - first);
    let rows = values[span.start * channels..][..span.len * channels].chunks_exact_mut(channels);
    for (row, lane) in rows.zip(lanes) {
        row[first..][..width].iter_mut().zip(lane).for_each(|(r, l)| *r += l);
    }
}
