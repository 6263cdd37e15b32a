//! Folders of models made of Mamba-2, alone (`mamba2`) or with attention between (`bamba`): their `config.json`, tensor names and the
//! order of their rows.

use bantam_core::Result;
use serde_json::{Value, json};

use super::config::{Reader, ids_json};
use crate::config::{Architecture, ModelConfig, USE_A_KNOWN_ONE};
use crate::mixer::MixerConfig;
use crate::rope::{RopeScaling, rotated};
use crate::weights::RowOrder;

/// Positions of a model that has no limit.
const UNLIMITED: usize = 1 << 20;
/// The share of a head that Bamba rotates where nothing is said.
const BAMBA_ROTATES: f64 = 0.5;

/// The two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Blocks that are a mixer alone.
    Mamba2,
    /// Mamba-2 and attention, each with a feed-forward.
    Bamba,
}

impl Family {
    /// By `model_type`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "mamba2" => Some(Self::Mamba2),
            "bamba" => Some(Self::Bamba),
            _ => None,
        }
    }

    /// The family whose class computes what `config` says.
    pub(super) fn of(config: &ModelConfig) -> Option<Self> {
        let mamba = mamba2(config)?;
        let MixerConfig::Mamba2 { inner_size, .. } = mamba else { return None };
        let known = |layer: usize| [mamba, &MixerConfig::Attention].contains(&&config.mixer(layer));
        let plain = config.architecture == Architecture::Llama
            && inner_size.is_multiple_of(config.hidden_size)
            && (0..config.num_hidden_layers).all(known);
        if !plain {
            return None;
        }
        let has_attention = config.mixers.contains(&MixerConfig::Attention);
        if config.intermediate_size == 0 {
            return (!has_attention && config.rope_scaling.is_none()).then_some(Self::Mamba2);
        }
        let rotation = matches!(config.rope_scaling, None | Some(RopeScaling::Partial { .. }));
        (rotation && config.query_width() == config.hidden_size).then_some(Self::Bamba)
    }
}

/// Whether the model is Mamba-2 alone, as its authors and llama.cpp have it.
pub(crate) fn is_mamba2(config: &ModelConfig) -> bool {
    Family::of(config) == Some(Family::Mamba2)
}

/// The first Mamba-2 of the pattern.
fn mamba2(config: &ModelConfig) -> Option<&MixerConfig> {
    config.mixers.iter().find(|mixer| matches!(mixer, MixerConfig::Mamba2 { .. }))
}

