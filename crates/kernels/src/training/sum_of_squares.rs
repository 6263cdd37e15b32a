//! The squares of a gradient, added up: what clipping by the global norm needs.

use rayon::prelude::*;

use crate::multiversion::multiversion;

/// Values that one thread adds up at a time. Fixed, so that the sum does not depend on the number of threads.
const CHUNK: usize = 1 << 16;

/// The sum of the squares, in f64: in chunks on all threads, the chunks' sums in order, so that it repeats.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let mut sums = vec![0.0; values.len().div_ceil(CHUNK)];
    sums.par_iter_mut().zip(values.par_chunks(CHUNK)).for_each(|(sum, values)| chunk(values, sum));
    sums.iter().sum()
}

multiversion! { fn chunk(values: &[f32], sum: &mut f64) = body }

#[inline(always)]
fn body<const FMA: bool, const LANES: usize>(values: &[f32], sum: &mut f64) {
    let (blocks, rest) = values.as_chunks::<32>();
    let mut parts = [0f64; 32];
    for block in blocks {
        parts.iter_mut().zip(block).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    }
    *sum = parts.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts_once() {
        for n in [0, 1, 31, 33, CHUNK - 1, CHUNK, 2 * CHUNK + 37] {
            let values: Vec<f32> = (0..n).map(|i| (i % 7) as f32 - 3.0).collect();
            let expected: f64 = values.iter().map(|&x| f64::from(x * x)).sum();
            assert_eq!(sum_of_squares(&values), expected, "{n}");
        }
    }

    #[test]
    fn squares_beyond_f32_and_nan_are_seen() {
        assert_eq!(sum_of_squares(&[1e30, -1e30]), 2.0 * f64::from(1e30f32) * f64::from(1e30f32));
        assert!(sum_of_squares(&[0.0, f32::NAN, 1.0]).is_nan());
    }
}
