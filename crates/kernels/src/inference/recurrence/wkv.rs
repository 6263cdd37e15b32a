//! The memories of RWKV: version 4's weighted means and version 7's generalized delta rule.

use crate::inference::isa::per_isa;
use crate::multiversion::{exp, mul_add};

#[inline(always)]
fn wkv4_body<const FMA: bool>(
    key: &[f32],
    value: &[f32],
    log_decay: &[f32],
    first: &[f32],
    state: &mut [f32],
    out: &mut [f32],
) {
    let n = out.len();
    let (key, value, log_decay, first) = (&key[..n], &value[..n], &log_decay[..n], &first[..n]);
    let (above, rest) = state[..3 * n].split_at_mut(n);
    let (below, largest) = rest.split_at_mut(n);
    for c in 0..n {
        // Everything is divided by e^top, and after that by e^largest, so that no exponential overflows.
        let now = first[c] + key[c];
        let top = if largest[c] > now { largest[c] } else { now };
        let (old, new) = (exp::<FMA>(largest[c] - top), exp::<FMA>(now - top));
        out[c] = mul_add::<FMA>(old, above[c], new * value[c]) / mul_add::<FMA>(old, below[c], new);
        let faded = largest[c] + log_decay[c];
        let top = if faded > key[c] { faded } else { key[c] };
        let (old, new) = (exp::<FMA>(faded - top), exp::<FMA>(key[c] - top));
        above[c] = mul_add::<FMA>(old, above[c], new * value[c]);
        below[c] = mul_add::<FMA>(old, below[c], new);
        largest[c] = top;
    }
}

per_isa! {
    /// One position of RWKV-4: the mean of all values so far, each weighted by `e^key`, older ones less by `e^log_decay` for each position, the
    /// present one by `e^(first + key)`. All are `[width]`; `state` is numerator, denominator and the exponent that both are divided by.
    pub fn wkv4(key: &[f32], value: &[f32], log_decay: &[f32], first: &[f32], state: &mut [f32], out: &mut [f32]) = wkv4_body;
}

/// What RWKV-7 gives its memory at one position; each is `[heads, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    /// What reads.
    pub receptance: &'a [f32],
    /// The factor that each key's row keeps.
    pub decay: &'a [f32],
    /// Where the value is written.
    pub key: &'a [f32],
    /// What is written.
    pub value: &'a [f32],
    /// The direction, of length one, along which is read what will be taken out.
    pub removed: &'a [f32],
    /// How much of that is taken out, by key.
    pub rate: &'a [f32],
}

/// Columns of values that stay in registers while all keys pass.
const TILE: usize = 16;

#[inline(always)]
fn wkv7_body<const FMA: bool>(width: usize, delta: Delta<'_>, state: &mut [f32], out: &mut [f32]) {
    for (head, (state, out)) in state.chunks_exact_mut(width * width).zip(out.chunks_exact_mut(width)).enumerate() {
        let part =
            |x: &'_ [f32]| -> std::ops::Range<usize> { (head * width).min(x.len())..((head + 1) * width).min(x.len()) };
        let delta = Delta {
            receptance: &delta.receptance[part(delta.receptance)],
            decay: &delta.decay[part(delta.decay)],
            key: &delta.key[part(delta.key)],
            value: &delta.value[part(delta.value)],
            removed: &delta.removed[part(delta.removed)],
            rate: &delta.rate[part(delta.rate)],
        };
        let mut at = 0;
        while at + TILE <= width {
            columns::<FMA, TILE>(delta, at, state, out);
            at += TILE;
        }
        while at < width {
            columns::<FMA, 1>(delta, at, state, out);
            at += 1;
        }
    }
}

