//! What the targets share: a model small enough to be opened thousands of times a second, and what is done with whatever opens.

use std::path::PathBuf;

use bantam_core::Error;
use bantam_formats::{Architecture, ModelArtifact, ModelConfig, Tokenizer};

/// A Llama of one block with `vocab_size` ids.
pub fn config(vocab_size: usize) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size,
        hidden_size: 4,
        intermediate_size: 4,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 2,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 64,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: Vec::new(),
    }
}

/// Its tensors: small numbers that differ.
pub fn tensors(config: &ModelConfig) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let filled = |spec: bantam_formats::TensorSpec| {
        let n = spec.shape.iter().product::<usize>();
        (spec.name, spec.shape, (0..n).map(|i| (i % 7) as f32 / 8.0 - 0.4).collect())
    };
    config.tensor_specs().into_iter().map(filled).collect()
}

/// A file of this process for the input of one run.
pub fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bantam-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("the temporary folder is writable");
    dir.join(name)
}

/// A refusal is the user's to mend and one line.
pub fn check_refusal(error: &Error) {
    let line = error.to_string();
    assert!(error.exit_code() == 2 && !line.contains('\n') && line.len() < 2000, "{line}");
}

/// Opens a model and uses everything that it offers.
pub fn open_and_use(path: &std::path::Path) {
    let artifact = match ModelArtifact::open(path) {
        Ok(artifact) => artifact,
        Err(error) => return check_refusal(&error),
    };
    for spec in artifact.config().tensor_specs() {
        let values = artifact.tensor(&spec.name).expect("every tensor was checked").to_f32();
        assert_eq!(values.len(), spec.shape.iter().product::<usize>());
    }
    match artifact.tokenizer() {
        Ok(tokenizer) => use_tokenizer(&tokenizer, "It's 12 <|end|> é\n\n日本 😀\u{0}"),
        Err(error) => check_refusal(&error),
    }
}

/// Encodes a text and decodes what comes.
pub fn use_tokenizer(tokenizer: &Tokenizer, text: &str) {
    for add_special in [true, false] {
        let ids = tokenizer.encode(text, add_special);
        assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        tokenizer.decode(&ids, true);
        tokenizer.decode(&ids, false);
    }
    (0..tokenizer.vocab_size().min(300) as u32).for_each(|id| drop(tokenizer.token_bytes(id)));
}
