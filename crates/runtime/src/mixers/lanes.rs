//! The sequences of a pass, as one layer's mixer sees them.

use std::ops::Range;

use super::{AnyState, MixerState, own_state};

/// One sequence that takes part in a batch's step.
pub(crate) struct BatchLane<'s> {
    /// Its states, as [`Model::new_states`](crate::Model) orders them.
    pub states: &'s mut [Box<dyn AnyState>],
    /// Position of its first token given.
    pub position: usize,
    /// Its tokens given.
    pub tokens: usize,
}

/// One sequence in one layer.
pub struct Lane<'l, S> {
    /// Row of its first token in the pass.
    pub first: usize,
    /// Its tokens.
    pub tokens: usize,
    /// Position of its first token in the sequence.
    pub position: usize,
    /// What this layer's mixer remembers of it.
    pub state: &'l mut S,
}

impl<S> Lane<'_, S> {
    /// Rows of its tokens in the pass.
    pub fn rows(&self) -> Range<usize> {
        self.first..self.first + self.tokens
    }
}

/// One sequence or several in one layer.
pub struct Lanes<'l, 's, S>(Which<'l, 's, S>);

enum Which<'l, 's, S> {
    One(Lane<'l, S>),
    Batch { lanes: &'l mut [BatchLane<'s>], place: usize },
}

impl<'l, 's, S: MixerState> Lanes<'l, 's, S> {
    /// The next `tokens` tokens of one sequence, the first of which stands at `position`.
    pub fn one(state: &'l mut S, position: usize, tokens: usize) -> Self {
        Self(Which::One(Lane { first: 0, tokens, position, state }))
    }

    /// Several sequences, the states of which stand at `place` among each one's.
    pub(super) fn batch(lanes: &'l mut [BatchLane<'s>], place: usize) -> Self {
        Self(Which::Batch { lanes, place })
    }

    /// Tokens of all sequences together.
    pub fn tokens(&self) -> usize {
        match &self.0 {
            Which::One(lane) => lane.tokens,
            Which::Batch { lanes, .. } => lanes.iter().map(|lane| lane.tokens).sum(),
        }
    }

    /// Visits the sequences in the order of their rows.
    pub fn each(&mut self, mut visit: impl FnMut(Lane<'_, S>)) {
        match &mut self.0 {
            Which::One(Lane { first, tokens, position, state }) => {
                visit(Lane { first: *first, tokens: *tokens, position: *position, state });
            }
            Which::Batch { lanes, place } => {
                let mut first = 0;
                for lane in lanes.iter_mut() {
                    let state = own_state(lane.states[*place].as_mut());
                    visit(Lane { first, tokens: lane.tokens, position: lane.position, state });
                    first += lane.tokens;
                }
            }
        }
    }
}
