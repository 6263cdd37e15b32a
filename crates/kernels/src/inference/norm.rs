//! RMSNorm (Zhang and Sennrich 2019), the forward pass.

use super::isa::per_isa;

/// Independent partial sums of the mean square: the lanes of a 512-bit register.
const LANES: usize = 16;

#[inline(always)]
fn rms_norm_body<const FMA: bool>(x: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = gain.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let (wide, rest) = x.as_chunks::<LANES>();
        let mut sums = [0f32; LANES];
        for chunk in wide {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum = crate::multiversion::mul_add::<FMA>(*v, *v, *sum);
            }
        }
        let total: f32 = sums.iter().sum::<f32>() + rest.iter().map(|v| v * v).sum::<f32>();
        let scale = 1.0 / (total / width as f32 + epsilon).sqrt();
        for ((out, x), gain) in out.iter_mut().zip(x).zip(gain) {
            *out = x * scale * gain;
        }
    }
}

per_isa! {
    /// `out = x / sqrt(mean(x^2) + epsilon) * gain` for every row of `x` (`[tokens, gain.len()]`, as `out`).
    pub fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body;
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
        }
    }
}