/// Reads the keys; what would change the computation in a way Bantam does not follow is refused. Not yet validated.
pub(super) fn read(family: Family, read: &Reader<'_>) -> Result<ModelConfig> {
    let not_run = |key: &str, what: String| Err(read.error(key, what, USE_A_KNOWN_ONE));
    if let Some(act) = read.text("hidden_act")?
        && act != "silu"
    {
        return not_run("hidden_act", format!("`{act}` instead of silu"));
    }
    let flags = match family {
        Family::Mamba2 => vec![("use_bias", false), ("use_conv_bias", true), ("rms_norm", true)],
        Family::Bamba => vec![("mamba_proj_bias", false), ("mamba_conv_bias", true), ("mlp_bias", false)],
    };
    for (key, run) in flags {
        if read.flag(key)?.is_some_and(|set| set != run) {
            return not_run(key, format!("{}", !run));
        }
    }
    if read.get("quantization_config").is_some() {
        return not_run("quantization_config", "quantized weights".into());
    }
    if read.get("time_step_limit").is_some_and(|limit| !is_unlimited(limit)) {
        return not_run("time_step_limit", "steps are limited".into());
    }
    let hidden_size = read.required("hidden_size")?;
    let num_hidden_layers = read.required("num_hidden_layers")?;
    let [heads, head, groups, states, kernel, expand] = match family {
        Family::Mamba2 => ["num_heads", "head_dim", "n_groups", "state_size", "conv_kernel", "expand"],
        Family::Bamba => {
            ["mamba_n_heads", "mamba_d_head", "mamba_n_groups", "mamba_d_state", "mamba_d_conv", "mamba_expand"]
        }
    };
    let heads_of = read.required(heads)?;
    let inner_size = read.size(expand)?.unwrap_or(2).saturating_mul(hidden_size);
    let head_dim = match read.size(head) {
        Ok(Some(n)) => n,
        // "auto", or not said.
        _ if heads_of > 0 => inner_size / heads_of,
        _ => 0,
    };
    if heads_of.checked_mul(head_dim) != Some(inner_size) {
        let what = format!("{heads_of} heads of {head_dim} do not make {expand} times hidden_size");
        return Err(read.error(heads, what, "correct the sizes"));
    }
    let mamba = MixerConfig::Mamba2 {
        inner_size,
        head_dim,
        groups: read.size(groups)?.unwrap_or(if family == Family::Mamba2 { 8 } else { 1 }),
        state_size: read.size(states)?.unwrap_or(if family == Family::Mamba2 { 128 } else { 256 }),
        conv_kernel: read.size(kernel)?.unwrap_or(4),
    };
    let of_all = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: read.required("vocab_size")?,
        hidden_size,
        intermediate_size: 0,
        num_hidden_layers,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 2,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: read.flag("tie_word_embeddings")?.unwrap_or(false),
        max_position_embeddings: UNLIMITED,
        attention_bias: false,
        bos_token_id: read.ids("bos_token_id")?.first().copied(),
        eos_token_ids: read.ids("eos_token_id")?,
        pad_token_id: read.ids("pad_token_id")?.first().copied(),
        mixers: vec![mamba.clone()],
    };
    if family == Family::Mamba2 {
        let rms_norm_eps = read.number("layer_norm_epsilon")?.unwrap_or(1e-5);
        return Ok(ModelConfig { rms_norm_eps, ..of_all });
    }
    let num_attention_heads = read.required("num_attention_heads")?;
    if num_attention_heads == 0 || !hidden_size.is_multiple_of(num_attention_heads) {
        let what = format!("{num_attention_heads} does not divide hidden_size {hidden_size}");
        return Err(read.error("num_attention_heads", what, "correct the sizes"));
    }
    let (rope_theta, factor) = rotation(read)?;
    Ok(ModelConfig {
        intermediate_size: read.required("intermediate_size")?,
        num_attention_heads,
        num_key_value_heads: read.size("num_key_value_heads")?.unwrap_or(8),
        head_dim: hidden_size / num_attention_heads,
        rms_norm_eps: read.number("rms_norm_eps")?.unwrap_or(1e-5),
        rope_theta,
        rope_scaling: (factor != 1.0).then_some(RopeScaling::Partial { factor }),
        max_position_embeddings: read.size("max_position_embeddings")?.unwrap_or(262_144),
        attention_bias: read.flag("attention_bias")?.unwrap_or(false),
        mixers: pattern(read, &mamba, num_hidden_layers)?,
        ..of_all
    })
}

/// Whether `[0, infinity]` stands there, in one of the ways that transformers writes it.
fn is_unlimited(limit: &Value) -> bool {
    let infinite = |v: &Value| v.get("__float__").or(Some(v)).and_then(Value::as_str) == Some("Infinity");
    matches!(limit.as_array().map(Vec::as_slice), Some([low, high]) if low.as_f64() == Some(0.0) && infinite(high))
}

/// Base of the frequencies and the share of a head that rotates.
fn rotation(read: &Reader<'_>) -> Result<(f64, f64)> {
    let beside = (read.number("rope_theta")?, read.number("partial_rotary_factor")?);
    let within = match read.get("rope_parameters") {
        Some(Value::Object(keys)) => {
            let inner = read.of(keys);
            if inner.text("rope_type")?.is_some_and(|kind| kind != "default") {
                return Err(inner.error("rope_type", "is not run with bamba".into(), USE_A_KNOWN_ONE));
            }
            (inner.number("rope_theta")?, inner.number("partial_rotary_factor")?)
        }
        _ => (None, None),
    };
    if read.get("rope_scaling").is_some_and(|v| v.get("rope_type").is_some_and(|kind| kind != "default")) {
        return Err(read.error("rope_scaling", "is not run with bamba".into(), USE_A_KNOWN_ONE));
    }
    Ok((within.0.or(beside.0).unwrap_or(10_000.0), within.1.or(beside.1).unwrap_or(BAMBA_ROTATES)))
}

