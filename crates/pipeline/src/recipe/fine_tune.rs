//! `[finetune]`: which model is trained further, how, and on what.

use std::path::PathBuf;

use bantam_core::{Error, Result};
use bantam_formats::peft::{AdapterConfig, TargetModules};
use serde::{Deserialize, Serialize};

/// `[finetune]`. With this section a recipe trains a model that there is, instead of making one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FineTuneSection {
    /// The model: a Hugging Face folder, a GGUF file, a run folder, or the hub's name of a model in the local cache.
    pub base: String,
    /// What is trained.
    pub method: Method,
    /// Rank of the adapters.
    pub rank: usize,
    /// The adapters' scale is `alpha / rank`.
    pub alpha: f64,
    /// The scale is `alpha / sqrt(rank)` instead.
    pub rank_stabilized: bool,
    /// `"all-linear"`, or names of linear maps such as `["q_proj", "v_proj"]`.
    pub target_modules: Targets,
    /// Only 0: adapters are trained without dropout.
    pub dropout: f64,
    /// The files to train on.
    pub sources: Vec<SourceFile>,
    /// The files to validate on.
    pub validation: Vec<SourceFile>,
}

/// What fine-tuning changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every parameter.
    Full,
    /// Low-rank adapters of linear maps; the base is frozen.
    Lora,
    /// As `lora`, with the base's linear maps in 4 bits.
    Qlora,
}

/// Linear maps by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Targets {
    /// `"all-linear"`.
    Word(String),
    /// Names or their ends.
    Names(Vec<String>),
}

/// A file of items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// JSONL.
    pub file: PathBuf,
    /// What its lines are.
    pub kind: SourceKind,
    /// Share of the tokens drawn, over the sum of the weights of all files; it means nothing for validation.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// `{"messages": [{"role", "content"}, ...]}`.
    Chat,
    /// `{"prompt", "completion"}`.
    Completion,
}

impl Default for FineTuneSection {
    fn default() -> Self {
        Self {
            base: String::new(),
            method: Method::Lora,
            rank: 8,
            alpha: 16.0,
            rank_stabilized: false,
            target_modules: Targets::Word("all-linear".into()),
            dropout: 0.0,
            sources: Vec::new(),
            validation: Vec::new(),
        }
    }
}

impl FineTuneSection {
    /// Values that are of the right type and impossible; errors name their key as `finetune.rank`.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |key: &str, what: String, remedy: &str| Err(Error::input(format!("finetune.{key}"), what, remedy));
        if self.base.is_empty() {
            return wrong("base", "there is none".into(), "give the model to fine-tune");
        }
        if !(1..=1024).contains(&self.rank) {
            return wrong("rank", format!("{} is not between 1 and 1024", self.rank), "usual are 4 to 64");
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return wrong("alpha", format!("{} is not above 0", self.alpha), "usual is twice the rank");
        }
        if self.dropout != 0.0 {
            return wrong("dropout", format!("{}", self.dropout), "give 0: adapters are trained without dropout");
        }
        match &self.target_modules {
            Targets::Word(word) if word != "all-linear" => {
                return wrong("target_modules", format!("`{word}`"), "give \"all-linear\" or a list of names");
            }
            Targets::Names(names) if names.is_empty() => {
                return wrong("target_modules", "it is empty".into(), "give \"all-linear\" or a list of names");
            }
            _ => {}
        }
        if self.sources.is_empty() {
            return wrong("sources", "there is none".into(), "give [{ file = \"F.jsonl\", kind = \"chat\" }]");
        }
        match self.sources.iter().position(|s| !(s.weight.is_finite() && s.weight > 0.0)) {
            Some(at) => wrong(&format!("sources[{at}]"), "its weight is not above 0".into(), "give a positive weight"),
            None => Ok(()),
        }
    }

    /// The adapter that the section asks for.
    pub fn adapter(&self) -> AdapterConfig {
        AdapterConfig {
            rank: self.rank,
            alpha: self.alpha,
            target_modules: match &self.target_modules {
                Targets::Word(_) => TargetModules::AllLinear,
                Targets::Names(names) => TargetModules::Named(names.clone()),
            },
            rank_stabilized: self.rank_stabilized,
            dropout: 0.0,
            base_model: Some(self.base.clone()),
        }
    }
}
