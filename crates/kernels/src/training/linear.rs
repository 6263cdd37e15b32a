//! Linear maps `y = x W^T (+ bias) (+ residual)`, several weights side by side in one pass over `x`.
//!
//! `y` is `[rows, sum of outputs]`: query, key and value projections, or gate and up, share one product.

use rayon::prelude::*;

use super::disjoint::Unfilled;
use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Precision, multiply};
use super::parts::{chunk_rows, chunks, over_parts, sum};
use super::weight_sums::WeightSums;

/// Weights `[outputs, inputs]` side by side, each perhaps with a bias `[outputs]`.
#[derive(Clone, Debug)]
pub struct Stacked<'a> {
    /// Values a row of the input has.
    pub inputs: usize,
    /// The weights.
    pub weights: Vec<&'a [f32]>,
    /// One for each weight.
    pub biases: Vec<Option<&'a [f32]>>,
}

impl<'a> Stacked<'a> {
    /// Weights without biases.
    pub fn plain(inputs: usize, weights: Vec<&'a [f32]>) -> Self {
        let biases = vec![None; weights.len()];
        Self { inputs, weights, biases }
    }

    /// Outputs of each weight.
    fn outputs(&self) -> impl Iterator<Item = usize> + '_ {
        self.weights.iter().map(|w| w.len() / self.inputs)
    }

    /// Outputs in all.
    pub fn width(&self) -> usize {
        self.outputs().sum()
    }

    fn rows(&self) -> Vec<&'a [f32]> {
        self.weights.iter().flat_map(|w| w.chunks_exact(self.inputs)).collect()
    }

    fn check(&self, x: &[f32]) {
        assert!(self.inputs > 0 && x.len().is_multiple_of(self.inputs), "input of another width");
        assert!(self.weights.iter().all(|w| !w.is_empty() && w.len().is_multiple_of(self.inputs)), "weight shapes");
        let fits = |(b, n): (&Option<&[f32]>, usize)| b.is_none_or(|b| b.len() == n);
        assert!(self.biases.len() == self.weights.len() && self.biases.iter().zip(self.outputs()).all(fits), "biases");
    }
}

/// `x` `[rows, inputs]` to `[rows, outputs in all]`; `residual`, of the result's shape, is added.
pub fn forward(x: &[f32], w: &Stacked<'_>, residual: Option<&[f32]>, precision: Precision) -> Vec<f32> {
    w.check(x);
    let (rows, width) = (x.len() / w.inputs, w.width());
    assert!(residual.is_none_or(|r| r.len() == rows * width), "residual of another shape");
    let panels = Panels::of_columns(precision, &w.rows());
    let bias: Option<Vec<f32>> = w.biases.iter().any(Option::is_some).then(|| {
        let of = |(b, n): (&Option<&[f32]>, usize)| b.map_or(vec![0.0; n], <[f32]>::to_vec);
        w.biases.iter().zip(w.outputs()).flat_map(of).collect()
    });
    let chunk = chunk_rows(rows, width * w.inputs, precision);
    let mut y = Unfilled::new(rows * width);
    let room = y.room();
    (0..rows.div_ceil(chunk)).into_par_iter().with_max_len(1).for_each_init(LeftRoom::default, |left_room, i| {
        let first = i * chunk;
        let n = chunk.min(rows - first);
        // SAFETY: chunks of rows are disjoint, and every value is written below.
        let y = unsafe { room.range(first * width, n * width) };
        let residual = residual.map(|r| &r[first * width..][..n * width]);
        let onto = start_with(y, width, residual, bias.as_deref());
        let x = Strided::rows(&x[first * w.inputs..][..n * w.inputs], w.inputs);
        multiply(n, x, panels.all(), y, width, onto, left_room);
    });
    // SAFETY: the chunks cover all rows.
    unsafe { y.filled() }
}

/// Writes what the product is added to, if anything is.
fn start_with(y: &mut [f32], width: usize, residual: Option<&[f32]>, bias: Option<&[f32]>) -> Onto {
    match (residual, bias) {
        (None, None) => return Onto::Replace,
        (Some(r), None) => y.copy_from_slice(r),
        (None, Some(b)) => y.chunks_exact_mut(width).for_each(|y| y.copy_from_slice(b)),
        (Some(r), Some(b)) => {
            for (y, r) in y.chunks_exact_mut(width).zip(r.chunks_exact(width)) {
                y.iter_mut().zip(r.iter().zip(b)).for_each(|(y, (r, b))| *y = r + b);
            }
        }
    }
    Onto::Add
}

/// What a backward pass gives.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// Of `x`, `[rows, inputs]`.
    pub x: Vec<f32>,
    /// Of each weight; empty if not asked for.
    pub weights: Vec<Vec<f32>>,
    /// Of each bias; empty for those that are not there and if not asked for.
    pub biases: Vec<Vec<f32>>,
}

/// Given the gradient `d_y` of `y` (that of the residual is `d_y` itself), the gradients of `x` and, unless the weights
/// are frozen (`of_weights` false), of weights and biases.
pub fn backward(x: &[f32], w: &Stacked<'_>, d_y: &[f32], of_weights: bool, precision: Precision) -> Gradients {
    w.check(x);
    let (rows, width) = (x.len() / w.inputs, w.width());
    assert!(d_y.len() == rows * width, "gradient of another shape");
    let panels = Panels::of_rows(precision, &w.rows());
    let outputs: Vec<usize> = w.outputs().collect();
    let mut d_x = Unfilled::new(x.len());
    let room = d_x.room();
    let chunk = chunk_rows(rows, width * w.inputs, precision);
    let parts = over_parts(rows, chunk, |part| {
        let mut sums = WeightSums::new(precision, &outputs, w.inputs);
        let mut bias = if w.biases.iter().any(Option::is_some) { vec![0.0; width] } else { Vec::new() };
        let mut left_room = LeftRoom::default();
        for chunk in chunks(part, chunk) {
            let n = chunk.len();
            let d_y = &d_y[chunk.start * width..chunk.end * width];
            let x = &x[chunk.start * w.inputs..chunk.end * w.inputs];
            // SAFETY: chunks of rows are disjoint; the product writes every value.
            let d_x = unsafe { room.range(chunk.start * w.inputs, n * w.inputs) };
            multiply(n, Strided::rows(d_y, width), panels.all(), d_x, w.inputs, Onto::Replace, &mut left_room);
            if of_weights {
                sums.add(n, d_y, x, &mut left_room);
                for d_y in d_y.chunks_exact(width) {
                    bias.iter_mut().zip(d_y).for_each(|(b, d)| *b += d);
                }
            }
        }
        (sums, bias)
    });
    let (weights, biases): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let bias = sum(biases);
    let mut starts = outputs.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n)));
    let mut of = |(b, &n): (&Option<&[f32]>, &usize)| {
        let start = starts.next().unwrap_or(0);
        if b.is_some() && of_weights { bias[start..start + n].to_vec() } else { Vec::new() }
    };
    let biases = w.biases.iter().zip(&outputs).map(&mut of).collect();
    // SAFETY: the chunks cover all rows.
    let x = unsafe { d_x.filled() };
    Gradients { x, weights: if of_weights { WeightSums::finish(weights) } else { Vec::new() }, biases }
}

#[cfg(test)]
mod tests;
