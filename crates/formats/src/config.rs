//! What a model's shape is: the one description that every file format is read into and written from.

use bantam_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::mixer::MixerConfig;
use crate::rope::RopeScaling;

/// Families of architecture that Bantam runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Architecture {
    /// RMSNorm, RoPE, SwiGLU, grouped-query attention. Biases on q, k, v and o only with `attention_bias`.
    Llama,
    /// As Llama, with biases on q, k and v and none on o.
    Qwen2,
    /// As Llama, without biases; every head of q and k is normalized before it is rotated.
    Qwen3,
    /// LayerNorm, learned positions, one matrix for q, k and v, a feed-forward of two matrices with GELU between; biases everywhere.
    Gpt2,
    /// LayerNorm, of the embedding too, and RWKV-4's time and channel mixing.
    Rwkv4,
    /// The same with RWKV-7's.
    Rwkv7,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Llama, Self::Qwen2, Self::Qwen3, Self::Gpt2, Self::Rwkv4, Self::Rwkv7];

    /// The name in a recipe, and, where others know it, in `model_type` of a `config.json` and in GGUF's `general.architecture`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gpt2 => "gpt2",
            Self::Rwkv4 => "rwkv4",
            Self::Rwkv7 => "rwkv7",
        }
    }

    /// The inverse of [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// Whether queries and keys are normalized head by head.
    pub fn normalizes_queries_and_keys(self) -> bool {
        self == Self::Qwen3
    }

    /// Whether Bantam trains it, and not only runs it.
    pub fn is_trained(self) -> bool {
        self != Self::Qwen3
    }

    /// Whether its norms are LayerNorms, with gain and bias, and not RMSNorms.
    pub fn has_layer_norms(self) -> bool {
        matches!(self, Self::Gpt2 | Self::Rwkv4 | Self::Rwkv7)
    }

    /// Whether it is an RWKV: the embedding is normalized, and what follows a mixer is channel mixing, which remembers a position.
    pub fn mixes_channels(self) -> bool {
        matches!(self, Self::Rwkv4 | Self::Rwkv7)
    }

    /// Whether positions are learned vectors, added to the embedding, and not rotations.
    pub fn learns_positions(self) -> bool {
        self == Self::Gpt2
    }
}

impl From<Architecture> for &'static str {
    fn from(architecture: Architecture) -> Self {
        architecture.name()
    }
}

impl TryFrom<String> for Architecture {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::from_name(&name).ok_or_else(|| format!("`{name}` is none of {}", known()))
    }
}

/// The name, in place of an architecture's, of what no other program knows: Llama with other mixers, and RWKV where it has no format of its own.
pub(crate) const OWN: &str = "bantam";

/// What to use, for error messages.
pub(crate) const USE_A_KNOWN_ONE: &str = "use a plain llama, qwen2, qwen3 or gpt2 model";

/// A model's hyper-parameters, named as in Hugging Face's `config.json`. Sizes are counts of elements.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The family.
    pub architecture: Architecture,
    /// Rows of the embedding; token ids are smaller.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward; 0 where blocks are a mixer alone (Mamba-2's own models).
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: usize,
    /// Width of one head; even. Heads times this need not be `hidden_size`.
    pub head_dim: usize,
    /// Added to the mean square in every RMSNorm, to the variance in every LayerNorm (GPT-2).
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies. GPT-2, whose positions are learned, has none: 10,000 stands there.
    pub rope_theta: f64,
    /// How the rotary frequencies are stretched, if they are.
    pub rope_scaling: Option<RopeScaling>,
    /// Whether the output matrix is the embedding.
    pub tie_word_embeddings: bool,
    /// Longest sequence the model was made for.
    pub max_position_embeddings: usize,
    /// Biases on the attention projections (always true for Qwen2 and GPT-2, never for Qwen3).
    pub attention_bias: bool,
    /// First token of a sequence, if the model has one.
    pub bos_token_id: Option<u32>,
    /// Tokens that end generation.
    pub eos_token_ids: Vec<u32>,
    /// Filler token, if the model has one.
    pub pad_token_id: Option<u32>,
    /// What the layers mix by: the pattern is repeated over them, and an empty one is attention everywhere.
    pub mixers: Vec<MixerConfig>,
}

/// Largest size of any one dimension. Far above every model Bantam is for; keeps every product of two in 64 bits.
const MAX_SIZE: usize = 1 << 26;
/// Most blocks.
pub(crate) const MAX_LAYERS: usize = 4096;

