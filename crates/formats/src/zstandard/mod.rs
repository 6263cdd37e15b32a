//! Writes Zstandard frames (RFC 8878), which any Zstandard decoder reads.
//!
//! Made for weights: bytes that repeat nothing but are unevenly distributed, each tensor in its own way. Blocks therefore end where the
//! distribution changes, and literals are Huffman-coded with the best code of the format's length; copies are found where there
//! are any, which is mostly in the vocabulary.

mod bits;
mod blocks;
mod fse;
mod huffman;
mod matches;
mod sequences;

use std::hash::Hasher as _;

/// The first bytes of a frame.
pub(crate) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How far back copies reach, and what a decoder must hold, where content is larger: every decoder takes this much.
const WINDOW: usize = 8 << 20;
/// The window as the header writes it: exponent over 2^10 in the high five bits.
const WINDOW_DESCRIPTOR: u8 = 13 << 3;

/// One frame with the content's size and checksum.
pub(crate) fn compress(content: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let size = content.len() as u64;
    let one_segment = content.len() <= WINDOW;
    // Size field, single segment, checksum.
    let (field, bytes, written) = match size {
        0..256 if one_segment => (0, 1, size),
        256..0x1_0100 => (1, 2, size - 256),
        0..0x1_0000_0000 => (2, 4, size),
        _ => (3, 8, size),
    };
    out.push(field << 6 | u8::from(one_segment) << 5 | 1 << 2);
    if !one_segment {
        out.push(WINDOW_DESCRIPTOR);
    }
    out.extend(&written.to_le_bytes()[..bytes]);

    let blocks = blocks::divide(content);
    let mut encoder = blocks::Encoder::new(content, WINDOW);
    let number = blocks.len();
    for (index, block) in blocks.into_iter().enumerate() {
        encoder.block(block, index + 1 == number, &mut out);
    }
    if number == 0 {
        // An empty last block.
        out.extend([1, 0, 0]);
    }
    let mut checksum = twox_hash::XxHash64::with_seed(0);
    checksum.write(content);
    out.extend(&checksum.finish().to_le_bytes()[..4]);
    out
}

#[cfg(test)]
mod tests;
