//! When has the validation loss stopped falling?

use serde::{Deserialize, Serialize};

/// The best validation so far, and how many there were since; part of every checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    best: Option<Best>,
    /// Validations since the best one.
    stale: u64,
}

/// A validation that none before it beat.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// After which step.
    pub step: u64,
    /// Its loss.
    pub loss: f64,
}

impl EarlyStopping {
    /// Takes in a validation; true if it is the best so far, by more than `least_gain`.
    pub fn improved(&mut self, step: u64, loss: f64, least_gain: f64) -> bool {
        let better = self.best.is_none_or(|best| loss < best.loss - least_gain);
        if better {
            *self = Self { best: Some(Best { step, loss }), stale: 0 };
        } else {
            self.stale += 1;
        }
        better
    }

    /// Whether `patience` validations in a row brought nothing; a patience of 0 never ends.
    pub fn is_over(&self, patience: u64) -> bool {
        patience > 0 && self.stale >= patience
    }

    /// The best validation.
    pub fn best(&self) -> Option<Best> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_gains_reset_the_count() {
        let mut stopping = EarlyStopping::default();
        let seen = [2.0, 1.5, 1.49, 1.6, 1.48].map(|loss| stopping.improved(0, loss, 0.05));
        assert_eq!(seen, [true, true, false, false, false]);
        assert!(stopping.is_over(3) && !stopping.is_over(4) && !stopping.is_over(0));
        assert!(stopping.improved(9, 1.0, 0.05) && !stopping.is_over(1));
        assert_eq!(stopping.best(), Some(Best { step: 9, loss: 1.0 }));
    }
}
