//! A kernel that runs along the sequence ([`SequenceOperation`]), as an operation with its own backward pass.
//!
//! The processor alone has it: mixers built on it train there, and not on other devices.

use std::sync::{Arc, OnceLock};

use bantam_kernels::training::attention::Span;
use bantam_kernels::training::sequence::{Items, SequenceOperation};
use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::is_flex;

/// Inputs that an operation has at most.
pub(super) const INPUTS: usize = 6;

/// What is run, on which items.
#[derive(Clone, Debug)]
pub struct SequenceCall {
    pub(super) operation: Arc<dyn SequenceOperation>,
    pub(super) inputs: usize,
    pub(super) rows: usize,
    pub(super) spans: Arc<[Span]>,
    pub(super) initial: Option<Arc<Vec<f32>>>,
    pub(super) last: Arc<OnceLock<Vec<f32>>>,
}

impl SequenceCall {
    pub(super) fn items(&self) -> Items<'_> {
        Items { rows: self.rows, spans: &self.spans, initial: self.initial.as_deref().map(Vec::as_slice) }
    }
}

/// Runs `operation` on `inputs`, each a matrix (a vector is a matrix of one row), over `rows` rows. Gives its output `[rows, width]` and the
/// state of every item after its last row, `[items, state size]`. `initial`, of the same shape, is what the items continue; no gradient
/// passes through states.
///
/// # Panics
/// On more than six inputs, and on another device than the processor.
pub fn sequence(
    operation: Arc<dyn SequenceOperation>,
    inputs: Vec<Tensor<2>>,
    rows: usize,
    spans: Arc<[Span]>,
    initial: Option<Arc<Vec<f32>>>,
) -> (Tensor<2>, Arc<Vec<f32>>) {
    assert!((1..=INPUTS).contains(&inputs.len()), "one to six inputs");
    assert!(inputs.iter().all(is_flex), "mixers that carry a state train on the CPU in f32");
    let last = Arc::new(OnceLock::new());
    let call = SequenceCall { operation, inputs: inputs.len(), rows, spans, initial, last: last.clone() };
    // Places beyond the operation's own inputs hold the first again; nobody reads them.
    let given: [Tensor<2>; INPUTS] = std::array::from_fn(|i| inputs.get(i).unwrap_or(&inputs[0]).clone());
    let [a, b, c, d, e, f] = given.map(Tensor::into_dispatch);
    let out = Tensor::from_dispatch(<Dispatch as FusedOps>::sequence(a, b, c, d, e, f, call));
    let last = last.get().cloned().unwrap_or_default();
    (out, Arc::new(last))
}