/// The shortest pattern that gives every layer its mixer.
fn pattern(read: &Reader<'_>, mamba: &MixerConfig, layers: usize) -> Result<Vec<MixerConfig>> {
    let attention = match read.get("attn_layer_indices") {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(Value::as_u64).collect(),
        Some(_) => vec![None],
    };
    // A damaged number of layers must not become a list of that length.
    if layers > crate::config::MAX_LAYERS || attention.iter().any(|at| at.is_none_or(|at| at >= layers as u64)) {
        let what = format!("not a list of places among {layers} layers");
        return Err(read.error("attn_layer_indices", what, "correct the list"));
    }
    let mixer = |layer: usize| match attention.contains(&Some(layer as u64)) {
        true => MixerConfig::Attention,
        false => mamba.clone(),
    };
    let all: Vec<MixerConfig> = (0..layers).map(mixer).collect();
    let repeats = |n: &usize| all.iter().zip(all.iter().skip(*n)).all(|(a, b)| a == b);
    let shortest = (1..=layers).find(repeats).unwrap_or(layers);
    Ok(all[..shortest].to_vec())
}

/// The inverse of [`read`], for a config of this family.
pub(super) fn to_json(family: Family, config: &ModelConfig) -> Value {
    let Some(&MixerConfig::Mamba2 { inner_size, head_dim, groups, state_size, conv_kernel }) = mamba2(config) else {
        return Value::Null;
    };
    let (heads, expand) = (inner_size / head_dim, inner_size / config.hidden_size);
    let mut out = json!({
        "bos_token_id": config.bos_token_id,
        "eos_token_id": ids_json(&config.eos_token_ids),
        "hidden_act": "silu",
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "pad_token_id": config.pad_token_id,
        "tie_word_embeddings": config.tie_word_embeddings,
        "torch_dtype": "float32",
        "use_cache": true,
        "vocab_size": config.vocab_size,
    });
    let own = match family {
        Family::Mamba2 => json!({
            "architectures": ["Mamba2ForCausalLM"],
            "model_type": "mamba2",
            "conv_kernel": conv_kernel,
            "expand": expand,
            "head_dim": head_dim,
            "layer_norm_epsilon": config.rms_norm_eps,
            "n_groups": groups,
            "num_heads": heads,
            "residual_in_fp32": true,
            "rms_norm": true,
            "state_size": state_size,
            "use_bias": false,
            "use_conv_bias": true,
        }),
        Family::Bamba => {
            let factor = match config.rope_scaling {
                Some(RopeScaling::Partial { factor }) => factor,
                _ => 1.0,
            };
            let is_attention = |layer: &usize| config.mixer(*layer) == MixerConfig::Attention;
            json!({
                "architectures": ["BambaForCausalLM"],
                "model_type": "bamba",
                "attention_bias": config.attention_bias,
                "attn_layer_indices": (0..config.num_hidden_layers).filter(is_attention).collect::<Vec<_>>(),
                "intermediate_size": config.intermediate_size,
                "mamba_conv_bias": true,
                "mamba_d_conv": conv_kernel,
                "mamba_d_head": head_dim,
                "mamba_d_state": state_size,
                "mamba_expand": expand,
                "mamba_n_groups": groups,
                "mamba_n_heads": heads,
                "mamba_proj_bias": false,
                "max_position_embeddings": config.max_position_embeddings,
                "mlp_bias": false,
                "num_attention_heads": config.num_attention_heads,
                "num_key_value_heads": config.num_key_value_heads,
                "partial_rotary_factor": factor,
                "rms_norm_eps": config.rms_norm_eps,
                "rope_parameters":
                    { "partial_rotary_factor": factor, "rope_theta": config.rope_theta, "rope_type": "default" },
                "rope_theta": config.rope_theta,
            })
        }
    };
    if let (Value::Object(out), Value::Object(own)) = (&mut out, own) {
        out.extend(own);
    }
    out
}

/// What these models call what Llama calls otherwise.
const NAMES: [(&str, &str); 6] = [
    ("backbone.embeddings.", "model.embed_tokens."),
    ("backbone.norm_f.", "model.norm."),
    ("model.final_layernorm.", "model.norm."),
    (".mamba.", ".mixer."),
    (".feed_forward.", ".mlp."),
    (".pre_ff_layernorm.", ".post_attention_layernorm."),
];

/// Bantam's name of a tensor in such a folder. Names of other models stay as they are.
pub(super) fn own_name(name: String) -> String {
    if let Some(rest) = name.strip_prefix("backbone.layers.") {
        let rest = rest.replacen(".norm.weight", ".input_layernorm.weight", usize::from(!rest.contains(".mixer.")));
        return format!("model.layers.{rest}");
    }
    NAMES.iter().fold(name, |name, (theirs, own)| name.replacen(theirs, own, 1))
}

