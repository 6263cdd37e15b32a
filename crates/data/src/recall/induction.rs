//! Induction heads (Olsson et al. 2022; as a task of random tokens in Gu and Dao 2023, "Mamba"): what followed the special
//! token the first time?

use bantam_core::seed::Rng;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::Wrong;
use crate::packing::Example;

/// Random tokens below `vocabulary - 1`; the special token `vocabulary - 1` stands at one random place and at the end, where
/// the token that followed it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Induction {
    /// Tokens in all, the special one included.
    pub vocabulary: usize,
    /// Tokens up to and with the question.
    pub length: usize,
}

impl Induction {
    pub(super) fn wrong(&self) -> Wrong {
        if self.vocabulary < 2 {
            return Some((format!("a vocabulary of {}", self.vocabulary), "give 2 or more"));
        }
        if self.length < 3 {
            return Some((format!("a length of {}", self.length), "give 3 or more"));
        }
        None
    }

    pub(super) fn item(&self, rng: &mut Rng) -> Example {
        let special = self.vocabulary as u32 - 1;
        let mut tokens: Vec<u32> = (0..self.length).map(|_| rng.random_range(0..special)).collect();
        // Something other than the question follows it.
        let first = rng.random_range(0..self.length - 2);
        (tokens[first], tokens[self.length - 1]) = (special, special);
        tokens.push(tokens[first + 1]);
        Example::with_answer(tokens, self.length, 1)
    }
}
