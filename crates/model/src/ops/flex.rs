//! The fused operations bound to Burn's Flex backend, and their backward passes bound to its automatic differentiation.
//!
//! Burn's backend extension routes by the tensors' backend at run time. Each backward step keeps handles of what the
//! forward pass saw; the node guards live until the step is registered, as Burn requires.

use std::sync::Arc;

use bantam_kernels::training::{attention, cross_entropy, rms_norm, swiglu};
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

use super::attention::AttentionSpec;
use crate::ports::Targets;

/// The fused operations. See the functions of the same names in this module's parent.
#[backend_extension(Flex, Autodiff)]
pub(super) trait FusedOps: Backend {
    fn packed_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self>;
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self>;
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        rows: Arc<[u32]>,
        targets: Arc<[u32]>,
        label_smoothing: f32,
    ) -> FloatTensor<Self>;
}

fn tensor(values: Vec<f32>, shape: impl Into<burn::tensor::Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The values in row-major order; `x` must be contiguous (see [`contiguous`]).
fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice::<f32>().expect("contiguous f32")
}

fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() { x } else { x.to_contiguous() }
}

fn attention_forward(q: &FlexTensor, k: &FlexTensor, v: &FlexTensor, spec: &AttentionSpec) -> (FlexTensor, Vec<f32>) {
    let rows = q.shape()[0];
    let mut out = vec![0.0; values(q).len()];
    let mut log_sum_exp = vec![0.0; rows * spec.heads];
    attention::forward(&spec.shape(), values(q), values(k), values(v), &mut out, &mut log_sum_exp);
    (tensor(out, q.shape()), log_sum_exp)
}

fn rms_norm_forward(x: &FlexTensor, weight: &FlexTensor, epsilon: f32) -> (FlexTensor, Vec<f32>) {
    let mut y = vec![0.0; values(x).len()];
    let mut inverse_rms = vec![0.0; x.shape()[0]];
    rms_norm::forward(values(x), values(weight), epsilon, &mut y, &mut inverse_rms);
    (tensor(y, x.shape()), inverse_rms)
}

fn swiglu_forward(gate: &FlexTensor, up: &FlexTensor) -> FlexTensor {
    let mut out = vec![0.0; values(gate).len()];
    swiglu::forward(values(gate), values(up), &mut out);
    tensor(out, gate.shape())
}

/// The rows of `hidden` that have a target, one after the other.
fn gather(hidden: &FlexTensor, rows: &[u32]) -> Vec<f32> {
    let width = hidden.shape()[1];
    let hidden = values(hidden);
    rows.iter().flat_map(|&r| &hidden[r as usize * width..][..width]).copied().collect()
}

impl FusedOps for Flex {
    fn packed_attention(q: FlexTensor, k: FlexTensor, v: FlexTensor, spec: AttentionSpec) -> FlexTensor {
        attention_forward(&contiguous(q), &contiguous(k), &contiguous(v), &spec).0
    }

    fn rms_norm(x: FlexTensor, weight: FlexTensor, epsilon: f32) -> FlexTensor {
        rms_norm_forward(&contiguous(x), &contiguous(weight), epsilon).0
    }

    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        swiglu_forward(&contiguous(gate), &contiguous(up))
    }

    fn linear_cross_entropy(
        hidden: FlexTensor,
        weight: FlexTensor,
        rows: Arc<[u32]>,
        targets: Arc<[u32]>,
        label_smoothing: f32,
    ) -> FlexTensor {
        let (hidden, weight) = (contiguous(hidden), contiguous(weight));
        let width = hidden.shape()[1];
        let loss = cross_entropy::mean_loss(&gather(&hidden, &rows), values(&weight), width, &targets, label_smoothing);
        tensor(vec![loss.mean], [1])
    }
}

/// Summed cross-entropy and correct tokens over `targets`, without gradients.
pub(super) fn summed_cross_entropy(hidden: Tensor<2>, weight: Tensor<2>, targets: &Targets) -> (f64, usize) {
    let width = hidden.dims()[1];
    let primitive = |x: Tensor<2>| contiguous(x.inner().try_into_primitive::<Flex>().expect("a Flex tensor"));
    let (hidden, weight) = (primitive(hidden), primitive(weight));
    cross_entropy::summed_loss(&gather(&hidden, &targets.rows), values(&weight), width, &targets.tokens)
}

#[derive(Debug)]
struct AttentionBackward;

#[derive(Clone, Debug)]
struct AttentionSaved {
    q: FlexTensor,
    k: FlexTensor,
    v: FlexTensor,
    out: FlexTensor,
    log_sum_exp: Arc<Vec<f32>>,
    spec: AttentionSpec,
}

impl Backward<Flex, 3> for AttentionBackward {
    type State = AttentionSaved;

    fn backward(self, ops: Ops<AttentionSaved, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let [mut d_q, mut d_k, mut d_v] = [&s.q, &s.k, &s.v].map(|x| vec![0.0; values(x).len()]);
        let saved = attention::Saved {
            q: values(&s.q),
            k: values(&s.k),
            v: values(&s.v),
            out: values(&s.out),
            log_sum_exp: &s.log_sum_exp,
        };
        attention::backward(&s.spec.shape(), saved, values(&d_out), &mut d_q, &mut d_k, &mut d_v);
        let d = [(d_q, &s.q), (d_k, &s.k), (d_v, &s.v)].map(|(d, like)| tensor(d, like.shape()));
        register(grads, ops.parents.map(|p| p.map(|n| n.id)), d);
    }
}

