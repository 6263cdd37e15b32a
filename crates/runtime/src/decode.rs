//! One text being written: what has to be read next, which token follows, when it ends. It runs no model.
//!
//! Whoever runs the model asks [`Decoder::advance`], reads [`Decoder::pending`], shows the logits to [`Decoder::see`], and calls
//! [`Decoder::choose`]. One text alone, with speculation or in a batch with others thus goes through the same steps.

use std::ops::ControlFlow;

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;

use crate::constraint::{Constraint, ConstraintState};
use crate::generate::{FinishReason, GenerateOptions};
use crate::log_probability::TokenLogProbability;
use crate::sampling::{History, Sampler, SamplingOptions};
use crate::text::{StopScanner, TextStream};

/// Takes the text piece by piece, as it becomes certain; breaking off ends the text.
pub type Listener<'a> = dyn FnMut(&str) -> ControlFlow<()> + 'a;

/// The state of one text.
pub(crate) struct Decoder<'a> {
    tokenizer: &'a Tokenizer,
    options: &'a GenerateOptions,
    sampler: Sampler,
    constraint: Option<ConstraintState>,
    prompt: &'a [u32],
    tokens: Vec<u32>,
    /// How many of the tokens (the last ones) the model has not read yet.
    pending: usize,
    finished: Option<FinishReason>,
    stream: TextStream<'a>,
    stops: StopScanner,
    stopped_by: Option<String>,
    text: String,
    log_probabilities: Vec<TokenLogProbability>,
    /// The last logits seen.
    logits: Vec<f32>,
    /// Logits that a choice may spoil.
    draft: Vec<f32>,
}

/// What a text has become.
pub(crate) struct Decoded {
    pub text: String,
    pub tokens: Vec<u32>,
    pub finish_reason: FinishReason,
    pub stopped_by: Option<String>,
    pub log_probabilities: Vec<TokenLogProbability>,
}

impl<'a> Decoder<'a> {
    /// A text after `prompt`. Input errors: no prompt, impossible options.
    pub fn new(
        tokenizer: &'a Tokenizer,
        options: &'a GenerateOptions,
        constraint: Option<&Constraint>,
        prompt: &'a [u32],
    ) -> Result<Self> {
        options.validate()?;
        Ok(Self {
            tokenizer,
            options,
            sampler: Sampler::new(options.sampling.clone())?,
            constraint: constraint.map(Constraint::start),
            prompt,
            tokens: Vec::new(),
            pending: 0,
            finished: None,
            stream: TextStream::new(tokenizer),
            stops: StopScanner::new(&options.stop),
            stopped_by: None,
            text: String::new(),
            log_probabilities: Vec::new(),
            logits: Vec::new(),
            draft: Vec::new(),
        })
    }

    /// Writes what leaves no choice. `remaining` is how many tokens still fit the model's context, those pending not counted
    /// as read. False when the text has ended; else the pending tokens have to be read, and one chosen from what follows them.
    pub fn advance(&mut self, remaining: usize, listener: &mut Listener<'_>) -> Result<bool> {
        while self.finished.is_none() {
            if self.constraint.as_ref().is_some_and(ConstraintState::is_complete) {
                self.finished = Some(FinishReason::ConstraintComplete);
            } else if self.tokens.len() >= self.options.max_new_tokens {
                self.finished = Some(FinishReason::Length);
            } else if self.pending > remaining {
                self.finished = Some(FinishReason::Context);
            } else {
                let Some(constraint) = &mut self.constraint else { return Ok(true) };
                let room = (self.options.max_new_tokens - self.tokens.len()).min(remaining - self.pending);
                let forced = constraint.forced();
                if forced.is_empty() || room == 0 {
                    return Ok(true);
                }
                for token in forced.into_iter().take(room) {
                    self.write(token, listener)?;
                    let complete = self.constraint.as_ref().is_some_and(ConstraintState::is_complete);
                    if complete || self.finished.is_some() {
                        break;
                    }
                }
            }
        }
        Ok(false)
    }

    /// Tokens written and not read.
    pub fn pending(&self) -> &[u32] {
        &self.tokens[self.tokens.len() - self.pending..]
    }

    /// Of how many of the last tokens read the logits have to be seen when `pending` of them were pending.
    pub fn rows_wanted(&self, pending: usize) -> usize {
        if self.options.log_probabilities.is_some() { pending } else { 1 }
    }

