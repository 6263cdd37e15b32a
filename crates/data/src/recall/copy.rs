//! Selective copying (Gu and Dao 2023, "Mamba", after Jing et al. 2019): tokens scattered among noise are to be written
//! down in their order.

use bantam_core::seed::Rng;
use rand::RngExt as _;
use rand::seq::index::sample;
use serde::{Deserialize, Serialize};

use super::Wrong;
use crate::packing::Example;

/// `length` positions of noise (token 0), of which `memorized` at random hold a token each (`1..vocabulary - 1`); then as many
/// markers (`vocabulary - 1`), each of which asks for the next of these tokens. The answers are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Tokens in all, noise and marker included.
    pub vocabulary: usize,
    /// Positions before the markers.
    pub length: usize,
    /// Tokens to be copied.
    pub memorized: usize,
}

impl Copy {
    pub(super) fn wrong(&self) -> Wrong {
        if self.vocabulary < 3 {
            return Some((format!("a vocabulary of {}", self.vocabulary), "give 3 or more"));
        }
        if self.memorized == 0 || self.memorized > self.length {
            let what = format!("{} tokens to copy among {}", self.memorized, self.length);
            return Some((what, "give 1 at least, and a position for each"));
        }
        None
    }

    pub(super) fn item(&self, rng: &mut Rng) -> Example {
        let marker = self.vocabulary as u32 - 1;
        let mut places = sample(rng, self.length, self.memorized).into_vec();
        places.sort_unstable();
        // The last token asks for nothing: a question's target belongs to the position behind it.
        let mut tokens = vec![0; self.length + self.memorized + 1];
        tokens[self.length..self.length + self.memorized].fill(marker);
        let labels: Vec<u32> = places.iter().map(|_| rng.random_range(1..marker)).collect();
        places.iter().zip(&labels).for_each(|(place, token)| tokens[*place] = *token);
        let asked = self.length + 1..self.length + self.memorized + 1;
        Example { answers: vec![asked], labels, ..Example::with_answer(tokens, 1, self.memorized) }
    }
}
