//! `bantam generate`: continue a prompt, freely or within a schema, a regular expression or a grammar.

use std::ops::ControlFlow;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::canonical::without_absent;
use bantam_data::prompt::schema_signature;
use bantam_formats::chat::{self, Message, TemplateTokens};
use bantam_formats::{ModelArtifact, Tokenizer};
use bantam_runtime::measure::WallClock;
use bantam_runtime::{
    BeamOptions, BeamText, Constraint, DraftModel, FinishReason, GenerateOptions, Generation, Generator, Model,
    Session, Speculation, SpeculationCounts, TokenLogProbability, beam_search, verbatim,
};
use serde::Serialize;
use serde_json::Value;

use super::{artifact_path, decoding, load_options};
use crate::arguments::GenerateArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Generated {
    text: String,
    tokens: Vec<u32>,
    prompt_ids: Vec<u32>,
    prompt_tokens: usize,
    generated_tokens: usize,
    finish_reason: FinishReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_probabilities: Option<Vec<TokenLogProbability>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speculation: Option<SpeculationCounts>,
    prefill_tokens_per_s: f64,
    decode_tokens_per_s: f64,
    artifact: String,
}

#[derive(Serialize)]
struct Searched {
    beams: Vec<BeamText>,
    prompt_tokens: usize,
    artifact: String,
}

/// What is written, from what.
struct Task<'a> {
    arguments: &'a GenerateArguments,
    artifact: &'a ModelArtifact,
    tokenizer: &'a Tokenizer,
    prompt: Vec<u32>,
    constraint: Option<Constraint>,
    /// The schema of an answer that has nulls in the places of absent fields, which are to be left out.
    with_nulls: Option<&'a Value>,
}

/// Loads, generates, prints.
pub fn run(arguments: &GenerateArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let prompt = match (&arguments.prompt, &arguments.prompt_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => files::read_text(path)?,
        (None, None) => return Err(Error::input("--prompt", "there is none", "give --prompt or --prompt-file")),
    };
    let schema = arguments.constraint.schema.as_deref().map(decoding::read_schema).transpose()?;
    let artifact = ModelArtifact::open(&arguments.model)?;
    let tokenizer = artifact.tokenizer()?;
    let ends = &artifact.config().eos_token_ids;
    let options = GenerateOptions {
        log_probabilities: arguments.logprobs,
        ..decoding::options(&arguments.sampling, arguments.max_new_tokens, ends)?
    };
    let absent = AbsentFields::of_template(artifact.chat_template().filter(|_| arguments.chat));
    let written = schema.as_ref().map(|schema| absent.schema(schema));
    let limited = written.as_deref().filter(|_| arguments.verbatim).map(|schema| verbatim(schema, &prompt));
    let allowed = limited.as_ref().or(written.as_deref());
    let constraint = decoding::constraint(&arguments.constraint, allowed, &tokenizer, ends)?;
    let prompt = if arguments.chat {
        // The template writes the special tokens itself.
        tokenizer.encode(&as_chat(&artifact, &tokenizer, schema.as_ref(), &prompt)?, false)
    } else {
        tokenizer.encode(&prompt, true)
    };
    let model = Model::load(&artifact, load_options(&arguments.load)?)?;
    let with_nulls = schema.as_ref().filter(|schema| absent.writes_nulls(schema));
    let task = Task { arguments, artifact: &artifact, tokenizer: &tokenizer, prompt, constraint, with_nulls };
    match arguments.beams {
        Some(width) => task.search(&model, width, output),
        None => task.write(&model, &options, progress, output),
    }
}

