//! Names of tensors: llama.cpp's and Hugging Face's.

use crate::config::Architecture;

/// GGUF's name of the tensor of per-frequency divisors.
pub(super) const ROPE_DIVISORS: &str = "rope_freqs.weight";

/// Names of one architecture, without `.weight` and `.bias`.
struct Names {
    /// What comes once in a model: GGUF's name and Hugging Face's.
    once: &'static [(&'static str, &'static str)],
    /// What stands before a block's number in Hugging Face's names.
    block: &'static str,
    /// Parts of a block: GGUF's name and Hugging Face's.
    parts: &'static [(&'static str, &'static str)],
}

const LLAMA: Names = Names {
    once: &[("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")],
    block: "model.layers.",
    parts: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ],
};

const GPT2: Names = Names {
    once: &[
        ("token_embd", "transformer.wte"),
        ("position_embd", "transformer.wpe"),
        ("output_norm", "transformer.ln_f"),
        ("output", "lm_head"),
    ],
    block: "transformer.h.",
    parts: &[
        ("attn_norm", "ln_1"),
        ("attn_qkv", "attn.c_attn"),
        ("attn_output", "attn.c_proj"),
        ("ffn_norm", "ln_2"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
};

fn names(architecture: Architecture) -> &'static Names {
    match architecture {
        Architecture::Gpt2 => &GPT2,
        Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => &LLAMA,
    }
}

/// What stands between a block's number and the name of a mixer's tensor, here and there.
pub(super) const MIXER: &str = ".mixer.";

/// Hugging Face's name of a GGUF tensor; `None` if the architecture has no such tensor. `own`: of a model with mixers of Bantam's.
pub(super) fn hf_name(architecture: Architecture, own: bool, gguf: &str) -> Option<String> {
    let names = names(architecture);
    if let Some((layer, part)) = gguf.strip_prefix("blk.").and_then(|rest| rest.split_once(MIXER)) {
        let layer: u32 = layer.parse().ok()?;
        return own.then(|| format!("{}{layer}{MIXER}{part}", names.block));
    }
    let (stem, kind) = gguf.rsplit_once('.').filter(|(_, kind)| matches!(*kind, "weight" | "bias"))?;
    if let Some((_, hf)) = names.once.iter().find(|(g, _)| *g == stem) {
        // Only GPT-2's last norm has a bias among these.
        let known = kind == "weight" || *hf == "transformer.ln_f";
        return known.then(|| format!("{hf}.{kind}"));
    }
    let (layer, part) = stem.strip_prefix("blk.")?.split_once('.')?;
    let layer: u32 = layer.parse().ok()?;
    let (_, hf) = names.parts.iter().find(|(g, _)| *g == part)?;
    Some(format!("{}{layer}.{hf}.{kind}", names.block))
}

/// The inverse of [`hf_name`].
pub(super) fn gguf_name(architecture: Architecture, hf: &str) -> Option<String> {
    let names = names(architecture);
    if let Some((layer, part)) = hf.strip_prefix(names.block).and_then(|rest| rest.split_once(MIXER)) {
        return Some(format!("blk.{layer}{MIXER}{part}"));
    }
    let (stem, kind) = hf.rsplit_once('.')?;
    if let Some((gguf, _)) = names.once.iter().find(|(_, h)| *h == stem) {
        return Some(format!("{gguf}.{kind}"));
    }
    let (layer, part) = stem.strip_prefix(names.block)?.split_once('.')?;
    let (gguf, _) = names.parts.iter().find(|(_, h)| *h == part)?;
    Some(format!("blk.{layer}.{gguf}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{EMBEDDING, FINAL_NORM, OUTPUT};

    #[test]
    fn names_map_both_ways() {
        let (llama, gpt2) = (Architecture::Qwen3, Architecture::Gpt2);
        for (architecture, gguf) in [
            (llama, "token_embd.weight"),
            (llama, "output.weight"),
            (llama, "output_norm.weight"),
            (llama, "blk.11.attn_q.bias"),
            (llama, "blk.0.attn_k_norm.weight"),
            (llama, "blk.0.ffn_down.weight"),
            (gpt2, "position_embd.weight"),
            (gpt2, "output_norm.bias"),
            (gpt2, "blk.3.attn_qkv.bias"),
        ] {
            assert_eq!(gguf_name(architecture, &hf_name(architecture, false, gguf).unwrap()).unwrap(), gguf);
        }
        assert_eq!(hf_name(llama, false, "blk.3.attn_k.weight").unwrap(), "model.layers.3.self_attn.k_proj.weight");
        assert_eq!(
            (
                hf_name(llama, false, "token_embd.weight"),
                hf_name(llama, false, "output_norm.weight"),
                hf_name(llama, false, "output.weight")
            ),
            (Some(EMBEDDING.into()), Some(FINAL_NORM.into()), Some(OUTPUT.into()))
        );
        let own = "blk.3.mixer.in_proj.weight";
        assert_eq!(hf_name(Architecture::Llama, true, own).unwrap(), "model.layers.3.mixer.in_proj.weight");
        assert_eq!(gguf_name(Architecture::Llama, "model.layers.3.mixer.in_proj.weight").unwrap(), own);
        for unknown in [
            own,
            "blk.0.attn_qkv.weight",
            "blk.-1.attn_q.weight",
            "blk.0",
            "output.bias",
            "output_norm.bias",
            "blk.0.attn_q.scale",
            "position_embd.weight",
        ] {
            assert_eq!(hf_name(llama, false, unknown), None, "{unknown}");
        }
    }
}
