//! Products with AVX2, FMA and F16C.

use std::arch::x86_64::*;

use super::lanes::{Lanes, dense_products, quantized_product};

pub(super) struct Narrow;

impl Lanes for Narrow {
    type F = [__m256; 2];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load_f32(from: *const f32) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_cvtph_ps(_mm_loadu_si128(from.cast())), _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast()))] }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(8).cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high))]
        }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::F) {
        // SAFETY: the trait's contract.
        unsafe {
            _mm256_storeu_ps(to, value[0]);
            _mm256_storeu_ps(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn block_dot(weights: *const u8, x: *const i8, correction: i32) -> Self::F {
        // SAFETY: the trait's contract: 512 readable weights, 32 readable inputs, the instruction set at hand.
        unsafe {
            // In 16-bit steps, which are exact; `maddubs` would saturate. Four rows each, half sums in neighbouring lanes.
            let mut quarters = [_mm256_setzero_si256(); 4];
            for group in 0..8 {
                let four = x.add(group * 4).cast::<i32>().read_unaligned();
                let x = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
                for (quarter, sum) in quarters.iter_mut().enumerate() {
                    let w = _mm_loadu_si128(weights.add(group * 64 + quarter * 16).cast());
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepu8_epi16(w), x));
                }
            }
            let correction = _mm256_set1_epi32(correction);
            // hadd works within 128-bit halves: the middle quarters of the result change places.
            let low = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(quarters[0], quarters[1]));
            let high = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(quarters[2], quarters[3]));
            [
                _mm256_cvtepi32_ps(_mm256_add_epi32(low, correction)),
                _mm256_cvtepi32_ps(_mm256_add_epi32(high, correction)),
            ]
        }
    }
}

dense_products!(Narrow, ["avx2,fma,f16c"], batch 4, wide 1, single 4, view false);
quantized_product!(Narrow, ["avx2,fma,f16c"], batch 4);
