//! Sixteen channels at a time: the columns of an item, for operations that treat every channel by itself.

use super::super::attention::Span;

/// Channels side by side: a register of the widest instruction set.
pub(super) const LANES: usize = 16;

/// One value of each of sixteen channels.
pub(super) type Lane = [f32; LANES];

/// Blocks that `channels` channels make.
pub(super) fn blocks(channels: usize) -> usize {
    channels.div_ceil(LANES)
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
