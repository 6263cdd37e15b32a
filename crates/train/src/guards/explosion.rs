//! Has the training loss exploded? It has when the mean of the last 20 steps is both `factor` times and one nat above the
//! lowest such mean of the same phase. A later phase with harder items starts the comparison anew, and one nat keeps the
//! ratio of two small losses from counting.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Steps whose mean is looked at.
const WINDOW: usize = 20;
/// Nats that the mean has to rise at least.
const LEAST_RISE: f64 = 1.0;

/// The losses seen so far, as far as they matter; part of every checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWatch {
    phase: usize,
    window: VecDeque<f64>,
    lowest: Option<f64>,
}

/// What the last step's loss says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// The mean is more than half of the way up to the limit: not a state to keep as the last good one.
    Rising,
    /// The mean is above the limit.
    Exploded {
        /// Mean of the last steps.
        mean: f64,
        /// The lowest such mean before.
        lowest: f64,
    },
}

impl LossWatch {
    /// Takes in the loss of a step of curriculum phase `phase`. `factor` 0 never finds anything.
    pub fn watch(&mut self, phase: usize, loss: f64, factor: f64) -> Verdict {
        if self.phase != phase {
            *self = Self { phase, ..Self::default() };
        }
        self.window.push_back(loss);
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        if factor == 0.0 || self.window.len() < WINDOW {
            return Verdict::Fine;
        }
        let mean = self.window.iter().sum::<f64>() / WINDOW as f64;
        let lowest = self.lowest.map_or(mean, |l| l.min(mean));
        self.lowest = Some(lowest);
        let limit = (lowest * factor).max(lowest + LEAST_RISE);
        match mean {
            mean if mean > limit => Verdict::Exploded { mean, lowest },
            mean if mean > 0.5 * (lowest + limit) => Verdict::Rising,
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(losses: impl IntoIterator<Item = (usize, f64)>, factor: f64) -> Verdict {
        let mut watch = LossWatch::default();
        losses.into_iter().map(|(phase, loss)| watch.watch(phase, loss, factor)).last().unwrap()
    }

    #[test]
    fn a_rise_counts_and_noise_small_losses_and_new_phases_do_not() {
        let flat = |n, loss| std::iter::repeat_n((0, loss), n);
        assert_eq!(last(flat(50, 6.9), 3.0), Verdict::Fine);
        // One bad batch.
        assert_eq!(last(flat(50, 0.5).chain([(0, 9.0)]), 3.0), Verdict::Fine);
        let verdict = last(flat(50, 0.5).chain(flat(20, 6.0)), 3.0);
        assert!(matches!(verdict, Verdict::Exploded { mean, lowest } if mean == 6.0 && lowest == 0.5), "{verdict:?}");
        assert_eq!(last(flat(50, 0.5).chain(flat(3, 6.0)), 3.0), Verdict::Rising);
        assert_eq!(last(flat(50, 0.5).chain(flat(20, 6.0)), 0.0), Verdict::Fine);
        // Ten times as much, and next to nothing.
        assert_eq!(last(flat(50, 0.01).chain(flat(20, 0.1)), 3.0), Verdict::Fine);
        assert_eq!(last(flat(50, 0.5).chain(std::iter::repeat_n((1, 6.0), 20)), 3.0), Verdict::Fine);
    }
}
