//! When does guessing pay?
//!
//! The rule: a round is a read and all that is written from it. While guessing, one of 32 rounds (the fifth first) goes without
//! guesses. After four rounds with guesses since guessing was taken up, it is dropped as soon as its time per token is above that of the
//! rounds without, both averaged with older rounds counting a tenth less each; it is taken up again after 16 tokens, then 32,
//! and so on up to 1,024. The text does not depend on any of this.

use std::time::Duration;

/// Rounds with guesses before they are judged.
const TRIAL: usize = 4;
/// Every so many rounds one goes without guesses, to know what that costs.
const REFRESH: usize = 32;
/// Rounds without guesses after guessing did not pay, at first and at most.
const FIRST_PAUSE: usize = 16;
const LONGEST_PAUSE: usize = 1024;
/// What an older round counts beside the next.
const DECAY: f64 = 0.9;

/// A running mean of time per token.
#[derive(Default)]
struct Cost {
    seconds: f64,
    tokens: f64,
}

impl Cost {
    fn add(&mut self, seconds: f64, tokens: usize) {
        self.seconds = self.seconds * DECAY + seconds;
        self.tokens = self.tokens * DECAY + tokens as f64;
    }

    fn per_token(&self) -> Option<f64> {
        (self.tokens > 0.0).then(|| self.seconds / self.tokens)
    }
}

/// Decides, round by round.
pub(crate) struct Gate {
    plain: Cost,
    guessing: Cost,
    /// Rounds with guesses since guessing was taken up.
    trial: usize,
    rounds: usize,
    /// Rounds left without guesses, and how many there will be next time.
    pause: usize,
    next_pause: usize,
    /// The last round: whether it had guesses, when it began, its time.
    last: Option<(bool, Duration)>,
    began: Duration,
    /// Tokens written from the last round.
    written: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            plain: Cost::default(),
            guessing: Cost::default(),
            trial: 0,
            rounds: 0,
            pause: 0,
            next_pause: FIRST_PAUSE,
            last: None,
            began: Duration::ZERO,
            written: 0,
        }
    }
}

impl Gate {
    /// A token has been written from the present round.
    pub fn wrote(&mut self) {
        self.written += 1;
    }

    /// A round begins, and the one before it is over.
    pub fn begin(&mut self, now: Duration) {
        let written = std::mem::take(&mut self.written).max(1);
        if let Some((guesses, time)) = self.last.take() {
            let cost = if guesses { &mut self.guessing } else { &mut self.plain };
            cost.add(time.as_secs_f64(), written);
            self.trial += usize::from(guesses);
            self.pause = self.pause.saturating_sub(1);
            self.judge();
        }
        self.rounds += 1;
        self.began = now;
    }

    /// Whether the present round may have guesses.
    pub fn speculates(&self) -> bool {
        self.pause == 0 && self.rounds % REFRESH != TRIAL + 1
    }

    /// The present round has read; `guesses` says whether it had any.
    pub fn end(&mut self, now: Duration, guesses: bool) {
        self.last = Some((guesses, now.saturating_sub(self.began)));
    }

    fn judge(&mut self) {
        if self.pause > 0 || self.trial < TRIAL {
            return;
        }
        if let (Some(guessing), Some(plain)) = (self.guessing.per_token(), self.plain.per_token()) {
            if guessing > plain {
                self.pause = self.next_pause;
                self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
                self.trial = 0;
                self.guessing = Cost::default();
            } else {
                self.next_pause = FIRST_PAUSE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds with guesses among `rounds`, when they take `cost` of a plain round's time and write `tokens` tokens.
    fn rounds_with_guesses(rounds: usize, cost: u64, tokens: usize) -> usize {
        let (mut gate, mut now, mut guessed) = (Gate::default(), Duration::ZERO, 0);
        for _ in 0..rounds {
            gate.begin(now);
            let guesses = gate.speculates();
            guessed += usize::from(guesses);
            now += Duration::from_micros(if guesses { 100 * cost } else { 100 });
            gate.end(now, guesses);
            (0..if guesses { tokens } else { 1 }).for_each(|_| gate.wrote());
        }
        guessed
    }

    #[test]
    fn guessing_goes_on_while_it_pays() {
        // One of 32 rounds is plain.
        assert_eq!(rounds_with_guesses(320, 2, 3), 310);
        assert_eq!(rounds_with_guesses(320, 1, 2), 310);
    }

    #[test]
    fn guessing_stops_when_it_does_not_pay_and_is_tried_less_and_less_often() {
        let guessed = rounds_with_guesses(2000, 3, 2);
        assert!((TRIAL..40).contains(&guessed), "{guessed}");
        assert!(rounds_with_guesses(20_000, 3, 2) < 2 * guessed + 80);
    }
}
