//! Answers from a model on this machine, through `bantam-runtime`: one single-threaded session for each item.

use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result, hash};
use bantam_formats::chat::{self, Message, TemplateTokens};
use bantam_formats::{ArtifactKind, ModelArtifact, Tokenizer};
use bantam_runtime::measure::{Clock, WallClock};
use bantam_runtime::{Constraint, ConstraintCompiler, GenerateOptions, LoadOptions, Model, Session, generate};
use serde_json::Value;

use crate::edge_json::{Answerer, Inputs, Output};
use crate::result::{Artifact, Decoding, Evaluation, Mode, Timing};

/// How a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    /// Whether every token has to fit the schema.
    pub constrained: bool,
    /// Most tokens an answer may have.
    pub max_new_tokens: usize,
    /// Items worked on at a time.
    pub threads: usize,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { constrained: false, max_new_tokens: 1024, threads: 2 }
    }
}

/// The prompt without a chat template, in words, for the protocol.
const RAW_PROMPT: &str = "no chat template: the schema's signature, a blank line, the text, a blank line, `JSON:`";
/// The prompt with one.
const CHAT_PROMPT: &str = "chat template: system = the schema's signature, user = the text";

/// A loaded model with its tokenizer.
pub struct LocalModel {
    model: Model,
    tokenizer: Tokenizer,
    template: Option<String>,
    /// Texts of the tokens that a template may name.
    bos: Option<String>,
    eos: Option<String>,
    compiler: Option<ConstraintCompiler>,
    constraints: HashMap<String, Constraint>,
    options: GenerateOptions,
    artifact: Artifact,
    name: String,
}

impl LocalModel {
    /// Opens and loads a Hugging Face folder, a GGUF file or a run folder.
    ///
    /// # Errors
    /// An input error when the artifact cannot be loaded, has no tokenizer, or (in constrained mode) no end token.
    pub fn open(path: &Path, options: ModelOptions) -> Result<Self> {
        let opened = ModelArtifact::open(path)?;
        let tokenizer = opened.tokenizer()?;
        let ends = &opened.config().eos_token_ids;
        let generation = GenerateOptions::greedy(options.max_new_tokens, ends);
        generation.validate()?;
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
        Ok(Self {
            model: Model::load(&opened, LoadOptions { threads: 1, ..Default::default() })?,
            compiler: options.constrained.then(|| ConstraintCompiler::new(&tokenizer, ends)).transpose()?,
            template: opened.chat_template().map(str::to_owned),
            bos: text(tokenizer.bos()),
            eos: text(tokenizer.eos()),
            constraints: HashMap::new(),
            options: generation,
            artifact: Artifact {
                path: opened.path().display().to_string(),
                kind: match opened.kind() {
                    ArtifactKind::HuggingFace => "hf",
                    ArtifactKind::Gguf => "gguf",
                }
                .to_owned(),
                sha256: hash::tree(opened.path())?,
                bytes: opened.bytes_on_disk(),
                parameters: opened.config().parameter_count(),
            },
            name: model_name(opened.path()),
            tokenizer,
        })
    }

    /// The artifact used, and how it is asked and decoded, for the protocol.
    pub fn protocol(&self) -> (Artifact, Decoding) {
        let decoding = Decoding {
            prompt: if self.template.is_some() { CHAT_PROMPT } else { RAW_PROMPT }.to_owned(),
            chat_template: self.template.clone(),
            strategy: "greedy".to_owned(),
            max_new_tokens: self.options.max_new_tokens,
            context: self.model.context_length(),
            constraint: self
                .compiler
                .as_ref()
                .map(|_| "llguidance: compact JSON, keys in the schema's order".to_owned()),
        };
        (self.artifact.clone(), decoding)
    }

