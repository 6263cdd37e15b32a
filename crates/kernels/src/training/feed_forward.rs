//! The second half of a block in one pass over rows, forward and backward: `y = h + down(silu(gate(n)) * up(n))` with
//! `h = x + mixed` and `n = rms_norm(h)` (Shazeer 2020; Zhang and Sennrich 2019).
//!
//! A chunk of rows goes through the norm and all three products while it is in the core's cache; only `h`, its norm's
//! scales and the gate's and up's outputs are kept for the backward pass. The rest is computed again there.

use rayon::prelude::*;

use super::disjoint::Unfilled;
use super::gates::{Gates, UnfilledGates};
use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Precision, multiply};
use super::parts::{chunk_rows, chunks, near_rows, over_parts, sum};
use super::weight_sums::WeightSums;
use super::{rms_norm, swiglu};

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

/// The norm before the feed-forward.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `[width]`.
    pub weight: &'a [f32],
    /// Added to the mean square.
    pub epsilon: f32,
}

/// What the backward pass needs.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// `x + mixed`, `[rows, width]`.
    pub h: Vec<f32>,
    /// The inverse root mean square of each row of `h`.
    pub inverse_rms: Vec<f32>,
    /// Gate's and up's outputs.
    pub gate_up: Gates,
}

/// `x` and what a mixer made of it, `[rows, width]` both, to `y` of that shape.
pub fn forward(x: &[f32], mixed: &[f32], norm: Norm<'_>, w: Weights<'_>, precision: Precision) -> (Vec<f32>, Saved) {
    w.check(x);
    assert!(mixed.len() == x.len() && norm.weight.len() == w.width, "shapes");
    let (rows, width, inner) = (x.len() / w.width, w.width, w.inner());
    let gate_up_panels = Panels::of_columns(precision, &w.gate_up());
    let down_panels = Panels::of_columns(precision, &w.down_rows());
    let weights = 3 * inner * width;
    let chunk = near_rows(2 * inner, weights, chunk_rows(rows, weights, precision), precision);
    let (mut y, mut h, mut inverse_rms) = (Unfilled::new(x.len()), Unfilled::new(x.len()), Unfilled::new(rows));
    let mut gates = UnfilledGates::new(precision, rows * 2 * inner);
    let (y_room, h_room, inverse_room, gates_room) = (y.room(), h.room(), inverse_rms.room(), gates.room());
    let most = chunk.min(rows);
    let scratch = || (LeftRoom::default(), vec![0.0; most * width], vec![0.0; most * inner], Vec::new());
    (0..rows.div_ceil(chunk)).into_par_iter().with_max_len(1).for_each_init(scratch, |scratch, i| {
        let (room, normed, hidden, products) = scratch;
        let first = i * chunk;
        let n = chunk.min(rows - first);
        let (normed, hidden) = (&mut normed[..n * width], &mut hidden[..n * inner]);
        let at = first * width..(first + n) * width;
        // SAFETY: chunks of rows are disjoint, and all of the four is written below.
        let (y, h, gate_up, inverse_rms) = unsafe {
            (
                y_room.range(at.start, n * width),
                h_room.range(at.start, n * width),
                gates_room.products(first * 2 * inner, n * 2 * inner, products),
                inverse_room.range(first, n),
            )
        };
        h.iter_mut().zip(x[at.clone()].iter().zip(&mixed[at])).for_each(|(h, (x, mixed))| *h = x + mixed);
        rms_norm::forward_rows(h, norm.weight, norm.epsilon, normed, inverse_rms);
        let panels = gate_up_panels.all();
        multiply(n, Strided::rows(normed, width), panels, gate_up, 2 * inner, Onto::Replace, room);
        let hidden_rows = hidden.chunks_exact_mut(inner);
        for ((row, hidden), both) in (first..).zip(hidden_rows).zip(gate_up.chunks_exact_mut(2 * inner)) {
            // SAFETY: as above.
            unsafe { gates_room.keep(row * 2 * inner, both) };
            swiglu::forward_chunk(&both[..inner], &both[inner..], hidden);
        }
        y.copy_from_slice(h);
        multiply(n, Strided::rows(hidden, inner), down_panels.all(), y, width, Onto::Add, room);
    });
    // SAFETY: the chunks cover all rows.
    unsafe { (y.filled(), Saved { h: h.filled(), inverse_rms: inverse_rms.filled(), gate_up: gates.filled() }) }
}

