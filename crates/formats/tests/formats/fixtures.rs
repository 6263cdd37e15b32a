//! Small valid models to read, and to break.

use std::path::{Path, PathBuf};

use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{Architecture, MixerConfig, ModelConfig, TokenizerBundle, hf, tokenizer_training};

pub type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// A folder of models that transformers wrote (`tests/reference/transformers_models.py`).
pub fn golden_model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/tests/data").join(name)
}

/// A file of this crate's golden data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The golden tokenizer (at most 1,024 ids), with its roles.
pub fn bundle() -> TokenizerBundle {
    TokenizerBundle {
        tokenizer_json: std::fs::read_to_string(data("tokenizer/tokenizer.json")).unwrap(),
        chat_template: Some("{{ messages[0].content }}".into()),
        bos_token: None,
        eos_token: Some("<|end|>".into()),
        pad_token: Some("<|pad|>".into()),
    }
}

/// A config of one block that fits [`bundle`].
pub fn config(architecture: Architecture) -> ModelConfig {
    let (heads, key_heads, head_dim) = match architecture {
        Architecture::Gpt2 => (4, 4, 8),
        Architecture::Rwkv4 | Architecture::Rwkv7 => (1, 1, 2),
        Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => (4, 2, 8),
    };
    ModelConfig {
        architecture,
        vocab_size: 1030,
        hidden_size: 32,
        intermediate_size: 40,
        num_hidden_layers: 1,
        num_attention_heads: heads,
        num_key_value_heads: key_heads,
        head_dim,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 64,
        attention_bias: matches!(architecture, Architecture::Qwen2 | Architecture::Gpt2),
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: Some(4),
        mixers: match architecture {
            Architecture::Rwkv4 => vec![MixerConfig::Rwkv4 { inner_size: 24 }],
            Architecture::Rwkv7 => vec![MixerConfig::Rwkv7 { head_dim: 8, ranks: [3, 2, 5, 4], first: false }],
            _ => Vec::new(),
        },
    }
}

/// Tensors whose every element tells its place.
pub fn tensors(config: &ModelConfig) -> Tensors {
    let numbered = |(t, spec): (usize, bantam_formats::TensorSpec)| {
        let n = spec.shape.iter().product::<usize>();
        (spec.name, spec.shape, (0..n).map(|i| t as f32 + i as f32 / n as f32).collect())
    };
    config.tensor_specs().into_iter().enumerate().map(numbered).collect()
}

/// A Hugging Face folder `model` in `dir`.
pub fn folder(dir: &Path, architecture: Architecture) -> PathBuf {
    let config = config(architecture);
    let path = dir.join("model");
    hf::write_folder(&path, &config, &tensors(&config), Some(&bundle())).unwrap();
    path
}

/// A file `model.gguf` in `dir`.
pub fn gguf(dir: &Path, architecture: Architecture, kind: GgufType) -> PathBuf {
    let config = config(architecture);
    let path = dir.join("model.gguf");
    write_model(&path, &config, &tensors(&config), Some(&bundle()), kind).unwrap();
    path
}

/// The JSON of a tokenizer of few merges.
pub fn small_tokenizer() -> serde_json::Value {
    let json = tokenizer_training::train(["it's an order of 12 apples"; 4], 280, 2, &["<|end|>"]).unwrap();
    serde_json::from_str(&json).unwrap()
}
