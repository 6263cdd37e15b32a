//! Exponentials of a row of scores: the part of softmax that attention and cross-entropy share.

use crate::multiversion::exp;

/// Replaces scores by e^(score - maximum); returns the maximum and the sum. The sum runs in 16 parts. A NaN stays NaN and
/// makes the sum NaN.
#[inline(always)]
pub(super) fn exponentials<const FMA: bool>(scores: &mut [f32]) -> (f32, f32) {
    let mut maxima = [f32::NEG_INFINITY; 16];
    let (blocks, rest) = scores.as_chunks::<16>();
    for block in blocks {
        for (m, &s) in maxima.iter_mut().zip(block) {
            *m = if s > *m { s } else { *m };
        }
    }
    let maximum = maxima.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &s| m.max(s));
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
