//! Beam search: the most likely texts that a limited search finds, as `transformers` searches them (`early_stopping=False`).

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;
use serde::Serialize;

use crate::batch::{Batch, SequenceId};
use crate::constraint::{Constraint, ConstraintState};
use crate::generate::FinishReason;
use crate::log_probability::log_sum_exp;
use crate::session::Session;

/// How to search.
#[derive(Clone, Debug, PartialEq)]
pub struct BeamOptions {
    /// Texts kept at every length, and returned.
    pub width: usize,
    /// A finished text's log-probability is divided by its length (its end counted) to this power: above 0 long texts gain.
    pub length_penalty: f64,
    /// Most tokens of a text.
    pub max_new_tokens: usize,
    /// Tokens that end a text, besides the tokenizer's end-of-text token.
    pub end_tokens: Vec<u32>,
}

/// A text that was found.
#[derive(Clone, Debug, Serialize)]
pub struct BeamText {
    /// The tokens as text, special ones left out.
    pub text: String,
    /// The tokens, without the one that ended the text.
    pub tokens: Vec<u32>,
    /// ln p of all tokens, the end's too, in nats.
    pub log_probability: f64,
    /// What the texts are ranked by: the log-probability, divided as [`BeamOptions::length_penalty`] says.
    pub score: f64,
    /// Stop, ConstraintComplete, Length or Context.
    pub finish_reason: FinishReason,
}

impl BeamOptions {
    /// An input error naming the value that is impossible.
    pub fn validate(&self) -> Result<()> {
        if self.width == 0 || self.width > 1024 {
            return Err(Error::input("beams", format!("{} texts cannot be kept", self.width), "give 1 to 1024"));
        }
        if !self.length_penalty.is_finite() {
            return Err(Error::input("length-penalty", "not a finite number", "give a number such as 1"));
        }
        if self.max_new_tokens == 0 {
            return Err(Error::input("max-new-tokens", "0 tokens to write", "give at least 1"));
        }
        Ok(())
    }
}

/// A text that may go on.
struct Running {
    tokens: Vec<u32>,
    log_probability: f64,
    id: SequenceId,
    constraint: Option<ConstraintState>,
}

/// A way on: the running text's place, the token, the log-probability of both.
#[derive(Clone, Copy)]
struct Candidate {
    from: usize,
    token: u32,
    log_probability: f64,
}

/// Reads `prompt` into `session` and searches for its most likely continuations; the best comes first. Under a constraint the
/// log-probabilities stay the model's own, those of forbidden tokens excepted.
/// Input errors as [`Generator::run`](crate::Generator::run) has them.
pub fn beam_search(
    mut session: Session<'_>,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    options: &BeamOptions,
    constraint: Option<&Constraint>,
) -> Result<Vec<BeamText>> {
    options.validate()?;
    let vocab = session.model().vocab_size();
    let mut ends: Vec<u32> = options.end_tokens.iter().copied().chain(tokenizer.eos()).collect();
    ends.retain(|id| (*id as usize) < vocab);
    ends.sort_unstable();
    ends.dedup();
    let mut logits = session.prefill(prompt)?.to_vec();
    let mut remaining = session.remaining();
    let mut batch = Batch::new(session.model());
    let mut running = vec![Running {
        tokens: Vec::new(),
        log_probability: 0.0,
        id: batch.join(session)?,
        constraint: constraint.map(Constraint::start),
    }];
    let mut finished: Vec<BeamText> = Vec::new();
    for length in 1.. {
        let kept = (1 + ends.len()).max(2) * options.width;
        let candidates = candidates(&mut running, &mut logits, vocab, kept)?;
        let last = length == options.max_new_tokens || remaining == 0;
        let ended = |c: &Candidate| last || ends.contains(&c.token);
        for candidate in candidates.iter().take(options.width).filter(|c| ended(c)) {
            let text =
                running[candidate.from].finish(candidate, &ends, constraint.is_some(), length, options, tokenizer);
            finished.push(text);
        }
        finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        finished.truncate(options.width);
        let next: Vec<Candidate> = candidates.into_iter().filter(|c| !ended(c)).take(options.width).collect();
        // A text that goes on can at best keep the log-probability it has.
        let Some(best) = next.first() else { break };
        let hope = best.log_probability / (length as f64).powf(options.length_penalty);
        if finished.len() == options.width && finished.last().is_some_and(|worst| hope <= worst.score) {
            break;
        }
        running = go_on(running, &next, &mut batch)?;
        let parts: Vec<(SequenceId, &[u32])> =
            running.iter().map(|r| (r.id, &r.tokens[r.tokens.len() - 1..])).collect();
        logits.clear();
        logits.extend_from_slice(batch.read(&parts)?);
        remaining -= 1;
    }
    if last_was_context(&finished, options) {
        finished.iter_mut().filter(|t| t.finish_reason == FinishReason::Length).for_each(|t| {
            t.finish_reason = FinishReason::Context;
        });
    }
    Ok(finished)
}

