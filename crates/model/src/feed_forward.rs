//! The SwiGLU feed-forward of Llama: `down(silu(gate(x)) * up(x))`.

use bantam_formats::ModelConfig;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::context::Precision;
use crate::linear::Linear;
use crate::ops;

/// Gate, up and down projections.
#[derive(Module, Debug)]
pub struct FeedForward {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl FeedForward {
    /// Weights of zeros.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        Self {
            gate_proj: Linear::zeros(width, inner, false, device),
            up_proj: Linear::zeros(width, inner, false, device),
            down_proj: Linear::zeros(inner, width, false, device),
        }
    }

    /// `residual + feed-forward(x)`; both `[rows, width]`.
    pub fn forward(&self, x: Tensor<2>, residual: Tensor<2>, precision: Precision) -> Tensor<2> {
        let [gate, up, down] = [&self.gate_proj, &self.up_proj, &self.down_proj].map(|l| l.weight.val());
        ops::feed_forward(x, gate, up, down, residual, precision)
    }
}
