//! Which mixers does a recipe's model have, and how wide and deep is it for a number of parameters?

use bantam_core::{Error, Result};
use bantam_formats::{Architecture, MixerConfig, ModelConfig};
use serde::{Deserialize, Serialize};

use super::Recipe;

/// A mixer of the pattern: by name, with the sizes that are usual at the model's width, or with sizes of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MixerChoice {
    /// By name.
    Usual(String),
    /// With all of its sizes.
    Exact(MixerConfig),
}

impl MixerChoice {
    /// The mixer in a model of these sizes.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn resolved(&self, model: &ModelConfig, place: &str) -> Result<MixerConfig> {
        match self {
            Self::Exact(config) => Ok(config.clone()),
            Self::Usual(name) => MixerConfig::usual(name, model).ok_or_else(|| {
                let known = bantam_formats::MIXER_NAMES.join(", ");
                Error::input(place, format!("`{name}` is no mixer"), format!("choose one of {known}"))
            }),
        }
    }
}

/// Refuses impossible sizes, and patterns that next tokens cannot be learned with.
pub(crate) fn check(config: &ModelConfig, gradient_checkpointing: bool, place: &str) -> Result<()> {
    for (i, mixer) in config.mixers.iter().enumerate() {
        mixer.validate(config.hidden_size, &format!("{place}[{i}]"))?;
        let what = match *mixer {
            MixerConfig::Linformer { .. } => {
                "linformer sees the future: it encodes contexts and learns no next tokens".into()
            }
            MixerConfig::Hyena { length, .. } if length < config.max_position_embeddings => {
                format!("hyena's filters reach {length} of {} positions", config.max_position_embeddings)
            }
            MixerConfig::Rwkv7 { .. } if gradient_checkpointing => {
                "rwkv7 hands values from its first layer to the others, and gradient_checkpointing runs layers alone"
                    .into()
            }
            _ => continue,
        };
        return Err(Error::input(place, what, "choose another mixer, or see docs/mixers.md"));
    }
    Ok(())
}

/// `"5M"`, `"750k"` or a plain number, as a number of parameters.
///
/// # Errors
/// Anything else, and less than a thousand.
pub fn parameters(budget: &str, place: &str) -> Result<u64> {
    let (digits, unit) = match budget.trim_end().chars().last() {
        Some('k' | 'K') => (&budget.trim_end()[..budget.trim_end().len() - 1], 1e3),
        Some('m' | 'M') => (&budget.trim_end()[..budget.trim_end().len() - 1], 1e6),
        _ => (budget, 1.0),
    };
    match digits.trim().parse::<f64>() {
        Ok(n) if (1e3..=1e10).contains(&(n * unit)) => Ok((n * unit) as u64),
        _ => Err(Error::input(
            place,
            format!("`{budget}` is no number of parameters"),
            "give for instance \"5M\" or \"750k\"",
        )),
    }
}

/// Widths tried are multiples of it: heads, blocks of quantized weights and registers fit.
const WIDTH_STEP: usize = 32;
/// Width over depth that small models usually have.
const USUAL_SHAPE: f64 = 32.0;

/// Sets width, depth, heads and feed-forward of the recipe's model so that it has as nearly as possible `budget` parameters with its
/// mixers, in the shape that small models usually have: a width of about 32 for each layer. Depths are multiples of the pattern's length.
/// `count` says how many a recipe's model has.
///
/// # Errors
/// A budget that no width and depth come within a tenth of.
pub(crate) fn fit(recipe: &mut Recipe, budget: u64, place: &str, count: impl Fn(&Recipe) -> Result<u64>) -> Result<()> {
    let pattern = recipe.model.mixers.len().max(1);
    let mut best: Option<(f64, Recipe)> = None;
    for layers in (1..=48).map(|n| n * pattern).take_while(|&n| n <= 48) {
        for width in (1..=96).map(|n| n * WIDTH_STEP) {
            let mut tried = recipe.clone();
            let model = &mut tried.model;
            (model.num_hidden_layers, model.hidden_size) = (layers, width);
            (model.num_attention_heads, model.num_key_value_heads) = (width / WIDTH_STEP, width / WIDTH_STEP);
            model.intermediate_size = match model.architecture {
                // Two matrices and not three.
                Architecture::Gpt2 | Architecture::Rwkv4 | Architecture::Rwkv7 => 4 * width,
                _ => (width * 8 / 3).next_multiple_of(WIDTH_STEP),
            };
            let parameters = count(&tried)? as f64;
            let off = (parameters / budget as f64).ln().abs();
            let shape = (width as f64 / layers as f64 / USUAL_SHAPE).ln().abs();
            let score = off + 0.05 * shape;
            if off < 0.1 && best.as_ref().is_none_or(|(least, _)| score < *least) {
                best = Some((score, tried));
            }
            if parameters > 2.0 * budget as f64 {
                break;
            }
        }
    }
    match best {
        Some((_, found)) => *recipe = found,
        None => {
            let what = format!("no width and depth make {budget} parameters with this vocabulary");
            return Err(Error::input(place, what, "give more, or a smaller tokenizer.vocab_size"));
        }
    }
    Ok(())
}

