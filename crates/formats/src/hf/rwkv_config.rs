//! `config.json` of RWKV-4 models.

use bantam_core::Result;
use serde_json::{Value, json};

use super::config::{Reader, ids_json};
use crate::config::{Architecture, ModelConfig, USE_A_KNOWN_ONE};
use crate::mixer::MixerConfig;

/// What `transformers` calls RWKV-4.
pub(super) const NAME: &str = "rwkv";

/// Reads the keys. (Halving activations every so many layers, `rescale_every`, keeps half precision in range and changes nothing else.)
/// Not yet validated.
pub(super) fn read(read: &Reader<'_>) -> Result<ModelConfig> {
    if read.get("quantization_config").is_some() {
        return Err(read.error("quantization_config", "quantized weights".into(), USE_A_KNOWN_ONE));
    }
    let hidden_size = read.required("hidden_size")?;
    Ok(ModelConfig {
        architecture: Architecture::Rwkv4,
        vocab_size: read.required("vocab_size")?,
        hidden_size,
        intermediate_size: match read.size("intermediate_size")? {
            Some(n) => n,
            None => hidden_size.saturating_mul(4),
        },
        num_hidden_layers: read.required("num_hidden_layers")?,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 2,
        rms_norm_eps: read.number("layer_norm_epsilon")?.unwrap_or(1e-5),
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: read.flag("tie_word_embeddings")?.unwrap_or(false),
        max_position_embeddings: read.size("context_length")?.unwrap_or(1024),
        attention_bias: false,
        bos_token_id: read.ids("bos_token_id")?.first().copied(),
        eos_token_ids: read.ids("eos_token_id")?,
        pad_token_id: read.ids("pad_token_id")?.first().copied(),
        mixers: vec![MixerConfig::Rwkv4 { inner_size: read.size("attention_hidden_size")?.unwrap_or(hidden_size) }],
    })
}

/// The inverse of [`read`]; nothing for a model whose layers differ in width, of which there is none there.
pub(super) fn to_json(config: &ModelConfig) -> Option<Value> {
    let (Architecture::Rwkv4, [MixerConfig::Rwkv4 { inner_size }]) = (config.architecture, &config.mixers[..]) else {
        return None;
    };
    Some(json!({
        "architectures": ["RwkvForCausalLM"],
        "attention_hidden_size": inner_size,
        "bos_token_id": config.bos_token_id,
        "context_length": config.max_position_embeddings,
        "eos_token_id": ids_json(&config.eos_token_ids),
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "layer_norm_epsilon": config.rms_norm_eps,
        "model_type": NAME,
        "num_hidden_layers": config.num_hidden_layers,
        "pad_token_id": config.pad_token_id,
        "rescale_every": 0,
        "tie_word_embeddings": config.tie_word_embeddings,
        "torch_dtype": "float32",
        "use_cache": true,
        "vocab_size": config.vocab_size,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: impl FnOnce(&mut Value)) -> Result<ModelConfig> {
        let mut keys = json!({"model_type": "rwkv", "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "context_length": 40,
            "bos_token_id": 0, "eos_token_id": 0, "rescale_every": 6});
        change(&mut keys);
        ModelConfig::from_hf_json(&keys.to_string(), "config.json")
    }

    #[test]
    fn configs_come_back_as_written() {
        let config = parse(|_| {}).unwrap();
        assert_eq!((config.intermediate_size, config.max_position_embeddings), (128, 40));
        assert_eq!(config.mixers, [MixerConfig::Rwkv4 { inner_size: 32 }]);
        assert!(!config.tie_word_embeddings && config.rms_norm_eps == 1e-5);
        let other = parse(|keys| keys["attention_hidden_size"] = json!(24)).unwrap();
        for config in [config, other] {
            let written = config.to_hf_json().unwrap();
            assert!(written.contains(r#""model_type": "rwkv""#));
            assert_eq!(ModelConfig::from_hf_json(&written, "config.json").unwrap(), config);
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (key, value) in [
            ("hidden_size", Value::Null),
            ("hidden_size", json!(u64::MAX)),
            ("intermediate_size", json!(0)),
            ("attention_hidden_size", json!(0)),
            ("num_hidden_layers", json!(1_000_000_000)),
            ("context_length", json!(0)),
            ("quantization_config", json!({})),
            ("model_type", json!("rwkv4")),
        ] {
            let error = parse(|keys| keys[key] = value).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains('\n'), "{key}: {error}");
        }
    }
}
