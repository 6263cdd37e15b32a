//! Attention without a softmax, whose memory decays by a factor for each head and position: what Mamba-2's state-space
//! duality (Dao and Gu 2024), retention (Sun et al. 2023) and, with factors of one, FAVOR+ (Choromanski et al. 2021) have in common.
//!
//! `S_t = e^{log_decay_t} S_{t-1} + k_t v_t^T`, `out_t = S_t^T q_t`.
//!
//! Computed a [chunk](chunk) of positions at a time, in matrix products; the recurrence as it stands is the oracle of its test.

mod chunk;
#[cfg(test)]
mod recurrence;

use super::super::sums::dot;
use super::heads::{add_columns, columns, each_head};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::multiversion;
use chunk::Chunks;

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

/// One head of one item, its rows adjacent.
struct Head {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    log_decay: Vec<f32>,
    state: Vec<f32>,
}

impl LinearAttention {
    fn head(&self, inputs: &[&[f32]], items: &Items<'_>, item: usize, head: usize) -> Head {
        let [q, k, v, log_decay] = inputs else { panic!("four inputs") };
        let (span, keys) = (items.spans[item], self.groups * self.key);
        let first = head / (self.heads / self.groups) * self.key;
        let size = self.key * self.value;
        Head {
            q: columns(q, span, keys, first, self.key),
            k: columns(k, span, keys, first, self.key),
            v: columns(v, span, self.heads * self.value, head * self.value, self.value),
            log_decay: columns(log_decay, span, self.heads, head, 1),
            state: match items.initial {
                Some(all) => all[(item * self.heads + head) * size..][..size].to_vec(),
                None => vec![0.0; size],
            },
        }
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
        let heads = each_head(&items, self.heads, |item, head| {
            let mut h = self.head(inputs, &items, item, head);
            let mut out = vec![0.0; h.v.len()];
            Chunks::new(self.key, self.value).attend(&h.q, &h.k, &h.v, &h.log_decay, &mut h.state, &mut out);
            (out, h.state)
        });
        let mut out = vec![0.0; items.rows * self.width()];
        let mut last = Vec::with_capacity(items.spans.len() * self.state_size());
        for (i, (part, state)) in heads.iter().enumerate() {
            let span = items.spans[i / self.heads];
            add_columns(&mut out, span, self.width(), i % self.heads * self.value, part);
            last.extend_from_slice(state);
        }
        Forward { out, last, saved: Vec::new() }
    }

    fn backward(&self, inputs: &[&[f32]], _: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let heads = each_head(&items, self.heads, |item, head| {
            let mut h = self.head(inputs, &items, item, head);
            let d_out = columns(d_out, items.spans[item], self.width(), head * self.value, self.value);
            let [d_q, d_k, d_v] =
                Chunks::new(self.key, self.value).gradients(&h.q, &h.k, &h.v, &h.log_decay, &mut h.state, &d_out);
            let mut d_log_decay = vec![0.0; h.log_decay.len()];
            decay_gradients(&h.q, &d_q, &h.k, &d_k, &mut d_log_decay);
            [d_q, d_k, d_v, d_log_decay]
        });
        let mut gradients: Vec<Vec<f32>> = inputs.iter().map(|x| vec![0.0; x.len()]).collect();
        for (i, parts) in heads.iter().enumerate() {
            let (span, head) = (items.spans[i / self.heads], i % self.heads);
            let group = head / (self.heads / self.groups);
            let keys = self.groups * self.key;
            let places = [
                (keys, group * self.key),
                (keys, group * self.key),
                (self.width(), head * self.value),
                (self.heads, head),
            ];
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
