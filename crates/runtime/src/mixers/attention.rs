//! Causal grouped-query attention (Llama, Qwen2, Qwen3, GPT-2), stepping over a cache of keys and values.

use std::ops::Range;

use bantam_core::{Error, Result};
use bantam_kernels::inference::attention::{AttentionScratch, attend};
use bantam_kernels::inference::norm::rms_norm_in_place;
use bantam_kernels::inference::{CacheFormat, KeyValueCache};

use super::{Lanes, Mixer, MixerState, Scratch, StepContext, room};
use crate::linear::Linear;

/// Attention of one layer.
pub struct Attention {
    /// `[query heads * head_dim + 2 * key heads * head_dim, width]`: queries, keys, values.
    pub qkv: Linear,
    /// `[width, query heads * head_dim]`.
    pub output: Linear,
    /// Query heads.
    pub query_heads: usize,
    /// Key and value heads; divides the query heads.
    pub key_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Gains of the RMSNorms of every query's and key's head (`[head_dim]` each) and their epsilon, where the model has them.
    pub head_norms: Option<HeadNorms>,
    /// How keys and values are kept.
    pub cache: CacheFormat,
    /// Whether positions turn queries and keys; otherwise they are in the input already.
    pub rotates: bool,
}

/// RMSNorms of queries and keys, head by head, before they are turned (Qwen3).
pub struct HeadNorms {
    /// `[head_dim]`
    pub query: Vec<f32>,
    /// `[head_dim]`
    pub key: Vec<f32>,
    /// Added to the mean square.
    pub epsilon: f32,
}

impl Mixer for Attention {
    type State = AttentionState;

    fn new_state(&self) -> AttentionState {
        AttentionState {
            cache: KeyValueCache::new(self.cache, self.key_heads, self.head_dim),
            key_heads: self.key_heads,
            head_dim: self.head_dim,
        }
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, AttentionState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (tokens, width) = (lanes.tokens(), self.qkv.rows());
        let qkv = room(&mut scratch.projected, tokens * width);
        self.qkv.apply(context.isa, context.pool, x, tokens, &mut scratch.product, qkv);
        let query_width = self.query_heads * self.head_dim;
        let queries = room(&mut scratch.mixed, tokens * query_width);
        let mixed = room(&mut scratch.rest, tokens * query_width);
        lanes.each(|lane| {
            let Range { start, end } = lane.rows();
            let (qkv, rows) = (&mut qkv[start * width..end * width], start * query_width..end * query_width);
            let (queries, mixed) = (&mut queries[rows.clone()], &mut mixed[rows]);
            self.mix(context, lane.position, qkv, queries, lane.state, &mut scratch.attention, mixed);
        });
        self.output.apply(context.isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        let norms = self.head_norms.as_ref().map_or(0, |n| (n.query.len() + n.key.len()) * 4);
        self.qkv.byte_len() + self.output.byte_len() + norms
    }
}

impl Attention {
    /// Norms, turns and caches the keys of one sequence's tokens (`[tokens, rows of qkv]`) and lets their queries look back;
    /// `mixed` gets what they see, `[tokens, query heads * head_dim]` as `queries`.
    #[allow(clippy::too_many_arguments)]
    fn mix(
        &self,
        context: &StepContext<'_>,
        position: usize,
        qkv: &mut [f32],
        queries: &mut [f32],
        state: &mut AttentionState,
        scratch: &mut AttentionScratch,
        mixed: &mut [f32],
    ) {
        let (isa, width) = (context.isa, self.qkv.rows());
        let (query_width, key_width) = (self.query_heads * self.head_dim, self.key_heads * self.head_dim);
        let scale = 1.0 / (self.head_dim as f32).sqrt();
        for (token, qkv) in qkv.chunks_exact_mut(width).enumerate() {
            let (rotated, value) = qkv.split_at_mut(query_width + key_width);
            if let Some(norms) = &self.head_norms {
                let (query, key) = rotated.split_at_mut(query_width);
                rms_norm_in_place(isa, query, &norms.query, norms.epsilon);
                rms_norm_in_place(isa, key, &norms.key, norms.epsilon);
            }
            if self.rotates {
                context.rotary.rotate(isa, position + token, rotated);
            }
            let (query, key) = rotated.split_at(query_width);
            for (to, from) in queries[token * query_width..].iter_mut().zip(query) {
                *to = from * scale;
            }
            state.cache.push(key, value);
        }
        let tokens = qkv.len() / width;
        attend(isa, context.pool, &state.cache, queries, self.query_heads, tokens, scratch, mixed);
    }
}

/// Keys and values of the tokens seen.
#[derive(Clone)]
pub struct AttentionState {
    cache: KeyValueCache,
    key_heads: usize,
    head_dim: usize,
}

impl MixerState for AttentionState {
    fn state_bytes(&self) -> usize {
        self.cache.byte_len()
    }

    fn reserve(&mut self, positions: usize) {
        self.cache.reserve(positions);
    }

    fn can_truncate(&self, _seen: usize, _positions: usize) -> bool {
        true
    }

    fn truncate(&mut self, positions: usize) {
        self.cache.truncate(positions);
    }

    fn save(&self, out: &mut Vec<u8>) {
        let (keys, values) = self.cache.export();
        out.extend(keys.into_iter().chain(values).flat_map(f32::to_le_bytes));
    }

    fn load(&mut self, positions: usize, bytes: &mut &[u8]) -> Result<()> {
        let width = self.key_heads * self.head_dim;
        let size = positions.checked_mul(width * 8).filter(|size| *size <= bytes.len());
        let Some(size) = size else {
            return Err(Error::input("state", "shorter than its tokens ask for", "save it again"));
        };
        let (content, rest) = bytes.split_at(size);
        let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let numbers: Vec<f32> = content.chunks_exact(4).map(number).collect();
        let (keys, values) = numbers.split_at(numbers.len() / 2);
        let mut cache = KeyValueCache::new(self.cache.format(), self.key_heads, self.head_dim);
        cache.reserve(positions);
        for (key, value) in keys.chunks_exact(width).zip(values.chunks_exact(width)) {
            cache.push(key, value);
        }
        self.cache = cache;
        *bytes = rest;
        Ok(())
    }
}
