//! One head's linear attention in chunks of positions: inside a chunk as attention with decaying weights, between chunks by the
//! state (Dao and Gu 2024, section 6; Yang et al. 2024, "Gated Linear Attention Transformers with Hardware-Efficient Training").
//!
//! With `a_t` the sum of log decays from the chunk's beginning to t, `w_ts = e^{a_t - a_s}` for s <= t and 0 after, and `S` the state
//! before the chunk of C positions:
//!
//! - `out_t = sum_s w_ts (q_t k_s) v_s + e^{a_t} S^T q_t`, `S' = e^{a_C} S + sum_s e^{a_C - a_s} k_s v_s^T`
//! - with `G'` the gradient of `S'` and `d_ts = w_ts (d_out_t v_s)`: `d q_t = sum_s d_ts k_s + e^{a_t} S d_out_t`,
//!   `d k_s = sum_t d_ts q_t + e^{a_C - a_s} G' v_s`, `d v_s = sum_t w_ts (q_t k_s) d_out_t + e^{a_C - a_s} G'^T k_s`,
//!   `G = e^{a_C} G' + sum_t e^{a_t} q_t d_out_t^T`
//!
//! A weight of a later position is exactly 0, so that nothing that comes later changes a bit before it.

use super::super::super::panels::{LeftRoom, Onto, Panels, Precision, Strided, multiply};
use crate::multiversion::{exp, multiversion};

/// Positions of a chunk: a panel of the products.
const CHUNK: usize = 64;

/// Room for the chunks of one head.
pub(super) struct Chunks {
    key: usize,
    value: usize,
    /// `a_t`.
    sums: Vec<f64>,
    /// `w`, `[C, C]`.
    weights: Vec<f32>,
    /// `e^{a_t}`.
    from_start: Vec<f32>,
    /// `e^{a_C - a_s}`.
    to_end: Vec<f32>,
    /// `w_ts (q_t k_s)`, `[C, C]`.
    scores: Vec<f32>,
    /// `w_ts (d_out_t v_s)`, `[C, C]`.
    d_scores: Vec<f32>,
    /// Rows times a factor each.
    scaled: Vec<f32>,
    panels: Panels,
    left: LeftRoom,
}

/// A chunk's rows of each matrix.
struct Rows<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    log_decay: &'a [f32],
}

impl<'a> Rows<'a> {
    fn of(chunks: &Chunks, [q, k, v, log_decay]: [&'a [f32]; 4], first: usize) -> Self {
        let last = log_decay.len().min(first + CHUNK);
        let rows = |values: &'a [f32], width: usize| &values[first * width..last * width];
        Self { q: rows(q, chunks.key), k: rows(k, chunks.key), v: rows(v, chunks.value), log_decay: rows(log_decay, 1) }
    }
}

impl Chunks {
    /// For keys and values of these widths.
    pub(super) fn new(key: usize, value: usize) -> Self {
        Self {
            key,
            value,
            sums: Vec::new(),
            weights: Vec::new(),
            from_start: Vec::new(),
            to_end: Vec::new(),
            scores: Vec::new(),
            d_scores: Vec::new(),
            scaled: Vec::new(),
            panels: Panels::empty(Precision::F32),
            left: LeftRoom::default(),
        }
    }

    /// The output of one head; `state` `[key, value]` moves on to after the last position.
    pub(super) fn attend(
        &mut self,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        log_decay: &[f32],
        state: &mut [f32],
        out: &mut [f32],
    ) {
        for first in (0..log_decay.len()).step_by(CHUNK) {
            let rows = Rows::of(self, [q, k, v, log_decay], first);
            let c = rows.log_decay.len();
            self.reach(rows.log_decay);
            self.weigh();
            self.score(&rows);
            let out = &mut out[first * self.value..][..c * self.value];
            self.panels.set_rows(&rows_of(rows.v, self.value));
            self.product(c, Left::Rows(Of::Scores, c), out, self.value, Onto::Replace);
            self.carry_out(&rows, state, out);
            self.advance(&rows, state);
        }
    }

