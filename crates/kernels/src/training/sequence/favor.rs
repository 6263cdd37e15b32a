//! Causal attention by positive random features, FAVOR+ (Choromanski et al. 2021): features, sums and quotient in one pass.
//!
//! With `phi` the [features](features) of queries and keys: `S_t = S_{t-1} + phi(k_t) v_t^T`, `z_t = z_{t-1} + phi(k_t)`,
//! `out_t = S_t^T phi(q_t) / z_t phi(q_t)`. Features are made a [chunk](super::chunk) at a time and made again on the way back, so that they never
//! leave the nearest caches.

mod features;

use super::super::disjoint::Unfilled;
use super::super::sums::dot;
use super::chunk::{Attended, Chunks, Decay, Downstream, Memory, Places, Rows, Upstream, chunks_of};
use super::heads::{Columns, each_head};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::multiversion;
use features::{Features, Of};

/// Inputs: `qkv` `[rows, 3 heads * width]`, the queries of all heads, then keys, then values; the directions of the features `[features,
/// width]`, a constant. Output `[rows, heads * width]`. State: for each head `S` `[features, width]` and `z` `[features]`.
#[derive(Clone, Copy, Debug)]
pub struct Favor {
    /// Heads.
    pub heads: usize,
    /// Width of queries, keys and values.
    pub width: usize,
    /// Features of each.
    pub features: usize,
}

/// The features of a chunk's queries and keys, `[C, features]`.
#[derive(Default)]
struct Phi {
    q: Vec<f32>,
    k: Vec<f32>,
}

impl Favor {
    /// A head's columns of queries (0), keys (1) or values (2).
    fn columns(&self, head: usize, part: usize) -> Columns {
        Columns { all: 3 * self.heads * self.width, first: (part * self.heads + head) * self.width, width: self.width }
    }

    /// A head's columns of the output.
    fn out(&self, head: usize) -> Columns {
        Columns { all: self.heads * self.width, first: head * self.width, width: self.width }
    }

    /// Values in the memory of a head.
    fn memory(&self) -> usize {
        self.features * (self.width + 1)
    }

    /// A chunk's features with its values.
    fn attended<'a>(
        &self,
        features: &mut Features<'_>,
        phi: &'a mut Phi,
        [q, k, v]: [Rows<'a>; 3],
        len: usize,
    ) -> Attended<'a> {
        features.forward(q, len, Of::Queries, &mut phi.q);
        features.forward(k, len, Of::Keys, &mut phi.k);
        let [q, k] = [&phi.q, &phi.k].map(|phi| Rows::adjacent(phi, self.features));
        Attended { q, k, v, len }
    }
}

impl SequenceOperation for Favor {
    fn width(&self) -> usize {
        self.heads * self.width
    }

