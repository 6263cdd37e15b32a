//! The gated feed-forward `down(silu(gate(x)) * up(x))` (Shazeer 2020) as one pass over rows, forward and backward.
//!
//! A chunk of rows goes through all three products while it is in the core's cache; only the gate's and up's outputs are
//! kept for the backward pass, and the hidden values are computed again there.

use rayon::prelude::*;

use super::disjoint::Unfilled;
use super::linear::WeightSums;
use super::panels::{LeftRoom, Onto, Panels, Precision, Strided, multiply};
use super::parts::{chunk_rows, chunks, over_parts, sum_each};
use super::swiglu;

/// The three weights.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[inner, width]`.
    pub gate: &'a [f32],
    /// `[inner, width]`.
    pub up: &'a [f32],
    /// `[width, inner]`.
    pub down: &'a [f32],
    /// Values a row of the input has.
    pub width: usize,
}

impl<'a> Weights<'a> {
    fn inner(&self) -> usize {
        self.gate.len() / self.width
    }

    fn check(&self, x: &[f32]) {
        let n = self.gate.len();
        assert!(self.width > 0 && n > 0 && n.is_multiple_of(self.width) && self.up.len() == n, "weight shapes");
        assert!(self.down.len() == n && x.len().is_multiple_of(self.width), "shapes");
    }

    /// Gate's rows, then up's.
    fn gate_up(&self) -> Vec<&'a [f32]> {
        self.gate.chunks_exact(self.width).chain(self.up.chunks_exact(self.width)).collect()
    }

    fn down_rows(&self) -> Vec<&'a [f32]> {
        self.down.chunks_exact(self.inner()).collect()
    }
}

/// `x` `[rows, width]` to `residual + feed-forward(x)`, and what the backward pass needs: gate's and up's outputs, side
/// by side, `[rows, 2 inner]`.
pub fn forward(x: &[f32], w: Weights<'_>, residual: &[f32], precision: Precision) -> (Vec<f32>, Vec<f32>) {
    w.check(x);
    assert!(residual.len() == x.len(), "residual of another shape");
    let (rows, width, inner) = (x.len() / w.width, w.width, w.inner());
    let gate_up_panels = Panels::of_columns(precision, &w.gate_up());
    let down_panels = Panels::of_columns(precision, &w.down_rows());
    let chunk = chunk_rows(rows, 3 * inner * width);
    let (mut y, mut gate_up) = (Unfilled::new(x.len()), Unfilled::new(rows * 2 * inner));
    let (y_room, gate_up_room) = (y.room(), gate_up.room());
    let scratch = || (LeftRoom::default(), vec![0.0; chunk.min(rows) * inner]);
    (0..rows.div_ceil(chunk)).into_par_iter().with_max_len(1).for_each_init(scratch, |(room, hidden), i| {
        let first = i * chunk;
        let n = chunk.min(rows - first);
        let hidden = &mut hidden[..n * inner];
        // SAFETY: chunks of rows are disjoint, and all of both is written below.
        let (y, gate_up) =
            unsafe { (y_room.range(first * width, n * width), gate_up_room.range(first * 2 * inner, n * 2 * inner)) };
        let x = Strided::rows(&x[first * width..][..n * width], width);
        multiply(n, x, gate_up_panels.all(), gate_up, 2 * inner, Onto::Replace, room);
        for (hidden, both) in hidden.chunks_exact_mut(inner).zip(gate_up.chunks_exact(2 * inner)) {
            swiglu::forward_chunk(&both[..inner], &both[inner..], hidden);
        }
        y.copy_from_slice(&residual[first * width..][..n * width]);
        multiply(n, Strided::rows(hidden, inner), down_panels.all(), y, width, Onto::Add, room);
    });
    // SAFETY: the chunks cover all rows.
    unsafe { (y.filled(), gate_up.filled()) }
}

/// What a backward pass gives; the gradient of the residual is that of the result.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// Of `x`, `[rows, width]`.
    pub x: Vec<f32>,
    /// Of gate, up and down; empty if the weights are frozen.
    pub weights: Vec<Vec<f32>>,
}

