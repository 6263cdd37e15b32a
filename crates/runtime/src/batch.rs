//! Several sequences that read their next tokens together: weights are read once for all of them.

use bantam_core::{Error, Result};

use crate::forward::{Buffers, CHUNK};
use crate::mixers::StepContext;
use crate::model::Model;
use crate::session::Session;

/// Names a sequence of a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(u64);

/// Sequences of one model. They join and leave as they like, each as a [`Session`]: forks of one session share what it has read.
///
/// A sequence gets the logits that it gets alone, bit for bit: products go row by row, and each looks back on its own past.
pub struct Batch<'m> {
    model: &'m Model,
    sequences: Vec<(SequenceId, Session<'m>)>,
    next: u64,
    buffers: Buffers,
}

impl<'m> Batch<'m> {
    /// No sequences yet.
    pub fn new(model: &'m Model) -> Self {
        Self { model, sequences: Vec::new(), next: 0, buffers: Buffers::default() }
    }

    /// Takes a sequence in. An input error when it belongs to another model.
    pub fn join(&mut self, session: Session<'m>) -> Result<SequenceId> {
        if !std::ptr::eq(session.model(), self.model) {
            return Err(Error::input("batch", "a sequence of another model", "start it from the batch's model"));
        }
        let id = SequenceId(self.next);
        self.next += 1;
        self.sequences.push((id, session));
        Ok(id)
    }

    /// Lets a sequence go, with what it has read. `None` when there is none of that name.
    pub fn leave(&mut self, id: SequenceId) -> Option<Session<'m>> {
        let at = self.sequences.iter().position(|(known, _)| *known == id)?;
        Some(self.sequences.remove(at).1)
    }

    /// A sequence, as it stands.
    pub fn session(&self, id: SequenceId) -> Option<&Session<'m>> {
        self.sequences.iter().find(|(known, _)| *known == id).map(|(_, session)| session)
    }

    /// Sequences inside.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Reads the next tokens of some sequences, as many as each has, and returns the logits that follow the last token of each, in
    /// the order given: `[parts, vocab_size]`.
    /// Input errors, and nothing read, as of [`Session::prefill`], and when a sequence is unknown or named twice.
    pub fn read(&mut self, parts: &[(SequenceId, &[u32])]) -> Result<&[f32]> {
        let mut places = Vec::with_capacity(parts.len());
        for (id, tokens) in parts {
            let found = self.sequences.iter().position(|(known, _)| known == id).filter(|at| !places.contains(at));
            let at = found.ok_or_else(|| {
                Error::input(
                    "batch",
                    "a sequence that is not in it, or named twice",
                    "give each sequence of the batch once",
                )
            })?;
            self.sequences[at].1.check(tokens)?;
            places.push(at);
        }
        let vocab = self.model.vocab_size();
        self.buffers.logits.resize(parts.len() * vocab, 0.0);
        let longest = parts.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
        let size = (CHUNK / parts.len().max(1)).max(1);
        for start in (0..longest).step_by(size) {
            self.run(parts, &places, start, size);
        }
        Ok(&self.buffers.logits)
    }

    /// Tokens `start..start + size` of every part that has any.
    fn run(&mut self, parts: &[(SequenceId, &[u32])], places: &[usize], start: usize, size: usize) {
        let model = self.model;
        let slice = |part: usize| -> &[u32] {
            let tokens = parts[part].1;
            &tokens[start.min(tokens.len())..(start + size).min(tokens.len())]
        };
        // Rows go part by part; lanes have to be borrowed in the order in which sequences lie.
        let mut tokens = Vec::new();
        let mut positions = Vec::new();
        let mut ends = Vec::new();
        let mut lanes: Vec<_> = (0..parts.len()).map(|_| None).collect();
        for (at, (_, session)) in self.sequences.iter_mut().enumerate() {
            if let Some(part) = places.iter().position(|place| *place == at).filter(|part| !slice(*part).is_empty()) {
                lanes[part] = Some(session.lane(slice(part).len()));
            }
        }
        for (part, lane) in lanes.iter().enumerate() {
            let Some(lane) = lane else { continue };
            tokens.extend_from_slice(slice(part));
            positions.extend(lane.position..lane.position + lane.tokens);
            if start + lane.tokens == parts[part].1.len() {
                ends.push((part, tokens.len() - 1));
            }
        }
        let mut lanes: Vec<_> = lanes.into_iter().flatten().collect();
        let reach = positions.iter().max().map_or(0, |last| last + 1);
        let rotary = model.rotary(reach);
        let pool = model.pool(tokens.len());
        let context = StepContext { isa: model.isa, pool, rotary: &rotary };
        self.buffers.forward(
            model,
            &tokens,
            |row| positions[row],
            |place, mixer, x, scratch, out| {
                mixer.run_batch(&context, x, &mut lanes, place, scratch, out);
            },
        );
        // Neighbouring rows for neighbouring parts are one product.
        let vocab = model.vocab_size();
        let mut done = 0;
        while done < ends.len() {
            let (part, row) = ends[done];
            let run = ends[done..].iter().enumerate().take_while(|(i, end)| **end == (part + i, row + i)).count();
            self.buffers.project(model, row, run, part * vocab);
            done += run;
        }
    }
}
