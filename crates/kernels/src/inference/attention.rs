//! Causal grouped-query attention of new tokens over a cache that grows (Vaswani et al. 2017, Ainslie et al. 2023).

use super::activation::softmax;
use super::products::{PanelView, multiply_view};
use super::{Isa, Lines, PANEL, Pool};

/// Multiply-adds below which a batch's attention stays on the calling thread.
const WORTH_DIVIDING: usize = 400_000;

/// Keys and values of one layer for the positions seen so far.
///
/// Keys lie in panels of 16 positions (`[panel][head_dim][16]` for each key head) and values as rows padded to a multiple
/// of 16 (`[position][padded]`), so that both products of attention are the weight products of this crate.
#[derive(Clone)]
pub struct KeyValueCache {
    keys: Vec<Lines>,
    values: Vec<Lines>,
    head_dim: usize,
    padded: usize,
    len: usize,
}

impl KeyValueCache {
    /// An empty cache of `heads` key heads of width `head_dim`.
    pub fn new(heads: usize, head_dim: usize) -> Self {
        Self {
            keys: vec![Lines::default(); heads],
            values: vec![Lines::default(); heads],
            head_dim,
            padded: head_dim.next_multiple_of(PANEL),
            len: 0,
        }
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for `positions` positions in all, so that reaching them allocates nothing.
    pub fn reserve(&mut self, positions: usize) {
        let panels = positions.div_ceil(PANEL);
        for (keys, values) in self.keys.iter_mut().zip(&mut self.values) {
            keys.reserve(panels * PANEL * self.head_dim * 4);
            values.reserve(panels * PANEL * self.padded * 4);
        }
    }

    /// Bytes of the buffers that hold the positions seen.
    pub fn byte_len(&self) -> usize {
        self.keys.iter().chain(&self.values).map(Lines::byte_len).sum()
    }

    /// Forgets every position from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends one position: `key` and `value` are `[heads][head_dim]`.
    pub fn push(&mut self, key: &[f32], value: &[f32]) {
        let (panel, lane) = (self.len / PANEL, self.len % PANEL);
        let (dim, padded) = (self.head_dim, self.padded);
        let heads = self.keys.iter_mut().zip(&mut self.values);
        for ((keys, values), (key, value)) in heads.zip(key.chunks_exact(dim).zip(value.chunks_exact(dim))) {
            keys.grow((panel + 1) * PANEL * dim * 4);
            values.grow((panel + 1) * PANEL * padded * 4);
            let keys = &mut keys.as_mut_slice::<f32>()[panel * PANEL * dim + lane..];
            for (to, from) in keys.iter_mut().step_by(PANEL).zip(key) {
                *to = *from;
            }
            values.as_mut_slice::<f32>()[self.len * padded..][..dim].copy_from_slice(value);
        }
        self.len += 1;
    }

    /// Writes every position as `push` took them: `[len][heads][head_dim]` keys, then the same of values.
    pub fn export(&self) -> (Vec<f32>, Vec<f32>) {
        let mut keys = Vec::with_capacity(self.len * self.keys.len() * self.head_dim);
        let mut values = Vec::with_capacity(keys.capacity());
        for position in 0..self.len {
            for (k, v) in self.keys.iter().zip(&self.values) {
                let start = position / PANEL * PANEL * self.head_dim + position % PANEL;
                keys.extend(k.as_slice::<f32>()[start..].iter().step_by(PANEL).take(self.head_dim));
                values.extend(&v.as_slice::<f32>()[position * self.padded..][..self.head_dim]);
            }
        }
        (keys, values)
    }

    fn heads(&self) -> usize {
        self.keys.len()
    }
}

/// Scores, for each part that a batch is divided into: `[queries per key head][positions]`.
#[derive(Clone, Default)]
pub struct AttentionScratch {
    scores: Vec<Vec<f32>>,
}

impl AttentionScratch {
    /// Makes room for `group` queries against `positions` positions in every part that `pool` divides a batch into.
    pub fn reserve(&mut self, pool: &Pool, group: usize, positions: usize) {
        let needed = group * positions.next_multiple_of(PANEL);
        let parts = if pool.threads() == 1 { 1 } else { 4 * pool.threads() };
        self.scores.resize_with(self.scores.len().max(parts), Vec::new);
        for scores in &mut self.scores {
            if scores.len() < needed {
                scores.resize(needed, 0.0);
            }
        }
    }
}

/// A pointer that threads write through, each at tokens of its own.
struct Shared(*mut f32, *mut Vec<f32>);
// SAFETY: `attend` gives every thread tokens of its own (disjoint parts of the output) and scores of its own.
unsafe impl Sync for Shared {}

/// Attention of the last `tokens` positions of `cache` (already pushed), each over the positions up to itself.
///
/// `queries` is `[tokens][query heads][head_dim]`, scaled and rotated; `out` has the same shape. Query head `h` reads key
/// head `h / (query heads / key heads)`. Every token is computed alone, in the same order of operations whether it
/// comes by itself or in a batch. Panics on sizes that do not fit.
#[allow(clippy::too_many_arguments)]
pub fn attend(
    isa: Isa,
    pool: &Pool,
    cache: &KeyValueCache,
    queries: &[f32],
    query_heads: usize,
    tokens: usize,
    scratch: &mut AttentionScratch,
    out: &mut [f32],
) {
    let width = query_heads * cache.head_dim;
    assert!(tokens <= cache.len && queries.len() == tokens * width && out.len() == tokens * width);
    assert!(cache.heads() > 0 && query_heads.is_multiple_of(cache.heads()));
    let group = query_heads / cache.heads();
    scratch.reserve(pool, group, cache.len);
    let first = cache.len - tokens;
    let threads = pool.threads();
    if threads < 2 || tokens < 2 || tokens * cache.len * width < WORTH_DIVIDING {
        let scores = &mut scratch.scores[0];
        for (token, out) in out.chunks_exact_mut(width).enumerate() {
            attend_one(isa, cache, &queries[token * width..][..width], group, first + token + 1, scores, out);
        }
        return;
    }
    let shared = Shared(out.as_mut_ptr(), scratch.scores.as_mut_ptr());
    let shared = &shared;
    let parts = scratch.scores.len();
    pool.run(parts, &|part| {
        // SAFETY: there are as many vectors of scores as parts, and every part runs once.
        let scores = unsafe { &mut *shared.1.add(part) };
        // Later tokens look at more positions: dealing them round evens the work out.
        for token in (part..tokens).step_by(parts) {
            // SAFETY: each token belongs to one part, and `out` holds `tokens * width` numbers.
            let out = unsafe { std::slice::from_raw_parts_mut(shared.0.add(token * width), width) };
            attend_one(isa, cache, &queries[token * width..][..width], group, first + token + 1, scores, out);
        }
    });
}

/// One token over the first `seen` positions.
fn attend_one(
    isa: Isa,
    cache: &KeyValueCache,
    queries: &[f32],
    group: usize,
    seen: usize,
    scores: &mut [f32],
    out: &mut [f32],
) {
    let dim = cache.head_dim;
    let stride = seen.next_multiple_of(PANEL);
    let heads = queries.chunks_exact(group * dim).zip(out.chunks_exact_mut(group * dim));
    for (head, (queries, out)) in heads.enumerate() {
        let keys = PanelView {
            values: cache.keys[head].as_slice(),
            panel_stride: PANEL * dim,
            column_stride: PANEL,
            cols: dim,
            rows: stride,
        };
        multiply_view(isa, &keys, queries, dim, group, scores, stride);
        for scores in scores.chunks_exact_mut(stride).take(group) {
            softmax(isa, &mut scores[..seen]);
        }
        let values = PanelView {
            values: cache.values[head].as_slice(),
            panel_stride: PANEL,
            column_stride: cache.padded,
            cols: seen,
            rows: dim,
        };
        multiply_view(isa, &values, scores, stride, group, out, dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// The definition, in f64.
    fn reference(
        keys: &[f32],
        values: &[f32],
        queries: &[f32],
        heads: usize,
        key_heads: usize,
        dim: usize,
        tokens: usize,
    ) -> Vec<f64> {
        let total = keys.len() / (key_heads * dim);
        let mut out = Vec::new();
        for token in 0..tokens {
            for head in 0..heads {
                let key_head = head / (heads / key_heads);
                let q = &queries[(token * heads + head) * dim..][..dim];
                let at = |x: &[f32], p: usize, d: usize| f64::from(x[(p * key_heads + key_head) * dim + d]);
                let seen = total - tokens + token + 1;
                let weights: Vec<f64> =
                    (0..seen).map(|p| (0..dim).map(|d| f64::from(q[d]) * at(keys, p, d)).sum::<f64>().exp()).collect();
                let sum: f64 = weights.iter().sum();
                out.extend(
                    (0..dim).map(|d| weights.iter().enumerate().map(|(p, w)| w / sum * at(values, p, d)).sum::<f64>()),
                );
            }
        }
        out
    }

    #[test]
    fn every_instruction_set_and_thread_count_matches_the_definition() {
        for (heads, key_heads, dim, total, tokens) in
            [(4, 2, 6, 21, 5), (6, 2, 32, 40, 40), (3, 3, 16, 16, 1), (4, 1, 64, 120, 60)]
        {
            let keys = noise(total * key_heads * dim, 1);
            let values = noise(total * key_heads * dim, 2);
            let queries = noise(tokens * heads * dim, 3);
            let expected = reference(&keys, &values, &queries, heads, key_heads, dim, tokens);
            let mut cache = KeyValueCache::new(key_heads, dim);
            for (k, v) in keys.chunks(key_heads * dim).zip(values.chunks(key_heads * dim)) {
                cache.push(k, v);
            }
            assert_eq!(cache.export(), (keys, values));
            for isa in Isa::available() {
                for threads in [1, 3] {
                    let mut out = vec![0.0; queries.len()];
                    let mut scratch = AttentionScratch::default();
                    attend(isa, &Pool::new(threads), &cache, &queries, heads, tokens, &mut scratch, &mut out);
                    for (o, e) in out.iter().zip(&expected) {
                        assert!((f64::from(*o) - e).abs() < 1e-5, "{isa:?}: {o} {e}");
                    }
                }
            }
        }
    }

    #[test]
    fn reserving_makes_room_and_truncating_forgets() {
        let mut cache = KeyValueCache::new(1, 4);
        cache.reserve(40);
        for i in 0..40 {
            cache.push(&[i as f32; 4], &[-(i as f32); 4]);
        }
        cache.truncate(17);
        cache.push(&[99.0; 4], &[98.0; 4]);
        let (keys, values) = cache.export();
        assert_eq!((cache.len(), keys[17 * 4], values[17 * 4], keys[16 * 4]), (18, 99.0, 98.0, 16.0));
    }
}
