//! Output projection and cross-entropy in one pass: logits exist for a few rows at a time.
//!
//! `loss = mean over targets of -log softmax(hidden W^T)[target]`, with label smoothing `epsilon` mixing in the
//! uniform distribution (Szegedy et al. 2016). The gradients for a unit upstream gradient come with the loss, since a
//! loss is a scalar and its upstream gradient only scales them.

use std::ops::Range;

use super::disjoint::Disjoint;
use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Precision, multiply};
use super::parts::{chunk_rows, chunks, over_parts};
use super::sums::{exponentials, sum};
use super::weight_sums::WeightSums;
use crate::multiversion::multiversion;

/// What the loss is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// `[rows, width]`.
    pub hidden: &'a [f32],
    /// `[vocabulary, width]`.
    pub weight: &'a [f32],
    /// Values a row has.
    pub width: usize,
    /// The rows that have a target, strictly ascending.
    pub rows: &'a [u32],
    /// The target of each of those rows.
    pub targets: &'a [u32],
}

impl Problem<'_> {
    fn vocabulary(&self) -> usize {
        self.weight.len() / self.width
    }

    fn check(&self) {
        let (rows, vocabulary) = (self.hidden.len() / self.width, self.vocabulary());
        assert!(self.hidden.len() == rows * self.width && self.weight.len() == vocabulary * self.width, "shapes");
        assert!(self.rows.len() == self.targets.len(), "one target for each row");
        assert!(self.rows.is_sorted_by(|a, b| a < b), "rows must ascend");
        assert!(self.rows.last().is_none_or(|&r| (r as usize) < rows), "a target's row is outside the batch");
        assert!(self.targets.iter().all(|&t| (t as usize) < vocabulary), "target outside the vocabulary");
    }

    /// The hidden values of some of the rows, one after the other.
    fn gather(&self, which: Range<usize>, to: &mut Vec<f32>) {
        to.clear();
        for &row in &self.rows[which] {
            to.extend_from_slice(&self.hidden[row as usize * self.width..][..self.width]);
        }
    }

    /// The hidden values of some of the rows and their logits, with the weight packed as columns.
    fn logits(
        &self,
        which: Range<usize>,
        columns: &Panels,
        hidden: &mut Vec<f32>,
        logits: &mut Vec<f32>,
        room: &mut LeftRoom,
    ) {
        let (n, vocabulary) = (which.len(), self.vocabulary());
        self.gather(which, hidden);
        logits.resize(n * vocabulary, 0.0);
        multiply(n, Strided::rows(hidden, self.width), columns.all(), logits, vocabulary, Onto::Replace, room);
    }

    fn weight_columns(&self) -> Vec<&[f32]> {
        self.weight.chunks_exact(self.width).collect()
    }
}

/// The mean loss and what the backward pass needs.
pub struct Loss {
    /// Mean over targets of the (smoothed) loss, nats.
    pub mean: f32,
    /// Gradient of the mean with respect to `hidden`, `[rows, width]`; zero in rows without a target.
    pub d_hidden: Vec<f32>,
    /// Gradient of the mean with respect to `weight`, `[vocabulary, width]`; empty if not asked for.
    pub d_weight: Vec<f32>,
}

