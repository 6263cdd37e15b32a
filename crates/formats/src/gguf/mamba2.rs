//! Mamba-2 alone as llama.cpp keeps it: keys and shapes of its own.

use bantam_core::Result;

use super::model::Keys;
use crate::config::ModelConfig;
use crate::mixer::MixerConfig;

/// Sizes, after the architecture's name.
pub(super) fn keys(config: &ModelConfig) -> [(&'static str, usize); 6] {
    let (inner, head, groups, states, kernel) = sizes(config);
    [
        ("attention.head_count", 0),
        ("ssm.conv_kernel", kernel),
        ("ssm.inner_size", inner),
        ("ssm.state_size", states),
        ("ssm.time_step_rank", inner / head),
        ("ssm.group_count", groups),
    ]
}

/// Inner width, width of a head, groups, states and kernel of the one mixer.
fn sizes(config: &ModelConfig) -> (usize, usize, usize, usize, usize) {
    match config.mixers.first() {
        Some(&MixerConfig::Mamba2 { inner_size, head_dim, groups, state_size, conv_kernel }) => {
            (inner_size, head_dim, groups, state_size, conv_kernel)
        }
        _ => (0, 1, 1, 0, 0),
    }
}

/// The mixer that the keys describe.
pub(super) fn mixer(read: &Keys<'_>) -> Result<MixerConfig> {
    let (inner_size, heads) = (read.required("ssm.inner_size")?, read.required("ssm.time_step_rank")?);
    if heads == 0 || !inner_size.is_multiple_of(heads) {
        return Err(read.error("ssm.time_step_rank", "does not divide ssm.inner_size"));
    }
    Ok(MixerConfig::Mamba2 {
        inner_size,
        head_dim: inner_size / heads,
        groups: read.required("ssm.group_count")?,
        state_size: read.required("ssm.state_size")?,
        conv_kernel: read.required("ssm.conv_kernel")?,
    })
}

/// The config of such a model, but for what every GGUF says.
pub(super) fn config(read: &Keys<'_>, of_all: ModelConfig) -> Result<ModelConfig> {
    Ok(ModelConfig {
        intermediate_size: 0,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 2,
        rope_scaling: None,
        mixers: vec![mixer(read)?],
        ..of_all
    })
}

/// From the shape under Hugging Face's name to that in the file: llama.cpp leaves out the dimension of one, gives A and D one, and lays out the
/// norm's gain by groups.
pub(super) fn reshape(config: &ModelConfig, gguf_name: &str, shape: &mut Vec<usize>) {
    let (_, _, groups, ..) = sizes(config);
    match gguf_name.rsplit_once("ssm_").map_or("", |(_, part)| part) {
        "conv1d.weight" => drop(shape.remove(1)),
        "a" | "d" => shape.push(1),
        "norm.weight" => *shape = vec![groups, shape[0] / groups],
        _ => {}
    }
}
