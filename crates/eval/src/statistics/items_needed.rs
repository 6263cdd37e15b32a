//! How many items would it take to separate two systems?

/// The standard normal's 97.5 % quantile: two-sided tests at 5 %.
const Z_ALPHA: f64 = 1.959_963_984_540_054;
/// The standard normal's 80 % quantile: a power of 0.8.
const Z_POWER: f64 = 0.841_621_233_572_914_3;

/// The formulas in words, for a report.
pub const METHOD: &str = "Items needed: how many items a single two-sided test at 0.05 needs to find the observed difference \
    with probability 0.8. Yes-or-no metrics: Connor's formula (Biometrics 43, 1987) for McNemar's test, from the observed shares \
    of items that only one system has right. Means: ((z_0.975 + z_0.8) sd / difference)^2, from the standard deviation of the \
    paired differences.";

/// Items for McNemar's test, where of `n` items the first system alone has `first_only` right and the second alone
/// `second_only`: `(z_a sqrt(psi) + z_b sqrt(psi - delta^2))^2 / delta^2` with psi the share of discordant items and delta the
/// difference. `None` when the two are equally good.
///
/// Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43 (1987).
pub fn for_proportions(first_only: usize, second_only: usize, n: usize) -> Option<u64> {
    if first_only == second_only || n == 0 {
        return None;
    }
    let discordant = (first_only + second_only) as f64 / n as f64;
    let difference = first_only.abs_diff(second_only) as f64 / n as f64;
    let rest = (discordant - difference * difference).max(0.0);
    whole(((Z_ALPHA * discordant.sqrt() + Z_POWER * rest.sqrt()) / difference).powi(2))
}

/// Items for a test of the mean of paired differences. `None` when the mean is 0 or there are fewer than two.
pub fn for_means(differences: &[f64]) -> Option<u64> {
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n.max(1.0);
    if differences.len() < 2 || mean == 0.0 {
        return None;
    }
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    whole(((Z_ALPHA + Z_POWER) / mean).powi(2) * variance)
}

/// Rounded up, at least 2; `None` where the number is beyond counting.
fn whole(items: f64) -> Option<u64> {
    (items.is_finite() && items < 1e15).then(|| (items.ceil() as u64).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        /// first_only, second_only, n, items by the formula in numpy, power of the test at so many items by enumeration.
        items_needed_proportions: Vec<(usize, usize, usize, u64, f64)>,
        /// differences, items by statsmodels.
        items_needed_means: Vec<(Vec<f64>, f64)>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/data/statistics.json")).unwrap()
    }

    #[test]
    fn the_items_for_proportions_give_the_power_they_promise() {
        for (first, second, n, items, power) in golden().items_needed_proportions {
            assert_eq!(for_proportions(first, second, n), Some(items));
            assert_eq!(for_proportions(second, first, n), Some(items));
            assert!((0.76..0.84).contains(&power), "{first}, {second} of {n}: power {power}");
        }
        assert_eq!(for_proportions(4, 4, 10), None);
        assert_eq!(for_proportions(0, 0, 0), None);
    }

    #[test]
    fn the_items_for_means_are_statsmodels() {
        for (differences, items) in golden().items_needed_means {
            assert_eq!(for_means(&differences), Some(items.ceil() as u64), "{items}");
        }
        assert_eq!(for_means(&[0.0, 0.0]), None);
        assert_eq!(for_means(&[0.5]), None);
        assert_eq!(for_means(&[0.5, 0.5]), Some(2));
    }
}
