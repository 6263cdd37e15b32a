//! Positive random features of attention (Choromanski et al. 2021).

use crate::inference::isa::per_isa;
use crate::multiversion::{exp, mul_add};

/// Added to every feature.
const EPSILON: f32 = 1e-6;
/// The largest exponent of a key's feature.
const LARGEST: f32 = 20.0;

#[inline(always)]
fn positive_features_body<const FMA: bool>(projection: &[f32], x: &[f32], of_query: bool, out: &mut [f32]) {
    let size = x.iter().map(|x| x * x).sum::<f32>() / 2.0;
    out.fill(-size);
    for (row, x) in projection.chunks_exact(out.len()).zip(x) {
        for (out, p) in out.iter_mut().zip(row) {
            *out = mul_add::<FMA>(*p, *x, *out);
        }
    }
    // A query's own largest exponent cancels in the quotient; a key's would have to be the same for all positions.
    let top = if of_query { out.iter().fold(f32::NEG_INFINITY, |m, v| if *v > m { *v } else { m }) } else { 0.0 };
    let scale = 1.0 / (out.len() as f32).sqrt();
    for out in out {
        let exponent = if of_query || *out < LARGEST { *out - top } else { LARGEST };
        *out = (exp::<FMA>(exponent) + EPSILON) * scale;
    }
}

per_isa! {
    /// `m^(-1/2) (exp(projection^T x - |x|^2 / 2 - top) + 1e-6)`, where `top` is the largest exponent of a query, and 0 of a key, whose exponents are
    /// limited to 20. `projection` is `[width, m]`, `x` `[width]`, `out` `[m]`.
    pub fn positive_features(projection: &[f32], x: &[f32], of_query: bool, out: &mut [f32]) = positive_features_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn every_instruction_set_matches_the_definition_in_f64() {
        let (width, m) = (6, 21);
        let (mut projection, x) = (noise(width * m, 1, 4.0), noise(width, 2, 3.0));
        // The first feature lies along x, far beyond the limit.
        (0..width).for_each(|i| projection[i * m] = 4.0 * x[i]);
        for isa in Isa::available() {
            for of_query in [true, false] {
                let mut out = vec![f32::NAN; m];
                positive_features(isa, &projection, &x, of_query, &mut out);
                let size: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 2.0;
                let exponent = |f: usize| {
                    (0..width).map(|i| f64::from(projection[i * m + f]) * f64::from(x[i])).sum::<f64>() - size
                };
                let top = if of_query { (0..m).map(exponent).fold(f64::MIN, f64::max) } else { 0.0 };
                let limited = |e: f64| if of_query { e } else { e.min(20.0) };
                assert!(exponent(0) > 20.0, "the limit is not reached");
                close(
                    &out,
                    (0..m).map(|f| ((limited(exponent(f)) - top).exp() + 1e-6) / (m as f64).sqrt()),
                    "features",
                );
            }
        }
    }
}
