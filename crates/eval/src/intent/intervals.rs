//! How sure is a score that is no mean over items (macro-F1, calibration error, an area)?

use bantam_core::seed;
use rand::Rng as _;

use crate::statistics::{BOOTSTRAP_SEED, Estimate, RESAMPLES};

/// The method in words, for a result's protocol.
pub const METHODS: &str = "95 %. Proportions (accuracy, exact, top3, invalid_rate, oos_recall, oos_precision): Wilson score. \
    macro_f1, ece, brier and areas: percentile bootstrap over items, 2,000 resamples, seed 0. Differences are paired on the \
    same items: the hull of two percentile bootstraps, one drawing templates and one drawing items.";

/// A score of all items, given how often each is counted; `None` where it is not defined.
pub type Score<'a> = &'a dyn Fn(&dyn Fn(usize) -> f64) -> Option<f64>;

/// Estimates of scores over `n` items: the score itself and the 2.5 and 97.5 % quantiles over resamples. All scores see the
/// same resamples. A score that is not defined on the items themselves is `None`.
pub fn bootstrap(n: usize, scores: &[Score<'_>]) -> Vec<Option<Estimate>> {
    let once = |_: usize| 1.0;
    let values: Vec<Option<f64>> = scores.iter().map(|score| score(&once).filter(|_| n > 0)).collect();
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(RESAMPLES); scores.len()];
    let mut rng = seed::rng(BOOTSTRAP_SEED, "bootstrap/scores");
    let mut counts = vec![0u32; n];
    for _ in 0..if values.iter().any(Option::is_some) { RESAMPLES } else { 0 } {
        counts.fill(0);
        for _ in 0..n {
            counts[((u128::from(rng.next_u64()) * n as u128) >> 64) as usize] += 1;
        }
        let weight = |i: usize| f64::from(counts[i]);
        for (score, drawn) in scores.iter().zip(&mut drawn) {
            drawn.extend(score(&weight));
        }
    }
    let estimate = |(value, mut drawn): (Option<f64>, Vec<f64>)| {
        let value = value?;
        drawn.sort_by(f64::total_cmp);
        let at = |q: f64| {
            let at = q * drawn.len().saturating_sub(1) as f64;
            let (below, above) = (drawn.get(at.floor() as usize)?, drawn.get(at.ceil() as usize)?);
            Some(below + (above - below) * at.fract())
        };
        let (low, high) = (at(0.025).unwrap_or(value), at(0.975).unwrap_or(value));
        Some(Estimate { value, low: low.min(value), high: high.max(value), n })
    };
    values.into_iter().zip(drawn).map(estimate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_near_the_normal_one() {
        let mean = |weight: &dyn Fn(usize) -> f64| {
            let sums = (0..400).map(|i| (weight(i) * f64::from((i % 2) as u8), weight(i)));
            let (a, b) = sums.fold((0.0, 0.0), |(a, b), (x, w)| (a + x, b + w));
            Some(a / b)
        };
        let never = |_: &dyn Fn(usize) -> f64| None;
        let found = bootstrap(400, &[&mean, &never]);
        let e = found[0].unwrap();
        // 1.96 standard errors of a fair coin in 400 throws are 0.049.
        assert!(e.value == 0.5 && (e.low - 0.451).abs() < 0.005 && (e.high - 0.549).abs() < 0.005, "{e:?}");
        assert_eq!(found[1], None);
        assert_eq!(bootstrap(0, &[&mean]), [None]);
    }
}
