//! Choosing the next token from logits.

use bantam_core::{Error, Result, seed};
use rand::RngExt as _;

/// How tokens are chosen. The default is greedy: the most likely token, the lowest id among equals.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingOptions {
    /// Divides the logits; 0 is greedy.
    pub temperature: f32,
    /// Only the so many most likely tokens stay; 0 is all.
    pub top_k: usize,
    /// Only the most likely tokens that reach this probability together stay (the one that crosses it too); 1 is all.
    pub top_p: f32,
    /// Only tokens at least this fraction as likely as the most likely one stay; 0 is all.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of tokens already in the sequence (Keskar et al. 2019); 1 is off.
    pub repetition_penalty: f32,
    /// Seed of the draws. The same seed, logits and options give the same tokens.
    pub seed: u64,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 }
    }
}

impl SamplingOptions {
    /// An input error naming the first value that is impossible.
    pub fn validate(&self) -> Result<()> {
        let checks = [
            ("temperature", self.temperature, self.temperature.is_finite() && self.temperature >= 0.0, "0 or more"),
            ("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "above 0 and at most 1"),
            ("min_p", self.min_p, (0.0..=1.0).contains(&self.min_p), "from 0 to 1"),
            (
                "repetition_penalty",
                self.repetition_penalty,
                self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0,
                "above 0",
            ),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, wanted)) => {
                Err(Error::input(name, format!("{value} is impossible"), format!("give a number {wanted}")))
            }
            None => Ok(()),
        }
    }
}

/// Draws tokens; holds the random stream and buffers of one generation.
pub struct Sampler {
    options: SamplingOptions,
    rng: seed::Rng,
    candidates: Vec<(f32, u32)>,
    /// Marks tokens already penalized in the present draw.
    penalized: Vec<bool>,
}

impl Sampler {
    /// A sampler at the start of its random stream. An input error when an option is impossible.
    pub fn new(options: SamplingOptions) -> Result<Self> {
        options.validate()?;
        let rng = seed::rng(options.seed, "sampling");
        Ok(Self { options, rng, candidates: Vec::new(), penalized: Vec::new() })
    }

    /// Chooses a token. `logits` may be changed; those of forbidden tokens are negative infinity. `history` is what the
    /// repetition penalty looks at. The steps and their order are those of `transformers`: penalty, temperature, top-k,
    /// top-p, min-p. An input error when no token is possible or a logit is NaN: the weights are damaged.
    pub fn sample(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32> {
        self.penalize(logits, history);
        if self.options.temperature == 0.0 {
            return greedy(logits);
        }
        greedy(logits)?;
        let temperature = self.options.temperature;
        self.candidates.clear();
        let possible = logits.iter().enumerate().filter(|(_, l)| **l > f32::NEG_INFINITY);
        self.candidates.extend(possible.map(|(id, l)| (*l / temperature, id as u32)));
        let candidates = &mut self.candidates;
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let top_k = self.options.top_k;
        if top_k > 0 && top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k - 1, order);
            candidates.truncate(top_k);
        }
        candidates.sort_unstable_by(order);
        let largest = candidates[0].0;
        // An infinite logit leaves only its equals; otherwise weights are relative to the most likely token.
        let weight = |l: f32| if l == largest { 1.0 } else { f64::from(l - largest).exp() };
        if self.options.top_p < 1.0 {
            let total: f64 = candidates.iter().map(|c| weight(c.0)).sum();
            let mut sum = 0.0;
            let crossing = candidates.iter().position(|c| {
                sum += weight(c.0);
                sum >= total * f64::from(self.options.top_p)
            });
            candidates.truncate(crossing.map_or(candidates.len(), |at| at + 1));
        }
        if self.options.min_p > 0.0 {
            let kept = candidates.partition_point(|c| weight(c.0) >= f64::from(self.options.min_p));
            candidates.truncate(kept.max(1));
        }
        let total: f64 = candidates.iter().map(|c| weight(c.0)).sum();
        let mut left = self.rng.random::<f64>() * total;
        for candidate in candidates.iter() {
            left -= weight(candidate.0);
            if left < 0.0 {
                return Ok(candidate.1);
            }
        }
        // Rounding may leave a last crumb, which belongs to the last candidate.
        candidates.last().map(|c| c.1).ok_or_else(impossible)
    }

    fn penalize(&mut self, logits: &mut [f32], history: &[u32]) {
        let penalty = self.options.repetition_penalty;
        if penalty == 1.0 {
            return;
        }
        self.penalized.clear();
        self.penalized.resize(logits.len(), false);
        for token in history {
            let Some(seen) = self.penalized.get_mut(*token as usize).filter(|seen| !**seen) else { continue };
            *seen = true;
            let logit = &mut logits[*token as usize];
            *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
        }
    }
}

/// The most likely token, the lowest id among equals. An input error when a logit is NaN or every one is negative infinity.
fn greedy(logits: &[f32]) -> Result<u32> {
    if logits.iter().fold(false, |any, l| any | l.is_nan()) {
        return Err(impossible());
    }
    argmax(logits).ok_or_else(impossible)
}

