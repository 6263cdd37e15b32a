//! Positive random features, forward and backward: `phi(x) = m^{-1/2} (exp(F z - |z|^2 / 2) + 1e-6)`, `z = x d^{-1/4}`, for `m` directions `F` of
//! width `d`.
//!
//! A stabilizer must not look at other positions. A query's is the largest of its own exponents, which leaves the quotient of attention
//! alone, and passes no gradient; a key's would have to be the same for all, so that its exponents are only limited.

use super::super::chunk::Rows;
use crate::multiversion::{exp, mul_add, multiversion};
use crate::training::left::LeftRoom;
use crate::training::panels::{Onto, Panels, Precision, multiply};
use crate::training::sums::{dot, largest, sum};

/// Added to every exponential.
const EPSILON: f32 = 1e-6;
/// The largest exponent of a key.
const LARGEST: f32 = 20.0;

/// `F` `[m, d]`, packed for both ways.
pub(super) struct Directions {
    columns: Panels,
    rows: Panels,
    count: usize,
    width: usize,
}

impl Directions {
    pub(super) fn new(directions: &[f32], width: usize) -> Self {
        let list: Vec<&[f32]> = directions.chunks_exact(width).collect();
        Self {
            columns: Panels::of_columns(Precision::F32, &list),
            rows: Panels::of_rows(Precision::F32, &list),
            count: list.len(),
            width,
        }
    }

    /// `d^{-1/4}`.
    fn scale(&self) -> f32 {
        (self.width as f32).powf(-0.25)
    }
}

/// Whose features they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Queries,
    Keys,
}

/// The map, with room for products.
pub(super) struct Features<'a> {
    directions: &'a Directions,
    left: LeftRoom,
}

impl<'a> Features<'a> {
    pub(super) fn new(directions: &'a Directions) -> Self {
        Self { directions, left: LeftRoom::default() }
    }

    /// `phi` `[len, m]` of the first `len` rows.
    pub(super) fn forward(&mut self, x: Rows<'_>, len: usize, of: Of, phi: &mut Vec<f32>) {
        let d = self.directions;
        phi.resize(len * d.count, 0.0);
        multiply(len, x.left(), d.columns.all(), phi, d.count, Onto::Replace, &mut self.left);
        exponentiate(x, of, d.scale(), d.count, phi);
    }

    /// `d_x` `[len, d]`, given `phi` and its gradient, which is used up.
    pub(super) fn backward(&mut self, x: Rows<'_>, of: Of, phi: &[f32], d_phi: &mut [f32], d_x: &mut Vec<f32>) {
        let d = self.directions;
        let len = phi.len() / d.count;
        d_x.resize(len * d.width, 0.0);
        let mut sums = vec![0.0; len];
        exponent_gradients(of, phi, d_phi, &mut sums);
        let left = Rows::adjacent(d_phi, d.count).left();
        multiply(len, left, d.rows.all(), d_x, d.width, Onto::Replace, &mut self.left);
        finish_gradients(x, &sums, d.scale(), d_x);
    }
}

