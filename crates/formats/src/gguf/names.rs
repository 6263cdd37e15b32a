//! Whose names does a GGUF have, and which tensor is which: llama.cpp's names and Bantam's.

use crate::config::{Architecture, ModelConfig, OWN};
use crate::hf::is_mamba2;

/// Whose names and layout a GGUF has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// llama.cpp's for a model of attention.
    Of(Architecture),
    /// llama.cpp's for Mamba-2 alone.
    Mamba2,
    /// Bantam's, for any mixers.
    Own,
}

/// llama.cpp's name of Mamba-2.
const MAMBA2_NAME: &str = "mamba2";

impl Dialect {
    /// llama.cpp's where it has the architecture, else Bantam's.
    pub fn of(config: &ModelConfig) -> Self {
        match config.is_all_attention() {
            true => Self::Of(config.architecture),
            false if is_mamba2(config) => Self::Mamba2,
            false => Self::Own,
        }
    }

    /// By `general.architecture`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            OWN => Some(Self::Own),
            MAMBA2_NAME => Some(Self::Mamba2),
            _ => Architecture::from_name(name).map(Self::Of),
        }
    }

    /// The inverse of [`from_name`](Self::from_name).
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(architecture) => architecture.name(),
            Self::Mamba2 => MAMBA2_NAME,
            Self::Own => OWN,
        }
    }

    /// What the model is beside its mixers.
    pub fn architecture(self) -> Architecture {
        match self {
            Self::Of(architecture) => architecture,
            Self::Mamba2 | Self::Own => Architecture::Llama,
        }
    }
}

/// GGUF's name of the tensor of per-frequency divisors.
pub(super) const ROPE_DIVISORS: &str = "rope_freqs.weight";

/// What comes once in a model, without `.weight` and `.bias`: GGUF's name and Bantam's.
const ONCE: [(&str, &str); 4] = [
    ("token_embd", "model.embed_tokens"),
    ("position_embd", "model.embed_positions"),
    ("output_norm", "model.norm"),
    ("output", "lm_head"),
];

/// What stands before a block's number.
const BLOCK: &str = "model.layers.";

/// Parts of a block, without `.weight` and `.bias`. Which of them a model has, its config says.
const PARTS: [(&str, &str); 12] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_qkv", "self_attn.qkv_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// Parts of a block of Mamba-2, whole.
const MAMBA2: [(&str, &str); 9] = [
    ("attn_norm.weight", "input_layernorm.weight"),
    ("ssm_in.weight", "mixer.in_proj.weight"),
    ("ssm_conv1d.weight", "mixer.conv1d.weight"),
    ("ssm_conv1d.bias", "mixer.conv1d.bias"),
    ("ssm_dt.bias", "mixer.dt_bias"),
    ("ssm_a", "mixer.A_log"),
    ("ssm_d", "mixer.D"),
    ("ssm_norm.weight", "mixer.norm.weight"),
    ("ssm_out.weight", "mixer.out_proj.weight"),
];

/// What stands between a block's number and the name of a mixer's tensor, here and there.
pub(super) const MIXER: &str = ".mixer.";

/// Bantam's name of a GGUF tensor; `None` if no model of the dialect has such a tensor.
pub(super) fn own_name(dialect: Dialect, gguf: &str) -> Option<String> {
    let in_block = gguf.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    if let Some((layer, part)) = in_block {
        let layer: u32 = layer.parse().ok()?;
        let at = |own: &str| format!("{BLOCK}{layer}.{own}");
        if dialect == Dialect::Mamba2 {
            return MAMBA2.iter().find(|(g, _)| *g == part).map(|(_, own)| at(own));
        }
        if let Some(mixers) = part.strip_prefix(&MIXER[1..]) {
            return (dialect == Dialect::Own).then(|| at(&format!("mixer.{mixers}")));
        }
        let (stem, kind) = with_kind(part)?;
        let (_, own) = PARTS.iter().find(|(g, _)| *g == stem)?;
        return Some(at(&format!("{own}.{kind}")));
    }
    let (stem, kind) = with_kind(gguf)?;
    let (_, own) = ONCE.iter().find(|(g, _)| *g == stem)?;
    Some(format!("{own}.{kind}"))
}