/// `N` columns of values of one head, from column `at` on.
#[inline(always)]
fn columns<const FMA: bool, const N: usize>(delta: Delta<'_>, at: usize, state: &mut [f32], out: &mut [f32]) {
    let width = out.len();
    let Some(value) = delta.value[at..].first_chunk::<N>() else { return };
    let mut found = [0f32; N];
    for (row, removed) in state.chunks_exact(width).zip(delta.removed) {
        let Some(row) = row[at..].first_chunk::<N>() else { return };
        for lane in 0..N {
            found[lane] = mul_add::<FMA>(*removed, row[lane], found[lane]);
        }
    }
    let mut read = [0f32; N];
    let keys = delta.decay.iter().zip(delta.key).zip(delta.removed.iter().zip(delta.rate)).zip(delta.receptance);
    for (row, (((decay, key), (removed, rate)), receptance)) in state.chunks_exact_mut(width).zip(keys) {
        let Some(row) = row[at..].first_chunk_mut::<N>() else { return };
        let taken = removed * rate;
        for lane in 0..N {
            row[lane] = mul_add::<FMA>(*key, value[lane], mul_add::<FMA>(-taken, found[lane], decay * row[lane]));
            read[lane] = mul_add::<FMA>(*receptance, row[lane], read[lane]);
        }
    }
    out[at..at + N].copy_from_slice(&read);
}

per_isa! {
    /// One position of RWKV-7. In each head, with `S` `[key, value]`: `S = diag(decay) S - (removed rate) (S^T removed)^T + key value^T`, then
    /// `out = S^T receptance`. `state` is `[heads, width, width]`, `out` `[heads, width]`.
    pub fn wkv7(width: usize, delta: Delta<'_>, state: &mut [f32], out: &mut [f32]) = wkv7_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn weighted_means_match_the_definition_in_f64() {
        let (n, time) = (19, 6);
        // Keys far beyond what e^key could hold.
        let (key, value) = (noise(time * n, 1, 200.0), noise(time * n, 2, 1.0));
        let (decay, first) = (noise(n, 3, 1.0), noise(n, 4, 1.0));
        let log_decay: Vec<f32> = decay.iter().map(|d| -d.exp()).collect();
        for isa in Isa::available() {
            let mut state = [vec![0.0; 2 * n], vec![-1e38; n]].concat();
            for t in 0..time {
                let mut out = vec![f32::NAN; n];
                let row = t * n..(t + 1) * n;
                wkv4(isa, &key[row.clone()], &value[row], &log_decay, &first, &mut state, &mut out);
                let expected = (0..n).map(|c| {
                    let exponent = |i: usize| match i == t {
                        true => f64::from(first[c]) + f64::from(key[i * n + c]),
                        false => (t - 1 - i) as f64 * f64::from(log_decay[c]) + f64::from(key[i * n + c]),
                    };
                    let top = (0..=t).map(exponent).fold(f64::MIN, f64::max);
                    let weight = |i: usize| (exponent(i) - top).exp();
                    let above: f64 = (0..=t).map(|i| weight(i) * f64::from(value[i * n + c])).sum();
                    above / (0..=t).map(weight).sum::<f64>()
                });
                close(&out, expected, "wkv4");
            }
        }
    }

    #[test]
    fn the_delta_rule_matches_the_definition_in_f64() {
        for width in [5, 16, 16 + 3] {
            let heads = 2;
            let [receptance, decay, key, value, removed, rate] =
                [1, 2, 3, 4, 5, 6].map(|s| noise(heads * width, s, 1.0));
            let before = noise(heads * width * width, 7, 1.0);
            let delta = Delta {
                receptance: &receptance,
                decay: &decay,
                key: &key,
                value: &value,
                removed: &removed,
                rate: &rate,
            };
            for isa in Isa::available() {
                let (mut state, mut out) = (before.clone(), vec![f32::NAN; heads * width]);
                wkv7(isa, width, delta, &mut state, &mut out);
                let at = |x: &[f32], head: usize, i: usize| f64::from(x[head * width + i]);
                let s = |head: usize, k: usize, v: usize| f64::from(before[(head * width + k) * width + v]);
                let after = |head: usize, k: usize, v: usize| {
                    let found: f64 = (0..width).map(|j| s(head, j, v) * at(&removed, head, j)).sum();
                    s(head, k, v) * at(&decay, head, k) - found * at(&removed, head, k) * at(&rate, head, k)
                        + at(&key, head, k) * at(&value, head, v)
                };
                let places = 0..heads * width * width;
                close(&state, places.map(|i| after(i / width / width, i / width % width, i % width)), "state");
                let read = |head: usize, v: usize| -> f64 {
                    (0..width).map(|k| after(head, k, v) * at(&receptance, head, k)).sum()
                };
                close(&out, (0..heads * width).map(|i| read(i / width, i % width)), "out");
            }
        }
    }
}