/// Texts cut off before the length that was asked for were cut off by the context.
fn last_was_context(finished: &[BeamText], options: &BeamOptions) -> bool {
    finished.iter().any(|t| t.finish_reason == FinishReason::Length && t.tokens.len() < options.max_new_tokens)
}

/// The `kept` most likely ways on of all running texts, the most likely first.
fn candidates(running: &mut [Running], logits: &mut [f32], vocab: usize, kept: usize) -> Result<Vec<Candidate>> {
    let order = |a: &Candidate, b: &Candidate| {
        b.log_probability.total_cmp(&a.log_probability).then(a.from.cmp(&b.from)).then(a.token.cmp(&b.token))
    };
    let mut all = Vec::new();
    for (from, (text, logits)) in running.iter_mut().zip(logits.chunks_exact_mut(vocab)).enumerate() {
        let normalizer = log_sum_exp(logits);
        if !normalizer.is_finite() {
            return Err(Error::input("model", "its logits are not numbers", "train or download the model again"));
        }
        if let Some(constraint) = &mut text.constraint {
            constraint.mask(logits)?;
        }
        let possible = logits.iter().enumerate().filter(|(_, logit)| **logit > f32::NEG_INFINITY);
        all.extend(possible.map(|(token, logit)| Candidate {
            from,
            token: token as u32,
            log_probability: text.log_probability + f64::from(*logit) - normalizer,
        }));
        // No more of one text can be among those kept.
        if kept < all.len() {
            all.select_nth_unstable_by(kept - 1, order);
            all.truncate(kept);
        }
    }
    all.sort_unstable_by(order);
    Ok(all)
}

/// The texts that `next` makes of those running. A sequence is forked for all its children but the last, which takes it over.
fn go_on<'m>(running: Vec<Running>, next: &[Candidate], batch: &mut Batch<'m>) -> Result<Vec<Running>> {
    let lost = || Error::internal("runtime::beam", "a sequence left the batch");
    let mut children = vec![0usize; running.len()];
    next.iter().for_each(|c| children[c.from] += 1);
    let childless = running.iter().zip(&children).filter(|(_, n)| **n == 0);
    childless.for_each(|(parent, _)| drop(batch.leave(parent.id)));
    let mut grown = Vec::with_capacity(next.len());
    for candidate in next {
        let parent = &running[candidate.from];
        children[candidate.from] -= 1;
        let id = match children[candidate.from] {
            0 => parent.id,
            _ => {
                let fork = batch.session(parent.id).ok_or_else(lost)?.fork();
                batch.join(fork)?
            }
        };
        let mut constraint = parent.constraint.as_ref().map(ConstraintState::fork);
        if let Some(constraint) = &mut constraint {
            constraint.accept(candidate.token)?;
        }
        let mut tokens = parent.tokens.clone();
        tokens.push(candidate.token);
        grown.push(Running { tokens, log_probability: candidate.log_probability, id, constraint });
    }
    Ok(grown)
}

impl Running {
    fn finish(
        &self,
        last: &Candidate,
        ends: &[u32],
        constrained: bool,
        length: usize,
        options: &BeamOptions,
        tokenizer: &Tokenizer,
    ) -> BeamText {
        let mut tokens = self.tokens.clone();
        let finish_reason = match (ends.contains(&last.token), constrained) {
            (true, true) => FinishReason::ConstraintComplete,
            (true, false) => FinishReason::Stop,
            (false, _) => {
                tokens.push(last.token);
                FinishReason::Length
            }
        };
        BeamText {
            text: tokenizer.decode(&tokens, true),
            tokens,
            log_probability: last.log_probability,
            score: last.log_probability / (length as f64).powf(options.length_penalty),
            finish_reason,
        }
    }
}
