//! One sequence being read or written: its position and the states of its mixers.

use std::sync::Arc;

use bantam_core::{Error, Result};
use bantam_kernels::inference::rope::RotaryTable;

use crate::forward::{Buffers, CHUNK};
use crate::mixers::{AnyState, BatchLane, StepContext};
use crate::model::Model;

/// First bytes of a saved state: format and version.
const MAGIC: &[u8; 16] = b"bantam-state-v1\n";

/// A sequence. Cheap to make; forks share the model.
pub struct Session<'m> {
    model: &'m Model,
    states: Vec<Box<dyn AnyState>>,
    position: usize,
    rotary: Arc<RotaryTable>,
    buffers: Buffers,
}

impl<'m> Session<'m> {
    /// An empty sequence.
    pub fn new(model: &'m Model) -> Self {
        Self { model, states: model.new_states(), position: 0, rotary: Arc::default(), buffers: Buffers::default() }
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Tokens seen so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Tokens that still fit the model's context.
    pub fn remaining(&self) -> usize {
        self.model.context_length() - self.position
    }

    /// Bytes of all mixers' states, from their buffers.
    pub fn state_bytes(&self) -> usize {
        self.states.iter().map(|s| s.state_bytes()).sum()
    }

    /// Makes room for `tokens` more tokens, so that stepping over them allocates nothing. More than the context is not asked for.
    pub fn reserve(&mut self, tokens: usize) {
        let positions = self.position + tokens.min(self.remaining());
        self.states.iter_mut().for_each(|s| s.reserve(positions));
        let group = self.model.config.num_attention_heads / self.model.config.num_key_value_heads;
        self.buffers.scratch.attention.reserve(self.model.pool(usize::MAX), group, positions);
        self.reach(positions);
    }

    /// Sees to the rotary angles of so many positions, where positions are angles.
    fn reach(&mut self, positions: usize) {
        if self.rotary.positions() < positions {
            self.rotary = self.model.rotary(positions);
        }
    }

    /// Reads tokens and returns the logits (`[vocab_size]`) that follow the last of them.
    /// An input error, and nothing read, when there is no token, one is outside the vocabulary, or they do not fit the context.
    pub fn prefill(&mut self, tokens: &[u32]) -> Result<&[f32]> {
        self.prefill_last(tokens, 1)
    }

    /// Reads tokens and returns the logits that follow the last `rows` of them (all, when there are fewer), `[rows, vocab_size]`.
    /// Errors as [`prefill`](Self::prefill).
    pub fn prefill_last(&mut self, tokens: &[u32], rows: usize) -> Result<&[f32]> {
        self.check(tokens)?;
        let vocab = self.model.vocab_size();
        let unseen = tokens.len() - rows.clamp(1, tokens.len());
        self.buffers.logits.resize((tokens.len() - unseen) * vocab, 0.0);
        for (number, chunk) in tokens.chunks(CHUNK).enumerate() {
            self.run(chunk);
            let start = number * CHUNK;
            if start + chunk.len() > unseen {
                let first = unseen.saturating_sub(start);
                let at = (start + first - unseen) * vocab;
                self.buffers.project(self.model, first, chunk.len() - first, at);
            }
        }
        Ok(&self.buffers.logits)
    }

    /// The logits that follow row `row` of the last read, of those it was asked for.
    pub(crate) fn logits_row(&self, row: usize) -> &[f32] {
        let vocab = self.model.vocab_size();
        &self.buffers.logits[row * vocab..][..vocab]
    }

    /// Reads one token and returns the logits (`[vocab_size]`) that follow it. Errors as [`prefill`](Self::prefill).
    pub fn step(&mut self, token: u32) -> Result<&[f32]> {
        self.prefill(&[token])
    }

    /// Reads tokens and calls `each(index, logits)` for every one of them, in order. Errors as [`prefill`](Self::prefill).
    pub fn prefill_each(&mut self, tokens: &[u32], mut each: impl FnMut(usize, &[f32])) -> Result<()> {
        self.check(tokens)?;
        for (number, chunk) in tokens.chunks(CHUNK).enumerate() {
            self.run(chunk);
            // A few rows at a time share the output matrix without holding a chunk's worth of logits.
            const ROWS: usize = 16;
            for first in (0..chunk.len()).step_by(ROWS) {
                let rows = ROWS.min(chunk.len() - first);
                self.buffers.logits.resize(rows * self.model.vocab_size(), 0.0);
                self.buffers.project(self.model, first, rows, 0);
                for (row, logits) in self.buffers.logits.chunks_exact(self.model.vocab_size()).take(rows).enumerate() {
                    each(number * CHUNK + first + row, logits);
                }
            }
        }
        Ok(())
    }

    /// Reads tokens and returns the logits that follow each of them, `[tokens, vocab_size]`. Errors as [`prefill`](Self::prefill).
    pub fn prefill_all(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(tokens.len() * self.model.vocab_size());
        self.prefill_each(tokens, |_, logits| all.extend_from_slice(logits))?;
        Ok(all)
    }

    /// Whether [`truncate`](Self::truncate) can go back to `position`.
    pub fn can_truncate(&self, position: usize) -> bool {
        position == self.position
            || position < self.position && self.states.iter().all(|s| s.can_truncate(self.position, position))
    }

    /// Whether so many tokens more could be read and then forgotten again.
    pub(crate) fn can_take_back(&self, tokens: usize) -> bool {
        tokens == 0 || self.states.iter().all(|s| s.can_truncate(self.position + tokens, self.position))
    }

    /// Forgets every token from `position` on, as if only those before had been read. False, and nothing changed, when the position
    /// lies ahead or a mixer's state cannot go back: then [`fork`](Self::fork) before reading what may have to be taken back.
    pub fn truncate(&mut self, position: usize) -> bool {
        let can = self.can_truncate(position);
        if can && position < self.position {
            self.states.iter_mut().for_each(|s| s.truncate(position));
            self.position = position;
        }
        can
    }

    /// A second sequence that goes on from here on its own.
    pub fn fork(&self) -> Self {
        Self {
            model: self.model,
            states: self.states.iter().map(|s| s.fork()).collect(),
            position: self.position,
            rotary: Arc::clone(&self.rotary),
            buffers: Buffers::default(),
        }
    }

    /// The sequence's state as bytes: a header that ties it to the model's shape, then every layer's state, little-endian.
    pub fn save_state(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(fingerprint(self.model));
        out.extend((self.position as u64).to_le_bytes());
        self.states.iter().for_each(|s| s.save(&mut out));
        out
    }

    /// Goes on from a saved state. An input error, and the session as it was, when the bytes are not a whole state of a
    /// model of this shape.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        let wrong = |what: &str| Error::input("state", what, "give a state saved from this model");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("not a Bantam state"))?;
        let rest = rest
            .strip_prefix(fingerprint(self.model).as_slice())
            .ok_or_else(|| wrong("saved from another model shape"))?;
        let (position, mut rest) = rest.split_first_chunk::<8>().ok_or_else(|| wrong("cut off"))?;
        let position = usize::try_from(u64::from_le_bytes(*position)).unwrap_or(usize::MAX);
        if position > self.model.context_length() {
            return Err(wrong("longer than the model's context"));
        }
        let mut states = self.model.new_states();
        for state in &mut states {
            state.load(position, &mut rest)?;
        }
        if !rest.is_empty() {
            return Err(wrong("longer than its tokens ask for"));
        }
        self.states = states;
        self.position = position;
        Ok(())
    }

