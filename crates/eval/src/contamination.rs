//! Is a model better on published items than on fresh ones of the same kind? Then it may have seen them.

use std::collections::HashMap;

use bantam_core::{Error, Result, seed};
use serde::{Deserialize, Serialize};

use crate::metrics::Scores;
use crate::result::{Comparison, Evaluation, Source};
use crate::statistics::{BOOTSTRAP_SEED, Difference, RESAMPLES, Verdict, below, quantile};

/// How the gap's intervals are made.
pub const METHOD: &str = "95 %. Published minus fresh, means over different items: the hull of two percentile bootstraps, one drawing \
    whole schemas (their published and fresh items together) and one drawing items on either side, 2,000 resamples each, seed 0.";

/// One side of a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its items.
    pub data: Source,
    /// How many there are.
    pub n: usize,
}

/// Scores on published items minus those on fresh ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The suite.
    pub suite: String,
    /// The model.
    pub model: String,
    /// Version of the suite's metrics.
    pub metric_version: u32,
    /// The published items.
    pub published: Side,
    /// The fresh ones.
    pub fresh: Side,
    /// The differences. A positive one in `json_exact` whose interval leaves 0 out speaks of contamination.
    pub gap: Comparison,
    /// How their intervals are made.
    pub intervals: String,
}

/// The gap between two evaluations of one model on one track.
///
/// # Errors
/// An input error when both are of the same items.
pub fn gap(published: &Evaluation, fresh: &Evaluation) -> Result<Gap> {
    let (ours, theirs) = (&published.result, &fresh.result);
    let side = |e: &Evaluation| Side { data: e.result.protocol.data.clone(), n: e.result.n };
    if ours.protocol.data.sha256 == theirs.protocol.data.sha256 {
        let what = "the fresh items are the published ones";
        return Err(Error::input(&theirs.protocol.data.name, what, "generate them with another seed"));
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut labels = Vec::new();
    for sample in published.samples.iter().chain(&fresh.samples) {
        let next = numbers.len();
        labels.push(*numbers.entry(&sample.schema_id).or_insert(next));
    }
    let (first, second) = labels.split_at(published.samples.len());
    let difference = |of: &dyn Fn(&Scores) -> f64| {
        let column = |e: &Evaluation| e.samples.iter().map(|s| of(&s.scores())).collect::<Vec<_>>();
        unpaired_difference((&column(published), first), (&column(fresh), second))
    };
    Ok(Gap {
        suite: ours.suite.clone(),
        model: ours.model.clone(),
        metric_version: ours.protocol.metric_version,
        published: side(published),
        fresh: side(fresh),
        gap: Comparison {
            json_exact: difference(&|s| f64::from(s.exact)),
            field_f1: difference(&|s| s.field_f1),
            schema_compliance: difference(&|s| f64::from(s.compliant)),
            wrong_valid: difference(&|s| f64::from(s.wrong_valid())),
        },
        intervals: METHOD.to_owned(),
    })
}

/// The difference of two means over different items, each given as (values, cluster labels); labels of both sides name the
/// same clusters. `n` counts both sides' items.
fn unpaired_difference(first: (&[f64], &[usize]), second: (&[f64], &[usize])) -> Difference {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let value = mean(first.0) - mean(second.0);
    // (sum, count) of both sides, by cluster.
    let mut clusters: Vec<[(f64, f64); 2]> = Vec::new();
    for (side, (values, labels)) in [first, second].into_iter().enumerate() {
        for (value, label) in values.iter().zip(labels) {
            clusters.resize(clusters.len().max(label + 1), [(0.0, 0.0); 2]);
            clusters[*label][side].0 += value;
            clusters[*label][side].1 += 1.0;
        }
    }
    let mut rng = seed::rng(BOOTSTRAP_SEED, "contamination");
    let mut low = value;
    let mut high = value;
    let mut widen = |mut differences: Vec<f64>| {
        // A draw without an item of one side says nothing.
        differences.retain(|d| d.is_finite());
        differences.sort_by(f64::total_cmp);
        if !differences.is_empty() {
            low = low.min(quantile(&differences, 0.025));
            high = high.max(quantile(&differences, 0.975));
        }
    };
    let by_cluster = (0..RESAMPLES).map(|_| {
        let mut sums = [(0.0, 0.0); 2];
        for _ in 0..clusters.len() {
            let drawn = clusters[below(&mut rng, clusters.len())];
            for (sum, drawn) in sums.iter_mut().zip(drawn) {
                *sum = (sum.0 + drawn.0, sum.1 + drawn.1);
            }
        }
        sums[0].0 / sums[0].1 - sums[1].0 / sums[1].1
    });
    widen(by_cluster.collect());
    let mut drawn = |values: &[f64]| {
        let sum: f64 = (0..values.len()).map(|_| values[below(&mut rng, values.len())]).sum();
        sum / values.len() as f64
    };
    widen((0..RESAMPLES).map(|_| drawn(first.0) - drawn(second.0)).collect());
    let verdict = match () {
        () if low > 0.0 => Verdict::Higher,
        () if high < 0.0 => Verdict::Lower,
        () => Verdict::NoSignificantDifference,
    };
    Difference { value, low, high, n: first.0.len() + second.0.len(), verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` zeros and ones, `share` of 10 ones, over 10 clusters.
    fn column(n: usize, share: usize) -> (Vec<f64>, Vec<usize>) {
        ((0..n).map(|i| f64::from(u8::from(i / 10 % 10 < share))).collect(), (0..n).map(|i| i % 10).collect())
    }

    fn of(a: &(Vec<f64>, Vec<usize>), b: &(Vec<f64>, Vec<usize>)) -> Difference {
        unpaired_difference((&a.0, &a.1), (&b.0, &b.1))
    }

    #[test]
    fn a_gap_shows_where_there_is_one() {
        let (high, low) = (column(400, 8), column(300, 5));
        let found = of(&high, &low);
        assert!((found.value - 0.3).abs() < 1e-12 && found.verdict == Verdict::Higher && found.n == 700, "{found:?}");
        // The normal approximation: 1.96 * sqrt(0.16 / 400 + 0.25 / 300) = 0.0688.
        assert!((found.low - 0.2312).abs() < 0.012 && (found.high - 0.3688).abs() < 0.012, "{found:?}");
        assert_eq!(of(&low, &high).verdict, Verdict::Lower);
        assert_eq!(of(&high, &column(300, 8)).verdict, Verdict::NoSignificantDifference);
    }

    #[test]
    fn clusters_that_stand_for_all_widen_it() {
        let half =
            |n: usize| ((0..n).map(|i| f64::from(u8::from(i % 10 < 5))).collect(), (0..n).map(|i| i % 10).collect());
        // Where published and fresh agree schema by schema, drawing schemas moves both alike.
        let same = of(&half(200), &half(200));
        assert!(same.low < 0.0 && same.high > 0.0 && same.high < 0.12, "{same:?}");
        let other: (Vec<f64>, Vec<usize>) = ((0..200).map(|i| f64::from(u8::from(i % 10 >= 5))).collect(), half(200).1);
        assert!(of(&half(200), &other).high > 0.5, "schemas that disagree leave it open");
        let nothing = of(&(vec![], vec![]), &(vec![], vec![]));
        assert_eq!((nothing.value, nothing.verdict), (0.0, Verdict::NoSignificantDifference));
    }
}
