//! What is to be built? A recipe: TOML sections, one per stage, every key with a default.
//!
//! Reading rejects unknown keys, wrong types and impossible values, naming file, line and key. The resolved recipe,
//! every default written out, goes into the run folder. Paths are relative to the working directory.

mod distill;
mod fine_tune;
pub(crate) mod mixers;
mod read;
mod vectors;

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files, hash};
use bantam_data::edge_json::GenerateConfig;
use bantam_data::prompt::{Reading, SPECIAL_TOKENS, SchemaInPrompt};
use bantam_formats::gguf::GgufType;
use bantam_formats::{Architecture, MixerConfig, ModelConfig};
use bantam_train::TrainConfig;
use serde::{Deserialize, Serialize};

pub use distill::DistillSection;
pub use fine_tune::{FineTuneSection, Method, SourceFile, SourceKind, Targets};
pub use mixers::{MixerChoice, parameters};
use read::Source;
use vectors::VectorRecipe;
pub use vectors::VectorSection;

/// A whole recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Name, seed and place of the run.
    pub run: RunSection,
    /// The items to generate. `data.seed` is `run.seed` unless it is given.
    pub data: GenerateConfig,
    /// What is trained on, mixed by weight. None: the generated items alone.
    pub sources: Vec<SourceSection>,
    /// The tokenizer.
    pub tokenizer: TokenizerSection,
    /// The model's shape.
    pub model: ModelSection,
    /// The training run.
    pub train: TrainConfig,
    /// Which files are packaged.
    pub package: PackageSection,
    /// How the model is evaluated.
    pub eval: EvalSection,
    /// The model to learn from, beside the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<DistillSection>,
    /// The model to train further. Only `run`, `train` and `distill` count beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FineTuneSection>,
    /// The documents of vectors to learn. Only `run`, `model` and `train` count beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vectors: Option<VectorSection>,
}

/// A recipe with `[finetune]` as it is written out: the sections that count.
#[derive(Serialize)]
struct FineTuneRecipe<'a> {
    run: &'a RunSection,
    train: &'a TrainConfig,
    finetune: &'a FineTuneSection,
    #[serde(skip_serializing_if = "Option::is_none")]
    distill: Option<&'a DistillSection>,
}

/// `[run]`: what the run is called, from which seed everything random follows, and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// The run's name: the folder under `runs/` where `out` is not given.
    pub name: String,
    /// Every random stream is derived from it, by name.
    pub seed: u64,
    /// The run folder; `runs/<name>` when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<PathBuf>,
}

impl Default for RunSection {
    fn default() -> Self {
        Self { name: "run".into(), seed: 1, out: None }
    }
}

/// One of `[[sources]]`: items to train on, and how much of the whole they are to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// Share of the tokens, over the sum of all weights.
    pub weight: f64,
    /// Items (JSONL, as EdgeJSON's); left out: the items that `[data]` generates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<PathBuf>,
    /// The folder with the items' schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<PathBuf>,
    /// What the prompts tell of the schema.
    #[serde(default)]
    pub schema_in_prompt: SchemaInPrompt,
    /// So many of `items`, drawn by `run.seed`, are never trained on: the model is evaluated on them.
    #[serde(default)]
    pub validation: usize,
    /// So many variants of each item of `items`, with values of other items in the places of its own.
    #[serde(default)]
    pub substitutions: usize,
    /// So many more forms, put together of the parts of those of `items` that are forms.
    #[serde(default)]
    pub recombined: usize,
    /// How likely each word of a variant that belongs to no value is lost or exchanged.
    #[serde(default)]
    pub word_noise: f64,
    /// Fields whose values may be anything, although `items` have few: JSON pointers into the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
}

impl SourceSection {
    /// Where the run folder's `data` holds this source's items: they are the file's, or the generated ones.
    pub(crate) fn folder(&self, at: usize) -> PathBuf {
        match self.items {
            Some(_) => PathBuf::from(format!("source-{}", at + 1)),
            None => PathBuf::new(),
        }
    }
}

/// `[tokenizer]`: byte-level BPE, digits one by one, trained on the training split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerSection {
    /// Tokens in all: 256 bytes, the special tokens, and merges.
    pub vocab_size: usize,
    /// So many of them are frequent lower-case words with the space before them; an eighth of what bytes and special
    /// tokens leave, where it is not given.
    pub spaced_words: Option<usize>,
    /// How often the model reads a text before it answers: part of the chat template.
    pub reading: Reading,
}

