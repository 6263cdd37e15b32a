//! Output projection and cross-entropy in one pass: logits exist for a few rows at a time.
//!
//! `loss = mean over targets of -log softmax(hidden W^T)[target]`, with label smoothing `epsilon` mixing in the
//! uniform distribution (Szegedy et al. 2016). The gradients for a unit upstream gradient come with the loss, since a
//! loss is a scalar and its upstream gradient only scales them.

use gemm::Parallelism;
use rayon::prelude::*;

use crate::multiversion::{exp, multiversion};

/// Rows whose logits are held at once.
const ROWS: usize = 256;

/// The mean loss and what the backward pass needs.
pub struct Loss {
    /// Mean over targets of the (smoothed) loss, nats.
    pub mean: f32,
    /// Gradient of the mean with respect to `hidden`, `[rows, width]`.
    pub d_hidden: Vec<f32>,
    /// Gradient of the mean with respect to `weight`, `[vocabulary, width]`.
    pub d_weight: Vec<f32>,
}

/// `hidden` is `[rows, width]`, `weight` `[vocabulary, width]`, one target for each row. Rows that have no target
/// are left out by the caller. Zero rows give a loss of 0 and zero gradients.
pub fn mean_loss(hidden: &[f32], weight: &[f32], width: usize, targets: &[u32], label_smoothing: f32) -> Loss {
    let vocabulary = weight.len() / width;
    assert!(hidden.len() == targets.len() * width && weight.len() == vocabulary * width, "shapes differ");
    assert!(targets.iter().all(|&t| (t as usize) < vocabulary), "target outside the vocabulary");
    let mut d_hidden = vec![0.0; hidden.len()];
    let mut d_weight = vec![0.0; weight.len()];
    let mut logits = vec![0.0; ROWS.min(targets.len()) * vocabulary];
    let mut total = 0f64;
    let scale = 1.0 / targets.len().max(1) as f32;
    for (block, targets) in targets.chunks(ROWS).enumerate() {
        let rows = targets.len();
        let hidden = &hidden[block * ROWS * width..][..rows * width];
        let d_hidden = &mut d_hidden[block * ROWS * width..][..rows * width];
        let logits = &mut logits[..rows * vocabulary];
        // logits = hidden W^T
        matrix_product([rows, vocabulary, width], hidden, (width, 1), weight, (1, width), logits, false);
        let losses: Vec<f32> = logits
            .par_chunks_mut(vocabulary)
            .zip(targets)
            .map(|(row, &target)| softmax_row(row, target as usize, label_smoothing, scale))
            .collect();
        total += losses.iter().map(|&l| l as f64).sum::<f64>();
        // d_hidden = d_logits W;  d_W += d_logits^T hidden
        matrix_product([rows, width, vocabulary], logits, (vocabulary, 1), weight, (width, 1), d_hidden, false);
        matrix_product([vocabulary, width, rows], logits, (1, vocabulary), hidden, (width, 1), &mut d_weight, true);
    }
    Loss { mean: (total * scale as f64) as f32, d_hidden, d_weight }
}

/// Summed loss in nats and number of rows whose best logit is the target, without gradients or smoothing.
pub fn summed_loss(hidden: &[f32], weight: &[f32], width: usize, targets: &[u32]) -> (f64, usize) {
    let vocabulary = weight.len() / width;
    assert!(hidden.len() == targets.len() * width, "shapes differ");
    assert!(targets.iter().all(|&t| (t as usize) < vocabulary), "target outside the vocabulary");
    let (mut total, mut right) = (0f64, 0);
    let mut logits = vec![0.0; ROWS.min(targets.len()) * vocabulary];
    for (block, targets) in targets.chunks(ROWS).enumerate() {
        let rows = targets.len();
        let hidden = &hidden[block * ROWS * width..][..rows * width];
        let logits = &mut logits[..rows * vocabulary];
        matrix_product([rows, vocabulary, width], hidden, (width, 1), weight, (1, width), logits, false);
        let losses: Vec<(f32, bool)> = logits
            .par_chunks_mut(vocabulary)
            .zip(targets)
            .map(|(row, &target)| {
                let best = row.iter().enumerate().fold(0, |b, (i, x)| if *x > row[b] { i } else { b });
                (softmax_row(row, target as usize, 0.0, 1.0), best == target as usize)
            })
            .collect();
        total += losses.iter().map(|l| l.0 as f64).sum::<f64>();
        right += losses.iter().filter(|l| l.1).count();
    }
    (total, right)
}

/// `c[m, n] (+)= a[m, k] b[k, n]`; `a` and `b` with (row, column) strides, `c` row-major.
fn matrix_product(
    [m, n, k]: [usize; 3],
    a: &[f32],
    a_strides: (usize, usize),
    b: &[f32],
    b_strides: (usize, usize),
    c: &mut [f32],
    accumulate: bool,
) {
    let last = |rows: usize, columns: usize, (r, s): (usize, usize)| (rows - 1) * r + (columns - 1) * s;
    assert!(m > 0 && n > 0 && k > 0, "empty product");
    assert!(last(m, k, a_strides) < a.len() && last(k, n, b_strides) < b.len() && m * n <= c.len(), "short operand");
    let parallelism = if m * n * k > 1 << 20 { Parallelism::Rayon(0) } else { Parallelism::None };
    // SAFETY: the assertions above keep every strided element of a, b and c inside its slice; c is borrowed alone.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_strides.1 as isize,
            a_strides.0 as isize,
            b.as_ptr(),
            b_strides.1 as isize,
            b_strides.0 as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
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
    let mut maxima = [f32::NEG_INFINITY; 16];
    let mut logit_sums = [0f32; 16];
    let (blocks, rest) = row.as_chunks::<16>();
    for block in blocks {
        for ((m, sum), &x) in maxima.iter_mut().zip(&mut logit_sums).zip(block) {
            *m = if x > *m { x } else { *m };
            *sum += x;
        }
    }
    let maximum = maxima.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    let logit_sum: f32 = logit_sums.iter().sum::<f32>() + rest.iter().sum::<f32>();
    let target_logit = row[target];
    let mut sums = [0f32; 16];
    let (blocks, rest) = row.as_chunks_mut::<16>();
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            *x = exp::<FMA>(*x - maximum);
            *sum += *x;
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for x in rest {
        *x = exp::<FMA>(*x - maximum);
        sum += *x;
    }
    let log_sum = maximum + sum.ln();
    let factor = scale / sum;
    let uniform = scale * label_smoothing / n;
    for x in row.iter_mut() {
        *x = *x * factor - uniform;
    }
    row[target] -= scale * (1.0 - label_smoothing);
    (1.0 - label_smoothing) * (log_sum - target_logit) + label_smoothing * (log_sum - logit_sum / n)
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
        for smoothing in [0.0f32, 0.1] {
            let got = mean_loss(&hidden, &weight, width, &targets, smoothing);
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
        let (sum, right) = summed_loss(&hidden, &weight, width, &targets);
        assert!((sum / rows as f64 - written_out(&hidden, &weight, width, &targets, 0.0)).abs() < 1e-5);
        assert!(right < rows);
    }

    #[test]
    fn no_targets_give_no_loss() {
        let got = mean_loss(&[], &values(24, 1), 12, &[], 0.1);
        assert_eq!(got.mean, 0.0);
        assert!(got.d_weight.iter().all(|&g| g == 0.0));
    }
}
