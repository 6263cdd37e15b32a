//! The fused form against attention by features, one position after the other.

use super::*;
use crate::training::attention::Span;

fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2_003) as f32 / 1_001.0 - 1.0).collect()
}

/// `m^{-1/2} (exp(F z - |z|^2 / 2 - top) + 1e-6)`, `z = x d^{-1/4}`.
fn features(directions: &[f32], x: &[f32], of_query: bool) -> Vec<f64> {
    let scale = (x.len() as f64).powf(-0.25);
    let z: Vec<f64> = x.iter().map(|&x| f64::from(x) * scale).collect();
    let size = z.iter().map(|z| z * z).sum::<f64>() / 2.0;
    let exponent = |f: &[f32]| f.iter().zip(&z).map(|(f, z)| f64::from(*f) * z).sum::<f64>() - size;
    let exponents: Vec<f64> = directions.chunks_exact(x.len()).map(exponent).collect();
    let top = if of_query { exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { 0.0 };
    exponents.iter().map(|e| ((e.min(20.0) - top).exp() + 1e-6) / (exponents.len() as f64).sqrt()).collect()
}

#[test]
fn outputs_are_weighted_means_of_the_values_so_far() {
    let operation = Favor { heads: 2, width: 6, features: 19 };
    let (heads, width, count) = (operation.heads, operation.width, operation.features);
    let rows = 200;
    let (qkv, directions) = (values(rows * 3 * heads * width, 1), values(count * width, 2));
    let spans = [Span { start: 3, len: 150 }, Span { start: 153, len: 40 }];
    let done = operation.forward(&[&qkv, &directions], Items { rows, spans: &spans, initial: None });
    for (item, head) in (0..spans.len()).flat_map(|i| (0..heads).map(move |h| (i, h))) {
        let mut sums = vec![0.0f64; count * (width + 1)];
        for t in spans[item].start..spans[item].start + spans[item].len {
            let part = |at: usize| &qkv[(t * 3 + at) * heads * width + head * width..][..width];
            let (q, k) = (features(&directions, part(0), true), features(&directions, part(1), false));
            let v: Vec<f64> = part(2).iter().map(|&v| f64::from(v)).chain([1.0]).collect();
            let mut out = vec![0.0f64; width + 1];
            for ((sums, k), q) in sums.chunks_exact_mut(width + 1).zip(&k).zip(&q) {
                for ((sum, v), out) in sums.iter_mut().zip(&v).zip(&mut out) {
                    *sum += k * v;
                    *out += q * *sum;
                }
            }
            for (c, found) in done.out[(t * heads + head) * width..][..width].iter().enumerate() {
                assert!((f64::from(*found) - out[c] / out[width]).abs() < 2e-5, "{item} {head} {t} {c}");
            }
        }
        let size = operation.memory();
        let last = &done.last[(item * heads + head) * size..][..size];
        for (f, sums) in sums.chunks_exact(width + 1).enumerate() {
            // `S` first, then `z`.
            let found = last[f * width..][..width].iter().chain(&last[count * width + f..][..1]);
            for (found, sum) in found.zip(sums) {
                assert!((f64::from(*found) - sum).abs() < 1e-5 * sums[width], "{item} {head}: {found} {sum}");
            }
        }
    }
}
