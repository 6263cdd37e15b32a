//! Rotary position embedding (Su et al. 2021), half-split: element `i` turns with element `i + head_dim / 2`.

use super::isa::per_isa;

/// Cosines and sines of every angle up to some position: `[positions][head_dim / 2]`.
#[derive(Clone, Default)]
pub struct RotaryTable {
    cosines: Vec<f32>,
    sines: Vec<f32>,
    half: usize,
}

impl RotaryTable {
    /// The table for `positions` positions. Angles are `position * inverse_frequencies[i]` rounded to f32, as
    /// `transformers` computes them; their cosines and sines are then exact to f32.
    pub fn new(inverse_frequencies: &[f32], positions: usize) -> Self {
        let half = inverse_frequencies.len();
        let mut table =
            Self { cosines: Vec::with_capacity(half * positions), sines: Vec::with_capacity(half * positions), half };
        for position in 0..positions {
            for frequency in inverse_frequencies {
                let (sine, cosine) = f64::from(position as f32 * frequency).sin_cos();
                table.cosines.push(cosine as f32);
                table.sines.push(sine as f32);
            }
        }
        table
    }

    /// How many positions the table holds.
    pub fn positions(&self) -> usize {
        self.cosines.len().checked_div(self.half).unwrap_or(0)
    }

    /// Turns every head of `x` (`heads` of them, each `2 * half` wide and one after another) to `position`.
    pub fn rotate(&self, isa: super::Isa, position: usize, x: &mut [f32]) {
        let row = position * self.half..(position + 1) * self.half;
        rotate_heads(isa, x, &self.cosines[row.clone()], &self.sines[row]);
    }
}

#[inline(always)]
fn rotate_body<const FMA: bool>(x: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let half = cosines.len();
    for head in x.chunks_exact_mut(2 * half) {
        let (low, high) = head.split_at_mut(half);
        for (((a, b), c), s) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
            let (x, y) = (*a, *b);
            *a = x * c - y * s;
            *b = y * c + x * s;
        }
    }
}

per_isa! {
    /// Turns every head of `x` by the angles of one position.
    fn rotate_heads(x: &mut [f32], cosines: &[f32], sines: &[f32]) = rotate_body;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn rotation_keeps_lengths_and_depends_on_the_distance_only() {
        let frequencies = [1.0, 0.1, 0.01];
        let table = RotaryTable::new(&frequencies, 32);
        assert_eq!(table.positions(), 32);
        let (q, k) = ([1.0, -2.0, 0.5, 0.3, 0.9, -1.1], [0.2, 0.7, -0.4, 1.5, -0.6, 0.8]);
        let score = |isa, i, j| {
            let (mut q, mut k) = (q, k);
            table.rotate(isa, i, &mut q);
            table.rotate(isa, j, &mut k);
            q.iter().zip(&k).map(|(a, b)| a * b).sum::<f32>()
        };
        for isa in Isa::available() {
            assert!((score(isa, 9, 4) - score(isa, 25, 20)).abs() < 1e-5);
            assert!((score(isa, 9, 4) - score(isa, 9, 5)).abs() > 1e-3);
            // Element 0 turns with element 3 by one radian at position 1.
            let mut x = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            table.rotate(isa, 1, &mut x);
            assert!((x[0] - 1f32.cos()).abs() < 1e-6 && (x[3] - 1f32.sin()).abs() < 1e-6);
        }
    }
}
