//! A token model: in-port, backbone, out-port.

use bantam_formats::ModelConfig;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::backbone::Backbone;
use crate::context::{Precision, SequenceContext};
use crate::linear::Linear;
use crate::ports::{Targets, TokenInPort, TokenOutPort};
use crate::weights::hugging_face_name;

/// Tokens to logits.
#[derive(Module, Debug)]
pub struct TokenModel {
    in_port: TokenInPort,
    backbone: Backbone,
    out_port: TokenOutPort,
}

impl TokenModel {
    /// A model of the configured shape with matrices of zeros; fill it with [`crate::weights`].
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            in_port: TokenInPort::new(config, device),
            backbone: Backbone::new(config, device),
            out_port: TokenOutPort::new(config, device),
        }
    }

    /// The blocks between the ports.
    pub fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    /// The linear maps of the blocks by Hugging Face's names, such as `model.layers.0.self_attn.q_proj`, in the order of
    /// the forward pass.
    pub(crate) fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let mut all = Vec::new();
        for (layer, block) in self.backbone.blocks_mut().iter_mut().enumerate() {
            for (path, linear) in block.linears_mut() {
                all.push((hugging_face_name(&format!("backbone.blocks.{layer}.{path}")), linear));
            }
        }
        all
    }

    /// `[batch, time]` token ids to the first block's input, `[batch, time, width]`.
    pub fn embed(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<3> {
        let x = self.in_port.forward(tokens, context);
        match context.dropout() {
            Some(dropout) => dropout.apply(x, "embedding"),
            None => x,
        }
    }

    /// Whether gradients are taken of the embedding.
    pub fn trains_embedding(&self) -> bool {
        self.in_port.embedding.val().is_require_grad()
    }

    /// What the last block makes of the tokens, before the final norm: `[batch, time] -> [batch * time, width]`.
    pub fn hidden(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<2> {
        let x = self.backbone.forward(self.embed(tokens, context), context, &mut Vec::new());
        let [batch, time, width] = x.dims();
        x.reshape([batch * time, width])
    }

    /// [`hidden`](Self::hidden) of the positions that have a target; others are meaningless.
    fn hidden_of(&self, tokens: Tensor<2, Int>, context: &SequenceContext, targets: &Targets) -> Tensor<2> {
        self.hidden(tokens, &context.wanting(targets.rows.clone()))
    }

    /// Logits of every position: `[batch, time] -> [batch * time, vocabulary]`.
    pub fn logits(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<2> {
        self.out_port.logits(self.hidden(tokens, context), &self.in_port, context.precision())
    }

    /// Logits of the positions that have a target: `[targets, vocabulary]`.
    pub fn target_logits(&self, tokens: Tensor<2, Int>, context: &SequenceContext, targets: &Targets) -> Tensor<2> {
        self.target_logits_of(self.hidden_of(tokens, context, targets), targets, context.precision())
    }

    /// [`target_logits`](Self::target_logits) from [`hidden`](Self::hidden).
    pub fn target_logits_of(&self, hidden: Tensor<2>, targets: &Targets, precision: Precision) -> Tensor<2> {
        self.out_port.target_logits(hidden, &self.in_port, targets, precision)
    }

    /// Mean (label-smoothed) cross-entropy over `targets`, a tensor of one value to call `backward` on.
    pub fn mean_loss(
        &self,
        tokens: Tensor<2, Int>,
        context: &SequenceContext,
        targets: &Targets,
        label_smoothing: f32,
    ) -> Tensor<1> {
        self.mean_loss_of(self.hidden_of(tokens, context, targets), targets, label_smoothing, context.precision())
    }

    /// [`mean_loss`](Self::mean_loss) from [`hidden`](Self::hidden).
    pub fn mean_loss_of(
        &self,
        hidden: Tensor<2>,
        targets: &Targets,
        label_smoothing: f32,
        precision: Precision,
    ) -> Tensor<1> {
        self.out_port.mean_loss(hidden, &self.in_port, targets, label_smoothing, precision)
    }

    /// Summed cross-entropy (nats, never smoothed) and correct tokens over `targets`.
    pub fn summed_loss(&self, tokens: Tensor<2, Int>, context: &SequenceContext, targets: &Targets) -> (f64, usize) {
        self.out_port.summed_loss(self.hidden_of(tokens, context, targets), &self.in_port, targets, context.precision())
    }
}
