//! Q5_0 and Q5_1: 32 values in 5 bits each, with an f16 scale (Q5_0) or an f16 scale and minimum (Q5_1).
//! The low four bits lie as in Q4_0; the fifth bits are one little-endian u32, bit `i` for value `i`, before them.

use super::block::BlockFormat;
use super::rounding::{extreme, inverse, range, read_f16, truncated, write_f16};

/// `value = d * (q - 16)`: the value of the largest magnitude becomes -16.
pub struct Q5_0;

/// `value = d * q + m`.
pub struct Q5_1;

impl BlockFormat for Q5_0 {
    const LEN: usize = 32;
    const BYTES: usize = 22;
    const OFFSET: bool = false;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let d = extreme(values) / -16.0;
        let inverse = inverse(d);
        write_f16(d, bytes);
        // C narrows to a signed byte before it takes the smaller of that and 31.
        pack(values, &mut bytes[2..], |v| (truncated(v * inverse + 16.5) as i8).min(31) as u8);
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        scales.fill(read_f16(bytes));
        offsets.fill(0.0);
        unpack(&bytes[2..], quants, 16);
    }
}

impl BlockFormat for Q5_1 {
    const LEN: usize = 32;
    const BYTES: usize = 24;
    const OFFSET: bool = true;

    fn quantize(values: &[f32], bytes: &mut [u8]) {
        let (low, high) = range(values);
        let d = (high - low) / 31.0;
        let inverse = inverse(d);
        write_f16(d, bytes);
        write_f16(low, &mut bytes[2..]);
        pack(values, &mut bytes[4..], |v| truncated((v - low) * inverse + 0.5) as u8);
    }

    #[inline(always)]
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]) {
        scales.fill(read_f16(bytes));
        offsets.fill(read_f16(&bytes[2..]));
        unpack(&bytes[4..], quants, 0);
    }
}

fn pack(values: &[f32], out: &mut [u8], quant: impl Fn(f32) -> u8) {
    let (fifths, nibbles) = out.split_at_mut(4);
    let (low, high) = values.split_at(16);
    let mut bits = 0u32;
    for (j, ((byte, &a), &b)) in nibbles.iter_mut().zip(low).zip(high).enumerate() {
        let (a, b) = (quant(a), quant(b));
        *byte = a & 15 | (b & 15) << 4;
        bits |= u32::from(a >> 4 & 1) << j | u32::from(b >> 4 & 1) << (j + 16);
    }
    fifths.copy_from_slice(&bits.to_le_bytes());
}

#[inline(always)]
fn unpack(bytes: &[u8], quants: &mut [i8], bias: i8) {
    let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let (low, high) = quants.split_at_mut(16);
    for (j, ((&byte, a), b)) in bytes[4..].iter().zip(low).zip(high).enumerate() {
        *a = (byte & 15 | ((bits >> j & 1) << 4) as u8) as i8 - bias;
        *b = (byte >> 4 | ((bits >> (j + 16) & 1) << 4) as u8) as i8 - bias;
    }
}
