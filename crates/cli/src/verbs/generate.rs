//! `bantam generate`: continue a prompt, freely or within a schema.

use std::path::Path;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::prompt::schema_signature;
use bantam_formats::chat::{self, Message, TemplateTokens};
use bantam_formats::{ModelArtifact, Tokenizer};
use bantam_runtime::measure::WallClock;
use bantam_runtime::{ConstraintCompiler, FinishReason, GenerateOptions, Model, SamplingOptions, Session, generate};
use serde::Serialize;
use serde_json::Value;

use super::{artifact_path, load_options};
use crate::arguments::GenerateArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Generated {
    text: String,
    tokens: Vec<u32>,
    prompt_tokens: usize,
    generated_tokens: usize,
    finish_reason: FinishReason,
    prefill_tokens_per_s: f64,
    decode_tokens_per_s: f64,
    artifact: String,
}

/// Loads, generates, prints.
pub fn run(arguments: &GenerateArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let prompt = match (&arguments.prompt, &arguments.prompt_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => files::read_text(path)?,
        (None, None) => return Err(Error::input("--prompt", "there is none", "give --prompt or --prompt-file")),
    };
    let schema = arguments.schema.as_deref().map(read_schema).transpose()?;
    let artifact = ModelArtifact::open(&arguments.model)?;
    let tokenizer = artifact.tokenizer()?;
    let options = GenerateOptions {
        max_new_tokens: arguments.max_new_tokens,
        sampling: SamplingOptions {
            temperature: arguments.temperature,
            seed: arguments.seed,
            ..SamplingOptions::default()
        },
        end_tokens: artifact.config().eos_token_ids.clone(),
    };
    options.validate()?;
    let constraint = match (&arguments.schema, &schema) {
        (Some(path), Some(schema)) => {
            let compiler = ConstraintCompiler::new(&tokenizer, &options.end_tokens)?;
            Some(compiler.compile(&path.display().to_string(), schema)?)
        }
        _ => None,
    };
    let tokens = if arguments.chat {
        // The template writes the special tokens itself.
        tokenizer.encode(&as_chat(&artifact, &tokenizer, schema.as_ref(), &prompt)?, false)
    } else {
        tokenizer.encode(&prompt, true)
    };
    let model = Model::load(&artifact, load_options(arguments.threads)?)?;
    let mut session = Session::new(&model);
    let made = generate(&mut session, &tokenizer, &tokens, &options, constraint.as_ref(), &WallClock::start())?;
    let generated = Generated {
        prefill_tokens_per_s: made.prefill_tokens_per_s(),
        decode_tokens_per_s: made.decode_tokens_per_s(),
        text: made.text,
        tokens: made.tokens,
        prompt_tokens: made.prompt_tokens,
        generated_tokens: made.generated_tokens,
        finish_reason: made.finish_reason,
        artifact: artifact_path(&artifact),
    };
    output.text(&generated.text)?;
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

fn read_schema(path: &Path) -> Result<Value> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text)
        .map_err(|e| Error::input(path.display(), format_args!("not JSON: {e}"), "give a JSON Schema"))
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
