//! RWKV-4's weighted average of values (Peng et al. 2023), with the running maximum that keeps its exponentials in range.

use rayon::prelude::*;

use super::{Forward, Items, Kept, SequenceOperation, rows_of, summed};
use crate::multiversion::{exp, multiversion};

/// `out_t = (a_t + e^{u + k_t} v_t) / (b_t + e^{u + k_t})` with `a_{t+1} = e^w a_t + e^{k_t} v_t`, `b` the same without `v`, and `w =
/// -e^{time_decay}`. Inputs: `k` and `v` `[rows, width]`, `time_decay` and `u` `[width]`. State: `a`, `b` and the logarithm of what
/// both are to be multiplied by, `[3, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Wkv4 {
    /// Channels.
    pub width: usize,
}

/// The logarithm of a sum of nothing.
const NOTHING: f32 = -1e38;

multiversion! {
    /// One position; the state moves on.
    fn step(k: &[f32], v: &[f32], time_decay: &[f32], u: &[f32], state: &mut [f32], out: &mut [f32]) = step_body
}
multiversion! {
    /// One position backwards. `state` is that before the position, `g` the gradient of the state after it (of `a` and `b`, and the
    /// logarithm of what both are to be multiplied by), and afterwards that of the state before.
    fn step_back(k: &[f32], v: &[f32], time_decay: &[f32], u: &[f32], state: &[f32], d_out: &[f32], g: &mut [f32], d_k: &mut [f32], d_v: &mut [f32], d_time_decay: &mut [f32], d_u: &mut [f32]) = step_back_body
}

