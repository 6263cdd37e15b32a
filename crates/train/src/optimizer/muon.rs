//! Muon's rule for one matrix: momentum, made orthogonal by Newton-Schulz iterations (Jordan et al. 2024, "Muon: An
//! optimizer for hidden layers in neural networks"), scaled to AdamW's update size (Liu et al. 2025, "Muon is Scalable
//! for LLM Training").

use bantam_kernels::training::newton_schulz::newton_schulz;
use bantam_kernels::training::panels::Precision;
use bantam_kernels::training::sum_of_squares::sum_of_squares;
use serde::{Deserialize, Serialize};

use super::Scalars;

/// Coefficients of the quintic iteration: the steepest slope at zero whose fixed region is 0.7 to 1.2.
const QUINTIC: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);
/// A matrix of a smaller norm counts as this large.
const LEAST_NORM: f64 = 1e-7;

/// How far the orthogonal update goes for a given learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuonScale {
    /// `0.2 sqrt(max(rows, columns))`: the root mean square of the update is about AdamW's 0.2, so that one learning
    /// rate and one weight decay serve both (Liu et al. 2025).
    MatchRmsAdamw,
    /// `sqrt(max(1, rows / columns))`, as Jordan's own; takes a learning rate of its own, near 0.02.
    Original,
}

/// Muon's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonConfig {
    /// Decay of the momentum.
    pub momentum: f64,
    /// Whether the gradient is mixed into the momentum once more (Nesterov).
    pub nesterov: bool,
    /// Newton-Schulz iterations.
    pub iterations: usize,
    /// The size of the update.
    pub scale: MuonScale,
    /// What the operands of the iterations' products are rounded to.
    pub precision: Precision,
}

/// One step of the matrix `values` (`shape` `[rows, columns]`).
pub(super) fn update(
    c: MuonConfig,
    s: Scalars,
    shape: &[usize],
    values: &mut [f32],
    momentum: &mut [f32],
    gradient: &[f32],
) {
    assert!(values.len() == momentum.len() && values.len() == gradient.len(), "lengths differ");
    let (mu, scale) = (c.momentum as f32, s.gradient_scale as f32);
    let mut direction = Vec::with_capacity(values.len());
    for (m, &g) in momentum.iter_mut().zip(gradient) {
        let g = g * scale;
        *m += (1.0 - mu) * (g - *m);
        direction.push(if c.nesterov { g + mu * (*m - g) } else { *m });
    }
    let [rows, columns] = [shape[0], shape[1]];
    let direction = orthogonal(direction, [rows, columns], c.iterations, c.precision);
    let factor = match c.scale {
        MuonScale::MatchRmsAdamw => 0.2 * (rows.max(columns) as f64).sqrt(),
        MuonScale::Original => (rows as f64 / columns as f64).max(1.0).sqrt(),
    };
    let rate = (s.learning_rate * factor) as f32;
    let keep = (1.0 - s.learning_rate * s.weight_decay) as f32;
    for (p, d) in values.iter_mut().zip(direction) {
        *p = *p * keep - rate * d;
    }
}

/// Moves the singular values of a row-major matrix towards one: about `U V^T` of its `U S V^T`.
fn orthogonal(values: Vec<f32>, [rows, columns]: [usize; 2], iterations: usize, precision: Precision) -> Vec<f32> {
    // The spectral norm is at most the Frobenius norm.
    let norm = sum_of_squares(&values).sqrt().max(LEAST_NORM);
    let mut x = if rows > columns { transposed(&values, columns) } else { values };
    x.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    newton_schulz(&mut x, rows.min(columns), QUINTIC, iterations, precision);
    if rows > columns { transposed(&x, rows) } else { x }
}

/// The transpose of a row-major matrix of rows `width` long, square block by square block.
fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    const BLOCK: usize = 16;
    let rows = values.len() / width;
    let mut to = vec![0.0; values.len()];
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for row in top..rows.min(top + BLOCK) {
                for column in left..width.min(left + BLOCK) {
                    to[column * rows + row] = values[row * width + column];
                }
            }
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_values_come_near_one_at_any_scale_and_zero_stays_zero() {
        for shape in [[3usize, 5], [5, 3], [4, 4]] {
            let values: Vec<f32> =
                (0..shape[0] * shape[1]).map(|i| ((i * i * 7 + i) % 11) as f32 * 1e-6 - 4e-6).collect();
            let small = shape[0].min(shape[1]);
            let x = orthogonal(values, shape, 5, Precision::F32);
            let squares: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
            assert!((0.45..1.5).contains(&(squares / small as f64)), "{shape:?}: {squares}");
        }
        assert_eq!(orthogonal(vec![0.0; 6], [2, 3], 5, Precision::F32), [0.0; 6]);
    }
}
