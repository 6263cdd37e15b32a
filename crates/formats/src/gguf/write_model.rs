//! A model as a GGUF, which llama.cpp loads where it has the architecture: its keys, its tokenizer and its tensors, plain or quantized.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result};

use super::keys::Value;
use super::mix::GgufType;
use super::model::{epsilon_key, row_order};
use super::names::{Dialect, ROPE_DIVISORS, gguf_name};
use super::write_tokenizer::tokenizer_keys;
use super::writer::{Tensor, write};
use super::{mamba2, rwkv7};
use crate::artifact::ModelArtifact;
use crate::config::{Architecture, ModelConfig};
use crate::mixer::MixerConfig;
use crate::rope::RopeScaling;
use crate::tensor::{DType, TensorSpec, check_to_write, f32_bytes};
use crate::tokenizer::TokenizerBundle;
use crate::weights::RowOrder;

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufSummary {
    /// Every tensor's GGUF name, elements and the format it got: rows that are no whole blocks show here.
    pub tensors: Vec<(String, usize, DType)>,
    /// Size of the file.
    pub file_bytes: u64,
    /// Bits of tensor data per weight.
    pub bits_per_weight: f64,
}

/// Writes a model and its tokenizer. `tensors` as in [`crate::hf::write_folder`]. Without a tokenizer the file says `no_vocab`.
///
/// An input error if llama.cpp has no name for the tokenizer's pre-tokenizer or the tokenizer is no BPE that GGUF can hold; a check error
/// if a weight is not finite or too large for F16.
pub fn write_model(
    path: &Path,
    config: &ModelConfig,
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    tokenizer: Option<&TokenizerBundle>,
    kind: GgufType,
) -> Result<GgufSummary> {
    check_to_write(config, tensors)?;
    let given: HashMap<&str, &[f32]> = tensors.iter().map(|(name, _, data)| (name.as_str(), data.as_slice())).collect();
    // `check_to_write` has found every name.
    let values = |name: &str| Ok(Cow::Borrowed(given.get(name).copied().unwrap_or_default()));
    let name = path.file_stem().map_or("model".into(), |s| s.to_string_lossy());
    write_values(path, &name, config, &values, tokenizer, kind)
}

/// Packages a model that lies on disk, tensor by tensor, with its tokenizer if it has one. A path that ends in `.zst` is compressed
/// ([`super::package`]).
///
/// Errors as [`write_model`]; an input error too if the model is quantized already: its errors would add up.
pub fn repackage(artifact: &ModelArtifact, path: &Path, kind: GgufType) -> Result<GgufSummary> {
    let config = artifact.config();
    for spec in config.tensor_specs() {
        if let Some(dtype) = artifact.dtype(&spec.name).filter(|d| d.is_blocks()) {
            let place = format!("{}: {}", artifact.path().display(), spec.name);
            let what = format!("the tensor is quantized already ({})", dtype.name());
            return Err(Error::input(place, what, "package the model that it was made from"));
        }
    }
    let tokenizer = if artifact.has_tokenizer() { Some(artifact.tokenizer_bundle()?) } else { None };
    let name = artifact.path().file_stem().map_or("model".into(), |s| s.to_string_lossy());
    let values = |name: &str| Ok(Cow::Owned(artifact.tensor(name)?.to_f32()));
    write_values(path, &name, config, &values, tokenizer.as_ref(), kind)
}

/// Where a tensor's values come from, by Hugging Face name.
type Values<'a> = dyn Fn(&str) -> Result<Cow<'a, [f32]>> + 'a;

fn write_values(
    path: &Path,
    name: &str,
    config: &ModelConfig,
    values: &Values<'_>,
    tokenizer: Option<&TokenizerBundle>,
    kind: GgufType,
) -> Result<GgufSummary> {
    let mut keys = model_keys(config, name, kind)?;
    match tokenizer {
        Some(bundle) => keys.extend(tokenizer_keys(bundle, config)?),
        None => keys.push(("tokenizer.ggml.model".into(), Value::Text("no_vocab".into()))),
    }
    let mut out = Vec::new();
    if let Some(divisors) = config.rope_scaling.as_ref().and_then(|s| s.divisors(config.head_dim, config.rope_theta)) {
        out.push(Tensor {
            name: ROPE_DIVISORS.into(),
            shape: vec![divisors.len()],
            dtype: DType::F32,
            bytes: Box::new(move || Ok(f32_bytes(&divisors).into_owned())),
        });
    }
    let dialect = Dialect::of(config);
    for TensorSpec { name, mut shape } in config.tensor_specs() {
        let mut gguf_name = gguf_name(dialect, &name).ok_or_else(|| Error::internal("gguf::write_model", &name))?;
        let dtype = match name.split_once(".mixer.") {
            Some((_, part)) if !MixerConfig::is_linear_map(part) => DType::F32,
            _ => kind.dtype_for(&gguf_name, &shape, config.num_hidden_layers, config.tie_word_embeddings),
        };
        check_values(&name, &values(&name)?, dtype)?;
        let (rows, order) = (shape[0], row_order(config, &name));
        let parts = match dialect {
            Dialect::Rwkv7 => rwkv7::together(&name),
            _ => vec![name],
        };
        if parts.is_empty() {
            continue;
        }
        match dialect {
            Dialect::Mamba2 => mamba2::reshape(config, &gguf_name, &mut shape),
            Dialect::Rwkv7 => rwkv7::reshape(&mut gguf_name, &mut shape),
            Dialect::Of(_) | Dialect::Own => {}
        }
        let encoded = move |part: &String| Ok(encode(&values(part)?, rows, order, dtype));
        out.push(Tensor {
            name: gguf_name,
            shape,
            dtype,
            bytes: Box::new(move || Ok(parts.iter().map(&encoded).collect::<Result<Vec<_>>>()?.concat())),
        });
    }
    if dialect == Dialect::Rwkv7 {
        out.extend(rwkv7::unused(config));
    }
    write(path, &keys, &out)?;
    let listed: Vec<_> = out.iter().map(|t| (t.name.clone(), t.shape.iter().product::<usize>(), t.dtype)).collect();
    let weights: usize = listed.iter().map(|t| t.1).sum();
    let bytes: usize = out.iter().filter_map(|t| t.dtype.bytes_for(&t.shape)).sum();
    Ok(GgufSummary {
        tensors: listed,
        file_bytes: std::fs::metadata(path).map_err(|e| Error::io(path, "read", &e))?.len(),
        bits_per_weight: 8.0 * bytes as f64 / weights as f64,
    })
}

