//! Models with random weights, of every shape the runtime has to get right.

#![allow(dead_code, reason = "each test file uses its own part")]

use bantam_core::seed;
use bantam_formats::{Architecture, ModelConfig, RopeScaling, Tokenizer, TokenizerBundle, tokenizer_training};
use bantam_runtime::{LoadOptions, Model};
use rand::RngExt as _;

/// Tensors as the writers and `Model::from_tensors` take them.
pub type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// A small Llama: grouped queries, tied output.
pub fn llama() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 61,
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 512,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: Vec::new(),
    }
}

/// Every shape, by name.
pub fn shapes() -> Vec<(&'static str, ModelConfig)> {
    let qwen2 = ModelConfig {
        architecture: Architecture::Qwen2,
        hidden_size: 30,
        intermediate_size: 41,
        num_attention_heads: 3,
        num_key_value_heads: 1,
        head_dim: 10,
        attention_bias: true,
        rope_theta: 1e6,
        ..llama()
    };
    let smollm = ModelConfig { hidden_size: 72, num_attention_heads: 9, num_key_value_heads: 3, ..llama() };
    let llama3 = ModelConfig {
        tie_word_embeddings: false,
        head_dim: 16,
        rope_theta: 500_000.0,
        attention_bias: true,
        rope_scaling: Some(RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 64,
        }),
        ..llama()
    };
    let linear = ModelConfig { rope_scaling: Some(RopeScaling::Linear { factor: 4.0 }), ..llama() };
    let qwen3 = ModelConfig { architecture: Architecture::Qwen3, head_dim: 12, ..llama() };
    let gpt2 = ModelConfig {
        architecture: Architecture::Gpt2,
        num_key_value_heads: 4,
        intermediate_size: 50,
        attention_bias: true,
        ..llama()
    };
    vec![
        ("qwen3", qwen3),
        ("gpt2", gpt2),
        ("llama", llama()),
        ("qwen2", qwen2),
        ("smollm", smollm),
        ("llama3", llama3),
        ("linear", linear),
    ]
}

/// Random weights for a config: matrices of a size that keeps activations near 1, gains near 1.
pub fn tensors(config: &ModelConfig, seed: u64) -> Tensors {
    config
        .tensor_specs()
        .into_iter()
        .map(|spec| {
            let mut rng = seed::rng(seed, &spec.name);
            let n = spec.shape.iter().product();
            let gain = spec.name.ends_with("norm.weight");
            let scale = if spec.shape.len() == 2 { 1.7 / (spec.shape[1] as f32).sqrt() } else { 0.2 };
            let values =
                (0..n).map(|_| rng.random_range(-scale..scale) + if gain { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
            (spec.name, spec.shape, values)
        })
        .collect()
}

/// A model with random f32 weights.
pub fn model(config: &ModelConfig, seed: u64) -> Model {
    Model::from_tensors(config, &tensors(config, seed), LoadOptions { threads: 1, ..Default::default() })
        .expect("a valid config")
}

/// Token ids for a config.
pub fn tokens(config: &ModelConfig, n: usize, seed: u64) -> Vec<u32> {
    let mut rng = seed::rng(seed, "tokens");
    (0..n).map(|_| rng.random_range(0..config.vocab_size as u32)).collect()
}

/// A byte-level tokenizer with Bantam's special tokens (`<|end|>` is 0), trained on JSON-like text.
pub fn tokenizer() -> (Tokenizer, TokenizerBundle) {
    let texts: Vec<String> = (0..60)
        .map(|i| {
            format!(
                r#"{{"order_id":"A-{i}","customer":{{"name":"Ann Lee","email":"ann{i}@example.org"}},"items":[{{"sku":"x{i}","qty":{i}}}],"paid":true,"note":null}} Ann ordered {i} things on 2024-01-{:02}."#,
                i % 28 + 1
            )
        })
        .collect();
    let special = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"];
    let json = tokenizer_training::train(texts, 400, 17, &special).expect("enough room");
    let bundle = TokenizerBundle {
        tokenizer_json: json.clone(),
        eos_token: Some("<|end|>".into()),
        ..TokenizerBundle::default()
    };
    (Tokenizer::from_json(json.as_bytes(), "trained").expect("just written"), bundle)
}
