//! In what order, and how packed, do tokenized items reach a trainer?
//!
//! A batch is one row of tokens: whole items one after the other, each its own span, no padding. The order is a
//! function of (seed, phase, epoch) alone, so that a [`Cursor`] of three numbers is the loader's whole state.

use std::ops::Range;

use bantam_core::{Error, Result, seed};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// A tokenized item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Prompts and answers, the end tokens included.
    pub tokens: Vec<u32>,
    /// The tokens of each answer: in order, apart, none before token 1. Only they enter the loss.
    pub answers: Vec<Range<usize>>,
    /// Bytes of the answers' texts (without the end tokens), for bits per byte.
    pub answer_bytes: usize,
}

impl Example {
    /// An item whose one answer runs from token `answer_start` to the end.
    pub fn with_answer(tokens: Vec<u32>, answer_start: usize, answer_bytes: usize) -> Self {
        let answer = answer_start..tokens.len();
        Self { tokens, answers: vec![answer], answer_bytes }
    }

    /// Indices of the tokens in the loss, ascending.
    pub fn targets(&self) -> impl Iterator<Item = usize> {
        self.answers.iter().cloned().flatten()
    }
}

/// Items packed for one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The row of tokens.
    pub tokens: Vec<u32>,
    /// (start, length) of each item.
    pub spans: Vec<(usize, usize)>,
    /// Positions whose next token is in the loss.
    pub target_rows: Vec<u32>,
    /// Those next tokens.
    pub target_tokens: Vec<u32>,
    /// Bytes of the answers.
    pub answer_bytes: usize,
}

impl Batch {
    /// Appends an item.
    pub fn push(&mut self, example: &Example) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(&example.tokens);
        self.spans.push((start, example.tokens.len()));
        for i in example.targets() {
            self.target_rows.push((start + i - 1) as u32);
            self.target_tokens.push(example.tokens[i]);
        }
        self.answer_bytes += example.answer_bytes;
    }

    /// Items in their order, packed greedily into batches of at most `batch_tokens` (a longer item stands alone).
    pub fn all(examples: &[Example], batch_tokens: usize) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for example in examples {
            match batches.last_mut() {
                Some(batch) if batch.tokens.len() + example.tokens.len() <= batch_tokens => batch.push(example),
                _ => {
                    let mut batch = Batch::default();
                    batch.push(example);
                    batches.push(batch);
                }
            }
        }
        batches
    }
}

/// What is drawn, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Number of the curriculum's phase; part of the order's seed.
    pub phase: usize,
    /// Only items of at most this many tokens.
    pub max_item_tokens: usize,
    /// Tokens a batch, at most.
    pub batch_tokens: usize,
}

/// Where the loader stands; part of every checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Phase that the position belongs to.
    pub phase: usize,
    /// Passes over the phase's items so far.
    pub epoch: u64,
    /// Items of this pass already used.
    pub position: usize,
}

/// Draws batches from examples, for ever.
#[derive(Debug)]
pub struct Loader<'a> {
    examples: &'a [Example],
    seed: u64,
    cursor: Cursor,
    /// The order of the pass that `cursor` is in, once it is known.
    order: Option<(Draw, u64, Vec<usize>)>,
}

impl<'a> Loader<'a> {
    /// A loader that continues at `cursor`.
    pub fn new(examples: &'a [Example], seed: u64, cursor: Cursor) -> Self {
        Self { examples, seed, cursor, order: None }
    }

    /// Where the next batch begins.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next batch. A new phase starts a new pass over its items.
    ///
    /// # Errors
    /// If no item is short enough.
    pub fn next(&mut self, draw: Draw) -> Result<Batch> {
        if self.cursor.phase != draw.phase {
            self.cursor = Cursor { phase: draw.phase, epoch: 0, position: 0 };
        }
        let limit = draw.max_item_tokens.min(draw.batch_tokens);
        let mut batch = Batch::default();
        loop {
            let position = self.cursor.position;
            let order = self.order(draw, limit);
            if order.is_empty() {
                return Err(Error::input(
                    "train.phases",
                    format!("no training item has at most {limit} tokens"),
                    "raise max_item_tokens and batch_tokens",
                ));
            }
            let Some(&index) = order.get(position) else {
                self.cursor.epoch += 1;
                self.cursor.position = 0;
                continue;
            };
            let example = &self.examples[index];
            if batch.tokens.len() + example.tokens.len() > draw.batch_tokens {
                return Ok(batch);
            }
            batch.push(example);
            self.cursor.position += 1;
        }
    }

