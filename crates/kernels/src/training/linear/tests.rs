use super::*;
use proptest::prelude::*;

fn values(n: usize, seed: u32) -> Vec<f32> {
    let value = |i: u32| (i.wrapping_add(seed * 97).wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5;
    (0..n as u32).map(value).collect()
}

/// `[m, k] x [k, n]` in f64, through strides.
fn naive(m: usize, n: usize, k: usize, a: impl Fn(usize, usize) -> f32, b: impl Fn(usize, usize) -> f32) -> Vec<f64> {
    let at = |i: usize, j: usize| (0..k).map(|p| f64::from(a(i, p)) * f64::from(b(p, j))).sum();
    (0..m * n).map(|i| at(i / n, i % n)).collect()
}

fn close(got: &[f32], want: &[f64]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(g, w)| (f64::from(*g) - w).abs() < 1e-6 * (40.0 + w.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn equals_the_maps_one_by_one(rows in 0usize..300, inputs in 1usize..50, n1 in 1usize..40, n2 in 1usize..70, with_bias: bool, with_residual: bool) {
        let x = values(rows * inputs, 1);
        let (w1, w2) = (values(n1 * inputs, 2), values(n2 * inputs, 3));
        let (b, width) = (values(n2, 4), n1 + n2);
        let (residual, d_y) = (values(rows * width, 5), values(rows * width, 6));
        let stacked = Stacked { inputs, weights: vec![&w1, &w2], biases: vec![None, with_bias.then_some(&b[..])] };
        let joined: Vec<f32> = w1.iter().chain(&w2).copied().collect();

        let y = forward(&x, &stacked, with_residual.then_some(&residual[..]), Precision::F32);
        let mut want = naive(rows, width, inputs, |i, p| x[i * inputs + p], |p, j| joined[j * inputs + p]);
        for (i, w) in want.iter_mut().enumerate() {
            *w += if with_residual { f64::from(residual[i]) } else { 0.0 };
            *w += if with_bias && i % width >= n1 { f64::from(b[i % width - n1]) } else { 0.0 };
        }
        prop_assert!(close(&y, &want));

        let d = backward(&x, &stacked, &d_y, true, Precision::F32);
        prop_assert!(close(&d.x, &naive(rows, inputs, width, |i, p| d_y[i * width + p], |p, j| joined[p * inputs + j])));
        let d_w = naive(width, inputs, rows, |i, p| d_y[p * width + i], |p, j| x[p * inputs + j]);
        prop_assert!(close(&d.weights[0], &d_w[..n1 * inputs]) && close(&d.weights[1], &d_w[n1 * inputs..]));
        let d_b = naive(1, width, rows, |_, _| 1.0, |p, j| d_y[p * width + j]);
        prop_assert!(d.biases[0].is_empty() && (!with_bias || close(&d.biases[1], &d_b[n1..])));
        let frozen = backward(&x, &stacked, &d_y, false, Precision::F32);
        prop_assert!(frozen.x == d.x && frozen.weights.is_empty());
    }
}

#[test]
fn bf16_stays_near_f32() {
    let (rows, inputs, outputs) = (200, 64, 48);
    let (x, w, d_y) = (values(rows * inputs, 1), values(outputs * inputs, 2), values(rows * outputs, 3));
    let stacked = Stacked::plain(inputs, vec![&w]);
    let near = |a: &[f32], b: &[f32], most: f32| {
        let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
        let error = norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut a.iter().copied());
        assert!(error > 0.0 && error < most, "relative error {error}");
    };
    let y = |p| forward(&x, &stacked, None, p);
    near(&y(Precision::F32), &y(Precision::Bf16), 0.004);
    let d = |p| backward(&x, &stacked, &d_y, true, p);
    near(&d(Precision::F32).x, &d(Precision::Bf16).x, 0.004);
    near(&d(Precision::F32).weights[0], &d(Precision::Bf16).weights[0], 0.004);
}