    /// The gradients of `q`, `k` and `v` of one head whose state before the first position is `state`, which moves on.
    pub(super) fn gradients(
        &mut self,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        log_decay: &[f32],
        state: &mut [f32],
        d_out: &[f32],
    ) -> [Vec<f32>; 3] {
        let (key, value) = (self.key, self.value);
        let firsts: Vec<usize> = (0..log_decay.len()).step_by(CHUNK).collect();
        let mut before = Vec::with_capacity(firsts.len() * state.len());
        for &first in &firsts {
            before.extend_from_slice(state);
            let rows = Rows::of(self, [q, k, v, log_decay], first);
            self.reach(rows.log_decay);
            self.advance(&rows, state);
        }
        let mut g = vec![0.0; state.len()];
        let (mut d_q, mut d_k, mut d_v) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        for (&first, state) in firsts.iter().zip(before.chunks_exact(key * value)).rev() {
            let rows = Rows::of(self, [q, k, v, log_decay], first);
            let c = rows.log_decay.len();
            let d_out = &d_out[first * value..][..c * value];
            let d_q = &mut d_q[first * key..][..c * key];
            let d_k = &mut d_k[first * key..][..c * key];
            let d_v = &mut d_v[first * value..][..c * value];
            self.reach(rows.log_decay);
            self.weigh();
            self.score(&rows);
            self.panels.set_columns(&rows_of(rows.v, value));
            let mut d_scores = std::mem::take(&mut self.d_scores);
            d_scores.resize(c * c, 0.0);
            multiply(
                c,
                Strided::rows(d_out, value),
                self.panels.all(),
                &mut d_scores,
                c,
                Onto::Replace,
                &mut self.left,
            );
            times(&mut d_scores, &self.weights);
            self.d_scores = d_scores;

            self.panels.set_rows(&rows_of(rows.k, key));
            self.product(c, Left::Rows(Of::DScores, c), d_q, key, Onto::Replace);
            scale(&mut self.scaled, d_out, &self.from_start);
            self.panels.set_columns(&rows_of(state, value));
            self.product(c, Left::Rows(Of::Scaled, value), d_q, key, Onto::Add);

            self.panels.set_rows(&rows_of(rows.q, key));
            self.product(c, Left::Columns(Of::DScores, c), d_k, key, Onto::Replace);
            scale(&mut self.scaled, rows.v, &self.to_end);
            self.panels.set_columns(&rows_of(&g, value));
            self.product(c, Left::Rows(Of::Scaled, value), d_k, key, Onto::Add);

            scale(&mut self.scaled, rows.k, &self.to_end);
            self.panels.set_rows(&rows_of(&g, value));
            self.product(c, Left::Rows(Of::Scaled, key), d_v, value, Onto::Replace);
            self.panels.set_rows(&rows_of(d_out, value));
            self.product(c, Left::Columns(Of::Scores, c), d_v, value, Onto::Add);

            let whole = self.from_start[c - 1];
            g.iter_mut().for_each(|g| *g *= whole);
            scale(&mut self.scaled, rows.q, &self.from_start);
            self.product(key, Left::Columns(Of::Scaled, key), &mut g, value, Onto::Add);
        }
        [d_q, d_k, d_v]
    }

    /// The weights from a chunk's beginning and to its end. Differences of sums are taken in 64 bits: a decay that forgets
    /// everything must not round those behind it.
    fn reach(&mut self, log_decay: &[f32]) {
        let mut sum = 0.0f64;
        self.sums.clear();
        self.sums.extend(log_decay.iter().map(|&d| {
            sum += f64::from(d);
            sum
        }));
        let exponent = |of: &dyn Fn(f64) -> f64, to: &mut Vec<f32>| {
            to.clear();
            to.extend(self.sums.iter().map(|&a| of(a) as f32));
            exponentials(to);
        };
        exponent(&|a| a, &mut self.from_start);
        exponent(&|a| sum - a, &mut self.to_end);
    }

    /// The weights inside the chunk that was [reached](Self::reach).
    fn weigh(&mut self) {
        let c = self.sums.len();
        self.weights.resize(c * c, 0.0);
        for (t, row) in self.weights.chunks_exact_mut(c).enumerate() {
            let (past, later) = row.split_at_mut(t + 1);
            past.iter_mut().zip(&self.sums).for_each(|(w, a)| *w = (self.sums[t] - a) as f32);
            exponentials(past);
            later.fill(0.0);
        }
    }

    /// `scores = w * (Q K^T)`.
    fn score(&mut self, rows: &Rows<'_>) {
        let c = rows.log_decay.len();
        self.scores.resize(c * c, 0.0);
        self.panels.set_columns(&rows_of(rows.k, self.key));
        multiply(
            c,
            Strided::rows(rows.q, self.key),
            self.panels.all(),
            &mut self.scores,
            c,
            Onto::Replace,
            &mut self.left,
        );
        times(&mut self.scores, &self.weights);
    }

    /// Adds what the state before the chunk gives to its outputs.
    fn carry_out(&mut self, rows: &Rows<'_>, state: &[f32], out: &mut [f32]) {
        if state.iter().all(|s| *s == 0.0) {
            return;
        }
        scale(&mut self.scaled, rows.q, &self.from_start);
        self.panels.set_rows(&rows_of(state, self.value));
        self.product(rows.log_decay.len(), Left::Rows(Of::Scaled, self.key), out, self.value, Onto::Add);
    }

