//! Where the tensors of one layer's mixer come from while a model is built.

use bantam_core::Result;
use bantam_formats::TensorData;
use bantam_kernels::inference::WeightMemory;

use crate::linear::Linear;

/// Tensors by their names within the mixer (`docs/mixers.md`), which are there and have their shapes, and where packed ones go.
pub(crate) struct MixerTensors<'s, 'a>(pub &'s dyn Fn(&str) -> Result<TensorData<'a>>, pub &'s WeightMemory);

impl MixerTensors<'_, '_> {
    /// Every element, as f32.
    pub fn values(&self, name: &str) -> Result<Vec<f32>> {
        (self.0)(name).map(|t| t.to_f32())
    }

    /// The elements of a matrix `[rows, columns]` turned, so that loops run along what were its rows.
    pub fn turned(&self, name: &str, columns: usize) -> Result<Vec<f32>> {
        let values = self.values(name)?;
        let rows = values.len() / columns;
        Ok((0..values.len()).map(|i| values[i % rows * columns + i / rows]).collect())
    }

    /// Matrices `[.., cols]` one above the other, without biases.
    pub fn linear(&self, names: &[&str], cols: usize) -> Result<Linear> {
        let weights = names.iter().map(|name| (self.0)(name)).collect::<Result<Vec<_>>>()?;
        Linear::pack(&weights, &vec![None; names.len()], cols, self.1)
    }

    /// A matrix `[.., cols]` with a bias.
    pub fn linear_with(&self, name: &str, bias: Vec<f32>, cols: usize) -> Result<Linear> {
        Linear::pack(&[(self.0)(name)?], &[Some(bias)], cols, self.1)
    }
}
