//! What does it take to predict a vector without learning anything deep? The mean of all vectors, the last one, the mean of the context,
//! a linear map of both.

use std::collections::BTreeMap;

use bantam_kernels::ridge::{LinearMap, Ridge};
use serde_json::{Value, json};

use super::Window;

/// The floors' names.
pub const NAMES: [&str; 4] = ["mean", "copy_last", "context_mean", "ridge"];
/// What they are.
pub(super) const WORDS: [(&str, &str); 4] = [
    (
        "mean",
        "the mean of the vectors that are predicted in training; its cosine is high where vectors share a direction",
    ),
    ("copy_last", "the vector before"),
    ("context_mean", "the mean of the window's vectors so far"),
    (
        "ridge",
        "ridge regression from the vector before and the mean of those so far, its penalty chosen on the validation documents",
    ),
];
/// Penalties tried, as shares of the inputs' mean square.
const PENALTIES: [f64; 6] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];

/// The floors, fitted.
#[derive(Clone, Debug)]
pub struct Floors {
    size: usize,
    mean: Vec<f32>,
    ridge: LinearMap,
    penalty: f64,
}

impl Floors {
    /// Fits on windows of the training documents, and chooses the penalty on those of validation.
    ///
    /// # Panics
    /// If there is no window to fit.
    pub fn fit(size: usize, train: &[Window<'_>], valid: &[Window<'_>]) -> Self {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for window in train {
            inputs(window.vectors, size).iter().for_each(|i| x.extend_from_slice(i));
            y.extend_from_slice(&window.vectors[size..]);
        }
        let ridge = Ridge::new(&x, &y, 2 * size, size);
        let error = |map: &LinearMap| -> f64 {
            let of = |window: &Window<'_>| -> f64 {
                let predicted = inputs(window.vectors, size).iter().flat_map(|x| map.apply(x)).collect::<Vec<f32>>();
                predicted.iter().zip(&window.vectors[size..]).map(|(a, b)| f64::from(a - b).powi(2)).sum()
            };
            valid.iter().map(of).sum()
        };
        let scale = ridge.mean_square().max(f64::MIN_POSITIVE);
        let fitted = |penalty: f64| {
            let map = ridge.solve(penalty * scale);
            (error(&map), penalty, map)
        };
        let best = PENALTIES.into_iter().map(fitted).min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, penalty, map) = best.unwrap_or_else(|| unreachable!("there are penalties"));
        let mut mean = vec![0f64; size];
        y.chunks_exact(size).for_each(|v| mean.iter_mut().zip(v).for_each(|(m, v)| *m += f64::from(*v)));
        let n = (y.len() / size) as f64;
        Self { size, mean: mean.iter().map(|m| (m / n) as f32).collect(), ridge: map, penalty }
    }

    /// What a floor says of each vector of a window but the first.
    ///
    /// # Panics
    /// If it is none of [`NAMES`].
    pub fn predict(&self, name: &str, vectors: &[f32]) -> Vec<f32> {
        let size = self.size;
        let before = &vectors[..vectors.len() - size];
        match name {
            "mean" => self.mean.repeat(before.len() / size),
            "copy_last" => before.to_vec(),
            "context_mean" => inputs(vectors, size).iter().flat_map(|i| i[size..].to_vec()).collect(),
            "ridge" => inputs(vectors, size).iter().flat_map(|i| self.ridge.apply(i)).collect(),
            other => panic!("no floor {other}"),
        }
    }

    pub(super) fn settings(&self) -> BTreeMap<String, Value> {
        [("ridge_penalty".to_owned(), json!(self.penalty))].into()
    }
}

/// For each vector of a window but the first: the vector before, and the mean of those before it.
fn inputs(vectors: &[f32], size: usize) -> Vec<Vec<f32>> {
    let mut sums = vec![0f64; size];
    let last = vectors.len() / size - 1;
    let at = |(t, vector): (usize, &[f32])| {
        sums.iter_mut().zip(vector).for_each(|(s, v)| *s += f64::from(*v));
        let mean = sums.iter().map(|s| (s / (t + 1) as f64) as f32);
        vector.iter().copied().chain(mean).collect()
    };
    vectors.chunks_exact(size).take(last).enumerate().map(at).collect()
}
