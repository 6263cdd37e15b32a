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
//! Who divides by the sum of the weights wants the same once more with a value of 1 at every position: `z = sum_s e^{a_C - a_s} k_s` beside
//! `S`, `total_t = sum_s w_ts (q_t k_s) + e^{a_t} z q_t`. As a column of the values it would cost a vector's width in every product.
//!
//! A weight of a later position is exactly 0, so that nothing that comes later changes a bit before it.

#[cfg(test)]
mod recurrence;
mod rows;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::super::attention::Span;
use super::super::left::{LeftRoom, Strided};
use super::super::panels::{Onto, Panels, Precision, multiply};
use rows::{add_dots, add_products, add_rows, add_to_rows, exponentials, row_sums, times, weighed};

pub(super) use rows::Rows;

/// Positions of a chunk: a panel of the products.
pub(super) const CHUNK: usize = 64;

/// How a head forgets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decay<'a> {
    /// The same log decay at every position; 0 forgets nothing.
    Steady(f32),
    /// The log decay of each position of the chunk.
    Each(&'a [f32]),
}

/// A chunk's queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attended<'a> {
    pub q: Rows<'a>,
    pub k: Rows<'a>,
    pub v: Rows<'a>,
    /// Positions, at most [`CHUNK`].
    pub len: usize,
}

/// What a head remembers, or the gradient of that.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// `S`, `[key, value]`.
    pub values: Vec<f32>,
    /// `z`, `[key]`; empty where nobody divides by the sum of the weights.
    pub keys: Vec<f32>,
}

impl Memory {
    /// Of nothing.
    pub(super) fn empty(key: usize, value: usize, divides: bool) -> Self {
        Self { values: vec![0.0; key * value], keys: vec![0.0; if divides { key } else { 0 }] }
    }

    /// The rows of `S`.
    fn rows(&self, value: usize) -> Vec<&[f32]> {
        self.values.chunks_exact(value).collect()
    }

    /// Forgets a part of everything.
    fn fade(&mut self, factor: f32) {
        if factor != 1.0 {
            self.values.iter_mut().chain(&mut self.keys).for_each(|s| *s *= factor);
        }
    }

    /// Writes `S`, then `z`.
    pub(super) fn write(&self, to: &mut [f32]) {
        let (values, keys) = to.split_at_mut(self.values.len());
        values.copy_from_slice(&self.values);
        keys.copy_from_slice(&self.keys);
    }

    /// What [`write`](Self::write) wrote.
    pub(super) fn read(&mut self, from: &[f32]) {
        let (values, keys) = from.split_at(self.values.len());
        self.values.copy_from_slice(values);
        self.keys.copy_from_slice(keys);
    }
}

/// Where the memories before each chunk are kept for the way back: those of one head of one item side by side.
pub(super) struct Places {
    /// Chunks in the items before each item, and in all of them.
    before: Vec<usize>,
    heads: usize,
    size: usize,
}

impl Places {
    /// For memories of `size` values.
    pub(super) fn new(spans: &[Span], heads: usize, size: usize) -> Self {
        let mut before = vec![0];
        before.extend(spans.iter().scan(0, |sum, span| {
            *sum += span.len.div_ceil(CHUNK);
            Some(*sum)
        }));
        Self { before, heads, size }
    }

    /// Values in all.
    pub(super) fn all(&self) -> usize {
        self.before[self.before.len() - 1] * self.heads * self.size
    }

    /// Those of a head of an item.
    pub(super) fn of(&self, item: usize, head: usize) -> Range<usize> {
        let chunks = self.before[item + 1] - self.before[item];
        let first = (self.before[item] * self.heads + head * chunks) * self.size;
        first..first + chunks * self.size
    }
}

/// The first position and the length of each chunk of an item.
pub(super) fn chunks_of(len: usize) -> impl DoubleEndedIterator<Item = (usize, usize)> + ExactSizeIterator {
    (0..len.div_ceil(CHUNK)).map(move |i| (i * CHUNK, CHUNK.min(len - i * CHUNK)))
}

/// The gradients of a chunk's outputs: what comes from above.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upstream<'a> {
    pub out: Rows<'a>,
    /// Of the totals; empty where nobody divides.
    pub totals: &'a [f32],
}

/// The gradients of a chunk's inputs, to be written: rows side by side.
pub(super) struct Downstream<'a> {
    pub q: &'a mut [f32],
    pub k: &'a mut [f32],
    pub v: &'a mut [f32],
}

