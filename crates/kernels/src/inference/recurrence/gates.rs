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
}
