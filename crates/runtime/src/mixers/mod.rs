//! What moves information along the sequence, one token at a time or many: the stepping side of every mixer.

mod attention;
mod carried;
mod channel_mix;
mod gru;
mod hyena;
mod lanes;
mod lstm;
mod mamba2;
mod performer;
mod retnet;
mod rwkv4;
mod rwkv7;
mod s4d;
mod shortconv;
mod tensors;
mod token_shift;

use std::any::Any;

use bantam_core::{Error, Result};
use bantam_formats::{MixerConfig, ModelConfig};
use bantam_kernels::inference::attention::AttentionScratch;
use bantam_kernels::inference::recurrence::Memory;
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{Isa, Pool, ProductInput};

pub use attention::{Attention, AttentionState, HeadNorms};
pub use carried::CarriedState;
pub use channel_mix::ChannelMix;
pub use gru::Gru;
pub use hyena::{Hyena, HyenaState};
pub(crate) use lanes::BatchLane;
pub use lanes::{Lane, Lanes};
pub use lstm::Lstm;
pub use mamba2::Mamba2;
pub use performer::Performer;
pub use retnet::Retnet;
pub use rwkv4::Rwkv4;
pub use rwkv7::Rwkv7;
pub use s4d::S4d;
pub use shortconv::Shortconv;
pub(crate) use tensors::MixerTensors;

/// What a mixer may use while it runs, the same for every layer.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// The instruction set of the kernels.
    pub isa: Isa,
    /// The threads.
    pub pool: &'a Pool,
    /// Rotary angles of every position up to the last token given (none where positions are learned).
    pub rotary: &'a RotaryTable,
}

/// Buffers that live between tokens and are shared by all layers of a session, so that a token allocates nothing.
#[derive(Default)]
pub struct Scratch {
    /// Quantized inputs of products.
    pub product: ProductInput,
    /// Scores of attention.
    pub attention: AttentionScratch,
    /// What a mixer's first product gives.
    pub projected: Vec<f32>,
    /// Further room for a mixer.
    pub mixed: Vec<f32>,
    /// Further room for a mixer.
    pub rest: Vec<f32>,
    /// The values of the first RWKV-7 layer, `[tokens, width]`, which the later ones of a pass look back on.
    pub first_values: Vec<f32>,
}

/// The first `n` elements of a scratch buffer, which grows when too short. Their content is whatever was there.
pub(crate) fn room(buffer: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if buffer.len() < n {
        buffer.resize(n, 0.0);
    }
    &mut buffer[..n]
}

/// The first elements of a scratch buffer as neighbours of these sizes; see [`room`].
pub(crate) fn rooms<const N: usize>(buffer: &mut Vec<f32>, sizes: [usize; N]) -> [&mut [f32]; N] {
    let mut rest = room(buffer, sizes.iter().sum());
    sizes.map(|size| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        part
    })
}

/// The mixer of a layer, other than attention, in a model of these sizes.
///
/// # Errors
/// A mixer that cannot write text, and whatever reading its tensors gives.
pub(crate) fn build(
    config: &MixerConfig,
    model: &ModelConfig,
    tensors: &MixerTensors<'_, '_>,
) -> Result<Box<dyn AnyMixer>> {
    let width = model.hidden_size;
    let refused = |what: String| Err(Error::input("mixers", what, "use a model with other mixers"));
    Ok(match *config {
        MixerConfig::Attention => return Err(Error::internal("runtime::mixers", "attention is the model's own")),
        MixerConfig::Lstm { hidden_size } => Box::new(Lstm::new(tensors, width, hidden_size)?),
        MixerConfig::Gru { hidden_size, layers } => Box::new(Gru::new(tensors, width, hidden_size, layers)?),
        MixerConfig::Mamba2 { inner_size, head_dim, groups, state_size, conv_kernel } => {
            let memory = Memory { heads: inner_size / head_dim, groups, key: state_size, value: head_dim };
            Box::new(Mamba2::new(tensors, width, memory, conv_kernel, model.rms_norm_eps as f32)?)
        }
        MixerConfig::Rwkv4 { inner_size } => Box::new(Rwkv4::new(tensors, width, inner_size)?),
        MixerConfig::Rwkv7 { head_dim, ranks, first } => Box::new(Rwkv7::new(tensors, width, head_dim, ranks, first)?),
        MixerConfig::Retnet { heads, value_size } => Box::new(Retnet::new(tensors, width, heads, value_size)?),
        MixerConfig::S4d { states } => Box::new(S4d::new(tensors, width, states)?),
        MixerConfig::Hyena { length, .. } if length < model.max_position_embeddings => {
            let positions = model.max_position_embeddings;
            return refused(format!("hyena's filters reach {length} of {positions} positions"));
        }
        MixerConfig::Hyena { length, features, .. } => Box::new(Hyena::new(tensors, width, length, features)?),
        MixerConfig::Performer { heads, features } => Box::new(Performer::new(tensors, width, heads, features)?),
        MixerConfig::Linformer { .. } => {
            return refused("linformer sees the future: it encodes contexts and writes no text".into());
        }
        MixerConfig::Shortconv { kernel } => Box::new(Shortconv::new(tensors, width, kernel)?),
    })
}

