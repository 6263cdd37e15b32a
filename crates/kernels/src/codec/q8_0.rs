//! Q8_0, ggml's 8-bit block format: 32 values share one f16 scale, `value = scale * q`, q in -127..=127.
//!
//! Bit for bit what ggml's reference (`quantize_row_q8_0_ref`) writes: the scale is `d = amax / 127`, stored as f16, but the
//! quants are made with `1 / d` of the unrounded f32 scale, and ties go away from zero. A block whose `d` rounds to a zero f16
//! keeps its quants all the same; it reads back as zeros.

use half::f16;

/// Values per block.
pub const BLOCK: usize = 32;
/// Bytes per block: the f16 scale, then 32 signed bytes.
pub const BLOCK_BYTES: usize = 2 + BLOCK;

/// Bytes that `n` values take; `None` when `n` is not a multiple of [`BLOCK`].
pub fn bytes_for(n: usize) -> Option<usize> {
    n.is_multiple_of(BLOCK).then_some(n / BLOCK).and_then(|blocks| blocks.checked_mul(BLOCK_BYTES))
}

/// Quantizes finite values. Panics if `values` is not a whole number of blocks or `bytes` not the fitting length.
pub fn quantize(values: &[f32], bytes: &mut [u8]) {
    assert_eq!(Some(bytes.len()), bytes_for(values.len()));
    for (block, out) in values.chunks_exact(BLOCK).zip(bytes.chunks_exact_mut(BLOCK_BYTES)) {
        let amax = block.iter().fold(0f32, |m, v| m.max(v.abs()));
        let d = amax / 127.0;
        let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
        out[..2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
        for (q, &v) in out[2..].iter_mut().zip(block) {
            *q = to_i8(v * inverse).to_le_bytes()[0];
        }
    }
}

/// Reads blocks back: `scale * q` in f32. Panics if the lengths do not fit.
pub fn dequantize(bytes: &[u8], values: &mut [f32]) {
    assert_eq!(Some(bytes.len()), bytes_for(values.len()));
    for (block, out) in bytes.chunks_exact(BLOCK_BYTES).zip(values.chunks_exact_mut(BLOCK)) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        for (v, &q) in out.iter_mut().zip(&block[2..]) {
            *v = scale * f32::from(i8::from_le_bytes([q]));
        }
    }
}

/// C's `(int8_t) roundf(v)`. Only a subnormal `d` (its inverse overflows) leaves the range of i32; x86 then gives 0.
fn to_i8(v: f32) -> i8 {
    let rounded = v.round();
    if rounded.abs() < 2_147_483_648.0 { rounded as i32 as i8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_zero_block_is_all_zero_bytes() {
        let mut bytes = [1u8; BLOCK_BYTES];
        quantize(&[0.0; BLOCK], &mut bytes);
        assert_eq!(bytes, [0u8; BLOCK_BYTES]);
    }

    #[test]
    fn ragged_lengths_have_no_size() {
        assert_eq!(bytes_for(33), None);
        assert_eq!(bytes_for(64), Some(68));
    }

    proptest! {
        #[test]
        fn the_error_is_at_most_half_a_step_and_the_scale_s_rounding(
            values in proptest::collection::vec(-3f32..3.0, BLOCK), outlier in 0usize..BLOCK
        ) {
            let mut values = values;
            values[outlier] = 100.0;
            let (mut bytes, mut back) = ([0u8; BLOCK_BYTES], [0f32; BLOCK]);
            quantize(&values, &mut bytes);
            dequantize(&bytes, &mut back);
            let d = 100.0 / 127.0;
            for (a, b) in values.iter().zip(back) {
                // f16 keeps 11 bits of the scale, which up to 127 steps multiply.
                prop_assert!((a - b).abs() <= d * (0.5 + 127.0 / 2048.0) + 1e-6, "{a} {b}");
            }
        }
    }
}
