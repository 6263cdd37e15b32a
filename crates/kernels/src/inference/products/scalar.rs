//! Products in plain Rust: what every other implementation is tested against.

use super::super::packed::BLOCK;
use super::lanes::{Lanes, dense_products, quantized_product};

pub(super) struct Plain;

/// Exact for every bit pattern, without a branch: the exponent is rebiased by a multiplication, which also normalizes
/// subnormals; infinities and NaN keep an all-ones exponent.
#[inline(always)]
pub(super) fn f16_to_f32(bits: u16) -> f32 {
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
    unsafe fn block_dot(weights: *const u8, x: *const i8, correction: i32) -> Self::F {
        // SAFETY: the caller gives 512 readable weights and 32 readable inputs.
        let (weights, x) = unsafe { (&*weights.cast::<[[[u8; 4]; 16]; 8]>(), &*x.cast::<[[i8; 4]; BLOCK / 4]>()) };
        let mut sums = [correction; 16];
        for (group, x) in weights.iter().zip(x) {
            for (sum, row) in sums.iter_mut().zip(group) {
                *sum += row.iter().zip(x).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum::<i32>();
            }
        }
        sums.map(|v| v as f32)
    }
}

dense_products!(Plain, [], batch 2, wide 1, single 2, view false);
quantized_product!(Plain, [], batch 2);

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
