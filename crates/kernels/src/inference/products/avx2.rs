//! Products with AVX2, FMA and F16C.

use std::arch::x86_64::*;
use std::hint::black_box;

use super::blocks::{Quants, block_product};
use super::lanes::{Lanes, dense_products};

pub(super) struct Narrow;

impl Lanes for Narrow {
    const WIDE: bool = true;

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
    unsafe fn start<Q: Quants>(correction: i32) -> Self::Ints {
        // SAFETY: the trait's contract.
        unsafe { [_mm256_set1_epi32(if Q::BITS < 8 || Q::WIDE { correction } else { 0 }); 2] }
    }

    #[inline(always)]
    unsafe fn dots<Q: Quants>(sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints {
        // SAFETY: the trait's contract: 16 readable inputs.
        unsafe {
            let mut sums = [sums];
            add_dots::<Q, 1>(&mut sums, weights, [x]);
            sums[0]
        }
    }

    #[inline(always)]
    unsafe fn half_dots<Q: Quants, const SECOND: bool, const M: usize>(
        from: *const u8,
        x: [*const i8; M],
        corrections: [i32; M],
    ) -> [Self::Ints; M] {
        // SAFETY: the trait's contract: a block of `Q`, and 16 readable inputs of every token.
        unsafe {
            let mut sums = starts::<Q, M>(corrections);
            add_dots::<Q, M>(&mut sums, &Q::load_half::<Self, SECOND>(from), x);
            sums
        }
    }

    #[inline(always)]
    unsafe fn block_dots<Q: Quants, const M: usize>(
        from: *const u8,
        x: [*const i8; M],
        corrections: [i32; M],
    ) -> [Self::Ints; M] {
        // SAFETY: the trait's contract: a block of `Q`, and 32 readable inputs of every token.
        unsafe {
            let mut sums = starts::<Q, M>(corrections);
            // Loops that the compiler cannot unroll, unless for one token: unrolled ones take the whole block apart first and then have no register left for
            // the tokens' sums. What is black is only a loop's end.
            let end = |end: usize| if M == 1 { end } else { black_box(end) };
            if Q::WIDE {
                for g in 0..end(8) {
                    add_wide_dots(&mut sums, Self::load_bytes(from.add(64 * g)), x, 8 * g);
                }
                return sums;
            }
            if Q::BITS == 8 {
                for g in 0..end(8) {
                    add_signed_dots(&mut sums, Self::load_bytes(from.add(64 * g)), x, 4 * g);
                }
                return sums;
            }
            let vectors = together(Q::BITS) / 2;
            for first in (0..4).step_by(vectors) {
                let mut pairs = Pairs::new();
                for g in first..end(first + vectors) {
                    pairs.add(Q::vector::<Self, false>(from, g), x, 4 * g);
                    pairs.add(Q::vector::<Self, true>(from, g), x, 4 * (g + 4));
                }
                pairs.add_to(&mut sums);
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

/// The sums of `M` tokens before the first product.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn starts<Q: Quants, const M: usize>(corrections: [i32; M]) -> [[__m256i; 2]; M] {
    // SAFETY: the caller's contract. Without a closure, which would not have the instruction set.
    unsafe {
        let mut sums = [[_mm256_setzero_si256(); 2]; M];
        for (sums, correction) in sums.iter_mut().zip(corrections) {
            *sums = Narrow::start::<Q>(correction);
        }
        sums
    }
}

/// Vectors of quants of so many bits whose products may be summed in 16 bits, two a vector: 15 * 127 * 2 * 8, 31 * 127 * 2 * 4 and 63 * 127 * 2 * 2 fit.
/// Widened together they cost one multiplication and one addition instead of one each.
const fn together(bits: u32) -> usize {
    match bits {
        4 => 8,
        5 => 4,
        _ => 2,
    }
}

/// Sums of quants' products in 16 bits, of `M` tokens, two columns of a row together. As unsafe as [`Lanes`].
struct Pairs<const M: usize>([[__m256i; 2]; M]);

impl<const M: usize> Pairs<M> {
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: the caller's contract.
        Self([[unsafe { _mm256_setzero_si256() }; 2]; M])
    }

    /// Adds a vector's products with the four inputs `at` bytes behind every `x`.
    #[inline(always)]
    unsafe fn add(&mut self, w: [__m256i; 2], x: [*const i8; M], at: usize) {
        for (pairs, x) in self.0.iter_mut().zip(x) {
            // SAFETY: the caller's contract.
            unsafe {
                let x = _mm256_set1_epi32(x.add(at).cast::<i32>().read_unaligned());
                pairs[0] = _mm256_add_epi16(pairs[0], _mm256_maddubs_epi16(w[0], x));
                pairs[1] = _mm256_add_epi16(pairs[1], _mm256_maddubs_epi16(w[1], x));
            }
        }
    }

    /// Adds the sums of each row to `sums`.
    #[inline(always)]
    unsafe fn add_to(&self, sums: &mut [[__m256i; 2]; M]) {
        // SAFETY: the caller's contract.
        unsafe {
            let one = _mm256_set1_epi16(1);
            for (sums, pairs) in sums.iter_mut().zip(&self.0) {
                sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(pairs[0], one));
                sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(pairs[1], one));
            }
        }
    }
}

/// Adds the dot products of the vectors of 16 columns, quants of less than eight bits, with the 16 inputs at every `x`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn add_dots<Q: Quants, const M: usize>(
    sums: &mut [[__m256i; 2]; M],
    weights: &[[__m256i; 2]; 4],
    x: [*const i8; M],
) {
    const { assert!(Q::BITS < 8) }
    let vectors = together(Q::BITS).min(weights.len());
    for (run, weights) in weights.chunks_exact(vectors).enumerate() {
        // SAFETY: the caller's contract.
        unsafe {
            let mut pairs = Pairs::new();
            for (g, weights) in weights.iter().enumerate() {
                pairs.add(*weights, x, 4 * (run * vectors + g));
            }
            pairs.add_to(sums);
        }
    }
}