/// Whether a format can hold the values. Scales and minimums of blocks are f16 too: one limit for all.
fn check_values(name: &str, data: &[f32], dtype: DType) -> Result<()> {
    if let Some(bad) = data.iter().position(|v| !v.is_finite()) {
        let what = format!("the weight is {}", data[bad]);
        return Err(Error::check(format!("{name}[{bad}]"), what, "the model is damaged or its training diverged"));
    }
    let limit = if matches!(dtype, DType::F32 | DType::BF16) { f32::MAX } else { 65_504.0 };
    if let Some(big) = data.iter().position(|v| v.abs() > limit) {
        let what = format!("{} is too large for {}", data[big], dtype.name());
        return Err(Error::check(format!("{name}[{big}]"), what, "package as F32, or train with weight decay"));
    }
    Ok(())
}

/// Rows put in GGUF's order, then encoded. (GGUF turns no matrix.)
fn encode(data: &[f32], rows: usize, order: RowOrder, dtype: DType) -> Vec<u8> {
    let data = order.put_in_order(data, rows);
    let mut out = vec![0; dtype.row_bytes(data.len()).unwrap_or_default()];
    dtype.quantize(&data, &mut out);
    out
}

fn model_keys(config: &ModelConfig, name: &str, kind: GgufType) -> Result<Vec<(String, Value)>> {
    let dialect = Dialect::of(config);
    let of = |key: &str| format!("{}.{key}", dialect.name());
    let size = |n: usize| Value::U32(n as u32);
    let mut keys = vec![
        ("general.architecture".into(), Value::Text(dialect.name().into())),
        ("general.name".into(), Value::Text(name.into())),
        ("general.file_type".into(), Value::U32(kind.file_type())),
        ("general.quantization_version".into(), Value::U32(2)),
        (of("context_length"), size(config.max_position_embeddings)),
        (of("embedding_length"), size(config.hidden_size)),
        (of("block_count"), size(config.num_hidden_layers)),
        (of("feed_forward_length"), size(config.intermediate_size)),
        (of("vocab_size"), size(config.vocab_size)),
    ];
    keys.push((of(epsilon_key(config.architecture)), Value::F32(config.rms_norm_eps as f32)));
    let of_its_own = match dialect {
        Dialect::Mamba2 => Some(mamba2::keys(config)),
        Dialect::Rwkv7 => Some(rwkv7::keys(config)),
        Dialect::Of(_) | Dialect::Own => None,
    };
    if let Some(sizes) = of_its_own {
        keys.extend(sizes.map(|(key, n)| (of(key), size(n))));
        return Ok(keys);
    }
    keys.push((of("attention.head_count"), size(config.num_attention_heads)));
    if config.architecture == Architecture::Gpt2 {
        return Ok(keys);
    }
    keys.extend([
        (of("attention.head_count_kv"), size(config.num_key_value_heads)),
        (of("attention.key_length"), size(config.head_dim)),
        (of("attention.value_length"), size(config.head_dim)),
        (of("rope.dimension_count"), size(config.head_dim)),
        (of("rope.freq_base"), Value::F32(config.rope_theta as f32)),
    ]);
    let scaling = match config.rope_scaling {
        Some(RopeScaling::Linear { factor }) => Some(("linear", factor)),
        Some(RopeScaling::Partial { factor }) => Some(("partial", factor)),
        Some(RopeScaling::Llama3 { .. } | RopeScaling::Divisors(_)) | None => None,
    };
    if let Some((kind, factor)) = scaling {
        keys.push((of("rope.scaling.type"), Value::Text(kind.into())));
        keys.push((of("rope.scaling.factor"), Value::F32(factor as f32)));
    }
    if config.architecture.mixes_channels() {
        keys.push((of("architecture"), Value::Text(config.architecture.name().into())));
    }
    if !config.is_all_attention() {
        keys.push((of("mixers"), Value::Text(config.mixers_json()?.to_string())));
    }
    Ok(keys)
}
