//! Several sequences, as one layer's mixer sees them.

use std::marker::PhantomData;

use super::{AnyState, MixerState, own_state};

/// One sequence that takes part in a batch's step.
pub(crate) struct BatchLane<'s> {
    /// Its states, layer by layer.
    pub states: &'s mut [Box<dyn AnyState>],
    /// Position of its first token given.
    pub position: usize,
    /// Its tokens given.
    pub tokens: usize,
}

/// One sequence of a batch in one layer.
pub struct Lane<'l, S> {
    /// Row of its first token in the batch.
    pub first: usize,
    /// Its tokens.
    pub tokens: usize,
    /// Position of its first token in the sequence.
    pub position: usize,
    /// What this layer's mixer remembers of it.
    pub state: &'l mut S,
}

/// The sequences of a batch in one layer.
pub struct Lanes<'l, 's, S> {
    lanes: &'l mut [BatchLane<'s>],
    layer: usize,
    state: PhantomData<S>,
}

impl<'l, 's, S: MixerState> Lanes<'l, 's, S> {
    pub(super) fn new(lanes: &'l mut [BatchLane<'s>], layer: usize) -> Self {
        Self { lanes, layer, state: PhantomData }
    }

    /// Tokens of all sequences together.
    pub fn tokens(&self) -> usize {
        self.lanes.iter().map(|lane| lane.tokens).sum()
    }

    /// Visits the sequences in the order of their rows.
    pub fn each(&mut self, mut visit: impl FnMut(Lane<'_, S>)) {
        let mut first = 0;
        for lane in self.lanes.iter_mut() {
            let state = own_state(lane.states[self.layer].as_mut());
            visit(Lane { first, tokens: lane.tokens, position: lane.position, state });
            first += lane.tokens;
        }
    }
}
