//! RMSNorm (Zhang and Sennrich 2019) and LayerNorm (Ba et al. 2016), the forward pass.

use super::isa::per_isa;

/// Independent partial sums of a row: the lanes of a 512-bit register.
const LANES: usize = 16;

/// The sum of `term` over a row, in an order that depends on its length only.
#[inline(always)]
fn sum(x: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (wide, rest) = x.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in wide {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum = term(*v, *sum);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|v| term(*v, 0.0)).sum::<f32>()
}

/// `1 / sqrt(mean(x^2) + epsilon)`.
#[inline(always)]
fn rms_scale<const FMA: bool>(x: &[f32], epsilon: f32) -> f32 {
    let total = sum(x, |v, sum| crate::multiversion::mul_add::<FMA>(v, v, sum));
    1.0 / (total / x.len() as f32 + epsilon).sqrt()
}

#[inline(always)]
fn rms_norm_body<const FMA: bool>(x: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = gain.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let scale = rms_scale::<FMA>(x, epsilon);
        for ((out, x), gain) in out.iter_mut().zip(x).zip(gain) {
            *out = x * scale * gain;
        }
    }
}

#[inline(always)]
fn rms_norm_in_place_body<const FMA: bool>(x: &mut [f32], gain: &[f32], epsilon: f32) {
    for x in x.chunks_exact_mut(gain.len()) {
        let scale = rms_scale::<FMA>(x, epsilon);
        x.iter_mut().zip(gain).for_each(|(x, gain)| *x = *x * scale * gain);
    }
}

#[inline(always)]
fn layer_norm_body<const FMA: bool>(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = gain.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mean = sum(x, |v, sum| sum + v) / width as f32;
        let squares = sum(x, |v, sum| crate::multiversion::mul_add::<FMA>(v - mean, v - mean, sum));
        let scale = 1.0 / (squares / width as f32 + epsilon).sqrt();
        for (((out, x), gain), bias) in out.iter_mut().zip(x).zip(gain).zip(bias) {
            *out = (x - mean) * scale * gain + bias;
        }
    }
}

per_isa! {
    /// `out = x / sqrt(mean(x^2) + epsilon) * gain` for every row of `x` (`[tokens, gain.len()]`, as `out`).
    pub fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body;
}

per_isa! {
    /// [`rms_norm`] of every row of `x` (`[rows, gain.len()]`) where it stands.
    pub fn rms_norm_in_place(x: &mut [f32], gain: &[f32], epsilon: f32) = rms_norm_in_place_body;
}

per_isa! {
    /// `out = (x - mean(x)) / sqrt(variance(x) + epsilon) * gain + bias` for every row of `x` (`[tokens, gain.len()]`, as `out`).
    pub fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) = layer_norm_body;
}

#[cfg(test)]
mod tests {
    use crate::inference::Isa;

    #[test]
    fn every_instruction_set_matches_the_definition_in_f64() {
        let width = 37;
        let x: Vec<f32> = (0..2 * width).map(|i| ((i * 37 % 23) as f32 - 11.0) * 0.37).collect();
        let gain: Vec<f32> = (0..width).map(|i| 0.5 + i as f32 * 0.01).collect();
        for isa in Isa::available() {
            let mut out = vec![0.0; x.len()];
            super::rms_norm(isa, &x, &gain, 1e-5, &mut out);
            for (row, out) in x.chunks(width).zip(out.chunks(width)) {
                let mean = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / width as f64;
                for ((o, v), g) in out.iter().zip(row).zip(&gain) {
                    let expected = f64::from(*v) / (mean + 1e-5).sqrt() * f64::from(*g);
                    assert!((f64::from(*o) - expected).abs() < 1e-6, "{isa:?}");
                }
            }
            let mut same = x.clone();
            super::rms_norm_in_place(isa, &mut same, &gain, 1e-5);
            assert_eq!(same, out);
        }
    }

    #[test]
    fn layer_norm_matches_the_definition_in_f64() {
        let width = 37;
        // Far from zero, so that the mean matters.
        let x: Vec<f32> = (0..2 * width).map(|i| ((i * 37 % 23) as f32 - 11.0) * 0.37 + 5.0).collect();
        let (gain, bias): (Vec<f32>, Vec<f32>) =
            (0..width).map(|i| (0.5 + i as f32 * 0.01, i as f32 * 0.1 - 1.0)).unzip();
        for isa in Isa::available() {
            let mut out = vec![0.0; x.len()];
            super::layer_norm(isa, &x, &gain, &bias, 1e-5, &mut out);
            for (row, out) in x.chunks(width).zip(out.chunks(width)) {
                let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / width as f64;
                let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / width as f64;
                for (i, o) in out.iter().enumerate() {
                    let expected =
                        (f64::from(row[i]) - mean) / (variance + 1e-5).sqrt() * f64::from(gain[i]) + f64::from(bias[i]);
                    assert!((f64::from(*o) - expected).abs() < 3e-6, "{isa:?}");
                }
            }
        }
    }
}
