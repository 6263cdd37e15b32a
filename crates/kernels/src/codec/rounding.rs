//! Conversions to integers as the C of ggml's reference makes them on x86, and f16 scales.

use half::f16;

/// C's `(int) v`: towards zero; what does not fit gives the least integer, as the processor's instruction does.
/// Narrowed further, that integer is zero.
pub(super) fn truncated(v: f32) -> i32 {
    if v.abs() < 2_147_483_648.0 { v as i32 } else { i32::MIN }
}

/// ggml's `nearest_int`: to nearest, ties to even, for magnitudes below 2^22; beyond them whatever the same bits give.
pub(super) fn nearest(v: f32) -> i32 {
    let bits = (v + 12_582_912.0).to_bits();
    (bits & 0x007f_ffff) as i32 - 0x0040_0000
}

/// The inverse of a scale; 0 for a scale of 0.
pub(super) fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

/// The f16 at the front of `bytes`, widened.
#[inline(always)]
pub(super) fn read_f16(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Writes `v` as f16 to the front of `bytes` and returns what reads back.
pub(super) fn write_f16(v: f32, bytes: &mut [u8]) -> f32 {
    let half = f16::from_f32(v);
    bytes[..2].copy_from_slice(&half.to_le_bytes());
    half.to_f32()
}

/// The value of the largest magnitude, with its sign; the first of equals. 0 for zeros.
pub(super) fn extreme(values: &[f32]) -> f32 {
    values.iter().fold(0f32, |m, &v| if v.abs() > m.abs() { v } else { m })
}

/// Smallest and largest value, starting from the ends of f32 as ggml does.
pub(super) fn range(values: &[f32]) -> (f32, f32) {
    let take = |(low, high): (f32, f32), &v: &f32| (if v < low { v } else { low }, if v > high { v } else { high });
    values.iter().fold((f32::MAX, -f32::MAX), take)
}