/// The id of the largest logit, the lowest among equals; `None` when none is above negative infinity.
pub(crate) fn argmax(logits: &[f32]) -> Option<u32> {
    // The largest value first, lane by lane, then where it stands: both passes become vector code, one pass would not.
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = logits.as_chunks::<16>();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    let largest = lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |m, l| if *l > m { *l } else { m });
    if largest == f32::NEG_INFINITY {
        return None;
    }
    logits.iter().position(|l| *l == largest).map(|id| id as u32)
}

fn impossible() -> Error {
    Error::input("model", "its logits are not numbers", "the weights are damaged: train or download the model again")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draw(options: &SamplingOptions, logits: &[f32], n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(options.clone()).unwrap();
        (0..n).map(|_| sampler.sample(&mut logits.to_vec(), &[]).unwrap()).collect()
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        assert_eq!(draw(&SamplingOptions::default(), &[0.0, 2.0, 2.0, 1.0], 1), [1]);
        let masked = [f32::NEG_INFINITY, f32::NEG_INFINITY, -5.0];
        assert_eq!(draw(&SamplingOptions::default(), &masked, 1), [2]);
    }

    #[test]
    fn broken_logits_are_an_input_error() {
        for temperature in [0.0, 1.0] {
            let mut sampler = Sampler::new(SamplingOptions { temperature, ..Default::default() }).unwrap();
            for logits in [vec![0.0, f32::NAN], vec![f32::NEG_INFINITY; 3], vec![]] {
                assert_eq!(sampler.sample(&mut logits.clone(), &[]).unwrap_err().exit_code(), 2);
            }
        }
    }

    #[test]
    fn impossible_options_are_refused_by_name() {
        let bad = [
            SamplingOptions { temperature: -1.0, ..Default::default() },
            SamplingOptions { temperature: f32::NAN, ..Default::default() },
            SamplingOptions { top_p: 0.0, ..Default::default() },
            SamplingOptions { min_p: 1.5, ..Default::default() },
            SamplingOptions { repetition_penalty: 0.0, ..Default::default() },
        ];
        for (options, name) in bad.into_iter().zip(["temperature", "temperature", "top_p", "min_p", "repetition"]) {
            assert!(options.validate().unwrap_err().to_string().starts_with(name));
        }
    }

    #[test]
    fn draws_follow_the_softmax() {
        // Chi-square with 3 degrees of freedom; 27.9 is exceeded with probability 4e-6, and the seed is fixed.
        let logits = [0.5f32, -1.0, 1.2, 0.0];
        for temperature in [0.7f32, 1.0, 2.0] {
            let n = 20_000;
            let options = SamplingOptions { temperature, seed: 3, ..Default::default() };
            let mut counts = [0f64; 4];
            draw(&options, &logits, n).into_iter().for_each(|t| counts[t as usize] += 1.0);
            let weights: Vec<f64> = logits.iter().map(|l| f64::from(l / temperature).exp()).collect();
            let total: f64 = weights.iter().sum();
            let square: f64 = counts
                .iter()
                .zip(&weights)
                .map(|(c, w)| (c - n as f64 * w / total).powi(2) / (n as f64 * w / total))
                .sum();
            assert!(square < 27.9, "temperature {temperature}: {square}");
        }
    }

    #[test]
    fn the_penalty_touches_each_seen_token_once() {
        let options = SamplingOptions { repetition_penalty: 2.0, ..Default::default() };
        let mut sampler = Sampler::new(options).unwrap();
        let mut logits = [3.0, 2.0, -1.0];
        assert_eq!(sampler.sample(&mut logits, &[0, 2, 0, 7]).unwrap(), 1);
        assert_eq!(logits, [1.5, 2.0, -2.0]);
    }

    #[test]
    fn the_same_seed_repeats_and_another_differs() {
        let logits: Vec<f32> = (0..50).map(|i| (i as f32 * 0.37).sin()).collect();
        let options = |seed| SamplingOptions { temperature: 1.0, seed, ..Default::default() };
        assert_eq!(draw(&options(1), &logits, 20), draw(&options(1), &logits, 20));
        assert_ne!(draw(&options(1), &logits, 20), draw(&options(2), &logits, 20));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn filters_keep_what_they_promise(
            logits in prop::collection::vec(-8f32..8.0, 2..40),
            top_k in 1usize..10,
            top_p in 0.05f32..1.0,
            min_p in 0.01f32..1.0,
            seed: u64,
        ) {
            let mut order: Vec<usize> = (0..logits.len()).collect();
            order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
            let rank = |token: u32| order.iter().position(|i| *i == token as usize).unwrap();
            let weight = |i: usize| f64::from(logits[i] - logits[order[0]]).exp();
            let total: f64 = order.iter().map(|i| weight(*i)).sum();
            let base = SamplingOptions { temperature: 1.0, seed, ..Default::default() };
            for t in draw(&SamplingOptions { top_k, ..base.clone() }, &logits, 20) {
                prop_assert!(rank(t) < top_k);
            }
            for t in draw(&SamplingOptions { top_p, ..base.clone() }, &logits, 20) {
                let before: f64 = order[..rank(t)].iter().map(|i| weight(*i)).sum();
                prop_assert!(before < total * f64::from(top_p));
            }
            for t in draw(&SamplingOptions { min_p, ..base }, &logits, 20) {
                prop_assert!(weight(t as usize) >= f64::from(min_p) * 0.999_999);
            }
        }
    }
}
