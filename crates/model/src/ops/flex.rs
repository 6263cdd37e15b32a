//! The fused operations bound to Burn's Flex backend.
//!
//! Burn's backend extension routes by the tensors' backend at run time; gradients are in `autodiff.rs`.

use std::sync::Arc;

use bantam_kernels::training::attention::{self, Span};
use bantam_kernels::training::cross_entropy::{self, Problem};
use bantam_kernels::training::feed_forward;
use bantam_kernels::training::linear::{self, Stacked};
use bantam_kernels::training::panels::Precision;
use bantam_kernels::training::{projected_attention, rms_norm, swiglu};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

use super::attention::AttentionSpec;
use super::linear::LinearSpec;
use super::sequence::{INPUTS, SequenceCall};
use crate::ports::Targets;

/// The fused operations. See the functions of the same names in this module's parent.
#[backend_extension(Flex, Autodiff)]
#[allow(clippy::too_many_arguments)]
pub(super) trait FusedOps: Backend {
    fn causal_attention(qkv: FloatTensor<Self>, spans: Arc<[Span]>, spec: AttentionSpec) -> FloatTensor<Self>;
    fn projected_attention(
        qkv: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        shape: projected_attention::Shape,
    ) -> FloatTensor<Self>;
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self>;
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
    fn linear(
        x: FloatTensor<Self>,
        w0: FloatTensor<Self>,
        w1: FloatTensor<Self>,
        w2: FloatTensor<Self>,
        b0: FloatTensor<Self>,
        b1: FloatTensor<Self>,
        b2: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        spec: LinearSpec,
    ) -> FloatTensor<Self>;
    fn feed_forward(
        x: FloatTensor<Self>,
        mixed: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        down: FloatTensor<Self>,
        epsilon: f32,
        precision: Precision,
    ) -> FloatTensor<Self>;
    fn sequence(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        call: SequenceCall,
    ) -> FloatTensor<Self>;
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: Targets,
        label_smoothing: f32,
        precision: Precision,
    ) -> FloatTensor<Self>;
}

pub(super) fn tensor(values: Vec<f32>, shape: impl Into<burn::tensor::Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The values in row-major order; `x` must be contiguous (see [`contiguous`]).
pub(super) fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice::<f32>().expect("contiguous f32")
}

pub(super) fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() { x } else { x.to_contiguous() }
}

pub(super) fn attention_forward(qkv: &FlexTensor, spans: &[Span], spec: &AttentionSpec) -> (FlexTensor, Vec<f32>) {
    let shape = spec.shape(spans);
    let (out, log_sum_exp) = attention::forward(&shape, values(qkv));
    (tensor(out, [qkv.shape()[0], shape.width()]), log_sum_exp)
}

pub(super) fn projected_attention_forward(
    qkv: &FlexTensor,
    e: &FlexTensor,
    f: &FlexTensor,
    shape: &projected_attention::Shape,
) -> (FlexTensor, projected_attention::Saved) {
    let (out, saved) = projected_attention::forward(shape, values(qkv), values(e), values(f));
    (tensor(out, [qkv.shape()[0], shape.heads * shape.width]), saved)
}

pub(super) fn rms_norm_forward(x: &FlexTensor, weight: &FlexTensor, epsilon: f32) -> (FlexTensor, Vec<f32>) {
    let (y, inverse_rms) = rms_norm::forward(values(x), values(weight), epsilon);
    (tensor(y, x.shape()), inverse_rms)
}

pub(super) fn swiglu_forward(gate: &FlexTensor, up: &FlexTensor) -> FlexTensor {
    let mut out = vec![0.0; values(gate).len()];
    swiglu::forward(values(gate), values(up), &mut out);
    tensor(out, gate.shape())
}

/// The kernel's view of a call's weights and biases.
pub(super) fn stacked<'a>(
    x: &FlexTensor,
    weights: &'a [FlexTensor; 3],
    biases: &'a [FlexTensor; 3],
    spec: &LinearSpec,
) -> Stacked<'a> {
    Stacked {
        inputs: x.shape()[1],
        weights: weights[..spec.maps].iter().map(values).collect(),
        biases: (0..spec.maps).map(|i| spec.biases[i].then(|| values(&biases[i]))).collect(),
    }
}

pub(super) fn linear_forward(
    x: &FlexTensor,
    weights: &[FlexTensor; 3],
    biases: &[FlexTensor; 3],
    residual: &FlexTensor,
    spec: &LinearSpec,
) -> FlexTensor {
    let stacked = stacked(x, weights, biases, spec);
    let y = linear::forward(values(x), &stacked, spec.residual.then(|| values(residual)), spec.precision);
    tensor(y, [x.shape()[0], stacked.width()])
}

pub(super) fn feed_forward_weights(weights: &[FlexTensor; 3]) -> feed_forward::Weights<'_> {
    let [gate, up, down] = weights;
    feed_forward::Weights { gate: values(gate), up: values(up), down: values(down), width: gate.shape()[1] }
}

pub(super) fn feed_forward_norm(weight: &FlexTensor, epsilon: f32) -> feed_forward::Norm<'_> {
    feed_forward::Norm { weight: values(weight), epsilon }
}