/// The name in a folder of such a model; Bantam's for any other.
pub(super) fn their_name(config: &ModelConfig, name: &str) -> String {
    match Family::of(config) {
        None => name.to_owned(),
        Some(Family::Mamba2) => match name.strip_prefix("model.layers.") {
            Some(rest) => format!("backbone.layers.{}", rest.replacen(".input_layernorm.", ".norm.", 1)),
            None => NAMES[..2].iter().fold(name.to_owned(), |name, (theirs, own)| name.replacen(own, theirs, 1)),
        },
        Some(Family::Bamba) => {
            NAMES[2..].iter().fold(name.to_owned(), |name, (theirs, own)| name.replacen(own, theirs, 1))
        }
    }
}

/// The order of a tensor's rows in a folder, by Bantam's name.
pub(super) fn rows(config: &ModelConfig, name: &str) -> RowOrder {
    match config.rope_scaling {
        Some(RopeScaling::Partial { factor }) if name.contains(".q_proj.") || name.contains(".k_proj.") => {
            RowOrder::PartialHalves { head_dim: config.head_dim, rotated: rotated(config.head_dim, factor) }
        }
        _ => RowOrder::HuggingFace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAMBA2: &str = r#"{"model_type": "mamba2", "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_heads": 8,
        "head_dim": 8, "n_groups": 1, "state_size": 16, "time_step_limit": [0.0, Infinity]}"#;
    const BAMBA: &str = r#"{"model_type": "bamba", "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "attn_layer_indices": [1, 3], "mamba_n_heads": 8, "mamba_d_head": "auto",
        "mamba_d_state": 16, "rope_theta": 5000.0}"#;

    fn parse(text: &str) -> Result<ModelConfig> {
        ModelConfig::from_hf_json(text, "config.json")
    }

    #[test]
    fn what_python_writes_and_leaves_out_is_understood() {
        let mamba = MixerConfig::Mamba2 { inner_size: 64, head_dim: 8, groups: 1, state_size: 16, conv_kernel: 4 };
        let config = parse(MAMBA2).unwrap();
        assert_eq!((config.intermediate_size, &config.mixers), (0, &vec![mamba.clone()]));
        assert!(!config.tensor_specs().iter().any(|s| s.name.contains("mlp") || s.name.contains("post_attention")));
        let config = parse(BAMBA).unwrap();
        assert_eq!(config.mixers, [mamba, MixerConfig::Attention]);
        assert_eq!(config.rope_scaling, Some(RopeScaling::Partial { factor: 0.5 }));
        assert_eq!(config.rope_inverse_frequencies()[2..], [0.0, 0.0]);
        for text in [MAMBA2, BAMBA] {
            let config = parse(text).unwrap();
            assert_eq!(parse(&config.to_hf_json().unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn what_is_not_computed_is_refused_where_it_stands() {
        let bad = [
            (MAMBA2.replace("Infinity", "0.5"), "time_step_limit"),
            (MAMBA2.replace(r#""head_dim": 8"#, r#""head_dim": 9"#), "num_heads"),
            (MAMBA2.replace(r#""num_heads": 8"#, r#""num_heads": 0"#), "num_heads"),
            (MAMBA2.replace(r#""n_groups": 1"#, r#""n_groups": 3"#), "groups"),
            (MAMBA2.replace(r#""n_groups": 1"#, r#""use_bias": true"#), "use_bias"),
            (MAMBA2.replace(r#""hidden_size": 32"#, r#""hidden_size": 1e300"#), "hidden_size"),
            (MAMBA2.replace(r#""hidden_size": 32"#, r#""hidden_size": 9223372036854775807"#), "num_heads"),
            (BAMBA.replace("[1, 3]", "[1, 4]"), "attn_layer_indices"),
            (BAMBA.replace("[1, 3]", "7"), "attn_layer_indices"),
            (BAMBA.replace(r#""num_hidden_layers": 4"#, r#""num_hidden_layers": 1000000000000"#), "attn_layer_indices"),
            (BAMBA.replace("5000.0", r#"5000.0, "partial_rotary_factor": 0.4"#), "partial_rotary_factor"),
            (BAMBA.replace("5000.0", r#"5000.0, "partial_rotary_factor": 1e300"#), "partial_rotary_factor"),
            (BAMBA.replace("5000.0", r#"5000.0, "rope_parameters": {"rope_type": "yarn"}"#), "rope_type"),
            (BAMBA.replace(r#""hidden_size": 32"#, r#""hidden_act": "gelu", "hidden_size": 32"#), "hidden_act"),
        ];
        for (text, key) in bad {
            let e = parse(&text).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(key), "{key}: {e}");
        }
    }
}
