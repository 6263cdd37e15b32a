//! What decides the scores of a result: items, prompt, decoding, model, by name and hash.

use std::collections::BTreeMap;
use std::path::Path;

use bantam_core::{Result, hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file or folder that a result depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without folders.
    pub name: String,
    /// SHA-256 of the file, or of the folder's names and contents.
    pub sha256: String,
}

impl Source {
    /// Hashes the file or folder at `path`.
    ///
    /// # Errors
    /// An input error when it cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, sha256: hash::tree(path)? })
    }
}

/// The model file or folder that made the outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The path of what was really loaded.
    pub path: String,
    /// `hf` or `gguf`.
    pub kind: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// Size on disk.
    pub bytes: u64,
    /// Parameters.
    pub parameters: u64,
}

/// A server that made the outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its address, without what may be secret in it.
    pub url: String,
    /// The model it was asked for.
    pub model: String,
}

/// How the outputs were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By a model, decoded freely.
    Free,
    /// By a model whose every token had to fit the schema.
    Constrained,
    /// Read from a file.
    Predictions,
}

impl Mode {
    /// The name in files: `free`, `constrained` or `predictions`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Constrained => "constrained",
            Self::Predictions => "predictions",
        }
    }
}

/// How a model was asked and decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// What the prompt is made of, in words.
    pub prompt: String,
    /// The chat template's source, if one was used.
    pub chat_template: Option<String>,
    /// `greedy`: the most probable token, always.
    pub strategy: String,
    /// Most tokens an answer may have.
    pub max_new_tokens: usize,
    /// Most tokens that prompt and answer may have together, where that is known.
    pub context: Option<usize>,
    /// The engine that kept the output within the schema, in constrained mode.
    pub constraint: Option<String>,
}

/// All that decides what the scores can be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// Version of the suite's metric definitions.
    pub metric_version: u32,
    /// The metrics in words.
    pub metrics: BTreeMap<String, String>,
    /// Where an answer is looked for in an output.
    pub extraction_rule: String,
    /// How the intervals are made.
    pub intervals: String,
    /// The floors in words.
    pub floors: BTreeMap<String, String>,
    /// The items.
    pub data: Source,
    /// The schemas, taxonomy or functions, where they are files of their own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub schemas: Option<Source>,
    /// Items taken from the start of the data, if not all.
    pub limit: Option<usize>,
    /// Golds that validate against their schemas; below `n`, SchemaCompliance has a ceiling under 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid_golds: Option<usize>,
    /// What the prompts tell and how often, where a suite can be asked in several ways; part of the result's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub track: Option<String>,
    /// What else of a suite's settings decides scores.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub settings: BTreeMap<String, Value>,
    /// Where the outputs come from.
    pub mode: Mode,
    /// The predictions file, in that mode.
    pub predictions: Option<Source>,
    /// The model used, if one was.
    pub artifact: Option<Artifact>,
    /// The server asked, if one was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<Server>,
    /// How it was asked and decoded.
    pub decoding: Option<Decoding>,
}

impl Protocol {
    /// A suite's part, nothing said yet of how the outputs were made ([`Protocol::made`]).
    pub fn new(metric_version: u32, data: Source) -> Self {
        Self {
            metric_version,
            metrics: BTreeMap::new(),
            extraction_rule: String::new(),
            intervals: String::new(),
            floors: BTreeMap::new(),
            data,
            schemas: None,
            limit: None,
            valid_golds: None,
            track: None,
            settings: BTreeMap::new(),
            mode: Mode::Predictions,
            predictions: None,
            artifact: None,
            server: None,
            decoding: None,
        }
    }

    /// What decides scores and nothing else: a model is its content, wherever it lies.
    pub fn without_paths(&self) -> Self {
        let mut kept = self.clone();
        if let Some(artifact) = &mut kept.artifact {
            artifact.path.clear();
        }
        kept
    }

    /// With how the outputs were made.
    pub fn made(self, mode: Mode, by: MadeBy) -> Self {
        let MadeBy { predictions, artifact, server, decoding } = by;
        Self { mode, predictions, artifact, server, decoding, ..self }
    }
}

/// By what outputs were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MadeBy {
    /// A predictions file.
    pub predictions: Option<Source>,
    /// A model file or folder.
    pub artifact: Option<Artifact>,
    /// A server.
    pub server: Option<Server>,
    /// How it was asked and decoded.
    pub decoding: Option<Decoding>,
}

impl MadeBy {
    /// Read from a file.
    pub fn predictions(file: Source) -> Self {
        Self { predictions: Some(file), ..Self::default() }
    }
}
