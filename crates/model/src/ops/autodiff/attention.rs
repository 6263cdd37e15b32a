//! The backward passes of softmax attention: causal, and to projected positions.

use std::sync::Arc;

use bantam_kernels::training::attention::{self, Span};
use bantam_kernels::training::projected_attention;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};

use super::register;
use crate::ops::attention::AttentionSpec;
use crate::ops::flex::{contiguous, tensor, values};

#[derive(Debug)]
pub(super) struct AttentionBackward;

#[derive(Clone, Debug)]
pub(super) struct AttentionSaved {
    pub qkv: FlexTensor,
    pub out: FlexTensor,
    pub log_sum_exp: Arc<Vec<f32>>,
    pub spans: Arc<[Span]>,
    pub spec: AttentionSpec,
}

impl Backward<Flex, 1> for AttentionBackward {
    type State = AttentionSaved;

    fn backward(self, ops: Ops<AttentionSaved, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let saved = attention::Saved { qkv: values(&s.qkv), out: values(&s.out), log_sum_exp: &s.log_sum_exp };
        let d_qkv = attention::backward(&s.spec.shape(&s.spans), saved, values(&d_out));
        let d = [tensor(d_qkv, s.qkv.shape())];
        register(grads, ops.parents.map(|p| p.map(|n| n.id)), d);
    }
}

#[derive(Debug)]
pub(super) struct ProjectedAttentionBackward;

#[derive(Clone, Debug)]
pub(super) struct ProjectedAttentionSaved {
    pub inputs: [FlexTensor; 3],
    pub out: FlexTensor,
    pub saved: Arc<projected_attention::Saved>,
    pub shape: projected_attention::Shape,
}

impl Backward<Flex, 3> for ProjectedAttentionBackward {
    type State = ProjectedAttentionSaved;

    fn backward(self, ops: Ops<ProjectedAttentionSaved, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = contiguous(grads.consume::<Flex>(&ops.node));
        let s = &ops.state;
        let [qkv, e, f] = s.inputs.each_ref().map(values);
        let d = projected_attention::backward(&s.shape, qkv, [e, f], values(&s.out), &s.saved, values(&d_out));
        let [qkv, e, f] = s.inputs.each_ref().map(FlexTensor::shape);
        let d = [tensor(d.qkv, qkv), tensor(d.e, e), tensor(d.f, f)];
        register(grads, ops.parents.map(|p| p.map(|n| n.id)), d);
    }
}
