//! Products with AVX-512, with and without VNNI.

use std::arch::x86_64::*;

use super::lanes::{Lanes, dense_products, quantized_product};

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
    unsafe fn block_dot(weights: *const u8, x: *const i8, correction: i32) -> Self::F {
        // SAFETY: the trait's contract: 512 readable weights, 32 readable inputs, the instruction set at hand.
        unsafe {
            if VNNI {
                // Two sums, so that one addition need not wait for the other.
                let mut even = _mm512_set1_epi32(correction);
                let mut odd = _mm512_setzero_si512();
                for pair in 0..4 {
                    let (w, x) = (weights.add(pair * 128), x.add(pair * 8).cast::<i32>());
                    let first = _mm512_set1_epi32(x.read_unaligned());
                    let second = _mm512_set1_epi32(x.add(1).read_unaligned());
                    even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(w.cast()), first);
                    odd = _mm512_dpbusd_epi32(odd, _mm512_loadu_si512(w.add(64).cast()), second);
                }
                return _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd));
            }
            // Each lane holds half of a row's sum: columns 0-1 of a group in even lanes, 2-3 in odd ones.
            let mut low = _mm512_setzero_si512();
            let mut high = _mm512_setzero_si512();
            for group in 0..8 {
                let four = x.add(group * 4).cast::<i32>().read_unaligned();
                let x = _mm512_cvtepi8_epi16(_mm256_set1_epi32(four));
                let w = weights.add(group * 64);
                let first = _mm512_cvtepu8_epi16(_mm256_loadu_si256(w.cast()));
                let second = _mm512_cvtepu8_epi16(_mm256_loadu_si256(w.add(32).cast()));
                low = _mm512_add_epi32(low, _mm512_madd_epi16(first, x));
                high = _mm512_add_epi32(high, _mm512_madd_epi16(second, x));
            }
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            let sums =
                _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
            _mm512_cvtepi32_ps(_mm512_add_epi32(sums, _mm512_set1_epi32(correction)))
        }
    }
}

dense_products!(Wide<false>, ["avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"], batch 4, wide 4, single 8, view true);
quantized_product!(Wide<false>, ["avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"], batch 4);

/// The Q8_0 product with VNNI.
pub(super) mod vnni {
    use super::{Wide, quantized_product};
    quantized_product!(Wide<true>, ["avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"], batch 4);
}
