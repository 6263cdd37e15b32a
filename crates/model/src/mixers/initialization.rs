//! How parameters start.

use bantam_core::seed;
use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};

/// How a parameter starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Initialization {
    /// Normal with this standard deviation.
    Normal(f64),
    /// All of this value.
    Constant(f64),
    /// Uniform between the two.
    Uniform(f64, f64),
    /// The logarithm of a uniform value between the two.
    LogOfUniform(f64, f64),
    /// The value whose softplus is log-uniform between the two.
    InverseSoftplusOfLogUniform(f64, f64),
    /// These values, in row-major order.
    Values(Vec<f64>),
    /// Rows that are orthogonal in blocks as large as their width, with the lengths of normal vectors (Choromanski et al. 2021).
    OrthogonalRows,
}

impl Initialization {
    /// Draws the values of a parameter of `shape`.
    ///
    /// # Panics
    /// If listed values are not as many as the parameter has.
    pub fn fill(&self, shape: &[usize], values: &mut [f32], rng: &mut seed::Rng) {
        let uniform = |rng: &mut seed::Rng, low: f64, high: f64| low + (high - low) * rng.random::<f64>();
        match self {
            Self::Constant(c) => values.fill(*c as f32),
            Self::Normal(deviation) => values.iter_mut().for_each(|v| *v = (deviation * normal(rng)) as f32),
            Self::Uniform(low, high) => values.iter_mut().for_each(|v| *v = uniform(rng, *low, *high) as f32),
            Self::LogOfUniform(low, high) => {
                values.iter_mut().for_each(|v| *v = uniform(rng, *low, *high).ln() as f32);
            }
            Self::InverseSoftplusOfLogUniform(low, high) => values.iter_mut().for_each(|v| {
                let target = uniform(rng, low.ln(), high.ln()).exp();
                *v = target.exp_m1().ln() as f32;
            }),
            Self::Values(given) => {
                assert_eq!(given.len(), values.len(), "a start of another size");
                values.iter_mut().zip(given).for_each(|(v, g)| *v = *g as f32);
            }
            Self::OrthogonalRows => {
                let width = *shape.last().unwrap_or(&1);
                values.chunks_mut(width * width).for_each(|block| orthogonal_block(block, width, rng));
            }
        }
    }
}

fn normal(rng: &mut seed::Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// At most `width` rows, made orthogonal one after the other (Gram and Schmidt), each then as long as a normal vector.
fn orthogonal_block(block: &mut [f32], width: usize, rng: &mut seed::Rng) {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let length = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>().sqrt();
    for out in block.chunks_mut(width) {
        let mut row: Vec<f64> = (0..width).map(|_| normal(rng)).collect();
        for earlier in &rows {
            let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(earlier).for_each(|(r, e)| *r -= along * e);
        }
        let size = length(&row);
        row.iter_mut().for_each(|r| *r /= size);
        let drawn: Vec<f64> = (0..width).map(|_| normal(rng)).collect();
        out.iter_mut().zip(&row).for_each(|(o, r)| *o = (r * length(&drawn)) as f32);
        rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(initialization: &Initialization, shape: &[usize]) -> Vec<f32> {
        let mut values = vec![0.0; shape.iter().product()];
        initialization.fill(shape, &mut values, &mut seed::rng(1, "test"));
        values
    }

    #[test]
    fn values_lie_where_they_should() {
        let within = |values: &[f32], low: f64, high: f64| values.iter().all(|&v| (low..=high).contains(&f64::from(v)));
        assert!(within(&drawn(&Initialization::Uniform(-2.0, 3.0), &[500]), -2.0, 3.0));
        assert!(within(&drawn(&Initialization::LogOfUniform(1.0, 16.0), &[500]), 0.0, 16f64.ln()));
        let softplus: Vec<f32> = drawn(&Initialization::InverseSoftplusOfLogUniform(1e-3, 1e-1), &[500])
            .iter()
            .map(|v| v.exp().ln_1p())
            .collect();
        assert!(within(&softplus, 0.9e-3, 1.01e-1));
        assert_eq!(drawn(&Initialization::Values(vec![1.0, 2.0]), &[2]), [1.0, 2.0]);
        let normal = drawn(&Initialization::Normal(0.5), &[4000]);
        let variance = normal.iter().map(|v| v * v).sum::<f32>() / 4000.0;
        assert!((variance - 0.25).abs() < 0.03, "{variance}");
    }

    #[test]
    fn orthogonal_rows_are_orthogonal_within_blocks_and_of_various_lengths() {
        let rows = drawn(&Initialization::OrthogonalRows, &[10, 4]);
        let rows: Vec<&[f32]> = rows.chunks(4).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        for block in rows.chunks(4) {
            for (i, a) in block.iter().enumerate() {
                for b in &block[..i] {
                    assert!(dot(a, b).abs() < 1e-5, "{a:?} {b:?}");
                }
            }
        }
        assert!((dot(rows[0], rows[0]) - dot(rows[1], rows[1])).abs() > 1e-3);
    }
}
