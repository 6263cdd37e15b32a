//! Activations between the products of recurrent mixers.

use crate::inference::isa::per_isa;
use crate::multiversion::exp;

#[inline(always)]
fn silu_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x /= 1.0 + exp::<FMA>(-*x);
    }
}

per_isa! {
    /// `x / (1 + e^-x)`, in place.
    pub fn silu(x: &mut [f32]) = silu_body;
}

#[inline(always)]
fn silu_gate_body<const FMA: bool>(gate: &[f32], x: &mut [f32]) {
    for (x, gate) in x.iter_mut().zip(gate) {
        *x *= gate / (1.0 + exp::<FMA>(-gate));
    }
}

per_isa! {
    /// `x * silu(gate)`, in place; both of one length.
    pub fn silu_gate(gate: &[f32], x: &mut [f32]) = silu_gate_body;
}

/// `tanh x`, to 1e-7.
#[inline(always)]
fn tanh_of<const FMA: bool>(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp::<FMA>(2.0 * x))
}

#[inline(always)]
fn sigmoid_of<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

#[inline(always)]
fn sigmoid_body<const FMA: bool>(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = sigmoid_of::<FMA>(*x));
}

per_isa! {
    /// `1 / (1 + e^-x)`, in place.
    pub fn sigmoid(x: &mut [f32]) = sigmoid_body;
}

#[inline(always)]
fn tanh_body<const FMA: bool>(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = tanh_of::<FMA>(*x));
}

per_isa! {
    /// `tanh x`, in place.
    pub fn tanh(x: &mut [f32]) = tanh_body;
}

#[inline(always)]
fn lstm_body<const FMA: bool>(input: &[f32], recurrent: &[f32], hidden: &mut [f32], cell: &mut [f32]) {
    let n = hidden.len();
    let (cell, input, recurrent) = (&mut cell[..n], &input[..4 * n], &recurrent[..4 * n]);
    let gates = |from: usize| (&input[from * n..][..n], &recurrent[from * n..][..n]);
    let [(i, ri), (f, rf), (g, rg), (o, ro)] = [gates(0), gates(1), gates(2), gates(3)];
    for c in 0..n {
        let kept = sigmoid_of::<FMA>(f[c] + rf[c]) * cell[c];
        cell[c] = kept + sigmoid_of::<FMA>(i[c] + ri[c]) * tanh_of::<FMA>(g[c] + rg[c]);
        hidden[c] = sigmoid_of::<FMA>(o[c] + ro[c]) * tanh_of::<FMA>(cell[c]);
    }
}

per_isa! {
    /// One position of an LSTM: `input` and `recurrent` are the sums of its gates `i f g o` (`[4 hidden]`) that come from the input and
    /// from the last hidden vector, biases included; `hidden` and `cell` move on.
    pub fn lstm(input: &[f32], recurrent: &[f32], hidden: &mut [f32], cell: &mut [f32]) = lstm_body;
}

#[inline(always)]
fn gru_body<const FMA: bool>(input: &[f32], recurrent: &[f32], hidden: &mut [f32]) {
    let n = hidden.len();
    let (input, recurrent) = (&input[..3 * n], &recurrent[..3 * n]);
    let gates = |from: usize| (&input[from * n..][..n], &recurrent[from * n..][..n]);
    let [(r, rr), (z, rz), (m, rm)] = [gates(0), gates(1), gates(2)];
    for c in 0..n {
        let reset = sigmoid_of::<FMA>(r[c] + rr[c]);
        let update = sigmoid_of::<FMA>(z[c] + rz[c]);
        let new = tanh_of::<FMA>(m[c] + reset * rm[c]);
        hidden[c] = new + update * (hidden[c] - new);
    }
}

per_isa! {
    /// One position of a GRU: `input` and `recurrent` are the sums of its gates `r z n` (`[3 hidden]`) that come from the input and from
    /// the last hidden vector, biases included; `hidden` moves on.
    pub fn gru(input: &[f32], recurrent: &[f32], hidden: &mut [f32]) = gru_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn silu_and_its_gate_match_the_definition_in_f64() {
        let (x, gate) = (noise(37, 1, 3.0), noise(37, 2, 8.0));
        let silu_of = |v: f32| f64::from(v) / (1.0 + (-f64::from(v)).exp());
        for isa in Isa::available() {
            let mut out = gate.clone();
            silu(isa, &mut out);
            close(&out, gate.iter().map(|&v| silu_of(v)), "silu");
            let mut out = x.clone();
            silu_gate(isa, &gate, &mut out);
            close(&out, x.iter().zip(&gate).map(|(&x, &g)| f64::from(x) * silu_of(g)), "gate");
        }
    }

    fn sigma(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn sigmoid_and_tanh_match_the_definition_in_f64() {
        let x = [noise(37, 1, 9.0), vec![0.0, 100.0, -100.0, 1e-4]].concat();
        for isa in Isa::available() {
            let mut out = x.clone();
            sigmoid(isa, &mut out);
            close(&out, x.iter().map(|&v| sigma(v.into())), "sigmoid");
            let mut out = x.clone();
            tanh(isa, &mut out);
            close(&out, x.iter().map(|&v| f64::from(v).tanh()), "tanh");
        }
    }

    #[test]
    fn units_with_gates_match_the_definition_in_f64() {
        let n = 21;
        let (a, b) = (noise(4 * n, 1, 3.0), noise(4 * n, 2, 3.0));
        let (h, c) = (noise(n, 3, 1.0), noise(n, 4, 2.0));
        let at = |values: &[f32], i: usize| f64::from(values[i]);
        for isa in Isa::available() {
            let (mut hidden, mut cell) = (h.clone(), c.clone());
            lstm(isa, &a, &b, &mut hidden, &mut cell);
            let sum = |gate: usize, i: usize| at(&a, gate * n + i) + at(&b, gate * n + i);
            let next = |i: usize| sigma(sum(1, i)) * at(&c, i) + sigma(sum(0, i)) * sum(2, i).tanh();
            close(&cell, (0..n).map(next), "cell");
            close(&hidden, (0..n).map(|i| sigma(sum(3, i)) * next(i).tanh()), "hidden of lstm");

            let mut hidden = h.clone();
            gru(isa, &a, &b, &mut hidden);
            let next = |i: usize| {
                let new = (at(&a, 2 * n + i) + sigma(sum(0, i)) * at(&b, 2 * n + i)).tanh();
                let update = sigma(sum(1, i));
                (1.0 - update) * new + update * at(&h, i)
            };
            close(&hidden, (0..n).map(next), "hidden of gru");
        }
    }
}
