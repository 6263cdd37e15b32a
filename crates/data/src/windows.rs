//! What of documents of vectors is trained on, validated and scored, and in which pieces? Whole documents, drawn by seed, in windows
//! that never cross from one into another.
//!
//! Items are the numbers of vectors, and the next number is asked for: packing, order and checks are those of tokens.

use std::ops::Range;

use bantam_core::{Error, Result, seed};
use rand::seq::SliceRandom as _;

use crate::packing::Example;

/// Which documents, by their places, are in which part; each ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Trained on.
    pub train: Vec<usize>,
    /// To validate on.
    pub valid: Vec<usize>,
    /// To be scored on.
    pub test: Vec<usize>,
}

/// Draws shares of `documents` documents, at least one each, by `seed`; `place` names them in errors.
///
/// # Errors
/// Too few documents for three parts.
pub fn split(documents: usize, valid: f64, test: f64, seed: u64, place: &str) -> Result<Parts> {
    let of = |share: f64| ((documents as f64 * share).round() as usize).max(1);
    let (valid, test) = (of(valid), of(test));
    if valid + test >= documents {
        let what = format!("{documents} documents leave none to train on beside {valid} and {test}");
        return Err(Error::input(place, what, "give more documents, or lower vectors.validation and vectors.test"));
    }
    let mut order: Vec<usize> = (0..documents).collect();
    order.shuffle(&mut seed::rng(seed, "documents"));
    let mut parts = order.into_iter();
    let mut take = |n: usize| {
        let mut taken: Vec<usize> = parts.by_ref().take(n).collect();
        taken.sort_unstable();
        taken
    };
    let (test, valid) = (take(test), take(valid));
    Ok(Parts { train: take(usize::MAX), valid, test })
}

/// A document's vectors in windows of at most `length` (2 or more). Each but the first is asked for once: a window begins with the
/// vector that the one before ended with. A document of one vector has none.
pub fn windows(document: Range<usize>, length: usize) -> Vec<Example> {
    let mut found = Vec::new();
    let mut start = document.start;
    while start + 1 < document.end {
        let end = (start + length).min(document.end);
        found.push(Example::with_answer((start..end).map(|n| n as u32).collect(), 1, 0));
        start = end - 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_vector_but_the_first_is_asked_for_once(start in 0usize..50, len in 0usize..40, length in 2usize..12) {
            let windows = windows(start..start + len, length);
            let asked: Vec<u32> = windows.iter().flat_map(|w| w.asked().map(|(_, n)| n)).collect();
            let all: Vec<u32> = (start + 1..(start + len).max(start + 1)).map(|n| n as u32).collect();
            prop_assert_eq!(asked, all);
            prop_assert!(windows.iter().all(|w| (2..=length).contains(&w.tokens.len())));
        }
    }

    #[test]
    fn parts_are_whole_documents_and_repeat_by_their_seed() {
        let parts = split(100, 0.1, 0.2, 7, "f").unwrap();
        assert_eq!((parts.train.len(), parts.valid.len(), parts.test.len()), (70, 10, 20));
        let mut all = [parts.train.clone(), parts.valid.clone(), parts.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(split(100, 0.1, 0.2, 7, "f").unwrap(), parts);
        assert_ne!(split(100, 0.1, 0.2, 8, "f").unwrap(), parts);
        assert_eq!(split(3, 0.0, 0.0, 1, "f").unwrap().train.len(), 1);
        assert_eq!(split(2, 0.1, 0.1, 1, "f").unwrap_err().exit_code(), 2);
    }
}
