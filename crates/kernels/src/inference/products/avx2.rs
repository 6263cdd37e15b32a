//! Products with AVX2, FMA and F16C.

use std::arch::x86_64::*;

use super::blocks::block_product;
use super::lanes::{Lanes, dense_products};

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
    unsafe fn load_u8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let eight = |at: usize| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.add(at).cast())));
            [eight(0), eight(8)]
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe {
            let eight = |at: usize| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.add(at).cast())));
            [eight(0), eight(8)]
        }
    }

    type Bytes = [__m256i; 2];

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())] }
    }

    #[inline(always)]
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe {
            let low = _mm256_set1_epi8(15);
            [_mm256_and_si256(bytes[0], low), _mm256_and_si256(bytes[1], low)]
        }
    }

    #[inline(always)]
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe { Self::low_nibbles([_mm256_srli_epi16::<4>(bytes[0]), _mm256_srli_epi16::<4>(bytes[1])]) }
    }

    #[inline(always)]
    unsafe fn or_sixteen(bytes: Self::Bytes, mask: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract: eight readable bytes.
        unsafe {
            // Every byte gets the byte of the mask that holds its bit, then that bit alone.
            let bit = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
            let spread = _mm256_setr_epi8(
                0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
            );
            let or = |b: __m256i, half: usize| {
                let mask = _mm256_set1_epi32(mask.add(4 * half).cast::<i32>().read_unaligned());
                let set = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(mask, spread), bit), bit);
                _mm256_or_si256(b, _mm256_and_si256(set, _mm256_set1_epi8(16)))
            };
            [or(bytes[0], 0), or(bytes[1], 1)]
        }
    }

    #[inline(always)]
    unsafe fn or_top<const K: usize>(bytes: Self::Bytes, top: Self::Bytes) -> Self::Bytes {
        // SAFETY: the trait's contract.
        unsafe {
            let or = |b: __m256i, top: __m256i| {
                let moved = match K {
                    0 => _mm256_slli_epi16::<4>(top),
                    1 => _mm256_slli_epi16::<2>(top),
                    2 => top,
                    _ => _mm256_srli_epi16::<2>(top),
                };
                _mm256_or_si256(b, _mm256_and_si256(moved, _mm256_set1_epi8(48)))
            };
            [or(bytes[0], top[0]), or(bytes[1], top[1])]
        }
    }

    type Ints = [__m256i; 2];

    #[inline(always)]
    unsafe fn start<const SMALL: bool>(correction: i32) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_set1_epi32(if SMALL { correction } else { 0 }); 2] }
    }

    #[inline(always)]
    unsafe fn dot<const SMALL: bool>(sums: Self::Ints, weights: Self::Bytes, x: *const i8) -> Self::Ints {
        // SAFETY: the trait's contract: four readable inputs.
        unsafe {
            let [sums] = if SMALL {
                add_dots::<6, 1>([sums], &[weights], [x])
            } else {
                add_dots::<8, 1>([sums], &[weights], [x])
            };
            sums
        }
    }

    #[inline(always)]
    unsafe fn dots<const BITS: u32>(mut sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints {
        let vectors = together(BITS).min(weights.len());
        // SAFETY: the trait's contract: 16 readable inputs.
        unsafe {
            for first in (0..weights.len()).step_by(vectors) {
                [sums] = add_dots::<BITS, 1>([sums], &weights[first..][..vectors], [x.add(4 * first)]);
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn block_dots<const BITS: u32, const M: usize>(
        w: &[Self::Bytes; 8],
        x: [*const i8; M],
        corrections: [[i32; 2]; M],
    ) -> [Self::Ints; M] {
        // SAFETY: the trait's contract: 32 readable inputs of every token.
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); 2]; M];
            for (sums, [a, b]) in sums.iter_mut().zip(corrections) {
                *sums = if BITS == 8 { Self::start::<false>(0) } else { Self::start::<true>(a + b) };
            }
            for first in (0..8).step_by(together(BITS)) {
                let mut at = x;
                at.iter_mut().for_each(|x| *x = x.add(4 * first));
                sums = add_dots::<BITS, M>(sums, &w[first..][..together(BITS)], at);
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn add_ints(a: Self::Ints, b: Self::Ints) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn float(sums: Self::Ints) -> Self::F {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])] }
    }
}

/// Vectors of quants of so many bits whose products may be summed in 16 bits, two a vector: 15 * 127 * 2 * 8, 31 * 127 * 2 * 4 and 63 * 127 * 2 * 2 fit.
/// Widened together they cost one multiplication and one addition instead of one each.
const fn together(bits: u32) -> usize {
    match bits {
        4 => 8,
        5 => 4,
        6 => 2,
        _ => 1,
    }
}

/// Adds the dot products of [`together`] vectors of quants with four inputs for each of them, of `M` tokens.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn add_dots<const BITS: u32, const M: usize>(
    mut sums: [[__m256i; 2]; M],
    w: &[[__m256i; 2]],
    x: [*const i8; M],
) -> [[__m256i; 2]; M] {
    // SAFETY: the caller's contract.
    unsafe {
        let mut pairs = [[_mm256_setzero_si256(); 2]; M];
        for (g, w) in w.iter().enumerate() {
            // As signed bytes: the magnitude of one with the sign on the other. 128 * 127 * 2 fits 16 bits.
            let bias = _mm256_set1_epi8(-128);
            let signed = [_mm256_xor_si256(w[0], bias), _mm256_xor_si256(w[1], bias)];
            let magnitude = [_mm256_abs_epi8(signed[0]), _mm256_abs_epi8(signed[1])];
            for (pairs, x) in pairs.iter_mut().zip(x) {
                let x = _mm256_set1_epi32(x.add(4 * g).cast::<i32>().read_unaligned());
                if BITS == 8 {
                    pairs[0] = _mm256_maddubs_epi16(magnitude[0], _mm256_sign_epi8(x, signed[0]));
                    pairs[1] = _mm256_maddubs_epi16(magnitude[1], _mm256_sign_epi8(x, signed[1]));
                } else {
                    pairs[0] = _mm256_add_epi16(pairs[0], _mm256_maddubs_epi16(w[0], x));
                    pairs[1] = _mm256_add_epi16(pairs[1], _mm256_maddubs_epi16(w[1], x));
                }
            }
        }
        let one = _mm256_set1_epi16(1);
        for (sums, pairs) in sums.iter_mut().zip(pairs) {
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(pairs[0], one));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(pairs[1], one));
        }
        sums
    }
}

dense_products!(Narrow, ["avx2,fma,f16c"], batch 4, wide 1, single 4, view false);
block_product!(Narrow, ["avx2,fma,f16c"], batch 4, super 2);