/// Parameters of a recipe's token model, with the vocabulary it asks for.
pub(crate) fn token_parameters(recipe: &Recipe) -> Result<u64> {
    Ok(recipe.model_config(recipe.tokenizer.vocab_size)?.parameter_count())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Recipe> {
        Recipe::parse(Path::new("r.toml"), text, &[])
    }

    #[test]
    fn a_budget_is_met_with_every_mixer_and_pattern() {
        let mut patterns: Vec<String> = bantam_formats::MIXER_NAMES
            .iter()
            .filter(|name| **name != "linformer")
            .map(|name| format!("[\"{name}\"]"))
            .collect();
        patterns.push(r#"["mamba2", "mamba2", "mamba2", "mamba2", "mamba2", "attention"]"#.into());
        for pattern in patterns {
            for (budget, wanted) in [("1M", 1e6), ("5M", 5e6), ("29.5M", 29.5e6)] {
                let recipe = parse(&format!("[model]\nmixers = {pattern}\nbudget = \"{budget}\"\n")).unwrap();
                let config = recipe.model_config(recipe.tokenizer.vocab_size).unwrap();
                config.validate("r").unwrap();
                let off = config.parameter_count() as f64 / wanted - 1.0;
                assert!(off.abs() < 0.1, "{pattern} {budget}: {off}");
                let shape = config.hidden_size as f64 / config.num_hidden_layers as f64;
                assert!((8.0..160.0).contains(&shape), "{pattern} {budget}: {shape}");
                assert!(config.num_hidden_layers.is_multiple_of(config.mixers.len()));
            }
        }
    }

    #[test]
    fn a_resolved_recipe_resolves_to_itself() {
        for model in [
            "mixers = ['lstm', { type = 'gru', hidden_size = 40, layers = 2 }]\nbudget = '2M'",
            "architecture = 'gpt2'\nbudget = '3M'",
            "architecture = 'rwkv7'\nbudget = '3M'",
            "architecture = 'rwkv4'\nmixers = [{ type = 'rwkv4', inner_size = 96 }]",
        ] {
            let recipe = parse(&format!("[model]\n{model}\n")).unwrap();
            assert_eq!(parse(&recipe.to_toml().unwrap()).unwrap(), recipe);
        }
    }

    #[test]
    fn impossible_mixers_and_budgets_are_refused_where_they_stand() {
        let error = |text: &str| {
            let e = parse(text).unwrap_err();
            assert_eq!(e.exit_code(), 2);
            e.to_string()
        };
        assert!(error("[model]\nmixers = ['mamba']\n").starts_with("r.toml:2:1: model.mixers: `mamba` is no mixer"));
        assert!(error("[model]\narchitecture = 'gpt3'\n").contains("`gpt3` is none of llama"));
        assert!(error("[model]\narchitecture = 'qwen3'\n").starts_with("r.toml:2:1: model.architecture: "));
        assert!(error("[model]\narchitecture = 'rwkv7'\nmixers = ['rwkv4']\n").contains("rwkv7 in every layer"));
        assert!(error("[model]\narchitecture = 'gpt2'\nmixers = ['lstm']\n").contains("attention in every layer"));
        assert!(error("[model]\nmixers = ['linformer']\n").contains("sees the future"));
        let short = "[model]\nmixers = [{ type = 'hyena', length = 64, filter_size = 8, features = 5 }]\n";
        assert!(error(short).contains("reach 64 of 2048"));
        assert!(error("[model]\nmixers = [{ type = 'lstm', hidden_size = 0 }]\n").contains("hidden_size"));
        let checkpointing = "[model]\nmixers = ['rwkv7']\n[train]\ngradient_checkpointing = true\n";
        assert!(error(checkpointing).contains("gradient_checkpointing"));
        for budget in ["'many'", "'12'", "'-5M'", "'99999999M'", "'NaNM'"] {
            assert!(error(&format!("[model]\nbudget = {budget}\n")).contains("model.budget"), "{budget}");
        }
        assert!(error("[model]\nbudget = '3k'\n").contains("no width and depth"));
    }
}
