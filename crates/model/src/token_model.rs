//! A token model: in-port, backbone, out-port.

use bantam_formats::ModelConfig;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::backbone::Backbone;
use crate::context::SequenceContext;
use crate::ports::{Targets, TokenInPort, TokenOutPort};

/// Tokens to logits. With the default configuration this is exactly Llama's architecture.
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

    fn hidden(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<2> {
        let x = self.backbone.forward(self.in_port.forward(tokens), context, &mut Vec::new());
        let [batch, time, width] = x.dims();
        x.reshape([batch * time, width])
    }

    /// Logits of every position: `[batch, time] -> [batch * time, vocabulary]`.
    pub fn logits(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<2> {
        self.out_port.logits(self.hidden(tokens, context), &self.in_port, context.precision())
    }

    /// Mean (label-smoothed) cross-entropy over `targets`, a tensor of one value to call `backward` on.
    pub fn mean_loss(
        &self,
        tokens: Tensor<2, Int>,
        context: &SequenceContext,
        targets: &Targets,
        label_smoothing: f32,
    ) -> Tensor<1> {
        let hidden = self.hidden(tokens, context);
        self.out_port.mean_loss(hidden, &self.in_port, targets, label_smoothing, context.precision())
    }

    /// Summed cross-entropy (nats, never smoothed) and correct tokens over `targets`.
    pub fn summed_loss(&self, tokens: Tensor<2, Int>, context: &SequenceContext, targets: &Targets) -> (f64, usize) {
        self.out_port.summed_loss(self.hidden(tokens, context), &self.in_port, targets, context.precision())
    }
}