impl TokenizerSection {
    /// [`Self::spaced_words`], or the share that is usual: an eighth of what bytes and special tokens leave.
    pub fn spaced(&self) -> usize {
        let merged = self.vocab_size.saturating_sub(256 + SPECIAL_TOKENS.len());
        self.spaced_words.unwrap_or(merged / 8)
    }
}

impl Default for TokenizerSection {
    fn default() -> Self {
        Self { vocab_size: 1024, spaced_words: None, reading: Reading::Once }
    }
}

/// `[model]`: a decoder, Llama's unless it says otherwise; names as in Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// What is around the mixers: norms, positions and feed-forwards.
    #[serde(skip_serializing_if = "is_llama")]
    pub architecture: Architecture,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads; they divide `hidden_size`, and a head is even.
    pub num_attention_heads: usize,
    /// Key and value heads; they divide the query heads.
    pub num_key_value_heads: usize,
    /// Width inside the feed-forward.
    pub intermediate_size: usize,
    /// Longest sequence in tokens.
    pub max_position_embeddings: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in every RMSNorm, to the variance in every LayerNorm.
    pub rms_norm_eps: f64,
    /// Whether the output matrix is the embedding.
    pub tie_word_embeddings: bool,
    /// What the layers mix by, a pattern that is repeated; without one, attention everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mixers: Vec<MixerChoice>,
    /// A number of parameters, such as `"5M"`, that decides width, depth, heads and feed-forward in place of the keys above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// A model of this shape whose weights training starts from, and whose tokenizer it keeps; named as `finetune.base` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// Left out, as it was before there was a choice: what recipes make keeps its hashes.
fn is_llama(architecture: &Architecture) -> bool {
    *architecture == Architecture::Llama
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            architecture: Architecture::Llama,
            hidden_size: 192,
            num_hidden_layers: 4,
            num_attention_heads: 6,
            num_key_value_heads: 6,
            intermediate_size: 512,
            max_position_embeddings: 2048,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            tie_word_embeddings: true,
            mixers: Vec::new(),
            budget: None,
            start: None,
        }
    }
}

/// `[package]`: the files beside the Hugging Face folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PackageSection {
    /// A GGUF for each of these, `model-<type>.gguf`.
    pub gguf: Vec<GgufType>,
}

impl Default for PackageSection {
    fn default() -> Self {
        Self { gguf: vec![GgufType::F16, GgufType::Q8_0] }
    }
}

/// `[eval]`: the suite that scores the packaged model on the held-out split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalSection {
    /// Items of the test split that are decoded, from its start; 0 takes all.
    pub limit: usize,
    /// Tokens after which an answer counts as truncated.
    pub max_new_tokens: usize,
    /// Ways of decoding, each scored on the same items.
    pub modes: Vec<DecodingMode>,
}

impl Default for EvalSection {
    fn default() -> Self {
        Self { limit: 0, max_new_tokens: 768, modes: vec![DecodingMode::Free, DecodingMode::Constrained] }
    }
}

/// Whether the schema limits what may be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodingMode {
    /// The most likely token, whatever it is.
    Free,
    /// The most likely token among those that keep the answer valid by the schema.
    Constrained,
}