/// Hands each gradient to the parent that asked for one.
fn register<const N: usize>(grads: &mut Gradients, parents: [Option<NodeId>; N], gradients: [FlexTensor; N]) {
    for (parent, gradient) in parents.into_iter().zip(gradients) {
        if let Some(id) = parent {
            grads.register::<Flex>(id, gradient);
        }
    }
}

#[derive(Debug)]
struct RmsNormBackward;

#[derive(Clone, Debug)]
struct RmsNormSaved {
    x: FlexTensor,
    weight: FlexTensor,
    inverse_rms: Arc<Vec<f32>>,
}

impl Backward<Flex, 2> for RmsNormBackward {
    type State = RmsNormSaved;

    fn backward(self, ops: Ops<RmsNormSaved, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_y = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let mut d_x = vec![0.0; values(&s.x).len()];
        let d_weight = rms_norm::backward(values(&s.x), values(&s.weight), &s.inverse_rms, values(&d_y), &mut d_x);
        let d = [tensor(d_x, s.x.shape()), tensor(d_weight, s.weight.shape())];
        register(grads, ops.parents.map(|p| p.map(|n| n.id)), d);
    }
}

#[derive(Debug)]
struct SwigluBackward;

impl Backward<Flex, 2> for SwigluBackward {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = contiguous(grads.consume::<Flex>(&ops.node));
        let (gate, up) = &ops.state;
        let n = values(gate).len();
        let (mut d_gate, mut d_up) = (vec![0.0; n], vec![0.0; n]);
        swiglu::backward(values(gate), values(up), values(&d_out), &mut d_gate, &mut d_up);
        let d = [tensor(d_gate, gate.shape()), tensor(d_up, up.shape())];
        register(grads, ops.parents.map(|p| p.map(|n| n.id)), d);
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

/// The gradients for a unit upstream gradient, taken in the forward pass.
#[derive(Clone, Debug)]
struct CrossEntropySaved {
    d_hidden: FlexTensor,
    d_weight: FlexTensor,
}

impl Backward<Flex, 2> for CrossEntropyBackward {
    type State = CrossEntropySaved;

    fn backward(self, ops: Ops<CrossEntropySaved, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = values(&contiguous(grads.consume::<Flex>(&ops.node)))[0];
        let Ops { parents, state, .. } = ops;
        let scaled = |mut x: FlexTensor| {
            if upstream != 1.0 {
                x.storage_mut::<f32>().iter_mut().for_each(|x| *x *= upstream);
            }
            x
        };
        let d = [scaled(state.d_hidden), scaled(state.d_weight)];
        register(grads, parents.map(|p| p.map(|n| n.id)), d);
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn packed_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        let ((q, q_node), (k, k_node), (v, v_node)) = (q.into_parts(), k.into_parts(), v.into_parts());
        let (q, k, v) = (contiguous(q), contiguous(k), contiguous(v));
        let (out, log_sum_exp) = attention_forward(&q, &k, &v, &spec);
        match AttentionBackward.prepare::<C>([q_node, k_node, v_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let log_sum_exp = Arc::new(log_sum_exp);
                prep.finish(AttentionSaved { q, k, v, out: out.clone(), log_sum_exp, spec }, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self> {
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (x, weight) = (contiguous(x), contiguous(weight));
        let (y, inverse_rms) = rms_norm_forward(&x, &weight, epsilon);
        match RmsNormBackward.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(RmsNormSaved { x, weight, inverse_rms: Arc::new(inverse_rms) }, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let ((gate, gate_node), (up, up_node)) = (gate.into_parts(), up.into_parts());
        let (gate, up) = (contiguous(gate), contiguous(up));
        let out = swiglu_forward(&gate, &up);
        match SwigluBackward.prepare::<C>([gate_node, up_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((gate, up), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        rows: Arc<[u32]>,
        targets: Arc<[u32]>,
        label_smoothing: f32,
    ) -> FloatTensor<Self> {
        let ((hidden, hidden_node), (weight, weight_node)) = (hidden.into_parts(), weight.into_parts());
        let (hidden, weight) = (contiguous(hidden), contiguous(weight));
        let width = hidden.shape()[1];
        let loss = cross_entropy::mean_loss(&gather(&hidden, &rows), values(&weight), width, &targets, label_smoothing);
        let out = tensor(vec![loss.mean], [1]);
        match CrossEntropyBackward.prepare::<C>([hidden_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let mut d_hidden = vec![0.0; values(&hidden).len()];
                for (&row, d) in rows.iter().zip(loss.d_hidden.chunks_exact(width)) {
                    for (to, from) in d_hidden[row as usize * width..][..width].iter_mut().zip(d) {
                        *to += from;
                    }
                }
                let saved = CrossEntropySaved {
                    d_hidden: tensor(d_hidden, hidden.shape()),
                    d_weight: tensor(loss.d_weight, weight.shape()),
                };
                prep.finish(saved, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}
