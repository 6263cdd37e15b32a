//! A small Llama with random weights, for tests that need a model and not its answers.

use std::path::Path;

use bantam_core::seed;
use bantam_data::prompt::SPECIAL_TOKENS;
use bantam_formats::{Architecture, ModelConfig, TokenizerBundle, hf, tokenizer_training};
use rand::Rng as _;

/// What tells two of them apart.
pub struct RandomModel<'a> {
    /// What the tokenizer learns from.
    pub texts: &'a [&'a str],
    pub vocab_size: usize,
    pub layers: usize,
    /// Longest sequence in tokens.
    pub context: usize,
    pub chat_template: Option<&'a str>,
    pub seed: u64,
}

impl RandomModel<'_> {
    /// Writes a Hugging Face folder.
    pub fn write(&self, path: &Path) {
        let tokenizer_json = tokenizer_training::train(self.texts, self.vocab_size, 0, &SPECIAL_TOKENS).unwrap();
        let config = ModelConfig {
            architecture: Architecture::Llama,
            vocab_size: self.vocab_size,
            hidden_size: 32,
            intermediate_size: 64,
            num_hidden_layers: self.layers,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 8,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: None,
            tie_word_embeddings: true,
            max_position_embeddings: self.context,
            attention_bias: false,
            bos_token_id: None,
            eos_token_ids: vec![0],
            pad_token_id: Some(4),
            mixers: Vec::new(),
        };
        let mut rng = seed::rng(self.seed, "weights");
        let tensors: Vec<_> = config
            .tensor_specs()
            .into_iter()
            .map(|spec| {
                let n = spec.shape.iter().product::<usize>();
                let values = (0..n).map(|_| (rng.next_u32() as f32 / u32::MAX as f32 - 0.5) * 0.3).collect();
                (spec.name, spec.shape, values)
            })
            .collect();
        let bundle = TokenizerBundle {
            tokenizer_json,
            chat_template: self.chat_template.map(str::to_owned),
            bos_token: None,
            eos_token: Some("<|end|>".into()),
            pad_token: Some("<|pad|>".into()),
        };
        hf::write_folder(path, &config, &tensors, Some(&bundle)).unwrap();
    }
}
