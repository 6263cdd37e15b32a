//! The sequences of a block (RFC 8878, section 3.1.1.3.2): copies of what came before, each after some literals.

use super::bits::BitWriter;
use super::fse::{self, State, Table};

/// Some literals, then a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    pub literals: u32,
    /// 3 at least.
    pub length: u32,
    /// 1 to 3: one of the last three distances; else the distance and three.
    pub offset: u32,
}

/// The last three distances, latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recent([u32; 3]);

impl Default for Recent {
    fn default() -> Self {
        Self([1, 4, 8])
    }
}

impl Recent {
    /// The distances that cost least after so many literals.
    pub fn cheap(&self, literals: u32) -> [u32; 3] {
        let [first, second, third] = self.0;
        if literals > 0 { self.0 } else { [second, third, first - 1] }
    }

    /// The offset that stands for a distance after so many literals; the distance is the latest from now on.
    pub fn offset(&mut self, distance: u32, literals: u32) -> u32 {
        let cheap = self.cheap(literals).iter().position(|&d| d == distance);
        let [first, second, third] = self.0;
        self.0 = match (cheap, literals) {
            (Some(0), 1..) => self.0,
            (Some(1), 1..) | (Some(0), 0) => [distance, first, third],
            _ => [distance, first, second],
        };
        cheap.map_or(distance + 3, |c| c as u32 + 1)
    }
}

/// Extra bits of the literal-length codes from 16 on.
const LITERALS_BITS: [u8; 20] = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
/// Extra bits of the match-length codes from 32 on.
const LENGTH_BITS: [u8; 21] = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/// A number as code, extra bits and how many.
#[derive(Clone, Copy)]
struct Coded {
    code: u8,
    extra: u32,
    bits: u8,
}

/// Codes up to `plain` are the number itself; each further one stands for the next `1 << bits` numbers.
fn coded(number: u32, plain: u32, wide: &[u8]) -> Coded {
    if number < plain {
        return Coded { code: number as u8, extra: 0, bits: 0 };
    }
    let mut first = plain;
    for (code, &bits) in (plain as u8..).zip(wide) {
        if number - first < 1 << bits {
            return Coded { code, extra: number - first, bits };
        }
        first += 1 << bits;
    }
    unreachable!("a block has at most 128 KiB")
}

impl Sequence {
    fn literals(&self) -> Coded {
        coded(self.literals, 16, &LITERALS_BITS)
    }

    fn length(&self) -> Coded {
        coded(self.length - 3, 32, &LENGTH_BITS)
    }

    fn offset(&self) -> Coded {
        let code = self.offset.ilog2();
        Coded { code: code as u8, extra: self.offset - (1 << code), bits: code as u8 }
    }
}

/// The format's own tables.
const LITERALS_SHARES: [i16; 36] =
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1];
const LENGTH_SHARES: [i16; 53] = [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
];
const OFFSET_SHARES: [i16; 29] =
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1];

/// How one of the three kinds of codes is written.
struct Chosen {
    mode: u8,
    description: Vec<u8>,
    /// None where all codes are one.
    table: Option<Table>,
}

/// The cheapest way to write codes: the format's own table, one of their own of at most `1 << most` states, or one code for all.
fn choose(codes: impl Iterator<Item = u8>, own: (&[i16], u32), most: u32) -> Chosen {
    let mut counts = [0u32; 64];
    let mut number = 0;
    for code in codes {
        counts[usize::from(code)] += 1;
        number += 1;
    }
    if let Some(only) = counts.iter().position(|&c| c == number) {
        return Chosen { mode: 1, description: vec![only as u8], table: None };
    }
    let predefined = Table::new(own.0, own.1);
    let mut best = (predefined.cost(&counts), Chosen { mode: 0, description: Vec::new(), table: Some(predefined) });
    for log in 5..=most {
        let Some(shares) = fse::shares(&counts, log) else { continue };
        let table = Table::new(&shares, log);
        let description = table.description();
        let cost = table.cost(&counts) + 8.0 * description.len() as f64;
        if cost < best.0 {
            best = (cost, Chosen { mode: 2, description, table: Some(table) });
        }
    }
    best.1
}

