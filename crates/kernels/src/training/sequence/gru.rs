//! Gated recurrent units (Cho et al. 2014), in torch's form: gates in the order reset, update, new, the reset gate on the hidden
//! product with its bias.

use super::recurrent::{self, Cell, recurrent_operation};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::{exp, multiversion};

/// Inputs: `a = W_ih x + b_ih` `[rows, 3 hidden]`, `W_hh` `[3 hidden, hidden]`, `b_hh` `[3 hidden]`. Output and state: `h`.
#[derive(Clone, Copy, Debug)]
pub struct Gru {
    /// Width of `h`.
    pub hidden: usize,
}

recurrent_operation!(Gru);

impl Cell for Gru {
    const GATES: usize = 3;
    const STATES: usize = 1;
    /// The gates, and the hidden product's part of the third.
    const KEPT: usize = 4;
    const ADDED: bool = false;

    fn hidden(&self) -> usize {
        self.hidden
    }

    fn advance(&self, a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]) {
        advance(a, product, state, kept);
    }

    fn retreat(&self, kept: &[f32], h: &[f32], d_state: &mut [f32], d_a: &mut [f32], d_product: &mut [f32]) {
        retreat(kept, h, d_state, d_a, d_product);
    }
}

multiversion! { fn advance(a: &[f32], product: &[f32], state: &mut [f32], kept: &mut [f32]) = advance_body }
multiversion! { fn retreat(kept: &[f32], h: &[f32], d_h: &mut [f32], d_a: &mut [f32], d_product: &mut [f32]) = retreat_body }

#[inline(always)]
fn advance_body<const FMA: bool, const LANES: usize>(a: &[f32], product: &[f32], h: &mut [f32], kept: &mut [f32]) {
    let n = h.len();
    let (of_a, of_product) = (|at: usize| &a[at * n..][..n], |at: usize| &product[at * n..][..n]);
    let (a_r, a_z, a_n) = (of_a(0), of_a(1), of_a(2));
    let (p_r, p_z, p_n) = (of_product(0), of_product(1), of_product(2));
    let (r, rest) = kept.split_at_mut(n);
    let (z, rest) = rest.split_at_mut(n);
    let (new, hidden) = rest.split_at_mut(n);
    let (z, new, hidden) = (&mut z[..n], &mut new[..n], &mut hidden[..n]);
    for j in 0..n {
        r[j] = 1.0 / (1.0 + exp::<FMA>(-(a_r[j] + p_r[j])));
        z[j] = 1.0 / (1.0 + exp::<FMA>(-(a_z[j] + p_z[j])));
        new[j] = 2.0 / (1.0 + exp::<FMA>(-2.0 * (a_n[j] + r[j] * p_n[j]))) - 1.0;
        hidden[j] = p_n[j];
        h[j] = (1.0 - z[j]) * new[j] + z[j] * h[j];
    }
}

#[inline(always)]
fn retreat_body<const FMA: bool, const LANES: usize>(
    kept: &[f32],
    h: &[f32],
    d_h: &mut [f32],
    d_a: &mut [f32],
    d_product: &mut [f32],
) {
    let n = h.len();
    let block = |at: usize| &kept[at * n..][..n];
    let (r, z, new, hidden) = (block(0), block(1), block(2), block(3));
    let d_h = &mut d_h[..n];
    let (d_r, rest) = d_a.split_at_mut(n);
    let (d_z, d_n) = rest.split_at_mut(n);
    let (d_r, d_z, d_n) = (&mut d_r[..n], &mut d_z[..n], &mut d_n[..n]);
    let d_hidden = &mut d_product[2 * n..][..n];
    for j in 0..n {
        let d_new = d_h[j] * (1.0 - z[j]) * (1.0 - new[j] * new[j]);
        d_n[j] = d_new;
        d_hidden[j] = d_new * r[j];
        d_r[j] = d_new * hidden[j] * r[j] * (1.0 - r[j]);
        d_z[j] = d_h[j] * (h[j] - new[j]) * z[j] * (1.0 - z[j]);
        d_h[j] *= z[j];
    }
    d_product[..n].copy_from_slice(d_r);
    d_product[n..2 * n].copy_from_slice(d_z);
}
