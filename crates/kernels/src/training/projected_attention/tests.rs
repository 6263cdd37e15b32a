//! The fused form against the definition written out in f64, and its gradients against finite differences of that.

use super::*;

fn values(n: usize, seed: u32) -> Vec<f32> {
    let value = |i: u32| ((i.wrapping_add(seed * 7919).wrapping_mul(2_654_435_761) >> 12) as f32 / 524_288.0) - 1.0;
    (0..n as u32).map(value).collect()
}

/// The output as the definition has it.
fn written_out(shape: &Shape, qkv: &[f64], e: &[f64], f: &[f64]) -> Vec<f64> {
    let Shape { heads, width, length, projected } = *shape;
    let items = qkv.len() / (length * 3 * shape.all());
    let mut out = vec![0.0; items * length * shape.all()];
    for (item, head) in (0..items).flat_map(|i| (0..heads).map(move |h| (i, h))) {
        let value = |t: usize, part: usize, c: usize| qkv[shape.at(item * length + t, head, part) + c];
        let mixed = |weights: &[f64], part: usize| -> Vec<f64> {
            let of = |p: usize, c: usize| (0..length).map(|t| weights[p * length + t] * value(t, part, c)).sum();
            (0..projected * width).map(|i| of(i / width, i % width)).collect()
        };
        let (keys, mixed_values) = (mixed(e, 1), mixed(f, 2));
        for t in 0..length {
            let score = |p: usize| {
                (0..width).map(|c| value(t, 0, c) * keys[p * width + c]).sum::<f64>() / (width as f64).sqrt()
            };
            let weights: Vec<f64> = (0..projected).map(|p| score(p).exp()).collect();
            let sum: f64 = weights.iter().sum();
            for c in 0..width {
                let mixed = (0..projected).map(|p| weights[p] / sum * mixed_values[p * width + c]);
                out[(item * length + t) * shape.all() + head * width + c] = mixed.sum();
            }
        }
    }
    out
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn values_and_gradients_are_the_definition_s() {
    for (items, heads, width, length, projected) in
        [(1, 1, 2, 1, 1), (2, 3, 5, 50, 7), (1, 2, 16, 97, 33), (3, 1, 8, 48, 16)]
    {
        let shape = Shape { heads, width, length, projected };
        let rows = items * length;
        let (qkv, d_out) = (values(rows * 3 * shape.all(), 1), values(rows * shape.all(), 2));
        let (e, f) = (values(projected * length, 3), values(projected * length, 4));
        let (out, saved) = forward(&shape, &qkv, &e, &f);
        let want = written_out(&shape, &wide(&qkv), &wide(&e), &wide(&f));
        for (got, want) in out.iter().zip(&want) {
            assert!((f64::from(*got) - want).abs() < 2e-5 * (1.0 + want.abs()), "{shape:?}: {got} {want}");
        }
        let found = backward(&shape, &qkv, [&e, &f], &out, &saved, &d_out);
        let inputs = [wide(&qkv), wide(&e), wide(&f)];
        for (at, gradient) in [&found.qkv, &found.e, &found.f].into_iter().enumerate() {
            // Along several directions, so that no part of a gradient hides behind another.
            for seed in 10..14 {
                let direction = wide(&values(gradient.len(), seed));
                let loss = |by: f64| -> f64 {
                    let mut inputs = inputs.clone();
                    inputs[at].iter_mut().zip(&direction).for_each(|(x, d)| *x += by * d);
                    let out = written_out(&shape, &inputs[0], &inputs[1], &inputs[2]);
                    out.iter().zip(&d_out).map(|(o, d)| o * f64::from(*d)).sum()
                };
                let numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5;
                let analytic: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * d).sum();
                let size = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                assert!(
                    (numeric - analytic).abs() < 1e-4 * (size + 0.1),
                    "{shape:?}, input {at}: {numeric} {analytic}"
                );
            }
        }
    }
}