    fn order(&mut self, draw: Draw, limit: usize) -> &[usize] {
        let epoch = self.cursor.epoch;
        if !matches!(&self.order, Some((d, e, _)) if *d == draw && *e == epoch) {
            let short = |i: &usize| self.examples[*i].tokens.len() <= limit;
            let mut order: Vec<usize> = (0..self.examples.len()).filter(short).collect();
            order.shuffle(&mut seed::rng(self.seed, &format!("order/{}/{epoch}", draw.phase)));
            self.order = Some((draw, epoch, order));
        }
        &self.order.as_ref().expect("just set").2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        (0..50u32).map(|i| Example::with_answer((0..3 + i % 20).map(|t| i * 100 + t).collect(), 2, 5)).collect()
    }

    const DRAW: Draw = Draw { phase: 0, max_item_tokens: 15, batch_tokens: 64 };

    #[test]
    fn a_pass_uses_every_short_item_once_and_batches_keep_the_limit() {
        let examples = examples();
        let mut loader = Loader::new(&examples, 1, Cursor::default());
        let short = examples.iter().filter(|e| e.tokens.len() <= 15).count();
        let mut seen = Vec::new();
        while loader.cursor().epoch == 0 && seen.len() < short {
            let batch = loader.next(DRAW).unwrap();
            assert!(batch.tokens.len() <= 64 && !batch.tokens.is_empty());
            seen.extend(batch.spans.iter().map(|&(s, _)| batch.tokens[s] / 100));
        }
        let mut first: Vec<u32> = seen[..short].to_vec();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), short);
    }

    #[test]
    fn a_loader_continues_exactly_at_its_cursor() {
        let examples = examples();
        let mut whole = Loader::new(&examples, 1, Cursor::default());
        let batches: Vec<Batch> = (0..30).map(|_| whole.next(DRAW).unwrap()).collect();
        let mut first = Loader::new(&examples, 1, Cursor::default());
        for wanted in &batches[..17] {
            assert_eq!(&first.next(DRAW).unwrap(), wanted);
        }
        let mut second = Loader::new(&examples, 1, first.cursor());
        for wanted in &batches[17..] {
            assert_eq!(&second.next(DRAW).unwrap(), wanted);
        }
        let mut other = Loader::new(&examples, 2, Cursor::default());
        assert_ne!(other.next(DRAW).unwrap(), batches[0]);
    }

    #[test]
    fn targets_are_the_answers_tokens_one_position_ahead() {
        let mut batch = Batch::default();
        batch.push(&Example::with_answer(vec![9, 9], 1, 1));
        // Two answers with a question between them.
        batch.push(&Example { tokens: (10..16).collect(), answers: vec![2..4, 5..6], answer_bytes: 2 });
        assert_eq!(batch.target_rows, [0, 3, 4, 6]);
        assert_eq!(batch.target_tokens, [9, 12, 13, 15]);
        for (row, target) in batch.target_rows.iter().zip(&batch.target_tokens) {
            assert_eq!(batch.tokens[*row as usize + 1], *target);
        }
        assert_eq!(batch.answer_bytes, 3);
    }

    #[test]
    fn no_item_short_enough_is_the_users_mistake() {
        let examples = examples();
        let mut loader = Loader::new(&examples, 1, Cursor::default());
        let e = loader.next(Draw { phase: 0, max_item_tokens: 2, batch_tokens: 64 }).unwrap_err();
        assert_eq!(e.exit_code(), 2);
    }
}
