//! A memory of keys and values that decays, written once and read once at each position: linear attention, retention, Mamba-2.

use crate::inference::isa::per_isa;
use crate::multiversion::mul_add;

/// Sizes of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Heads, each with a memory of its own.
    pub heads: usize,
    /// Groups of neighbouring heads that share keys and queries; divides the heads.
    pub groups: usize,
    /// Width of a key and of a query.
    pub key: usize,
    /// Width of a head's value.
    pub value: usize,
}

impl Memory {
    /// Elements of the state `[heads, key, value]`.
    pub fn state_size(&self) -> usize {
        self.heads * self.key * self.value
    }
}

/// Columns of values that stay in registers while all keys pass.
const TILE: usize = 32;

#[inline(always)]
fn remember_body<const FMA: bool>(
    sizes: Memory,
    decay: &[f32],
    query: &[f32],
    key: &[f32],
    value: &[f32],
    state: &mut [f32],
    out: &mut [f32],
) {
    let Memory { heads, groups, key: keys, value: values } = sizes;
    for head in 0..heads {
        let group = head / (heads / groups);
        let (query, key) = (&query[group * keys..][..keys], &key[group * keys..][..keys]);
        let (value, out) = (&value[head * values..][..values], &mut out[head * values..][..values]);
        let (decay, state) = (decay[head], &mut state[head * keys * values..][..keys * values]);
        let mut at = 0;
        while at + TILE <= values {
            columns::<FMA, TILE>(decay, query, key, value, at, state, out);
            at += TILE;
        }
        while at + 8 <= values {
            columns::<FMA, 8>(decay, query, key, value, at, state, out);
            at += 8;
        }
        while at < values {
            columns::<FMA, 1>(decay, query, key, value, at, state, out);
            at += 1;
        }
    }
}

/// `N` columns of values of one head, from column `at` on.
#[inline(always)]
fn columns<const FMA: bool, const N: usize>(
    decay: f32,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    at: usize,
    state: &mut [f32],
    out: &mut [f32],
) {
    let Some(written) = value[at..].first_chunk::<N>() else { return };
    let mut read = [0f32; N];
    for ((row, query), key) in state.chunks_exact_mut(value.len()).zip(query).zip(key) {
        let Some(row) = row[at..].first_chunk_mut::<N>() else { return };
        for lane in 0..N {
            row[lane] = mul_add::<FMA>(*key, written[lane], decay * row[lane]);
            read[lane] = mul_add::<FMA>(*query, row[lane], read[lane]);
        }
    }
    out[at..at + N].copy_from_slice(&read);
}

per_isa! {
    /// In each head `S = decay S + key value^T`, then `out = S^T query`.
    ///
    /// `decay` is `[heads]`, `query` and `key` are `[groups, key]`, `value` and `out` `[heads, value]`, `state` is `S` `[heads, key, value]`.
    /// Panics on other sizes.
    pub fn remember(sizes: Memory, decay: &[f32], query: &[f32], key: &[f32], value: &[f32], state: &mut [f32], out: &mut [f32]) = remember_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn every_instruction_set_matches_the_definition_in_f64() {
        // Tiles of every width.
        for values in [3, 8, 32, 32 + 8 + 5] {
            let sizes = Memory { heads: 4, groups: 2, key: 5, value: values };
            let (query, key, value) = (noise(10, 1, 1.0), noise(10, 2, 1.0), noise(4 * values, 3, 1.0));
            let (decay, before) = ([0.9, 0.0, 1.0, 0.3], noise(sizes.state_size(), 4, 1.0));
            for isa in Isa::available() {
                let (mut state, mut out) = (before.clone(), vec![f32::NAN; 4 * values]);
                remember(isa, sizes, &decay, &query, &key, &value, &mut state, &mut out);
                let after = |head: usize, k: usize, v: usize| {
                    f64::from(decay[head]) * f64::from(before[(head * 5 + k) * values + v])
                        + f64::from(key[head / 2 * 5 + k]) * f64::from(value[head * values + v])
                };
                let places = (0..4 * 5 * values).map(|i| after(i / values / 5, i / values % 5, i % values));
                close(&state, places, "state");
                let read = |head: usize, v: usize| -> f64 {
                    (0..5).map(|k| f64::from(query[head / 2 * 5 + k]) * after(head, k, v)).sum()
                };
                close(&out, (0..4 * values).map(|i| read(i / values, i % values)), "out");
            }
        }
    }
}
