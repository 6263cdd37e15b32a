//! How sure a score is: 95 % intervals for proportions and for means, and paired differences. Beside it: tests of a difference
//! ([`paired_tests`]), who is ahead of whom ([`ranking`]) and how many items it takes to tell ([`items_needed`]).

pub mod items_needed;
pub mod paired_tests;
pub mod ranking;

use std::collections::HashMap;
use std::fmt;

use bantam_core::seed::{self, Rng};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// Resamples of every bootstrap.
pub const RESAMPLES: usize = 2_000;
/// Seed of every bootstrap.
pub const BOOTSTRAP_SEED: u64 = 0;
/// The standard normal's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// The methods in words, for a result's protocol.
pub const METHODS: &str = "95 %. Proportions (json_exact, schema_compliance, wrong_valid): Wilson score. Mean \
    (field_f1) and differences: the hull of two percentile bootstraps, one drawing whole schemas and one drawing items, \
    2,000 resamples each, seed 0. Differences are paired on the same items.";

/// A score with its 95 % interval and the number of items behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The score.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Items.
    pub n: usize,
}

/// The score and its interval, three decimals: `0.123 [0.100, 0.150]`.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3} [{:.3}, {:.3}]", self.value, self.low, self.high))
    }
}

impl Estimate {
    /// A proportion with its Wilson interval. Without items the interval is everything.
    pub fn proportion(successes: usize, n: usize) -> Self {
        if n == 0 {
            return Self { value: 0.0, low: 0.0, high: 1.0, n };
        }
        let (low, high) = wilson(successes, n);
        Self { value: successes as f64 / n as f64, low, high, n }
    }

    /// The mean of `values` with its [`clustered_interval`] (one cluster label for each value).
    pub fn mean(values: &[f64], clusters: &[usize]) -> Self {
        let (low, high) = clustered_interval(values, clusters, RESAMPLES, BOOTSTRAP_SEED);
        let value = values.iter().sum::<f64>() / values.len().max(1) as f64;
        // Rounding must not put the mean of equal values outside its own interval.
        Self { value, low: low.min(value), high: high.max(value), n: values.len() }
    }

    /// The ratio of two sums (bits per byte, say) over parts of (numerator, denominator), with the percentile bootstrap that draws
    /// whole parts. Without parts, the interval is everything.
    pub fn ratio(parts: &[(f64, f64)]) -> Self {
        if parts.is_empty() {
            return Self { value: 0.0, low: 0.0, high: f64::MAX, n: 0 };
        }
        let (low, high) = ratio_bootstrap(parts, RESAMPLES, BOOTSTRAP_SEED);
        let value = parts.iter().map(|p| p.0).sum::<f64>() / parts.iter().map(|p| p.1).sum::<f64>();
        Self { value, low: low.min(value), high: high.max(value), n: parts.len() }
    }

    /// Whether the whole interval lies above `other`'s.
    pub fn is_above(&self, other: &Self) -> bool {
        self.low > other.high
    }
}

/// Wilson's score interval at 95 % for `successes` of `n` (n > 0).
///
/// Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson(successes: usize, n: usize) -> (f64, f64) {
    let (n, p) = (n as f64, successes as f64 / n as f64);
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - spread) / scale).clamp(0.0, p), ((centre + spread) / scale).clamp(p, 1.0))
}

/// The interval of a mean over items that come in clusters: the hull of two percentile bootstraps at 95 %, one drawing
/// whole clusters and one drawing items. Items of one schema succeed and fail together, so that drawing items alone is too
/// narrow; a few schemas that happen to agree would close the interval if only they were drawn.
pub fn clustered_interval(values: &[f64], clusters: &[usize], resamples: usize, seed: u64) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 1.0);
    }
    let each: Vec<usize> = (0..values.len()).collect();
    let by_cluster = cluster_bootstrap(values, clusters, resamples, seed);
    let by_item = cluster_bootstrap(values, &each, resamples, seed);
    (by_cluster.0.min(by_item.0), by_cluster.1.max(by_item.1))
}

/// Percentile bootstrap of the mean at 95 %, drawing whole clusters (one label for each value).
pub fn cluster_bootstrap(values: &[f64], clusters: &[usize], resamples: usize, seed: u64) -> (f64, f64) {
    let mut sums: Vec<(f64, f64)> = Vec::new(); // (sum, count) per cluster
    let mut place = HashMap::new();
    for (value, cluster) in values.iter().zip(clusters) {
        let at = *place.entry(cluster).or_insert_with(|| {
            sums.push((0.0, 0.0));
            sums.len() - 1
        });
        sums[at].0 += value;
        sums[at].1 += 1.0;
    }
    if sums.is_empty() {
        return (0.0, 1.0);
    }
    ratio_bootstrap(&sums, resamples, seed)
}