    /// What results call the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn prompt(&self, system: &str, user: &str) -> Result<Vec<u32>> {
        let Some(template) = &self.template else {
            return Ok(self.tokenizer.encode(&format!("{system}\n\n{user}\n\nJSON:\n"), true));
        };
        let messages = [Message::new("system", system), Message::new("user", user)];
        let tokens = TemplateTokens { bos: self.bos.as_deref(), eos: self.eos.as_deref() };
        // The template writes the special tokens itself.
        Ok(self.tokenizer.encode(&chat::render(template, &messages, true, tokens)?, false))
    }
}

impl Answerer for LocalModel {
    fn prepare(&mut self, schema_id: &str, place: &str, schema: &Value) -> Result<()> {
        if let Some(compiler) = &self.compiler {
            self.constraints.insert(schema_id.to_owned(), compiler.compile(place, schema)?);
        }
        Ok(())
    }

    fn answer(&self, schema_id: &str, system: &str, user: &str) -> Result<Output> {
        let prompt = self.prompt(system, user)?;
        if prompt.len() >= self.model.context_length() {
            let why =
                format!("the prompt has {} tokens, the model's context {}", prompt.len(), self.model.context_length());
            return Ok(Output { prompt_tokens: prompt.len(), ..Output::missing(why) });
        }
        let constraint = self.constraints.get(schema_id);
        if self.compiler.is_some() && constraint.is_none() {
            return Err(Error::internal(
                "constrained evaluation",
                format_args!("schema `{schema_id}` was not prepared"),
            ));
        }
        let mut session = Session::new(&self.model);
        let clock = WallClock::start();
        let made = generate(&mut session, &self.tokenizer, &prompt, &self.options, constraint, &clock)?;
        let reason = serde_json::to_value(made.finish_reason).ok().and_then(|v| v.as_str().map(str::to_owned));
        Ok(Output {
            text: Some(made.text),
            note: None,
            finish_reason: reason,
            prompt_tokens: made.prompt_tokens,
            generated_tokens: made.generated_tokens,
        })
    }
}

/// The artifact's file name; `model...` says too little, so that the folder it is in comes before it.
fn model_name(path: &Path) -> String {
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let stem = stem.map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().into_owned());
    let parent = path.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    match parent {
        Some(parent) if stem.starts_with("model") => format!("{parent}.{stem}"),
        _ => stem,
    }
}

/// Evaluates a model on a set. `progress` is told how many items are done, of how many.
///
/// # Errors
/// As [`Inputs::load`], [`crate::edge_json::Suite::new`] and [`LocalModel::open`]; an input error naming the schema that the
/// constraint engine cannot express.
pub fn evaluate_model(
    inputs: Inputs<'_>,
    model: &Path,
    options: ModelOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Evaluation> {
    let loaded = inputs.load()?;
    let suite = loaded.suite()?;
    let mut local = LocalModel::open(model, options)?;
    let clock = WallClock::start();
    let outputs = suite.run(&mut local, options.threads, progress)?;
    let wall_s = clock.now().as_secs_f64();
    let mode = if options.constrained { Mode::Constrained } else { Mode::Free };
    let protocol = loaded.protocol(&suite, mode, None, Some(local.protocol()));
    let mut evaluation = suite.evaluate(local.name(), &outputs, protocol)?;
    let total = |of: fn(&Output) -> usize| outputs.iter().map(|o| of(o) as u64).sum();
    evaluation.result.timing = Some(Timing {
        wall_s,
        prompt_tokens: total(|o| o.prompt_tokens),
        generated_tokens: total(|o| o.generated_tokens),
        threads: options.threads,
    });
    Ok(evaluation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_by_what_tells_it_apart() {
        assert_eq!(model_name(Path::new("runs/nano/model-q8_0.gguf")), "nano.model-q8_0");
        assert_eq!(model_name(Path::new("smol.gguf")), "smol");
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("nano/model");
        std::fs::create_dir_all(&model).unwrap();
        assert_eq!(model_name(&model), "nano.model");
    }
}
