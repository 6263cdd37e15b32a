//! Which values of a recipe are of the right type and impossible all the same?

use bantam_core::{Error, Result};
use bantam_data::prompt::SPECIAL_TOKENS;
use bantam_formats::ModelConfig;

use super::{Recipe, mixers};

/// Training a larger one on a CPU never ends; its optimizer alone would fill the memory.
const MOST_PARAMETERS: f64 = 2e9;
/// A step's activations grow with it.
pub const MOST_BATCH_TOKENS: usize = 1 << 20;

impl Recipe {
    /// Values that are of the right type and impossible. `place_of` tells where a key was set.
    pub(super) fn check(&self, place_of: &dyn Fn(&str) -> String) -> Result<()> {
        let wrong = |key: &str, what: String, remedy: &str| Err(Error::input(place_of(key), what, remedy));
        let name = &self.run.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let what = format!("`{}` cannot be a folder's name", name.escape_debug());
            return wrong("run.name", what, "use letters, digits, `-`, `_` and `.`");
        }
        if i64::try_from(self.run.seed).is_err() {
            return wrong("run.seed", format!("{} is too large for TOML", self.run.seed), "stay below 2^63");
        }
        let vocab = self.tokenizer.vocab_size;
        let least = 256 + SPECIAL_TOKENS.len();
        if !(least..=1 << 20).contains(&vocab) {
            let remedy = "256 bytes and the special tokens need a place; usual are 512 to 32768";
            return wrong("tokenizer.vocab_size", format!("{vocab} is not between {least} and {}", 1 << 20), remedy);
        }
        let (width, heads) = (self.model.hidden_size, self.model.num_attention_heads);
        if heads == 0 || !width.is_multiple_of(heads) {
            let what = format!("{heads} heads do not divide a hidden_size of {width}");
            return wrong("model.num_attention_heads", what, "choose a divisor");
        }
        let architecture = self.model.architecture;
        if !architecture.is_trained() {
            let what = format!("Bantam runs {} models, it does not train them", architecture.name());
            return wrong("model.architecture", what, "choose llama, qwen2, gpt2, rwkv4 or rwkv7");
        }
        let config = self.model_config(vocab).map_err(|e| e.at(place_of("model.mixers")))?;
        mixers::check(&config, self.train.gradient_checkpointing, &place_of("model.mixers"))?;
        config.validate("").map_err(|e| {
            let key = e.place().trim_start_matches([':', ' ']).split(['[', '.']).next().unwrap_or_default().to_owned();
            let section = if key == "vocab_size" { "tokenizer" } else { "model" };
            e.at(place_of(&format!("{section}.{key}")))
        })?;
        check_trainable(&config).map_err(|e| e.at(place_of("model.hidden_size")))?;
        // The libraries name keys as `data.noise` and `train.phases[0]`.
        let located = |e: Error| {
            let key = e.place().replace('[', ".").replace(']', "");
            e.at(place_of(&key))
        };
        self.data.validate().map_err(located)?;
        if let Some(vectors) = &self.vectors {
            vectors.check().map_err(located)?;
        }
        if let Some(finetune) = &self.finetune {
            finetune.check().map_err(located)?;
        }
        if let Some(distill) = &self.distill {
            distill.check().map_err(located)?;
        }
        self.train.validate("train").map_err(located)?;
        for (at, source) in self.sources.iter().enumerate() {
            source.check(&self.sources[..at]).map_err(|e| e.at(place_of(&format!("sources.{at}"))))?;
        }
        for (at, phase) in self.train.phases.iter().enumerate() {
            if phase.batch_tokens > MOST_BATCH_TOKENS {
                let what = format!("{} tokens in one step", phase.batch_tokens);
                return wrong(&format!("train.phases.{at}"), what, "usual are 1000 to 20000");
            }
        }
        if self.eval.max_new_tokens == 0 {
            return wrong("eval.max_new_tokens", "0 leaves no room for an answer".into(), "usual is 256 to 1024");
        }
        for (at, mode) in self.eval.modes.iter().enumerate() {
            if self.eval.modes[..at].contains(mode) {
                return wrong("eval.modes", "a mode is named twice".into(), "name each once");
            }
        }
        for (at, tensor_type) in self.package.gguf.iter().enumerate() {
            if self.package.gguf[..at].contains(tensor_type) {
                return wrong("package.gguf", "a type is named twice".into(), "name each once");
            }
        }
        Ok(())
    }
}

/// Refuses shapes that no machine Bantam is for could train, before anything is allocated by them.
pub fn check_trainable(config: &ModelConfig) -> Result<()> {
    // In floating point: the product of the largest sizes does not fit an integer.
    let size = |n: usize| n as f64;
    let attention = 2.0 * size(config.head_dim) * (size(config.num_attention_heads) + size(config.num_key_value_heads));
    let block = size(config.hidden_size) * (attention + 3.0 * size(config.intermediate_size));
    let embeddings = size(config.hidden_size) * size(config.vocab_size);
    let parameters = size(config.num_hidden_layers) * block + embeddings;
    if parameters > MOST_PARAMETERS {
        let what = format!("a model of {parameters:.1e} parameters cannot be trained here");
        return Err(Error::input("model", what, format!("choose sizes that make at most {MOST_PARAMETERS:.0e}")));
    }
    Ok(())
}
