//! Writing a continuation of a prompt, free or under a schema.

use std::time::Duration;

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;
use serde::Serialize;

use crate::constraint::Constraint;
use crate::measure::{Clock, per_second};
use crate::sampling::{Sampler, SamplingOptions};
use crate::session::Session;

/// What to write.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Most tokens to write.
    pub max_new_tokens: usize,
    /// How tokens are chosen.
    pub sampling: SamplingOptions,
    /// Tokens that end the text, besides the tokenizer's end-of-text token. Normally the model's `eos_token_ids`.
    pub end_tokens: Vec<u32>,
}

/// Why writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model wrote a token that ends the text.
    Stop,
    /// `max_new_tokens` were written.
    Length,
    /// The model's context is full.
    Context,
    /// The text is a whole instance of the schema and nothing can follow.
    SchemaComplete,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The tokens as text, special ones left out.
    pub text: String,
    /// The tokens written, without the one that ended the text.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// How many tokens were written.
    pub generated_tokens: usize,
    /// Why writing ended.
    pub finish_reason: FinishReason,
    /// Time to read the prompt, up to the first logits.
    pub prefill_time: Duration,
    /// Time to write all tokens.
    pub decode_time: Duration,
}

impl Generation {
    /// Prompt tokens read per second.
    pub fn prefill_tokens_per_s(&self) -> f64 {
        per_second(self.prompt_tokens, self.prefill_time)
    }

    /// Tokens written per second: counted from the tokens there are.
    pub fn decode_tokens_per_s(&self) -> f64 {
        per_second(self.generated_tokens, self.decode_time)
    }
}

/// Reads `prompt` into `session` and writes a continuation of at most `options.max_new_tokens` tokens.
///
/// Under a `constraint`, tokens that the schema leaves no choice about are read together and not sampled one by one.
/// Input errors: an empty or too long prompt, ids outside the vocabulary, impossible sampling options, damaged weights
/// (NaN logits), a schema that the engine gives up on.
pub fn generate(
    session: &mut Session<'_>,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    options: &GenerateOptions,
    constraint: Option<&Constraint>,
    clock: &dyn Clock,
) -> Result<Generation> {
    let mut sampler = Sampler::new(options.sampling.clone())?;
    let mut state = constraint.map(Constraint::start);
    let ends = |token: u32| tokenizer.eos() == Some(token) || options.end_tokens.contains(&token);
    session.reserve(prompt.len().saturating_add(options.max_new_tokens));
    let begin = clock.now();
    let mut logits = session.prefill(prompt)?.to_vec();
    let prefilled = clock.now();

    let mut tokens: Vec<u32> = Vec::new();
    let mut history = prompt.to_vec();
    // Tokens chosen but not yet read by the model.
    let mut pending: Vec<u32> = Vec::new();
    let finish_reason = loop {
        if state.as_ref().is_some_and(|s| s.is_complete()) {
            break FinishReason::SchemaComplete;
        }
        if tokens.len() >= options.max_new_tokens {
            break FinishReason::Length;
        }
        if pending.len() > session.remaining() {
            break FinishReason::Context;
        }
        if let Some(state) = &mut state {
            let room = (options.max_new_tokens - tokens.len()).min(session.remaining() - pending.len());
            let forced = state.forced();
            for token in forced.into_iter().take(room) {
                state.accept(token)?;
                tokens.push(token);
                history.push(token);
                pending.push(token);
                if state.is_complete() {
                    break;
                }
            }
            if state.is_complete() || tokens.len() >= options.max_new_tokens {
                continue;
            }
        }
        if !pending.is_empty() {
            if pending.len() > session.remaining() {
                break FinishReason::Context;
            }
            logits.copy_from_slice(session.prefill(&pending)?);
            pending.clear();
        }
        if let Some(state) = &mut state {
            state.mask(&mut logits)?;
        }
        let token = sampler.sample(&mut logits, &history)?;
        if ends(token) {
            break if state.is_some() { FinishReason::SchemaComplete } else { FinishReason::Stop };
        }
        if let Some(state) = &mut state {
            state.accept(token)?;
        }
        tokens.push(token);
        history.push(token);
        pending.push(token);
    };
    let done = clock.now();
    Ok(Generation {
        text: tokenizer.decode(&tokens, true),
        prompt_tokens: prompt.len(),
        generated_tokens: tokens.len(),
        tokens,
        finish_reason,
        prefill_time: prefilled.saturating_sub(begin),
        decode_time: done.saturating_sub(prefilled),
    })
}

impl GenerateOptions {
    /// Greedy, for a model whose `eos_token_ids` are `end_tokens`.
    pub fn greedy(max_new_tokens: usize, end_tokens: &[u32]) -> Self {
        Self { max_new_tokens, sampling: SamplingOptions::default(), end_tokens: end_tokens.to_vec() }
    }

    /// An input error when nothing may be written or sampling is impossible.
    pub fn validate(&self) -> Result<()> {
        if self.max_new_tokens == 0 {
            return Err(Error::input("max-new-tokens", "0 tokens to write", "give at least 1"));
        }
        self.sampling.validate()
    }
}
