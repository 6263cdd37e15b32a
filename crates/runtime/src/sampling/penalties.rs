//! What changes logits before a token is drawn: bias, and penalties of what was written already.

use super::{History, SamplingOptions};

/// Buffers of the penalties.
#[derive(Default)]
pub(super) struct Penalties {
    /// How often each token was written; [`IN_PROMPT`] is set where it stands in the prompt.
    seen: Vec<u32>,
}

const IN_PROMPT: u32 = 1 << 31;

impl Penalties {
    /// Adds the bias, then penalizes: repetition (Keskar et al. 2019: positive logits of tokens in prompt or text are divided,
    /// negative ones multiplied), then presence and frequency (subtracted once, and once for every time, for tokens of the text).
    pub fn apply(&mut self, options: &SamplingOptions, logits: &mut [f32], history: History<'_>) {
        for (token, bias) in &options.logit_bias {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit += bias;
            }
        }
        let (repetition, presence) = (options.repetition_penalty, options.presence_penalty);
        if repetition == 1.0 && presence == 0.0 && options.frequency_penalty == 0.0 {
            return;
        }
        self.seen.clear();
        self.seen.resize(logits.len(), 0);
        for token in history.prompt {
            if let Some(seen) = self.seen.get_mut(*token as usize) {
                *seen |= IN_PROMPT;
            }
        }
        for token in history.generated {
            if let Some(seen) = self.seen.get_mut(*token as usize) {
                *seen += 1;
            }
        }
        for (logit, seen) in logits.iter_mut().zip(&self.seen).filter(|(_, seen)| **seen > 0) {
            *logit = if *logit > 0.0 { *logit / repetition } else { *logit * repetition };
            let count = seen & !IN_PROMPT;
            if count > 0 {
                *logit -= presence + options.frequency_penalty * count as f32;
            }
        }
    }
}