impl ModelConfig {
    /// Checks that the sizes are possible and fit together. `place` names the file in the error.
    /// Nothing is allocated by these sizes before this has passed.
    pub fn validate(&self, place: &str) -> Result<()> {
        let wrong = |key: &str, what: String, remedy: &str| Err(Error::input(format!("{place}: {key}"), what, remedy));
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (key, size) in sizes {
            let limit = if key == "num_hidden_layers" { MAX_LAYERS } else { MAX_SIZE };
            let may_be_none = key == "intermediate_size" && !self.is_all_attention();
            if size == 0 && !may_be_none || size > limit {
                return wrong(key, format!("{size} is not between 1 and {limit}"), "correct the size");
            }
        }
        if self.num_attention_heads * self.head_dim > MAX_SIZE {
            return wrong("head_dim", format!("heads times head_dim exceed {MAX_SIZE}"), "correct the sizes");
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return wrong(
                "num_key_value_heads",
                format!(
                    "{} does not divide num_attention_heads {}",
                    self.num_key_value_heads, self.num_attention_heads
                ),
                "choose a divisor",
            );
        }
        if !self.head_dim.is_multiple_of(2) {
            return wrong("head_dim", format!("{} is odd", self.head_dim), "rotary embedding needs an even width");
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps >= 0.0) {
            return wrong(
                "rms_norm_eps",
                format!("{} is impossible", self.rms_norm_eps),
                "give a small positive number",
            );
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 0.0) {
            return wrong("rope_theta", format!("{} is impossible", self.rope_theta), "give a positive number");
        }
        match (self.architecture, self.attention_bias) {
            (Architecture::Qwen2, false) => {
                return wrong("attention_bias", "qwen2 always has biases on q, k and v".into(), "set it to true");
            }
            (Architecture::Qwen3, true) => {
                return wrong("attention_bias", "biases are not run with qwen3".into(), USE_A_KNOWN_ONE);
            }
            _ => {}
        }
        if self.architecture == Architecture::Gpt2 {
            let heads = (self.num_attention_heads, self.num_attention_heads * self.head_dim);
            if heads != (self.num_key_value_heads, self.hidden_size)
                || !self.attention_bias
                || self.rope_scaling.is_some()
            {
                let what =
                    "gpt2 has heads of hidden_size in all, as many for keys, with biases and without rotary positions";
                return wrong("num_attention_heads", what.into(), "correct the sizes");
            }
        }
        for (i, mixer) in self.mixers.iter().enumerate() {
            mixer.validate(self.hidden_size, &format!("{place}: mixers[{i}]"))?;
        }
        let of_its_own = |mixer: &MixerConfig| mixer.name() == self.architecture.name();
        let (fits, all_are) = match self.architecture {
            Architecture::Llama => (true, ""),
            Architecture::Rwkv4 | Architecture::Rwkv7 => {
                (!self.mixers.is_empty() && self.mixers.iter().all(of_its_own), self.architecture.name())
            }
            Architecture::Qwen2 | Architecture::Qwen3 | Architecture::Gpt2 => (self.is_all_attention(), "attention"),
        };
        if !fits {
            let what = format!("{} has {all_are} in every layer", self.architecture.name());
            return wrong("mixers", what, "leave the key out");
        }
        if self.architecture.mixes_channels() && self.intermediate_size == 0 {
            return wrong("intermediate_size", "channel mixing needs a width".into(), "correct the size");
        }
        if let Some(scaling) = &self.rope_scaling {
            scaling.validate(place, self.head_dim)?;
        }
        Ok(())
    }

    /// The mixer of a layer.
    pub fn mixer(&self, layer: usize) -> MixerConfig {
        let at = |layer: usize| self.mixers.get(layer % self.mixers.len().max(1)).unwrap_or(&MixerConfig::Attention);
        let mut mixer = at(layer).clone();
        if let MixerConfig::Rwkv7 { first, .. } = &mut mixer {
            *first = !(0..layer).any(|earlier| matches!(at(earlier), MixerConfig::Rwkv7 { .. }));
        }
        mixer
    }

    /// Whether every layer is attention, which other programs run too.
    pub fn is_all_attention(&self) -> bool {
        self.mixers.iter().all(|mixer| *mixer == MixerConfig::Attention)
    }

    /// The name in `model_type` of a `config.json` and in GGUF's `general.architecture`.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.is_all_attention() { self.architecture.name() } else { OWN }
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key heads together (and of all value heads).
    pub fn key_value_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Whether the o projection has a bias too (q, k and v have one with `attention_bias`).
    pub fn output_projection_bias(&self) -> bool {
        self.attention_bias && self.architecture != Architecture::Qwen2
    }

    /// The rotary inverse frequencies, `head_dim / 2` of them, scaling applied. See [`crate::rope::inverse_frequencies`].
    pub fn rope_inverse_frequencies(&self) -> Vec<f32> {
        crate::rope::inverse_frequencies(self.head_dim, self.rope_theta, self.rope_scaling.as_ref())
    }
}
