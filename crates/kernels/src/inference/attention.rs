//! Causal grouped-query attention of new tokens over a cache that grows (Vaswani et al. 2017, Ainslie et al. 2023).

use super::activation::softmax;
use super::cache::HeadCache;
use super::isa::per_isa;
use super::products::{PanelView, ProductInput, Viewed, multiply_bytes, multiply_view};
use super::{CacheFormat, Isa, KeyValueCache, PANEL, Pool};
use crate::codec::PAIR;

/// Multiply-adds below which attention stays on the calling thread.
const WORTH_DIVIDING: usize = 100_000;

/// Buffers for each part that attention is divided into.
#[derive(Default)]
pub struct AttentionScratch {
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    /// `[queries per key head][positions]`
    scores: Vec<f32>,
    /// In Q8_0: scores times one block's scales, of the same shape; the queries with padded heads, and as bytes.
    scaled: Vec<f32>,
    queries: Vec<f32>,
    input: ProductInput,
}

impl AttentionScratch {
    /// Makes room for `group` queries against `positions` positions in every part that `pool` divides a batch into.
    pub fn reserve(&mut self, pool: &Pool, group: usize, positions: usize) {
        let needed = group * positions.next_multiple_of(PANEL);
        let parts = if pool.threads() == 1 { 1 } else { 4 * pool.threads() };
        self.parts.resize_with(self.parts.len().max(parts), Part::default);
        for part in &mut self.parts {
            if part.scores.len() < needed {
                part.scores.resize(needed, 0.0);
                part.scaled.resize(needed, 0.0);
            }
        }
    }
}

/// A pointer that threads write through, each at heads of its own.
struct Shared(*mut f32, *mut Part);
// SAFETY: `attend` gives every thread heads of its own (disjoint parts of the output) and buffers of its own.
unsafe impl Sync for Shared {}

/// Attention of the last `tokens` positions of `cache` (already pushed), each over the positions up to itself.
///
/// `queries` is `[tokens][query heads][head_dim]`, scaled and rotated; `out` has the same shape. Query head `h` reads key
/// head `h / (query heads / key heads)`. Every token and key head is computed alone, in the same order of operations whether the token
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
    let (width, heads) = (query_heads * cache.head_dim, cache.heads.len());
    assert!(tokens <= cache.len() && queries.len() == tokens * width && out.len() == tokens * width);
    assert!(heads > 0 && query_heads.is_multiple_of(heads));
    let group = query_heads / heads;
    scratch.reserve(pool, group, cache.len());
    let first = cache.len() - tokens;
    let threads = pool.threads();
    let wide = group * cache.head_dim;
    // A task is one token's queries of one key head: the same number of them lie one after the other.
    let task = |task: usize, part: &mut Part, out: &mut [f32]| {
        let (token, head) = (task / heads, task % heads);
        attend_one(isa, cache, head, &queries[task * wide..][..wide], first + token + 1, part, out);
    };
    if threads < 2 || tokens * cache.len() * width < WORTH_DIVIDING {
        for (index, out) in out.chunks_exact_mut(wide).enumerate() {
            task(index, &mut scratch.parts[0], out);
        }
        return;
    }
    let shared = Shared(out.as_mut_ptr(), scratch.parts.as_mut_ptr());
    let shared = &shared;
    let tasks = tokens * heads;
    let parts = if tokens == 1 { threads } else { scratch.parts.len() }.min(scratch.parts.len());
    pool.run(parts, &|part| {
        // SAFETY: there are at least as many buffers as parts, and every part runs once.
        let buffers = unsafe { &mut *shared.1.add(part) };
        // Later tokens look at more positions: dealing them round evens the work out.
        for index in (part..tasks).step_by(parts) {
            // SAFETY: each task belongs to one part, and `out` holds `tasks * wide` numbers.
            let out = unsafe { std::slice::from_raw_parts_mut(shared.0.add(index * wide), wide) };
            task(index, buffers, out);
        }
    });
}

/// One token's queries of one key head over the first `seen` positions.
fn attend_one(
    isa: Isa,
    cache: &KeyValueCache,
    head: usize,
    queries: &[f32],
    seen: usize,
    part: &mut Part,
    out: &mut [f32],
) {
    let dim = cache.head_dim;
    let (group, stride) = (queries.len() / dim, seen.next_multiple_of(PANEL));
    let head = &cache.heads[head];
    match cache.format() {
        CacheFormat::F32 => scores::<f32>(isa, head.keys.as_slice(), dim, queries, stride, &mut part.scores),
        CacheFormat::F16 => scores::<u16>(isa, head.keys.as_slice(), dim, queries, stride, &mut part.scores),
        CacheFormat::Q8_0 => {
            let padded = cache.padded;
            part.queries.clear();
            part.queries.resize(group * padded, 0.0);
            for (to, from) in part.queries.chunks_exact_mut(padded).zip(queries.chunks_exact(dim)) {
                to[..dim].copy_from_slice(from);
            }
            let (planes, scales, input) = (head.keys.as_slice(), head.key_scales.as_slice(), &mut part.input);
            let (queries, scores) = (&part.queries, &mut part.scores);
            multiply_bytes(isa, planes, scales, stride, cache.blocks(), queries, group, input, scores, stride);
        }
    }
    for scores in part.scores.chunks_exact_mut(stride).take(group) {
        softmax(isa, &mut scores[..seen]);
    }
    match cache.format() {
        CacheFormat::F32 => mix::<f32>(isa, head.values.as_slice(), cache.padded, dim, &part.scores, seen, group, out),
        CacheFormat::F16 => mix::<u16>(isa, head.values.as_slice(), cache.padded, dim, &part.scores, seen, group, out),
        CacheFormat::Q8_0 => mix_bytes(isa, cache, head, part, seen, group, out),
    }
}

