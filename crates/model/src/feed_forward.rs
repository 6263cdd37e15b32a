//! The SwiGLU feed-forward of Llama: `down(silu(gate(x)) * up(x))`.

use bantam_formats::ModelConfig;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::block::Norm;
use crate::context::Precision;
use crate::linear::Linear;
use crate::ops::{self, GatedMaps};

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

    /// The maps by their path within the feed-forward.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 3] {
        [("gate_proj", &mut self.gate_proj), ("up_proj", &mut self.up_proj), ("down_proj", &mut self.down_proj)]
    }

    /// `h + feed-forward(norm(h))` with `h = x + mixed`; both `[rows, width]`.
    pub fn forward(&self, x: Tensor<2>, mixed: Tensor<2>, norm: &Norm, precision: Precision) -> Tensor<2> {
        let maps = [&self.gate_proj, &self.up_proj, &self.down_proj];
        if maps.iter().any(|map| !map.is_plain()) {
            let h = x + mixed;
            let normed = norm.forward(h.clone());
            let gate = self.gate_proj.forward(normed.clone(), precision);
            let hidden = ops::swiglu(gate, self.up_proj.forward(normed, precision));
            return h + self.down_proj.forward(hidden, precision);
        }
        let [gate, up, down] = maps.map(|l| l.weight.val());
        ops::feed_forward(x, mixed, norm.weight.val(), GatedMaps { gate, up, down }, norm.epsilon, precision)
    }
}