/// Given the gradient `d_y` of the result, the gradients of `x` and, if `of_weights`, of the weights.
pub fn backward(
    x: &[f32],
    w: Weights<'_>,
    gate_up: &[f32],
    d_y: &[f32],
    of_weights: bool,
    precision: Precision,
) -> Gradients {
    w.check(x);
    let (rows, width, inner) = (x.len() / w.width, w.width, w.inner());
    assert!(d_y.len() == x.len() && gate_up.len() == rows * 2 * inner, "shapes");
    let gate_up_panels = Panels::of_rows(precision, &w.gate_up());
    let down_panels = Panels::of_rows(precision, &w.down_rows());
    let mut d_x = Unfilled::new(x.len());
    let d_x_room = d_x.room();
    let chunk = chunk_rows(rows, 3 * inner * width);
    let parts = over_parts(rows, chunk, |part| {
        let mut room = LeftRoom::default();
        let most = chunk.min(part.len());
        let (mut d_hidden, mut hidden) = (vec![0.0; most * inner], vec![0.0; most * inner]);
        let mut d_gate_up = vec![0.0; most * 2 * inner];
        let mut gate_up_sums = WeightSums::new(precision, &[inner, inner], width);
        let mut down_sums = WeightSums::new(precision, &[width], inner);
        for chunk in chunks(part, chunk) {
            let n = chunk.len();
            let at = |values: usize| chunk.start * values..chunk.end * values;
            let (x, gate_up, d_y) = (&x[at(width)], &gate_up[at(2 * inner)], &d_y[at(width)]);
            multiply(n, Strided::rows(d_y, width), down_panels.all(), &mut d_hidden, inner, Onto::Replace, &mut room);
            let d_rows = d_hidden.chunks_exact(inner).zip(d_gate_up.chunks_exact_mut(2 * inner));
            for (((d, d_both), hidden), both) in
                d_rows.zip(hidden.chunks_exact_mut(inner)).zip(gate_up.chunks_exact(2 * inner))
            {
                let (d_gate, d_up) = d_both.split_at_mut(inner);
                swiglu::backward_row(&both[..inner], &both[inner..], d, d_gate, d_up, hidden);
            }
            // SAFETY: chunks of rows are disjoint; the product writes every value.
            let d_x = unsafe { d_x_room.range(chunk.start * width, n * width) };
            let d = Strided::rows(&d_gate_up, 2 * inner);
            multiply(n, d, gate_up_panels.all(), d_x, width, Onto::Replace, &mut room);
            if of_weights {
                gate_up_sums.add(n, &d_gate_up, x, &mut room);
                down_sums.add(n, d_y, &hidden, &mut room);
            }
        }
        if of_weights { gate_up_sums.finish().chain(down_sums.finish()).collect() } else { Vec::new() }
    });
    // SAFETY: the chunks cover all rows.
    Gradients { x: unsafe { d_x.filled() }, weights: sum_each(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::linear::{self, Stacked};
    use proptest::prelude::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let value = |i: u32| (i.wrapping_add(seed * 97).wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5;
        (0..n as u32).map(value).collect()
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-5 * (1.0 + b.abs()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_its_parts(rows in 0usize..300, width in 1usize..40, inner in 1usize..70) {
            let (x, residual, d_y) = (values(rows * width, 1), values(rows * width, 2), values(rows * width, 3));
            let (gate, up, down) = (values(inner * width, 4), values(inner * width, 5), values(inner * width, 6));
            let w = Weights { gate: &gate, up: &up, down: &down, width };
            let p = Precision::F32;
            let single = |inputs, w| Stacked::plain(inputs, vec![w]);
            let g = linear::forward(&x, &single(width, &gate[..]), None, p);
            let u = linear::forward(&x, &single(width, &up[..]), None, p);
            let mut hidden = vec![0.0; rows * inner];
            swiglu::forward(&g, &u, &mut hidden);
            let want = linear::forward(&hidden, &single(inner, &down[..]), Some(&residual), p);
            let (y, saved) = forward(&x, w, &residual, p);
            prop_assert!(close(&y, &want));

            let d_down = linear::backward(&hidden, &single(inner, &down[..]), &d_y, true, p);
            let (mut d_g, mut d_u) = (vec![0.0; rows * inner], vec![0.0; rows * inner]);
            swiglu::backward(&g, &u, &d_down.x, &mut d_g, &mut d_u);
            let d_gate = linear::backward(&x, &single(width, &gate[..]), &d_g, true, p);
            let d_up = linear::backward(&x, &single(width, &up[..]), &d_u, true, p);
            let d_x: Vec<f32> = d_gate.x.iter().zip(&d_up.x).map(|(a, b)| a + b).collect();
            let d = backward(&x, w, &saved, &d_y, true, p);
            prop_assert!(close(&d.x, &d_x));
            for (got, want) in d.weights.iter().zip([&d_gate, &d_up, &d_down]) {
                prop_assert!(close(got, &want.weights[0]));
            }
            prop_assert!(backward(&x, w, &saved, &d_y, false, p).weights.is_empty());
        }
    }
}
