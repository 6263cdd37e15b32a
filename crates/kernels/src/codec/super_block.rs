//! What Q4_K and Q5_K share: 256 values in eight groups of 32, whose scales and minimums are 6-bit multiples of two f16.
//!
//! A block begins with `d` and `dmin` (f16), then twelve bytes of scales and minimums: those of groups 0 to 3 in the low six bits
//! of bytes 0 to 3 and 4 to 7; of groups 4 to 7 the low four bits in bytes 8 to 11 and the high two in the top of bytes 0 to 7.

use super::rounding::{nearest, read_f16, write_f16};
use super::scale_search::{Tries, scale_and_minimum};

/// Values per group.
const GROUP: usize = 32;
/// Bytes of `d`, `dmin`, scales and minimums.
pub(super) const HEAD: usize = 16;

/// Writes the head for 256 values and returns their quants, each between 0 and `tries.levels`.
pub(super) fn quantize(values: &[f32], tries: &Tries, head: &mut [u8]) -> [u8; 256] {
    let (mut scales, mut minimums) = ([0f32; 8], [0f32; 8]);
    let mut quants = [0u8; 256];
    for (j, x) in values.chunks_exact(GROUP).enumerate() {
        let squares = x.iter().fold(0f32, |sum, v| sum + v * v);
        let mean = (squares / 32.0).sqrt();
        let mut weights = [0f32; GROUP];
        weights.iter_mut().zip(x).for_each(|(w, v)| *w = mean + v.abs());
        (scales[j], minimums[j]) = scale_and_minimum(x, &weights, tries, &mut quants[j * GROUP..][..GROUP]);
    }
    let largest = |of: &[f32; 8]| of.iter().fold(0f32, |m, &v| if v > m { v } else { m });
    let (max_scale, max_minimum) = (largest(&scales), largest(&minimums));
    let inverse = |max: f32| if max > 0.0 { 63.0 / max } else { 0.0 };
    // C narrows to an unsigned byte before it takes the smaller of that and 63.
    let six_bits = |inverse: f32, v: f32| (nearest(inverse * v) as u8).min(63);
    let (by_scale, by_minimum) = (inverse(max_scale), inverse(max_minimum));
    let packed = &mut head[4..HEAD];
    packed.fill(0);
    for j in 0..8 {
        let (scale, minimum) = (six_bits(by_scale, scales[j]), six_bits(by_minimum, minimums[j]));
        if j < 4 {
            (packed[j], packed[j + 4]) = (scale, minimum);
        } else {
            packed[j + 4] = scale & 15 | (minimum & 15) << 4;
            packed[j - 4] |= scale >> 4 << 6;
            packed[j] |= minimum >> 4 << 6;
        }
    }
    write_f16(max_scale / 63.0, head);
    write_f16(max_minimum / 63.0, &mut head[2..]);
    let (scales, minimums) = scales_and_minimums(head);
    for (j, (x, quants)) in values.chunks_exact(GROUP).zip(quants.chunks_exact_mut(GROUP)).enumerate() {
        // Under a scale of zero every quant is worth the same; those of the search stay, as in ggml.
        if scales[j] == 0.0 {
            continue;
        }
        for (q, v) in quants.iter_mut().zip(x) {
            *q = nearest((v + minimums[j]) / scales[j]).clamp(0, tries.levels) as u8;
        }
    }
    quants
}

/// The six-bit scales and minimums of the eight groups of a block that begins with this head.
#[inline(always)]
pub(crate) fn sub_scales(head: &[u8]) -> ([u8; 8], [u8; 8]) {
    let packed = &head[4..HEAD];
    let (mut scales, mut minimums) = ([0; 8], [0; 8]);
    for j in 0..8 {
        (scales[j], minimums[j]) = if j < 4 {
            (packed[j] & 63, packed[j + 4] & 63)
        } else {
            (packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4)
        };
    }
    (scales, minimums)
}

/// Scales and minimums of the eight groups, as f32 products of the f16 and the six bits.
#[inline(always)]
pub(super) fn scales_and_minimums(head: &[u8]) -> ([f32; 8], [f32; 8]) {
    let (d, dmin) = (read_f16(head), read_f16(&head[2..]));
    let (scales, minimums) = sub_scales(head);
    (scales.map(|s| d * f32::from(s)), minimums.map(|m| dmin * f32::from(m)))
}

/// The head's scales and minimums as the groups and pairs of `BlockFormat::unpack`.
#[inline(always)]
pub(super) fn unpack(head: &[u8], scales: &mut [f32], offsets: &mut [f32]) {
    let (group_scales, minimums) = scales_and_minimums(head);
    for (pair, scale) in scales.chunks_exact_mut(2).zip(group_scales) {
        pair.fill(scale);
    }
    offsets.iter_mut().zip(minimums).for_each(|(offset, minimum)| *offset = -minimum);
}
