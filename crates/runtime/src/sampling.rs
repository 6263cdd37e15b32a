//! Choosing the next token from logits.

mod noise;
mod penalties;

use bantam_core::{Error, Result};

use noise::Noise;
use penalties::Penalties;

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
    /// Divides positive and multiplies negative logits of tokens in the prompt or the text (Keskar et al. 2019); 1 is off.
    pub repetition_penalty: f32,
    /// Subtracted from the logit of every token that the text has; 0 is off.
    pub presence_penalty: f32,
    /// Subtracted from a token's logit as often as the text has it; 0 is off.
    pub frequency_penalty: f32,
    /// Added to the logits of tokens; negative infinity forbids one.
    pub logit_bias: Vec<(u32, f32)>,
    /// Seed of the draws. The same seed, logits and options give the same tokens.
    pub seed: u64,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: 0,
        }
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
            ("presence_penalty", self.presence_penalty, self.presence_penalty.is_finite(), "that is finite"),
            ("frequency_penalty", self.frequency_penalty, self.frequency_penalty.is_finite(), "that is finite"),
        ];
        let bias = self.logit_bias.iter().map(|(_, b)| ("logit_bias", *b, *b < f32::INFINITY, "below infinity"));
        match checks.into_iter().chain(bias).find(|(_, _, good, _)| !good) {
            Some((name, value, _, wanted)) => {
                Err(Error::input(name, format!("{value} is impossible"), format!("give a number {wanted}")))
            }
            None => Ok(()),
        }
    }
}

/// What stands before the token to be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// Tokens that were given.
    pub prompt: &'a [u32],
    /// Tokens that were written. Their number is the place whose randomness is used.
    pub generated: &'a [u32],
}

/// Draws tokens. It keeps buffers, and no state that a draw depends on.
pub struct Sampler {
    options: SamplingOptions,
    noise: Noise,
    candidates: Vec<(f32, u32)>,
    penalties: Penalties,
}

impl Sampler {
    /// A sampler. An input error when an option is impossible.
    pub fn new(options: SamplingOptions) -> Result<Self> {
        options.validate()?;
        let noise = Noise::new(options.seed);
        Ok(Self { options, noise, candidates: Vec::new(), penalties: Penalties::default() })
    }

    /// Chooses the token that follows `history`. `logits` may be changed; those of forbidden tokens are negative infinity.
    /// The steps and their order are those of `transformers`: bias, penalties, temperature, top-k, top-p, min-p.
    /// An input error when no token is possible or a logit is NaN: the weights are damaged.
    pub fn sample(&mut self, logits: &mut [f32], history: History<'_>) -> Result<u32> {
        self.penalties.apply(&self.options, logits, history);
        let best = greedy(logits)?;
        if self.options.temperature == 0.0 {
            return Ok(best);
        }
        let largest = self.narrow(logits, best);
        let noise = self.noise.at(history.generated.len());
        // The most likely token sets a time that few others can beat: most are out before their weight is computed.
        let mut winner = (-noise.uniform(best).ln(), best);
        for (logit, token) in &self.candidates {
            let uniform = noise.uniform(*token);
            // -ln u >= 1 - u, and a weight is at most 1.
            if 1.0 - uniform < winner.0 {
                let time = -uniform.ln() / weight(*logit, largest);
                if time < winner.0 {
                    winner = (time, *token);
                }
            }
        }
        Ok(winner.1)
    }

    /// The tokens that [`sample`](Self::sample) may return and their probabilities, in no particular order. Errors as there.
    pub fn distribution(&mut self, logits: &mut [f32], history: History<'_>) -> Result<Vec<(u32, f64)>> {
        self.penalties.apply(&self.options, logits, history);
        let best = greedy(logits)?;
        if self.options.temperature == 0.0 {
            return Ok(vec![(best, 1.0)]);
        }
        let largest = self.narrow(logits, best);
        let weights: Vec<f64> = self.candidates.iter().map(|c| weight(c.0, largest)).collect();
        let total: f64 = weights.iter().sum();
        Ok(self.candidates.iter().zip(weights).map(|(c, w)| (c.1, w / total)).collect())
    }

