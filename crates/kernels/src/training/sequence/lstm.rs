//! Long short-term memory (Hochreiter and Schmidhuber 1997), in torch's form: gates in the order input, forget, cell, output.

use super::recurrent::{self, Cell, recurrent_operation};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::{exp, multiversion};

/// Inputs: `a = W_ih x + b_ih` `[rows, 4 hidden]`, `W_hh` `[4 hidden, hidden]`, `b_hh` `[4 hidden]`. Output: `h`. State: `h`, `c`.
#[derive(Clone, Copy, Debug)]
pub struct Lstm {
    /// Width of `h` and of `c`.
    pub hidden: usize,
}

recurrent_operation!(Lstm);

impl Cell for Lstm {
    const GATES: usize = 4;
    const STATES: usize = 2;
    /// The gates, `c` before, and tanh of `c` after.
    const KEPT: usize = 6;
    const ADDED: bool = true;

    fn hidden(&self) -> usize {
        self.hidden
    }

    fn advance(&self, a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]) {
        advance(a, product, state, kept);
    }

    fn retreat(&self, kept: &[f32], _: &[f32], d_state: &mut [f32], d_a: &mut [f32], d_product: &mut [f32]) {
        retreat(kept, d_state, d_a);
        d_product.copy_from_slice(d_a);
    }
}

multiversion! { fn advance(a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]) = advance_body }
multiversion! { fn retreat(kept: &[f32], d_state: &mut [f32], d_a: &mut [f32]) = retreat_body }

#[inline(always)]
fn advance_body<const FMA: bool, const LANES: usize>(a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]) {
    let n = state.len() / 2;
    let (h, c) = state.split_at_mut(n);
    let c = &mut c[..n];
    let (gates, rest) = kept.split_at_mut(4 * n);
    for ((gate, &a), &p) in gates.iter_mut().zip(a).zip(product) {
        *gate = a + p;
    }
    let (i, gates) = gates.split_at_mut(n);
    let (f, gates) = gates.split_at_mut(n);
    let (g, o) = gates.split_at_mut(n);
    let (before, tanh) = rest.split_at_mut(n);
    let (f, g, o, before, tanh) = (&mut f[..n], &mut g[..n], &mut o[..n], &mut before[..n], &mut tanh[..n]);
    for j in 0..n {
        i[j] = 1.0 / (1.0 + exp::<FMA>(-i[j]));
        f[j] = 1.0 / (1.0 + exp::<FMA>(-f[j]));
        g[j] = 2.0 / (1.0 + exp::<FMA>(-2.0 * g[j])) - 1.0;
        o[j] = 1.0 / (1.0 + exp::<FMA>(-o[j]));
        before[j] = c[j];
        c[j] = f[j] * c[j] + i[j] * g[j];
        tanh[j] = 2.0 / (1.0 + exp::<FMA>(-2.0 * c[j])) - 1.0;
        h[j] = o[j] * tanh[j];
    }
}

#[inline(always)]
fn retreat_body<const FMA: bool, const LANES: usize>(kept: &[f32], d_state: &mut [f32], d_a: &mut [f32]) {
    let n = d_state.len() / 2;
    let block = |at: usize| &kept[at * n..][..n];
    let (i, f, g, o, before, tanh) = (block(0), block(1), block(2), block(3), block(4), block(5));
    let (d_h, d_c) = d_state.split_at_mut(n);
    let d_c = &mut d_c[..n];
    let (d_i, rest) = d_a.split_at_mut(n);
    let (d_f, rest) = rest.split_at_mut(n);
    let (d_g, d_o) = rest.split_at_mut(n);
    let (d_f, d_g, d_o) = (&mut d_f[..n], &mut d_g[..n], &mut d_o[..n]);
    for j in 0..n {
        let d = d_c[j] + d_h[j] * o[j] * (1.0 - tanh[j] * tanh[j]);
        d_o[j] = d_h[j] * tanh[j] * o[j] * (1.0 - o[j]);
        d_i[j] = d * g[j] * i[j] * (1.0 - i[j]);
        d_f[j] = d * before[j] * f[j] * (1.0 - f[j]);
        d_g[j] = d * i[j] * (1.0 - g[j] * g[j]);
        d_c[j] = d * f[j];
        d_h[j] = 0.0;
    }
}
