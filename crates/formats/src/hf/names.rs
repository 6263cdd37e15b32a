//! What tensors are called in the folders of models that have names of their own, and how they lie there.

use super::hybrid;
use crate::config::{Architecture, ModelConfig};
use crate::weights::RowOrder;

/// GPT-2's names and Bantam's.
const GPT2: [(&str, &str); 10] = [
    ("transformer.wte.", "model.embed_tokens."),
    ("transformer.wpe.", "model.embed_positions."),
    ("transformer.ln_f.", "model.norm."),
    ("transformer.h.", "model.layers."),
    (".ln_1.", ".input_layernorm."),
    (".ln_2.", ".post_attention_layernorm."),
    (".attn.c_attn.", ".self_attn.qkv_proj."),
    (".attn.c_proj.", ".self_attn.o_proj."),
    (".mlp.c_fc.", ".mlp.up_proj."),
    (".mlp.c_proj.", ".mlp.down_proj."),
];

/// RWKV-4's names and Bantam's.
const RWKV4: [(&str, &str); 9] = [
    ("rwkv.embeddings.", "model.embed_tokens."),
    ("rwkv.blocks.0.pre_ln.", "model.embed_norm."),
    ("rwkv.ln_out.", "model.norm."),
    ("rwkv.blocks.", "model.layers."),
    (".ln1.", ".input_layernorm."),
    (".ln2.", ".post_attention_layernorm."),
    (".attention.", ".mixer."),
    (".feed_forward.", ".mlp."),
    ("head.weight", "lm_head.weight"),
];

/// Bantam's name of a tensor in a folder of such a model.
pub(super) fn own_name(config: &ModelConfig, name: String) -> String {
    match config.architecture {
        Architecture::Gpt2 => {
            // The hub's first files were saved without the prefix that the model's class gives.
            let short = ["wte.", "wpe.", "h.", "ln_f."].iter().any(|p| name.starts_with(p));
            let name = if short { format!("transformer.{name}") } else { name };
            GPT2.iter().fold(name, |name, (theirs, own)| name.replacen(theirs, own, 1))
        }
        Architecture::Rwkv4 => RWKV4.iter().fold(name, |name, (theirs, own)| name.replacen(theirs, own, 1)),
        Architecture::Llama => hybrid::own_name(name),
        Architecture::Qwen2 | Architecture::Qwen3 | Architecture::Rwkv7 => name,
    }
}

/// The inverse of [`own_name`]: the name that `transformers` gives a tensor of this model.
pub fn folder_name(config: &ModelConfig, name: &str) -> String {
    match config.architecture {
        Architecture::Gpt2 => GPT2.iter().fold(name.to_owned(), |name, (theirs, own)| name.replacen(own, theirs, 1)),
        Architecture::Rwkv4 => RWKV4.iter().fold(name.to_owned(), |name, (theirs, own)| name.replacen(own, theirs, 1)),
        _ => hybrid::their_name(config, name),
    }
}

/// How a tensor lies in a folder, by Bantam's name.
pub(super) fn rows(config: &ModelConfig, name: &str) -> RowOrder {
    match config.architecture {
        // Its `Conv1D`.
        Architecture::Gpt2 if name.ends_with("_proj.weight") => RowOrder::Turned,
        _ => hybrid::rows(config, name),
    }
}

/// The shape of a tensor of this name from that in a folder: RWKV-4's shares of the position before are `[1, 1, width]` there.
pub(super) fn own_shape(config: &ModelConfig, name: &str, shape: Vec<usize>) -> Vec<usize> {
    match shape[..] {
        [1, 1, width] if is_share(config, name) => vec![width],
        _ => shape,
    }
}

fn is_share(config: &ModelConfig, name: &str) -> bool {
    config.architecture == Architecture::Rwkv4 && name.contains(".time_mix_")
}

/// A tensor as it is written: name, shape, elements.
type Named = (String, Vec<usize>, Vec<f32>);

/// A tensor under its name and in its order in a folder of such a model.
pub(super) fn to_write(config: &ModelConfig, (name, shape, values): &Named) -> Named {
    let order = rows(config, name);
    let mut shape = shape.clone();
    let values = order.put_in_order(values, shape[0]).into_owned();
    if order == RowOrder::Turned {
        shape.reverse();
    } else if is_share(config, name) {
        shape = vec![1, 1, shape[0]];
    }
    (folder_name(config, name), shape, values)
}
