//! A recurrent layer in torch's form, which LSTM and GRU share: two matrices and two biases around a cell.

use bantam_kernels::training::sequence::SequenceOperation;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, with, zeros};
use super::{Initialization, ParameterGroup};
use crate::context::Precision;
use crate::ops::{self, Map};

/// What comes in from below and what the hidden vector was are mapped onto all gates.
#[derive(Module, Debug)]
pub struct RecurrentLayer {
    weight_ih: Param<Tensor<2>>,
    weight_hh: Param<Tensor<2>>,
    bias_ih: Param<Tensor<1>>,
    bias_hh: Param<Tensor<1>>,
}

impl RecurrentLayer {
    /// Zeros.
    pub(super) fn new(gates: usize, width: usize, hidden: usize, device: &Device) -> Self {
        Self {
            weight_ih: zeros([gates * hidden, width], device),
            weight_hh: zeros([gates * hidden, hidden], device),
            bias_ih: zeros([gates * hidden], device),
            bias_hh: zeros([gates * hidden], device),
        }
    }

    /// `[rows, width] -> [rows, hidden]`.
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        cell: impl SequenceOperation + 'static,
        precision: Precision,
        pass: &mut Pass<'_>,
    ) -> Tensor<2> {
        let map = Map { weight: self.weight_ih.val(), bias: Some(self.bias_ih.val()) };
        let a = ops::linear(x, &[map], None, precision);
        pass.run(cell, vec![a, self.weight_hh.val(), row(self.bias_hh.val())])
    }

    /// Multiply-adds of one position.
    pub(super) fn cost(&self) -> usize {
        [&self.weight_ih, &self.weight_hh].map(|w| w.dims().iter().product::<usize>()).iter().sum()
    }

    /// Uniform within one over the root of the hidden width, as torch begins.
    pub(super) fn groups(&self, path: &str) -> [ParameterGroup; 4] {
        let bound = 1.0 / (self.weight_hh.dims()[1] as f64).sqrt();
        let start = || Initialization::Uniform(-bound, bound);
        let path = |name: &str| format!("{path}.{name}");
        [
            with(&path("weight_ih"), true, start()),
            with(&path("weight_hh"), true, start()),
            fixed_rate(&path("bias_ih"), start()),
            fixed_rate(&path("bias_hh"), start()),
        ]
    }
}
