//! The mixer zoo: whatever moves information along the sequence, one file each.

mod attention;
mod carried;
mod depthwise;
mod gru;
mod hyena;
mod initialization;
mod joined_attention;
mod linformer;
mod lstm;
mod mamba2;
mod parameters;
mod performer;
mod recurrent;
mod retnet;
mod rwkv4;
mod rwkv7;
mod s4d;
mod shortconv;

pub use attention::{Attention, AttentionState};
pub use carried::CarriedState;
pub(crate) use carried::{Pass, row};
pub use gru::Gru;
pub use hyena::Hyena;
pub use initialization::Initialization;
pub use joined_attention::JoinedAttention;
pub use linformer::Linformer;
pub use lstm::Lstm;
pub use mamba2::{Mamba2, Mamba2Sizes};
pub(crate) use parameters::{fixed_rate, matrix, zeros};
pub use performer::Performer;
pub use retnet::Retnet;
pub use rwkv4::Rwkv4;
pub use rwkv7::Rwkv7;
pub use s4d::S4d;
pub use shortconv::Shortconv;

use std::sync::Arc;

use bantam_formats::{Architecture, MixerConfig, ModelConfig};
use bantam_kernels::training::attention::RotaryTable;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::context::SequenceContext;
use crate::linear::Linear;

/// How a mixer can be stepped one token at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepping {
    /// A state of constant size.
    Constant,
    /// A state that grows with the sequence up to a window.
    Windowed,
    /// A state that grows with the sequence.
    Growing,
    /// It cannot be stepped.
    None,
}

/// What a mixer declares of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// No output depends on a later input. A mixer that declares `false` cannot be trained on next tokens; one that
    /// declares `true` is still probed before training.
    pub causal: bool,
    /// How it steps.
    pub stepping: Stepping,
    /// The only sequence length it accepts, where there is one.
    pub fixed_length: Option<usize>,
}

/// Learning-rate and decay rules of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterGroup {
    /// The parameter's path within the mixer, for instance `"q_proj.weight"`.
    pub path: String,
    /// Multiplies the learning rate.
    pub learning_rate_scale: f64,
    /// Whether weight decay applies.
    pub decays: bool,
    /// How it starts.
    pub initialization: Initialization,
}

/// What a mixer carries from one chunk of a sequence to the next.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum MixerState {
    /// Keys and values.
    Attention(AttentionState),
    /// Recurrent states.
    Carried(CarriedState),
    /// All inputs of a long convolution so far, `[batch, positions, width]`, and recurrent states.
    Growing(Tensor<3>, CarriedState),
}

/// What one layer of a pass leaves for later ones.
#[derive(Clone, Debug, Default)]
pub struct Crossing {
    /// The values of the first RWKV-7 layer, `[rows, width]`.
    pub first_values: Option<Tensor<2>>,
}

/// The differentiable, parallel form of a mixer.
pub trait Mixer {
    /// `[batch, time, width] -> [batch, time, width]`. With `state`, the input continues the sequences that left it,
    /// and the context must be whole rows. The returned state is that after the last position, where the context has
    /// one (packed items have none).
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        crossing: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>);

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Multiply-adds of one forward pass over a sequence of `time` positions.
    fn cost(&self, time: usize) -> u64;

    /// Rules for every parameter, in the order of their paths.
    fn parameter_groups(&self) -> Vec<ParameterGroup>;
}

/// Any mixer of the zoo, so that a block can hold one.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum AnyMixer {
    /// Causal softmax attention.
    Attention(Attention),
    /// The same with one matrix for queries, keys and values, which do not rotate.
    JoinedAttention(JoinedAttention),
    /// LSTM.
    Lstm(Lstm),
    /// Stacked GRU.
    Gru(Gru),
    /// Mamba-2.
    Mamba2(Mamba2),
    /// RWKV-4's time mixing.
    Rwkv4(Rwkv4),
    /// RWKV-7's time mixing.
    Rwkv7(Rwkv7),
    /// Retention.
    Retnet(Retnet),
    /// S4D.
    S4d(S4d),
    /// Hyena.
    Hyena(Hyena),
    /// FAVOR+ attention.
    Performer(Performer),
    /// Attention to projected positions; not causal.
    Linformer(Linformer),
    /// Gated short convolution.
    Shortconv(Shortconv),
}

