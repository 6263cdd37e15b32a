//! Which of several systems is better on the same items, and how sure is that?
//!
//! [`read`] takes results with their samples, whatever their suite; [`compare`] tests every pair of systems on every metric,
//! adjusts by Holm, ranks, and lists the items that one system has right and the other has not.

use bantam_core::Result;
use serde::{Deserialize, Serialize};

use crate::result::Source;
use crate::statistics::paired_tests::{SignFlip, cluster_sums, mcnemar_exact, sign_flip};
use crate::statistics::ranking::{Place, holm, places};
use crate::statistics::{BOOTSTRAP_SEED, Difference, Estimate, items_needed, paired_difference};

mod read;

pub use read::{Compared, Scored, read};

/// Adjusted p-values below this separate two systems.
pub const ALPHA: f64 = 0.05;

/// Metrics of which less is better.
const LESS_IS_BETTER: [&str; 6] = ["wrong_valid", "invalid", "brier", "error", "bits_per_byte", "squared_error"];

/// The tests in words.
pub const TESTS: &str = "Every pair of systems is tested on the same items: metrics of yes and no by McNemar's exact test, \
    others by flipping the signs of the differences (all ways for up to 20 differences, else 9,999 drawn with seed 0), two-sided. \
    p (Holm) is adjusted over all pairs of the metric. p (groups) flips whole groups instead of items: it says whether the finding \
    would hold on other groups, and is not adjusted. Intervals: 95 %, Wilson for yes and no; for means and differences the hull of \
    two percentile bootstraps, one drawing whole groups and one drawing items, 2,000 resamples each, seed 0.";

/// Several systems on one set of items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The suite.
    pub suite: String,
    /// The metrics' version.
    pub metric_version: u64,
    /// The items' file.
    pub data: Source,
    /// Items.
    pub n: usize,
    /// Groups of items (schemas, say); as many as items where the samples name none.
    pub groups: usize,
    /// The systems, in the order given, floors last.
    pub systems: Vec<System>,
    /// By metric.
    pub metrics: Vec<Metric>,
    /// How it was done: tests, ranking, items needed.
    pub methods: Vec<String>,
}

/// One system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// What the report calls it.
    pub name: String,
    /// Its result's file.
    pub file: String,
    /// Whether it is a floor that stands in the result.
    pub floor: bool,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Whether every score is 0 or 1.
    pub binary: bool,
    /// Whether more is better.
    pub more_is_better: bool,
    /// Scores and places, by system.
    pub standings: Vec<Standing>,
    /// Every pair of systems, the earlier one first.
    pub pairs: Vec<Pair>,
}

/// One system's score and place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The score.
    pub estimate: Estimate,
    /// Rank and tie groups.
    #[serde(flatten)]
    pub place: Place,
}

/// Which test was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// McNemar's exact test.
    McnemarExact,
    /// Every way to flip the signs.
    SignFlipExact,
    /// Ways to flip the signs, drawn.
    SignFlipDrawn,
}

/// Two systems on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Place of the first in [`Report::systems`].
    pub first: usize,
    /// Place of the second.
    pub second: usize,
    /// First minus second.
    pub difference: Difference,
    /// The test made.
    pub test: Test,
    /// Its two-sided p-value.
    pub p: f64,
    /// The same adjusted by Holm over the metric's pairs.
    pub p_holm: f64,
    /// The p-value of flipping whole groups; absent where every item is its own group.
    pub p_groups: Option<f64>,
    /// Whether `p_holm` is below [`ALPHA`].
    pub separated: bool,
    /// How many items one test would need to find this difference with probability 0.8; absent where there is none.
    pub items_needed: Option<u64>,
    /// Items on which the first scores higher.
    pub first_higher: Vec<String>,
    /// Items on which the second scores higher.
    pub second_higher: Vec<String>,
}

