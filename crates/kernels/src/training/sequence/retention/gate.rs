//! The norm of a head and its gate: `silu(gate) * x / rms(x)`, `rms(x) = sqrt(mean(x^2) + epsilon)`, forward and backward.

use super::super::chunk::Rows;
use crate::multiversion::{exp, multiversion};
use crate::training::sums::dot;

/// What a backward pass is given: the rows of one head.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub x: Rows<'a>,
    pub gate: Rows<'a>,
    pub d_out: Rows<'a>,
}

multiversion! {
    /// `out` `[rows, width]`.
    pub(super) fn forward(x: Rows<'_>, gate: Rows<'_>, epsilon: f32, out: &mut [f32]) = forward_body
}
multiversion! {
    /// The gradients of `x` and of the gate, `[rows, width]` each.
    pub(super) fn backward(given: Given<'_>, epsilon: f32, d_x: &mut [f32], d_gate: &mut [f32]) = backward_body
}

/// One over the root mean square of a row.
#[inline(always)]
fn inverse_rms<const FMA: bool>(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot::<FMA>(x, x) / x.len() as f32 + epsilon).sqrt()
}

#[inline(always)]
fn forward_body<const FMA: bool, const LANES: usize>(x: Rows<'_>, gate: Rows<'_>, epsilon: f32, out: &mut [f32]) {
    for (i, out) in out.chunks_exact_mut(x.width()).enumerate() {
        let r = inverse_rms::<FMA>(x.row(i), epsilon);
        for ((out, &x), &g) in out.iter_mut().zip(x.row(i)).zip(gate.row(i)) {
            *out = x * r * g / (1.0 + exp::<FMA>(-g));
        }
    }
}

#[inline(always)]
fn backward_body<const FMA: bool, const LANES: usize>(
    given: Given<'_>,
    epsilon: f32,
    d_x: &mut [f32],
    d_gate: &mut [f32],
) {
    let width = given.x.width();
    for (i, (d_x, d_gate)) in d_x.chunks_exact_mut(width).zip(d_gate.chunks_exact_mut(width)).enumerate() {
        let [x, gate, d_out] = [given.x, given.gate, given.d_out].map(|rows| rows.row(i));
        let r = inverse_rms::<FMA>(x, epsilon);
        for (((d_x, d_gate), (&x, &g)), &d) in d_x.iter_mut().zip(d_gate).zip(x.iter().zip(gate)).zip(d_out) {
            let sigmoid = 1.0 / (1.0 + exp::<FMA>(-g));
            let silu = g * sigmoid;
            *d_x = d * silu;
            *d_gate = d * x * r * (sigmoid + silu * (1.0 - sigmoid));
        }
        // With x^ = x r: d x = r (d x^ - x^ mean(x^ d x^)).
        let mean = dot::<FMA>(d_x, x) * r / width as f32;
        d_x.iter_mut().zip(x).for_each(|(d, &x)| *d = r * (*d - x * r * mean));
    }
}