#[inline(always)]
fn step_body<const FMA: bool, const LANES: usize>(
    k: &[f32],
    v: &[f32],
    time_decay: &[f32],
    u: &[f32],
    state: &mut [f32],
    out: &mut [f32],
) {
    let n = out.len();
    let (k, v, time_decay, u) = (&k[..n], &v[..n], &time_decay[..n], &u[..n]);
    let (a, rest) = state.split_at_mut(n);
    let (b, m) = rest.split_at_mut(n);
    let (b, m) = (&mut b[..n], &mut m[..n]);
    for c in 0..n {
        let w = -exp::<FMA>(time_decay[c]);
        let highest = m[c].max(u[c] + k[c]);
        let (before, now) = (exp::<FMA>(m[c] - highest), exp::<FMA>(u[c] + k[c] - highest));
        out[c] = (before * a[c] + now * v[c]) / (before * b[c] + now);
        let next = (m[c] + w).max(k[c]);
        let (before, now) = (exp::<FMA>(m[c] + w - next), exp::<FMA>(k[c] - next));
        a[c] = before * a[c] + now * v[c];
        b[c] = before * b[c] + now;
        m[c] = next;
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn step_back_body<const FMA: bool, const LANES: usize>(
    k: &[f32],
    v: &[f32],
    time_decay: &[f32],
    u: &[f32],
    state: &[f32],
    d_out: &[f32],
    g: &mut [f32],
    d_k: &mut [f32],
    d_v: &mut [f32],
    d_time_decay: &mut [f32],
    d_u: &mut [f32],
) {
    let n = d_out.len();
    let (k, v, time_decay, u) = (&k[..n], &v[..n], &time_decay[..n], &u[..n]);
    let (a, b, m) = (&state[..n], &state[n..][..n], &state[2 * n..][..n]);
    let (g_a, rest) = g.split_at_mut(n);
    let (g_b, g_m) = rest.split_at_mut(n);
    let (g_b, g_m) = (&mut g_b[..n], &mut g_m[..n]);
    let (d_k, d_v, d_time_decay, d_u) = (&mut d_k[..n], &mut d_v[..n], &mut d_time_decay[..n], &mut d_u[..n]);
    for c in 0..n {
        let w = -exp::<FMA>(time_decay[c]);
        // What the state after this position brings back.
        let at_key = exp::<FMA>(k[c] + g_m[c]);
        d_v[c] = at_key * g_a[c];
        d_k[c] = at_key * (g_a[c] * v[c] + g_b[c]);
        d_time_decay[c] += w * exp::<FMA>(g_m[c] + m[c] + w) * (g_a[c] * a[c] + g_b[c] * b[c]);
        // What this position's output brings.
        let highest = m[c].max(u[c] + k[c]);
        let (before, now) = (exp::<FMA>(m[c] - highest), exp::<FMA>(u[c] + k[c] - highest));
        let denominator = before * b[c] + now;
        let out = (before * a[c] + now * v[c]) / denominator;
        let (d_above, d_below) = (d_out[c] / denominator, -d_out[c] * out / denominator);
        let of_key = now * (d_above * v[c] + d_below);
        d_v[c] += now * d_above;
        d_k[c] += of_key;
        d_u[c] += of_key;
        // The gradient of the state before: of the larger of two magnitudes.
        let next = (-highest).max(w + g_m[c]);
        let (here, later) = (exp::<FMA>(-highest - next), exp::<FMA>(w + g_m[c] - next));
        g_a[c] = here * d_above + later * g_a[c];
        g_b[c] = here * d_below + later * g_b[c];
        g_m[c] = next;
    }
}

impl SequenceOperation for Wkv4 {
    fn width(&self) -> usize {
        self.width
    }

    fn state_size(&self) -> usize {
        3 * self.width
    }

    fn start(&self, state: &mut [f32]) {
        state[2 * self.width..].fill(NOTHING);
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [k, v, time_decay, u] = inputs else { panic!("four inputs") };
        let width = self.width;
        let mut out = vec![0.0; k.len()];
        let mut saved = vec![0.0; 3 * k.len()];
        let (outs, states) = (items.rows_mut(&mut out, width), items.rows_mut(&mut saved, 3 * width));
        let last: Vec<Vec<f32>> = (outs.into_par_iter().zip(states).enumerate())
            .map(|(i, (out, states))| {
                let (k, v) = (rows_of(k, items.spans[i], width), rows_of(v, items.spans[i], width));
                let mut state = items.state(self, i);
                let rows = out.chunks_exact_mut(width).zip(states.chunks_exact_mut(3 * width));
                for ((out, before), (k, v)) in rows.zip(k.chunks_exact(width).zip(v.chunks_exact(width))) {
                    before.copy_from_slice(&state);
                    step(k, v, time_decay, u, &mut state, out);
                }
                state
            })
            .collect();
        Forward { out, last: last.concat(), saved }
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [k, v, time_decay, u] = inputs else { panic!("four inputs") };
        let width = self.width;
        let (mut d_k, mut d_v) = (vec![0.0; k.len()], vec![0.0; v.len()]);
        let (d_ks, d_vs) = (items.rows_mut(&mut d_k, width), items.rows_mut(&mut d_v, width));
        let sums: Vec<(Vec<f32>, Vec<f32>)> = (d_ks.into_par_iter().zip(d_vs).enumerate())
            .map(|(i, (d_k, d_v))| {
                let span = items.spans[i];
                let [k, v, d_out] = [k, v, d_out].map(|x| rows_of(x, span, width));
                let states = rows_of(kept.saved, span, 3 * width);
                let mut g = vec![0.0; 3 * width];
                g[2 * width..].fill(NOTHING);
                let (mut d_time_decay, mut d_u) = (vec![0.0; width], vec![0.0; width]);
                for t in (0..span.len).rev() {
                    let [k, v, d_out] = [k, v, d_out].map(|x| &x[t * width..][..width]);
                    step_back(
                        k,
                        v,
                        time_decay,
                        u,
                        &states[t * 3 * width..][..3 * width],
                        d_out,
                        &mut g,
                        &mut d_k[t * width..][..width],
                        &mut d_v[t * width..][..width],
                        &mut d_time_decay,
                        &mut d_u,
                    );
                }
                (d_time_decay, d_u)
            })
            .collect();
        let (d_time_decay, d_u): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
        vec![d_k, d_v, summed(d_time_decay, width), summed(d_u, width)]
    }
}