    /// Prompt and text.
    pub fn history(&self) -> History<'_> {
        History { prompt: self.prompt, generated: &self.tokens }
    }

    /// Tokens that may still be written.
    pub fn room(&self) -> usize {
        self.options.max_new_tokens.saturating_sub(self.tokens.len())
    }

    /// How tokens are chosen.
    pub fn sampling(&self) -> &SamplingOptions {
        &self.options.sampling
    }

    /// Whether a token ends the text.
    pub fn ends(&self, token: u32) -> bool {
        self.tokenizer.eos() == Some(token) || self.options.end_tokens.contains(&token)
    }

    /// How many of `tokens` the constraint lets follow.
    pub fn allowed(&mut self, tokens: &[u32]) -> usize {
        self.constraint.as_mut().map_or(tokens.len(), |c| c.allowed(tokens))
    }

    /// The model has read `tokens` of the pending ones.
    pub fn read(&mut self, tokens: usize) {
        self.pending -= tokens;
    }

    /// Takes the logits that follow a token read (the prompt's last one at first), in order.
    pub fn see(&mut self, logits: &[f32]) {
        self.logits.clear();
        self.logits.extend_from_slice(logits);
        // What follows a token that is not the last one is decided already.
        if self.options.log_probabilities.is_some() && self.log_probabilities.len() < self.tokens.len() {
            self.explain();
        }
    }

    /// Chooses the next token from the last logits seen. Nothing is pending then but this token.
    pub fn choose(&mut self, listener: &mut Listener<'_>) -> Result<()> {
        self.draft.clone_from(&self.logits);
        if let Some(constraint) = &mut self.constraint {
            constraint.mask(&mut self.draft)?;
        }
        let history = History { prompt: self.prompt, generated: &self.tokens };
        let token = self.sampler.sample(&mut self.draft, history)?;
        if self.ends(token) {
            self.finished = Some(match self.constraint {
                Some(_) => FinishReason::ConstraintComplete,
                None => FinishReason::Stop,
            });
            return Ok(());
        }
        self.write(token, listener)
    }

    /// Whether tokens await their log-probabilities, although the text has ended: those that the constraint forced at its end.
    pub fn unexplained(&self) -> bool {
        self.options.log_probabilities.is_some() && self.log_probabilities.len() < self.tokens.len()
    }

    /// The finished text.
    pub fn finish(mut self, listener: &mut Listener<'_>) -> Decoded {
        if self.stopped_by.is_none() {
            let (mut piece, mut shown) = (String::new(), String::new());
            self.stream.finish(&mut piece);
            self.stopped_by = self.stops.push(&piece, &mut shown).map(str::to_owned);
            if self.stopped_by.is_none() {
                self.stops.finish(&mut shown);
            }
            self.show(&shown, listener);
        }
        Decoded {
            text: self.text,
            tokens: self.tokens,
            finish_reason: self.finished.unwrap_or(FinishReason::Length),
            stopped_by: self.stopped_by,
            log_probabilities: self.log_probabilities,
        }
    }

    fn write(&mut self, token: u32, listener: &mut Listener<'_>) -> Result<()> {
        if let Some(constraint) = &mut self.constraint {
            constraint.accept(token)?;
        }
        self.tokens.push(token);
        self.pending += 1;
        if self.options.log_probabilities.is_some() && !self.logits.is_empty() && self.pending == 1 {
            self.explain();
        }
        let (mut piece, mut shown) = (String::new(), String::new());
        self.stream.push(token, &mut piece);
        if let Some(stop) = self.stops.push(&piece, &mut shown) {
            self.stopped_by = Some(stop.to_owned());
            self.finished = Some(FinishReason::Stop);
        }
        self.show(&shown, listener);
        Ok(())
    }

    fn show(&mut self, piece: &str, listener: &mut Listener<'_>) {
        if piece.is_empty() {
            return;
        }
        self.text.push_str(piece);
        if listener(piece).is_break() && self.finished.is_none() {
            self.finished = Some(FinishReason::Interrupted);
        }
    }

    /// The log-probability of the first token that has none yet, from the last logits seen.
    fn explain(&mut self) {
        if let (Some(top), Some(token)) =
            (self.options.log_probabilities, self.tokens.get(self.log_probabilities.len()))
        {
            self.log_probabilities.push(TokenLogProbability::of(&self.logits, *token, top));
        }
    }
}

/// An input error when a stop string is empty.
pub(crate) fn check_stops(stops: &[String]) -> Result<()> {
    match stops.iter().any(String::is_empty) {
        true => Err(Error::input("stop", "an empty stop string", "give at least one character")),
        false => Ok(()),
    }
}
