//! A weight matrix, or several that read the same input, packed for the kernels.

use std::borrow::Cow;

use bantam_core::{Error, Result};
use bantam_formats::{DType, TensorData};
use bantam_kernels::inference::{Isa, PackedMatrix, PackedRows, Pool, ProductInput, WeightMemory, multiply};

/// `y = W x + b`, where W may be several stored matrices one above the other. Weights keep their stored number format.
pub struct Linear {
    parts: Vec<PackedMatrix>,
    bias: Option<Vec<f32>>,
    rows: usize,
    cols: usize,
}

impl Linear {
    /// Packs matrices `[out, cols]` one above the other; `biases` has one entry for each, which may be absent; into `memory`.
    /// Neighbours of one number format become one product.
    pub fn pack(
        weights: &[TensorData<'_>],
        biases: &[Option<Vec<f32>>],
        cols: usize,
        memory: &WeightMemory,
    ) -> Result<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        while start < weights.len() {
            let dtype = weights[start].dtype;
            let same = weights[start..].iter().take_while(|w| w.dtype == dtype).count();
            parts.push(pack_rows(&weights[start..start + same], cols, memory)?);
            start += same;
        }
        let rows = parts.iter().map(PackedMatrix::rows).sum();
        let bias = biases.iter().any(Option::is_some).then(|| {
            let one = |(weight, bias): (&TensorData<'_>, &Option<Vec<f32>>)| {
                bias.clone().unwrap_or_else(|| vec![0.0; weight.shape[0]])
            };
            weights.iter().zip(biases).flat_map(one).collect::<Vec<f32>>()
        });
        if bias.as_ref().is_some_and(|b| b.len() != rows) {
            return Err(Error::internal("runtime::linear", "a bias does not have its matrix's rows"));
        }
        Ok(Self { parts, bias, rows, cols })
    }

    /// The product for `tokens` rows of `x` (`[tokens, cols]`) into `out` (`[tokens, rows]`).
    pub fn apply(&self, isa: Isa, pool: &Pool, x: &[f32], tokens: usize, input: &mut ProductInput, out: &mut [f32]) {
        let mut start = 0;
        for part in &self.parts {
            multiply(isa, pool, part, x, tokens, input, &mut out[start..], self.rows);
            start += part.rows();
        }
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(self.rows) {
                row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes of memory that the weights take.
    pub fn byte_len(&self) -> usize {
        self.parts.iter().map(PackedMatrix::byte_len).sum::<usize>() + self.bias.as_ref().map_or(0, |b| b.len() * 4)
    }
}

/// Packs matrices `[rows, cols]` of one number format, one above the other.
pub(crate) fn pack_rows(weights: &[TensorData<'_>], cols: usize, memory: &WeightMemory) -> Result<PackedMatrix> {
    let Some(format) = weights.first().map(|w| w.dtype) else {
        return Err(Error::internal("runtime::linear", "no matrix to pack"));
    };
    let rows: Vec<_> = weights.iter().map(|w| PackedRows { rows: w.shape[0], bytes: &w.bytes }).collect();
    PackedMatrix::pack(format, cols, &rows, memory)
        .ok_or_else(|| Error::internal("runtime::linear", "a matrix's bytes do not have its shape"))
}

/// f32 values at hand as the tensor data that the packing reads.
pub(crate) fn from_f32<'a>(shape: &[usize], values: &'a [f32]) -> TensorData<'a> {
    let bytes = if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    TensorData { dtype: DType::F32, shape: shape.to_vec(), bytes }
}
