//! Tensors by name: which ones a model has, in which shape, and their bytes as they lie on disk.

use std::borrow::Cow;
use std::collections::HashMap;

use bantam_core::{Error, Result};
pub use bantam_kernels::codec::DType;

use crate::config::{Architecture, ModelConfig};
use crate::mixer::MixerConfig;

/// A tensor's bytes as stored, little-endian, rows contiguous, last dimension fastest.
#[derive(Clone, Debug)]
pub struct TensorData<'a> {
    /// Number format of `bytes`.
    pub dtype: DType,
    /// Sizes, outermost first; a weight matrix is `[out, in]`.
    pub shape: Vec<usize>,
    /// Borrowed from the mapped file unless rows had to be put in another order. No alignment is promised.
    pub bytes: Cow<'a, [u8]>,
}

impl TensorData<'_> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every element as f32, in the order of `bytes`.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut values = vec![0f32; self.len()];
        self.dtype.dequantize(&self.bytes, &mut values);
        values
    }
}

/// A tensor that a model must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Llama's name in Hugging Face's files, such as `model.layers.0.self_attn.q_proj.weight`, whatever the architecture's own files call it.
    pub name: String,
    /// Sizes, outermost first; a matrix is `[out, in]`. (GPT-2's files hold most of them the other way; reading and writing turns them.)
    pub shape: Vec<usize>,
}

/// Name of the embedding.
pub const EMBEDDING: &str = "model.embed_tokens.weight";
/// Name of the learned positions, where a model has them.
pub const POSITIONS: &str = "model.embed_positions.weight";
/// What the names of the embedding's norm begin with, where a model has one.
pub const EMBEDDING_NORM: &str = "model.embed_norm";
/// What the names of the last norm begin with.
pub const FINAL_NORM: &str = "model.norm";
/// Name of the output matrix (only when it is not the embedding).
pub const OUTPUT: &str = "lm_head.weight";

impl ModelConfig {
    /// Every tensor of the model, in the order of the forward pass, under the names that Bantam has for them.
    /// The config must be valid ([`ModelConfig::validate`]).
    pub fn tensor_specs(&self) -> Vec<TensorSpec> {
        let mut specs = Vec::new();
        let mut add = |name: String, shape: &[usize]| specs.push(TensorSpec { name, shape: shape.to_vec() });
        let (vocabulary, width) = (self.vocab_size, self.hidden_size);
        add(EMBEDDING.into(), &[vocabulary, width]);
        if self.architecture.mixes_channels() {
            self.norm_tensors(EMBEDDING_NORM, &mut add);
        }
        if self.architecture.learns_positions() {
            add(POSITIONS.into(), &[self.max_position_embeddings, width]);
        }
        for layer in 0..self.num_hidden_layers {
            let at = |part: &str| format!("model.layers.{layer}.{part}");
            self.norm_tensors(&at("input_layernorm"), &mut add);
            let mixer = self.mixer(layer);
            mixer.tensors(width).into_iter().for_each(|(name, shape)| add(at(&format!("mixer.{name}")), &shape));
            if mixer == MixerConfig::Attention {
                self.attention_tensors(&at, &mut add);
            }
            if self.intermediate_size > 0 {
                self.norm_tensors(&at("post_attention_layernorm"), &mut add);
                self.feed_forward_tensors(&at, &mut add);
            }
        }
        self.norm_tensors(FINAL_NORM, &mut add);
        if !self.tie_word_embeddings {
            add(OUTPUT.into(), &[vocabulary, width]);
        }
        specs
    }

    fn norm_tensors(&self, name: &str, add: &mut dyn FnMut(String, &[usize])) {
        add(format!("{name}.weight"), &[self.hidden_size]);
        if self.architecture.has_layer_norms() {
            add(format!("{name}.bias"), &[self.hidden_size]);
        }
    }

