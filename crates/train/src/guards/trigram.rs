//! How well does counting predict the answers? A trigram model of tokens with interpolated Kneser-Ney smoothing (Kneser
//! and Ney 1995; Chen and Goodman 1999), fitted to the training items' targets: the floor of every validation loss.

use std::collections::HashMap;

use bantam_data::packing::Example;

/// Taken from every count and given to what was never seen.
const DISCOUNT: f64 = 0.75;
/// Target tokens that are counted at most; evenly spread over the items.
const MOST_TARGETS: usize = 2_000_000;

/// What was counted of one context.
#[derive(Clone, Copy, Default)]
struct Context {
    /// Continuations seen, with repetition.
    total: u32,
    /// Different continuations.
    kinds: u32,
}

/// Counts of tokens in their contexts.
#[derive(Default)]
struct Order {
    contexts: HashMap<u64, Context>,
    counts: HashMap<(u64, u32), u32>,
}

impl Order {
    /// Returns whether this continuation is new to the context.
    fn add(&mut self, context: u64, token: u32) -> bool {
        let count = self.counts.entry((context, token)).or_default();
        *count += 1;
        let new = *count == 1;
        let seen = self.contexts.entry(context).or_default();
        seen.total += 1;
        seen.kinds += u32::from(new);
        new
    }

    /// Discounted probability, with what the discount left given to `lower`.
    fn probability(&self, context: u64, token: u32, lower: f64) -> f64 {
        let Some(seen) = self.contexts.get(&context) else { return lower };
        let count = self.counts.get(&(context, token)).map_or(0.0, |&c| f64::from(c));
        let left = DISCOUNT * f64::from(seen.kinds);
        ((count - DISCOUNT).max(0.0) + left * lower) / f64::from(seen.total)
    }
}

/// A fitted model.
pub struct Trigram {
    vocabulary: usize,
    /// Of the two tokens before: plain counts. Of one, of none: in how many longer contexts a continuation was seen.
    orders: [Order; 3],
}

impl Trigram {
    /// Counts the answers of `examples`; their contexts may reach into the prompt.
    pub fn fit<'a>(examples: impl Iterator<Item = &'a Example> + Clone, vocabulary: usize) -> Self {
        let mut model = Self { vocabulary, orders: Default::default() };
        let targets: usize = examples.clone().map(|e| e.targets().count()).sum();
        let every = targets.div_ceil(MOST_TARGETS).max(1);
        for example in examples.step_by(every) {
            for asked in example.asked() {
                let (two, one, token) = contexts(&example.tokens, asked);
                let [first, second, third] = &mut model.orders;
                // Kneser and Ney: a lower order counts kinds of contexts, not occurrences.
                if first.add(two, token) && second.add(one, token) {
                    third.add(0, token);
                }
            }
        }
        model
    }

    /// The probability of a token after two others.
    fn probability(&self, (two, one, token): (u64, u64, u32)) -> f64 {
        let [first, second, third] = &self.orders;
        let lowest = third.probability(0, token, 1.0 / self.vocabulary.max(1) as f64);
        first.probability(two, token, second.probability(one, token, lowest))
    }

    /// Mean cross-entropy over the answers of `examples`, nats a token; `None` without a target.
    pub fn loss(&self, examples: &[Example]) -> Option<f64> {
        let (mut nats, mut tokens) = (0.0, 0usize);
        for example in examples {
            for asked in example.asked() {
                nats -= self.probability(contexts(&example.tokens, asked)).ln();
                tokens += 1;
            }
        }
        (tokens > 0).then(|| nats / tokens as f64)
    }
}

/// The two tokens before the target, the one before, and what is asked for there. A missing one is like no token.
fn contexts(tokens: &[u32], (at, token): (usize, u32)) -> (u64, u64, u32) {
    let before = |back: usize| at.checked_sub(back).map_or(0, |i| u64::from(tokens[i]) + 1);
    (before(2) << 33 | before(1), before(1), token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn example(tokens: &[u32]) -> Example {
        Example::with_answer(tokens.to_vec(), 1, 1)
    }

    #[test]
    fn probabilities_sum_to_one_in_seen_and_unseen_contexts() {
        let model = Trigram::fit([example(&[1, 2, 3, 2, 3, 4, 1, 2, 4]), example(&[2, 2, 2, 0])].iter(), 6);
        for (a, b) in [(1, 2), (2, 2), (5, 5), (2, 5)] {
            let sum: f64 = (0..6).map(|t| model.probability(contexts(&[a, b, t], (2, t)))).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{a} {b}: {sum}");
            assert!((0..6).all(|t| model.probability(contexts(&[a, b, t], (2, t))) > 0.0));
        }
        assert!(model.probability(contexts(&[1, 2, 3], (2, 3))) > model.probability(contexts(&[1, 2, 0], (2, 0))));
    }

    #[test]
    fn a_cycle_costs_next_to_nothing_and_noise_the_whole_alphabet() {
        let cycle: Vec<u32> = (0..3_000).map(|i| i % 5).collect();
        let loss = Trigram::fit([example(&cycle)].iter(), 50).loss(&[example(&cycle)]).unwrap();
        assert!(loss < 0.01, "{loss}");
        let noise = |seed| -> Vec<u32> {
            let mut rng = bantam_core::seed::rng(seed, "noise");
            (0..20_000).map(|_| rng.next_u32() % 8).collect()
        };
        let loss = Trigram::fit([example(&noise(0))].iter(), 8).loss(&[example(&noise(1))]).unwrap();
        assert!((loss / 8f64.ln() - 1.0).abs() < 0.1, "{loss}");
        assert_eq!(Trigram::fit([].iter(), 8).loss(&[]), None);
        assert!((Trigram::fit([].iter(), 8).loss(&[example(&[1, 2])]).unwrap() - 8f64.ln()).abs() < 1e-12);
    }
}
