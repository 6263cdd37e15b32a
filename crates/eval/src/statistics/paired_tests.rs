//! Could two systems' scores on the same items differ by chance? Exact McNemar for yes and no, sign flips for means.

use std::collections::BTreeMap;

use bantam_core::seed;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// Up to so many differences that are not 0, every way to flip their signs is counted.
pub const MOST_ENUMERATED: usize = 20;
/// Flips drawn where there are more.
pub const FLIPS: usize = 9_999;

/// The two-sided p-value of McNemar's exact test, from the items that only one of two systems has right: twice the
/// binomial probability, at 1/2, of the smaller count or less, at most 1 (statsmodels' `mcnemar(exact=True)`).
///
/// McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika 12 (1947).
pub fn mcnemar_exact(first_only: usize, second_only: usize) -> f64 {
    let (smaller, n) = (first_only.min(second_only), first_only + second_only);
    if 2 * smaller >= n {
        return 1.0; // also without any difference
    }
    // C(n, smaller) / 2^n in logarithms, and the smaller terms by their ratios to it.
    let largest: f64 = (1..=smaller).map(|i| ((n - smaller + i) as f64 / i as f64).ln()).sum();
    let (mut ratio, mut sum) = (1.0, 0.0);
    for i in (0..=smaller).rev() {
        sum += ratio;
        ratio *= i as f64 / (n - i + 1) as f64;
    }
    (2.0 * sum * (largest - n as f64 * std::f64::consts::LN_2).exp()).min(1.0)
}

/// What the sign-flip test says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignFlip {
    /// The two-sided p-value.
    pub p: f64,
    /// Whether every way to flip was counted; otherwise [`FLIPS`] were drawn.
    pub exact: bool,
}

/// The sign-flip permutation test of paired differences: the share of all ways to give them signs whose sum is at least as
/// far from 0 as the one observed. Exact for up to [`MOST_ENUMERATED`] differences that are not 0; with more, [`FLIPS`] ways
/// are drawn by `seed`, the observed one counted among them: (hits + 1) / (flips + 1).
///
/// Fisher, "The Design of Experiments" (1935), section 21.
pub fn sign_flip(differences: &[f64], seed: u64) -> SignFlip {
    let moved: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let observed = moved.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order count as equal.
    let reached = observed - 1e-12 * moved.iter().map(|d| d.abs()).sum::<f64>();
    if moved.len() <= MOST_ENUMERATED {
        let (low, high) = moved.split_at(moved.len() / 2);
        let (low, high) = (signed_sums(low), signed_sums(high));
        let hits = |l: &f64| high.iter().filter(|h| (l + **h).abs() >= reached).count();
        let total: usize = low.iter().map(hits).sum();
        return SignFlip { p: total as f64 / (low.len() * high.len()) as f64, exact: true };
    }
    let mut rng = seed::rng(seed, "sign flips");
    let mut hits = 1;
    for _ in 0..FLIPS {
        let mut sum = 0.0;
        for block in moved.chunks(64) {
            let mut signs = rng.next_u64();
            for d in block {
                sum += if signs & 1 == 0 { *d } else { -*d };
                signs >>= 1;
            }
        }
        hits += usize::from(sum.abs() >= reached);
    }
    SignFlip { p: hits as f64 / (FLIPS + 1) as f64, exact: false }
}

/// Sums of `values` under every choice of signs.
fn signed_sums(values: &[f64]) -> Vec<f64> {
    values.iter().fold(vec![0.0], |sums, v| sums.iter().flat_map(|s| [s + v, s - v]).collect())
}

/// Sums of the differences by cluster (one label for each): flipping these instead of items asks whether the finding would
/// hold on other clusters.
pub fn cluster_sums(differences: &[f64], clusters: &[usize]) -> Vec<f64> {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (difference, cluster) in differences.iter().zip(clusters) {
        *sums.entry(*cluster).or_default() += difference;
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Golden {
        mcnemar: Vec<(usize, usize, f64)>,
        sign_flip_exact: Vec<(Vec<f64>, f64)>,
        sign_flip_drawn: Vec<(Vec<f64>, f64, f64)>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/data/statistics.json")).unwrap()
    }

    #[test]
    fn mcnemar_equals_statsmodels() {
        for (first, second, p) in golden().mcnemar {
            let ours = mcnemar_exact(first, second);
            assert!((ours - p).abs() <= 1e-10 * p.max(1e-300), "{first}, {second}: {ours}, not {p}");
        }
    }

    #[test]
    fn enumerated_flips_equal_scipys() {
        for (differences, p) in golden().sign_flip_exact {
            let ours = sign_flip(&differences, 0);
            assert!(ours.exact && (ours.p - p).abs() < 1e-12, "{differences:?}: {ours:?}, not {p}");
        }
    }

    #[test]
    fn drawn_flips_agree_with_scipys() {
        for (differences, p, tolerance) in golden().sign_flip_drawn {
            let ours = sign_flip(&differences, 0);
            assert!(!ours.exact && (ours.p - p).abs() < tolerance, "{ours:?}, not {p}");
        }
    }

    #[test]
    fn no_difference_is_no_evidence_and_clusters_add_up() {
        assert_eq!(sign_flip(&[], 0), SignFlip { p: 1.0, exact: true });
        assert_eq!(sign_flip(&[0.0; 50], 0), SignFlip { p: 1.0, exact: true });
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert_eq!(cluster_sums(&[1.0, 0.5, -1.0, 2.0], &[4, 1, 4, 1]), [2.5, 0.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// On differences of 1 and -1, flipping signs is McNemar's test.
        #[test]
        fn flips_of_ones_are_mcnemar(first in 0usize..10, second in 0usize..10) {
            let mut differences = vec![1.0; first];
            differences.resize(first + second, -1.0);
            let p = sign_flip(&differences, 0).p;
            prop_assert!((p - mcnemar_exact(first, second)).abs() < 1e-12);
        }
    }
}
