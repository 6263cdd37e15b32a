//! SwiGLU's gate, GELU and the softmax of attention.

use super::isa::per_isa;
use crate::multiversion::exp;

#[inline(always)]
fn swiglu_body<const FMA: bool>(gate_up: &[f32], width: usize, out: &mut [f32]) {
    for (both, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = both.split_at(width);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp::<FMA>(-gate)) * up;
        }
    }
}

per_isa! {
    /// `out = silu(gate) * up` (Shazeer 2020) for every row of `gate_up` (`[tokens, gate then up: 2 * width]`);
    /// `out` is `[tokens, width]`.
    pub fn swiglu(gate_up: &[f32], width: usize, out: &mut [f32]) = swiglu_body;
}

#[inline(always)]
fn gelu_body<const FMA: bool>(x: &mut [f32]) {
    // 0.5 (1 + tanh u) = 1 / (1 + exp(-2 u)), where u = sqrt(2 / pi) (x + 0.044715 x^3).
    const TWICE: f32 = 1.595_769_2;
    for x in x {
        let u = TWICE * (*x + 0.044_715 * *x * *x * *x);
        *x /= 1.0 + exp::<FMA>(-u);
    }
}

per_isa! {
    /// GELU (Hendrycks and Gimpel 2016) in its form by tanh, as GPT-2 has it, in place.
    pub fn gelu(x: &mut [f32]) = gelu_body;
}

#[inline(always)]
fn gelu_exact_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        // erf by formula 7.1.26 of Abramowitz and Stegun, to 1.5e-7.
        let u = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * u);
        let mut p = 1.061_405_4;
        for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_75, 0.254_829_6] {
            p = crate::multiversion::mul_add::<FMA>(p, t, coefficient);
        }
        let erf = 1.0 - p * t * exp::<FMA>(-u * u);
        *x *= 0.5 * (1.0 + erf.copysign(*x));
    }
}

per_isa! {
    /// GELU (Hendrycks and Gimpel 2016) by the error function, in place.
    pub fn gelu_exact(x: &mut [f32]) = gelu_exact_body;
}

/// Lanes of the partial maxima and sums.
const LANES: usize = 16;

#[inline(always)]
fn softmax_body<const FMA: bool>(scores: &mut [f32]) {
    let (wide, rest) = scores.as_chunks_mut::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in wide.iter() {
        for (m, v) in largest.iter_mut().zip(chunk) {
            *m = if *v > *m { *v } else { *m };
        }
    }
    let mut top = f32::NEG_INFINITY;
    for v in largest.iter().chain(rest.iter()) {
        top = if *v > top { *v } else { top };
    }
    let mut sums = [0f32; LANES];
    for chunk in wide.iter_mut() {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *v = exp::<FMA>(*v - top);
            *sum += *v;
        }
    }
    let mut total: f32 = sums.iter().sum();
    for v in rest.iter_mut() {
        *v = exp::<FMA>(*v - top);
        total += *v;
    }
    let scale = 1.0 / total;
    scores.iter_mut().for_each(|v| *v *= scale);
}

per_isa! {
    /// The softmax of `scores`, in place. A NaN among them makes all of them NaN.
    pub fn softmax(scores: &mut [f32]) = softmax_body;
}

#[cfg(test)]
mod tests {
    use crate::inference::Isa;

    fn values(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 71 % 29) as f32 - 14.0) * 0.7).collect()
    }

    #[test]
    fn swiglu_matches_the_definition_in_f64() {
        let (width, tokens) = (21, 3);
        let x = values(2 * width * tokens);
        for isa in Isa::available() {
            let mut out = vec![0.0; width * tokens];
            super::swiglu(isa, &x, width, &mut out);
            for (both, out) in x.chunks(2 * width).zip(out.chunks(width)) {
                for i in 0..width {
                    let (g, u) = (f64::from(both[i]), f64::from(both[width + i]));
                    let expected = g / (1.0 + (-g).exp()) * u;
                    assert!((f64::from(out[i]) - expected).abs() < 2e-6 * (1.0 + expected.abs()), "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn gelu_matches_the_definition_in_f64() {
        for isa in Isa::available() {
            let x = [values(40), vec![0.0, -100.0, 100.0, 1e-8, -3e4, 3e4]].concat();
            let mut out = x.clone();
            super::gelu(isa, &mut out);
            for (x, o) in x.iter().map(|v| f64::from(*v)).zip(&out) {
                let expected =
                    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
                assert!((f64::from(*o) - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{isa:?} {x}: {o}");
            }
        }
    }

    #[test]
    fn the_exact_gelu_matches_the_error_function() {
        // scipy.special.ndtr(x) * x
        let golden = [
            (0.0, 0.0),
            (0.1, 0.053_982_78),
            (-0.5, -0.154_268_77),
            (1.0, 0.841_344_8),
            (-1.5, -0.100_210_8),
            (2.0, 1.954_499_7),
            (-3.0, -0.004_049_694),
            (8.0, 8.0),
            (-100.0, 0.0),
        ];
        for isa in Isa::available() {
            let mut out = golden.map(|(x, _)| x);
            super::gelu_exact(isa, &mut out);
            for ((x, expected), got) in golden.iter().zip(out) {
                assert!((got - expected).abs() < 5e-7 * (1.0 + x.abs()), "{isa:?} {x}: {got} {expected}");
            }
        }
    }

    #[test]
    fn softmax_matches_the_definition_in_f64_at_every_length() {
        for isa in Isa::available() {
            for n in [1, 2, 15, 16, 17, 33, 100] {
                let x = values(n);
                let mut out = x.clone();
                super::softmax(isa, &mut out);
                let total: f64 = x.iter().map(|v| f64::from(*v).exp()).sum();
                for (o, v) in out.iter().zip(&x) {
                    assert!((f64::from(*o) - f64::from(*v).exp() / total).abs() < 1e-6, "{isa:?} {n}");
                }
            }
        }
    }

    #[test]
    fn softmax_passes_nan_on() {
        let mut x = vec![1.0, f32::NAN, 2.0];
        super::softmax(Isa::best(), &mut x);
        assert!(x.iter().all(|v| v.is_nan()));
    }
}
