//! RWKV-7 as llama.cpp keeps it: keys of its own, six vectors in one tensor, and tensors that nothing reads.

use bantam_core::Result;

use super::model::Keys;
use super::reader::TensorInfo;
use super::writer::Tensor;
use crate::config::{Architecture, ModelConfig};
use crate::mixer::MixerConfig;
use crate::tensor::DType;

/// The shares of the position before, in the order of [`FUSED`].
const SHARES: [char; 6] = ['r', 'w', 'k', 'v', 'a', 'g'];
/// All of them in one tensor, `[6, 1, 1, width]`.
const FUSED: &str = "time_mix_lerp_fused.weight";
/// What begins the names of the first layer's value residual, which llama.cpp wants to be there.
const UNUSED: &str = "blk.0.time_mix_v";

/// Heads have multiples of so many values: with heads of 32 llama.cpp gives other tokens, without a word (docs/lab-notes.md).
const HEAD_STEP: usize = 64;

/// Whether llama.cpp computes such a model: all layers alike, heads that it can, and an output matrix of its own.
pub(super) fn is_known(config: &ModelConfig) -> bool {
    let (head_dim, _) = sizes(config);
    config.architecture == Architecture::Rwkv7
        && config.mixers.len() == 1
        && !config.tie_word_embeddings
        && head_dim.is_multiple_of(HEAD_STEP)
}

/// Width of a head and the four ranks of the one mixer.
fn sizes(config: &ModelConfig) -> (usize, [usize; 4]) {
    match config.mixers.first() {
        Some(&MixerConfig::Rwkv7 { head_dim, ranks, .. }) => (head_dim, ranks),
        _ => (1, [0; 4]),
    }
}

/// Sizes, after the architecture's name.
pub(super) fn keys(config: &ModelConfig) -> [(&'static str, usize); 6] {
    let (head_dim, [decay, rate, value, gate]) = sizes(config);
    [
        ("attention.head_count", 0),
        ("wkv.head_size", head_dim),
        ("attention.decay_lora_rank", decay),
        ("attention.iclr_lora_rank", rate),
        ("attention.value_residual_mix_lora_rank", value),
        ("attention.gate_lora_rank", gate),
    ]
}

/// The config of such a model, but for what every GGUF says.
pub(super) fn config(read: &Keys<'_>, of_all: ModelConfig) -> Result<ModelConfig> {
    let rank = |of: &str| read.required(&format!("attention.{of}_lora_rank"));
    let ranks = [rank("decay")?, rank("iclr")?, rank("value_residual_mix")?, rank("gate")?];
    Ok(ModelConfig {
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 2,
        rope_scaling: None,
        mixers: vec![MixerConfig::Rwkv7 { head_dim: read.required("wkv.head_size")?, ranks, first: false }],
        ..of_all
    })
}

/// A file's tensor as the tensors it holds; none where nothing reads it.
pub(super) fn apart(tensor: TensorInfo) -> Vec<TensorInfo> {
    if tensor.name.starts_with(UNUSED) && !tensor.name.starts_with("blk.0.time_mix_value") {
        return Vec::new();
    }
    let (Some(block), [6, 1, 1, width], false) =
        (tensor.name.strip_suffix(FUSED), &tensor.shape[..], tensor.dtype.is_blocks())
    else {
        return vec![tensor];
    };
    let bytes = tensor.range.len() / SHARES.len();
    let part = |(at, share): (usize, char)| {
        let start = tensor.range.start + at * bytes;
        let name = format!("{block}time_mix_lerp_{share}.weight");
        TensorInfo { name, shape: vec![*width], dtype: tensor.dtype, range: start..start + bytes }
    };
    SHARES.into_iter().enumerate().map(part).collect()
}

/// The tensors, by Bantam's names, that are stored as one with this one; none if it is stored with an earlier one.
pub(super) fn together(own: &str) -> Vec<String> {
    match own.rsplit_once(".mixer.x_") {
        Some((block, "r")) => SHARES.iter().map(|share| format!("{block}.mixer.x_{share}")).collect(),
        Some(_) => Vec::new(),
        None => vec![own.to_owned()],
    }
}

/// From name and shape of a tensor by itself to those in the file.
pub(super) fn reshape(gguf_name: &mut String, shape: &mut Vec<usize>) {
    if let Some(block) = gguf_name.strip_suffix("time_mix_lerp_r.weight") {
        *gguf_name = format!("{block}{FUSED}");
        *shape = vec![SHARES.len(), 1, 1, shape[0]];
    } else if gguf_name.ends_with("time_mix_r_k.weight") {
        *shape = vec![shape.iter().product()];
    }
}

/// The tensors of zeros that llama.cpp wants to be there.
pub(super) fn unused(config: &ModelConfig) -> Vec<Tensor<'static>> {
    let (_, [_, rank, ..]) = sizes(config);
    let width = config.hidden_size;
    let zeros = |(part, shape): (char, Vec<usize>)| {
        let bytes = DType::F32.bytes_for(&shape).unwrap_or_default();
        Tensor {
            name: format!("{UNUSED}{part}.weight"),
            shape,
            dtype: DType::F32,
            bytes: Box::new(move || Ok(vec![0; bytes])),
        }
    };
    [('0', vec![width]), ('1', vec![rank, width]), ('2', vec![width, rank])].into_iter().map(zeros).collect()
}