    /// The sequence as it takes part in a batch with its next `tokens` tokens, which it then counts as read.
    pub(crate) fn lane(&mut self, tokens: usize) -> BatchLane<'_> {
        let position = self.position;
        self.position += tokens;
        BatchLane { states: &mut self.states, position, tokens }
    }

    pub(crate) fn check(&self, tokens: &[u32]) -> Result<()> {
        if tokens.is_empty() {
            return Err(Error::input("prompt", "no tokens", "give at least one token"));
        }
        if let Some(bad) = tokens.iter().find(|t| **t as usize >= self.model.vocab_size()) {
            return Err(Error::input(
                "prompt",
                format!("token {bad} is outside the model's vocabulary of {}", self.model.vocab_size()),
                "use the model's own tokenizer",
            ));
        }
        if tokens.len() > self.remaining() {
            return Err(Error::input(
                "prompt",
                format!(
                    "{} tokens after {} do not fit the model's context of {}",
                    tokens.len(),
                    self.position,
                    self.model.context_length()
                ),
                "shorten the text or use a model with a longer context",
            ));
        }
        Ok(())
    }

    /// All blocks over at most [`CHUNK`] checked tokens.
    fn run(&mut self, tokens: &[u32]) {
        let (model, position, n) = (self.model, self.position, tokens.len());
        self.reach(position + n);
        let context = StepContext { isa: model.isa, pool: model.pool(n), rotary: &self.rotary };
        let states = &mut self.states;
        self.buffers.forward(
            model,
            tokens,
            |row| position + row,
            |place, mixer, x, scratch, out| {
                mixer.run(&context, position, x, n, states[place].as_mut(), scratch, out);
            },
        );
        self.position += n;
    }
}

/// What must agree for a state to fit: the sizes that shape it, the mixers beside attention, and whether channels are mixed.
fn fingerprint(model: &Model) -> Vec<u8> {
    let c = &model.config;
    let sizes = [c.num_hidden_layers, c.num_key_value_heads, c.head_dim, c.hidden_size, c.vocab_size];
    let mixers = if c.is_all_attention() { String::new() } else { format!("{:?}", c.mixers) };
    let channels = if c.architecture.mixes_channels() { "channels" } else { "" };
    let sizes = sizes.into_iter().flat_map(|n| (n as u64).to_le_bytes());
    sizes.chain(mixers.into_bytes()).chain(channels.bytes()).collect()
}