impl Task<'_> {
    fn search(&self, model: &Model, width: usize, output: &Output) -> Result<()> {
        let options = BeamOptions {
            width,
            length_penalty: self.arguments.length_penalty,
            max_new_tokens: self.arguments.max_new_tokens,
            end_tokens: self.artifact.config().eos_token_ids.clone(),
        };
        let session = Session::new(model);
        let mut beams = beam_search(session, self.tokenizer, &self.prompt, &options, self.constraint.as_ref())?;
        for beam in &mut beams {
            beam.text = self.as_meant(std::mem::take(&mut beam.text));
        }
        for beam in &beams {
            output.text(&format!("{:.4}\t{}", beam.score, beam.text))?;
        }
        let (prompt_tokens, artifact) = (self.prompt.len(), artifact_path(self.artifact));
        output.object(&Searched { beams, prompt_tokens, artifact })
    }

    fn write(&self, model: &Model, options: &GenerateOptions, progress: &dyn Progress, output: &Output) -> Result<()> {
        let made = match &self.arguments.draft_model {
            Some(path) => {
                let artifact = ModelArtifact::open(path)?;
                let small = Model::load(&artifact, load_options(&self.arguments.load)?)?;
                let draft = DraftModel::new(&small, &artifact.tokenizer()?, self.tokenizer)
                    .map_err(|e| e.within(path.display()))?;
                self.stream(model, options, Speculation::Draft(&draft), output)?
            }
            None if self.arguments.lookup => self.stream(model, options, Speculation::PromptLookup, output)?,
            None => self.stream(model, options, Speculation::Off, output)?,
        };
        let speculates = self.arguments.lookup || self.arguments.draft_model.is_some();
        let generated = Generated {
            prefill_tokens_per_s: made.prefill_tokens_per_s(),
            decode_tokens_per_s: made.decode_tokens_per_s(),
            text: made.text,
            tokens: made.tokens,
            prompt_ids: self.prompt.clone(),
            prompt_tokens: made.prompt_tokens,
            generated_tokens: made.generated_tokens,
            finish_reason: made.finish_reason,
            stop_string: made.stop_string,
            log_probabilities: options.log_probabilities.map(|_| made.log_probabilities),
            speculation: speculates.then_some(made.speculation),
            artifact: artifact_path(self.artifact),
        };
        progress.note(&format!(
            "{}: {} prompt tokens at {:.0} tok/s, {} generated at {:.0} tok/s",
            generated.artifact,
            generated.prompt_tokens,
            generated.prefill_tokens_per_s,
            generated.generated_tokens,
            generated.decode_tokens_per_s,
        ));
        output.object(&generated)
    }

    /// A text without the nulls that stand for absent fields.
    fn as_meant(&self, text: String) -> String {
        match self.with_nulls {
            Some(schema) => without_absent(&text, schema, AbsentFields::Null),
            None => text,
        }
    }

    /// Prints the text as it is written; at its end, where nulls have to be taken out of it first.
    fn stream(
        &self,
        model: &Model,
        options: &GenerateOptions,
        speculation: Speculation<'_>,
        output: &Output,
    ) -> Result<Generation> {
        let mut printed = Ok(());
        let mut listener = |piece: &str| {
            printed = if self.with_nulls.is_none() { output.piece(piece) } else { Ok(()) };
            if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let generator =
            Generator::new(self.tokenizer, options).constraint(self.constraint.as_ref()).speculation(speculation);
        let mut made = generator.run(&mut Session::new(model), &self.prompt, &mut listener, &WallClock::start())?;
        printed?;
        if self.with_nulls.is_some() {
            made.text = self.as_meant(made.text);
            output.piece(&made.text)?;
        }
        if !made.text.ends_with('\n') {
            output.piece("\n")?;
        }
        Ok(made)
    }
}

/// The prompt as the user's message; the schema's signature, if there is one, as the system's: what `eval` does too.
fn as_chat(artifact: &ModelArtifact, tokenizer: &Tokenizer, schema: Option<&Value>, prompt: &str) -> Result<String> {
    let template = artifact
        .chat_template()
        .ok_or_else(|| Error::input(artifact.path().display(), "the model has no chat template", "leave out --chat"))?;
    let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
    let (bos, eos) = (text(tokenizer.bos()), text(tokenizer.eos()));
    let system = schema.map(|s| Message::new("system", schema_signature(s)));
    let messages: Vec<Message> = system.into_iter().chain([Message::new("user", prompt)]).collect();
    chat::render(template, &messages, true, TemplateTokens { bos: bos.as_deref(), eos: eos.as_deref() })
}
