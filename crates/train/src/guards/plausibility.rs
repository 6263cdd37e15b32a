//! Is the validation loss too good to be true? When it falls under a fraction of what counting trigrams reaches, it has to
//! be explained, and what would explain it falsely is ruled out exactly:
//!
//! - the model sees tokens it is asked for: the same targets are predicted again with nothing behind them in the input,
//!   every item alone, and the loss must stay the same;
//! - the validation items were trained on: they are looked up among the training items.
//!
//! A model that copies values from its prompt is far better than any trigram, rightly so, and passes both. No threshold
//! on the loss alone could tell it from one that cheats.

use std::collections::HashSet;

use bantam_core::{Error, Result};
use bantam_data::packing::{Batch, Example, Source};

use super::trigram::Trigram;

/// Targets that are predicted again.
const TARGETS: usize = 32;
/// Nats a target by which both predictions may differ: rounding, since sums are cut elsewhere.
const MOST_DIFFERENCE: f64 = 1e-3;
/// Share of validation items that may be among the training items.
const MOST_OVERLAP: f64 = 0.01;

/// Why a very low loss was believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Explained {
    /// The validation loss.
    pub loss: f64,
    /// What counting trigrams of the training items reaches on the same targets, or guessing evenly if that is better.
    pub floor: f64,
    /// Loss of the targets looked at, within their batches.
    pub packed_loss: f64,
    /// Loss of the same targets with nothing behind them.
    pub prefix_loss: f64,
    /// Share of validation items among the training items.
    pub overlap: f64,
    /// Share of validation items whose whole answer stands in their own prompt.
    pub copied: f64,
}

/// Watches the validation losses of one run.
pub struct Plausibility<'a> {
    sources: &'a [Source<'a>],
    validation: &'a [Example],
    vocabulary: usize,
    fraction: f64,
    batch_tokens: usize,
    floor: Option<f64>,
    explained: bool,
}

impl<'a> Plausibility<'a> {
    /// `fraction` of the trigram's loss under which a loss has to be explained; 0 never asks.
    pub fn new(
        sources: &'a [Source<'a>],
        validation: &'a [Example],
        vocabulary: usize,
        fraction: f64,
        batch_tokens: usize,
    ) -> Self {
        Self { sources, validation, vocabulary, fraction, batch_tokens, floor: None, explained: false }
    }

    /// Judges a validation loss. `nats_of` gives a batch's loss, summed over its targets. `None` if the loss needs no
    /// explanation or has had one.
    ///
    /// # Errors
    /// A failed check (exit code 1) that says why the loss cannot be believed.
    pub fn judge(&mut self, loss: f64, nats_of: impl Fn(&Batch) -> Result<f64>) -> Result<Option<Explained>> {
        let even = (self.vocabulary as f64).ln();
        // Counting takes a while, and cannot matter before the loss is this low.
        if self.explained || self.fraction == 0.0 || loss >= self.fraction * even {
            return Ok(None);
        }
        let floor = match self.floor {
            Some(floor) => floor,
            None => Trigram::fit(self.trained(), self.vocabulary).loss(self.validation).map_or(even, |l| l.min(even)),
        };
        self.floor = Some(floor);
        if loss >= self.fraction * floor {
            return Ok(None);
        }
        let told = |what: String, remedy: &str| {
            let place = format!("validation loss {loss:.4}, where counting trigrams reaches {floor:.4}");
            Err(Error::check(place, what, remedy))
        };
        let (packed_loss, prefix_loss) = self.with_and_without_future(nats_of)?;
        let difference = (packed_loss - prefix_loss).abs();
        if difference.is_nan() || difference > MOST_DIFFERENCE {
            let what = format!(
                "with nothing behind them in the input, the same targets cost {prefix_loss:.4} instead of {packed_loss:.4}"
            );
            return told(what, "the model sees what it is asked for: mend its masks or how items are packed");
        }
        let overlap = self.overlap();
        if overlap > MOST_OVERLAP {
            let what = format!("{:.1} % of the validation items are training items", overlap * 100.0);
            return told(what, "split the data by document; train.plausibility = 0 turns this check off");
        }
        self.explained = true;
        Ok(Some(Explained { loss, floor, packed_loss, prefix_loss, overlap, copied: self.copied() }))
    }

    /// Mean loss of one target of each of some items: packed as always, and alone with nothing behind the target.
    fn with_and_without_future(&self, nats_of: impl Fn(&Batch) -> Result<f64>) -> Result<(f64, f64)> {
        let every = self.validation.len().div_ceil(TARGETS).max(1);
        let chosen: Vec<(&Example, (usize, u32))> = self
            .validation
            .iter()
            .step_by(every)
            .enumerate()
            // Another place in the answers each time; the last token has nothing behind it anyway.
            .filter_map(|(i, e)| Some((e, e.asked().nth(i * 7 % e.targets().count().max(2).saturating_sub(1))?)))
            .collect();
        let one_target = |batch: &mut Batch, example: &Example, (target, token): (usize, u32), end: usize| {
            let row = batch.tokens.len() + target - 1;
            batch.spans.push((batch.tokens.len(), end));
            batch.tokens.extend_from_slice(&example.tokens[..end]);
            batch.target_rows.push(row as u32);
            batch.target_tokens.push(token);
        };
        let (mut packed, mut prefix) = (0.0, 0.0);
        let mut batch = Batch::default();
        for (i, &(example, target)) in chosen.iter().enumerate() {
            let mut alone = Batch::default();
            one_target(&mut alone, example, target, target.0);
            prefix += nats_of(&alone)?;
            one_target(&mut batch, example, target, example.tokens.len());
            let next = chosen.get(i + 1).map_or(usize::MAX, |(e, _)| e.tokens.len());
            if batch.tokens.len().saturating_add(next) > self.batch_tokens {
                packed += nats_of(&batch)?;
                batch = Batch::default();
            }
        }
        let n = chosen.len().max(1) as f64;
        Ok((packed / n, prefix / n))
    }

    fn trained(&self) -> impl Iterator<Item = &'a Example> + Clone {
        self.sources.iter().flat_map(|s| s.examples)
    }

    fn overlap(&self) -> f64 {
        let trained: HashSet<&[u32]> = self.trained().map(|e| &e.tokens[..]).collect();
        share(self.validation, |e| trained.contains(&e.tokens[..]))
    }

    fn copied(&self) -> f64 {
        share(self.validation, |e| {
            e.answers.iter().all(|answer| {
                let prompt = &e.tokens[..answer.start];
                // Without the end token, which no prompt has.
                let answer = &e.tokens[answer.start..answer.end - 1];
                !answer.is_empty() && prompt.windows(answer.len()).any(|w| w == answer)
            })
        })
    }
}

