//! What a mixer must know of a batch besides its values: where each item begins and ends.

use std::sync::Arc;

/// A run of rows that see each other and nothing else: one packed item, or one row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row in the flattened `[batch * time]` order.
    pub start: usize,
    /// Number of rows; positions run from 0 within the span.
    pub len: usize,
}

/// The layout of a `[batch, time]` input. Rows outside every span are padding: nothing sees them, their outputs are
/// meaningless and must not reach a loss.
#[derive(Clone, Debug)]
pub struct SequenceContext {
    batch: usize,
    time: usize,
    spans: Arc<[Span]>,
}

impl SequenceContext {
    /// Every row of the batch is one item without padding.
    pub fn whole_rows(batch: usize, time: usize) -> Self {
        let spans = (0..batch).map(|b| Span { start: b * time, len: time }).collect();
        Self { batch, time, spans }
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
        Self { batch, time, spans: spans.into() }
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

    /// Whether every row is exactly one item: what a carried state requires.
    pub fn is_whole_rows(&self) -> bool {
        self.spans.len() == self.batch && self.spans.iter().all(|s| s.len == self.time)
    }
}
