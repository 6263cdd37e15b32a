//! Whose names does a GGUF have, and which tensor is which: llama.cpp's names and Bantam's.

use super::rwkv7;
use crate::config::{Architecture, ModelConfig, OWN};
use crate::hf::is_mamba2;

/// Whose names and layout a GGUF has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// llama.cpp's for a model of attention.
    Of(Architecture),
    /// llama.cpp's for Mamba-2 alone.
    Mamba2,
    /// llama.cpp's for RWKV-7.
    Rwkv7,
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
            false if rwkv7::is_known(config) => Self::Rwkv7,
            false => Self::Own,
        }
    }

    /// By `general.architecture`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            OWN => Some(Self::Own),
            MAMBA2_NAME => Some(Self::Mamba2),
            _ => match Architecture::from_name(name)? {
                Architecture::Rwkv7 => Some(Self::Rwkv7),
                Architecture::Rwkv4 => None,
                of_attention => Some(Self::Of(of_attention)),
            },
        }
    }

    /// The inverse of [`from_name`](Self::from_name).
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(architecture) => architecture.name(),
            Self::Mamba2 => MAMBA2_NAME,
            Self::Rwkv7 => Architecture::Rwkv7.name(),
            Self::Own => OWN,
        }
    }

    /// Parts of a block that are found here before anywhere else, whole: GGUF's name and Bantam's.
    fn own_parts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Mamba2 => &MAMBA2,
            Self::Rwkv7 => &RWKV7,
            Self::Of(_) | Self::Own => &[],
        }
    }

    /// Whether there are parts that are called as Bantam calls them.
    fn keeps(self, part: &str) -> bool {
        let known = || part.rsplit_once('.').is_some_and(|(stem, _)| PARTS.iter().any(|(_, own)| *own == stem));
        self == Self::Own && (part.starts_with("mixer.") || part.starts_with("mlp.") && !known())
    }
}

/// GGUF's name of the tensor of per-frequency divisors.
pub(super) const ROPE_DIVISORS: &str = "rope_freqs.weight";

/// What comes once in a model, without `.weight` and `.bias`: GGUF's name and Bantam's.
const ONCE: [(&str, &str); 5] = [
    ("token_embd", "model.embed_tokens"),
    ("token_embd_norm", "model.embed_norm"),
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

/// Parts of a block of RWKV-7, whole. (The six `time_mix_lerp_` are one tensor in files.)
const RWKV7: [(&str, &str); 33] = [
    ("attn_norm_2.weight", "post_attention_layernorm.weight"),
    ("attn_norm_2.bias", "post_attention_layernorm.bias"),
    ("time_mix_lerp_r.weight", "mixer.x_r"),
    ("time_mix_lerp_w.weight", "mixer.x_w"),
    ("time_mix_lerp_k.weight", "mixer.x_k"),
    ("time_mix_lerp_v.weight", "mixer.x_v"),
    ("time_mix_lerp_a.weight", "mixer.x_a"),
    ("time_mix_lerp_g.weight", "mixer.x_g"),
    ("time_mix_w0.weight", "mixer.w0"),
    ("time_mix_w1.weight", "mixer.w1"),
    ("time_mix_w2.weight", "mixer.w2"),
    ("time_mix_a0.weight", "mixer.a0"),
    ("time_mix_a1.weight", "mixer.a1"),
    ("time_mix_a2.weight", "mixer.a2"),
    ("time_mix_v0.weight", "mixer.v0"),
    ("time_mix_v1.weight", "mixer.v1"),
    ("time_mix_v2.weight", "mixer.v2"),
    ("time_mix_g1.weight", "mixer.g1"),
    ("time_mix_g2.weight", "mixer.g2"),
    ("time_mix_k_k.weight", "mixer.k_k"),
    ("time_mix_k_a.weight", "mixer.k_a"),
    ("time_mix_r_k.weight", "mixer.r_k"),
    ("time_mix_receptance.weight", "mixer.receptance.weight"),
    ("time_mix_key.weight", "mixer.key.weight"),
    ("time_mix_value.weight", "mixer.value.weight"),
    ("time_mix_output.weight", "mixer.output.weight"),
    ("time_mix_ln.weight", "mixer.ln_x.weight"),
    ("time_mix_ln.bias", "mixer.ln_x.bias"),
    ("channel_mix_lerp_k.weight", "mlp.x_k"),
    ("channel_mix_key.weight", "mlp.key.weight"),
    ("channel_mix_value.weight", "mlp.value.weight"),
    ("attn_norm.weight", "input_layernorm.weight"),
    ("attn_norm.bias", "input_layernorm.bias"),
];

/// Bantam's name of a GGUF tensor; `None` if no model of the dialect has such a tensor.
pub(super) fn own_name(dialect: Dialect, gguf: &str) -> Option<String> {
    let in_block = gguf.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    if let Some((layer, part)) = in_block {
        let layer: u32 = layer.parse().ok()?;
        let at = |own: &str| format!("{BLOCK}{layer}.{own}");
        if !dialect.own_parts().is_empty() {
            return dialect.own_parts().iter().find(|(g, _)| *g == part).map(|(_, own)| at(own));
        }
        if dialect.keeps(part) {
            return Some(at(part));
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
        if !dialect.own_parts().is_empty() {
            return dialect.own_parts().iter().find(|(_, own)| *own == part).map(|(gguf, _)| at(gguf));
        }
        if dialect.keeps(part) {
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
        let (mamba2, rwkv7, mixed) = (Dialect::Mamba2, Dialect::Rwkv7, Dialect::Own);
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
            (mixed, "blk.3.mlp.key.weight"),
            (mixed, "blk.3.mlp.time_mix_key"),
            (mixed, "blk.3.ffn_norm.bias"),
            (rwkv7, "token_embd_norm.bias"),
            (rwkv7, "blk.3.attn_norm_2.bias"),
            (rwkv7, "blk.3.time_mix_lerp_g.weight"),
            (rwkv7, "blk.3.channel_mix_value.weight"),
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
            (Some(EMBEDDING.into()), Some(format!("{FINAL_NORM}.weight")), Some(OUTPUT.into()))
        );
        assert_eq!(own_name(mixed, "blk.3.mixer.w1").unwrap(), "model.layers.3.mixer.w1");
        assert_eq!(own_name(mamba2, "blk.3.ssm_a").unwrap(), "model.layers.3.mixer.A_log");
        assert_eq!(own_name(mamba2, "blk.3.ffn_up.weight"), None);
        assert_eq!(own_name(rwkv7, "blk.3.mixer.x_r"), None);
        for unknown in
            ["blk.3.mixer.in_proj.weight", "blk.3.ssm_a", "blk.-1.attn_q.weight", "blk.0", "blk.0.attn_q.scale"]
        {
            assert_eq!(own_name(llama, unknown), None, "{unknown}");
        }
    }
}
