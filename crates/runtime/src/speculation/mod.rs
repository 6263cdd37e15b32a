//! Reading ahead: tokens that probably follow are read together with those that do, and kept where the guess was right.
//!
//! The text does not depend on it (Leviathan et al. 2023 and Chen et al. 2023 keep the distribution; here every draw keeps its
//! outcome too): what is chosen at a place comes from the same logits, bit for bit, and the same noise, whether the tokens before
//! it were guessed or not. A guess only decides whether those logits are at hand already.

mod draft;
mod gate;
mod lookup;

use bantam_core::Result;
use serde::Serialize;

pub use draft::DraftModel;
pub(crate) use draft::Drafter;
pub(crate) use gate::Gate;
pub(crate) use lookup::look_up;

use crate::decode::Decoder;
use crate::measure::Clock;
use crate::session::Session;

/// Where guesses come from.
#[derive(Clone, Copy, Default)]
pub enum Speculation<'d> {
    /// Nowhere: tokens are read one by one.
    #[default]
    Off,
    /// From the prompt and the text: what followed the last tokens when they stood there before (Saxena 2023).
    PromptLookup,
    /// From a smaller model.
    Draft(&'d DraftModel<'d>),
}

/// What guessing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpeculationCounts {
    /// Reads that carried guesses.
    pub rounds: usize,
    /// Tokens guessed.
    pub proposed: usize,
    /// Guesses that were right.
    pub accepted: usize,
    /// Reads without guesses: nothing to guess from, or guessing did not pay.
    pub plain_rounds: usize,
}

/// Guesses per read, at first and at most.
const FIRST_GUESSES: usize = 4;
const MOST_GUESSES: usize = 16;

enum Source<'d> {
    Lookup,
    Draft(Box<Drafter<'d>>),
}

/// Reads for a decoder, with guesses where they pay.
pub(crate) struct Reader<'s, 'm, 'd> {
    session: &'s mut Session<'m>,
    source: Option<Source<'d>>,
    gate: Gate,
    counts: SpeculationCounts,
    guesses: usize,
    /// Guesses read, of which the first `used` were right; row `first_row + used` of the session's logits follows those.
    ahead: Vec<u32>,
    used: usize,
    first_row: usize,
    /// Where guesses that cannot be truncated away began: the session as it was, and what it has to read again.
    before: Option<(Session<'m>, Vec<u32>)>,
}

impl<'s, 'm, 'd> Reader<'s, 'm, 'd> {
    /// A reader with nothing read ahead.
    pub fn new(session: &'s mut Session<'m>, decoder: &Decoder<'_>, speculation: Speculation<'d>) -> Result<Self> {
        let source = match speculation {
            Speculation::Off => None,
            Speculation::PromptLookup => Some(Source::Lookup),
            Speculation::Draft(model) => Some(Source::Draft(Box::new(Drafter::new(model, decoder.sampling())?))),
        };
        Ok(Self {
            session,
            source,
            gate: Gate::default(),
            counts: SpeculationCounts::default(),
            guesses: FIRST_GUESSES,
            ahead: Vec::new(),
            used: 0,
            first_row: 0,
            before: None,
        })
    }

    /// Tokens that still fit the context, wrong guesses not counted.
    pub fn remaining(&self) -> usize {
        self.session.remaining() + (self.ahead.len() - self.used)
    }

    /// The decoder has chosen a token.
    pub fn wrote(&mut self) {
        self.gate.wrote();
    }

    /// What guessing came to.
    pub fn counts(&self) -> SpeculationCounts {
        self.counts
    }

    /// Sees to it that the decoder's pending tokens are read and it has seen what follows them.
    pub fn read(&mut self, decoder: &mut Decoder<'_>, clock: &dyn Clock) -> Result<()> {
        while let Some(token) = decoder.pending().first().copied()
            && self.ahead.get(self.used) == Some(&token)
        {
            self.used += 1;
            self.counts.accepted += 1;
            decoder.read(1);
            if decoder.pending().is_empty() || decoder.rows_wanted(2) == 2 {
                decoder.see(self.session.logits_row(self.first_row + self.used));
            }
        }
        if decoder.pending().is_empty() {
            return Ok(());
        }
        self.settle()?;
        let pending = decoder.pending().to_vec();
        if self.source.is_none() {
            return self.read_plainly(decoder, &pending);
        }
        let start = clock.now();
        self.gate.begin(start);
        let guessed = if self.gate.speculates() { self.guess(decoder, pending.len())? } else { Vec::new() };
        if guessed.is_empty() {
            self.counts.plain_rounds += 1;
            self.read_plainly(decoder, &pending)?;
        } else {
            self.counts.rounds += 1;
            self.counts.proposed += guessed.len();
            if !self.session.can_truncate(0) {
                self.before = Some((self.session.fork(), pending.clone()));
            }
            let rows = decoder.rows_wanted(pending.len());
            let tokens = [pending.as_slice(), &guessed].concat();
            self.session.prefill_last(&tokens, rows + guessed.len())?;
            decoder.read(pending.len());
            for row in 0..rows {
                decoder.see(self.session.logits_row(row));
            }
            (self.ahead, self.used, self.first_row) = (guessed, 0, rows - 1);
        }
        self.gate.end(clock.now(), !self.ahead.is_empty());
        Ok(())
    }

    /// Reads what a finished text's last tokens need to have their log-probabilities.
    pub fn explain(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        self.settle()?;
        let pending = decoder.pending().to_vec();
        match decoder.unexplained() {
            true => self.read_plainly(decoder, &pending[..pending.len() - 1]),
            false => Ok(()),
        }
    }

    fn read_plainly(&mut self, decoder: &mut Decoder<'_>, pending: &[u32]) -> Result<()> {
        let rows = decoder.rows_wanted(pending.len());
        self.session.prefill_last(pending, rows)?;
        decoder.read(pending.len());
        (0..rows).for_each(|row| decoder.see(self.session.logits_row(row)));
        Ok(())
    }

    /// Takes wrong guesses back, so that the session has read what the decoder takes for read.
    fn settle(&mut self) -> Result<()> {
        let (ahead, used) = (std::mem::take(&mut self.ahead), std::mem::take(&mut self.used));
        if !ahead.is_empty() {
            // All right: guess further ahead. Some wrong: less far, as far as it was right.
            let right = used == ahead.len();
            self.guesses = if right { (self.guesses + 2).min(MOST_GUESSES) } else { (used + 1).max(2) };
        }
        let before = self.before.take();
        if used == ahead.len() {
            return Ok(());
        }
        let position = self.session.position() - (ahead.len() - used);
        match before {
            None => {
                self.session.truncate(position);
            }
            Some((session, read)) => {
                *self.session = session;
                self.session.prefill(&[read.as_slice(), &ahead[..used]].concat())?;
            }
        }
        Ok(())
    }

    /// Tokens that may follow those pending.
    fn guess(&mut self, decoder: &mut Decoder<'_>, pending: usize) -> Result<Vec<u32>> {
        // The last token that may be written is not read.
        let room = decoder.room().saturating_sub(1).min(self.session.remaining() - pending).min(self.guesses);
        let mut guessed = match &mut self.source {
            None => Vec::new(),
            Some(Source::Lookup) => look_up(decoder.history(), room),
            Some(Source::Draft(drafter)) => drafter.propose(decoder.history(), room)?,
        };
        let ends = guessed.iter().position(|token| decoder.ends(*token)).unwrap_or(guessed.len());
        guessed.truncate(ends);
        let allowed = decoder.allowed(&guessed);
        guessed.truncate(allowed);
        Ok(guessed)
    }
}
