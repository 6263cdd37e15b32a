//! Q5_K: 256 values in 5 bits each, in eight groups of 32 with 6-bit scales and minimums. 176 bytes, 5.5 bits a value.
//! After the head, 32 bytes hold the fifth bits (bit `g` of byte `j` is value `j` of group `g`), then the rest lies as in Q4_K.

use super::block::BlockFormat;
use super::scale_search::Tries;
use super::super_block::{self, HEAD};

/// `value = d * scale * q - dmin * minimum`, q in 0..=31.
pub struct Q5K;

const TRIES: Tries = Tries { levels: 31, first: -0.5, step: 0.1, count: 15 };

impl BlockFormat for Q5K {
    const LEN: usize = 256;
    const BYTES: usize = HEAD + 32 + 128;
    const OFFSET: bool = true;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let (head, rest) = bytes.split_at_mut(HEAD);
        let (fifths, nibbles) = rest.split_at_mut(32);
        let quants = super_block::quantize(values, &TRIES, head);
        fifths.fill(0);
        for (i, (out, quants)) in nibbles.chunks_exact_mut(32).zip(quants.chunks_exact(64)).enumerate() {
            for (j, (byte, fifth)) in out.iter_mut().zip(&mut *fifths).enumerate() {
                let (a, b) = (quants[j], quants[j + 32]);
                *byte = a & 15 | (b & 15) << 4;
                *fifth |= a >> 4 << (2 * i) | b >> 4 << (2 * i + 1);
            }
        }
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        super_block::unpack(bytes, scales, offsets);
        let (fifths, nibbles) = bytes[HEAD..].split_at(32);
        for (i, (nibbles, quants)) in nibbles.chunks_exact(32).zip(quants.chunks_exact_mut(64)).enumerate() {
            let (low, high) = quants.split_at_mut(32);
            for (((&byte, &fifth), a), b) in nibbles.iter().zip(fifths).zip(low).zip(high) {
                *a = (byte & 15 | (fifth >> (2 * i) & 1) << 4) as i8;
                *b = (byte >> 4 | (fifth >> (2 * i + 1) & 1) << 4) as i8;
            }
        }
    }
}