/// What a backward pass gives.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// Of `x`, and of `mixed` as well, `[rows, width]`.
    pub h: Vec<f32>,
    /// Of the norm's weight.
    pub norm: Vec<f32>,
    /// Of gate, up and down; empty if the weights are frozen.
    pub weights: Vec<Vec<f32>>,
}

/// Given the gradient `d_y` of the result, the gradients of `x`, the norm and, if `of_weights`, the weights.
pub fn backward(
    saved: &Saved,
    norm: Norm<'_>,
    w: Weights<'_>,
    d_y: &[f32],
    of_weights: bool,
    precision: Precision,
) -> Gradients {
    w.check(&saved.h);
    let (rows, width, inner) = (saved.h.len() / w.width, w.width, w.inner());
    assert!(d_y.len() == rows * width && norm.weight.len() == width, "shapes");
    assert!(saved.gate_up.len() == rows * 2 * inner && saved.inverse_rms.len() == rows, "shapes");
    let gate_up_panels = Panels::of_rows(precision, &w.gate_up());
    let down_panels = Panels::of_rows(precision, &w.down_rows());
    let mut d_h = Unfilled::new(rows * width);
    let d_h_room = d_h.room();
    let weights = 3 * inner * width;
    let chunk = chunk_rows(rows, weights, precision);
    let near = near_rows(4 * inner, weights, chunk, precision);
    let parts = over_parts(rows, chunk, |part| {
        let mut room = LeftRoom::default();
        let most = near.min(part.len());
        let (mut d_hidden, mut hidden) = (vec![0.0; most * inner], vec![0.0; most * inner]);
        let (mut d_gate_up, mut restored) = (vec![0.0; most * 2 * inner], vec![0.0; 2 * inner]);
        let (mut normed, mut d_normed) = (vec![0.0; chunk.min(part.len()) * width], vec![0.0; most * width]);
        let mut d_norm = vec![0.0; width];
        let mut gate_up_sums = WeightSums::packing_outputs(precision, &[inner, inner], width);
        let mut down_sums = WeightSums::packing_inputs(precision, &[width], inner);
        for chunk in chunks(part, chunk) {
            if of_weights {
                gate_up_sums.begin(chunk.len());
                down_sums.begin(chunk.len());
            }
            for rows in chunks(chunk.clone(), near) {
                let n = rows.len();
                let at = rows.start * width..rows.end * width;
                let (h, d_y, inverse_rms) = (&saved.h[at.clone()], &d_y[at.clone()], &saved.inverse_rms[rows.clone()]);
                let d = Strided::rows(d_y, width);
                multiply(n, d, down_panels.all(), &mut d_hidden, inner, Onto::Replace, &mut room);
                let outs = d_gate_up.chunks_exact_mut(2 * inner).zip(hidden.chunks_exact_mut(inner));
                for ((row, d), (d_both, hidden)) in rows.clone().zip(d_hidden.chunks_exact(inner)).zip(outs) {
                    let both = saved.gate_up.row(row, &mut restored);
                    let (d_gate, d_up) = d_both.split_at_mut(inner);
                    swiglu::backward_row(&both[..inner], &both[inner..], d, d_gate, d_up, hidden);
                }
                let d = Strided::rows(&d_gate_up, 2 * inner);
                multiply(n, d, gate_up_panels.all(), &mut d_normed, width, Onto::Replace, &mut room);
                // SAFETY: chunks of rows are disjoint; the norm's backward pass writes every value.
                let d_h = unsafe { d_h_room.range(at.start, n * width) };
                rms_norm::backward_rows(h, norm.weight, inverse_rms, &d_normed[..n * width], d_h, &mut d_norm);
                d_h.iter_mut().zip(d_y).for_each(|(d_h, d_y)| *d_h += d_y);
                if of_weights {
                    let first = rows.start - chunk.start;
                    let normed = &mut normed[first * width..][..n * width];
                    rms_norm::scale_rows(h, norm.weight, inverse_rms, normed);
                    gate_up_sums.pack(first, &d_gate_up[..n * 2 * inner]);
                    down_sums.pack(first, &hidden[..n * inner]);
                }
            }
            if of_weights {
                let d_y = &d_y[chunk.start * width..chunk.end * width];
                gate_up_sums.add_turned(chunk.len(), &normed, &mut room);
                down_sums.add_turned(chunk.len(), d_y, &mut room);
            }
        }
        ([gate_up_sums, down_sums], d_norm)
    });
    let (sums, norms): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let (gate_up, down): (Vec<_>, Vec<_>) = sums.into_iter().map(|[gate_up, down]| (gate_up, down)).unzip();
    let weights = match of_weights {
        true => [gate_up, down].into_iter().flat_map(WeightSums::finish).collect(),
        false => Vec::new(),
    };
    // SAFETY: the chunks cover all rows.
    Gradients { h: unsafe { d_h.filled() }, norm: sum(norms), weights }
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
            let (x, mixed, d_y) = (values(rows * width, 1), values(rows * width, 2), values(rows * width, 3));
            let (gate, up, down) = (values(inner * width, 4), values(inner * width, 5), values(inner * width, 6));
            let scale = values(width, 7);
            let norm = Norm { weight: &scale, epsilon: 1e-2 };
            let w = Weights { gate: &gate, up: &up, down: &down, width };
            let p = Precision::F32;
            let single = |inputs, w| Stacked::plain(inputs, vec![w]);
            let h: Vec<f32> = x.iter().zip(&mixed).map(|(a, b)| a + b).collect();
            let (n, inverse_rms) = rms_norm::forward(&h, &scale, 1e-2);
            let g = linear::forward(&n, &single(width, &gate[..]), None, p);
            let u = linear::forward(&n, &single(width, &up[..]), None, p);
            let mut hidden = vec![0.0; rows * inner];
            swiglu::forward(&g, &u, &mut hidden);
            let want = linear::forward(&hidden, &single(inner, &down[..]), Some(&h), p);
            let (y, saved) = forward(&x, &mixed, norm, w, p);
            prop_assert!(close(&y, &want));

            let d_down = linear::backward(&hidden, &single(inner, &down[..]), &d_y, true, p);
            let (mut d_g, mut d_u) = (vec![0.0; rows * inner], vec![0.0; rows * inner]);
            swiglu::backward(&g, &u, &d_down.x, &mut d_g, &mut d_u);
            let d_gate = linear::backward(&n, &single(width, &gate[..]), &d_g, true, p);
            let d_up = linear::backward(&n, &single(width, &up[..]), &d_u, true, p);
            let d_n: Vec<f32> = d_gate.x.iter().zip(&d_up.x).map(|(a, b)| a + b).collect();
            let (d_normed, d_scale) = rms_norm::backward(&h, &scale, &inverse_rms, &d_n);
            let d_h: Vec<f32> = d_normed.iter().zip(&d_y).map(|(a, b)| a + b).collect();
            let d = backward(&saved, norm, w, &d_y, true, p);
            prop_assert!(close(&d.h, &d_h));
            prop_assert!(close(&d.norm, &d_scale));
            for (got, want) in d.weights.iter().zip([&d_gate, &d_up, &d_down]) {
                prop_assert!(close(got, &want.weights[0]));
            }
            prop_assert!(backward(&saved, norm, w, &d_y, false, p).weights.is_empty());
        }
    }

    /// Of odd sizes, and of so many values a row that a matrix unit takes several steps. Not of very narrow rows: there the gradient that passes the norm
    /// is a small difference, of which rounding leaves little.
    #[test]
    fn bfloat16_is_near() {
        for (rows, width, inner) in [(1, 24, 40), (77, 33, 51), (299, 17, 69), (333, 16, 700)] {
            compare_precisions(rows, width, inner);
        }
    }

    fn compare_precisions(rows: usize, width: usize, inner: usize) {
        let (x, mixed, d_y) = (values(rows * width, 1), values(rows * width, 2), values(rows * width, 3));
        let (gate, up, down) = (values(inner * width, 4), values(inner * width, 5), values(inner * width, 6));
        let scale = values(width, 7);
        let norm = Norm { weight: &scale, epsilon: 1e-2 };
        let w = Weights { gate: &gate, up: &up, down: &down, width };
        let of = |precision| {
            let (y, saved) = forward(&x, &mixed, norm, w, precision);
            let d = backward(&saved, norm, w, &d_y, true, precision);
            [vec![y, d.h, d.norm], d.weights].concat()
        };
        for (exact, rounded) in of(Precision::F32).iter().zip(of(Precision::Bf16)) {
            let size = (exact.iter().map(|x| x * x).sum::<f32>() / exact.len() as f32).sqrt();
            assert_eq!(exact.len(), rounded.len());
            for (e, r) in exact.iter().zip(rounded) {
                assert!((e - r).abs() < 0.06 * (e.abs() + size), "{e} {r} of {size}");
            }
        }
    }
}