    /// Moves the state to after the chunk that was [reached](Self::reach).
    fn advance(&mut self, rows: &Rows<'_>, state: &mut [f32]) {
        let whole = self.from_start[rows.log_decay.len() - 1];
        state.iter_mut().for_each(|s| *s *= whole);
        scale(&mut self.scaled, rows.k, &self.to_end);
        self.panels.set_rows(&rows_of(rows.v, self.value));
        self.product(self.key, Left::Columns(Of::Scaled, self.key), state, self.value, Onto::Add);
    }

    /// A product of what is in this room with the panels.
    fn product(&mut self, rows: usize, left: Left, out: &mut [f32], out_width: usize, onto: Onto) {
        let (Left::Rows(of, width) | Left::Columns(of, width)) = left;
        let data = match of {
            Of::Scores => &self.scores,
            Of::DScores => &self.d_scores,
            Of::Scaled => &self.scaled,
        };
        let left = match left {
            Left::Rows(..) => Strided::rows(data, width),
            Left::Columns(..) => Strided::columns(data, width),
        };
        multiply(rows, left, self.panels.all(), out, out_width, onto, &mut self.left);
    }
}

/// A left operand in the room.
#[derive(Clone, Copy)]
enum Of {
    Scores,
    DScores,
    Scaled,
}

/// How it is read: with the width of its rows.
#[derive(Clone, Copy)]
enum Left {
    Rows(Of, usize),
    Columns(Of, usize),
}

fn rows_of(values: &[f32], width: usize) -> Vec<&[f32]> {
    values.chunks_exact(width).collect()
}

/// Row by row times a factor each.
fn scale(scaled: &mut Vec<f32>, rows: &[f32], factors: &[f32]) {
    let width = rows.len() / factors.len();
    scaled.clear();
    for (row, factor) in rows.chunks_exact(width).zip(factors) {
        scaled.extend(row.iter().map(|x| x * factor));
    }
}

multiversion! { fn exponentials(values: &mut [f32]) = exponentials_body }
multiversion! { fn times(values: &mut [f32], factors: &[f32]) = times_body }

#[inline(always)]
fn exponentials_body<const FMA: bool, const LANES: usize>(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = exp::<FMA>(*v));
}

#[inline(always)]
fn times_body<const FMA: bool, const LANES: usize>(values: &mut [f32], factors: &[f32]) {
    values.iter_mut().zip(factors).for_each(|(v, f)| *v *= f);
}

#[cfg(test)]
mod tests {
    use super::super::recurrence;
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let value = |i: usize| {
            ((i as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn chunks_are_the_recurrence_at_any_length_and_decay() {
        for (rows, key, value) in [(1, 3, 2), (63, 17, 33), (64, 8, 5), (65, 5, 18), (200, 16, 16)] {
            let (q, k, v) = (noise(rows * key, 1), noise(rows * key, 2), noise(rows * value, 3));
            for steepest in [0.0f32, 0.1, 2.0, 5_000.0] {
                let mut log_decay: Vec<f32> = noise(rows, 4).iter().map(|d| -0.1f32.min(steepest) * d.abs()).collect();
                // Now and then everything is forgotten.
                log_decay.iter_mut().skip(7).step_by(29).for_each(|d| *d = -steepest);
                let (begin, d_out) = (noise(key * value, 5), noise(rows * value, 6));
                let mut state = begin.clone();
                let mut exact: Vec<f64> = state.iter().map(|&s| f64::from(s)).collect();
                let mut out = vec![0.0; rows * value];
                Chunks::new(key, value).attend(&q, &k, &v, &log_decay, &mut state, &mut out);
                let expected = recurrence::attend(&q, &k, &v, &log_decay, &mut exact);
                let close = |a: &[f32], b: &[f64]| {
                    let scale = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
                    a.iter().zip(b).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5 * scale)
                };
                assert!(close(&out, &expected), "{rows} {key} {value} {steepest}");
                assert!(close(&state, &exact), "{rows} {key} {value} {steepest}");
                let begin64: Vec<f64> = begin.iter().map(|&s| f64::from(s)).collect();
                let mut state = begin;
                let found = Chunks::new(key, value).gradients(&q, &k, &v, &log_decay, &mut state, &d_out);
                let expected = recurrence::gradients([&q, &k, &v, &log_decay], begin64, &d_out);
                for (name, (found, expected)) in ["q", "k", "v"].iter().zip(found.iter().zip(&expected)) {
                    assert!(close(found, expected), "d {name}: {rows} {key} {value} {steepest}");
                }
            }
        }
    }
}
