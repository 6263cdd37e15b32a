//! Products in plain Rust: what every other implementation is tested against.

use super::blocks::{Quants, block_product};
use super::lanes::{Lanes, dense_products};

pub(super) struct Plain;

/// Exact for every bit pattern, without a branch: the exponent is rebiased by a multiplication, which also normalizes
/// subnormals; infinities and NaN keep an all-ones exponent.
#[inline(always)]
pub(in crate::inference) fn f16_to_f32(bits: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(magnitude.to_bits() | special | u32::from(bits & 0x8000) << 16)
}

impl Lanes for Plain {
    type F = [f32; 16];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        [value; 16]
    }

    #[inline(always)]
    unsafe fn load_f32(from: *const f32) -> Self::F {
        // SAFETY: the caller gives 16 readable elements.
        unsafe { from.cast::<[f32; 16]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self::F {
        // SAFETY: the caller gives 16 readable elements.
        let bits = unsafe { from.cast::<[u16; 16]>().read_unaligned() };
        let mut out = [0.0; 16];
        out.iter_mut().zip(bits).for_each(|(o, b)| *o = f16_to_f32(b));
        out
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: the caller gives 16 readable elements.
        let bits = unsafe { from.cast::<[u16; 16]>().read_unaligned() };
        let mut out = [0.0; 16];
        out.iter_mut().zip(bits).for_each(|(o, b)| *o = f32::from_bits(u32::from(b) << 16));
        out
    }

    #[inline(always)]
    unsafe fn mul(mut a: Self::F, b: Self::F) -> Self::F {
        a.iter_mut().zip(b).for_each(|(a, b)| *a *= b);
        a
    }

    #[inline(always)]
    unsafe fn add(mut a: Self::F, b: Self::F) -> Self::F {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::F, b: Self::F, mut c: Self::F) -> Self::F {
        // Not fused: without the instruction `f32::mul_add` is a slow library call.
        for i in 0..16 {
            c[i] += a[i] * b[i];
        }
        c
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::F) {
        // SAFETY: the caller gives 16 writable elements.
        unsafe { to.cast::<[f32; 16]>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self::F {
        // SAFETY: the caller gives 16 readable elements.
        unsafe { from.cast::<[u8; 16]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> Self::F {
        // SAFETY: the caller gives 16 readable elements.
        unsafe { from.cast::<[i8; 16]>().read_unaligned() }.map(f32::from)
    }

    type Bytes = [u8; 64];

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes {
        // SAFETY: the caller gives 64 readable bytes.
        unsafe { from.cast::<[u8; 64]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|b| b & 15)
    }

    #[inline(always)]
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|b| b >> 4)
    }

    #[inline(always)]
    unsafe fn or_sixteen(mut bytes: Self::Bytes, mask: *const u8) -> Self::Bytes {
        // SAFETY: the caller gives eight readable bytes.
        let mask = u64::from_le_bytes(unsafe { mask.cast::<[u8; 8]>().read_unaligned() });
        bytes.iter_mut().enumerate().for_each(|(i, b)| *b |= ((mask >> i & 1) << 4) as u8);
        bytes
    }

    #[inline(always)]
    unsafe fn or_top<const K: usize>(mut bytes: Self::Bytes, top: Self::Bytes) -> Self::Bytes {
        bytes.iter_mut().zip(top).for_each(|(b, top)| *b |= (top >> (2 * K) & 3) << 4);
        bytes
    }

    type Ints = [i32; 16];

    #[inline(always)]
    unsafe fn start<Q: Quants>(correction: i32) -> Self::Ints {
        [correction; 16]
    }

    #[inline(always)]
    unsafe fn dots<Q: Quants>(mut sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints {
        // SAFETY: the caller gives 16 readable inputs.
        let x = unsafe { x.cast::<[[i8; 4]; 4]>().read_unaligned() };
        for (weights, x) in weights.iter().zip(x) {
            for (sum, row) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                *sum += row.iter().zip(x).map(|(w, x)| i32::from(*w) * i32::from(x)).sum::<i32>();
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn add_ints(mut a: Self::Ints, b: Self::Ints) -> Self::Ints {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    }

    #[inline(always)]
    unsafe fn float(sums: Self::Ints) -> Self::F {
        sums.map(|v| v as f32)
    }
}

dense_products!(Plain, [], batch 2, wide 1, single 2, view false);
block_product!(Plain, [], batch 2, super 1);

#[cfg(test)]
mod tests {
    #[test]
    fn every_half_converts_exactly() {
        for bits in 0..=u16::MAX {
            let (ours, reference) = (super::f16_to_f32(bits), half::f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == reference.to_bits() || (ours.is_nan() && reference.is_nan()), "{bits:#x}");
        }
    }
}