/// No targets give a loss of 0 and zero gradients.
pub fn mean_loss(problem: Problem<'_>, label_smoothing: f32, of_weight: bool, precision: Precision) -> Loss {
    problem.check();
    let (width, vocabulary) = (problem.width, problem.vocabulary());
    let weight = problem.weight_columns();
    let (columns, rows) = (Panels::of_columns(precision, &weight), Panels::of_rows(precision, &weight));
    let mut d_hidden = vec![0.0; problem.hidden.len()];
    let d_hidden_room = Disjoint::new(&mut d_hidden);
    let chunk = chunk_rows(problem.targets.len(), problem.weight.len(), precision);
    let scale = 1.0 / problem.targets.len().max(1) as f32;
    let parts = over_parts(problem.targets.len(), chunk, |part| {
        let mut room = LeftRoom::default();
        let (mut hidden, mut logits, mut d) = (Vec::new(), Vec::new(), Vec::new());
        let mut sums = WeightSums::new(precision, &[vocabulary], width);
        let mut total = 0f64;
        for chunk in chunks(part, chunk) {
            let n = chunk.len();
            problem.logits(chunk.clone(), &columns, &mut hidden, &mut logits, &mut room);
            d.resize(n * width, 0.0);
            for (row, &target) in logits.chunks_exact_mut(vocabulary).zip(&problem.targets[chunk.clone()]) {
                total += f64::from(softmax_row(row, target as usize, label_smoothing, scale));
            }
            multiply(n, Strided::rows(&logits, vocabulary), rows.all(), &mut d, width, Onto::Replace, &mut room);
            for (&row, d) in problem.rows[chunk].iter().zip(d.chunks_exact(width)) {
                // SAFETY: the rows ascend strictly (asserted), so no two chunks share one.
                unsafe { d_hidden_room.range(row as usize * width, width) }.copy_from_slice(d);
            }
            if of_weight {
                sums.add(n, &logits, &hidden, &mut room);
            }
        }
        (total, sums)
    });
    let (totals, sums): (Vec<f64>, Vec<_>) = parts.into_iter().unzip();
    let d_weight = if of_weight { WeightSums::finish(sums).pop() } else { None };
    let mean = (totals.iter().sum::<f64>() * f64::from(scale)) as f32;
    Loss { mean, d_hidden, d_weight: d_weight.unwrap_or_default() }
}

/// Summed loss in nats and number of rows whose best logit is the target, without gradients or smoothing.
pub fn summed_loss(problem: Problem<'_>, precision: Precision) -> (f64, usize) {
    problem.check();
    let vocabulary = problem.vocabulary();
    let columns = Panels::of_columns(precision, &problem.weight_columns());
    let chunk = chunk_rows(problem.targets.len(), problem.weight.len(), precision);
    let parts = over_parts(problem.targets.len(), chunk, |part| {
        let mut room = LeftRoom::default();
        let (mut hidden, mut logits) = (Vec::new(), Vec::new());
        let (mut total, mut right) = (0f64, 0);
        for chunk in chunks(part, chunk) {
            problem.logits(chunk.clone(), &columns, &mut hidden, &mut logits, &mut room);
            for (row, &target) in logits.chunks_exact_mut(vocabulary).zip(&problem.targets[chunk]) {
                let best = row.iter().enumerate().fold(0, |b, (i, x)| if *x > row[b] { i } else { b });
                right += usize::from(best == target as usize);
                total += f64::from(softmax_row(row, target as usize, 0.0, 1.0));
            }
        }
        (total, right)
    });
    parts.into_iter().fold((0.0, 0), |(t, r), (total, right)| (t + total, r + right))
}

multiversion! { fn softmax_row(row: &mut [f32], target: usize, label_smoothing: f32, scale: f32) -> f32 = softmax_body }

