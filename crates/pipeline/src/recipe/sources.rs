//! `[[sources]]`: which files are trained on, how they are varied, and what of them is held out?

use std::path::PathBuf;

use bantam_core::{Error, Result};
use bantam_data::prompt::SchemaInPrompt;
use serde::{Deserialize, Serialize};

/// More variants of an item teach nothing more.
const MOST_SUBSTITUTIONS: usize = 100;
/// More forms than this, of a few hundred, only repeat.
const MOST_RECOMBINED: usize = 1_000_000;

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

    /// Values that are of the right type and impossible, alone or behind the sources `before`.
    pub(super) fn check(&self, before: &[Self]) -> Result<()> {
        let wrong = |what: String, remedy: &str| Err(Error::input("sources", what, remedy));
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return wrong(format!("a weight of {} draws nothing", self.weight), "give a positive weight");
        }
        if self.items.is_some() != self.schemas.is_some() {
            return wrong("items and schemas belong together".into(), "give both, or none for generated items");
        }
        if self.items.is_none() && (self.validation, self.substitutions, self.recombined) != (0, 0, 0) {
            let what = "generated items have validation items and other values as it is".into();
            return wrong(what, "give validation, substitutions and recombined to sources with items only");
        }
        if self.substitutions > MOST_SUBSTITUTIONS {
            return wrong(format!("{} variants of each item", self.substitutions), "usual are 2 to 20");
        }
        if self.recombined > MOST_RECOMBINED {
            return wrong(format!("{} recombined forms", self.recombined), "usual are 5000 to 50000");
        }
        if !(0.0..1.0).contains(&self.word_noise) || (self.word_noise > 0.0 && self.substitutions == 0) {
            let what = format!("a word_noise of {} in {} variants", self.word_noise, self.substitutions);
            return wrong(what, "give 0 to below 1, and substitutions beside it");
        }
        if let Some(field) = self.open.iter().find(|f| !f.starts_with('/') || self.substitutions == 0) {
            let what = format!("open = [{field:?}] names no field of the variants");
            return wrong(what, "give JSON pointers such as \"/name\", and substitutions beside them");
        }
        if self.items.is_none() && before.iter().any(|s| s.items.is_none()) {
            return wrong("the generated items are named twice".into(), "name them once");
        }
        Ok(())
    }
}
