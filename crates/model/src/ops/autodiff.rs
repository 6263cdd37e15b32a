//! The backward passes of the fused operations, bound to Burn's automatic differentiation.
//!
//! Each keeps handles of what the forward pass saw; the node guards live until the step is registered, as Burn requires.
//! A parent without a node is frozen: its gradient is not computed where that saves work.

mod attention;

use std::sync::Arc;

use bantam_kernels::training::attention::Span;
use bantam_kernels::training::panels::Precision;
use bantam_kernels::training::sequence::Kept;
use bantam_kernels::training::{cross_entropy, feed_forward, linear, projected_attention, rms_norm, swiglu};
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex, TensorMetadata};

use super::attention::AttentionSpec;
use super::flex::{
    FusedOps, attention_forward, contiguous, feed_forward_forward, feed_forward_norm, feed_forward_weights,
    linear_forward, problem, projected_attention_forward, rms_norm_forward, sequence_forward, stacked, swiglu_forward,
    tensor, values,
};
use super::linear::LinearSpec;
use super::sequence::{INPUTS, SequenceCall};
use crate::ports::Targets;
use attention::{AttentionBackward, AttentionSaved, ProjectedAttentionBackward, ProjectedAttentionSaved};

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
        let (d_x, d_weight) = rms_norm::backward(values(&s.x), values(&s.weight), &s.inverse_rms, values(&d_y));
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
struct LinearBackward;

#[derive(Clone, Debug)]
struct LinearSaved {
    x: FlexTensor,
    weights: [FlexTensor; 3],
    biases: [FlexTensor; 3],
    spec: LinearSpec,
}

/// Parents: x, three weights, three biases, the residual.
impl Backward<Flex, 8> for LinearBackward {
    type State = LinearSaved;

    fn backward(self, ops: Ops<LinearSaved, 8>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_y = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let [x, parents @ .., residual] = ops.parents.map(|p| p.map(|n| n.id));
        let of_weights = parents.iter().any(Option::is_some);
        let w = stacked(&s.x, &s.weights, &s.biases, &s.spec);
        let d = linear::backward(values(&s.x), &w, values(&d_y), of_weights, s.spec.precision);
        if let Some(id) = residual.filter(|_| s.spec.residual) {
            grads.register::<Flex>(id, d_y.clone());
        }
        if let Some(id) = x {
            grads.register::<Flex>(id, tensor(d.x, s.x.shape()));
        }
        let operands = s.weights[..s.spec.maps].iter().zip(d.weights).zip(&parents[..3]);
        for ((weight, d), parent) in operands {
            if let Some(id) = parent {
                grads.register::<Flex>(*id, tensor(d, weight.shape()));
            }
        }
        for (d, parent) in d.biases.into_iter().zip(&parents[3..]) {
            if let Some(id) = parent.filter(|_| !d.is_empty()) {
                let n = d.len();
                grads.register::<Flex>(id, tensor(d, [n]));
            }
        }
    }
}

#[derive(Debug)]
struct FeedForwardBackward;

#[derive(Clone, Debug)]
struct FeedForwardSaved {
    shape: burn::tensor::Shape,
    norm: FlexTensor,
    weights: [FlexTensor; 3],
    saved: Arc<feed_forward::Saved>,
    epsilon: f32,
    precision: Precision,
}

/// Parents: x, what the mixer made of it, the norm, gate, up, down.
impl Backward<Flex, 6> for FeedForwardBackward {
    type State = FeedForwardSaved;

    fn backward(self, ops: Ops<FeedForwardSaved, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_y = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let [x, mixed, norm, parents @ ..] = ops.parents.map(|p| p.map(|n| n.id));
        let of_weights = parents.iter().any(Option::is_some);
        let scale = feed_forward_norm(&s.norm, s.epsilon);
        let w = feed_forward_weights(&s.weights);
        let d = feed_forward::backward(&s.saved, scale, w, values(&d_y), of_weights, s.precision);
        let d_h = tensor(d.h, s.shape.clone());
        let d_norm = tensor(d.norm, s.norm.shape());
        register(grads, [x, mixed, norm], [d_h.clone(), d_h, d_norm]);
        for ((weight, d), parent) in s.weights.iter().zip(d.weights).zip(parents) {
            if let Some(id) = parent {
                grads.register::<Flex>(id, tensor(d, weight.shape()));
            }
        }
    }
}

#[derive(Debug)]
struct SequenceBackward;

#[derive(Clone, Debug)]
struct SequenceSaved {
    inputs: [FlexTensor; INPUTS],
    out: FlexTensor,
    saved: Arc<Vec<f32>>,
    call: SequenceCall,
}

impl Backward<Flex, INPUTS> for SequenceBackward {
    type State = SequenceSaved;