    fn feed_forward_tensors(&self, at: &dyn Fn(&str) -> String, add: &mut dyn FnMut(String, &[usize])) {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let parts: &[(&str, &[usize])] = match self.architecture {
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => &[
                ("gate_proj.weight", &[inner, width]),
                ("up_proj.weight", &[inner, width]),
                ("down_proj.weight", &[width, inner]),
            ],
            Architecture::Gpt2 => &[
                ("up_proj.weight", &[inner, width]),
                ("up_proj.bias", &[inner]),
                ("down_proj.weight", &[width, inner]),
                ("down_proj.bias", &[width]),
            ],
            Architecture::Rwkv4 => &[
                ("time_mix_key", &[width]),
                ("time_mix_receptance", &[width]),
                ("key.weight", &[inner, width]),
                ("receptance.weight", &[width, width]),
                ("value.weight", &[width, inner]),
            ],
            Architecture::Rwkv7 => {
                &[("x_k", &[width]), ("key.weight", &[inner, width]), ("value.weight", &[width, inner])]
            }
        };
        parts.iter().for_each(|(part, shape)| add(at(&format!("mlp.{part}")), shape));
    }

    fn attention_tensors(&self, at: &dyn Fn(&str) -> String, add: &mut dyn FnMut(String, &[usize])) {
        let (width, q, kv) = (self.hidden_size, self.query_width(), self.key_value_width());
        let projections = match self.architecture {
            Architecture::Gpt2 => vec![("qkv_proj", q + 2 * kv)],
            _ => vec![("q_proj", q), ("k_proj", kv), ("v_proj", kv)],
        };
        for (part, out) in projections {
            add(at(&format!("self_attn.{part}.weight")), &[out, width]);
            if self.attention_bias {
                add(at(&format!("self_attn.{part}.bias")), &[out]);
            }
        }
        if self.architecture.normalizes_queries_and_keys() {
            add(at("self_attn.q_norm.weight"), &[self.head_dim]);
            add(at("self_attn.k_norm.weight"), &[self.head_dim]);
        }
        add(at("self_attn.o_proj.weight"), &[width, q]);
        if self.output_projection_bias() {
            add(at("self_attn.o_proj.bias"), &[width]);
        }
    }

    /// Number of parameters; a tied output matrix counts once.
    pub fn parameter_count(&self) -> u64 {
        self.tensor_specs().iter().map(|s| s.shape.iter().map(|&d| d as u64).product::<u64>()).sum()
    }
}

/// Little-endian bytes of f32 values, copied only where the machine's own order differs.
pub(crate) fn f32_bytes(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }
}

/// Checks tensors about to be written: exactly those of `specs`, each with as many elements as its shape says, all finite.
pub(crate) fn check_to_write(specs: Vec<TensorSpec>, tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Result<()> {
    let given: HashMap<&str, (&Vec<usize>, &Vec<f32>)> = tensors.iter().map(|(n, s, d)| (n.as_str(), (s, d))).collect();
    if given.len() != tensors.len() || tensors.len() != specs.len() {
        let what = format!("{} tensors given, {} needed", tensors.len(), specs.len());
        return Err(Error::internal("formats::check_to_write", what));
    }
    for spec in specs {
        let name = &spec.name;
        let Some((shape, data)) = given.get(name.as_str()) else {
            return Err(Error::internal("formats::check_to_write", format!("tensor `{name}` is not given")));
        };
        if **shape != spec.shape || data.len() != spec.shape.iter().product::<usize>() {
            let what = format!("`{name}` has shape {shape:?} and {} elements, needed {:?}", data.len(), spec.shape);
            return Err(Error::internal("formats::check_to_write", what));
        }
        if let Some(bad) = data.iter().position(|v| !v.is_finite()) {
            return Err(Error::check(
                format!("{name}[{bad}]"),
                format!("the weight is {}", data[bad]),
                "the training diverged: lower the learning rate or take an earlier checkpoint",
            ));
        }
    }
    Ok(())
}
