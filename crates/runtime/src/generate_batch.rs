//! Writing several texts in one batch, with what their prompts have in common read once.

use std::ops::ControlFlow;
use std::time::Duration;

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;

use crate::batch::{Batch, SequenceId};
use crate::constraint::Constraint;
use crate::decode::Decoder;
use crate::generate::{GenerateOptions, Generation};
use crate::measure::Clock;
use crate::model::Model;
use crate::session::Session;
use crate::speculation::SpeculationCounts;

/// One text to write.
#[derive(Clone, Copy)]
pub struct BatchRequest<'a> {
    /// The tokens to continue.
    pub prompt: &'a [u32],
    /// How to continue them.
    pub options: &'a GenerateOptions,
    /// What the text has to follow.
    pub constraint: Option<&'a Constraint>,
}

/// A text being written.
struct Writing<'a> {
    /// Its place among the requests.
    index: usize,
    id: SequenceId,
    decoder: Decoder<'a>,
    /// Tokens of the prompt that are not read yet.
    prompt: &'a [u32],
    /// How many were read for all.
    shared: usize,
    began: Duration,
    prefilled: Duration,
}

/// Writes a text for every request, at most `width` of them at a time: where one ends, the next joins. Each is the text that
/// [`generate`](crate::generate) writes, with the same errors. Log-probabilities are not reported here: asking for them is an input error.
pub fn generate_batch(
    model: &Model,
    tokenizer: &Tokenizer,
    requests: &[BatchRequest<'_>],
    width: usize,
    clock: &dyn Clock,
) -> Vec<Result<Generation>> {
    let mut results: Vec<Option<Result<Generation>>> = requests.iter().map(|_| None).collect();
    let shared = shared_prefix(requests);
    let mut prefix = Session::new(model);
    // A prefix that cannot be read is an error of every text, told where its prompt is read whole.
    let shared = if shared > 0 && prefix.prefill(&requests[0].prompt[..shared]).is_ok() { shared } else { 0 };
    let mut batch = Batch::new(model);
    let mut waiting = requests.iter().enumerate();
    let mut writing: Vec<Writing<'_>> = Vec::new();
    loop {
        while writing.len() < width.max(1) {
            let Some((index, request)) = waiting.next() else { break };
            match begin(tokenizer, *request, index, &prefix, shared, &mut batch, clock) {
                Ok(text) => writing.push(text),
                Err(error) => results[index] = Some(Err(error)),
            }
        }
        if writing.is_empty() {
            break;
        }
        let pending: Vec<Vec<u32>> = writing.iter().map(|w| [w.prompt, w.decoder.pending()].concat()).collect();
        let parts: Vec<(SequenceId, &[u32])> =
            writing.iter().zip(&pending).map(|(w, p)| (w.id, p.as_slice())).collect();
        let remaining: Vec<usize> = parts
            .iter()
            .map(|(id, tokens)| batch.session(*id).map_or(0, |s| s.remaining().saturating_sub(tokens.len())))
            .collect();
        let outcomes: Vec<Result<bool>> = match batch.read(&parts) {
            Ok(logits) => {
                let now = clock.now();
                let rows = logits.chunks_exact(model.vocab_size()).zip(remaining);
                writing.iter_mut().zip(rows).map(|(text, (row, remaining))| text.go_on(row, remaining, now)).collect()
            }
            // Every part was checked when it was made: not one text's fault.
            Err(error) => writing.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut going_on = Vec::with_capacity(writing.len());
        for (text, outcome) in writing.into_iter().zip(outcomes) {
            if matches!(outcome, Ok(true)) {
                going_on.push(text);
                continue;
            }
            batch.leave(text.id);
            let index = text.index;
            results[index] = Some(outcome.map(|_| text.finish(requests[index].prompt.len(), clock)));
        }
        writing = going_on;
    }
    let missing = || Err(Error::internal("runtime::batch", "a text was not written"));
    results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
}

/// Tokens with which all prompts begin, at least one less than each has.
fn shared_prefix(requests: &[BatchRequest<'_>]) -> usize {
    let Some((first, rest)) = requests.split_first() else { return 0 };
    let same = |other: &BatchRequest<'_>| first.prompt.iter().zip(other.prompt).take_while(|(a, b)| a == b).count();
    let shortest = requests.iter().map(|r| r.prompt.len()).min().unwrap_or(0);
    rest.iter().map(same).min().unwrap_or(0).min(shortest.saturating_sub(1))
}

fn begin<'a, 'm>(
    tokenizer: &'a Tokenizer,
    request: BatchRequest<'a>,
    index: usize,
    prefix: &Session<'m>,
    shared: usize,
    batch: &mut Batch<'m>,
    clock: &dyn Clock,
) -> Result<Writing<'a>> {
    if request.options.log_probabilities.is_some() {
        return Err(Error::input("log-probabilities", "not reported for batches", "write the texts one by one"));
    }
    let decoder = Decoder::new(tokenizer, request.options, request.constraint, request.prompt)?;
    let (session, prompt) = (prefix.fork(), &request.prompt[shared..]);
    session.check(prompt)?;
    let began = clock.now();
    Ok(Writing { index, id: batch.join(session)?, decoder, prompt, shared, began, prefilled: began })
}

impl Writing<'_> {
    /// Goes on from the logits that follow what was read. False when the text has ended.
    fn go_on(&mut self, row: &[f32], remaining: usize, now: Duration) -> Result<bool> {
        let mut listener = |_: &str| ControlFlow::Continue(());
        if !self.prompt.is_empty() {
            (self.prompt, self.prefilled) = (&[], now);
        }
        self.decoder.read(self.decoder.pending().len());
        self.decoder.see(row);
        // What is forced before a choice is read before it.
        if !self.decoder.advance(remaining, &mut listener)? {
            return Ok(false);
        }
        if !self.decoder.pending().is_empty() {
            return Ok(true);
        }
        self.decoder.choose(&mut listener)?;
        self.decoder.advance(remaining, &mut listener)
    }

    fn finish(self, prompt_tokens: usize, clock: &dyn Clock) -> Generation {
        let decoded = self.decoder.finish(&mut |_| ControlFlow::Continue(()));
        Generation {
            text: decoded.text,
            prompt_tokens,
            read_before: self.shared,
            generated_tokens: decoded.tokens.len(),
            tokens: decoded.tokens,
            finish_reason: decoded.finish_reason,
            stop_string: decoded.stopped_by,
            log_probabilities: decoded.log_probabilities,
            speculation: SpeculationCounts::default(),
            prefill_time: self.prefilled.saturating_sub(self.began),
            decode_time: clock.now().saturating_sub(self.prefilled),
        }
    }
}