/// Percentile bootstrap at 95 % of the ratio of two sums, drawing whole (numerator, denominator) parts; at least one.
fn ratio_bootstrap(parts: &[(f64, f64)], resamples: usize, seed: u64) -> (f64, f64) {
    let mut rng = seed::rng(seed, "bootstrap");
    let mut ratios: Vec<f64> = (0..resamples.max(1))
        .map(|_| {
            let (sum, count) = (0..parts.len()).fold((0.0, 0.0), |(s, c), _| {
                let drawn = parts[below(&mut rng, parts.len())];
                (s + drawn.0, c + drawn.1)
            });
            sum / count
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    (quantile(&ratios, 0.025), quantile(&ratios, 0.975))
}

/// A number under `n`, by the high half of a product: the same on every machine and in every release.
pub(crate) fn below(rng: &mut Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Quantile of sorted values with linear interpolation (Hyndman and Fan's type 7).
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// What a paired comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The first is higher.
    #[serde(rename = "higher")]
    Higher,
    /// The first is lower.
    #[serde(rename = "lower")]
    Lower,
    /// The interval holds 0.
    #[serde(rename = "no significant difference")]
    NoSignificantDifference,
}

/// A difference of two scores on the same items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// First minus second.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Items.
    pub n: usize,
    /// Whether the interval excludes 0.
    pub verdict: Verdict,
}

/// The mean of `first - second`, item by item, with its clustered bootstrap interval.
pub fn paired_difference(first: &[f64], second: &[f64], clusters: &[usize]) -> Difference {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let Estimate { value, low, high, n } = Estimate::mean(&differences, clusters);
    let verdict = match () {
        () if n > 0 && low > 0.0 => Verdict::Higher,
        () if n > 0 && high < 0.0 => Verdict::Lower,
        () => Verdict::NoSignificantDifference,
    };
    Difference { value, low, high, n, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        wilson: Vec<(usize, usize, f64, f64)>,
        bootstrap: Vec<BootstrapCase>,
    }

    #[derive(Deserialize)]
    struct BootstrapCase {
        values: Vec<f64>,
        clusters: Vec<usize>,
        low: f64,
        high: f64,
        /// Five standard errors of a 2,000-resample percentile, measured by repeating.
        tolerance: f64,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../tests/data/statistics.json")).unwrap()
    }

    #[test]
    fn wilson_equals_statsmodels() {
        for (successes, n, low, high) in golden().wilson {
            let ours = wilson(successes, n);
            assert!((ours.0 - low).abs() < 1e-12 && (ours.1 - high).abs() < 1e-12, "{successes}/{n}: {ours:?}");
        }
    }

    #[test]
    fn the_bootstrap_agrees_with_scipys() {
        for (i, case) in golden().bootstrap.iter().enumerate() {
            let ours = cluster_bootstrap(&case.values, &case.clusters, RESAMPLES, BOOTSTRAP_SEED);
            let close = (ours.0 - case.low).abs() < case.tolerance && (ours.1 - case.high).abs() < case.tolerance;
            assert!(close, "case {i}: {ours:?}, not ({}, {})", case.low, case.high);
        }
    }

    #[test]
    fn clusters_widen_the_interval_and_one_cluster_does_not_close_it() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i / 50)).collect();
        let by_half: Vec<usize> = (0..100).map(|i| i / 50).collect();
        let each: Vec<usize> = (0..100).collect();
        let interval = |clusters: &[usize]| clustered_interval(&values, clusters, RESAMPLES, 0);
        assert_eq!(interval(&by_half), (0.0, 1.0));
        let narrow = interval(&each);
        assert!(narrow.0 > 0.35 && narrow.1 < 0.65);
        assert_eq!(interval(&[7; 100]), narrow);
        // Two clusters of equal means: drawn alone they would claim certainty.
        let alternating: Vec<usize> = (0..100).map(|i| i % 2).collect();
        assert_eq!(cluster_bootstrap(&values, &alternating, RESAMPLES, 0), (0.5, 0.5));
        assert_eq!(interval(&alternating), narrow);
    }

    #[test]
    fn the_value_lies_in_its_interval() {
        let third = 1.0 / 3.0;
        let e = Estimate::mean(&[third; 7], &[0, 0, 1, 1, 2, 2, 2]);
        assert!(e.low <= e.value && e.value <= e.high && e.high - e.low < 1e-9);
        assert_eq!(Estimate::proportion(0, 0), Estimate { value: 0.0, low: 0.0, high: 1.0, n: 0 });
        let all = Estimate::proportion(10, 10);
        assert!(all.value == 1.0 && all.high == 1.0 && all.low < 1.0);
    }

    #[test]
    fn a_paired_difference_says_when_it_is_none() {
        let clusters: Vec<usize> = (0..40).collect();
        let base: Vec<f64> = (0..40).map(|i| f64::from(i % 4) / 4.0).collect();
        let better: Vec<f64> = base.iter().map(|v| v + 0.1).collect();
        assert_eq!(paired_difference(&better, &base, &clusters).verdict, Verdict::Higher);
        assert_eq!(paired_difference(&base, &better, &clusters).verdict, Verdict::Lower);
        let mixed: Vec<f64> = base.iter().enumerate().map(|(i, v)| v + if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        assert_eq!(paired_difference(&mixed, &base, &clusters).verdict, Verdict::NoSignificantDifference);
        assert_eq!(paired_difference(&base, &base, &clusters).verdict, Verdict::NoSignificantDifference);
    }
}