/// The sequences section of a block.
pub(super) fn section(sequences: &[Sequence]) -> Vec<u8> {
    let number = sequences.len();
    let mut out = match number {
        0 => return vec![0],
        1..128 => vec![number as u8],
        128..0x7f00 => vec![(number >> 8) as u8 + 128, number as u8],
        _ => vec![255, (number - 0x7f00) as u8, ((number - 0x7f00) >> 8) as u8],
    };
    let literals = choose(sequences.iter().map(|s| s.literals().code), (&LITERALS_SHARES, 6), 9);
    let offset = choose(sequences.iter().map(|s| s.offset().code), (&OFFSET_SHARES, 5), 8);
    let length = choose(sequences.iter().map(|s| s.length().code), (&LENGTH_SHARES, 6), 9);
    out.push(literals.mode << 6 | offset.mode << 4 | length.mode << 2);
    let kinds = [literals, offset, length];
    kinds.iter().for_each(|kind| out.extend(&kind.description));

    // Written from the last sequence to the first. The reader updates literals, length, offset and reads the extra bits of offset, length,
    // literals.
    let mut bits = BitWriter::default();
    let mut states: [Option<State>; 3] = [None, None, None];
    for sequence in sequences.iter().rev() {
        let parts = [sequence.literals(), sequence.offset(), sequence.length()];
        for kind in [1, 2, 0] {
            let code = usize::from(parts[kind].code);
            match (&mut states[kind], &kinds[kind].table) {
                (_, None) => {}
                (Some(state), _) => state.encode(code, &mut bits),
                (empty, Some(table)) => *empty = Some(State::new(table, code)),
            }
        }
        for kind in [0, 2, 1] {
            bits.push(parts[kind].extra, parts[kind].bits.into());
        }
    }
    // Read as literals, offset, length.
    for kind in [2, 1, 0] {
        states[kind].iter().for_each(|state| state.finish(&mut bits));
    }
    out.extend(bits.finish_reversed());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_numbers_are_those_of_the_rfc() {
        let literals = |n| Sequence { literals: n, length: 3, offset: 1 }.literals();
        for (number, code, extra) in
            [(0, 0, 0), (15, 15, 0), (16, 16, 0), (17, 16, 1), (47, 23, 7), (64, 25, 0), (65536, 35, 0)]
        {
            assert_eq!((literals(number).code, literals(number).extra), (code, extra), "{number}");
        }
        let length = |n| Sequence { literals: 0, length: n, offset: 1 }.length();
        for (number, code, extra) in
            [(3, 0, 0), (34, 31, 0), (35, 32, 0), (99, 42, 0), (131, 43, 0), (65539, 52, 0), (131_074, 52, 65535)]
        {
            assert_eq!((length(number).code, length(number).extra), (code, extra), "{number}");
        }
    }

    #[test]
    fn recent_distances_turn_as_in_the_rfc() {
        let mut recent = Recent::default();
        assert_eq!(recent.offset(8, 1), 3);
        assert_eq!(recent, Recent([8, 1, 4]));
        assert_eq!(recent.offset(8, 5), 1);
        assert_eq!(recent.offset(1, 0), 1);
        assert_eq!(recent, Recent([1, 8, 4]));
        assert_eq!(recent.offset(100, 0), 103);
        assert_eq!(recent, Recent([100, 1, 8]));
        // One less than the latest, without literals.
        assert_eq!(recent.offset(99, 0), 3);
        assert_eq!(recent, Recent([99, 100, 1]));
        assert_eq!(recent.offset(1, 0), 2);
        assert_eq!(recent, Recent([1, 99, 100]));
    }
}
