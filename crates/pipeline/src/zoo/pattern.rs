//! Which mixers, in which order? `mamba2*5+attention` on the command line, a repeating pattern in a model.

use std::fmt;
use std::str::FromStr;

use bantam_core::{Error, Result};
use bantam_formats::{MIXER_NAMES, ModelConfig};

use crate::recipe::mixers::{self, MixerChoice};
use crate::recipe::{ModelSection, Recipe};

/// Mixers by name, repeated over a model's layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As it was written.
    name: String,
    mixers: Vec<String>,
}

/// Longest pattern: more layers than any small model has.
const MOST_LAYERS: usize = 48;

impl Pattern {
    /// Every mixer alone.
    pub fn all() -> Vec<Self> {
        MIXER_NAMES.iter().map(|name| Self { name: (*name).to_owned(), mixers: vec![(*name).to_owned()] }).collect()
    }

    /// The name, as a part of a file's name.
    pub fn file_name(&self) -> String {
        self.name.replace('*', "x")
    }

    /// How many mixers it has.
    pub fn layers(&self) -> usize {
        self.mixers.len()
    }

    /// A model of these sizes with these mixers that learns next tokens.
    ///
    /// # Errors
    /// Sizes and mixers that do not fit together; a mixer that sees the future.
    pub fn model(&self, section: ModelSection, vocabulary: usize) -> Result<ModelConfig> {
        let config = self.recipe(section, vocabulary).model_config(vocabulary)?;
        let place = format!("--mixers {self}");
        mixers::check(&config, false, &place)?;
        config.validate(&place)?;
        Ok(config)
    }

    /// A model of as nearly as possible `parameters` with these mixers, whether or not it can learn next tokens.
    ///
    /// # Errors
    /// A number that no width and depth come within a tenth of.
    pub fn model_of_size(&self, parameters: u64, vocabulary: usize, positions: usize) -> Result<ModelConfig> {
        let section = ModelSection { max_position_embeddings: positions, ..ModelSection::default() };
        let mut recipe = self.recipe(section, vocabulary);
        mixers::fit(&mut recipe, parameters, &format!("--budget with {self}"), mixers::token_parameters)?;
        let config = recipe.model_config(vocabulary)?;
        config.validate(&format!("--mixers {self}"))?;
        Ok(config)
    }

    fn recipe(&self, section: ModelSection, vocabulary: usize) -> Recipe {
        let choices = self.mixers.iter().cloned().map(MixerChoice::Usual).collect();
        let mut recipe = Recipe { model: ModelSection { mixers: choices, ..section }, ..Recipe::default() };
        recipe.tokenizer.vocab_size = vocabulary;
        recipe
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut found = Vec::new();
        for part in text.split('+') {
            let (name, times) = part.split_once('*').unwrap_or((part, "1"));
            if !MIXER_NAMES.contains(&name) {
                let remedy = format!("choose of {}; a pattern is written mamba2*5+attention", MIXER_NAMES.join(", "));
                return Err(Error::input("--mixers", format_args!("`{name}` is no mixer"), remedy));
            }
            let times = times.parse::<usize>().ok().filter(|n| (1..=MOST_LAYERS).contains(n));
            let Some(times) = times.filter(|n| found.len() + n <= MOST_LAYERS) else {
                let what = format!("`{text}` repeats a mixer so often that no model has as many layers, or not at all");
                return Err(Error::input("--mixers", what, format!("stay within {MOST_LAYERS} layers")));
            };
            found.extend(std::iter::repeat_n(name.to_owned(), times));
        }
        Ok(Self { name: text.to_owned(), mixers: found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_they_are_written() {
        let pattern: Pattern = "mamba2*2+attention".parse().unwrap();
        assert_eq!((pattern.layers(), pattern.file_name()), (3, "mamba2x2+attention".to_owned()));
        let config = pattern.model(ModelSection::default(), 300).unwrap();
        assert_eq!(config.mixers.iter().map(|m| m.name()).collect::<Vec<_>>(), ["mamba2", "mamba2", "attention"]);
        for wrong in
            ["", "mamba", "lstm*0", "lstm*49", "lstm*40+gru*40", "lstm+", "lstm*x", "lstm*99999999999999999999"]
        {
            let e = wrong.parse::<Pattern>().unwrap_err();
            assert!(e.exit_code() == 2 && e.place() == "--mixers", "{wrong}: {e}");
        }
        assert_eq!(Pattern::all().len(), MIXER_NAMES.len());
    }

    #[test]
    fn a_mixer_that_sees_the_future_learns_nothing_and_costs_something() {
        let linformer: Pattern = "linformer".parse().unwrap();
        assert!(linformer.model(ModelSection::default(), 300).unwrap_err().to_string().contains("sees the future"));
        let config = linformer.model_of_size(1_000_000, 512, 128).unwrap();
        assert!((config.parameter_count() as f64 / 1e6 - 1.0).abs() < 0.1);
    }
}