/// A mixer of one layer, with its weights.
///
/// Some tokens at once and the same tokens one by one leave the same state and give the same outputs, bit for bit.
pub trait Mixer: Send + Sync {
    /// What it remembers of the tokens seen.
    type State: MixerState;

    /// The state before the first token.
    fn new_state(&self) -> Self::State;

    /// Runs the next tokens of one sequence or of several: `x` and `out` are `[tokens of all, width]`, sequence after sequence. Products
    /// read the weights once for all of them, and every sequence gets what it gets alone, bit for bit. Every lane has its own position.
    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, Self::State>,
        scratch: &mut Scratch,
        out: &mut [f32],
    );

    /// Runs the next `tokens` tokens of one sequence: `x` and `out` are `[tokens, width]`.
    #[allow(clippy::too_many_arguments)]
    fn prefill(
        &self,
        context: &StepContext<'_>,
        position: usize,
        x: &[f32],
        tokens: usize,
        state: &mut Self::State,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.forward(context, x, &mut Lanes::one(state, position, tokens), scratch, out);
    }

    /// Bytes of memory that the weights take.
    fn weight_bytes(&self) -> usize;
}

/// What a mixer remembers.
pub trait MixerState: Clone + Send + Sync + 'static {
    /// Bytes of its buffers, counted from the buffers.
    fn state_bytes(&self) -> usize;

    /// Makes room so that reaching `positions` positions allocates nothing.
    fn reserve(&mut self, positions: usize);

    /// Appends its content to `out`.
    fn save(&self, out: &mut Vec<u8>);

    /// Takes what [`save`](Self::save) wrote after `positions` tokens, from the front of `bytes`.
    /// An input error when the bytes cannot be that; the state is then as it was.
    fn load(&mut self, positions: usize, bytes: &mut &[u8]) -> Result<()>;

    /// Whether [`truncate`](Self::truncate) can take it, after `seen` positions, back to what it was after `positions`.
    /// A state that mixes all it has seen cannot, and that is the default.
    fn can_truncate(&self, _seen: usize, _positions: usize) -> bool {
        false
    }

    /// Forgets every position from `positions` on. Called only where [`can_truncate`](Self::can_truncate) agrees.
    fn truncate(&mut self, _positions: usize) {}
}

/// A [`Mixer`] whose type is forgotten, as the layers of a model hold it.
pub(crate) trait AnyMixer: Send + Sync {
    fn new_state(&self) -> Box<dyn AnyState>;
    /// Runs the next tokens of the sequence that `state` belongs to.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        context: &StepContext<'_>,
        position: usize,
        x: &[f32],
        tokens: usize,
        state: &mut dyn AnyState,
        scratch: &mut Scratch,
        out: &mut [f32],
    );
    fn run_batch(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut [BatchLane<'_>],
        place: usize,
        scratch: &mut Scratch,
        out: &mut [f32],
    );
    fn weight_bytes(&self) -> usize;
}

/// A [`MixerState`] whose type is forgotten.
pub(crate) trait AnyState: Send + Sync {
    fn state_bytes(&self) -> usize;
    fn reserve(&mut self, positions: usize);
    fn save(&self, out: &mut Vec<u8>);
    fn load(&mut self, positions: usize, bytes: &mut &[u8]) -> Result<()>;
    fn can_truncate(&self, seen: usize, positions: usize) -> bool;
    fn truncate(&mut self, positions: usize);
    fn fork(&self) -> Box<dyn AnyState>;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<M: Mixer> AnyMixer for M {
    fn new_state(&self) -> Box<dyn AnyState> {
        Box::new(Mixer::new_state(self))
    }

    fn run(
        &self,
        context: &StepContext<'_>,
        position: usize,
        x: &[f32],
        tokens: usize,
        state: &mut dyn AnyState,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.prefill(context, position, x, tokens, own_state(state), scratch, out);
    }

    fn run_batch(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut [BatchLane<'_>],
        place: usize,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.forward(context, x, &mut Lanes::batch(lanes, place), scratch, out);
    }

    fn weight_bytes(&self) -> usize {
        Mixer::weight_bytes(self)
    }
}

/// A state as its mixer knows it.
fn own_state<S: MixerState>(state: &mut dyn AnyState) -> &mut S {
    // A session makes its states from the mixers it gives them back to, and nothing else can.
    state.as_any_mut().downcast_mut().expect("a mixer gets the state it made")
}

impl<S: MixerState> AnyState for S {
    fn state_bytes(&self) -> usize {
        MixerState::state_bytes(self)
    }

    fn reserve(&mut self, positions: usize) {
        MixerState::reserve(self, positions);
    }

    fn save(&self, out: &mut Vec<u8>) {
        MixerState::save(self, out);
    }

    fn load(&mut self, positions: usize, bytes: &mut &[u8]) -> Result<()> {
        MixerState::load(self, positions, bytes)
    }

    fn can_truncate(&self, seen: usize, positions: usize) -> bool {
        MixerState::can_truncate(self, seen, positions)
    }

    fn truncate(&mut self, positions: usize) {
        MixerState::truncate(self, positions);
    }

    fn fork(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
