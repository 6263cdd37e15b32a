//! Q4_0 and Q4_1: 32 values in 4 bits each, with an f16 scale (Q4_0) or an f16 scale and minimum (Q4_1).
//! Byte `j` holds value `j` in its low half and value `j + 16` in its high half.

use super::block::BlockFormat;
use super::rounding::{extreme, inverse, range, read_f16, truncated, write_f16};

/// `value = d * (q - 8)`: the value of the largest magnitude becomes -8.
pub struct Q4_0;

/// `value = d * q + m`.
pub struct Q4_1;

impl BlockFormat for Q4_0 {
    const LEN: usize = 32;
    const BYTES: usize = 18;
    const OFFSET: bool = false;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let d = extreme(values) / -8.0;
        let inverse = inverse(d);
        write_f16(d, bytes);
        pack(values, &mut bytes[2..], |v| v * inverse + 8.5);
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        scales.fill(read_f16(bytes));
        offsets.fill(0.0);
        unpack_nibbles(&bytes[2..], quants, 8);
    }
}

impl BlockFormat for Q4_1 {
    const LEN: usize = 32;
    const BYTES: usize = 20;
    const OFFSET: bool = true;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let (low, high) = range(values);
        let d = (high - low) / 15.0;
        let inverse = inverse(d);
        write_f16(d, bytes);
        write_f16(low, &mut bytes[2..]);
        pack(values, &mut bytes[4..], |v| (v - low) * inverse + 0.5);
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        scales.fill(read_f16(bytes));
        offsets.fill(read_f16(&bytes[2..]));
        unpack_nibbles(&bytes[4..], quants, 0);
    }
}

/// Packs values that `level` makes positive numbers to be cut to integers.
fn pack(values: &[f32], out: &mut [u8], level: impl Fn(f32) -> f32) {
    // C narrows to a signed byte before it takes the smaller of that and 15.
    let quant = |v: f32| (truncated(level(v)) as i8).min(15) as u8;
    let (low, high) = values.split_at(16);
    for ((byte, &a), &b) in out.iter_mut().zip(low).zip(high) {
        *byte = quant(a) | quant(b) << 4;
    }
}

#[inline(always)]
fn unpack_nibbles(bytes: &[u8], quants: &mut [i8], bias: i8) {
    let (low, high) = quants.split_at_mut(16);
    for ((&byte, a), b) in bytes.iter().zip(low).zip(high) {
        *a = (byte & 15) as i8 - bias;
        *b = (byte >> 4) as i8 - bias;
    }
}