multiversion! {
    /// `phi` in the place of `F x`.
    fn exponentiate(x: Rows<'_>, of: Of, scale: f32, count: usize, phi: &mut [f32]) = exponentiate_body
}
multiversion! {
    /// The gradients of the exponents in the place of those of `phi`, and their sum in each row.
    fn exponent_gradients(of: Of, phi: &[f32], d_phi: &mut [f32], sums: &mut [f32]) = exponent_gradients_body
}
multiversion! {
    /// `d_x = scale F^T d - scale^2 x sum(d)` in the place of `F^T d`.
    fn finish_gradients(x: Rows<'_>, sums: &[f32], scale: f32, d_x: &mut [f32]) = finish_gradients_body
}

/// `m^{-1/2} (e^exponent + 1e-6)`.
#[inline(always)]
fn feature<const FMA: bool>(exponent: f32, root: f32) -> f32 {
    (exp::<FMA>(exponent) + EPSILON) * root
}

#[inline(always)]
fn exponentiate_body<const FMA: bool, const LANES: usize>(
    x: Rows<'_>,
    of: Of,
    scale: f32,
    count: usize,
    phi: &mut [f32],
) {
    let root = (count as f32).powf(-0.5);
    for (i, phi) in phi.chunks_exact_mut(count).enumerate() {
        match of {
            // The size is the same in all of a position's exponents, and goes with the largest.
            Of::Queries => {
                let top = largest(phi) * scale;
                phi.iter_mut().for_each(|p| *p = feature::<FMA>(mul_add::<FMA>(*p, scale, -top), root));
            }
            Of::Keys => {
                let size = dot::<FMA>(x.row(i), x.row(i)) * scale * scale / 2.0;
                phi.iter_mut().for_each(|p| {
                    let exponent = mul_add::<FMA>(*p, scale, -size);
                    *p = feature::<FMA>(if exponent < LARGEST { exponent } else { LARGEST }, root);
                });
            }
        }
    }
}

#[inline(always)]
fn exponent_gradients_body<const FMA: bool, const LANES: usize>(
    of: Of,
    phi: &[f32],
    d_phi: &mut [f32],
    sums: &mut [f32],
) {
    let count = phi.len() / sums.len();
    let root = (count as f32).powf(-0.5);
    // A feature at its limit has no gradient. The limit's own feature is the same bits, made by the same operations.
    let limit = match of {
        Of::Queries => f32::INFINITY,
        Of::Keys => feature::<FMA>(LARGEST, root),
    };
    let constant = EPSILON * root;
    for ((phi, d_phi), to) in phi.chunks_exact(count).zip(d_phi.chunks_exact_mut(count)).zip(sums) {
        for (&phi, d) in phi.iter().zip(d_phi.iter_mut()) {
            *d *= if phi < limit { phi - constant } else { 0.0 };
        }
        *to = sum(d_phi);
    }
}

#[inline(always)]
fn finish_gradients_body<const FMA: bool, const LANES: usize>(x: Rows<'_>, sums: &[f32], scale: f32, d_x: &mut [f32]) {
    let width = d_x.len() / sums.len();
    for (i, (d_x, sum)) in d_x.chunks_exact_mut(width).zip(sums).enumerate() {
        let of_size = scale * scale * sum;
        d_x.iter_mut().zip(x.row(i)).for_each(|(d, &x)| *d = *d * scale - of_size * x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_the_formula_and_have_no_gradient_at_the_limit() {
        let (count, width, len) = (21, 5, 7);
        let values = |n: usize, seed: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 11.0 - 1.0).collect()
        };
        // The last rows are so large that their exponents pass the limit.
        let mut directions = values(count * width, 1);
        directions[..width].fill(30.0);
        let mut x = values(len * width, 2);
        x[(len - 2) * width..].fill(0.9);
        let (packed, rows) = (Directions::new(&directions, width), Rows::adjacent(&x, width));
        let mut features = Features::new(&packed);
        for of in [Of::Queries, Of::Keys] {
            let (mut phi, mut d_x) = (Vec::new(), Vec::new());
            features.forward(rows, len, of, &mut phi);
            let mut d_phi = vec![1.0; phi.len()];
            features.backward(rows, of, &phi, &mut d_phi, &mut d_x);
            let mut limited = 0;
            for t in 0..len {
                let scale = (width as f64).powf(-0.25);
                let z: Vec<f64> = x[t * width..][..width].iter().map(|&x| f64::from(x) * scale).collect();
                let size = z.iter().map(|z| z * z).sum::<f64>() / 2.0;
                let exponent = |f: &[f32]| f.iter().zip(&z).map(|(f, z)| f64::from(*f) * z).sum::<f64>() - size;
                let exponents: Vec<f64> = directions.chunks_exact(width).map(exponent).collect();
                let top = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut d_z = vec![0.0; width];
                for (j, &exponent) in exponents.iter().enumerate() {
                    let (used, passes) = match of {
                        Of::Queries => (exponent - top, true),
                        Of::Keys => (exponent.min(20.0), exponent < 20.0),
                    };
                    limited += usize::from(!passes);
                    let root = (count as f64).powf(-0.5);
                    let want = (used.exp() + 1e-6) * root;
                    assert!((f64::from(phi[t * count + j]) / want - 1.0).abs() < 2e-5, "{of:?} {t} {j}");
                    let slope = if passes { used.exp() * root } else { 0.0 };
                    for (i, d) in d_z.iter_mut().enumerate() {
                        *d += slope * (f64::from(directions[j * width + i]) - z[i]);
                    }
                }
                let largest = d_z.iter().fold(1e-3, |m: f64, d| m.max(d.abs())) * scale;
                for (d, want) in d_x[t * width..][..width].iter().zip(&d_z) {
                    assert!((f64::from(*d) - want * scale).abs() < 1e-4 * largest, "{of:?} {t}: {d} {}", want * scale);
                }
            }
            assert_eq!(limited > 0, of == Of::Keys, "{limited}");
        }
    }
}
