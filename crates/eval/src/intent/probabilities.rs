//! What are probabilities of labels worth?
//!
//! An item's probabilities are one number for each label of the taxonomy, summing to one.

/// Probabilities from log-probabilities of the labels: the softmax over the labels. Each may be divided by its label's
/// length first. `None` when there is no finite one among them.
pub fn normalized(log_probabilities: &[f64], lengths: Option<&[usize]>) -> Option<Vec<f64>> {
    let scaled: Vec<f64> = match lengths {
        Some(lengths) => log_probabilities.iter().zip(lengths).map(|(l, n)| l / (*n).max(1) as f64).collect(),
        None => log_probabilities.to_vec(),
    };
    let highest = scaled.iter().copied().filter(|l| !l.is_nan()).fold(f64::NEG_INFINITY, f64::max);
    if !highest.is_finite() {
        return None;
    }
    let weights: Vec<f64> = scaled.iter().map(|l| if l.is_nan() { 0.0 } else { (l - highest).exp() }).collect();
    let sum: f64 = weights.iter().sum();
    Some(weights.into_iter().map(|w| w / sum).collect())
}

/// The most probable label, the first of equals.
pub fn most_probable(probabilities: &[f64]) -> Option<usize> {
    (0..probabilities.len()).reduce(|best, i| if probabilities[i] > probabilities[best] { i } else { best })
}

/// Whether `label` is among the `k` most probable; of equals the first in the taxonomy come first.
pub fn among_first(probabilities: &[f64], label: usize, k: usize) -> bool {
    let mine = probabilities[label];
    let before = |(i, p): (usize, &f64)| *p > mine || (*p == mine && i < label);
    probabilities.iter().enumerate().filter(|&item| before(item)).count() < k
}

/// An item's Brier score: the sum over labels of (probability - whether it is the right one) squared, 0 to 2.
/// Brier, "Verification of forecasts expressed in terms of probability" (1950).
pub fn brier(probabilities: &[f64], label: usize) -> f64 {
    probabilities.iter().enumerate().map(|(i, p)| (p - f64::from(u8::from(i == label))).powi(2)).sum()
}

/// Bins of [`Calibration`].
pub const BINS: usize = 15;

/// Expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", 2017): confidence is the highest
/// probability; 15 bins of equal width, open below; the mean over items of |accuracy - mean confidence| of their bins.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Bin, confidence and whether right, of each item.
    items: Vec<(usize, f64, bool)>,
}

impl Calibration {
    /// From each item's highest probability and whether its label is right.
    pub fn new(items: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let bin = |confidence: f64| ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        Self { items: items.into_iter().map(|(confidence, right)| (bin(confidence), confidence, right)).collect() }
    }

    /// The error with item `i` counted `weight(i)` times.
    pub fn error(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let mut bins = [(0.0, 0.0); BINS]; // sum of confidences, of right ones
        let mut total = 0.0;
        for (i, &(bin, confidence, right)) in self.items.iter().enumerate() {
            let weight = weight(i);
            total += weight;
            bins[bin].0 += weight * confidence;
            bins[bin].1 += if right { weight } else { 0.0 };
        }
        let error: f64 = bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum();
        if total > 0.0 { error / total } else { 0.0 }
    }
}

/// Area under the ROC curve: how probably a positive item scores above a negative one, equals counting half
/// (Mann-Whitney). Items are sorted once, so that resampling is cheap.
#[derive(Clone, Debug)]
pub struct Roc {
    /// Item numbers by rising score, with whether positive; equal scores share a group number.
    sorted: Vec<(usize, usize, bool)>,
}

impl Roc {
    /// From each item's score and whether it is positive.
    pub fn new(items: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let mut items: Vec<(usize, f64, bool)> =
            items.into_iter().enumerate().map(|(i, (score, positive))| (i, score, positive)).collect();
        items.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut sorted = Vec::with_capacity(items.len());
        let mut group = 0;
        for (at, &(i, score, positive)) in items.iter().enumerate() {
            group += usize::from(at > 0 && score != items[at - 1].1);
            sorted.push((i, group, positive));
        }
        Self { sorted }
    }