/// Scores of queries `[group][dim]` against `stride` positions, `[group][stride]`.
fn scores<T: Viewed>(isa: Isa, keys: &[T], dim: usize, queries: &[f32], stride: usize, scores: &mut [f32]) {
    let keys = PanelView { values: keys, panel_stride: PANEL * dim, column_stride: PANEL, cols: dim, rows: stride };
    multiply_view(isa, &keys, queries, dim, queries.len() / dim, scores, stride);
}

/// Values weighted by `[group][seen padded]`, `[group][dim]`.
#[allow(clippy::too_many_arguments)]
fn mix<T: Viewed>(
    isa: Isa,
    values: &[T],
    padded: usize,
    dim: usize,
    weights: &[f32],
    seen: usize,
    group: usize,
    out: &mut [f32],
) {
    let values = PanelView { values, panel_stride: PANEL, column_stride: padded, cols: seen, rows: dim };
    multiply_view(isa, &values, weights, seen.next_multiple_of(PANEL), group, out, dim);
}

/// [`mix`] of bytes, a block of 32 values after the other: every position's weight takes the scale of its block.
fn mix_bytes(
    isa: Isa,
    cache: &KeyValueCache,
    head: &HeadCache,
    part: &mut Part,
    seen: usize,
    group: usize,
    out: &mut [f32],
) {
    let (dim, stride) = (cache.head_dim, seen.next_multiple_of(PANEL));
    for block in 0..cache.blocks() {
        let scales = head.value_scales.as_slice::<u16>();
        scale_weights(isa, &part.scores[..group * stride], scales, block, cache.blocks(), stride, &mut part.scaled);
        let values = PanelView {
            values: &head.values.as_slice::<i8>()[block * PAIR..],
            panel_stride: PANEL,
            column_stride: cache.padded,
            cols: seen,
            rows: PAIR.min(dim - block * PAIR),
        };
        multiply_view(isa, &values, &part.scaled, stride, group, &mut out[block * PAIR..], dim);
    }
}

#[inline(always)]
fn scale_weights_body<const FMA: bool>(
    weights: &[f32],
    scales: &[u16],
    block: usize,
    blocks: usize,
    stride: usize,
    scaled: &mut [f32],
) {
    let (weights, scaled) = (weights.as_chunks::<PANEL>().0, scaled.as_chunks_mut::<PANEL>().0);
    for (index, (weights, scaled)) in weights.iter().zip(scaled).enumerate() {
        let panel = index % (stride / PANEL);
        let scales = &scales[(panel * blocks + block) * PANEL..][..PANEL];
        for ((to, weight), scale) in scaled.iter_mut().zip(weights).zip(scales) {
            *to = weight * super::products::f16_to_f32(*scale);
        }
    }
}

per_isa! {
    /// `scaled = weights * scales` for one block's scales of every position; weights are `[group][stride]`.
    fn scale_weights(weights: &[f32], scales: &[u16], block: usize, blocks: usize, stride: usize, scaled: &mut [f32]) = scale_weights_body;
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
            for (format, tolerance) in [(CacheFormat::F32, 1e-5), (CacheFormat::F16, 2e-3), (CacheFormat::Q8_0, 2e-2)] {
                let mut cache = KeyValueCache::new(format, key_heads, dim);
                for (k, v) in keys.chunks(key_heads * dim).zip(values.chunks(key_heads * dim)) {
                    cache.push(k, v);
                }
                let (held_keys, held_values) = cache.export();
                // Against the definition on what the cache holds, which is close; Q8_0 rounds queries, too, as it would keys.
                let mut rounded = KeyValueCache::new(format, heads, dim);
                queries.chunks(heads * dim).for_each(|q| rounded.push(q, q));
                let queries_seen = if format == CacheFormat::Q8_0 { rounded.export().0 } else { queries.clone() };
                let held = reference(&held_keys, &held_values, &queries_seen, heads, key_heads, dim, tokens);
                for isa in Isa::available() {
                    for threads in [1, 3] {
                        let mut out = vec![0.0; queries.len()];
                        let mut scratch = AttentionScratch::default();
                        attend(isa, &Pool::new(threads), &cache, &queries, heads, tokens, &mut scratch, &mut out);
                        for ((o, e), held) in out.iter().zip(&expected).zip(&held) {
                            assert!((f64::from(*o) - e).abs() < tolerance, "{isa:?} {format:?}: {o} {e}");
                            assert!((f64::from(*o) - held).abs() < 1e-5, "{isa:?} {format:?}: {o} {held}");
                        }
                    }
                }
            }
        }
    }
}
