//! A linear map whose matrix is frozen in 4 bits: it is read back for each product, forward and backward, and never kept.

use std::sync::Arc;

use bantam_kernels::codec::nf4::Nf4;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};

use crate::ops::is_flex;

/// A matrix in NF4 with double quantization.
#[derive(Clone, Debug)]
pub struct FrozenMatrix {
    values: Nf4,
    shape: [usize; 2],
}

impl FrozenMatrix {
    /// Quantizes a row-major matrix of `shape` `[out, in]`.
    pub fn quantize(values: &[f32], shape: [usize; 2]) -> Self {
        assert_eq!(values.len(), shape[0] * shape[1]);
        Self { values: Nf4::quantize(values), shape }
    }

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.values.bytes()
    }

    /// The values read back, row-major.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.values.len()];
        self.values.dequantize(&mut values);
        values
    }

    fn data(&self) -> TensorData {
        TensorData::new(self.to_f32(), self.shape)
    }
}

/// `x W^T`; `x` `[rows, in]`. Gradients go to `x` only.
///
/// On Flex the f32 matrix lives only during a product. Other backends are given it for each call, and their automatic
/// differentiation keeps it until the backward pass.
pub fn frozen_linear(x: Tensor<2>, weight: &Arc<FrozenMatrix>) -> Tensor<2> {
    if is_flex(&x) {
        let y = <Dispatch as FrozenOps>::frozen_linear(x.into_dispatch(), weight.clone());
        return Tensor::from_dispatch(y);
    }
    let weight = Tensor::<2>::from_data(weight.data(), &x.device());
    x.matmul(weight.transpose())
}

#[backend_extension(Flex, Autodiff)]
trait FrozenOps: Backend {
    fn frozen_linear(x: FloatTensor<Self>, weight: Arc<FrozenMatrix>) -> FloatTensor<Self>;
}

impl FrozenOps for Flex {
    fn frozen_linear(x: FlexTensor, weight: Arc<FrozenMatrix>) -> FlexTensor {
        let weight = Flex::float_swap_dims(FlexTensor::from_data(weight.data()), 0, 1);
        Flex::float_matmul(x, weight)
    }
}

#[derive(Debug)]
struct FrozenBackward;

impl Backward<Flex, 1> for FrozenBackward {
    type State = Arc<FrozenMatrix>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_y = grads.consume::<Flex>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<Flex>(parent.id, Flex::float_matmul(d_y, FlexTensor::from_data(ops.state.data())));
        }
    }
}

impl<C: CheckpointStrategy> FrozenOps for Autodiff<Flex, C> {
    fn frozen_linear(x: FloatTensor<Self>, weight: Arc<FrozenMatrix>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let y = Flex::frozen_linear(x, weight.clone());
        match FrozenBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(weight, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
