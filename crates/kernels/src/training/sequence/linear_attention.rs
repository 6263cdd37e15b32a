//! Attention without a softmax, whose memory decays by a factor for each head and position: Mamba-2's state-space duality
//! (Dao and Gu 2024).
//!
//! `S_t = e^{log_decay_t} S_{t-1} + k_t v_t^T`, `out_t = S_t^T q_t`.
//!
//! Computed a [chunk](super::chunk) of positions at a time, in matrix products.

use super::super::disjoint::Unfilled;
use super::super::sums::dot;
use super::chunk::{Attended, Chunks, Decay, Downstream, Memory, Places, Upstream, chunks_of};
use super::heads::{Columns, add_columns, columns, each_head};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::multiversion;

/// Inputs: `q` and `k` `[rows, groups * key]`, `v` `[rows, heads * value]`, `log_decay` `[rows, heads]`. Output `[rows, heads *
/// value]`. State: `S` `[heads, key, value]`.
#[derive(Clone, Copy, Debug)]
pub struct LinearAttention {
    /// Heads, each with values of its own.
    pub heads: usize,
    /// Queries and keys; several heads may share one. Divides `heads`.
    pub groups: usize,
    /// Width of a query and of a key.
    pub key: usize,
    /// Width of a value.
    pub value: usize,
}

impl LinearAttention {
    /// A head's columns of queries and keys.
    fn keys(&self, head: usize) -> Columns {
        let group = head / (self.heads / self.groups);
        Columns { all: self.groups * self.key, first: group * self.key, width: self.key }
    }

    /// A head's columns of values and outputs.
    fn values(&self, head: usize) -> Columns {
        Columns { all: self.width(), first: head * self.value, width: self.value }
    }

    /// A head's rows `row..row + len`.
    fn attended<'a>(&self, inputs: &[&'a [f32]], head: usize, row: usize, len: usize) -> Attended<'a> {
        let (keys, values) = (self.keys(head), self.values(head));
        Attended { q: keys.rows(inputs[0], row), k: keys.rows(inputs[1], row), v: values.rows(inputs[2], row), len }
    }
}

impl SequenceOperation for LinearAttention {
    fn width(&self) -> usize {
        self.heads * self.value
    }

    fn state_size(&self) -> usize {
        self.heads * self.key * self.value
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let size = self.key * self.value;
        let places = Places::new(items.spans, self.heads, size);
        let (mut out, mut saved) = (items.unfilled(self.width()), Unfilled::new(places.all()));
        let (out_room, saved_room) = (out.room(), saved.room());
        let last = each_head(&items, self.heads, |item, head| {
            let (span, columns_of_head) = (items.spans[item], self.values(head));
            let log_decay = columns(inputs[3], span, self.heads, head, 1);
            let mut memory = Memory::empty(self.key, self.value, false);
            if let Some(all) = items.initial {
                memory.read(&all[(item * self.heads + head) * size..][..size]);
            }
            let mut chunks = Chunks::new(self.key, self.value);
            let mut part = vec![0.0; self.value * span.len];
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)) {
                // SAFETY: the place is this head's of this item alone.
                memory.write(unsafe { saved_room.range(at, size) });
                let rows = self.attended(inputs, head, span.start + first, len);
                let part = &mut part[..len * self.value];
                chunks.attend(rows, Decay::Each(&log_decay[first..]), &mut memory, part, &mut []);
                // SAFETY: items are disjoint, and so are the heads' columns.
                unsafe { columns_of_head.write(out_room, span.start + first, part) };
            }
            memory.values
        });
        // SAFETY: the heads of the items have written all rows of items and all places.
        let (out, saved) = unsafe { (out.filled(), saved.filled()) };
        Forward { out, last: last.concat(), saved }
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let size = self.key * self.value;
        let places = Places::new(items.spans, self.heads, size);
        let heads = each_head(&items, self.heads, |item, head| {
            let span = items.spans[item];
            let log_decay = columns(inputs[3], span, self.heads, head, 1);
            let mut chunks = Chunks::new(self.key, self.value);
            let empty = || Memory::empty(self.key, self.value, false);
            let (mut before, mut g) = (empty(), empty());
            let [mut d_q, mut d_k] = [(); 2].map(|()| vec![0.0; span.len * self.key]);
            let mut d_v = vec![0.0; span.len * self.value];
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)).rev() {
                before.read(&kept.saved[at..at + size]);
                let up = Upstream { out: self.values(head).rows(d_out, span.start + first), totals: &[] };
                let down = Downstream {
                    q: &mut d_q[first * self.key..][..len * self.key],
                    k: &mut d_k[first * self.key..][..len * self.key],
                    v: &mut d_v[first * self.value..][..len * self.value],
                };
                let rows = self.attended(inputs, head, span.start + first, len);
                chunks.gradients(rows, Decay::Each(&log_decay[first..]), &before, up, &mut g, down);
            }
            let mut d_log_decay = vec![0.0; span.len];
            let keys = self.keys(head);
            let [q, k] = [inputs[0], inputs[1]].map(|x| columns(x, span, keys.all, keys.first, keys.width));
            decay_gradients(&q, &d_q, &k, &d_k, &mut d_log_decay);
            [d_q, d_k, d_v, d_log_decay]
        });
        let mut gradients: Vec<Vec<f32>> = inputs.iter().map(|x| vec![0.0; x.len()]).collect();
        for (i, parts) in heads.iter().enumerate() {
            let (span, head) = (items.spans[i / self.heads], i % self.heads);
            let (keys, values) = (self.keys(head), self.values(head));
            let places =
                [(keys.all, keys.first), (keys.all, keys.first), (values.all, values.first), (self.heads, head)];
            for ((gradient, part), (all, first)) in gradients.iter_mut().zip(parts).zip(places) {
                add_columns(gradient, span, all, first, part);
            }
        }
        gradients
    }
}

multiversion! {
    /// `q_t` and `k_t` meet the sum of log decays with opposite signs: `d log_decay_t = sum_{s >= t} (q_s d q_s - k_s d k_s)`
    /// (Yang et al. 2024, gated linear attention).
    fn decay_gradients(q: &[f32], d_q: &[f32], k: &[f32], d_k: &[f32], d_log_decay: &mut [f32]) = decay_gradients_body
}

#[inline(always)]
fn decay_gradients_body<const FMA: bool, const LANES: usize>(
    q: &[f32],
    d_q: &[f32],
    k: &[f32],
    d_k: &[f32],
    d_log_decay: &mut [f32],
) {
    let key = q.len() / d_log_decay.len();
    let mut sum = 0.0;
    for (t, d_log_decay) in d_log_decay.iter_mut().enumerate().rev() {
        let [q, d_q, k, d_k] = [q, d_q, k, d_k].map(|x| &x[t * key..][..key]);
        sum += f64::from(dot::<FMA>(q, d_q) - dot::<FMA>(k, d_k));
        *d_log_decay = sum as f32;
    }
}
