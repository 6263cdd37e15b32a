//! In what order, and how packed, do tokenized items reach a trainer?
//!
//! A batch is one row of tokens: whole items one after the other, each its own span, no padding. The order is a
//! function of (seed, phase, pass, source) alone, so that a [`Cursor`] of a few numbers is the loader's whole state.

use std::ops::Range;

use bantam_core::{Error, Result, seed};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::item::Level;

/// A tokenized item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Prompts and answers, the end tokens included.
    pub tokens: Vec<u32>,
    /// The tokens of each answer: in order, apart, none before token 1. Only they enter the loss.
    pub answers: Vec<Range<usize>>,
    /// What the answers' positions ask for where the tokens show something else there: one for each target. Empty: the
    /// answers are what the tokens show.
    pub labels: Vec<u32>,
    /// Bytes of the answers' texts (without the end tokens), for bits per byte.
    pub answer_bytes: usize,
    /// How hard it is, where that is known, for a curriculum by level.
    pub level: Option<Level>,
}

impl Example {
    /// An item whose one answer runs from token `answer_start` to the end, of no level.
    pub fn with_answer(tokens: Vec<u32>, answer_start: usize, answer_bytes: usize) -> Self {
        let answer = answer_start..tokens.len();
        Self { tokens, answers: vec![answer], labels: Vec::new(), answer_bytes, level: None }
    }

    /// Indices of the tokens in the loss, ascending.
    pub fn targets(&self) -> impl Iterator<Item = usize> {
        self.answers.iter().cloned().flatten()
    }

    /// Each target's index, ascending, and the token that is asked for: the one at that index, or its label.
    pub fn asked(&self) -> impl Iterator<Item = (usize, u32)> {
        let token = |(nth, at): (usize, usize)| (at, self.labels.get(nth).copied().unwrap_or(self.tokens[at]));
        self.targets().enumerate().map(token)
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
    /// Those next tokens, or the labels in their place.
    pub target_tokens: Vec<u32>,
    /// Those of `spans` whose targets are labels: what is asked for is not what the row shows.
    pub labelled: Vec<(usize, usize)>,
    /// Bytes of the answers.
    pub answer_bytes: usize,
}

impl Batch {
    /// Appends an item.
    pub fn push(&mut self, example: &Example) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(&example.tokens);
        self.spans.push((start, example.tokens.len()));
        if !example.labels.is_empty() {
            self.labelled.push((start, example.tokens.len()));
        }
        for (i, token) in example.asked() {
            self.target_rows.push((start + i - 1) as u32);
            self.target_tokens.push(token);
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

/// Items to draw from, and how much of the whole they are to be.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The items.
    pub examples: &'a [Example],
    /// Share of the tokens drawn, over the sum of the weights of all sources that have items for the phase.
    pub weight: f64,
}

/// What is drawn, and how much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Number of the curriculum's phase; part of the order's seed.
    pub phase: usize,
    /// Only items of at most this many tokens.
    pub max_item_tokens: usize,
    /// Only items of these levels; empty: of any, or none.
    pub levels: Vec<Level>,
    /// Tokens a batch, at most.
    pub batch_tokens: usize,
}

impl Draw {
    fn takes(&self, example: &Example) -> bool {
        let short = example.tokens.len() <= self.max_item_tokens.min(self.batch_tokens);
        short && (self.levels.is_empty() || example.level.is_some_and(|l| self.levels.contains(&l)))
    }
}

/// Where the loader stands; part of every checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Phase that the positions belong to.
    pub phase: usize,
    /// Where each source stands; none before the first draw.
    pub sources: Vec<SourceCursor>,
}

/// Where the loader stands in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCursor {
    /// Passes over the phase's items so far.
    pub epoch: u64,
    /// Items of this pass already used.
    pub position: usize,
    /// Tokens drawn in this phase.
    pub tokens: u64,
}

/// Draws batches from sources, for ever.
#[derive(Debug)]
pub struct Loader<'a> {
    sources: &'a [Source<'a>],
    seed: u64,
    cursor: Cursor,
    /// The draw that `orders` belong to, once it is known.
    draw: Option<Draw>,
    /// Of each source: the pass, and the order of its items in it.
    orders: Vec<Option<(u64, Vec<usize>)>>,
}

