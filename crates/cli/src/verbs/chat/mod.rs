//! `bantam chat`: a conversation, line by line.

mod command;
mod lines;

use std::ops::ControlFlow;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_formats::chat::Message;
use bantam_formats::{ModelArtifact, Tokenizer};
use bantam_runtime::measure::WallClock;
use bantam_runtime::{Conversation, FinishReason, GenerateOptions, Generator, Model};
use serde::{Deserialize, Serialize};

use super::{decoding, load_options};
use crate::arguments::ChatArguments;
use crate::output::{Output, error_line};
use command::Command;
use lines::Lines;

/// An answer, with `--json`.
#[derive(Serialize)]
struct Answer {
    text: String,
    finish_reason: FinishReason,
    prompt_tokens: usize,
    generated_tokens: usize,
    read_before: usize,
}

/// A message of a saved conversation.
#[derive(Deserialize)]
struct Saved {
    role: String,
    content: String,
}

struct Chat<'a> {
    conversation: Conversation<'a>,
    tokenizer: &'a Tokenizer,
    options: GenerateOptions,
    context: usize,
    progress: &'a dyn Progress,
    output: &'a Output,
}

/// Loads, and answers until the input ends.
pub fn run(arguments: &ChatArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let artifact = ModelArtifact::open(&arguments.model)?;
    let tokenizer = artifact.tokenizer()?;
    let ends = &artifact.config().eos_token_ids;
    let options = decoding::options(&arguments.sampling, arguments.max_new_tokens, ends)?;
    let model = Model::load(&artifact, load_options(&arguments.load)?)?;
    let mut conversation = Conversation::new(&model, &artifact, &tokenizer)?;
    conversation.set_system(arguments.system.as_deref().unwrap_or_default());
    let context = model.context_length();
    let mut chat = Chat { conversation, tokenizer: &tokenizer, options, context, progress, output };
    let mut lines = Lines::open(arguments.history.as_deref())?;
    if lines.is_interactive() {
        chat.output.piece("/help lists the commands, /exit ends.\n")?;
    }
    while let Some(line) = lines.next()? {
        match chat.take(&line) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => break,
            // Whoever types can mend it in the next line; a script cannot.
            Err(error) if lines.is_interactive() => error_line(&error.to_string()),
            Err(error) => return Err(error),
        }
    }
    lines.close()
}

impl Chat<'_> {
    fn take(&mut self, line: &str) -> Result<ControlFlow<()>> {
        match Command::parse(line)? {
            Command::Nothing => {}
            Command::Say(text) => self.say(text)?,
            Command::Help => self.output.piece(command::HELP)?,
            Command::System(text) => self.conversation.set_system(text),
            Command::Clear => self.conversation.clear(),
            Command::Retry => {
                let asked = self.conversation.take_back();
                let nothing = || Error::input("/retry", "nothing was asked yet", "ask something first");
                // Another draw, where there are draws.
                self.options.sampling.seed = self.options.sampling.seed.wrapping_add(1);
                self.say(&asked.ok_or_else(nothing)?)?;
            }
            Command::Save(path) => {
                let text = serde_json::to_string_pretty(self.conversation.messages())
                    .map_err(|e| Error::internal("/save", e))?;
                files::write(path.as_ref(), format!("{text}\n").as_bytes())?;
            }
            Command::Load(path) => {
                let saved: Vec<Saved> = serde_json::from_str(&files::read_text(path.as_ref())?).map_err(|e| {
                    Error::input(path, format_args!("not a conversation: {e}"), "give a file that /save wrote")
                })?;
                let messages = saved.into_iter().map(|m| Message::new(m.role, m.content));
                self.conversation.set_messages(messages.collect());
            }
            Command::Set(key, value) => {
                let mut changed = self.options.clone();
                command::set(&mut changed, key, value)?;
                changed.validate()?;
                self.options = changed;
            }
            Command::Exit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn say(&mut self, text: &str) -> Result<()> {
        let mut printed = Ok(());
        let output = self.output;
        let mut listener = |piece: &str| {
            printed = output.piece(piece);
            if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let generator = Generator::new(self.tokenizer, &self.options);
        let made = self.conversation.say(text, self.tokenizer, generator, &mut listener, &WallClock::start())?;
        printed?;
        output.piece("\n")?;
        let cut = match made.finish_reason {
            FinishReason::Length => {
                Some(format!("cut off after {} tokens: /set max_new_tokens", made.generated_tokens))
            }
            FinishReason::Context => {
                let remedy = "/clear begins anew";
                Some(format!("cut off: the model's context of {} tokens is full; {remedy}", self.context))
            }
            _ => None,
        };
        if let Some(cut) = cut {
            self.progress.note(&format!("({cut})"));
        }
        output.object(&Answer {
            text: made.text,
            finish_reason: made.finish_reason,
            prompt_tokens: made.prompt_tokens,
            generated_tokens: made.generated_tokens,
            read_before: made.read_before,
        })
    }
}