    fn backward(self, ops: Ops<SequenceSaved, INPUTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let inputs: Vec<&[f32]> = s.inputs[..s.call.inputs].iter().map(values).collect();
        let kept = Kept { out: values(&s.out), saved: &s.saved };
        let gradients = s.call.operation.backward(&inputs, kept, values(&d_out), s.call.items());
        for ((parent, input), d) in ops.parents.iter().zip(&s.inputs).zip(gradients) {
            // A detached parameter is still a leaf that asks for one; constants have none.
            if let Some(node) = parent.as_ref().filter(|_| !d.is_empty()) {
                grads.register::<Flex>(node.id, tensor(d, input.shape()));
            }
        }
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

/// The gradients for a unit upstream gradient, taken in the forward pass. That of the weight is `None` if it is frozen.
#[derive(Clone, Debug)]
struct CrossEntropySaved {
    d_hidden: FlexTensor,
    d_weight: Option<FlexTensor>,
}

impl Backward<Flex, 2> for CrossEntropyBackward {
    type State = CrossEntropySaved;

    fn backward(self, ops: Ops<CrossEntropySaved, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = values(&contiguous(grads.consume::<Flex>(&ops.node)))[0];
        let Ops { parents, state, .. } = ops;
        for (parent, d) in parents.into_iter().zip([Some(state.d_hidden), state.d_weight]) {
            if let (Some(node), Some(mut d)) = (parent, d) {
                if upstream != 1.0 {
                    d.storage_mut::<f32>().iter_mut().for_each(|x| *x *= upstream);
                }
                grads.register::<Flex>(node.id, d);
            }
        }
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn causal_attention(qkv: FloatTensor<Self>, spans: Arc<[Span]>, spec: AttentionSpec) -> FloatTensor<Self> {
        let (qkv, node) = qkv.into_parts();
        let qkv = contiguous(qkv);
        let (out, log_sum_exp) = attention_forward(&qkv, &spans, &spec);
        match AttentionBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let log_sum_exp = Arc::new(log_sum_exp);
                prep.finish(AttentionSaved { qkv, out: out.clone(), log_sum_exp, spans, spec }, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn projected_attention(
        qkv: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        shape: projected_attention::Shape,
    ) -> FloatTensor<Self> {
        let parts = [qkv, e, f].map(|t| {
            let (t, node) = t.into_parts();
            (contiguous(t), node)
        });
        let [(qkv, n0), (e, n1), (f, n2)] = parts;
        let (out, saved) = projected_attention_forward(&qkv, &e, &f, &shape);
        match ProjectedAttentionBackward.prepare::<C>([n0, n1, n2]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = Arc::new(saved);
                prep.finish(ProjectedAttentionSaved { inputs: [qkv, e, f], out: out.clone(), saved, shape }, out)
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
    ) -> FloatTensor<Self> {
        let parts = [x, w0, w1, w2, b0, b1, b2, residual].map(|t| {
            let (t, node) = t.into_parts();
            (contiguous(t), node)
        });
        let [(x, n0), (w0, n1), (w1, n2), (w2, n3), (b0, n4), (b1, n5), (b2, n6), (residual, n7)] = parts;
        let (weights, biases) = ([w0, w1, w2], [b0, b1, b2]);
        let y = linear_forward(&x, &weights, &biases, &residual, &spec);
        let nodes = [n0, n1, n2, n3, n4, n5, n6, n7];
        match LinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(LinearSaved { x, weights, biases, spec }, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn feed_forward(
        x: FloatTensor<Self>,
        mixed: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        down: FloatTensor<Self>,
        epsilon: f32,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let parts = [x, mixed, norm, gate, up, down].map(|t| {
            let (t, node) = t.into_parts();
            (contiguous(t), node)
        });
        let [(x, n0), (mixed, n1), (norm, n2), (gate, n3), (up, n4), (down, n5)] = parts;
        let weights = [gate, up, down];
        let scale = feed_forward_norm(&norm, epsilon);
        let (y, saved) = feed_forward_forward(&x, &mixed, scale, &weights, precision);
        match FeedForwardBackward.prepare::<C>([n0, n1, n2, n3, n4, n5]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (shape, saved) = (x.shape(), Arc::new(saved));
                prep.finish(FeedForwardSaved { shape, norm, weights, saved, epsilon, precision }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn sequence(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        call: SequenceCall,
    ) -> FloatTensor<Self> {
        let parts = [a, b, c, d, e, f].map(|t| {
            let (t, node) = t.into_parts();
            (contiguous(t), node)
        });
        let [(a, n0), (b, n1), (c, n2), (d, n3), (e, n4), (f, n5)] = parts;
        let inputs = [a, b, c, d, e, f];
        let (out, saved) = sequence_forward(&inputs, &call);
        match SequenceBackward.prepare::<C>([n0, n1, n2, n3, n4, n5]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = SequenceSaved { inputs, out: out.clone(), saved: Arc::new(saved), call };
                prep.finish(saved, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: Targets,
        label_smoothing: f32,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let of_weight = weight.is_tracked();
        let ((hidden, hidden_node), (weight, weight_node)) = (hidden.into_parts(), weight.into_parts());
        let (hidden, weight) = (contiguous(hidden), contiguous(weight));
        let problem = problem(&hidden, &weight, &targets);
        let loss = cross_entropy::mean_loss(problem, label_smoothing, of_weight, precision);
        let out = tensor(vec![loss.mean], [1]);
        match CrossEntropyBackward.prepare::<C>([hidden_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = CrossEntropySaved {
                    d_hidden: tensor(loss.d_hidden, hidden.shape()),
                    d_weight: of_weight.then(|| tensor(loss.d_weight, weight.shape())),
                };
                prep.finish(saved, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}
