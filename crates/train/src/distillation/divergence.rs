//! How far is one distribution from another? Kullback-Leibler, either way round.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Whose tokens the divergence is averaged over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// KL(teacher || student).
    Forward,
    /// KL(student || teacher).
    Reverse,
}

/// The mean over rows of the divergence between two sets of log-probabilities, `[rows, classes]` each; one value.
pub fn divergence(student: Tensor<2>, teacher: Tensor<2>, direction: Direction) -> Tensor<1> {
    let rows = student.dims()[0] as f32;
    let (p, log_p, log_q) = match direction {
        Direction::Forward => (teacher.clone().exp(), teacher, student),
        Direction::Reverse => (student.clone().exp(), student, teacher),
    };
    (p * (log_p - log_q)).sum() / rows
}
