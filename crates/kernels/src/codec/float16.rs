//! IEEE half precision and bfloat16 as little-endian bytes, to and from f32.
//!
//! Narrowing rounds to nearest, ties to even, as every other tool does; subnormals are kept.

use half::{bf16, f16};

/// Writes `values` as f16, two bytes each. Panics if `bytes` is not `2 * values.len()` long.
pub fn f16_from_f32(values: &[f32], bytes: &mut [u8]) {
    narrow(values, bytes, |v| f16::from_f32(v).to_le_bytes());
}

/// Reads f16 bytes. Panics if `bytes` is not `2 * values.len()` long.
pub fn f16_to_f32(bytes: &[u8], values: &mut [f32]) {
    widen(bytes, values, |b| f16::from_le_bytes(b).to_f32());
}

/// Writes `values` as bf16, two bytes each. Panics if `bytes` is not `2 * values.len()` long.
pub fn bf16_from_f32(values: &[f32], bytes: &mut [u8]) {
    narrow(values, bytes, |v| bf16::from_f32(v).to_le_bytes());
}

/// Reads bf16 bytes. Panics if `bytes` is not `2 * values.len()` long.
pub fn bf16_to_f32(bytes: &[u8], values: &mut [f32]) {
    widen(bytes, values, |b| bf16::from_le_bytes(b).to_f32());
}

fn narrow(values: &[f32], bytes: &mut [u8], one: impl Fn(f32) -> [u8; 2]) {
    assert_eq!(bytes.len(), 2 * values.len());
    for (pair, &v) in bytes.chunks_exact_mut(2).zip(values) {
        pair.copy_from_slice(&one(v));
    }
}

fn widen(bytes: &[u8], values: &mut [f32], one: impl Fn([u8; 2]) -> f32) {
    assert_eq!(bytes.len(), 2 * values.len());
    for (v, pair) in values.iter_mut().zip(bytes.chunks_exact(2)) {
        *v = one([pair[0], pair[1]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_and_bf16_pattern_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            let bytes = bits.to_le_bytes();
            let (mut v, mut back) = ([0f32], [0u8; 2]);
            f16_to_f32(&bytes, &mut v);
            if !v[0].is_nan() {
                f16_from_f32(&v, &mut back);
                assert_eq!(back, bytes);
            }
            bf16_to_f32(&bytes, &mut v);
            if !v[0].is_nan() {
                bf16_from_f32(&v, &mut back);
                assert_eq!(back, bytes);
            }
        }
    }

    #[test]
    fn ties_go_to_even() {
        // 1 + 2^-11 lies halfway between the f16 neighbours 1 and 1 + 2^-10; 1 + 3 * 2^-11 between odd and even.
        let mut bytes = [0u8; 4];
        f16_from_f32(&[1.0 + 2f32.powi(-11), 1.0 + 3.0 * 2f32.powi(-11)], &mut bytes);
        assert_eq!(bytes, [0x00, 0x3c, 0x02, 0x3c]);
    }
}
