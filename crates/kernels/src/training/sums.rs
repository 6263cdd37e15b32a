//! Sums over rows that several operations share, in 16 running parts: they vectorize, and their order does not depend on
//! the instruction set.

use crate::multiversion::{exp, mul_add};

/// The sum of the values.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f32 {
    let (blocks, rest) = values.as_chunks::<16>();
    let mut parts = [0f32; 16];
    for block in blocks {
        parts.iter_mut().zip(block).for_each(|(s, x)| *s += x);
    }
    parts.iter().chain(rest).sum()
}

/// The sum of the products.
#[inline(always)]
pub(super) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut parts = [0f32; 16];
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((s, &x), &y) in parts.iter_mut().zip(a).zip(b) {
            *s = mul_add::<FMA>(x, y, *s);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    parts.iter().sum::<f32>() + rest
}

/// The largest value.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let mut parts = [f32::NEG_INFINITY; 16];
    let (blocks, rest) = values.as_chunks::<16>();
    for block in blocks {
        for (m, &x) in parts.iter_mut().zip(block) {
            *m = if x > *m { x } else { *m };
        }
    }
    parts.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &x| m.max(x))
}

/// Replaces scores by e^(score - maximum); returns the maximum and the sum. The sum runs in 16 parts. A NaN stays NaN and
/// makes the sum NaN.
#[inline(always)]
pub(super) fn exponentials<const FMA: bool>(scores: &mut [f32]) -> (f32, f32) {
    let maximum = largest(scores);
    let mut sums = [0f32; 16];
    let (blocks, rest) = scores.as_chunks_mut::<16>();
    for block in blocks {
        for (sum, s) in sums.iter_mut().zip(block) {
            *s = exp::<FMA>(*s - maximum);
            *sum += *s;
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for s in rest {
        *s = exp::<FMA>(*s - maximum);
        sum += *s;
    }
    (maximum, sum)
}
