//! The fused form against retention, one position after the other.

use super::*;
use crate::training::attention::Span;

fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2_003) as f32 / 1_001.0 - 1.0).collect()
}

/// Neighbours turned by `position * 10000^{-j / (d/2 - 1)}`.
fn turned(x: &[f32], position: usize) -> Vec<f64> {
    let half = x.len() / 2;
    let pair = |(j, pair): (usize, &[f32])| {
        let angle = position as f64 * 10_000f64.powf(-(j as f64) / (half - 1) as f64);
        let [a, b] = [pair[0], pair[1]].map(f64::from);
        [a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()]
    };
    x.chunks_exact(2).enumerate().flat_map(pair).collect()
}

#[test]
fn outputs_are_the_recurrence_normed_and_gated() {
    let operation = Retention { heads: 3, key: 6, value: 5, epsilon: 1e-6 };
    let (heads, key, value) = (operation.heads, operation.key, operation.value);
    let rows = 200;
    let (qk, vg) = (values(rows * 2 * heads * key, 1), values(rows * 2 * heads * value, 2));
    let spans = [Span { start: 3, len: 150 }, Span { start: 153, len: 40 }];
    let done = operation.forward(&[&qk, &vg], Items { rows, spans: &spans, initial: None });
    for (item, head) in (0..spans.len()).flat_map(|i| (0..heads).map(move |h| (i, h))) {
        let gamma = 1.0 - 2f64.powi(-5 - head as i32);
        let mut memory = vec![0.0f64; key * value];
        for t in 0..spans[item].len {
            let row = spans[item].start + t;
            let keys = |at: usize| turned(&qk[(row * 2 + at) * heads * key + head * key..][..key], t);
            let values = |at: usize| &vg[(row * 2 + at) * heads * value + head * value..][..value];
            let (q, k, v, gate) = (keys(0), keys(1), values(0), values(1));
            let mut o = vec![0.0f64; value];
            for (i, memory) in memory.chunks_exact_mut(value).enumerate() {
                for ((m, v), o) in memory.iter_mut().zip(v).zip(&mut o) {
                    *m = gamma * *m + k[i] / (key as f64).sqrt() * f64::from(*v);
                    *o += q[i] * *m;
                }
            }
            let rms = (o.iter().map(|o| o * o).sum::<f64>() / value as f64 + 1e-6).sqrt();
            for (c, found) in done.out[(row * heads + head) * value..][..value].iter().enumerate() {
                let g = f64::from(gate[c]);
                let want = o[c] / rms * g / (1.0 + (-g).exp());
                assert!((f64::from(*found) - want).abs() < 5e-5, "{item} {head} {t} {c}: {found} {want}");
            }
        }
        let last = &done.last[item * operation.state_size()..][..operation.state_size()];
        for (found, want) in last[head * key * value..].iter().zip(&memory) {
            assert!((f64::from(*found) - want).abs() < 1e-4, "{item} {head}: {found} {want}");
        }
        assert_eq!(last[heads * key * value], spans[item].len as f32);
    }
}
