//! Which labels of a set look wrong? Confident learning.
//!
//! Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (JAIR 2021). A label's
//! threshold is the mean probability of it over the items that have it. An item counts for the most probable of the labels
//! whose thresholds its probabilities reach; where that is not its own label, the label is suspected, unless it is the most
//! probable one after all. The probabilities have to come from a model that has not seen the items.

use super::probabilities::most_probable;

/// The confident joint and what lies off its diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfidentLearning {
    /// How many items with label `i` (row) count for label `j`.
    pub joint: Vec<Vec<usize>>,
    /// Items whose label is suspected, the most suspicious first: by normalized margin, the label's own probability minus the
    /// highest of the others.
    pub suspected: Vec<Suspect>,
}

/// An item whose label looks wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suspect {
    /// The item's number.
    pub item: usize,
    /// The label that it counts for.
    pub looks_like: usize,
    /// Normalized margin, -1 to 1; lower is more suspicious.
    pub margin: f64,
}

/// Goes through items with their labels and probabilities (one for each of `labels` labels).
pub fn find(labels: usize, given: &[usize], probabilities: &[Vec<f64>]) -> ConfidentLearning {
    let mut sums = vec![(0.0, 0usize); labels];
    for (&label, p) in given.iter().zip(probabilities) {
        sums[label].0 += p[label];
        sums[label].1 += 1;
    }
    // A label that no item has is never reached.
    let threshold = |&(sum, n): &(f64, usize)| if n == 0 { f64::INFINITY } else { sum / n as f64 };
    let thresholds: Vec<f64> = sums.iter().map(threshold).collect();
    let mut joint = vec![vec![0; labels]; labels];
    let mut suspected = Vec::new();
    for (item, (&label, p)) in given.iter().zip(probabilities).enumerate() {
        // Rounding must not keep an item of mean probability from its own label.
        let reached = (0..labels).filter(|&l| p[l] >= thresholds[l] - 1e-12);
        let Some(counts_for) = reached.reduce(|best, l| if p[l] > p[best] { l } else { best }) else { continue };
        joint[label][counts_for] += 1;
        if counts_for != label && most_probable(p) != Some(label) {
            let others = p.iter().enumerate().filter(|(l, _)| *l != label).map(|(_, p)| *p);
            let margin = p[label] - others.fold(f64::NEG_INFINITY, f64::max);
            suspected.push(Suspect { item, looks_like: counts_for, margin });
        }
    }
    suspected.sort_by(|a, b| a.margin.total_cmp(&b.margin));
    ConfidentLearning { joint, suspected }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::golden;
    use super::*;

    #[test]
    fn suspects_and_their_order_are_cleanlabs() {
        let golden = golden::read();
        let found = find(golden.labels, &golden.gold, &golden.probabilities);
        assert_eq!(found.joint, golden.confident_joint);
        assert_eq!(found.suspected.iter().map(|s| s.item).collect::<Vec<_>>(), golden.label_errors);
        assert!(!golden.label_errors.is_empty());
    }

    #[test]
    fn labels_that_no_item_has_take_none() {
        let found = find(3, &[0, 0, 1], &[vec![0.9, 0.0, 0.1], vec![0.0, 0.1, 0.9], vec![0.1, 0.9, 0.0]]);
        assert_eq!(found.joint[0], [1, 0, 0]);
        assert!(found.suspected.is_empty());
        assert_eq!(find(2, &[], &[]).suspected, []);
    }
}
