//! Q8_0, ggml's 8-bit block format: 32 values share one f16 scale, `value = scale * q`, q in -127..=127.
//!
//! The scale is `d = amax / 127`, stored as f16, but the quants are made with `1 / d` of the unrounded f32 scale, and ties go away
//! from zero. A block whose `d` rounds to a zero f16 keeps its quants all the same; it reads back as zeros.

use super::block::BlockFormat;
use super::rounding::{extreme, inverse, read_f16, truncated, write_f16};

/// 32 values in an f16 scale and 32 signed bytes.
pub struct Q8_0;

impl BlockFormat for Q8_0 {
    const LEN: usize = 32;
    const BYTES: usize = 34;
    const OFFSET: bool = false;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let d = extreme(values).abs() / 127.0;
        let inverse = inverse(d);
        write_f16(d, bytes);
        for (q, &v) in bytes[2..].iter_mut().zip(values) {
            *q = truncated((v * inverse).round()) as u8;
        }
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        scales.fill(read_f16(bytes));
        offsets.fill(0.0);
        for (q, &b) in quants.iter_mut().zip(&bytes[2..]) {
            *q = b.cast_signed();
        }
    }
}
