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
    /// Hugging Face's name, such as `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Sizes, outermost first; a matrix is `[out, in]`. (GPT-2's files hold most of them the other way; reading and writing turns them.)
    pub shape: Vec<usize>,
}

/// Name of the embedding.
pub const EMBEDDING: &str = "model.embed_tokens.weight";
/// Name of the last norm's gain.
pub const FINAL_NORM: &str = "model.norm.weight";
/// Name of the output matrix (only when it is not the embedding).
pub const OUTPUT: &str = "lm_head.weight";
/// GPT-2's name of the embedding.
const GPT2_EMBEDDING: &str = "transformer.wte.weight";

impl Architecture {
    /// Name of the embedding.
    pub fn embedding(self) -> &'static str {
        if self == Self::Gpt2 { GPT2_EMBEDDING } else { EMBEDDING }
    }

    /// Whether Hugging Face's files hold this matrix as `[in, out]` (GPT-2's `Conv1D`).
    pub(crate) fn is_turned(self, name: &str) -> bool {
        self == Self::Gpt2
            && (name.ends_with(".c_attn.weight") || name.ends_with(".c_proj.weight") || name.ends_with(".c_fc.weight"))
    }
}

impl ModelConfig {
    /// Every tensor of the model, in the order of the forward pass, under Hugging Face's names.
    /// The config must be valid ([`ModelConfig::validate`]).
    pub fn tensor_specs(&self) -> Vec<TensorSpec> {
        let mut specs = Vec::new();
        let mut add = |name: String, shape: &[usize]| specs.push(TensorSpec { name, shape: shape.to_vec() });
        match self.architecture {
            Architecture::Gpt2 => self.gpt2_tensors(&mut add),
            _ => self.llama_tensors(&mut add),
        }
        if !self.tie_word_embeddings {
            add(OUTPUT.into(), &[self.vocab_size, self.hidden_size]);
        }
        specs
    }

    fn llama_tensors(&self, add: &mut dyn FnMut(String, &[usize])) {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        add(EMBEDDING.into(), &[self.vocab_size, width]);
        for layer in 0..self.num_hidden_layers {
            let at = |part: &str| format!("model.layers.{layer}.{part}");
            add(at("input_layernorm.weight"), &[width]);
            let mixer = self.mixer(layer);
            mixer.tensors(width).into_iter().for_each(|(name, shape)| add(at(&format!("mixer.{name}")), &shape));
            if mixer == MixerConfig::Attention {
                self.attention_tensors(&at, add);
            }
            if inner > 0 {
                add(at("post_attention_layernorm.weight"), &[width]);
                add(at("mlp.gate_proj.weight"), &[inner, width]);
                add(at("mlp.up_proj.weight"), &[inner, width]);
                add(at("mlp.down_proj.weight"), &[width, inner]);
            }
        }
        add(FINAL_NORM.into(), &[width]);
    }

    fn attention_tensors(&self, at: &dyn Fn(&str) -> String, add: &mut dyn FnMut(String, &[usize])) {
        let (width, q, kv) = (self.hidden_size, self.query_width(), self.key_value_width());
        for (part, out) in [("q_proj", q), ("k_proj", kv), ("v_proj", kv)] {
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

    fn gpt2_tensors(&self, add: &mut dyn FnMut(String, &[usize])) {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        add(GPT2_EMBEDDING.into(), &[self.vocab_size, width]);
        add("transformer.wpe.weight".into(), &[self.max_position_embeddings, width]);
        for layer in 0..self.num_hidden_layers {
            let mut both = |part: &str, shape: &[usize]| {
                add(format!("transformer.h.{layer}.{part}.weight"), shape);
                add(format!("transformer.h.{layer}.{part}.bias"), &shape[..1]);
            };
            both("ln_1", &[width]);
            both("attn.c_attn", &[3 * width, width]);
            both("attn.c_proj", &[width, width]);
            both("ln_2", &[width]);
            both("mlp.c_fc", &[inner, width]);
            both("mlp.c_proj", &[width, inner]);
        }
        add("transformer.ln_f.weight".into(), &[width]);
        add("transformer.ln_f.bias".into(), &[width]);
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