/// Turns a row of logits into the gradient of its loss (times `scale`); returns the loss.
#[inline(always)]
fn softmax_body<const FMA: bool, const LANES: usize>(
    row: &mut [f32],
    target: usize,
    label_smoothing: f32,
    scale: f32,
) -> f32 {
    let n = row.len() as f32;
    let logit_mean = if label_smoothing == 0.0 { 0.0 } else { sum(row) / n };
    let target_logit = row[target];
    let (maximum, sum) = exponentials::<FMA>(row);
    let log_sum = maximum + sum.ln();
    let factor = scale / sum;
    let uniform = scale * label_smoothing / n;
    for x in row.iter_mut() {
        *x = *x * factor - uniform;
    }
    row[target] -= scale * (1.0 - label_smoothing);
    (1.0 - label_smoothing) * (log_sum - target_logit) + label_smoothing * (log_sum - logit_mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| ((i.wrapping_add(seed * 7919).wrapping_mul(2654435761) >> 12) as f32 / 524288.0) - 1.0)
            .collect()
    }

    fn written_out(hidden: &[f32], weight: &[f32], width: usize, targets: &[u32], smoothing: f64) -> f64 {
        let vocabulary = weight.len() / width;
        let loss = |(row, &target): (&[f32], &u32)| -> f64 {
            let logits: Vec<f64> = (0..vocabulary)
                .map(|t| row.iter().zip(&weight[t * width..]).map(|(a, b)| *a as f64 * *b as f64).sum())
                .collect();
            let log_sum = logits.iter().map(|l| l.exp()).sum::<f64>().ln();
            let uniform = logits.iter().map(|l| log_sum - l).sum::<f64>() / vocabulary as f64;
            (1.0 - smoothing) * (log_sum - logits[target as usize]) + smoothing * uniform
        };
        hidden.chunks(width).zip(targets).map(loss).sum::<f64>() / targets.len() as f64
    }

    #[test]
    fn loss_and_gradients_match_the_definition_and_finite_differences() {
        let (width, vocabulary, rows) = (12, 53, 300);
        let (hidden, weight) = (values(rows * width, 1), values(vocabulary * width, 2));
        let targets: Vec<u32> = (0..rows as u32).map(|i| i * 17 % vocabulary as u32).collect();
        let rows_with_target: Vec<u32> = (0..rows as u32).collect();
        for smoothing in [0.0f32, 0.1] {
            let problem =
                Problem { hidden: &hidden, weight: &weight, width, rows: &rows_with_target, targets: &targets };
            let got = mean_loss(problem, smoothing, true, Precision::F32);
            let want = written_out(&hidden, &weight, width, &targets, smoothing as f64);
            assert!((got.mean as f64 - want).abs() < 1e-5, "{} {want}", got.mean);
            for at in [0, 5, 300 * 12 - 1, 1234] {
                let moved = |d: f32| {
                    let mut h = hidden.clone();
                    h[at] += d;
                    written_out(&h, &weight, width, &targets, smoothing as f64)
                };
                let numeric = (moved(0.01) - moved(-0.01)) / 0.02;
                assert!((numeric - got.d_hidden[at] as f64).abs() < 1e-6, "{numeric} {}", got.d_hidden[at]);
            }
            for at in [0, 7, 53 * 12 - 1] {
                let moved = |d: f32| {
                    let mut w = weight.clone();
                    w[at] += d;
                    written_out(&hidden, &w, width, &targets, smoothing as f64)
                };
                let numeric = (moved(0.01) - moved(-0.01)) / 0.02;
                assert!((numeric - got.d_weight[at] as f64).abs() < 1e-5, "{numeric} {}", got.d_weight[at]);
            }
        }
        let problem = Problem { hidden: &hidden, weight: &weight, width, rows: &rows_with_target, targets: &targets };
        let (sum, right) = summed_loss(problem, Precision::F32);
        assert!((sum / rows as f64 - written_out(&hidden, &weight, width, &targets, 0.0)).abs() < 1e-5);
        assert!(right < rows);
    }

    #[test]
    fn no_targets_give_no_loss() {
        let (hidden, weight) = (values(36, 2), values(24, 1));
        let problem = Problem { hidden: &hidden, weight: &weight, width: 12, rows: &[], targets: &[] };
        let got = mean_loss(problem, 0.1, true, Precision::F32);
        assert_eq!(got.mean, 0.0);
        assert_eq!((got.d_hidden, got.d_weight), (vec![0.0; 36], vec![0.0; 24]));
    }

    #[test]
    fn rows_without_a_target_count_for_nothing() {
        let (width, vocabulary) = (12, 53);
        let (hidden, weight) = (values(300 * width, 1), values(vocabulary * width, 2));
        let rows: Vec<u32> = (0..300).filter(|r| r % 3 != 1).collect();
        let targets: Vec<u32> = rows.iter().map(|r| r * 17 % vocabulary as u32).collect();
        let some = Problem { hidden: &hidden, weight: &weight, width, rows: &rows, targets: &targets };
        let mut gathered = Vec::new();
        some.gather(0..rows.len(), &mut gathered);
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let alone = Problem { hidden: &gathered, rows: &all, ..some };
        let [some, alone] = [some, alone].map(|p| mean_loss(p, 0.1, true, Precision::F32));
        assert_eq!((some.mean, &some.d_weight), (alone.mean, &alone.d_weight));
        let mut kept = Vec::new();
        for (row, d) in some.d_hidden.chunks(width).enumerate() {
            match rows.contains(&(row as u32)) {
                true => kept.extend_from_slice(d),
                false => assert_eq!(d, [0.0; 12]),
            }
        }
        assert_eq!(kept, alone.d_hidden);
    }
}