/// Room for the chunks of one head.
pub(super) struct Chunks {
    key: usize,
    value: usize,
    /// The decay that the weights below are of, where it is steady.
    steady: Option<f32>,
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

impl Chunks {
    /// For keys and values of these widths.
    pub(super) fn new(key: usize, value: usize) -> Self {
        Self {
            key,
            value,
            steady: None,
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

    /// The output of a chunk, `[C, value]`, and, where `memory` has keys, the sums of its weights, `[C]`. The memory moves on to after the
    /// chunk.
    pub(super) fn attend(
        &mut self,
        rows: Attended<'_>,
        decay: Decay<'_>,
        memory: &mut Memory,
        out: &mut [f32],
        totals: &mut [f32],
    ) {
        let (c, key, value) = (rows.len, self.key, self.value);
        let divides = !memory.keys.is_empty();
        self.reach(decay, c);
        self.score(&rows);
        if divides {
            row_sums(&self.scores, totals);
        }
        let remembers = memory.values.iter().chain(&memory.keys).any(|s| *s != 0.0);
        if remembers {
            let q = weighed(self.steady, rows.q, &self.from_start, &mut self.scaled);
            self.panels.set_rows(&memory.rows(value));
            multiply(c, q.left(), self.panels.all(), out, value, Onto::Replace, &mut self.left);
            if divides {
                add_dots(q, &memory.keys, totals);
            }
        }
        self.panels.set_rows(&rows.v.list(c));
        let onto = if remembers { Onto::Add } else { Onto::Replace };
        multiply(c, Strided::rows(&self.scores, c), self.panels.all(), out, value, onto, &mut self.left);

        let whole = self.from_start[c - 1];
        memory.fade(whole);
        let k = weighed(self.steady, rows.k, &self.to_end, &mut self.scaled);
        let (panels, to) = (self.panels.all(), &mut memory.values);
        multiply(key, k.left_columns(), panels, to, value, Onto::Add, &mut self.left);
        if divides {
            add_rows(k, c, None, &mut memory.keys);
        }
    }

    /// The gradients of a chunk before which the memory was `before`. `g` is the gradient of the memory after the chunk and becomes that
    /// of the memory before it.
    pub(super) fn gradients(
        &mut self,
        rows: Attended<'_>,
        decay: Decay<'_>,
        before: &Memory,
        up: Upstream<'_>,
        g: &mut Memory,
        down: Downstream<'_>,
    ) {
        let (c, key, value) = (rows.len, self.key, self.value);
        let divides = !before.keys.is_empty();
        self.reach(decay, c);
        self.score(&rows);
        self.d_scores.resize(c * c, 0.0);
        self.panels.set_columns(&rows.v.list(c));
        let to = &mut self.d_scores;
        multiply(c, up.out.left(), self.panels.all(), to, c, Onto::Replace, &mut self.left);
        if divides {
            add_to_rows(to, up.totals);
        }
        times(to, &self.weights);

        let (room, from_start, to_end) = (&mut self.left, &self.from_start, &self.to_end);
        let d_scores = Strided::rows(&self.d_scores, c);
        self.panels.set_rows(&rows.k.list(c));
        multiply(c, d_scores, self.panels.all(), down.q, key, Onto::Replace, room);
        let d_out = weighed(self.steady, up.out, from_start, &mut self.scaled);
        self.panels.set_columns(&before.rows(value));
        multiply(c, d_out.left(), self.panels.all(), down.q, key, Onto::Add, room);

        let d_scores = Strided::columns(&self.d_scores, c);
        self.panels.set_rows(&rows.q.list(c));
        multiply(c, d_scores, self.panels.all(), down.k, key, Onto::Replace, room);
        let v = weighed(self.steady, rows.v, to_end, &mut self.scaled);
        self.panels.set_columns(&g.rows(value));
        multiply(c, v.left(), self.panels.all(), down.k, key, Onto::Add, room);

        let k = weighed(self.steady, rows.k, to_end, &mut self.scaled);
        self.panels.set_rows(&g.rows(value));
        multiply(c, k.left(), self.panels.all(), down.v, value, Onto::Replace, room);
        let scores = Strided::columns(&self.scores, c);
        self.panels.set_rows(&up.out.list(c));
        multiply(c, scores, self.panels.all(), down.v, value, Onto::Add, room);

        if divides {
            let from_start = up.totals.iter().zip(from_start).map(|(d, w)| d * w).collect::<Vec<f32>>();
            add_products(&from_start, &before.keys, down.q);
            add_products(to_end, &g.keys, down.k);
        }
        g.fade(from_start[c - 1]);
        let q = weighed(self.steady, rows.q, from_start, &mut self.scaled);
        multiply(key, q.left_columns(), self.panels.all(), &mut g.values, value, Onto::Add, room);
        if divides {
            add_rows(q, c, Some(up.totals), &mut g.keys);
        }
    }

    /// The weights of a chunk: from its beginning, to its end and inside it. Differences of sums are taken in 64 bits: a decay that
    /// forgets everything must not round those behind it.
    fn reach(&mut self, decay: Decay<'_>, c: usize) {
        let steady = match decay {
            Decay::Steady(log) => Some(log),
            Decay::Each(_) => None,
        };
        if steady.is_some() && steady == self.steady && c == self.sums.len() {
            return;
        }
        self.steady = steady;
        let mut sum = 0.0f64;
        let mut after = |log: f32| {
            sum += f64::from(log);
            sum
        };
        self.sums.clear();
        match decay {
            Decay::Steady(log) => self.sums.extend((0..c).map(|_| after(log))),
            Decay::Each(logs) => self.sums.extend(logs[..c].iter().map(|&log| after(log))),
        }
        let exponent = |of: &dyn Fn(f64) -> f64, to: &mut Vec<f32>| {
            to.clear();
            to.extend(self.sums.iter().map(|&a| of(a) as f32));
            exponentials(to);
        };
        exponent(&|a| a, &mut self.from_start);
        exponent(&|a| sum - a, &mut self.to_end);
        self.weights.resize(c * c, 0.0);
        for (t, row) in self.weights.chunks_exact_mut(c).enumerate() {
            let (past, later) = row.split_at_mut(t + 1);
            past.iter_mut().zip(&self.sums).for_each(|(w, a)| *w = (self.sums[t] - a) as f32);
            exponentials(past);
            later.fill(0.0);
        }
    }

    /// `scores = w * (Q K^T)`.
    fn score(&mut self, rows: &Attended<'_>) {
        let c = rows.len;
        self.scores.resize(c * c, 0.0);
        self.panels.set_columns(&rows.k.list(c));
        let to = &mut self.scores;
        multiply(c, rows.q.left(), self.panels.all(), to, c, Onto::Replace, &mut self.left);
        times(to, &self.weights);
    }
}