    fn state_size(&self) -> usize {
        self.heads * self.memory()
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [qkv, directions] = inputs else { panic!("two inputs") };
        let (size, directions) = (self.memory(), features::Directions::new(directions, self.width));
        let places = Places::new(items.spans, self.heads, size);
        // The sums of the weights, which the outputs were divided by, are kept behind the memories.
        let sums = places.all();
        let mut out = items.unfilled(self.heads * self.width);
        let mut saved = Unfilled::new(sums + items.rows * self.heads);
        let (out_room, saved_room) = (out.room(), saved.room());
        // SAFETY: this thread alone holds the memory.
        unsafe { saved_room.range(sums, items.rows * self.heads) }.fill(1.0);
        let last = each_head(&items, self.heads, |item, head| {
            let span = items.spans[item];
            let mut memory = Memory::empty(self.features, self.width, true);
            if let Some(all) = items.initial {
                memory.read(&all[(item * self.heads + head) * size..][..size]);
            }
            let mut features = Features::new(&directions);
            let mut chunks = Chunks::new(self.features, self.width);
            let mut phi = Phi::default();
            let (mut part, mut totals) = (Vec::new(), Vec::new());
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)) {
                // SAFETY: the place is this head's of this item alone.
                memory.write(unsafe { saved_room.range(at, size) });
                let row = span.start + first;
                let inputs = [0, 1, 2].map(|part| self.columns(head, part).rows(qkv, row));
                let rows = self.attended(&mut features, &mut phi, inputs, len);
                part.resize(len * self.width, 0.0);
                totals.resize(len, 0.0);
                chunks.attend(rows, Decay::Steady(0.0), &mut memory, &mut part, &mut totals);
                divide(&mut part, &totals);
                // SAFETY: items are disjoint, and so are the heads' columns and sums.
                unsafe {
                    self.out(head).write(out_room, row, &part);
                    for (i, &total) in totals.iter().enumerate() {
                        saved_room.range(sums + (row + i) * self.heads + head, 1)[0] = total;
                    }
                }
            }
            let mut state = vec![0.0; size];
            memory.write(&mut state);
            state
        });
        // SAFETY: the heads of the items have written all rows of items and all places.
        let (out, saved) = unsafe { (out.filled(), saved.filled()) };
        Forward { out, last: last.concat(), saved }
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [qkv, directions] = inputs else { panic!("two inputs") };
        let (size, directions) = (self.memory(), features::Directions::new(directions, self.width));
        let places = Places::new(items.spans, self.heads, size);
        let sums = &kept.saved[places.all()..];
        let mut d_qkv = items.unfilled(3 * self.heads * self.width);
        let room = d_qkv.room();
        each_head(&items, self.heads, |item, head| {
            let span = items.spans[item];
            let mut features = Features::new(&directions);
            let mut chunks = Chunks::new(self.features, self.width);
            let empty = || Memory::empty(self.features, self.width, true);
            let (mut before, mut g, mut phi, mut d_phi) = (empty(), empty(), Phi::default(), Phi::default());
            let (mut d_part, mut d_totals, mut d_v, mut d_x) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)).rev() {
                let row = span.start + first;
                before.read(&kept.saved[at..at + size]);
                let [q, k, v] = [0, 1, 2].map(|part| self.columns(head, part).rows(qkv, row));
                let rows = self.attended(&mut features, &mut phi, [q, k, v], len);
                d_part.resize(len * self.width, 0.0);
                d_totals.resize(len, 0.0);
                d_v.resize(len * self.width, 0.0);
                for d_phi in [&mut d_phi.q, &mut d_phi.k] {
                    d_phi.resize(len * self.features, 0.0);
                }
                let of_head = self.out(head);
                for (i, (d_row, d_total)) in d_part.chunks_exact_mut(self.width).zip(&mut d_totals).enumerate() {
                    let total = sums[(row + i) * self.heads + head];
                    *d_total =
                        quotient_gradient(of_head.of(kept.out, row + i), of_head.of(d_out, row + i), total, d_row);
                }
                let up = Upstream { out: Rows::adjacent(&d_part, self.width), totals: &d_totals };
                let down = Downstream { q: &mut d_phi.q, k: &mut d_phi.k, v: &mut d_v };
                chunks.gradients(rows, Decay::Steady(0.0), &before, up, &mut g, down);
                let parts = [(Of::Queries, q, &phi.q, &mut d_phi.q), (Of::Keys, k, &phi.k, &mut d_phi.k)];
                for (part, (of, x, phi, d_phi)) in parts.into_iter().enumerate() {
                    features.backward(x, of, phi, d_phi, &mut d_x);
                    // SAFETY: items are disjoint, and so are the heads' columns.
                    unsafe { self.columns(head, part).write(room, row, &d_x) };
                }
                // SAFETY: as above.
                unsafe { self.columns(head, 2).write(room, row, &d_v) };
            }
        });
        // SAFETY: the heads of the items have written all their rows.
        let d_qkv = unsafe { d_qkv.filled() };
        vec![d_qkv, Vec::new()]
    }
}

multiversion! {
    /// Each row divided by its total.
    fn divide(rows: &mut [f32], totals: &[f32]) = divide_body
}
multiversion! {
    /// Of `out = sum / total`, given the gradient of `out`: that of the sum, and what is returned, that of the total.
    fn quotient_gradient(out: &[f32], d_out: &[f32], total: f32, d_sum: &mut [f32]) -> f32 = quotient_gradient_body
}

#[inline(always)]
fn divide_body<const FMA: bool, const LANES: usize>(rows: &mut [f32], totals: &[f32]) {
    let width = rows.len() / totals.len();
    for (row, total) in rows.chunks_exact_mut(width).zip(totals) {
        let inverse = 1.0 / total;
        row.iter_mut().for_each(|x| *x *= inverse);
    }
}

#[inline(always)]
fn quotient_gradient_body<const FMA: bool, const LANES: usize>(
    out: &[f32],
    d_out: &[f32],
    total: f32,
    d_sum: &mut [f32],
) -> f32 {
    let inverse = 1.0 / total;
    d_sum.iter_mut().zip(d_out).for_each(|(d, &d_out)| *d = d_out * inverse);
    -dot::<FMA>(out, d_out) * inverse
}

#[cfg(test)]
mod tests;