fn share(examples: &[Example], is: impl Fn(&Example) -> bool) -> f64 {
    examples.iter().filter(|e| is(e)).count() as f64 / examples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items that no trigram foresees: their answers repeat their prompts.
    fn items(salt: u32) -> Vec<Example> {
        let token = |i: u32, t: u32| ((i * 131 + t * 71 + salt) ^ (i << 3)).wrapping_mul(2_654_435_761) >> 25;
        (0..100)
            .map(|i| {
                let prompt: Vec<u32> = (0..12).map(|t| token(i, t)).collect();
                let tokens = [&prompt[..], &prompt[..], &[0]].concat();
                Example::with_answer(tokens, 12, 12)
            })
            .collect()
    }

    fn all(examples: &[Example]) -> [Source<'_>; 1] {
        [Source { examples, weight: 1.0 }]
    }

    /// A model that knows each answer by its prompt, as a copier does.
    fn copier(batch: &Batch) -> Result<f64> {
        Ok(0.01 * batch.target_rows.len() as f64)
    }

    /// One that needs the target in its input, where it stands right behind the position.
    fn cheat(batch: &Batch) -> Result<f64> {
        let seen = |(&row, &t): (&u32, &u32)| batch.tokens.get(row as usize + 1) == Some(&t);
        Ok(batch.target_rows.iter().zip(&batch.target_tokens).map(|x| if seen(x) { 0.01 } else { 5.0 }).sum())
    }

    #[test]
    fn a_copier_is_believed_and_a_model_that_sees_the_future_is_not() {
        let (train, valid) = (items(0), items(9));
        let train = all(&train);
        let mut guard = Plausibility::new(&train, &valid, 128, 0.1, 100);
        assert_eq!(guard.judge(1.0, copier).unwrap(), None);
        let explained = guard.judge(0.01, copier).unwrap().unwrap();
        assert!((explained.prefix_loss - 0.01).abs() < 1e-12 && explained.overlap == 0.0, "{explained:?}");
        assert!(explained.copied == 1.0 && explained.floor > 2.0, "{explained:?}");
        assert_eq!(guard.judge(0.01, copier).unwrap(), None, "explained once");
        let mut guard = Plausibility::new(&train, &valid, 128, 0.1, 100);
        let e = guard.judge(0.01, cheat).unwrap_err();
        assert!(e.exit_code() == 1 && e.to_string().contains("sees what it is asked for"), "{e}");
    }

    #[test]
    fn validation_items_that_were_trained_on_are_found_and_the_check_can_be_turned_off() {
        let (train, mut valid) = (items(0), items(9));
        valid[..2].clone_from_slice(&train[..2]);
        let e = Plausibility::new(&all(&train), &valid, 128, 0.1, 100).judge(0.01, copier).unwrap_err();
        assert!(e.to_string().contains("2.0 % of the validation items"), "{e}");
        assert_eq!(Plausibility::new(&all(&train), &valid, 128, 0.0, 100).judge(0.01, copier).unwrap(), None);
    }

    #[test]
    fn a_loss_that_counting_reaches_too_needs_no_explanation() {
        let item = |i: u32| Example::with_answer((0..40).map(|t| (t + i) % 5).collect(), 2, 1);
        let items: Vec<Example> = (0..50).map(item).collect();
        let sources = all(&items);
        let mut guard = Plausibility::new(&sources, &items, 128, 0.1, 100);
        assert_eq!(guard.judge(0.01, cheat).unwrap(), None);
    }
}
