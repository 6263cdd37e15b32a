//! Writing a continuation of a prompt, free or under a constraint.

use std::ops::ControlFlow;
use std::time::Duration;

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;
use serde::Serialize;

use crate::constraint::Constraint;
use crate::decode::{Decoder, Listener, check_stops};
use crate::log_probability::TokenLogProbability;
use crate::measure::{Clock, per_second};
use crate::sampling::SamplingOptions;
use crate::session::Session;
use crate::speculation::{Reader, Speculation, SpeculationCounts};

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct GenerateOptions {
    /// Most tokens to write.
    pub max_new_tokens: usize,
    /// How tokens are chosen.
    pub sampling: SamplingOptions,
    /// Tokens that end the text, besides the tokenizer's end-of-text token. Normally the model's `eos_token_ids`.
    pub end_tokens: Vec<u32>,
    /// Strings that end the text, which does not show them. They are found wherever tokens begin and end.
    pub stop: Vec<String>,
    /// Whether to report every token's log-probability, and so many of the most likely tokens beside it.
    pub log_probabilities: Option<usize>,
}

/// Why writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model wrote a token that ends the text, or a stop string.
    Stop,
    /// `max_new_tokens` were written.
    Length,
    /// The model's context is full.
    Context,
    /// The text is whole by its constraint, and nothing can follow or the model ended it.
    ConstraintComplete,
    /// The listener broke off.
    Interrupted,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The tokens as text, special ones left out, up to the stop string.
    pub text: String,
    /// The tokens written, without the one that ended the text, with those that spelled a stop string.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// How many of them the session had read before.
    pub read_before: usize,
    /// How many tokens were written.
    pub generated_tokens: usize,
    /// Why writing ended.
    pub finish_reason: FinishReason,
    /// The stop string that ended the text.
    pub stop_string: Option<String>,
    /// One for each token, where they were asked for.
    pub log_probabilities: Vec<TokenLogProbability>,
    /// What speculation came to.
    pub speculation: SpeculationCounts,
    /// Time to read the prompt, up to the first logits.
    pub prefill_time: Duration,
    /// Time to write all tokens.
    pub decode_time: Duration,
}

impl Generation {
    /// Prompt tokens read per second.
    pub fn prefill_tokens_per_s(&self) -> f64 {
        per_second(self.prompt_tokens - self.read_before.min(self.prompt_tokens), self.prefill_time)
    }

    /// Tokens written per second: counted from the tokens there are.
    pub fn decode_tokens_per_s(&self) -> f64 {
        per_second(self.generated_tokens, self.decode_time)
    }
}

/// How a text is written: options, and what may be beside them.
pub struct Generator<'a> {
    tokenizer: &'a Tokenizer,
    options: &'a GenerateOptions,
    constraint: Option<&'a Constraint>,
    speculation: Speculation<'a>,
    read: usize,
}

impl<'a> Generator<'a> {
    /// Free text, without speculation.
    pub fn new(tokenizer: &'a Tokenizer, options: &'a GenerateOptions) -> Self {
        Self { tokenizer, options, constraint: None, speculation: Speculation::Off, read: 0 }
    }

    /// Text under a constraint. Tokens about which it leaves no choice are read together and not chosen one by one.
    pub fn constraint(mut self, constraint: Option<&'a Constraint>) -> Self {
        self.constraint = constraint;
        self
    }

    /// Text with guesses read ahead where that pays. It is the same text.
    pub fn speculation(mut self, speculation: Speculation<'a>) -> Self {
        self.speculation = speculation;
        self
    }

    /// Text after a prompt whose first tokens, so many, the session has read already.
    pub fn already_read(mut self, tokens: usize) -> Self {
        self.read = tokens;
        self
    }

    /// Reads `prompt` into `session` and writes a continuation, which `listener` gets piece by piece: whole characters, and
    /// nothing that a stop string may take back.
    ///
    /// The session has then read the prompt and the text, except perhaps its last tokens: as far as its position says.
    /// Input errors: an empty or too long prompt, ids outside the vocabulary, impossible options, damaged weights
    /// (NaN logits), a constraint that the engine gives up on.
    pub fn run(
        &self,
        session: &mut Session<'_>,
        prompt: &[u32],
        listener: &mut Listener<'_>,
        clock: &dyn Clock,
    ) -> Result<Generation> {
        let mut decoder = Decoder::new(self.tokenizer, self.options, self.constraint, prompt)?;
        let unread = &prompt[self.read.min(prompt.len())..];
        session.reserve(unread.len().saturating_add(self.options.max_new_tokens));
        let begin = clock.now();
        decoder.see(session.prefill(unread)?);
        let prefilled = clock.now();
        let mut reader = Reader::new(session, &decoder, self.speculation)?;
        while decoder.advance(reader.remaining(), listener)? {
            reader.read(&mut decoder, clock)?;
            decoder.choose(listener)?;
            reader.wrote();
        }
        reader.explain(&mut decoder)?;
        let speculation = reader.counts();
        let done = clock.now();
        let decoded = decoder.finish(listener);
        Ok(Generation {
            text: decoded.text,
            prompt_tokens: prompt.len(),
            read_before: self.read,
            generated_tokens: decoded.tokens.len(),
            tokens: decoded.tokens,
            finish_reason: decoded.finish_reason,
            stop_string: decoded.stopped_by,
            log_probabilities: decoded.log_probabilities,
            speculation,
            prefill_time: prefilled.saturating_sub(begin),
            decode_time: done.saturating_sub(prefilled),
        })
    }
}

/// [`Generator::run`] without listener and speculation.
pub fn generate(
    session: &mut Session<'_>,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    options: &GenerateOptions,
    constraint: Option<&Constraint>,
    clock: &dyn Clock,
) -> Result<Generation> {
    let generator = Generator::new(tokenizer, options).constraint(constraint);
    generator.run(session, prompt, &mut |_| ControlFlow::Continue(()), clock)
}

impl GenerateOptions {
    /// Greedy, for a model whose `eos_token_ids` are `end_tokens`.
    pub fn greedy(max_new_tokens: usize, end_tokens: &[u32]) -> Self {
        Self { max_new_tokens, end_tokens: end_tokens.to_vec(), ..Self::default() }
    }

    /// An input error when nothing may be written, sampling is impossible or a stop string empty.
    pub fn validate(&self) -> Result<()> {
        if self.max_new_tokens == 0 {
            return Err(Error::input("max-new-tokens", "0 tokens to write", "give at least 1"));
        }
        check_stops(&self.stop)?;
        self.sampling.validate()
    }
}
