//! From a GGUF's keys and tensor names to a model under Hugging Face's names.

use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result};

use super::keys::Value;
use super::names::{Dialect, ROPE_DIVISORS, own_name};
use super::reader::{self, shortened};
use super::vocabulary::Vocabulary;
use super::{mamba2, rwkv7};
use crate::config::{Architecture, ModelConfig, USE_A_KNOWN_ONE};
use crate::mixer::{self, MixerConfig};
use crate::rope::RopeScaling;
use crate::tensor::{DType, EMBEDDING, OUTPUT, TensorSpec};
use crate::weights::{MappedFile, RowOrder, Stored, Weights};

/// What a GGUF holds, as a model.
pub(crate) struct GgufModel {
    pub config: ModelConfig,
    pub weights: Weights,
    pub vocabulary: Vocabulary,
    pub chat_template: Option<String>,
}

/// In which order GGUF keeps the rows of a tensor: q and k of llama.cpp's `llama` are interleaved, nothing else is. Mamba-2's decays are
/// kept as what they are used as.
pub(super) fn row_order(config: &ModelConfig, hf: &str) -> RowOrder {
    if hf.ends_with(".mixer.A_log") && Dialect::of(config) == Dialect::Mamba2 {
        return RowOrder::NegatedExponential;
    }
    let heads = if hf.contains(".self_attn.q_proj.") {
        config.num_attention_heads
    } else if hf.contains(".self_attn.k_proj.") {
        config.num_key_value_heads
    } else {
        return RowOrder::HuggingFace;
    };
    match config.architecture {
        Architecture::Llama if config.is_all_attention() => RowOrder::InterleavedHalves { heads },
        _ => RowOrder::HuggingFace,
    }
}

/// Opens and checks a GGUF of one of the architectures that Bantam runs.
pub(crate) fn open_model(path: &Path) -> Result<GgufModel> {
    let place = path.display().to_string();
    let file = MappedFile::open_unpacked(path)?;
    let reader::Contents { mut keys, tensors } = reader::parse(file.bytes(), &place)?;
    let vocabulary = Vocabulary::take(&mut keys, &place)?;
    let chat_template = match keys.remove("tokenizer.chat_template") {
        Some(Value::Text(template)) => Some(template),
        _ => None,
    };
    let name = keys.get("general.architecture").and_then(Value::as_text).unwrap_or_default();
    let Some(dialect) = Dialect::from_name(name) else {
        return Err(Error::input(
            format!("{place}: general.architecture"),
            format!("`{}` is not supported", shortened(name)),
            USE_A_KNOWN_ONE,
        ));
    };
    let tensors: Vec<_> = match dialect {
        Dialect::Rwkv7 => tensors.into_iter().flat_map(rwkv7::apart).collect(),
        _ => tensors,
    };
    let mut divisors = None;
    let mut by_name = HashMap::new();
    for tensor in tensors {
        if tensor.name == ROPE_DIVISORS {
            divisors = Some(tensor);
            continue;
        }
        let Some(name) = own_name(dialect, &tensor.name) else {
            return Err(Error::input(
                format!("{place}: {}", shortened(&tensor.name)),
                "a tensor that Bantam has no place for",
                USE_A_KNOWN_ONE,
            ));
        };
        // `blk.00` and `blk.0` mean the same layer.
        if let Some(twice) = by_name.insert(name, tensor) {
            let place = format!("{place}: {}", shortened(&twice.name));
            return Err(Error::input(place, "the tensor stands twice", "restore the file from its origin"));
        }
    }
    let mut config = read_config(&keys, dialect, &by_name, &vocabulary, &place)?;
    if let Some(info) = divisors {
        let data =
            crate::tensor::TensorData { dtype: info.dtype, shape: info.shape, bytes: file.bytes()[info.range].into() };
        config.rope_scaling = Some(RopeScaling::Divisors(data.to_f32()));
    }
    config.validate(&place)?;
    if matches!(dialect, Dialect::Mamba2 | Dialect::Rwkv7) {
        for spec in config.tensor_specs() {
            if let Some(info) = by_name.get_mut(&spec.name) {
                info.shape = shape_of(&spec, std::mem::take(&mut info.shape), info.dtype);
            }
        }
    }
    let stored = by_name.into_iter().map(|(name, t)| {
        let rows = row_order(&config, &name);
        (name, Stored { file: 0, range: t.range, dtype: t.dtype, shape: t.shape, rows })
    });
    let weights = Weights::new(vec![file], stored.collect(), &config, &place)?;
    Ok(GgufModel { config, weights, vocabulary, chat_template })
}

