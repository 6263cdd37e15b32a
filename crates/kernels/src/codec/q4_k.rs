//! Q4_K: 256 values in 4 bits each, in eight groups of 32 with 6-bit scales and minimums. 144 bytes, 4.5 bits a value.
//! After the head, 32 bytes hold two groups: the first in the low halves, the second in the high ones.

use super::block::BlockFormat;
use super::scale_search::Tries;
use super::super_block::{self, HEAD};

/// `value = d * scale * q - dmin * minimum`, q in 0..=15.
pub struct Q4K;

const TRIES: Tries = Tries { levels: 15, first: -1.0, step: 0.1, count: 20 };

impl BlockFormat for Q4K {
    const LEN: usize = 256;
    const BYTES: usize = HEAD + 128;
    const OFFSET: bool = true;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let (head, nibbles) = bytes.split_at_mut(HEAD);
        let quants = super_block::quantize(values, &TRIES, head);
        for (out, quants) in nibbles.chunks_exact_mut(32).zip(quants.chunks_exact(64)) {
            for (j, byte) in out.iter_mut().enumerate() {
                *byte = quants[j] | quants[j + 32] << 4;
            }
        }
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        super_block::unpack(bytes, scales, offsets);
        for (nibbles, quants) in bytes[HEAD..].chunks_exact(32).zip(quants.chunks_exact_mut(64)) {
            let (low, high) = quants.split_at_mut(32);
            for ((&byte, a), b) in nibbles.iter().zip(low).zip(high) {
                *a = (byte & 15) as i8;
                *b = (byte >> 4) as i8;
            }
        }
    }
}