pub(super) fn feed_forward_forward(
    x: &FlexTensor,
    mixed: &FlexTensor,
    norm: feed_forward::Norm<'_>,
    weights: &[FlexTensor; 3],
    precision: Precision,
) -> (FlexTensor, feed_forward::Saved) {
    let (y, saved) = feed_forward::forward(values(x), values(mixed), norm, feed_forward_weights(weights), precision);
    (tensor(y, x.shape()), saved)
}

/// The output, and what the backward pass wants to have kept; the last states go to the call.
pub(super) fn sequence_forward(inputs: &[FlexTensor; INPUTS], call: &SequenceCall) -> (FlexTensor, Vec<f32>) {
    let given: Vec<&[f32]> = inputs[..call.inputs].iter().map(values).collect();
    let done = call.operation.forward(&given, call.items());
    // A pass that is run again to save memory ends in the same states.
    let _ = call.last.set(done.last);
    (tensor(done.out, [call.rows, call.operation.width()]), done.saved)
}

pub(super) fn problem<'a>(hidden: &'a FlexTensor, weight: &'a FlexTensor, targets: &'a Targets) -> Problem<'a> {
    Problem {
        hidden: values(hidden),
        weight: values(weight),
        width: hidden.shape()[1],
        rows: &targets.rows,
        targets: &targets.tokens,
    }
}

impl FusedOps for Flex {
    fn causal_attention(qkv: FlexTensor, spans: Arc<[Span]>, spec: AttentionSpec) -> FlexTensor {
        attention_forward(&contiguous(qkv), &spans, &spec).0
    }

    fn projected_attention(
        qkv: FlexTensor,
        e: FlexTensor,
        f: FlexTensor,
        shape: projected_attention::Shape,
    ) -> FlexTensor {
        projected_attention_forward(&contiguous(qkv), &contiguous(e), &contiguous(f), &shape).0
    }

    fn rms_norm(x: FlexTensor, weight: FlexTensor, epsilon: f32) -> FlexTensor {
        rms_norm_forward(&contiguous(x), &contiguous(weight), epsilon).0
    }

    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        swiglu_forward(&contiguous(gate), &contiguous(up))
    }

    fn linear(
        x: FlexTensor,
        w0: FlexTensor,
        w1: FlexTensor,
        w2: FlexTensor,
        b0: FlexTensor,
        b1: FlexTensor,
        b2: FlexTensor,
        residual: FlexTensor,
        spec: LinearSpec,
    ) -> FlexTensor {
        let (weights, biases) = ([w0, w1, w2].map(contiguous), [b0, b1, b2].map(contiguous));
        linear_forward(&contiguous(x), &weights, &biases, &contiguous(residual), &spec)
    }

    fn feed_forward(
        x: FlexTensor,
        mixed: FlexTensor,
        norm: FlexTensor,
        gate: FlexTensor,
        up: FlexTensor,
        down: FlexTensor,
        epsilon: f32,
        precision: Precision,
    ) -> FlexTensor {
        let ([x, mixed, norm], weights) = ([x, mixed, norm].map(contiguous), [gate, up, down].map(contiguous));
        feed_forward_forward(&x, &mixed, feed_forward_norm(&norm, epsilon), &weights, precision).0
    }

    fn sequence(
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
        f: FlexTensor,
        call: SequenceCall,
    ) -> FlexTensor {
        sequence_forward(&[a, b, c, d, e, f].map(contiguous), &call).0
    }

    fn linear_cross_entropy(
        hidden: FlexTensor,
        weight: FlexTensor,
        targets: Targets,
        label_smoothing: f32,
        precision: Precision,
    ) -> FlexTensor {
        let (hidden, weight) = (contiguous(hidden), contiguous(weight));
        let loss = cross_entropy::mean_loss(problem(&hidden, &weight, &targets), label_smoothing, false, precision);
        tensor(vec![loss.mean], [1])
    }
}

/// Summed cross-entropy and correct tokens over `targets`, without gradients.
pub(super) fn summed_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    targets: &Targets,
    precision: Precision,
) -> (f64, usize) {
    let primitive = |x: Tensor<2>| contiguous(x.inner().try_into_primitive::<Flex>().expect("a Flex tensor"));
    let (hidden, weight) = (primitive(hidden), primitive(weight));
    cross_entropy::summed_loss(problem(&hidden, &weight, targets), precision)
}

/// Passes the values of a tensor without gradients through `change`; in place if nothing else holds them.
pub(crate) fn change_values<const D: usize>(x: Tensor<D>, change: impl FnOnce(&mut [f32])) -> Tensor<D> {
    let (shape, device) = (x.dims(), x.device());
    if super::is_flex(&x) {
        let mut x = contiguous(x.try_into_primitive::<Flex>().expect("a Flex tensor"));
        change(x.storage_mut::<f32>());
        return Tensor::from_primitive::<Flex>(x);
    }
    let mut values: Vec<f32> = x.into_data().try_into_vec().expect("f32 values");
    change(&mut values);
    Tensor::from_data(TensorData::new(values, shape), &device)
}
