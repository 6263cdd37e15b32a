//! Root-mean-square normalization, forward and backward (Zhang and Sennrich 2019).
//!
//! `y = x / rms(x) * weight`, `rms(x) = sqrt(mean(x^2) + epsilon)`, over rows of `width` values.

use rayon::prelude::*;

use super::disjoint::Unfilled;
use super::sums::dot;
use crate::multiversion::{mul_add, multiversion};

/// Rows per task. Fixed, so that partial sums of the weight's gradient are the same whatever the thread count.
const ROWS: usize = 64;

/// `y` and, for the backward pass, the inverse root mean square of each row.
pub fn forward(x: &[f32], weight: &[f32], epsilon: f32) -> (Vec<f32>, Vec<f32>) {
    let width = weight.len();
    assert!(width > 0 && x.len().is_multiple_of(width), "shapes differ");
    let rows = x.len() / width;
    let (mut y, mut inverse_rms) = (Unfilled::new(x.len()), Unfilled::new(rows));
    let (y_room, inverse_room) = (y.room(), inverse_rms.room());
    x.par_chunks(ROWS * width).enumerate().for_each(|(i, x)| {
        // SAFETY: chunks of rows are disjoint, and every value is written.
        let (y, inverse) =
            unsafe { (y_room.range(i * ROWS * width, x.len()), inverse_room.range(i * ROWS, x.len() / width)) };
        forward_rows(x, weight, epsilon, y, inverse);
    });
    // SAFETY: the chunks cover all rows.
    unsafe { (y.filled(), inverse_rms.filled()) }
}

/// Given the gradient `d_y` of `y`, the gradients of `x` and of the weight.
pub fn backward(x: &[f32], weight: &[f32], inverse_rms: &[f32], d_y: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let width = weight.len();
    assert!(x.len() == d_y.len() && x.len() == inverse_rms.len() * width, "shapes differ");
    let mut d_x = Unfilled::new(x.len());
    let room = d_x.room();
    let chunks = x.par_chunks(ROWS * width).zip(d_y.par_chunks(ROWS * width)).zip(inverse_rms.par_chunks(ROWS));
    let partials: Vec<Vec<f32>> = chunks
        .enumerate()
        .map(|(i, ((x, d_y), inverse_rms))| {
            let mut d_weight = vec![0.0; width];
            // SAFETY: chunks of rows are disjoint, and every value is written.
            let d_x = unsafe { room.range(i * ROWS * width, x.len()) };
            backward_rows(x, weight, inverse_rms, d_y, d_x, &mut d_weight);
            d_weight
        })
        .collect();
    let mut d_weight = vec![0.0; width];
    for partial in partials {
        for (sum, p) in d_weight.iter_mut().zip(partial) {
            *sum += p;
        }
    }
    // SAFETY: the chunks cover all rows.
    (unsafe { d_x.filled() }, d_weight)
}

multiversion! {
    /// [`forward`] of a few rows, on this thread.
    pub(super) fn forward_rows(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32], inverse_rms: &mut [f32]) = forward_body
}
multiversion! {
    /// [`backward`] of a few rows, on this thread; the weight's gradient is added to `d_weight`.
    pub(super) fn backward_rows(x: &[f32], weight: &[f32], inverse_rms: &[f32], d_y: &[f32], d_x: &mut [f32], d_weight: &mut [f32]) = backward_body
}
multiversion! {
    /// `y` again, from the inverse root mean squares.
    pub(super) fn scale_rows(x: &[f32], weight: &[f32], inverse_rms: &[f32], y: &mut [f32]) = scale_body
}

#[inline(always)]
fn forward_body<const FMA: bool, const LANES: usize>(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    y: &mut [f32],
    inverse_rms: &mut [f32],
) {
    let width = weight.len();
    for ((x, y), inverse) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(inverse_rms) {
        let r = 1.0 / (dot::<FMA>(x, x) / width as f32 + epsilon).sqrt();
        *inverse = r;
        for ((y, &x), &w) in y.iter_mut().zip(x).zip(weight) {
            *y = x * r * w;
        }
    }
}

#[inline(always)]
fn scale_body<const FMA: bool, const LANES: usize>(x: &[f32], weight: &[f32], inverse_rms: &[f32], y: &mut [f32]) {
    let width = weight.len();
    for ((x, y), &r) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(inverse_rms) {
        for ((y, &x), &w) in y.iter_mut().zip(x).zip(weight) {
            *y = x * r * w;
        }
    }
}

#[inline(always)]
fn backward_body<const FMA: bool, const LANES: usize>(
    x: &[f32],
    weight: &[f32],
    inverse_rms: &[f32],
    d_y: &[f32],
    d_x: &mut [f32],
    d_weight: &mut [f32],
) {
    let width = weight.len();
    let rows = x.chunks_exact(width).zip(d_y.chunks_exact(width)).zip(d_x.chunks_exact_mut(width));
    for (((x, d_y), d_x), &r) in rows.zip(inverse_rms) {
        // With x^ = x r: d_weight += d_y x^;  d_x = r (g - x^ mean(g x^)), g = d_y weight.
        for (((d_x, d_w), (&x, &d)), &w) in d_x.iter_mut().zip(d_weight.iter_mut()).zip(x.iter().zip(d_y)).zip(weight) {
            *d_x = d * w;
            *d_w = mul_add::<FMA>(d, x * r, *d_w);
        }
        let mean = dot::<FMA>(d_x, x) * r / width as f32;
        for (d_x, &x) in d_x.iter_mut().zip(x) {
            *d_x = r * (*d_x - x * r * mean);
        }
    }
}
