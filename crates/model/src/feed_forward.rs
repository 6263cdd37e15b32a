//! The second half of a block: Llama's gated feed-forward, GPT-2's plain one, RWKV's channel mixing.

use bantam_formats::{Architecture, ModelConfig};
use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use crate::block::Norm;
use crate::channel_mix::ChannelMix;
use crate::context::{Precision, SequenceContext};
use crate::linear::Linear;
use crate::mixers::{MixerState, ParameterGroup};
use crate::ops::{self, GatedMaps};

/// What a block computes of every position by itself, or, in RWKV, of it and the one before.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum FeedForward {
    /// Llama's.
    Gated(Gated),
    /// GPT-2's.
    Plain(Plain),
    /// RWKV's.
    ChannelMix(ChannelMix),
}

/// SwiGLU: `down(silu(gate(x)) * up(x))`.
#[derive(Module, Debug)]
pub struct Gated {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

/// `down(gelu(up(x)))` with the tanh form of GELU and biases.
#[derive(Module, Debug)]
pub struct Plain {
    up_proj: Linear,
    down_proj: Linear,
}

impl FeedForward {
    /// The architecture's, with weights of zeros.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let bias = config.architecture == Architecture::Gpt2;
        let up_proj = Linear::zeros(width, inner, bias, device);
        let down_proj = Linear::zeros(inner, width, bias, device);
        match config.architecture {
            Architecture::Rwkv4 | Architecture::Rwkv7 => Self::ChannelMix(ChannelMix::new(config, device)),
            Architecture::Gpt2 => Self::Plain(Plain { up_proj, down_proj }),
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => {
                Self::Gated(Gated { gate_proj: Linear::zeros(width, inner, false, device), up_proj, down_proj })
            }
        }
    }

    /// The maps by their path within the feed-forward.
    pub(crate) fn linears_mut(&mut self) -> Vec<(&'static str, &mut Linear)> {
        match self {
            Self::Gated(maps) => vec![
                ("gate_proj", &mut maps.gate_proj),
                ("up_proj", &mut maps.up_proj),
                ("down_proj", &mut maps.down_proj),
            ],
            Self::Plain(maps) => vec![("up_proj", &mut maps.up_proj), ("down_proj", &mut maps.down_proj)],
            Self::ChannelMix(mix) => mix.linears_mut(),
        }
    }

    /// Rules for the parameters that have their own, by their path within the feed-forward.
    pub(crate) fn parameter_groups(&self) -> Vec<ParameterGroup> {
        match self {
            Self::Gated(_) | Self::Plain(_) => Vec::new(),
            Self::ChannelMix(mix) => mix.parameter_groups(),
        }
    }

    /// Whether a position's result depends on that position alone.
    pub(crate) fn is_positionwise(&self) -> bool {
        !matches!(self, Self::ChannelMix(_))
    }

    /// `h + feed-forward(norm(h))` with `h = x + mixed`, both `[rows, width]`, and the state of what remembers a position, as a mixer's.
    pub fn forward(
        &self,
        x: Tensor<2>,
        mixed: Tensor<2>,
        norm: &Norm,
        context: &SequenceContext,
        state: Option<MixerState>,
    ) -> (Tensor<2>, Option<MixerState>) {
        let precision = context.precision();
        match self {
            Self::Gated(maps) => (maps.forward(x, mixed, norm, precision), None),
            Self::Plain(maps) => {
                let h = x + mixed;
                let inner = maps.up_proj.forward(norm.forward(h.clone()), precision);
                (h + maps.down_proj.forward(activation::gelu_approximate(inner), precision), None)
            }
            Self::ChannelMix(mix) => {
                let h = x + mixed;
                let (y, state) = mix.forward(norm.forward(h.clone()), context, state);
                (h + y, state)
            }
        }
    }
}

impl Gated {
    fn forward(&self, x: Tensor<2>, mixed: Tensor<2>, norm: &Norm, precision: Precision) -> Tensor<2> {
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