impl Recipe {
    /// Reads a recipe file and applies `--set key=value` overrides in order.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        Self::parse(path, &files::read_text(path)?, overrides)
    }

    /// [`Recipe::load`] on text; `path` only names it in errors.
    pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Self> {
        let source = Source::new(path, text)?;
        let mut recipe: Self = source.deserialize()?;
        recipe.check(&|key| source.place_of(key))?;
        let mut table = source.table()?;
        // One at a time, so that an error names the override that brought it.
        for argument in overrides {
            read::apply_override(&mut table, argument)?;
            let place = format!("--set {argument}");
            recipe = table
                .clone()
                .try_into()
                .map_err(|e: toml::de::Error| Error::input(&place, e.message(), read::remedy_for(e.message())))?;
        }
        let unused = |sections: &[&'static str]| sections.iter().copied().find(|s| table.contains_key(*s));
        if table.contains_key("finetune")
            && let Some(section) = unused(&["data", "tokenizer", "model", "package", "eval", "sources", "vectors"])
        {
            let what = "does not count beside [finetune]: model and tokenizer are the base's, the data is in sources";
            return Err(Error::input(source.place_of(section), what, "remove the section"));
        }
        if table.contains_key("vectors") {
            if let Some(section) = unused(&["data", "tokenizer", "package", "eval", "sources", "distill"]) {
                let what = "does not count beside [vectors]: there are no tokens";
                return Err(Error::input(source.place_of(section), what, "remove the section"));
            }
            if recipe.model.start.is_some() {
                let what = "a vector model starts from random weights";
                return Err(Error::input(source.place_of("model.start"), what, "remove the key"));
            }
        }
        if table.get("data").is_none_or(|data| data.get("seed").is_none()) {
            recipe.data.seed = recipe.run.seed;
        }
        if let Some(budget) = recipe.model.budget.clone() {
            let place = overridden_place("model.budget", overrides).unwrap_or_else(|| source.place_of("model.budget"));
            let budget = mixers::parameters(&budget, &place)?;
            // That of a vector model waits for the vectors' size.
            if recipe.vectors.is_none() {
                mixers::fit(&mut recipe, budget, &place, mixers::token_parameters)?;
            }
        }
        recipe.check(&|key| overridden_place(key, overrides).unwrap_or_else(|| source.place_of(key)))?;
        Ok(recipe)
    }

    /// The recipe as TOML with every default written out.
    pub fn to_toml(&self) -> Result<String> {
        let text = match (&self.finetune, &self.vectors) {
            (None, None) => toml::to_string_pretty(self),
            (None, Some(vectors)) => toml::to_string_pretty(&VectorRecipe {
                run: &self.run,
                model: &self.model,
                train: &self.train,
                vectors,
            }),
            (Some(finetune), _) => toml::to_string_pretty(&FineTuneRecipe {
                run: &self.run,
                train: &self.train,
                finetune,
                distill: self.distill.as_ref(),
            }),
        };
        text.map_err(|e| Error::internal("recipe.toml", e))
    }

    /// Hash of what the recipe says to make. Where it is put, and under which name, is not part of that.
    pub fn content_hash(&self) -> Result<String> {
        let run = RunSection { seed: self.run.seed, ..RunSection::default() };
        let content = Self { run, ..self.clone() };
        Ok(hash::bytes(content.to_toml()?.as_bytes()))
    }

    /// The recipe without the place it is run in.
    pub fn without_place(&self) -> Self {
        Self { run: RunSection { out: None, ..self.run.clone() }, ..self.clone() }
    }

    /// The run folder: `out`, or `runs/<name>`.
    pub fn folder(&self) -> PathBuf {
        self.run.out.clone().unwrap_or_else(|| Path::new("runs").join(&self.run.name))
    }

    /// Values that are of the right type and impossible. `place_of` tells where a key was set.
    fn check(&self, place_of: &dyn Fn(&str) -> String) -> Result<()> {
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
            let key = format!("sources.{at}");
            if !(source.weight.is_finite() && source.weight > 0.0) {
                return wrong(&key, format!("a weight of {} draws nothing", source.weight), "give a positive weight");
            }
            if source.items.is_some() != source.schemas.is_some() {
                return wrong(
                    &key,
                    "items and schemas belong together".into(),
                    "give both, or none for generated items",
                );
            }
            if source.items.is_none() && (source.validation, source.substitutions, source.recombined) != (0, 0, 0) {
                let what = "generated items have validation items and other values as it is".into();
                return wrong(&key, what, "give validation, substitutions and recombined to sources with items only");
            }
            if source.substitutions > MOST_SUBSTITUTIONS {
                let what = format!("{} variants of each item", source.substitutions);
                return wrong(&key, what, "usual are 2 to 20");
            }
            if source.recombined > MOST_RECOMBINED {
                let what = format!("{} recombined forms", source.recombined);
                return wrong(&key, what, "usual are 5000 to 50000");
            }
            if !(0.0..1.0).contains(&source.word_noise) || (source.word_noise > 0.0 && source.substitutions == 0) {
                let what = format!("a word_noise of {} in {} variants", source.word_noise, source.substitutions);
                return wrong(&key, what, "give 0 to below 1, and substitutions beside it");
            }
            if let Some(field) = source.open.iter().find(|f| !f.starts_with('/') || source.substitutions == 0) {
                let what = format!("open = [{field:?}] names no field of the variants");
                return wrong(&key, what, "give JSON pointers such as \"/name\", and substitutions beside them");
            }
            if source.items.is_none() && self.sources[..at].iter().any(|s| s.items.is_none()) {
                return wrong(&key, "the generated items are named twice".into(), "name them once");
            }
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

    /// The shape of the model to train, for a tokenizer of `vocab_size` tokens trained by this recipe.
    ///
    /// # Errors
    /// A mixer that there is not.
    pub fn model_config(&self, vocab_size: usize) -> Result<ModelConfig> {
        let model = &self.model;
        let special = |name: &str| {
            let at = bantam_data::prompt::SPECIAL_TOKENS.iter().position(|t| *t == name);
            at.and_then(|id| u32::try_from(id).ok())
        };
        let mut config = ModelConfig {
            architecture: model.architecture,
            vocab_size,
            hidden_size: model.hidden_size,
            intermediate_size: model.intermediate_size,
            num_hidden_layers: model.num_hidden_layers,
            num_attention_heads: model.num_attention_heads,
            num_key_value_heads: model.num_key_value_heads,
            head_dim: model.hidden_size / model.num_attention_heads.max(1),
            rms_norm_eps: model.rms_norm_eps,
            rope_theta: model.rope_theta,
            rope_scaling: None,
            tie_word_embeddings: model.tie_word_embeddings,
            max_position_embeddings: model.max_position_embeddings,
            attention_bias: matches!(model.architecture, Architecture::Qwen2 | Architecture::Gpt2),
            bos_token_id: None,
            eos_token_ids: special("<|end|>").into_iter().collect(),
            pad_token_id: special("<|pad|>"),
            mixers: Vec::new(),
        };
        let choices = model.mixers.iter().enumerate();
        config.mixers = choices
            .map(|(i, choice)| choice.resolved(&config, &format!("model.mixers[{i}]")))
            .collect::<Result<_>>()?;
        if model.architecture.mixes_channels() {
            // There are none, and this is what files without them are read as.
            (config.num_attention_heads, config.num_key_value_heads, config.head_dim) = (1, 1, 2);
            if config.mixers.is_empty() {
                config.mixers.extend(MixerConfig::usual(model.architecture.name(), &config));
            }
        }
        Ok(config)
    }
}

/// Training a larger one on a CPU never ends; its optimizer alone would fill the memory.
const MOST_PARAMETERS: f64 = 2e9;
/// A step's activations grow with it.
pub const MOST_BATCH_TOKENS: usize = 1 << 20;
/// More variants of an item teach nothing more.
const MOST_SUBSTITUTIONS: usize = 100;
/// More forms than this, of a few hundred, only repeat.
const MOST_RECOMBINED: usize = 1_000_000;

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

fn overridden_place(key: &str, overrides: &[String]) -> Option<String> {
    let sets = |argument: &&String| argument.split_once('=').is_some_and(|(k, _)| k.trim() == key);
    overrides.iter().rev().find(sets).map(|argument| format!("--set {argument}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, overrides: &[&str]) -> Result<Recipe> {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        Recipe::parse(Path::new("r.toml"), text, &overrides)
    }

    fn error(text: &str, overrides: &[&str]) -> String {
        let error = parse(text, overrides).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let line = error.to_string();
        assert!(!line.contains('\n'));
        line
    }

    #[test]
    fn an_empty_recipe_is_all_defaults_and_resolving_is_a_fixed_point() {
        let recipe = parse("", &[]).unwrap();
        assert_eq!(recipe, Recipe::default());
        assert_eq!(parse("[run]\nseed = 9\n", &[]).unwrap().data.seed, 9);
        assert_eq!(parse("[data]\nseed = 4\n", &["run.seed=9"]).unwrap().data.seed, 4);
        assert_eq!(parse("", &["run.seed=9", "data.seed=4"]).unwrap().data.seed, 4);
        let written = recipe.to_toml().unwrap();
        assert!(written.contains("rope_theta = 10000.0") && written.contains("gguf = ["), "{written}");
        assert_eq!(parse(&written, &[]).unwrap(), recipe);
    }

    #[test]
    fn errors_name_line_key_and_remedy() {
        assert_eq!(
            error("[model]\nhiden_size = 64\n", &[]).split(", expected").next().unwrap(),
            "r.toml:2:1: model.hiden_size: unknown field `hiden_size`"
        );
        assert!(error("[model]\nhiden_size = 64\n", &[]).ends_with("did you mean `hidden_size`?"));
        assert!(error("[modell]\n", &[]).ends_with("did you mean `model`?"));
        let wrong_type = error("[run]\nseed = 'x'\n", &[]);
        assert!(
            wrong_type.starts_with("r.toml:2:8: run.seed: invalid type: string \"x\", expected u64"),
            "{wrong_type}"
        );
        assert!(error("[run]\nseed = -1\n", &[]).starts_with("r.toml:2:8: run.seed: "));
        assert!(error("[run\n", &[]).starts_with("r.toml:1:5: "));
        assert!(error("[run]\nseed = 1\nseed = 2\n", &[]).starts_with("r.toml:3:1: "));
    }

    #[test]
    fn impossible_values_are_found_where_they_were_set() {
        let heads =
            "r.toml:3:1: model.num_attention_heads: 5 heads do not divide a hidden_size of 192; choose a divisor";
        assert_eq!(error("\n[model]\nnum_attention_heads = 5\n", &[]), heads);
        assert!(
            error("[model]\nhidden_size = 100\n", &[]).starts_with("r.toml: model.num_attention_heads (its default): ")
        );
        assert!(
            error("[model]\nnum_key_value_heads = 4\n", &[]).starts_with("r.toml:2:1: model.num_key_value_heads: ")
        );
        assert!(error("[model]\nrope_theta = nan\n", &[]).starts_with("r.toml:2:1: model.rope_theta: "));
        assert!(
            error("[tokenizer]\nvocab_size = 100\n", &[]).starts_with("r.toml:2:1: tokenizer.vocab_size: 100 is not")
        );
        assert!(error("[eval]\nmax_new_tokens = 0\n", &[]).starts_with("r.toml:2:1: eval.max_new_tokens: "));
        assert!(error("[eval]\nmodes = ['free', 'free']\n", &[]).starts_with("r.toml:2:1: eval.modes: "));
        let huge = "[model]\nhidden_size = 60000000\nnum_attention_heads = 6\nintermediate_size = 60000000\n";
        assert!(error(huge, &[]).starts_with("r.toml:2:1: model.hidden_size: a model of "));
        let batch = "train.phases=[{share=1,max_item_tokens=9,batch_tokens=99999999}]";
        assert!(error("", &[batch]).contains("99999999 tokens in one step"));
        assert!(error("[train]\nsteps = 0\n", &[]).starts_with("r.toml:2:1: train.steps: 0 steps"));
        assert!(error("[data]\n\nnoise = 2\n", &[]).starts_with("r.toml:3:1: data.noise: 2 is impossible"));
        let phases = "[[train.phases]]\nshare = 1\nmax_item_tokens = 9\nbatch_tokens = 9\n";
        let second = format!("{phases}\n{}", phases.replace("share = 1", "share = 0"));
        assert!(error(&second, &[]).contains("train.phases.1: share 0"), "{}", error(&second, &[]));
        assert!(error("[[sources]]\nweight = 0\n", &[]).contains("sources.0: a weight of 0 draws nothing"));
        assert!(error("[[sources]]\nweight = 1\nitems = 'x'\n", &[]).contains("sources.0: items and schemas"));
        assert!(error("[[sources]]\nweight = 1\n[[sources]]\nweight = 2\n", &[]).contains("sources.1: the generated"));
        assert!(error("[[sources]]\nwheight = 1\n", &[]).ends_with("did you mean `weight`?"));
        for (key, value) in [
            ("optimizer", "'sgd'"),
            ("schedule", "'step'"),
            ("muon_scale", "'none'"),
            ("accumulate", "0"),
            ("newton_schulz", "0"),
            ("momentum", "1.0"),
            ("explosion", "0.5"),
            ("plausibility", "2.0"),
            ("patience_gain", "-1.0"),
            ("average", "5000"),
            ("groups", "[{ parameters = '*' }]"),
            ("groups", "[{ parameters = '*', weight_decay = -1.0 }]"),
            ("phases", "[{ share = 1, max_item_tokens = 9, batch_tokens = 9, levels = ['hard'] }]"),
            ("phases", "[{ share = 1, max_item_tokens = 9, batch_tokens = 9, levels = ['simple', 'simple'] }]"),
        ] {
            let told = error(&format!("[train]\n{key} = {value}\n"), &[]);
            assert!(told.starts_with("r.toml:2:") && told.contains(&format!("train.{key}")), "{told}");
        }
        assert!(error("[package]\ngguf = ['q4_x']\n", &[]).contains("q4_x"));
        for name in ["", "../x", "a/b", ".hidden"] {
            assert!(error(&format!("[run]\nname = '{name}'\n"), &[]).contains("run.name"), "{name}");
        }
        assert!(error("", &["model.num_hidden_layers=0"]).starts_with("--set model.num_hidden_layers=0: "));
        assert!(error("", &["model.nun_hidden_layers=2"]).ends_with("did you mean `num_hidden_layers`?"));
        assert!(error("", &["run.seed=true"]).starts_with("--set run.seed=true: invalid type"));
    }

    #[test]
    fn overrides_change_the_content_hash_and_place_and_name_do_not() {
        let hash = |overrides: &[&str]| parse("", overrides).unwrap().content_hash().unwrap();
        assert_eq!(hash(&[]), hash(&["run.out=elsewhere", "run.name=other"]));
        assert_ne!(hash(&[]), hash(&["run.seed=2"]));
        assert_eq!(parse("", &["run.name=a"]).unwrap().folder(), Path::new("runs/a"));
        assert_eq!(parse("", &["run.out=/x/y"]).unwrap().folder(), Path::new("/x/y"));
    }
}