/// The shape that the model asks for where the file has as many values in another one, which is how llama.cpp keeps some.
fn shape_of(spec: &TensorSpec, shape: Vec<usize>, dtype: DType) -> Vec<usize> {
    let count = |s: &[usize]| s.iter().try_fold(1usize, |all, n| all.checked_mul(*n));
    let same = dtype == DType::F32 && count(&shape).is_some_and(|n| Some(n) == count(&spec.shape));
    if same { spec.shape.clone() } else { shape }
}

/// The config from the keys under the architecture's name. Not yet validated.
fn read_config(
    keys: &HashMap<String, Value>,
    dialect: Dialect,
    tensors: &HashMap<String, reader::TensorInfo>,
    vocabulary: &Vocabulary,
    place: &str,
) -> Result<ModelConfig> {
    let read = Keys { keys, architecture: dialect.name(), place };
    let architecture = match dialect {
        Dialect::Of(architecture) => architecture,
        Dialect::Mamba2 => Architecture::Llama,
        Dialect::Rwkv7 => Architecture::Rwkv7,
        Dialect::Own => read.own_architecture()?,
    };
    read.refuse_what_we_do_not_compute()?;
    let hidden_size = read.required("embedding_length")?;
    let num_attention_heads = match dialect {
        // There are none.
        Dialect::Mamba2 | Dialect::Rwkv7 => 1,
        Dialect::Of(_) | Dialect::Own => read.required("attention.head_count")?,
    };
    let head_dim = match read.size("attention.key_length")? {
        Some(n) => n,
        None if num_attention_heads > 0 && hidden_size.is_multiple_of(num_attention_heads) => {
            hidden_size / num_attention_heads
        }
        None => return Err(read.error("attention.head_count", "does not divide the embedding length")),
    };
    for same in ["attention.value_length", "rope.dimension_count"] {
        if read.size(same)?.is_some_and(|n| n != head_dim) {
            return Err(read.error(same, &format!("differs from the head's width {head_dim}")));
        }
    }
    let Some(embedding) = tensors.get(EMBEDDING) else {
        return Err(Error::input(
            format!("{place}: token_embd.weight"),
            "tensor missing",
            "restore the file from its origin",
        ));
    };
    let vocab_size = embedding.shape[0];
    if vocabulary.len() > vocab_size {
        let what = format!("{} tokens for {vocab_size} rows of the embedding", vocabulary.len());
        return Err(Error::input(format!("{place}: tokenizer.ggml.tokens"), what, "convert the model again"));
    }
    let mut eos_token_ids: Vec<u32> = vocabulary.eos.into_iter().chain(vocabulary.more_eos.iter().copied()).collect();
    let mut seen = std::collections::HashSet::new();
    eos_token_ids.retain(|id| seen.insert(*id));
    let is_gpt2 = architecture == Architecture::Gpt2;
    let epsilon = epsilon_key(architecture);
    let config = ModelConfig {
        architecture,
        vocab_size,
        hidden_size,
        intermediate_size: read.required("feed_forward_length")?,
        num_hidden_layers: read.required("block_count")?,
        num_attention_heads,
        num_key_value_heads: read.size("attention.head_count_kv")?.unwrap_or(num_attention_heads),
        head_dim,
        rms_norm_eps: match read.float(epsilon)? {
            Some(eps) => eps,
            None => return Err(read.error(epsilon, "missing")),
        },
        rope_theta: read.float("rope.freq_base")?.unwrap_or(10_000.0),
        rope_scaling: if is_gpt2 { None } else { read.rope_scaling()? },
        tie_word_embeddings: !tensors.contains_key(OUTPUT),
        max_position_embeddings: read.required("context_length")?,
        attention_bias: is_gpt2 || tensors.keys().any(|name| name.ends_with(".self_attn.q_proj.bias")),
        bos_token_id: vocabulary.bos,
        eos_token_ids,
        pad_token_id: vocabulary.pad,
        mixers: if dialect == Dialect::Own { read.mixers()? } else { Vec::new() },
    };
    match dialect {
        Dialect::Mamba2 => mamba2::config(&read, config),
        Dialect::Rwkv7 => rwkv7::config(&read, config),
        Dialect::Of(_) | Dialect::Own => Ok(config),
    }
}