/// Adds the dot products of four bytes of each of 16 rows, 128 above their value, with the four inputs `at` bytes behind every `x`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn add_signed_dots<const M: usize>(sums: &mut [[__m256i; 2]; M], w: [__m256i; 2], x: [*const i8; M], at: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        // The magnitude of one with the sign on the other: 128 * 127 * 2 fits 16 bits.
        let (bias, one) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        let signed = [_mm256_xor_si256(w[0], bias), _mm256_xor_si256(w[1], bias)];
        let magnitude = [_mm256_abs_epi8(signed[0]), _mm256_abs_epi8(signed[1])];
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = _mm256_set1_epi32(x.add(at).cast::<i32>().read_unaligned());
            for ((sum, magnitude), signed) in sums.iter_mut().zip(magnitude).zip(signed) {
                let pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, signed));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, one));
            }
        }
    }
}

/// Adds the dot products of four unsigned bytes of each of 16 rows with the four inputs `at` bytes behind every `x`, 16-bit numbers in the order of
/// [`wide_order`](super::quantize::wide_order). For several tokens this takes fewer instructions than moving the weights' signs to every
/// token's inputs; for one it takes more.
///
/// # Safety
/// As for [`Lanes`]; there are eight readable bytes.
#[inline(always)]
unsafe fn add_wide_dots<const M: usize>(sums: &mut [[__m256i; 2]; M], w: [__m256i; 2], x: [*const i8; M], at: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        let low = _mm256_set1_epi16(0xff);
        let even = [_mm256_and_si256(w[0], low), _mm256_and_si256(w[1], low)];
        let odd = [_mm256_srli_epi16::<8>(w[0]), _mm256_srli_epi16::<8>(w[1])];
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = x.add(at).cast::<i32>();
            let (a, b) = (_mm256_set1_epi32(x.read_unaligned()), _mm256_set1_epi32(x.add(1).read_unaligned()));
            for ((sum, even), odd) in sums.iter_mut().zip(even).zip(odd) {
                let pair = _mm256_add_epi32(_mm256_madd_epi16(even, a), _mm256_madd_epi16(odd, b));
                *sum = _mm256_add_epi32(*sum, pair);
            }
        }
    }
}

dense_products!(Narrow, ["avx2,fma,f16c"], batch 4, wide 1, single 4, view false);
block_product!(Narrow, ["avx2,fma,f16c"], batch 4, super 4);
