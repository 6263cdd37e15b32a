//! Guesses from the text itself: what followed when the last tokens stood there before.

use crate::sampling::History;

/// Tokens that have to repeat before the rest is guessed, from the most telling to the least.
const LENGTHS: [usize; 2] = [3, 2];

/// At most `most` tokens: those after the latest earlier place where the last three (else two) tokens of `history` stand.
pub(crate) fn look_up(history: History<'_>, most: usize) -> Vec<u32> {
    let all = Joined(history);
    let n = all.len();
    for length in LENGTHS.into_iter().filter(|length| *length < n) {
        let found = (0..n - length).rev().find(|at| (0..length).all(|i| all.get(at + i) == all.get(n - length + i)));
        if let Some(at) = found {
            return (at + length..n).take(most).map(|i| all.get(i)).collect();
        }
    }
    Vec::new()
}

/// Prompt and text as one sequence.
struct Joined<'a>(History<'a>);

impl Joined<'_> {
    fn len(&self) -> usize {
        self.0.prompt.len() + self.0.generated.len()
    }

    fn get(&self, at: usize) -> u32 {
        match at.checked_sub(self.0.prompt.len()) {
            None => self.0.prompt[at],
            Some(at) => self.0.generated[at],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(prompt: &[u32], generated: &[u32], most: usize) -> Vec<u32> {
        look_up(History { prompt, generated }, most)
    }

    #[test]
    fn the_latest_longest_repetition_is_continued() {
        assert_eq!(guess(&[1, 2, 3, 4, 5, 9, 2, 3, 6, 1], &[2, 3], 9), [4, 5, 9, 2, 3, 6, 1, 2, 3]);
        assert_eq!(guess(&[7, 2, 3, 4, 8, 2, 3, 6], &[2, 3], 2), [6, 2]);
        assert_eq!(guess(&[1, 2, 3, 4], &[5, 6], 4), [] as [u32; 0]);
        assert_eq!(guess(&[1, 1, 1], &[], 4), [1]);
        assert_eq!(guess(&[1], &[], 4), [] as [u32; 0]);
        assert_eq!(guess(&[], &[4, 5, 4, 5], 0), [] as [u32; 0]);
    }
}
