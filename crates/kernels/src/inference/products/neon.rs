//! Products with NEON, with and without its dot products.

use std::arch::aarch64::*;
use std::arch::asm;

use super::blocks::{Quants, block_product};
use super::lanes::{Lanes, dense_products};

/// NEON; with the dot products of bytes (FEAT_DotProd) where the constant says so.
pub(super) struct Quads<const DOT: bool>;

/// Adds to each of four sums the dot product of four signed bytes with four others. The intrinsic of this instruction is unstable in Rust.
///
/// # Safety
/// The machine has the instruction.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn sdot(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes these registers only; that it is there is the caller's contract.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {a:v}.16b, {b:v}.16b",
            sums = inout(vreg) sums, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

impl<const DOT: bool> Lanes for Quads<DOT> {
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
    unsafe fn load_u8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let all = vld1q_u8(from);
            let (low, high) = (vmovl_u8(vget_low_u8(all)), vmovl_u8(vget_high_u8(all)));
            [
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(high))),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let all = vld1q_s8(from.cast());
            let (low, high) = (vmovl_s8(vget_low_s8(all)), vmovl_s8(vget_high_s8(all)));
            [
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                vcvtq_f32_s32(vmovl_s16(vget_high_s16(high))),
            ]
        }
    }

    type Bytes = [uint8x16_t; 4];

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { [vld1q_u8(from), vld1q_u8(from.add(16)), vld1q_u8(from.add(32)), vld1q_u8(from.add(48))] }
    }

    #[inline(always)]
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { bytes.map(|b| vandq_u8(b, vdupq_n_u8(15))) }
    }

    #[inline(always)]
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { bytes.map(|b| vshrq_n_u8::<4>(b)) }
    }

    #[inline(always)]
    unsafe fn or_sixteen(mut bytes: Self::Bytes, mask: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract: eight readable bytes.
        unsafe {
            let bit = vcreate_u8(u64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
            for (i, bytes) in bytes.iter_mut().enumerate() {
                let set = |at: usize| vtst_u8(vdup_n_u8(*mask.add(at)), bit);
                let set = vcombine_u8(set(2 * i), set(2 * i + 1));
                *bytes = vorrq_u8(*bytes, vandq_u8(set, vdupq_n_u8(16)));
            }
            bytes
        }
    }

    #[inline(always)]
    unsafe fn or_top<const K: usize>(mut bytes: Self::Bytes, top: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe {
            for (bytes, top) in bytes.iter_mut().zip(top) {
                let moved = match K {
                    0 => vshlq_n_u8::<4>(top),
                    1 => vshlq_n_u8::<2>(top),
                    2 => top,
                    _ => vshrq_n_u8::<2>(top),
                };
                *bytes = vorrq_u8(*bytes, vandq_u8(moved, vdupq_n_u8(48)));
            }
            bytes
        }
    }

    /// Half sums, two rows to a register; with dot products whole ones in the first four registers, and zeros.
    type Ints = [int32x4_t; 8];

    #[inline(always)]
    unsafe fn start<Q: Quants>(correction: i32) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe {
            let zero = vdupq_n_s32(0);
            // Quants of eight bits are multiplied as signed bytes and need none.
            if Q::BITS == 8 {
                return [zero; 8];
            }
            if DOT {
                let all = vdupq_n_s32(correction);
                return [all, all, all, all, zero, zero, zero, zero];
            }
            // In the first of each row's two halves.
            [vld1q_s32([correction, 0, correction, 0].as_ptr()); 8]
        }
    }

    #[inline(always)]
    unsafe fn dots<Q: Quants>(mut sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints {
        // SAFETY: the trait's contract: 16 readable inputs.
        unsafe {
            for (g, weights) in weights.iter().enumerate() {
                let four = vreinterpretq_s8_s32(vdupq_n_s32(x.add(4 * g).cast::<i32>().read_unaligned()));
                if DOT {
                    for (sum, w) in sums.iter_mut().zip(*weights) {
                        *sum = sdot(*sum, signed::<Q>(w), four);
                    }
                    continue;
                }
                let x = vget_low_s8(four);
                for (sums, w) in sums.as_chunks_mut::<2>().0.iter_mut().zip(*weights) {
                    let w = signed::<Q>(w);
                    sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(w), x));
                    sums[1] = vpadalq_s16(sums[1], vmull_s8(vget_high_s8(w), x));
                }
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn add_ints(mut a: Self::Ints, b: Self::Ints) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { a.iter_mut().zip(b).for_each(|(a, b)| *a = vaddq_s32(*a, b)) };
        a
    }

    #[inline(always)]
    unsafe fn float(sums: Self::Ints) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            if DOT {
                let [a, b, c, d, ..] = sums;
                return [vcvtq_f32_s32(a), vcvtq_f32_s32(b), vcvtq_f32_s32(c), vcvtq_f32_s32(d)];
            }
            [
                vcvtq_f32_s32(vpaddq_s32(sums[0], sums[1])),
                vcvtq_f32_s32(vpaddq_s32(sums[2], sums[3])),
                vcvtq_f32_s32(vpaddq_s32(sums[4], sums[5])),
                vcvtq_f32_s32(vpaddq_s32(sums[6], sums[7])),
            ]
        }
    }
}

/// Quants as signed bytes: those of less than eight bits are below 64, of others the bias of 128 is taken off.
#[inline(always)]
unsafe fn signed<Q: Quants>(quants: uint8x16_t) -> int8x16_t {
    // SAFETY: NEON is always there.
    unsafe { vreinterpretq_s8_u8(if Q::BITS < 8 { quants } else { veorq_u8(quants, vdupq_n_u8(0x80)) }) }
}

dense_products!(Quads<false>, ["neon"], batch 4, wide 1, single 4, view false);
block_product!(Quads<false>, ["neon"], batch 2, super 1);

/// The products with blocks, by dot products.
pub(super) mod dot {
    use super::{Quads, block_product};
    block_product!(Quads<true>, ["neon,dotprod"], batch 2, super 1);
}
