//! Multi-query associative recall (Arora et al. 2023, "Zoology: Measuring and Improving Recall in Efficient Language
//! Models"): pairs of a key and a value, then some of the keys again, each asking for its value.

use bantam_core::seed::Rng;
use rand::RngExt as _;
use rand::seq::index::sample;
use serde::{Deserialize, Serialize};

use super::Wrong;
use crate::packing::Example;

/// As published: `pairs` different keys (of the lower half of the vocabulary, without 0) with different values (of its upper
/// half) come first. Each key then stands once more, an even number of positions behind the pairs, at places drawn without
/// replacement by the power law `p(d) ~ d^(power - 1)`; there its value is asked for and not shown. All other positions
/// are 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqar {
    /// Tokens in all.
    pub vocabulary: usize,
    /// Tokens of a sequence; even.
    pub length: usize,
    /// Pairs, and so questions.
    pub pairs: usize,
    /// `a` of the power law: 1 is uniform, small values ask soon after the pairs.
    pub power: f64,
    /// Whether positions that neither belong to a pair nor ask have random tokens in place of 0.
    pub random_elsewhere: bool,
}

impl Default for Mqar {
    fn default() -> Self {
        Self { vocabulary: 8192, length: 64, pairs: 4, power: 0.01, random_elsewhere: false }
    }
}

impl Mqar {
    pub(super) fn wrong(&self) -> Wrong {
        let keys = (self.vocabulary / 2).saturating_sub(1);
        if !self.length.is_multiple_of(2) {
            return Some((format!("a length of {} is odd", self.length), "give an even one"));
        }
        if self.pairs == 0 || self.pairs > keys {
            return Some((format!("{} pairs of {keys} keys", self.pairs), "give more vocabulary, or 1 pair at least"));
        }
        if self.pairs > self.length / 4 {
            let what = format!("{} pairs and their questions in {} tokens", self.pairs, self.length);
            return Some((what, "give 4 tokens for each pair at least"));
        }
        if !(self.power.is_finite() && self.power > 0.0) {
            return Some((format!("a power of {}", self.power), "give a number above 0; published is 0.01"));
        }
        None
    }

    pub(super) fn item(&self, rng: &mut Rng) -> Example {
        let half = self.vocabulary / 2;
        let keys: Vec<u32> = sample(rng, half - 1, self.pairs).iter().map(|i| i as u32 + 1).collect();
        let values: Vec<u32> =
            sample(rng, self.vocabulary - half, self.pairs).iter().map(|i| (half + i) as u32).collect();
        let mut tokens = vec![0; self.length];
        for (pair, (key, value)) in keys.iter().zip(&values).enumerate() {
            (tokens[2 * pair], tokens[2 * pair + 1]) = (*key, *value);
        }
        let mut asked: Vec<(usize, u32)> = Vec::with_capacity(self.pairs);
        for ((gap, key), value) in self.gaps(rng).into_iter().zip(&keys).zip(&values) {
            let at = 2 * self.pairs + 2 * gap;
            tokens[at] = *key;
            asked.push((at, *value));
        }
        if self.random_elsewhere {
            let empty = tokens.iter_mut().filter(|t| **t == 0);
            empty.for_each(|t| *t = rng.random_range(0..self.vocabulary as u32));
        }
        asked.sort_unstable();
        Example {
            answers: asked.iter().map(|(at, _)| at + 1..at + 2).collect(),
            labels: asked.iter().map(|(_, value)| *value).collect(),
            ..Example::with_answer(tokens, 1, self.pairs)
        }
    }

    /// Half the distances of the questions from the last pair, in the order of the pairs: one after the other, each by the
    /// power law over those that are left.
    fn gaps(&self, rng: &mut Rng) -> Vec<usize> {
        let space = (self.length - 2 * self.pairs) / 2;
        let mut weights: Vec<f64> = (1..=space).map(|d| (d as f64).powf(self.power - 1.0)).collect();
        let mut left: f64 = weights.iter().sum();
        let mut drawn = Vec::with_capacity(self.pairs);
        for _ in 0..self.pairs {
            let mut rest = rng.random::<f64>() * left;
            let mut found = None;
            for (gap, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                // The last one that is left, should rounding let the sum end before the draw.
                found = Some(gap);
                if rest < *weight {
                    break;
                }
                rest -= weight;
            }
            let gap = found.unwrap_or(0);
            left -= weights[gap];
            weights[gap] = 0.0;
            drawn.push(gap);
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn an_item_is_pairs_then_keys_that_ask_and_zeros() {
        let task = Mqar { vocabulary: 40, length: 24, pairs: 5, ..Mqar::default() };
        let mut rng = seed::rng(1, "t");
        for _ in 0..50 {
            let item = task.item(&mut rng);
            let (pairs, rest) = item.tokens.split_at(10);
            assert!(pairs.iter().step_by(2).all(|k| (1..20).contains(k)), "{pairs:?}");
            assert!(pairs.iter().skip(1).step_by(2).all(|v| (20..40).contains(v)), "{pairs:?}");
            assert!(rest.iter().skip(1).step_by(2).all(|t| *t == 0), "{rest:?}");
            let mut asking: Vec<u32> = rest.iter().copied().filter(|t| *t != 0).collect();
            let mut keys: Vec<u32> = pairs.iter().copied().step_by(2).collect();
            asking.sort_unstable();
            keys.sort_unstable();
            assert_eq!(asking, keys);
            assert_eq!(item.asked().count(), 5);
            // The answer is not in the row: only what the position asks for is told to the loss.
            assert!(item.asked().all(|(at, value)| item.tokens[at] == 0 && value >= 20));
        }
        let filled = Mqar { random_elsewhere: true, ..task }.item(&mut rng);
        assert!(filled.tokens.iter().filter(|t| **t == 0).count() < 4);
    }

    #[test]
    fn distances_follow_the_power_law() {
        let mean = |power: f64| {
            let task = Mqar { vocabulary: 64, length: 64, pairs: 1, power, ..Mqar::default() };
            let mut rng = seed::rng(2, "t");
            (0..4_000).map(|_| task.gaps(&mut rng)[0] as f64 + 1.0).sum::<f64>() / 4_000.0
        };
        // Of 31 places: the uniform mean is 16; sum d^a / sum d^(a-1) otherwise.
        let wanted = |a: f64| {
            let sum = |e: f64| (1..=31).map(|d| f64::from(d).powf(e)).sum::<f64>();
            sum(a) / sum(a - 1.0)
        };
        for power in [0.01, 0.5, 1.0] {
            assert!((mean(power) / wanted(power) - 1.0).abs() < 0.06, "{power}: {} {}", mean(power), wanted(power));
        }
    }
}
