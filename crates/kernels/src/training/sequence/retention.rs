//! Retention (Sun et al. 2023): rotation of queries and keys, a memory that decays by one factor a head, the norm of each head and the
//! gate, in one pass.
//!
//! `S_t = gamma S_{t-1} + k_t v_t^T`, `o_t = S_t^T q_t`, `out_t = silu(g_t) * o_t / rms(o_t)`, with `q` and `k` [turned](rotation) by their position.
//! Computed a [chunk](super::chunk) of positions at a time.

mod gate;
mod rotation;

use std::ops::Range;

use super::super::disjoint::Unfilled;
use super::chunk::{Attended, Chunks, Decay, Downstream, Memory, Places, Rows, Upstream, chunks_of};
use super::heads::{Columns, each_head};
use super::{Forward, Items, Kept, SequenceOperation};
use rotation::{Angles, Turn};

/// Inputs: `qk` `[rows, 2 heads * key]`, the queries of all heads, then keys; `vg` `[rows, 2 heads * value]`, values, then gates. Output `[rows,
/// heads * value]`. State: `S` `[heads, key, value]`, and how many positions came before.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Heads; head h decays by `1 - 2^{-5-h}`.
    pub heads: usize,
    /// Width of a query and of a key; even.
    pub key: usize,
    /// Width of a value.
    pub value: usize,
    /// Of the norms.
    pub epsilon: f32,
}

impl Retention {
    /// A head's columns of queries (0) or keys (1).
    fn keys(&self, head: usize, part: usize) -> Columns {
        Columns { all: 2 * self.heads * self.key, first: (part * self.heads + head) * self.key, width: self.key }
    }

    /// A head's columns of values (0) or gates (1).
    fn values(&self, head: usize, part: usize) -> Columns {
        Columns { all: 2 * self.heads * self.value, first: (part * self.heads + head) * self.value, width: self.value }
    }

    /// A head's columns of the output.
    fn out(&self, head: usize) -> Columns {
        Columns { all: self.heads * self.value, first: head * self.value, width: self.value }
    }

    /// A head's steady decay.
    fn decay(&self, head: usize) -> Decay<'static> {
        Decay::Steady((1.0 - 2f64.powi(-5 - head as i32)).ln() as f32)
    }

    /// The angles of every item, or one set for all where all of them begin.
    fn angles(&self, items: &Items<'_>) -> Vec<Angles> {
        let size = self.state_size();
        match items.initial {
            None => {
                let longest = items.spans.iter().map(|span| span.len).max().unwrap_or(0);
                vec![Angles::new(self.key, 0.0, longest)]
            }
            Some(states) => {
                let before = states.chunks_exact(size).map(|state| state[size - 1]);
                items.spans.iter().zip(before).map(|(span, b)| Angles::new(self.key, b, span.len)).collect()
            }
        }
    }

    /// Keys are scaled by this.
    fn scale(&self) -> f32 {
        (self.key as f32).powf(-0.5)
    }

    /// A chunk's queries and keys, turned.
    fn turned<'a>(
        &self,
        angles: &Angles,
        [q, k]: [Rows<'_>; 2],
        positions: Range<usize>,
        turned: &'a mut [Vec<f32>; 2],
    ) -> [Rows<'a>; 2] {
        let [to_q, to_k] = turned;
        angles.turn(Turn { positions: positions.clone(), inverse: false, scale: 1.0 }, q, to_q);
        angles.turn(Turn { positions, inverse: false, scale: self.scale() }, k, to_k);
        [Rows::adjacent(to_q, self.key), Rows::adjacent(to_k, self.key)]
    }
}

impl SequenceOperation for Retention {
    fn width(&self) -> usize {
        self.heads * self.value
    }

