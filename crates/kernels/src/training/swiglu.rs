//! SwiGLU's gate, `silu(gate) * up`, forward and backward (Shazeer 2020, "GLU Variants Improve Transformer").

use rayon::prelude::*;

use crate::multiversion::{exp, multiversion};

const CHUNK: usize = 16_384;

/// `out = silu(gate) * up`, element by element; all three of the same length.
pub fn forward(gate: &[f32], up: &[f32], out: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == out.len(), "lengths differ");
    out.par_chunks_mut(CHUNK)
        .zip(gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK)))
        .for_each(|(out, (gate, up))| forward_chunk(gate, up, out));
}

/// Given the gradient `d_out` of `out`, writes those of `gate` and `up`.
pub fn backward(gate: &[f32], up: &[f32], d_out: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
    let n = gate.len();
    assert!(up.len() == n && d_out.len() == n && d_gate.len() == n && d_up.len() == n, "lengths differ");
    (d_gate.par_chunks_mut(CHUNK).zip(d_up.par_chunks_mut(CHUNK)))
        .zip(gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK)).zip(d_out.par_chunks(CHUNK)))
        .for_each_init(Vec::new, |hidden, ((d_gate, d_up), ((gate, up), d_out))| {
            hidden.resize(gate.len(), 0.0);
            backward_row(gate, up, d_out, d_gate, d_up, hidden);
        });
}

multiversion! { pub(super) fn forward_chunk(gate: &[f32], up: &[f32], out: &mut [f32]) = forward_body }
multiversion! {
    /// As [`backward`] for a few values, on this thread; also writes `hidden`, what [`forward`] gives.
    pub(super) fn backward_row(gate: &[f32], up: &[f32], d_out: &[f32], d_gate: &mut [f32], d_up: &mut [f32], hidden: &mut [f32]) = backward_row_body
}

#[inline(always)]
fn forward_body<const FMA: bool, const LANES: usize>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((o, &g), &u) in out.iter_mut().zip(gate).zip(up) {
        *o = g / (1.0 + exp::<FMA>(-g)) * u;
    }
}

#[inline(always)]
fn backward_row_body<const FMA: bool, const LANES: usize>(
    gate: &[f32],
    up: &[f32],
    d_out: &[f32],
    d_gate: &mut [f32],
    d_up: &mut [f32],
    hidden: &mut [f32],
) {
    let out = d_gate.iter_mut().zip(d_up).zip(hidden);
    for ((((dg, du), h), (&g, &u)), &d) in out.zip(gate.iter().zip(up)).zip(d_out) {
        let sigmoid = 1.0 / (1.0 + exp::<FMA>(-g));
        let silu = g * sigmoid;
        *h = silu * u;
        *du = d * silu;
        *dg = d * u * (sigmoid + silu * (1.0 - sigmoid));
    }
}