    /// The area with item `i` counted `weight(i)` times; `None` without positives or without negatives.
    pub fn area(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut below, mut pairs, mut positives) = (0.0, 0.0, 0.0); // negatives of lower groups; pairs won
        for group in self.sorted.chunk_by(|a, b| a.1 == b.1) {
            let sum = |wanted: bool| -> f64 { group.iter().filter(|i| i.2 == wanted).map(|i| weight(i.0)).sum() };
            let (negative, positive) = (sum(false), sum(true));
            pairs += positive * (below + negative / 2.0);
            below += negative;
            positives += positive;
        }
        (positives > 0.0 && below > 0.0).then(|| pairs / (positives * below))
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::golden;
    use super::*;

    #[test]
    fn scores_of_probabilities_equal_scikit_learns() {
        let golden = golden::read();
        let n = golden.gold.len() as f64;
        let all = golden.probabilities.iter().zip(&golden.gold);
        let top3 = all.clone().filter(|(p, label)| among_first(p, **label, 3)).count() as f64 / n;
        assert!((top3 - golden.top3).abs() < 1e-12);
        let mean: f64 = all.clone().map(|(p, label)| brier(p, *label)).sum::<f64>() / n;
        assert!((mean - golden.brier).abs() < 1e-12, "{mean} {}", golden.brier);
        let judged = all.clone().map(|(p, label)| {
            let best = most_probable(p).unwrap();
            (p[best], best == *label)
        });
        let ece = Calibration::new(judged).error(|_| 1.0);
        assert!((ece - golden.ece).abs() < 1e-12, "{ece} {}", golden.ece);
        // The last label stands for out of scope.
        let last = golden.labels - 1;
        let auroc = Roc::new(all.clone().map(|(p, label)| (p[last], *label == last))).area(|_| 1.0).unwrap();
        assert!((auroc - golden.auroc).abs() < 1e-12);
        let rounded = all.map(|(p, label)| ((p[last] * 10.0).round(), *label == last));
        assert!((Roc::new(rounded).area(|_| 1.0).unwrap() - golden.auroc_ties).abs() < 1e-12);
    }

    #[test]
    fn log_probabilities_become_probabilities_by_total_or_by_length() {
        let p = normalized(&[-1000.0, -1000.0 - 2f64.ln()], None).unwrap();
        assert!((p[0] - 2.0 / 3.0).abs() < 1e-12 && (p[1] - 1.0 / 3.0).abs() < 1e-12);
        let p = normalized(&[-2.0, -4.0], Some(&[1, 2])).unwrap();
        assert_eq!(p, [0.5, 0.5]);
        assert_eq!(normalized(&[f64::NEG_INFINITY, 0.0], None).unwrap(), [0.0, 1.0]);
        assert_eq!(normalized(&[f64::NEG_INFINITY, f64::NAN], None), None);
        assert_eq!(most_probable(&[0.3, 0.4, 0.4]), Some(1));
        assert!(among_first(&[0.4, 0.3, 0.3], 1, 2) && !among_first(&[0.4, 0.3, 0.3], 2, 2));
    }

    #[test]
    fn edges_of_bins_belong_below_and_an_area_needs_both_kinds() {
        let items = [(0.0, false), (1.0 / 15.0, true), (1.0, true)];
        assert_eq!(Calibration::new(items).items.iter().map(|i| i.0).collect::<Vec<_>>(), [0, 0, 14]);
        assert_eq!(Roc::new([(0.1, true), (0.2, true)]).area(|_| 1.0), None);
        assert_eq!(Roc::new([(0.1, false), (0.2, true)]).area(|_| 3.0), Some(1.0));
    }
}
