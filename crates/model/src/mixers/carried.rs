//! One pass over a mixer that carries states: its operations in order, each with the state it continues.

use std::sync::Arc;

use bantam_kernels::training::sequence::SequenceOperation;
use burn::tensor::Tensor;

use super::MixerState;
use crate::context::SequenceContext;
use crate::ops;

/// States of all items, `[items, state size]`, one for each operation of a mixer.
pub type CarriedState = Vec<Arc<Vec<f32>>>;

/// Runs the operations of a mixer, which take their states from, and leave them in, the same order.
pub(crate) struct Pass<'a> {
    context: &'a SequenceContext,
    continued: Option<CarriedState>,
    left: CarriedState,
}

impl<'a> Pass<'a> {
    /// # Panics
    /// If the state is another mixer's, or the context is not of whole rows although there is one.
    pub fn new(context: &'a SequenceContext, state: Option<MixerState>) -> Self {
        let continued = state.map(|state| match state {
            MixerState::Carried(parts) if context.is_whole_rows() => parts,
            MixerState::Carried(_) => panic!("a carried state needs one item a row"),
            MixerState::Attention(_) | MixerState::Growing(..) => panic!("the state of another mixer"),
        });
        Self { context, continued, left: Vec::new() }
    }

    /// Rows of all matrices.
    pub fn rows(&self) -> usize {
        self.context.batch() * self.context.time()
    }

    /// The next operation.
    pub fn run(&mut self, operation: impl SequenceOperation + 'static, inputs: Vec<Tensor<2>>) -> Tensor<2> {
        let initial = self.continued.as_ref().map(|parts| parts[self.left.len()].clone());
        let (out, last) = ops::sequence(Arc::new(operation), inputs, self.rows(), self.context.shared_spans(), initial);
        self.left.push(last);
        out
    }

    /// The states after the last row, where every row of the batch is one item.
    pub fn state(self) -> Option<MixerState> {
        self.context.is_whole_rows().then_some(MixerState::Carried(self.left))
    }
}

/// `[width]` as a matrix of one row.
pub(crate) fn row(x: Tensor<1>) -> Tensor<2> {
    x.unsqueeze()
}
