//! `config.json` of GPT-2 models.

use bantam_core::Result;
use serde_json::{Value, json};

use super::config::{Reader, ids_json};
use crate::config::{Architecture, ModelConfig, USE_A_KNOWN_ONE};

/// Reads the keys; what would change the computation in a way Bantam does not follow is refused. Not yet validated.
pub(super) fn read(read: &Reader<'_>) -> Result<ModelConfig> {
    let not_run = |key: &str, what: String| Err(read.error(key, what, USE_A_KNOWN_ONE));
    if let Some(act) = read.text("activation_function")?
        && !["gelu_new", "gelu_pytorch_tanh"].contains(&act.as_str())
    {
        return not_run("activation_function", format!("`{act}` instead of gelu_new"));
    }
    for (key, run) in
        [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false)]
    {
        if read.flag(key)?.is_some_and(|set| set != run) {
            return not_run(key, format!("{}", !run));
        }
    }
    if read.get("quantization_config").is_some() {
        return not_run("quantization_config", "quantized weights".into());
    }
    let hidden_size = read.required("n_embd")?;
    let heads = read.required("n_head")?;
    if heads == 0 || !hidden_size.is_multiple_of(heads) {
        return Err(read.error("n_head", format!("{heads} does not divide n_embd {hidden_size}"), "correct the sizes"));
    }
    Ok(ModelConfig {
        architecture: Architecture::Gpt2,
        vocab_size: read.required("vocab_size")?,
        hidden_size,
        intermediate_size: match read.size("n_inner")? {
            Some(n) => n,
            None => hidden_size.saturating_mul(4),
        },
        num_hidden_layers: read.required("n_layer")?,
        num_attention_heads: heads,
        num_key_value_heads: heads,
        head_dim: hidden_size / heads,
        rms_norm_eps: read.number("layer_norm_epsilon")?.unwrap_or(1e-5),
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: read.flag("tie_word_embeddings")?.unwrap_or(true),
        max_position_embeddings: read.size("n_positions")?.unwrap_or(1024),
        attention_bias: true,
        bos_token_id: read.ids("bos_token_id")?.first().copied(),
        eos_token_ids: read.ids("eos_token_id")?,
        pad_token_id: read.ids("pad_token_id")?.first().copied(),
        mixers: Vec::new(),
    })
}

/// The inverse of [`read`].
pub(super) fn to_json(config: &ModelConfig) -> Value {
    json!({
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.0,
        "bos_token_id": config.bos_token_id,
        "embd_pdrop": 0.0,
        "eos_token_id": ids_json(&config.eos_token_ids),
        "initializer_range": 0.02,
        "layer_norm_epsilon": config.rms_norm_eps,
        "model_type": "gpt2",
        "n_ctx": config.max_position_embeddings,
        "n_embd": config.hidden_size,
        "n_head": config.num_attention_heads,
        "n_inner": config.intermediate_size,
        "n_layer": config.num_hidden_layers,
        "n_positions": config.max_position_embeddings,
        "pad_token_id": config.pad_token_id,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": config.tie_word_embeddings,
        "torch_dtype": "float32",
        "use_cache": true,
        "vocab_size": config.vocab_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: impl FnOnce(&mut Value)) -> Result<ModelConfig> {
        let mut keys = json!({"model_type": "gpt2", "vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40,
            "n_inner": null, "bos_token_id": 63, "eos_token_id": 63});
        change(&mut keys);
        ModelConfig::from_hf_json(&keys.to_string(), "config.json")
    }

    #[test]
    fn configs_come_back_as_written() {
        let config = parse(|_| {}).unwrap();
        assert_eq!((config.intermediate_size, config.head_dim, config.max_position_embeddings), (128, 8, 40));
        assert!(config.tie_word_embeddings && config.rms_norm_eps == 1e-5);
        let written = config.to_hf_json().unwrap();
        assert_eq!(ModelConfig::from_hf_json(&written, "config.json").unwrap(), config);
    }

    #[test]
    fn other_computations_and_impossible_sizes_are_refused() {
        for (key, value) in [
            ("activation_function", json!("relu")),
            ("scale_attn_weights", json!(false)),
            ("scale_attn_by_inverse_layer_idx", json!(true)),
            ("add_cross_attention", json!(true)),
            ("n_head", json!(0)),
            ("n_head", json!(5)),
            ("n_embd", Value::Null),
            ("n_embd", json!(u64::MAX)),
            ("n_inner", json!(0)),
            ("n_layer", json!(1_000_000_000)),
            ("n_positions", json!(0)),
        ] {
            let error = parse(|keys| keys[key] = value).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains('\n'), "{key}: {error}");
        }
    }
}