/// Compares systems that were read together.
///
/// # Errors
/// Internal, if the systems are not about the same items.
pub fn compare(compared: &Compared) -> Result<Report> {
    let Compared { systems, clusters, ids, .. } = compared;
    let mut groups = clusters.clone();
    groups.sort_unstable();
    groups.dedup();
    let grouped = groups.len() < ids.len();
    let metrics = compared.metrics.iter().enumerate();
    let metrics = metrics.map(|(at, name)| {
        let columns: Vec<&[f64]> = systems.iter().map(|s| s.scores[at].as_slice()).collect();
        metric(name, &columns, ids, clusters, grouped)
    });
    let methods = [TESTS, crate::statistics::ranking::METHOD, items_needed::METHOD];
    Ok(Report {
        suite: compared.suite.clone(),
        metric_version: compared.metric_version,
        data: compared.data.clone(),
        n: ids.len(),
        groups: groups.len(),
        systems: systems.iter().map(|s| s.system.clone()).collect(),
        metrics: metrics.collect(),
        methods: methods.map(str::to_owned).to_vec(),
    })
}

fn metric(name: &str, columns: &[&[f64]], ids: &[String], clusters: &[usize], grouped: bool) -> Metric {
    let binary = columns.iter().all(|c| c.iter().all(|v| *v == 0.0 || *v == 1.0));
    let mut pairs = Vec::new();
    for first in 0..columns.len() {
        for second in first + 1..columns.len() {
            pairs.push(pair(first, second, columns, ids, clusters, binary, grouped));
        }
    }
    let adjusted = holm(&pairs.iter().map(|p| p.p).collect::<Vec<_>>());
    for (pair, p) in pairs.iter_mut().zip(adjusted) {
        pair.p_holm = p;
        pair.separated = p < ALPHA;
    }
    let estimate = |column: &&[f64]| {
        if binary {
            Estimate::proportion(column.iter().filter(|v| **v == 1.0).count(), column.len())
        } else {
            Estimate::mean(column, clusters)
        }
    };
    let estimates: Vec<Estimate> = columns.iter().map(estimate).collect();
    let more_is_better = !LESS_IS_BETTER.contains(&name);
    let separated = |a: usize, b: usize| {
        let (first, second) = (a.min(b), a.max(b));
        pairs.iter().any(|p| p.first == first && p.second == second && p.separated)
    };
    let values: Vec<f64> = estimates.iter().map(|e| e.value).collect();
    let places = places(&values, more_is_better, &separated);
    let standings = estimates.into_iter().zip(places).map(|(estimate, place)| Standing { estimate, place }).collect();
    Metric { name: name.to_owned(), binary, more_is_better, standings, pairs }
}

fn pair(
    first: usize,
    second: usize,
    columns: &[&[f64]],
    ids: &[String],
    clusters: &[usize],
    binary: bool,
    grouped: bool,
) -> Pair {
    let differences: Vec<f64> = columns[first].iter().zip(columns[second]).map(|(a, b)| a - b).collect();
    let among = |fits: fn(f64) -> bool| -> Vec<String> {
        ids.iter().zip(&differences).filter(|(_, d)| fits(**d)).map(|(id, _)| id.clone()).collect()
    };
    let (first_higher, second_higher) = (among(|d| d > 0.0), among(|d| d < 0.0));
    let (test, p, items_needed) = if binary {
        let (b, c) = (first_higher.len(), second_higher.len());
        (Test::McnemarExact, mcnemar_exact(b, c), items_needed::for_proportions(b, c, ids.len()))
    } else {
        let SignFlip { p, exact } = sign_flip(&differences, BOOTSTRAP_SEED);
        let test = if exact { Test::SignFlipExact } else { Test::SignFlipDrawn };
        (test, p, items_needed::for_means(&differences))
    };
    Pair {
        first,
        second,
        difference: paired_difference(columns[first], columns[second], clusters),
        test,
        p,
        p_holm: p,
        p_groups: grouped.then(|| sign_flip(&cluster_sums(&differences, clusters), BOOTSTRAP_SEED).p),
        separated: false,
        items_needed,
        first_higher,
        second_higher,
    }
}

impl Report {
    /// `compare-<suite>-<datahash8>`: the name of its files.
    pub fn file_stem(&self) -> String {
        format!("compare-{}-{}", self.suite, self.data.sha256.get(..8).unwrap_or("unknown"))
    }
}
