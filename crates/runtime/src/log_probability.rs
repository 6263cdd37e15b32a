//! How likely did the model find a token?

use serde::Serialize;

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
