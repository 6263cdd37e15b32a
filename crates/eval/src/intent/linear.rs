//! What does a linear classifier without any language model reach? The floor of every intent score.
//!
//! One support vector machine for each label against the rest, squared hinge loss, C = 1, on [`Features`], solved by dual
//! coordinate descent (Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML 2008): what
//! scikit-learn's `LinearSVC` solves. The same texts give the same weights on any number of threads.

use bantam_core::seed;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::tfidf::{Features, Row};

/// Weight of the errors.
const C: f32 = 1.0;
/// Ends when no projected gradient is this far from another.
const TOLERANCE: f32 = 1e-2;
/// Passes after which it ends anyway.
const MOST_PASSES: usize = 200;

/// A trained classifier.
#[derive(Clone, Debug)]
pub struct Linear {
    features: Features,
    /// By label: a weight for each column, and the bias last.
    weights: Vec<Vec<f32>>,
}

impl Linear {
    /// Trains on texts with their labels, which are below `labels`. A label without a text has no weights.
    pub fn train(texts: &[&str], given: &[usize], labels: usize) -> Self {
        let features = Features::learn(texts);
        let bias = features.columns() as u32;
        let with_bias = |text: &&str| {
            let mut row = features.row(text);
            row.push((bias, 1.0));
            row
        };
        let rows: Vec<Row> = texts.par_iter().map(with_bias).collect();
        let squares: Vec<f32> = rows.iter().map(|row| row.iter().map(|(_, w)| w * w).sum()).collect();
        let one = |label: usize| match given.contains(&label) {
            true => solve(&rows, &squares, given, label, bias as usize + 1),
            false => Vec::new(),
        };
        let weights = (0..labels).into_par_iter().with_max_len(1).map(one).collect();
        Self { features, weights }
    }

    /// The margin of each label: above 0 the label's machine says yes. Negative infinity for a label never trained on.
    pub fn margins(&self, text: &str) -> Vec<f64> {
        let row = self.features.row(text);
        let margin = |weights: &Vec<f32>| match weights.last() {
            Some(&bias) => f64::from(row.iter().map(|&(column, w)| weights[column as usize] * w).sum::<f32>() + bias),
            None => f64::NEG_INFINITY,
        };
        self.weights.iter().map(margin).collect()
    }
}

/// The weights that tell `label` from the rest.
fn solve(rows: &[Row], squares: &[f32], given: &[usize], label: usize, columns: usize) -> Vec<f32> {
    let mut w = vec![0.0f32; columns];
    let mut alpha = vec![0.0f32; rows.len()];
    let diagonal = 0.5 / C;
    let mut rng = seed::rng(0, &format!("linear/{label}"));
    let mut active: Vec<usize> = (0..rows.len()).collect();
    // Items at their bound whose gradient is above the last pass's highest leave until the rest has settled.
    let mut bound = f32::INFINITY;
    for _ in 0..MOST_PASSES {
        active.shuffle(&mut rng);
        let (mut highest, mut lowest) = (f32::NEG_INFINITY, f32::INFINITY);
        let mut kept = Vec::with_capacity(active.len());
        for &i in &active {
            let sign = if given[i] == label { 1.0 } else { -1.0 };
            let dot: f32 = rows[i].iter().map(|&(column, x)| w[column as usize] * x).sum();
            let gradient = sign * dot - 1.0 + diagonal * alpha[i];
            if alpha[i] == 0.0 && gradient > bound {
                continue;
            }
            kept.push(i);
            let projected = if alpha[i] == 0.0 { gradient.min(0.0) } else { gradient };
            highest = highest.max(projected);
            lowest = lowest.min(projected);
            if projected.abs() > 1e-12 {
                let before = alpha[i];
                alpha[i] = (before - gradient / (squares[i] + diagonal)).max(0.0);
                let step = (alpha[i] - before) * sign;
                rows[i].iter().for_each(|&(column, x)| w[column as usize] += step * x);
            }
        }
        let all = kept.len() == rows.len();
        active = kept;
        if highest - lowest <= TOLERANCE {
            if all {
                break;
            }
            // Settled without those that left: once more with all.
            active = (0..rows.len()).collect();
            bound = f32::INFINITY;
            continue;
        }
        bound = if highest > 0.0 { highest } else { f32::INFINITY };
    }
    w
}

#[cfg(test)]
mod tests {
    use super::super::metrics::golden;
    use super::*;

    #[test]
    fn margins_are_those_of_scikit_learns_linear_svc() {
        let golden = golden::read();
        let texts: Vec<&str> = golden.documents.iter().map(String::as_str).collect();
        let labels = golden.document_labels.iter().max().unwrap() + 2;
        let linear = Linear::train(&texts, &golden.document_labels, labels);
        for (text, expected) in golden.svm_documents.iter().zip(golden.svm_margins) {
            let margins = linear.margins(text);
            assert_eq!(margins[labels - 1], f64::NEG_INFINITY);
            for (ours, theirs) in margins.iter().zip(expected) {
                assert!((ours - theirs).abs() < 0.01, "{text}: {ours} {theirs}");
            }
        }
    }
}
