//! The plain sections of a recipe: `[run]`, `[tokenizer]`, `[model]`, `[package]` and `[eval]`, with their defaults.

use std::path::PathBuf;

use bantam_data::absent_fields::AbsentFields;
use bantam_data::prompt::{Reading, SPECIAL_TOKENS};
use bantam_formats::Architecture;
use bantam_formats::gguf::GgufType;
use serde::{Deserialize, Serialize};

use super::MixerChoice;

/// `[run]`: what the run is called, from which seed everything random follows, and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// The run's name: the folder under `runs/` where `out` is not given.
    pub name: String,
    /// Every random stream is derived from it, by name.
    pub seed: u64,
    /// The run folder; `runs/<name>` when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<PathBuf>,
}

impl Default for RunSection {
    fn default() -> Self {
        Self { name: "run".into(), seed: 1, out: None }
    }
}

/// `[tokenizer]`: byte-level BPE, digits one by one, trained on the training split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerSection {
    /// Tokens in all: 256 bytes, the special tokens, and merges.
    pub vocab_size: usize,
    /// So many of them are frequent lower-case words with the space before them; an eighth of what bytes and special
    /// tokens leave, where it is not given.
    pub spaced_words: Option<usize>,
    /// How often the model reads a text before it answers: part of the chat template.
    pub reading: Reading,
    /// How the model writes fields that a text has nothing for: part of the chat template too.
    #[serde(skip_serializing_if = "is_omitted")]
    pub absent_fields: AbsentFields,
}

/// Left out, as it was before there was a choice: what recipes make keeps its hashes.
fn is_omitted(absent: &AbsentFields) -> bool {
    *absent == AbsentFields::Omitted
}

impl TokenizerSection {
    /// [`Self::spaced_words`], or the share that is usual: an eighth of what bytes and special tokens leave.
    pub fn spaced(&self) -> usize {
        let merged = self.vocab_size.saturating_sub(256 + SPECIAL_TOKENS.len());
        self.spaced_words.unwrap_or(merged / 8)
    }
}

impl Default for TokenizerSection {
    fn default() -> Self {
        Self { vocab_size: 1024, spaced_words: None, reading: Reading::Once, absent_fields: AbsentFields::Omitted }
    }
}

/// `[model]`: a decoder, Llama's unless it says otherwise; names as in Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// What is around the mixers: norms, positions and feed-forwards.
    #[serde(skip_serializing_if = "is_llama")]
    pub architecture: Architecture,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads; they divide `hidden_size`, and a head is even.
    pub num_attention_heads: usize,
    /// Key and value heads; they divide the query heads.
    pub num_key_value_heads: usize,
    /// Width inside the feed-forward.
    pub intermediate_size: usize,
    /// Longest sequence in tokens.
    pub max_position_embeddings: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in every RMSNorm, to the variance in every LayerNorm.
    pub rms_norm_eps: f64,
    /// Whether the output matrix is the embedding.
    pub tie_word_embeddings: bool,
    /// What the layers mix by, a pattern that is repeated; without one, attention everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mixers: Vec<MixerChoice>,
    /// A number of parameters, such as `"5M"`, that decides width, depth, heads and feed-forward in place of the keys above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// A model of this shape whose weights training starts from, and whose tokenizer it keeps; named as `finetune.base` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// Left out, as it was before there was a choice: what recipes make keeps its hashes.
fn is_llama(architecture: &Architecture) -> bool {
    *architecture == Architecture::Llama
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            architecture: Architecture::Llama,
            hidden_size: 192,
            num_hidden_layers: 4,
            num_attention_heads: 6,
            num_key_value_heads: 6,
            intermediate_size: 512,
            max_position_embeddings: 2048,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            tie_word_embeddings: true,
            mixers: Vec::new(),
            budget: None,
            start: None,
        }
    }
}

/// `[package]`: the files beside the Hugging Face folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PackageSection {
    /// A GGUF for each of these, `model-<type>.gguf`.
    pub gguf: Vec<GgufType>,
}

impl Default for PackageSection {
    fn default() -> Self {
        Self { gguf: vec![GgufType::F16, GgufType::Q8_0] }
    }
}

/// `[eval]`: the suite that scores the packaged model on the held-out split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalSection {
    /// Items of the test split that are decoded, from its start; 0 takes all.
    pub limit: usize,
    /// Tokens after which an answer counts as truncated.
    pub max_new_tokens: usize,
    /// Ways of decoding, each scored on the same items.
    pub modes: Vec<DecodingMode>,
}

impl Default for EvalSection {
    fn default() -> Self {
        Self { limit: 0, max_new_tokens: 768, modes: vec![DecodingMode::Free, DecodingMode::Constrained] }
    }
}

/// Whether the schema limits what may be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodingMode {
    /// The most likely token, whatever it is.
    Free,
    /// The most likely token among those that keep the answer valid by the schema.
    Constrained,
}
