//! What a block is made of beside its mixer: norms and the second half.

use bantam_kernels::inference::activation::{gelu, swiglu};
use bantam_kernels::inference::norm::{layer_norm, rms_norm};
use bantam_kernels::inference::{Isa, Pool, ProductInput};

use crate::linear::Linear;
use crate::mixers::{AnyMixer, room};

/// A block: norm, mixer, residual, and, where the model has one, norm, second half, residual.
pub(crate) struct Block {
    pub mixer_norm: Norm,
    pub mixer: Box<dyn AnyMixer>,
    pub second: Option<(Norm, Second)>,
}

/// What comes after the mixer.
pub(crate) enum Second {
    /// Of every token by itself.
    FeedForward(FeedForward),
    /// RWKV's channel mixing, which remembers a token as a mixer does.
    ChannelMix(Box<dyn AnyMixer>),
}

impl Block {
    /// Bytes of memory that the weights take.
    pub fn byte_len(&self) -> usize {
        let second = self.second.as_ref().map_or(0, |(norm, second)| {
            let maps = match second {
                Second::FeedForward(maps) => maps.byte_len(),
                Second::ChannelMix(mixer) => mixer.weight_bytes(),
            };
            norm.byte_len() + maps
        });
        self.mixer_norm.byte_len() + self.mixer.weight_bytes() + second
    }

    /// Channel mixing, where that is the second half.
    pub fn channel_mix(&self) -> Option<&dyn AnyMixer> {
        match &self.second {
            Some((_, Second::ChannelMix(mixer))) => Some(mixer.as_ref()),
            _ => None,
        }
    }
}

/// A norm of the residual stream. `epsilon` is added under the root.
pub(crate) enum Norm {
    /// RMSNorm.
    Rms { gain: Vec<f32>, epsilon: f32 },
    /// LayerNorm.
    Layer { gain: Vec<f32>, bias: Vec<f32>, epsilon: f32 },
}

impl Norm {
    /// Normalizes every row of `x` into `out` (both `[tokens, width]`).
    pub fn apply(&self, isa: Isa, x: &[f32], out: &mut [f32]) {
        match self {
            Self::Rms { gain, epsilon } => rms_norm(isa, x, gain, *epsilon, out),
            Self::Layer { gain, bias, epsilon } => layer_norm(isa, x, gain, bias, *epsilon, out),
        }
    }

    pub fn byte_len(&self) -> usize {
        match self {
            Self::Rms { gain, .. } => gain.len() * 4,
            Self::Layer { gain, bias, .. } => (gain.len() + bias.len()) * 4,
        }
    }
}

/// What a block computes of every token by itself.
pub(crate) enum FeedForward {
    /// `down(silu(gate x) * up x)`; gate and up are one product.
    SwiGlu { gate_up: Linear, down: Linear },
    /// `down(gelu(up x))`.
    Gelu { up: Linear, down: Linear },
}

/// Activations inside a feed-forward, kept between tokens.
#[derive(Default)]
pub(crate) struct Inner {
    product: Vec<f32>,
    gated: Vec<f32>,
}

impl FeedForward {
    /// The feed-forward of `tokens` rows of `x` into `out` (both `[tokens, width]`).
    #[allow(clippy::too_many_arguments)]
    pub fn apply(
        &self,
        isa: Isa,
        pool: &Pool,
        x: &[f32],
        tokens: usize,
        input: &mut ProductInput,
        inner: &mut Inner,
        out: &mut [f32],
    ) {
        match self {
            Self::SwiGlu { gate_up, down } => {
                let both = room(&mut inner.product, tokens * gate_up.rows());
                gate_up.apply(isa, pool, x, tokens, input, both);
                let gated = room(&mut inner.gated, tokens * down.cols());
                let (width, both) = (down.cols(), &*both);
                pool.run_rows(gated, width, &|first, gated| {
                    swiglu(isa, &both[2 * first * width..][..2 * gated.len()], width, gated);
                });
                down.apply(isa, pool, gated, tokens, input, out);
            }
            Self::Gelu { up, down } => {
                let hidden = room(&mut inner.product, tokens * up.rows());
                up.apply(isa, pool, x, tokens, input, hidden);
                pool.run_rows(hidden, down.cols(), &|_, hidden| gelu(isa, hidden));
                down.apply(isa, pool, hidden, tokens, input, out);
            }
        }
    }

    pub fn byte_len(&self) -> usize {
        match self {
            Self::SwiGlu { gate_up, down } => gate_up.byte_len() + down.byte_len(),
            Self::Gelu { up, down } => up.byte_len() + down.byte_len(),
        }
    }
}
