//! What a pass must know of a batch besides its values: where each item begins and ends, how exactly to compute, and what
//! to drop.
//!
//! A [`Span`] is a run of rows, in the flattened `[batch * time]` order, that see each other and nothing else: one packed
//! item, or one row of a batch.

use std::sync::Arc;

pub use bantam_kernels::training::attention::Span;
pub use bantam_kernels::training::panels::Precision;

use crate::dropout::Dropout;

/// The layout of a `[batch, time]` input. Rows outside every span are padding: nothing sees them, their outputs are
/// meaningless and must not reach a loss.
#[derive(Clone, Debug)]
pub struct SequenceContext {
    batch: usize,
    time: usize,
    spans: Arc<[Span]>,
    precision: Precision,
    dropout: Option<Dropout>,
    wanted: Option<Arc<[u32]>>,
}

impl SequenceContext {
    /// Every row of the batch is one item without padding.
    pub fn whole_rows(batch: usize, time: usize) -> Self {
        let spans = (0..batch).map(|b| Span { start: b * time, len: time }).collect();
        Self { batch, time, spans, precision: Precision::F32, dropout: None, wanted: None }
    }

    /// Packed items.
    ///
    /// # Panics
    /// If spans overlap, are empty, or leave a row of the batch.
    pub fn packed(batch: usize, time: usize, mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|s| s.start);
        let mut end = 0;
        for s in &spans {
            assert!(s.start >= end && s.len > 0, "spans overlap or are empty");
            end = s.start + s.len;
            assert!(end <= batch * time && s.start / time == (end - 1) / time, "a span leaves its row");
        }
        Self { batch, time, spans: spans.into(), precision: Precision::F32, dropout: None, wanted: None }
    }

    /// The same with the operands of weight products rounded to `precision`. Weights, sums and everything else stay f32.
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same with values dropped at random, as in training; `None` drops nothing.
    pub fn with_dropout(self, dropout: Option<Dropout>) -> Self {
        Self { dropout, ..self }
    }

    /// The same where of the last block's result only these rows, strictly ascending, are used, such as those that have a target: what it computes of
    /// each position by itself it may leave out elsewhere, and give zeros.
    pub fn wanting(&self, rows: Arc<[u32]>) -> Self {
        Self { wanted: Some(rows), ..self.clone() }
    }

    /// The rows that are used, if not all are.
    pub(crate) fn wanted(&self) -> Option<&[u32]> {
        self.wanted.as_deref().filter(|rows| rows.len() < self.batch * self.time)
    }

    /// What is dropped.
    pub(crate) fn dropout(&self) -> Option<&Dropout> {
        self.dropout.as_ref()
    }

    /// What the operands of weight products are rounded to.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Rows of the batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Positions of each row.
    pub fn time(&self) -> usize {
        self.time
    }

    /// The items, in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Each row's position in its item, of which `before` positions came in earlier chunks; 0 for rows of no item.
    pub(crate) fn positions(&self, before: usize) -> Vec<usize> {
        let mut positions = vec![0; self.batch * self.time];
        for s in self.spans.iter() {
            positions[s.start..s.start + s.len].iter_mut().enumerate().for_each(|(t, p)| *p = before + t);
        }
        positions
    }

    /// The items, shared with the backward pass.
    pub(crate) fn shared_spans(&self) -> Arc<[Span]> {
        self.spans.clone()
    }

    /// Whether every row is exactly one item: what a carried state requires.
    pub fn is_whole_rows(&self) -> bool {
        self.spans.len() == self.batch && self.spans.iter().all(|s| s.len == self.time)
    }
}
