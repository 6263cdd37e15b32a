//! Answers from a model on this machine, through `bantam-runtime`: one single-threaded session for each item.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use bantam_core::{Error, Result, hash};
use bantam_formats::chat::{self, TemplateTokens};
use bantam_formats::{ArtifactKind, ModelArtifact, Tokenizer};
use bantam_runtime::measure::{Clock, WallClock};
use bantam_runtime::{
    Constraint as Compiled, ConstraintCompiler, GenerateOptions, Generator, LoadOptions, Model, Session,
    continuation_log_probabilities,
};

use crate::harness::{Answerer, Candidates, Constraint, Grammar, Output, Prompt, Request};
use crate::result::{Artifact, Decoding, MadeBy};

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

/// A loaded model with its tokenizer.
pub struct LocalModel {
    model: Model,
    tokenizer: Tokenizer,
    template: Option<String>,
    /// Texts of the tokens that a template may name.
    bos: Option<String>,
    eos: Option<String>,
    compiler: Option<ConstraintCompiler>,
    constraints: HashMap<String, Compiled>,
    options: GenerateOptions,
    /// Every token that ends an answer.
    ends: Vec<u32>,
    artifact: Artifact,
    name: String,
}

impl LocalModel {
    /// Opens and loads a Hugging Face folder, a GGUF file or a run folder.
    ///
    /// # Errors
    /// An input error when the artifact cannot be loaded, has no tokenizer, or (in constrained mode) no end token.
    pub fn open(path: &Path, options: ModelOptions) -> Result<Self> {
        Self::open_with_threads(path, options, 1)
    }

