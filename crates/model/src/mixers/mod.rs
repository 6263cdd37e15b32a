//! The mixer zoo: whatever moves information along the sequence, one file each.

mod attention;

pub use attention::{Attention, AttentionState};

use burn::module::Module;
use burn::tensor::Tensor;

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

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initialization {
    /// Normal with this standard deviation.
    Normal(f64),
    /// All of this value.
    Constant(f64),
}

/// What a mixer carries from one chunk of a sequence to the next.
#[derive(Clone, Debug)]
pub enum MixerState {
    /// Keys and values.
    Attention(AttentionState),
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
}

impl AnyMixer {
    /// The linear maps by their path within the mixer.
    pub(crate) fn linears_mut(&mut self) -> Vec<(&'static str, &mut Linear)> {
        match self {
            Self::Attention(mixer) => mixer.linears_mut().into(),
        }
    }
}

impl Mixer for AnyMixer {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
    ) -> (Tensor<3>, Option<MixerState>) {
        match self {
            Self::Attention(mixer) => mixer.forward(x, context, state),
        }
    }

    fn capabilities(&self) -> Capabilities {
        match self {
            Self::Attention(mixer) => mixer.capabilities(),
        }
    }

    fn cost(&self, time: usize) -> u64 {
        match self {
            Self::Attention(mixer) => mixer.cost(time),
        }
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        match self {
            Self::Attention(mixer) => mixer.parameter_groups(),
        }
    }
}
