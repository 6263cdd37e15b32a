//! What are predicted labels worth against the right ones?
//!
//! Labels are numbers in the taxonomy's order. A prediction of `None` is an output that is no label: it is wrong, stays in
//! the denominator, and is never a refusal.

use serde::{Deserialize, Serialize};

/// Counts behind a set of predictions; items may be weighted, as resampling does.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    labels: usize,
    right: Vec<f64>,
    gold: Vec<f64>,
    predicted: Vec<f64>,
    total: f64,
}

impl Tally {
    /// Counts item `i` `weight(i)` times. Labels are below `labels`.
    pub fn new(labels: usize, gold: &[usize], predicted: &[Option<usize>], weight: impl Fn(usize) -> f64) -> Self {
        let mut tally = Self {
            labels,
            right: vec![0.0; labels],
            gold: vec![0.0; labels],
            predicted: vec![0.0; labels],
            total: 0.0,
        };
        for (i, (&gold, &predicted)) in gold.iter().zip(predicted).enumerate() {
            let weight = weight(i);
            tally.total += weight;
            tally.gold[gold] += weight;
            if let Some(predicted) = predicted {
                tally.predicted[predicted] += weight;
                tally.right[gold] += if predicted == gold { weight } else { 0.0 };
            }
        }
        tally
    }

    /// Right predictions over all items.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right.iter().sum(), self.total)
    }

    /// The mean F1 of the labels that an item has as its right one; 0 for a label that is never predicted.
    pub fn macro_f1(&self) -> f64 {
        let f1 = |label: usize| ratio(2.0 * self.right[label], self.gold[label] + self.predicted[label]);
        let present: Vec<f64> = (0..self.labels).filter(|&l| self.gold[l] > 0.0).map(f1).collect();
        ratio(present.iter().sum(), present.len() as f64)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Texts of one intent taken for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The right intent.
    pub intent: String,
    /// What was said instead; `(no label)` for an output that is none.
    pub taken_for: String,
    /// How often.
    pub count: usize,
}

/// What outputs without a label are called in [`Confusion`].
pub const NO_LABEL: &str = "(no label)";

/// Pairs by how often they are confused, the most frequent first, then by name.
pub fn confusions(labels: &[String], gold: &[usize], predicted: &[Option<usize>]) -> Vec<Confusion> {
    let mut counts = std::collections::BTreeMap::new();
    for (&gold, &predicted) in gold.iter().zip(predicted).filter(|(g, p)| **p != Some(**g)) {
        let said = predicted.map_or(NO_LABEL, |p| labels[p].as_str());
        *counts.entry((labels[gold].as_str(), said)).or_insert(0) += 1;
    }
    let confusion = |((intent, said), count): ((&str, &str), usize)| Confusion {
        intent: intent.to_owned(),
        taken_for: said.to_owned(),
        count,
    };
    let mut confusions: Vec<Confusion> = counts.into_iter().map(confusion).collect();
    confusions.sort_by_key(|c| std::cmp::Reverse(c.count));
    confusions
}

#[cfg(test)]
pub(super) mod golden {
    use serde::Deserialize;

    /// What `tests/reference/intent_metrics.py` wrote.
    #[derive(Deserialize)]
    pub struct Golden {
        pub labels: usize,
        pub gold: Vec<usize>,
        pub predicted: Vec<Option<usize>>,
        pub accuracy: f64,
        pub macro_f1: f64,
        pub probabilities: Vec<Vec<f64>>,
        pub top3: f64,
        pub brier: f64,
        pub ece: f64,
        pub auroc: f64,
        pub auroc_ties: f64,
        pub label_errors: Vec<usize>,
        pub confident_joint: Vec<Vec<usize>>,
        pub documents: Vec<String>,
        pub document_labels: Vec<usize>,
        pub tfidf_columns: usize,
        /// Of the first documents: (the squares' sum of its first block, the largest weight, how many weights).
        pub tfidf: Vec<(f64, f64, usize)>,
        pub svm_documents: Vec<String>,
        pub svm_margins: Vec<Vec<f64>>,
    }

    pub fn read() -> Golden {
        serde_json::from_str(include_str!("../../tests/data/intent_metrics.json")).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_and_macro_f1_equal_scikit_learns() {
        let golden = golden::read();
        let tally = Tally::new(golden.labels, &golden.gold, &golden.predicted, |_| 1.0);
        assert!((tally.accuracy() - golden.accuracy).abs() < 1e-12);
        assert!((tally.macro_f1() - golden.macro_f1).abs() < 1e-12, "{} {}", tally.macro_f1(), golden.macro_f1);
        // A weight of two is the item twice.
        let twice = |v: &[usize]| v.iter().chain(v).copied().collect::<Vec<_>>();
        let again: Vec<_> = golden.predicted.iter().chain(&golden.predicted).copied().collect();
        let doubled = Tally::new(golden.labels, &twice(&golden.gold), &again, |_| 1.0);
        assert_eq!(doubled, Tally::new(golden.labels, &golden.gold, &golden.predicted, |_| 2.0));
    }

    #[test]
    fn confusions_come_by_their_number_and_outputs_without_a_label_are_one() {
        let labels = ["a", "b"].map(str::to_owned);
        let found = confusions(&labels, &[0, 0, 0, 1, 1], &[Some(1), None, Some(1), Some(1), Some(0)]);
        let found: Vec<_> = found.iter().map(|c| (c.intent.as_str(), c.taken_for.as_str(), c.count)).collect();
        assert_eq!(found, [("a", "b", 2), ("a", NO_LABEL, 1), ("b", "a", 1)]);
    }
}