    fn state_size(&self) -> usize {
        self.heads * self.key * self.value + 1
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [qk, vg] = inputs else { panic!("two inputs") };
        let (size, width, states) = (self.key * self.value, self.heads * self.value, self.state_size());
        let (places, angles) = (Places::new(items.spans, self.heads, size), self.angles(&items));
        let mut out = items.unfilled(width);
        // What comes out of the memory is kept, and behind it the memories.
        let kept = items.rows * width;
        let mut saved = Unfilled::new(kept + places.all());
        let (out_room, saved_room) = (out.room(), saved.room());
        // SAFETY: this thread alone holds the memory.
        unsafe { items.zero_outside(saved_room, width) };
        let memories = each_head(&items, self.heads, |item, head| {
            let (span, angles) = (items.spans[item], &angles[item.min(angles.len() - 1)]);
            let mut memory = Memory::empty(self.key, self.value, false);
            if let Some(all) = items.initial {
                memory.read(&all[item * states + head * size..][..size]);
            }
            let mut chunks = Chunks::new(self.key, self.value);
            let (mut turned, mut part, mut gated) = <([Vec<f32>; 2], Vec<f32>, Vec<f32>)>::default();
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)) {
                // SAFETY: the place is this head's of this item alone.
                memory.write(unsafe { saved_room.range(kept + at, size) });
                let row = span.start + first;
                let [q, k] = self.turned(
                    angles,
                    [0, 1].map(|p| self.keys(head, p).rows(qk, row)),
                    first..first + len,
                    &mut turned,
                );
                let [v, gate] = [0, 1].map(|p| self.values(head, p).rows(vg, row));
                part.resize(len * self.value, 0.0);
                chunks.attend(Attended { q, k, v, len }, self.decay(head), &mut memory, &mut part, &mut []);
                gated.resize(len * self.value, 0.0);
                gate::forward(Rows::adjacent(&part, self.value), gate, self.epsilon, &mut gated);
                // SAFETY: items are disjoint, and so are the heads' columns.
                unsafe {
                    self.out(head).write(saved_room, row, &part);
                    self.out(head).write(out_room, row, &gated);
                }
            }
            memory.values
        });
        // SAFETY: the heads of the items have written all rows of items and all places.
        let (out, saved) = unsafe { (out.filled(), saved.filled()) };
        let before = |item: usize| items.initial.map_or(0.0, |all| all[(item + 1) * states - 1]);
        let state = |(item, heads): (usize, &[Vec<f32>])| {
            let mut state = heads.concat();
            state.push(before(item) + items.spans[item].len as f32);
            state
        };
        Forward { out, last: memories.chunks(self.heads).enumerate().flat_map(state).collect(), saved }
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [qk, vg] = inputs else { panic!("two inputs") };
        let size = self.key * self.value;
        let (places, angles) = (Places::new(items.spans, self.heads, size), self.angles(&items));
        let (remembered, memories) = kept.saved.split_at(items.rows * self.heads * self.value);
        let mut d_qk = items.unfilled(2 * self.heads * self.key);
        let mut d_vg = items.unfilled(2 * self.heads * self.value);
        let (qk_room, vg_room) = (d_qk.room(), d_vg.room());
        each_head(&items, self.heads, |item, head| {
            let (span, angles) = (items.spans[item], &angles[item.min(angles.len() - 1)]);
            let mut chunks = Chunks::new(self.key, self.value);
            let empty = || Memory::empty(self.key, self.value, false);
            let (mut before, mut g) = (empty(), empty());
            let (mut turned, mut d_turned) = <([Vec<f32>; 2], [Vec<f32>; 2])>::default();
            let (mut d_part, mut d_gate, mut d_v, mut d_back) = <(Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>)>::default();
            for ((first, len), at) in chunks_of(span.len).zip(places.of(item, head).step_by(size)).rev() {
                let (row, positions) = (span.start + first, first..first + len);
                before.read(&memories[at..at + size]);
                let [q, k] = self.turned(
                    angles,
                    [0, 1].map(|p| self.keys(head, p).rows(qk, row)),
                    positions.clone(),
                    &mut turned,
                );
                let [v, gate] = [0, 1].map(|p| self.values(head, p).rows(vg, row));
                for buffer in [&mut d_part, &mut d_gate, &mut d_v] {
                    buffer.resize(len * self.value, 0.0);
                }
                d_turned.iter_mut().for_each(|d| d.resize(len * self.key, 0.0));
                let out = self.out(head);
                let given = gate::Given { x: out.rows(remembered, row), gate, d_out: out.rows(d_out, row) };
                gate::backward(given, self.epsilon, &mut d_part, &mut d_gate);
                let [d_q, d_k] = &mut d_turned;
                let up = Upstream { out: Rows::adjacent(&d_part, self.value), totals: &[] };
                let down = Downstream { q: d_q, k: d_k, v: &mut d_v };
                chunks.gradients(Attended { q, k, v, len }, self.decay(head), &before, up, &mut g, down);
                for (part, scale) in [1.0, self.scale()].into_iter().enumerate() {
                    let turn = Turn { positions: positions.clone(), inverse: true, scale };
                    angles.turn(turn, Rows::adjacent(&d_turned[part], self.key), &mut d_back);
                    // SAFETY: items are disjoint, and so are the heads' columns.
                    unsafe { self.keys(head, part).write(qk_room, row, &d_back) };
                }
                // SAFETY: as above.
                unsafe {
                    self.values(head, 0).write(vg_room, row, &d_v);
                    self.values(head, 1).write(vg_room, row, &d_gate);
                }
            }
        });
        // SAFETY: the heads of the items have written all their rows.
        unsafe { vec![d_qk.filled(), d_vg.filled()] }
    }
}

#[cfg(test)]
mod tests;
