//! Huffman codes of at most eleven bits (RFC 8878, section 4.2): made, described, and used on literals.

use super::bits::BitWriter;
use super::fse::{self, State, Table};

/// Longest code of literals.
const LONGEST: usize = 11;

/// Counts of byte values.
pub(super) type Histogram = [u32; 256];

/// Counts the values of some bytes.
pub(super) fn histogram(bytes: &[u8]) -> Histogram {
    let mut counts = [0; 256];
    bytes.iter().for_each(|&b| counts[usize::from(b)] += 1);
    counts
}

/// A code for bytes.
#[derive(Clone)]
pub(super) struct Code {
    /// 0 for a byte that has no code.
    lengths: [u8; 256],
    codes: [u16; 256],
    /// As it stands before the literals.
    pub description: Vec<u8>,
}

impl Code {
    /// The best code for bytes with these counts. `None` for fewer than two values, or where the format cannot describe it.
    pub fn new(counts: &Histogram) -> Option<Self> {
        let lengths = lengths(counts)?;
        let longest = u32::from(*lengths.iter().max()?);
        let mut codes = [0; 256];
        // Longest codes first; of one length in the order of the bytes.
        let mut next = 0u32;
        for length in (1..=longest).rev() {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| u32::from(**l) == length) {
                codes[symbol] = (next >> (longest - length)) as u16;
                next += 1 << (longest - length);
            }
        }
        let last = lengths.iter().rposition(|&l| l > 0)?;
        let weight = |&length: &u8| if length == 0 { 0 } else { longest as u8 + 1 - length };
        // The last weight follows from the others.
        let weights: Vec<u8> = lengths[..last].iter().map(weight).collect();
        Some(Self { lengths, codes, description: describe(&weights)? })
    }

    /// Bits that bytes with these counts take; `None` if one has no code.
    pub fn cost(&self, counts: &Histogram) -> Option<u64> {
        let of = |(&count, &length): (&u32, &u8)| match (count, length) {
            (0, _) => Some(0),
            (_, 0) => None,
            _ => Some(u64::from(count) * u64::from(length)),
        };
        counts.iter().zip(&self.lengths).map(of).sum()
    }

    /// One stream, written from the last byte to the first.
    pub fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = BitWriter::default();
        for &byte in bytes.iter().rev() {
            let byte = usize::from(byte);
            out.push(self.codes[byte].into(), self.lengths[byte].into());
        }
        out.finish_reversed()
    }
}

/// Code lengths of at most [`LONGEST`] bits with the least sum, by package-merge (Larmore and Hirschberg, 1990).
fn lengths(counts: &Histogram) -> Option<[u8; 256]> {
    let mut leaves: Vec<(u64, usize)> =
        (0..256).filter(|&s| counts[s] > 0).map(|s| (u64::from(counts[s]), s)).collect();
    leaves.sort_unstable();
    if leaves.len() < 2 {
        return None;
    }
    // Of each level, from the longest length to the shortest, the weights in order and whether each is a leaf or a package.
    let mut levels: Vec<Vec<(u64, bool)>> = Vec::new();
    for _ in 0..LONGEST {
        let packages = levels.last().map(|below| below.chunks_exact(2).map(|p| (p[0].0 + p[1].0, false)));
        let mut level: Vec<(u64, bool)> = leaves.iter().map(|l| (l.0, true)).collect();
        level.extend(packages.into_iter().flatten());
        level.sort_by_key(|item| item.0);
        levels.push(level);
    }
    let mut lengths = [0; 256];
    let mut taken = 2 * leaves.len() - 2;
    for level in levels.iter().rev() {
        let of_leaves = level[..taken].iter().filter(|item| item.1).count();
        leaves[..of_leaves].iter().for_each(|l| lengths[l.1] += 1);
        taken = 2 * (taken - of_leaves);
    }
    Some(lengths)
}

/// Weights as the format writes them: coded, or as four bits each.
fn describe(weights: &[u8]) -> Option<Vec<u8>> {
    let coded =
        [5, 6].into_iter().filter_map(|log| code_weights(weights, log)).filter(|c| c.len() < 128).min_by_key(Vec::len);
    let plain = (weights.len() <= 128).then(|| weights.len().div_ceil(2));
    match (coded, plain) {
        (Some(coded), plain) if plain.is_none_or(|p| coded.len() < p) => {
            Some([&[coded.len() as u8][..], &coded].concat())
        }
        (_, Some(_)) => {
            let pair = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
            Some(std::iter::once(127 + weights.len() as u8).chain(weights.chunks(2).map(pair)).collect())
        }
        _ => None,
    }
}

/// Weights coded with two states that take turns.
fn code_weights(weights: &[u8], log: u32) -> Option<Vec<u8>> {
    let mut counts = [0; LONGEST + 1];
    weights.iter().for_each(|&w| counts[usize::from(w)] += 1);
    let table = Table::new(&fse::shares(&counts, log)?, log);
    let mut out = BitWriter::default();
    let mut states: [Option<State>; 2] = [None, None];
    for (index, &weight) in weights.iter().enumerate().rev() {
        match &mut states[index % 2] {
            Some(state) => state.encode(weight.into(), &mut out),
            empty => *empty = Some(State::new(&table, weight.into())),
        }
    }
    let [Some(even), Some(odd)] = states else { return None };
    odd.finish(&mut out);
    even.finish(&mut out);
    Some([table.description(), out.finish_reversed()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[u32]) -> Histogram {
        let mut all = [0; 256];
        all[..of.len()].copy_from_slice(of);
        all
    }

    #[test]
    fn lengths_are_those_of_huffman_and_never_above_eleven() {
        assert_eq!(lengths(&counts(&[5, 9, 12, 13, 16, 45])).unwrap()[..6], [4, 4, 3, 3, 3, 1]);
        // Fibonacci counts ask for lengths up to 39.
        let mut fibonacci = vec![1, 1];
        (2..40).for_each(|i| fibonacci.push(fibonacci[i - 1] + fibonacci[i - 2]));
        let limited = lengths(&counts(&fibonacci)).unwrap();
        assert_eq!(limited.iter().max(), Some(&11));
        for lengths in [limited, lengths(&[1; 256]).unwrap(), lengths(&counts(&[1, 1_000_000])).unwrap()] {
            assert_eq!(lengths.iter().filter(|l| **l > 0).map(|l| 1u32 << (11 - l)).sum::<u32>(), 1 << 11);
        }
        assert!(lengths(&counts(&[7])).is_none());
    }

    #[test]
    fn a_code_that_the_format_cannot_describe_is_none() {
        // All weights equal: nothing to code with states, and too many for four bits each.
        assert!(Code::new(&[1; 256]).is_none());
        assert!(Code::new(&counts(&[1; 128])).is_some());
    }
}
