//! Q6_K: 256 values in 6 bits each, in sixteen groups of 16 with signed 8-bit scales that are multiples of one f16.
//! 210 bytes, 6.5625 bits a value: low four bits, high two bits, scales, `d`.
//!
//! Of each half of 128 values, value `l + 32 k` (l below 32) has its low bits in byte `l + 32 (k mod 2)` of 64, in the low half of the
//! byte for k below 2, and its high bits in bits `2 k` of byte `l` of 32.

use super::block::BlockFormat;
use super::rounding::{nearest, read_f16, write_f16};
use super::scale_search::{ZERO, symmetric_scale};

/// `value = d * scale * (q - 32)`.
pub struct Q6K;

const LOW: usize = 128;
const HIGH: usize = 64;
const SCALES: usize = 16;

impl BlockFormat for Q6K {
    const LEN: usize = 256;
    const BYTES: usize = LOW + HIGH + SCALES + 2;
    const OFFSET: bool = false;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let mut quants = [0u8; 256];
        let mut scales = [0f32; SCALES];
        let groups = values.chunks_exact(16).zip(quants.chunks_exact_mut(16));
        for (scale, (x, quants)) in scales.iter_mut().zip(groups) {
            *scale = symmetric_scale(x, 32, quants);
        }
        let largest = super::rounding::extreme(&scales);
        if largest.abs() < ZERO {
            bytes.fill(0);
            return;
        }
        let inverse = -128.0 / largest;
        let (low, rest) = bytes.split_at_mut(LOW);
        let (high, rest) = rest.split_at_mut(HIGH);
        let (packed_scales, d) = rest.split_at_mut(SCALES);
        let d = write_f16(1.0 / inverse, d);
        for (i, (x, quants)) in values.chunks_exact(16).zip(quants.chunks_exact_mut(16)).enumerate() {
            let scale = nearest(inverse * scales[i]).min(127) as i8;
            packed_scales[i] = scale.cast_unsigned();
            let d = d * f32::from(scale);
            // Under a scale of zero every quant is worth the same; those of the search stay, as in ggml.
            if d == 0.0 {
                continue;
            }
            for (q, v) in quants.iter_mut().zip(x) {
                *q = (nearest(v / d).clamp(-32, 31) + 32) as u8;
            }
        }
        for (half, quants) in quants.chunks_exact(128).enumerate() {
            let (low, high) = (&mut low[half * 64..][..64], &mut high[half * 32..][..32]);
            for l in 0..32 {
                let q = [quants[l], quants[l + 32], quants[l + 64], quants[l + 96]];
                low[l] = q[0] & 15 | (q[2] & 15) << 4;
                low[l + 32] = q[1] & 15 | (q[3] & 15) << 4;
                high[l] = q[0] >> 4 | q[1] >> 4 << 2 | q[2] >> 4 << 4 | q[3] >> 4 << 6;
            }
        }
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        let (low, rest) = bytes.split_at(LOW);
        let (high, rest) = rest.split_at(HIGH);
        let (packed_scales, d) = rest.split_at(SCALES);
        let d = read_f16(d);
        offsets.fill(0.0);
        for (scale, packed) in scales.iter_mut().zip(packed_scales) {
            *scale = d * f32::from(packed.cast_signed());
        }
        for ((low, high), quants) in low.chunks_exact(64).zip(high.chunks_exact(32)).zip(quants.chunks_exact_mut(128)) {
            let (first, second) = low.split_at(32);
            for (k, quants) in quants.chunks_exact_mut(32).enumerate() {
                let low = if k % 2 == 0 { first } else { second };
                for ((q, &low), &high) in quants.iter_mut().zip(low).zip(high) {
                    let low = if k < 2 { low & 15 } else { low >> 4 };
                    *q = (low | (high >> (2 * k) & 3) << 4) as i8 - 32;
                }
            }
        }
    }
}