    /// Leaves in `candidates` the tokens that temperature and filters let through, and returns the largest scaled logit, which
    /// is that of `best`.
    fn narrow(&mut self, logits: &[f32], best: u32) -> f32 {
        let SamplingOptions { temperature, top_k, top_p, min_p, .. } = self.options;
        let largest = logits[best as usize] / temperature;
        let candidates = &mut self.candidates;
        candidates.clear();
        let possible = logits.iter().enumerate().filter(|(_, l)| **l > f32::NEG_INFINITY);
        candidates.extend(possible.map(|(id, l)| (*l / temperature, id as u32)));
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if top_k > 0 && top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k - 1, order);
            candidates.truncate(top_k);
        }
        if top_p < 1.0 {
            candidates.sort_unstable_by(order);
            let total: f64 = candidates.iter().map(|c| weight(c.0, largest)).sum();
            let mut sum = 0.0;
            let crossing = candidates.iter().position(|c| {
                sum += weight(c.0, largest);
                sum >= total * f64::from(top_p)
            });
            candidates.truncate(crossing.map_or(candidates.len(), |at| at + 1));
        }
        if min_p > 0.0 {
            candidates.retain(|c| c.1 == best || weight(c.0, largest) >= f64::from(min_p));
        }
        largest
    }
}

/// How likely a logit is, relative to the largest one. An infinite logit leaves only its equals.
fn weight(logit: f32, largest: f32) -> f64 {
    if logit == largest { 1.0 } else { f64::from(logit - largest).exp() }
}

/// The most likely token, the lowest id among equals. An input error when a logit is NaN or every one is negative infinity.
fn greedy(logits: &[f32]) -> Result<u32> {
    if logits.iter().fold(false, |any, l| any | l.is_nan()) {
        return Err(Error::input(
            "model",
            "its logits are not numbers",
            "the weights are damaged: train or download the model again",
        ));
    }
    argmax(logits).ok_or_else(|| {
        Error::input("sampling", "no token is possible", "forbid less by logit_bias, or check the model's weights")
    })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draw(options: &SamplingOptions, logits: &[f32], n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(options.clone()).unwrap();
        let places = vec![0; n];
        let at = |i| History { prompt: &[], generated: &places[..i] };
        (0..n).map(|i| sampler.sample(&mut logits.to_vec(), at(i)).unwrap()).collect()
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
                assert_eq!(sampler.sample(&mut logits.clone(), History::default()).unwrap_err().exit_code(), 2);
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
            SamplingOptions { presence_penalty: f32::NAN, ..Default::default() },
            SamplingOptions { frequency_penalty: f32::INFINITY, ..Default::default() },
            SamplingOptions { logit_bias: vec![(3, f32::INFINITY)], ..Default::default() },
        ];
        let names =
            ["temperature", "temperature", "top_p", "min_p", "repetition", "presence", "frequency", "logit_bias"];
        for (options, name) in bad.into_iter().zip(names) {
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
    fn penalties_and_bias_change_the_logits_by_their_definition() {
        let history = History { prompt: &[0, 2, 0, 7], generated: &[1, 1, 2] };
        let changed = |options: SamplingOptions| {
            let mut logits = [3.0, 2.0, -1.0, 0.5];
            Sampler::new(options).unwrap().sample(&mut logits, history).unwrap();
            logits
        };
        let base = SamplingOptions::default;
        assert_eq!(changed(SamplingOptions { repetition_penalty: 2.0, ..base() }), [1.5, 1.0, -2.0, 0.5]);
        assert_eq!(changed(SamplingOptions { presence_penalty: 0.5, ..base() }), [3.0, 1.5, -1.5, 0.5]);
        assert_eq!(changed(SamplingOptions { frequency_penalty: 0.5, ..base() }), [3.0, 1.0, -1.5, 0.5]);
        let bias = vec![(1, 4.0), (0, f32::NEG_INFINITY), (99, 1.0)];
        assert_eq!(changed(SamplingOptions { logit_bias: bias, ..base() }), [f32::NEG_INFINITY, 6.0, -1.0, 0.5]);
    }

    #[test]
    fn a_draw_depends_on_seed_and_place_alone() {
        let logits: Vec<f32> = (0..50).map(|i| (i as f32 * 0.37).sin()).collect();
        let options = SamplingOptions { temperature: 1.0, seed: 4, ..Default::default() };
        let all = draw(&options, &logits, 9);
        let mut fresh = Sampler::new(options).unwrap();
        let late = fresh.sample(&mut logits.clone(), History { prompt: &[5], generated: &[1; 8] }).unwrap();
        assert_eq!(late, all[8]);
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
