//! Products with AVX-512, with and without VNNI.

use std::arch::x86_64::*;

use super::blocks::{Quants, block_product};
use super::lanes::{Lanes, dense_products};

/// AVX-512 F, BW, VL, DQ; with VNNI where the constant says so.
pub(super) struct Wide<const VNNI: bool>;

impl<const VNNI: bool> Lanes for Wide<VNNI> {
    type F = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load_f32(from: *const f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())))) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::F) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    type Bytes = __m512i;

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { _mm512_and_si512(bytes, _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn or_sixteen(bytes: Self::Bytes, mask: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract. Adding to a bit that is not set sets it.
        unsafe { _mm512_mask_add_epi8(bytes, mask.cast::<u64>().read_unaligned(), bytes, _mm512_set1_epi8(16)) }
    }

    #[inline(always)]
    unsafe fn or_top<const K: usize>(bytes: Self::Bytes, top: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe {
            let moved = match K {
                0 => _mm512_slli_epi16::<4>(top),
                1 => _mm512_slli_epi16::<2>(top),
                2 => top,
                _ => _mm512_srli_epi16::<2>(top),
            };
            // bytes | moved & 48
            _mm512_ternarylogic_epi32::<0xf8>(bytes, moved, _mm512_set1_epi8(48))
        }
    }

    type Ints = __m512i;

    #[inline(always)]
    unsafe fn start<Q: Quants>(correction: i32) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { if VNNI || Q::BITS < 8 { _mm512_set1_epi32(correction) } else { _mm512_setzero_si512() } }
    }

    #[inline(always)]
    unsafe fn dots<Q: Quants>(mut sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints {
        // SAFETY: the trait's contract: 16 readable inputs.
        unsafe {
            for (g, weights) in weights.iter().enumerate() {
                let x = _mm512_set1_epi32(x.add(4 * g).cast::<i32>().read_unaligned());
                if VNNI {
                    sums = _mm512_dpbusd_epi32(sums, *weights, x);
                    continue;
                }
                let pairs = if Q::BITS < 8 {
                    _mm512_maddubs_epi16(*weights, x)
                } else {
                    // As signed bytes: the magnitude of one with the sign on the other. 128 * 127 * 2 fits 16 bits.
                    let signed = _mm512_xor_si512(*weights, _mm512_set1_epi8(-128));
                    let turned = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(signed), _mm512_setzero_si512(), x);
                    _mm512_maddubs_epi16(_mm512_abs_epi8(signed), turned)
                };
                sums = _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn add_ints(a: Self::Ints, b: Self::Ints) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn float(sums: Self::Ints) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cvtepi32_ps(sums) }
    }
}

dense_products!(Wide<false>, ["avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"], batch 4, wide 4, single 8, view true);
block_product!(Wide<false>, ["avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"], batch 8, super 4);

/// The products with blocks by VNNI.
pub(super) mod vnni {
    use super::{Wide, block_product};
    block_product!(Wide<true>, ["avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"], batch 8, super 4);
}
