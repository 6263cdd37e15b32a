//! Output projection and cross-entropy.

use bantam_kernels::training::panels::Precision;
use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor, TensorData, activation};

use super::flex::FusedOps;
use super::is_flex;
use crate::ports::Targets;

/// Mean over the targets of the cross-entropy of `hidden weight^T`, a tensor of one value; `hidden` `[rows, width]`,
/// `weight` `[vocabulary, width]`. The smoothed loss mixes in the uniform distribution with weight `label_smoothing`.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    targets: &Targets,
    label_smoothing: f32,
    precision: Precision,
) -> Tensor<1> {
    if !is_flex(&hidden) {
        return composed_linear_cross_entropy(hidden, weight, targets, label_smoothing);
    }
    let (hidden, weight) = (hidden.into_dispatch(), weight.into_dispatch());
    let loss =
        <Dispatch as FusedOps>::linear_cross_entropy(hidden, weight, targets.clone(), label_smoothing, precision);
    Tensor::from_dispatch(loss)
}

/// The log-probabilities at the targets' rows, `[targets, vocabulary]`, from Burn's operations.
fn log_probabilities(hidden: Tensor<2>, weight: Tensor<2>, targets: &Targets) -> Tensor<2> {
    let rows: Vec<i32> = targets.rows.iter().map(|&r| r as i32).collect();
    let n = rows.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [n]), &hidden.device());
    activation::log_softmax(hidden.select(0, rows).matmul(weight.transpose()), 1)
}

fn target_column(targets: &Targets, like: &Tensor<2>) -> Tensor<2, Int> {
    let tokens: Vec<i32> = targets.tokens.iter().map(|&t| t as i32).collect();
    let n = tokens.len();
    Tensor::from_data(TensorData::new(tokens, [n, 1]), &like.device())
}

/// The same from Burn's operations, with all logits in memory.
pub fn composed_linear_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    targets: &Targets,
    label_smoothing: f32,
) -> Tensor<1> {
    let log_p = log_probabilities(hidden, weight, targets);
    let right = log_p.clone().gather(1, target_column(targets, &log_p)).mean();
    (right * (1.0 - label_smoothing) + log_p.mean() * label_smoothing).neg()
}

/// Summed cross-entropy (nats) and the number of targets that are the most likely token.
pub fn summed_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    targets: &Targets,
    precision: Precision,
) -> (f64, usize) {
    if is_flex(&hidden) {
        return super::flex::summed_cross_entropy(hidden, weight, targets, precision);
    }
    let log_p = log_probabilities(hidden, weight, targets);
    let column = target_column(targets, &log_p);
    let nats = log_p.clone().gather(1, column.clone()).into_data().iter::<f64>().sum::<f64>();
    let right = log_p.argmax(1).equal(column).int().sum().into_data().iter::<i64>().sum::<i64>();
    (-nats, right as usize)
}
