//! What moves information along the sequence, one token at a time or many: the stepping side of every mixer.

mod attention;
mod lanes;

use std::any::Any;

use bantam_core::Result;
use bantam_kernels::inference::attention::AttentionScratch;
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{Isa, Pool, ProductInput};

pub use attention::{Attention, AttentionState, HeadNorms};
pub(crate) use lanes::BatchLane;
pub use lanes::{Lane, Lanes};

/// What a mixer may use while it runs, the same for every layer.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// The instruction set of the kernels.
    pub isa: Isa,
    /// The threads.
    pub pool: &'a Pool,
    /// Position of the first token given.
    pub position: usize,
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
}

/// The first `n` elements of a scratch buffer, which grows when too short. Their content is whatever was there.
pub(crate) fn room(buffer: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if buffer.len() < n {
        buffer.resize(n, 0.0);
    }
    &mut buffer[..n]
}

/// A mixer of one layer, with its weights.
///
/// `prefill` of some tokens and the same tokens by `step` leave the same state and give the same outputs (to rounding;
/// attention gives the same bits).
pub trait Mixer: Send + Sync {
    /// What it remembers of the tokens seen.
    type State: MixerState;

    /// The state before the first token.
    fn new_state(&self) -> Self::State;

    /// Runs `tokens` tokens: `x` and `out` are `[tokens, width]`.
    fn prefill(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        tokens: usize,
        state: &mut Self::State,
        scratch: &mut Scratch,
        out: &mut [f32],
    );

    /// Runs one token: `x` and `out` are `[width]`.
    fn step(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        state: &mut Self::State,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.prefill(context, x, 1, state, scratch, out);
    }

    /// Runs the next tokens of several sequences: `x` and `out` are `[tokens of all, width]`, sequence after sequence. Every sequence gets
    /// what it gets alone, bit for bit. `context.position` means nothing here: every lane has its own.
    ///
    /// By default the sequences run one after the other. A mixer whose products read its weights once for all of them says so here.
    fn prefill_batch(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, Self::State>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (x_width, out_width) = (x.len() / lanes.tokens(), out.len() / lanes.tokens());
        lanes.each(|lane| {
            let (first, end) = (lane.first, lane.first + lane.tokens);
            let context = StepContext { position: lane.position, ..*context };
            let (x, out) = (&x[first * x_width..end * x_width], &mut out[first * out_width..end * out_width]);
            match lane.tokens {
                1 => self.step(&context, x, lane.state, scratch, out),
                _ => self.prefill(&context, x, lane.tokens, lane.state, scratch, out),
            }
        });
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
    fn run(
        &self,
        context: &StepContext<'_>,
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
        layer: usize,
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
        x: &[f32],
        tokens: usize,
        state: &mut dyn AnyState,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let state = own_state(state);
        match tokens {
            1 => self.step(context, x, state, scratch, out),
            _ => self.prefill(context, x, tokens, state, scratch, out),
        }
    }

    fn run_batch(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut [BatchLane<'_>],
        layer: usize,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.prefill_batch(context, x, &mut Lanes::new(lanes, layer), scratch, out);
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
