//! How likely did the model find a token?

use bantam_core::{Error, Result};
use serde::Serialize;

use crate::session::Session;

/// The log-probability of a token that was written, by the model's own distribution: before bias, penalties, temperature,
/// filters and constraint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TokenLogProbability {
    /// The token.
    pub token: u32,
    /// ln p(token), in nats.
    pub log_probability: f64,
    /// The most likely tokens with their log-probabilities, the most likely first, the lower id first among equals.
    pub top: Vec<(u32, f64)>,
}

impl TokenLogProbability {
    /// Of `token`, with the `top` most likely, from the logits (`[vocab_size]`) before it.
    pub(crate) fn of(logits: &[f32], token: u32, top: usize) -> Self {
        let normalizer = log_sum_exp(logits);
        let nats = |id: u32| f64::from(logits[id as usize]) - normalizer;
        let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
        let order = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
        if top > 0 && top < ids.len() {
            ids.select_nth_unstable_by(top - 1, order);
        }
        ids.truncate(top);
        ids.sort_unstable_by(order);
        Self { token, log_probability: nats(token), top: ids.into_iter().map(|id| (id, nats(id))).collect() }
    }
}

/// ln of the sum of exp of all logits, in f64.
pub(crate) fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    largest + logits.iter().map(|l| (f64::from(*l) - largest).exp()).sum::<f64>().ln()
}

/// ln softmax(logits)[token], in f64.
pub(crate) fn log_probability(logits: &[f32], token: u32) -> f64 {
    f64::from(logits[token as usize]) - log_sum_exp(logits)
}

/// ln p(continuation | what `session` has read) in nats for each continuation, given the logits (`[vocab_size]`) that follow what
/// it has read. With `ends`, the end of the text, by any of these tokens, counts as part of each.
///
/// The session comes back as it was. An empty continuation has 0 (or ln p of the end). Input errors: ids outside the
/// vocabulary, a continuation that does not fit the context, damaged weights (a log-probability that is not finite).
pub fn continuation_log_probabilities(
    session: &mut Session<'_>,
    logits: &[f32],
    continuations: &[Vec<u32>],
    ends: Option<&[u32]>,
) -> Result<Vec<f64>> {
    let start = session.position();
    let ended = |logits: &[f32], ends: &[u32]| {
        let known = ends.iter().filter(|end| (**end as usize) < logits.len());
        known.map(|end| log_probability(logits, *end).exp()).sum::<f64>().ln()
    };
    let mut one = |tokens: &Vec<u32>| {
        if let Some(bad) = tokens.iter().find(|id| **id as usize >= logits.len()) {
            let what = format!("token {bad} is outside the model's vocabulary of {}", logits.len());
            return Err(Error::input("continuation", what, "use the model's own tokenizer"));
        }
        let Some((first, _)) = tokens.split_first() else {
            return Ok(ends.map_or(0.0, |ends| ended(logits, ends)));
        };
        let mut sum = log_probability(logits, *first);
        // Without the end, what follows the last token is of no interest.
        let read = if ends.is_some() { tokens.as_slice() } else { &tokens[..tokens.len() - 1] };
        if !read.is_empty() {
            let each = |at: usize, logits: &[f32]| {
                sum += match (tokens.get(at + 1), ends) {
                    (Some(next), _) => log_probability(logits, *next),
                    (None, Some(ends)) => ended(logits, ends),
                    (None, None) => 0.0,
                };
            };
            // A state that cannot go back is left alone, and a copy reads on.
            if session.can_take_back(read.len()) {
                session.prefill_each(read, each)?;
                session.truncate(start);
            } else {
                session.fork().prefill_each(read, each)?;
            }
        }
        Ok(sum)
    };
    let found: Vec<f64> = continuations.iter().map(&mut one).collect::<Result<_>>()?;
    match found.iter().all(|nats| nats.is_finite()) {
        true => Ok(found),
        false => Err(Error::input("model", "a log-probability that is not a number", "its weights are damaged")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_are_those_of_the_softmax() {
        let logits = [1.0f32, 3.0, 2.0, 3.0];
        let sum: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        let found = TokenLogProbability::of(&logits, 0, 3);
        assert!((found.log_probability - (1.0 - sum.ln())).abs() < 1e-12);
        assert_eq!(found.top.iter().map(|t| t.0).collect::<Vec<_>>(), [1, 3, 2]);
        assert!((found.top[2].1 - (2.0 - sum.ln())).abs() < 1e-12);
        assert_eq!(TokenLogProbability::of(&logits, 0, 9).top.len(), 4);
        assert!(TokenLogProbability::of(&logits, 0, 0).top.is_empty());
    }
}