    /// [`open`](Self::open), where each item may use `threads` threads.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_threads(path: &Path, options: ModelOptions, threads: usize) -> Result<Self> {
        let opened = ModelArtifact::open(path)?;
        let tokenizer = opened.tokenizer()?;
        let ends = &opened.config().eos_token_ids;
        let generation = GenerateOptions::greedy(options.max_new_tokens, ends);
        generation.validate()?;
        let mut all_ends: Vec<u32> = ends.iter().copied().chain(tokenizer.eos()).collect();
        all_ends.sort_unstable();
        all_ends.dedup();
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
        Ok(Self {
            model: Model::load(&opened, LoadOptions { threads, ..Default::default() })?,
            compiler: options.constrained.then(|| ConstraintCompiler::new(&tokenizer, ends)).transpose()?,
            template: opened.chat_template().map(str::to_owned),
            bos: text(tokenizer.bos()),
            eos: text(tokenizer.eos()),
            constraints: HashMap::new(),
            options: generation,
            ends: all_ends,
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

    /// The artifact used, and how it is asked and decoded, for the protocol. `prompt` says what requests are made of.
    pub fn made_by(&self, prompt: &str) -> MadeBy {
        let template = if self.template.is_some() { "chat template" } else { "no chat template, blank lines between" };
        let decoding = Decoding {
            prompt: format!("{template}: {prompt}"),
            chat_template: self.template.clone(),
            strategy: "greedy".to_owned(),
            max_new_tokens: self.options.max_new_tokens,
            context: Some(self.model.context_length()),
            constraint: self
                .compiler
                .as_ref()
                .map(|_| "llguidance: compact JSON, keys in the schema's order, slots in any".to_owned()),
        };
        MadeBy { artifact: Some(self.artifact.clone()), decoding: Some(decoding), ..MadeBy::default() }
    }

    /// What results call the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The prompt as a text, and whether special tokens have to be added to it.
    fn prompt(&self, prompt: &Prompt) -> Result<(String, bool)> {
        match (prompt, &self.template) {
            (Prompt::Chat { messages, .. }, Some(template)) => {
                let tokens = TemplateTokens { bos: self.bos.as_deref(), eos: self.eos.as_deref() };
                // The template writes the special tokens itself.
                Ok((chat::render(template, messages, true, tokens)?, false))
            }
            _ => Ok((prompt.plain(), true)),
        }
    }

    fn compile(&self, compiler: &ConstraintCompiler, constraint: &Constraint) -> Result<Compiled> {
        match &constraint.grammar {
            Grammar::JsonSchema(schema) => compiler.compile(&constraint.place, schema),
            Grammar::Labels(labels) => {
                // A JSON string is a string of the grammar's syntax too.
                let quoted: Vec<String> =
                    labels.iter().map(|l| serde_json::Value::from(l.as_str()).to_string()).collect();
                compiler.compile_lark(&constraint.place, &format!("start: {}\n", quoted.join(" | ")))
            }
            Grammar::Regex(regex) => compiler.compile_regex(&constraint.place, regex),
            Grammar::Lark(grammar) => compiler.compile_lark(&constraint.place, grammar),
        }
    }

    /// The candidates as tokens, given the prompt as a text and as tokens.
    fn continuations(&self, (text, special): (&str, bool), prompt: &[u32], candidates: &Candidates) -> Vec<Vec<u32>> {
        let tokens_of = |candidate: &String| {
            // As the tokenizer spells it after the prompt, unless the two grow together at the seam.
            let whole = self.tokenizer.encode(&format!("{text}{candidate}"), special);
            match whole.strip_prefix(prompt) {
                Some(rest) => rest.to_vec(),
                None => self.tokenizer.encode(candidate, false),
            }
        };
        candidates.texts.iter().map(tokens_of).collect()
    }
}

impl Answerer for LocalModel {
    fn prepare(&mut self, constraint: &Constraint) -> Result<()> {
        if let Some(compiler) = &self.compiler {
            self.constraints.insert(constraint.name.clone(), self.compile(compiler, constraint)?);
        }
        Ok(())
    }

    fn answer(&self, request: &Request) -> Result<Output> {
        let clock = WallClock::start();
        let (text, special) = self.prompt(&request.prompt)?;
        let prompt = self.tokenizer.encode(&text, special);
        let mut output = Output { prompt_tokens: prompt.len(), ..Output::default() };
        if prompt.len() >= self.model.context_length() {
            let context = self.model.context_length();
            output.note = Some(format!("the prompt has {} tokens, the model's context {context}", prompt.len()));
            return Ok(output);
        }
        let mut made_here = None;
        let constraint = match &request.constraint {
            None => None,
            Some(constraint) => match (self.constraints.get(&constraint.name), &self.compiler) {
                (Some(prepared), _) => Some(prepared),
                (None, Some(compiler)) => match self.compile(compiler, constraint) {
                    Ok(compiled) => Some(&*made_here.insert(compiled)),
                    Err(e) => {
                        output.note = Some(e.to_string());
                        return Ok(output);
                    }
                },
                (None, None) => {
                    let what = format_args!("a constraint for `{}` without constrained mode", constraint.name);
                    return Err(Error::internal("evaluation", what));
                }
            },
        };
        let mut session = Session::new(&self.model);
        if let Some(candidates) = &request.candidates {
            let continuations = self.continuations((&text, special), &prompt, candidates);
            let longest = continuations.iter().map(Vec::len).max().unwrap_or(0);
            if prompt.len() + longest > self.model.context_length() {
                let context = self.model.context_length();
                output.note = Some(format!(
                    "prompt and candidate have {} tokens, the model's context {context}",
                    prompt.len() + longest
                ));
                return Ok(output);
            }
            let ends = candidates.ended.then_some(self.ends.as_slice());
            let logits = session.prefill(&prompt)?.to_vec();
            let weighed = continuation_log_probabilities(&mut session, &logits, &continuations, ends)?;
            output.candidate_log_probabilities = Some(weighed);
        }
        if request.text {
            // The last token is read again, where it has been: its logits open the answer.
            let read = if session.truncate(prompt.len() - 1) { session.position() } else { 0 };
            if read == 0 && session.position() > 0 {
                session = Session::new(&self.model);
            }
            let generator = Generator::new(&self.tokenizer, &self.options).constraint(constraint).already_read(read);
            let mut first = None;
            let mut listener = |_: &str| {
                first.get_or_insert_with(|| clock.now().as_secs_f64());
                ControlFlow::Continue(())
            };
            let made = generator.run(&mut session, &prompt, &mut listener, &clock)?;
            output.first_token_seconds = first;
            output.finish_reason =
                serde_json::to_value(made.finish_reason).ok().and_then(|v| v.as_str().map(str::to_owned));
            output.generated_tokens = made.generated_tokens;
            output.text = Some(made.text);
        }
        output.seconds = Some(clock.now().as_secs_f64());
        Ok(output)
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