/// Does the same with whatever mixer it is.
macro_rules! each {
    ($any:expr, $mixer:ident => $does:expr) => {
        match $any {
            AnyMixer::Attention($mixer) => $does,
            AnyMixer::JoinedAttention($mixer) => $does,
            AnyMixer::Lstm($mixer) => $does,
            AnyMixer::Gru($mixer) => $does,
            AnyMixer::Mamba2($mixer) => $does,
            AnyMixer::Rwkv4($mixer) => $does,
            AnyMixer::Rwkv7($mixer) => $does,
            AnyMixer::Retnet($mixer) => $does,
            AnyMixer::S4d($mixer) => $does,
            AnyMixer::Hyena($mixer) => $does,
            AnyMixer::Performer($mixer) => $does,
            AnyMixer::Linformer($mixer) => $does,
            AnyMixer::Shortconv($mixer) => $does,
        }
    };
}

impl AnyMixer {
    /// The mixer of a layer, its matrices zero. `rotary` is shared by all attention.
    pub fn new(config: &MixerConfig, model: &ModelConfig, rotary: Arc<RotaryTable>, device: &Device) -> Self {
        let width = model.hidden_size;
        match *config {
            MixerConfig::Attention if model.architecture == Architecture::Gpt2 => {
                Self::JoinedAttention(JoinedAttention::new(model, rotary, device))
            }
            MixerConfig::Attention => Self::Attention(Attention::new(model, rotary, device)),
            MixerConfig::Lstm { hidden_size } => Self::Lstm(Lstm::new(width, hidden_size, device)),
            MixerConfig::Gru { hidden_size, layers } => Self::Gru(Gru::new(width, hidden_size, layers, device)),
            MixerConfig::Mamba2 { inner_size, head_dim, groups, state_size, conv_kernel } => {
                let sizes =
                    Mamba2Sizes { inner: inner_size, head: head_dim, groups, states: state_size, kernel: conv_kernel };
                Self::Mamba2(Mamba2::new(width, sizes, model.rms_norm_eps, device))
            }
            MixerConfig::Rwkv4 { inner_size } => Self::Rwkv4(Rwkv4::new(width, inner_size, device)),
            MixerConfig::Rwkv7 { head_dim, ranks, first } => {
                Self::Rwkv7(Rwkv7::new(width, head_dim, ranks, first, device))
            }
            MixerConfig::Retnet { heads, value_size } => Self::Retnet(Retnet::new(width, heads, value_size, device)),
            MixerConfig::S4d { states } => Self::S4d(S4d::new(width, states, device)),
            MixerConfig::Hyena { length, filter_size, features } => {
                Self::Hyena(Hyena::new(width, length, filter_size, features, device))
            }
            MixerConfig::Performer { heads, features } => {
                Self::Performer(Performer::new(width, heads, features, device))
            }
            MixerConfig::Linformer { heads, length, projected } => {
                Self::Linformer(Linformer::new(width, heads, length, projected, device))
            }
            MixerConfig::Shortconv { kernel } => Self::Shortconv(Shortconv::new(width, kernel, device)),
        }
    }

    /// What its parameters' paths begin with, beside attention's.
    pub(crate) fn folder(&self) -> &'static str {
        match self {
            Self::Attention(_) | Self::JoinedAttention(_) => "",
            _ => ZOO,
        }
    }

    /// The linear maps by their path within the mixer.
    pub(crate) fn linears_mut(&mut self) -> Vec<(&'static str, &mut Linear)> {
        each!(self, mixer => mixer.linears_mut().into())
    }
}

impl Mixer for AnyMixer {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        crossing: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        each!(self, mixer => mixer.forward(x, context, state, crossing))
    }

    fn capabilities(&self) -> Capabilities {
        each!(self, mixer => mixer.capabilities())
    }

    fn cost(&self, time: usize) -> u64 {
        each!(self, mixer => mixer.cost(time))
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        each!(self, mixer => mixer.parameter_groups())
    }
}

/// What the paths of parameters begin with in every mixer but attention, whose names are Llama's.
pub(crate) const ZOO: &str = "zoo.";

/// The name in `docs/mixers.md` of the parameter at a path within a mixer's module: what cannot be a field's name there, or is
/// one of several layers.
pub(crate) fn tensor_name(path: &str) -> String {
    let plain = match path {
        "a_log" => "A_log",
        "log_a_real" => "log_A_real",
        "a_imag" => "A_imag",
        "c" => "C",
        "d" => "D",
        _ => path,
    };
    if let Some(part) = plain.strip_prefix("layer.") {
        return part.to_owned();
    }
    if let Some((layer, part)) = plain.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) {
        return format!("{part}_l{layer}");
    }
    // RWKV-7's narrow maps are numbered.
    for (end, number) in [(".base", '0'), (".first", '1'), (".second", '2')] {
        if let Some(letter) = plain.strip_suffix(end) {
            return format!("{letter}{number}");
        }
    }
    plain.replace("filter.input.", "filter.in.")
}