/// What stands before `.weight` or `.bias`, and which.
fn with_kind(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.').filter(|(_, kind)| matches!(*kind, "weight" | "bias"))
}

/// The inverse of [`own_name`].
pub(super) fn gguf_name(dialect: Dialect, own: &str) -> Option<String> {
    if let Some((layer, part)) = own.strip_prefix(BLOCK).and_then(|rest| rest.split_once('.')) {
        let at = |gguf: &str| format!("blk.{layer}.{gguf}");
        if dialect == Dialect::Mamba2 {
            return MAMBA2.iter().find(|(_, h)| *h == part).map(|(gguf, _)| at(gguf));
        }
        if part.starts_with(&MIXER[1..]) {
            return Some(at(part));
        }
        let (stem, kind) = part.rsplit_once('.')?;
        let (gguf, _) = PARTS.iter().find(|(_, h)| *h == stem)?;
        return Some(at(&format!("{gguf}.{kind}")));
    }
    let (stem, kind) = own.rsplit_once('.')?;
    let (gguf, _) = ONCE.iter().find(|(_, h)| *h == stem)?;
    Some(format!("{gguf}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{EMBEDDING, FINAL_NORM, OUTPUT};

    #[test]
    fn names_map_both_ways() {
        let (llama, gpt2) = (Dialect::Of(Architecture::Qwen3), Dialect::Of(Architecture::Gpt2));
        let (mamba2, mixed) = (Dialect::Mamba2, Dialect::Own);
        for (dialect, gguf) in [
            (llama, "token_embd.weight"),
            (llama, "output.weight"),
            (llama, "output_norm.weight"),
            (llama, "blk.11.attn_q.bias"),
            (llama, "blk.0.attn_k_norm.weight"),
            (llama, "blk.0.ffn_down.weight"),
            (gpt2, "position_embd.weight"),
            (gpt2, "output_norm.bias"),
            (gpt2, "blk.3.attn_qkv.bias"),
            (mamba2, "output_norm.weight"),
            (mamba2, "blk.7.ssm_a"),
            (mamba2, "blk.0.ssm_dt.bias"),
            (mamba2, "blk.0.attn_norm.weight"),
            (mixed, "blk.3.mixer.in_proj.weight"),
            (mixed, "blk.3.ffn_up.weight"),
        ] {
            assert_eq!(gguf_name(dialect, &own_name(dialect, gguf).unwrap()).unwrap(), gguf);
        }
        assert_eq!(own_name(llama, "blk.3.attn_k.weight").unwrap(), "model.layers.3.self_attn.k_proj.weight");
        assert_eq!(
            (
                own_name(llama, "token_embd.weight"),
                own_name(llama, "output_norm.weight"),
                own_name(llama, "output.weight")
            ),
            (Some(EMBEDDING.into()), Some(FINAL_NORM.into()), Some(OUTPUT.into()))
        );
        assert_eq!(own_name(mixed, "blk.3.mixer.w1").unwrap(), "model.layers.3.mixer.w1");
        assert_eq!(own_name(mamba2, "blk.3.ssm_a").unwrap(), "model.layers.3.mixer.A_log");
        assert_eq!(own_name(mamba2, "blk.3.ffn_up.weight"), None);
        for unknown in [
            "blk.3.mixer.in_proj.weight",
            "blk.3.ssm_a",
            "blk.-1.attn_q.weight",
            "blk.0",
            "blk.0.attn_q.scale",
        ] {
            assert_eq!(own_name(llama, unknown), None, "{unknown}");
        }
    }
}
