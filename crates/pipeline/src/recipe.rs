//! What is to be built? A recipe: TOML sections, one per stage, every key with a default.
//!
//! Reading rejects unknown keys, wrong types and impossible values, naming file, line and key. The resolved recipe,
//! every default written out, goes into the run folder. Paths are relative to the working directory.

mod check;
mod distill;
mod fine_tune;
pub(crate) mod mixers;
mod read;
mod sections;
mod sources;
mod vectors;

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files, hash};
use bantam_data::edge_json::GenerateConfig;
use bantam_formats::{Architecture, MixerConfig, ModelConfig};
use bantam_train::TrainConfig;
use serde::{Deserialize, Serialize};

pub use check::{MOST_BATCH_TOKENS, check_trainable};
pub use distill::DistillSection;
pub use fine_tune::{FineTuneSection, Method, SourceFile, SourceKind, Targets};
pub use mixers::{MixerChoice, parameters};
use read::Source;
pub use sections::{DecodingMode, EvalSection, ModelSection, PackageSection, RunSection, TokenizerSection};
pub use sources::SourceSection;
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
        let with_items = "[[sources]]\nweight = 1\nitems = 'x'\nschemas = 'y'\n";
        let many = format!("{with_items}recombined = 2000000\n");
        assert!(
            error(&many, &[]).starts_with("r.toml:1:1: sources.0: 2000000 recombined forms"),
            "{}",
            error(&many, &[])
        );
        assert!(error("[[sources]]\nweight = 1\nrecombined = 5\n", &[]).contains("sources with items only"));
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