/// The key of what is added in norms.
pub(super) fn epsilon_key(architecture: Architecture) -> &'static str {
    match architecture.has_layer_norms() {
        true => "attention.layer_norm_epsilon",
        false => "attention.layer_norm_rms_epsilon",
    }
}

/// Typed look-ups of `<architecture>.<name>`.
pub(super) struct Keys<'a> {
    keys: &'a HashMap<String, Value>,
    architecture: &'static str,
    place: &'a str,
}

impl Keys<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.keys.get(&format!("{}.{name}", self.architecture))
    }

    pub(super) fn error(&self, name: &str, what: &str) -> Error {
        Error::input(format!("{}: {}.{name}", self.place, self.architecture), what, "convert the model again")
    }

    fn size(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(self.error(name, &format!("{} where a size is due", value.kind_name()))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<usize> {
        self.size(name)?.ok_or_else(|| self.error(name, "missing"))
    }

    /// A float; a 32-bit one becomes the shortest decimal that means it, so that 1e-5 stays 1e-5.
    fn float(&self, name: &str) -> Result<Option<f64>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::F32(v)) => Ok(Some(v.to_string().parse().unwrap_or_else(|_| f64::from(*v)))),
            Some(Value::F64(v)) => Ok(Some(*v)),
            Some(other) => Err(self.error(name, &format!("{} where a float is due", other.kind_name()))),
        }
    }

    /// What a model of Bantam's own is beside its mixers: Llama where nothing is said.
    fn own_architecture(&self) -> Result<Architecture> {
        match self.get("architecture") {
            None => Ok(Architecture::Llama),
            Some(name) => {
                let known = name.as_text().and_then(Architecture::from_name).filter(|known| known.mixes_channels());
                known.ok_or_else(|| self.error("architecture", "is not supported"))
            }
        }
    }

    /// The pattern of mixers of a model of Bantam's own.
    fn mixers(&self) -> Result<Vec<MixerConfig>> {
        let text = match self.get("mixers") {
            Some(Value::Text(text)) => text,
            Some(other) => return Err(self.error("mixers", &format!("{} where a text is due", other.kind_name()))),
            None => return Err(self.error("mixers", "missing")),
        };
        mixer::pattern(serde_json::from_str(text), &format!("{}: {}.mixers", self.place, self.architecture))
    }

    fn refuse_what_we_do_not_compute(&self) -> Result<()> {
        for name in ["expert_count", "attention.sliding_window"] {
            if self.size(name)?.is_some_and(|n| n > 0) {
                return Err(Error::input(
                    format!("{}: {}.{name}", self.place, self.architecture),
                    "set",
                    USE_A_KNOWN_ONE,
                ));
            }
        }
        Ok(())
    }

    fn rope_scaling(&self) -> Result<Option<RopeScaling>> {
        let kind = self.get("rope.scaling.type").map(|v| v.as_text().unwrap_or("?"));
        let factor = match self.float("rope.scaling.factor")? {
            Some(f) => Some(f),
            // The name of older files.
            None => self.float("rope.scale_linear")?,
        };
        match (kind, factor) {
            (None | Some("linear"), Some(factor)) if factor == 0.0 || factor == 1.0 => Ok(None),
            (None | Some("linear"), Some(factor)) => Ok(Some(RopeScaling::Linear { factor })),
            (None | Some("none"), _) => Ok(None),
            // Of Bantam's own models alone.
            (Some("partial"), Some(factor)) => Ok(Some(RopeScaling::Partial { factor })),
            (Some("linear" | "partial"), None) => Err(self.error("rope.scaling.factor", "missing")),
            (Some(other), _) => {
                let what = format!("`{}` is not supported", shortened(other));
                let place = format!("{}: {}.rope.scaling.type", self.place, self.architecture);
                Err(Error::input(place, what, "use a model with no or linear scaling"))
            }
        }
    }
}