impl<'a> Loader<'a> {
    /// A loader that continues at `cursor`.
    pub fn new(sources: &'a [Source<'a>], seed: u64, cursor: Cursor) -> Self {
        Self { sources, seed, cursor, draw: None, orders: Vec::new() }
    }

    /// Where the next batch begins.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next batch. A new phase starts a new pass over its items. The next item comes from the source that has the
    /// fewest tokens for its weight, so that every beginning of a phase is mixed as the whole.
    ///
    /// # Errors
    /// If no item fits the phase.
    pub fn next(&mut self, draw: &Draw) -> Result<Batch> {
        if self.draw.as_ref() != Some(draw) {
            self.draw = Some(draw.clone());
            self.orders = vec![None; self.sources.len()];
        }
        if self.cursor.phase != draw.phase || self.cursor.sources.len() != self.sources.len() {
            let sources = vec![SourceCursor::default(); self.sources.len()];
            self.cursor = Cursor { phase: draw.phase, sources };
        }
        let mut batch = Batch::default();
        loop {
            let Some((source, index)) = self.upcoming(draw) else {
                let levels: Vec<&str> = draw.levels.iter().map(|l| l.name()).collect();
                let level =
                    if levels.is_empty() { String::new() } else { format!(" of level {}", levels.join(" or ")) };
                let limit = draw.max_item_tokens.min(draw.batch_tokens);
                return Err(Error::input(
                    format_args!("train.phases[{}]", draw.phase),
                    format_args!("no training item{level} has at most {limit} tokens"),
                    "raise max_item_tokens and batch_tokens, or name other levels",
                ));
            };
            let example = &self.sources[source].examples[index];
            if batch.tokens.len() + example.tokens.len() > draw.batch_tokens {
                return Ok(batch);
            }
            batch.push(example);
            let cursor = &mut self.cursor.sources[source];
            cursor.position += 1;
            cursor.tokens += example.tokens.len() as u64;
        }
    }

    /// Source and index of the next item. `None` if no source has one for this draw.
    fn upcoming(&mut self, draw: &Draw) -> Option<(usize, usize)> {
        let mut next: Option<(f64, usize, usize)> = None;
        for source in 0..self.sources.len() {
            let Some(index) = self.upcoming_of(draw, source) else { continue };
            let drawn = self.cursor.sources[source].tokens as f64 / self.sources[source].weight;
            // On a tie the earlier source.
            if next.is_none_or(|(least, ..)| drawn < least) {
                next = Some((drawn, source, index));
            }
        }
        next.map(|(_, source, index)| (source, index))
    }

    fn upcoming_of(&mut self, draw: &Draw, source: usize) -> Option<usize> {
        loop {
            let SourceCursor { epoch, position, .. } = self.cursor.sources[source];
            let order = self.order(draw, source, epoch);
            if order.is_empty() {
                return None;
            }
            if let Some(&index) = order.get(position) {
                return Some(index);
            }
            let cursor = &mut self.cursor.sources[source];
            (cursor.epoch, cursor.position) = (epoch + 1, 0);
        }
    }

    fn order(&mut self, draw: &Draw, source: usize, epoch: u64) -> &[usize] {
        let examples = self.sources[source].examples;
        let slot = &mut self.orders[source];
        if slot.as_ref().is_none_or(|(e, _)| *e != epoch) {
            let mut order: Vec<usize> = (0..examples.len()).filter(|&i| draw.takes(&examples[i])).collect();
            // The first source's stream is the one of a recipe with a single source.
            let which = if source == 0 { String::new() } else { format!("/{source}") };
            order.shuffle(&mut seed::rng(self.seed, &format!("order/{}/{epoch}{which}", draw.phase)));
            *slot = Some((epoch, order));
        }
        slot.as_ref().map_or(&[], |(_, order)| order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        let level = |i: u32| Level::ALL.get(i as usize % 4).copied();
        let tokens = |i: u32| (0..3 + i % 20).map(|t| i * 100 + t).collect();
        (0..50u32).map(|i| Example { level: level(i), ..Example::with_answer(tokens(i), 2, 5) }).collect()
    }

    const DRAW: Draw = Draw { phase: 0, max_item_tokens: 15, levels: Vec::new(), batch_tokens: 64 };

    fn all(examples: &[Example]) -> [Source<'_>; 1] {
        [Source { examples, weight: 1.0 }]
    }

    #[test]
    fn a_pass_uses_every_short_item_once_and_batches_keep_the_limit() {
        let examples = examples();
        let sources = all(&examples);
        let mut loader = Loader::new(&sources, 1, Cursor::default());
        let short = examples.iter().filter(|e| e.tokens.len() <= 15).count();
        let mut seen = Vec::new();
        while seen.len() < short {
            let batch = loader.next(&DRAW).unwrap();
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
        let sources = [
            Source { examples: &examples[..30], weight: 3.0 },
            Source { examples: &examples[30..41], weight: 0.7 },
            Source { examples: &examples[41..], weight: 1.0 },
        ];
        for sources in [&sources[..], &all(&examples)] {
            let mut whole = Loader::new(sources, 1, Cursor::default());
            let batches: Vec<Batch> = (0..30).map(|_| whole.next(&DRAW).unwrap()).collect();
            let mut first = Loader::new(sources, 1, Cursor::default());
            for wanted in &batches[..17] {
                assert_eq!(&first.next(&DRAW).unwrap(), wanted);
            }
            let saved = serde_json::to_string(first.cursor()).unwrap();
            let mut second = Loader::new(sources, 1, serde_json::from_str(&saved).unwrap());
            for wanted in &batches[17..] {
                assert_eq!(&second.next(&DRAW).unwrap(), wanted);
            }
            let mut other = Loader::new(sources, 2, Cursor::default());
            assert_ne!(other.next(&DRAW).unwrap(), batches[0]);
        }
    }

    #[test]
    fn sources_are_mixed_by_the_tokens_of_their_weights_from_the_start() {
        let examples = examples();
        let sources = [
            Source { examples: &examples[..25], weight: 3.0 },
            Source { examples: &examples[25..], weight: 1.0 },
            // Nothing short enough: the others share its part.
            Source { examples: &examples[17..20], weight: 5.0 },
        ];
        let mut loader = Loader::new(&sources, 1, Cursor::default());
        let mut tokens = [0usize; 2];
        for step in 0..200 {
            let batch = loader.next(&DRAW).unwrap();
            for &(start, len) in &batch.spans {
                tokens[usize::from(batch.tokens[start] >= 2500)] += len;
            }
            let share = tokens[0] as f64 / (tokens[0] + tokens[1]) as f64;
            assert!((share - 0.75).abs() < 0.25 / (step as f64 + 1.0) + 0.002, "step {step}: {share}");
        }
        assert_eq!(loader.cursor().sources[2].tokens, 0);
    }

    #[test]
    fn a_phase_takes_only_its_levels() {
        let examples = examples();
        let sources = all(&examples);
        let mut loader = Loader::new(&sources, 1, Cursor::default());
        let draw = Draw { levels: vec![Level::Simple, Level::Complex], ..DRAW };
        for _ in 0..30 {
            let batch = loader.next(&draw).unwrap();
            // Levels go round with the items' numbers; the fourth has none.
            assert!(batch.spans.iter().all(|&(s, _)| matches!(batch.tokens[s] / 100 % 4, 0 | 2)));
        }
    }

    #[test]
    fn targets_are_the_answers_tokens_one_position_ahead() {
        let mut batch = Batch::default();
        batch.push(&Example::with_answer(vec![9, 9], 1, 1));
        // Two answers with a question between them.
        let two = Example { answers: vec![2..4, 5..6], ..Example::with_answer((10..16).collect(), 2, 2) };
        batch.push(&two);
        assert_eq!(batch.target_rows, [0, 3, 4, 6]);
        assert_eq!(batch.target_tokens, [9, 12, 13, 15]);
        for (row, target) in batch.target_rows.iter().zip(&batch.target_tokens) {
            assert_eq!(batch.tokens[*row as usize + 1], *target);
        }
        assert_eq!(batch.answer_bytes, 3);
        // Labels stand in the place of what the row shows.
        let labelled = Example { labels: vec![90, 91, 92], ..two };
        assert_eq!(labelled.asked().collect::<Vec<_>>(), [(2, 90), (3, 91), (5, 92)]);
        batch.push(&labelled);
        assert_eq!(batch.target_rows[4..], [9, 10, 12]);
        assert_eq!(batch.target_tokens[4..], [90, 91, 92]);
        assert_eq!(batch.labelled, [(8, 6)]);
    }

    #[test]
    fn no_item_that_fits_is_the_users_mistake() {
        let examples = examples();
        let sources = all(&examples);
        let mut loader = Loader::new(&sources, 1, Cursor::default());
        let e = loader.next(&Draw { max_item_tokens: 2, ..DRAW }).unwrap_err();
        assert!(e.exit_code() == 2 && e.place() == "train.phases[0]", "{e}");
        let draw = Draw { max_item_tokens: 3, levels: vec![Level::Medium], phase: 2, ..DRAW };
        let e = loader.next(&draw).unwrap_err();
        assert!(
            e.to_string().contains("train.phases[2]: no training item of level medium has at most 3 tokens"),
            "{e}"
        );
    }
}
