//! Products with NEON.

use std::arch::aarch64::*;

use super::lanes::{Lanes, dense_products, quantized_product};

pub(super) struct Quads;

impl Lanes for Quads {
    type F = [float32x4_t; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [vdupq_n_f32(value); 4] }
    }

    #[inline(always)]
    unsafe fn load_f32(from: *const f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))] }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract. See `scalar::f16_to_f32` for the conversion.
        unsafe {
            let mut out = [vdupq_n_f32(0.0); 4];
            for (i, out) in out.iter_mut().enumerate() {
                let bits = vmovl_u16(vld1_u16(from.add(4 * i)));
                let magnitude = vshlq_n_u32::<13>(vandq_u32(bits, vdupq_n_u32(0x7fff)));
                let scaled = vmulq_f32(vreinterpretq_f32_u32(magnitude), vdupq_n_f32(f32::from_bits(0x7780_0000)));
                let exponent = vdupq_n_u32(0x7c00);
                let special = vandq_u32(vceqq_u32(vandq_u32(bits, exponent), exponent), vdupq_n_u32(0x7f80_0000));
                let sign = vshlq_n_u32::<16>(vandq_u32(bits, vdupq_n_u32(0x8000)));
                *out = vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(vreinterpretq_u32_f32(scaled), special), sign));
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let mut out = [vdupq_n_f32(0.0); 4];
            for (i, out) in out.iter_mut().enumerate() {
                *out = vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(from.add(4 * i))));
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1]), vmulq_f32(a[2], b[2]), vmulq_f32(a[3], b[3])] }
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1]), vaddq_f32(a[2], b[2]), vaddq_f32(a[3], b[3])] }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            [
                vfmaq_f32(c[0], a[0], b[0]),
                vfmaq_f32(c[1], a[1], b[1]),
                vfmaq_f32(c[2], a[2], b[2]),
                vfmaq_f32(c[3], a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::F) {
        // SAFETY: the trait's contract.
        unsafe {
            for (i, value) in value.into_iter().enumerate() {
                vst1q_f32(to.add(4 * i), value);
            }
        }
    }

    #[inline(always)]
    unsafe fn block_dot(weights: *const u8, x: *const i8, _correction: i32) -> Self::F {
        // SAFETY: the trait's contract: 512 readable weights, 32 readable inputs, the instruction set at hand.
        unsafe {
            // Signed by signed here, so the offset of 128 is taken off and needs no correction. Two rows each.
            let mut pairs = [vdupq_n_s32(0); 8];
            for group in 0..8 {
                let x = vreinterpret_s8_s32(vdup_n_s32(x.add(group * 4).cast::<i32>().read_unaligned()));
                for (pair, sum) in pairs.iter_mut().enumerate() {
                    let w = veor_u8(vld1_u8(weights.add(group * 64 + pair * 8)), vdup_n_u8(0x80));
                    *sum = vpadalq_s16(*sum, vmull_s8(vreinterpret_s8_u8(w), x));
                }
            }
            [
                vcvtq_f32_s32(vpaddq_s32(pairs[0], pairs[1])),
                vcvtq_f32_s32(vpaddq_s32(pairs[2], pairs[3])),
                vcvtq_f32_s32(vpaddq_s32(pairs[4], pairs[5])),
                vcvtq_f32_s32(vpaddq_s32(pairs[6], pairs[7])),
            ]
        }
    }
}

dense_products!(Quads, ["neon"], batch 4, wide 1, single 4, view false);
quantized_product!(Quads, ["neon"], batch 4);
