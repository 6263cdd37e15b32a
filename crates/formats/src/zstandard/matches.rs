//! Finds what a block repeats: chains of positions whose next four bytes hash alike, and a choice that looks two bytes ahead.

use std::ops::Range;

use super::sequences::{Recent, Sequence};

/// Shortest copy that is looked for.
const SHORTEST: usize = 4;
const HASH_BITS: u32 = 17;
/// Positions tried for each place.
const TRIES: usize = 48;
/// A copy this long is taken without looking further.
const LONG: usize = 256;
/// Bytes without a copy after which every second place is looked at, and so on: weights repeat nothing.
const PATIENCE: usize = 512;
/// The widest step.
const WIDEST: usize = 64;

/// Positions seen so far.
pub(super) struct Finder<'a> {
    content: &'a [u8],
    window: usize,
    /// By hash, the latest position and one.
    latest: Vec<u32>,
    /// By position in the window, the one before with the same hash, and one.
    before: Vec<u32>,
    /// Where the last copy ended: how long there has been none.
    end_of_last: usize,
}

/// A copy that could be made at a place.
#[derive(Clone, Copy)]
struct Candidate {
    distance: usize,
    length: usize,
    /// Bits it saves against literals.
    gain: f64,
}

impl<'a> Finder<'a> {
    /// `window`: how far back a copy may reach, a power of two unless all of `content` is in it.
    pub fn new(content: &'a [u8], window: usize) -> Self {
        Self {
            content,
            window,
            latest: vec![0; 1 << HASH_BITS],
            before: vec![0; window.min(content.len())],
            end_of_last: 0,
        }
    }

    /// The literals and copies that make up a block. `literal_bits`: what a literal costs. Blocks are given in order; those not given are not
    /// found again.
    pub fn parse(&mut self, block: Range<usize>, literal_bits: f64, recent: &mut Recent) -> (Vec<u8>, Vec<Sequence>) {
        let (mut literals, mut sequences) = (Vec::new(), Vec::new());
        let mut start = block.start;
        let mut at = block.start;
        while at + SHORTEST <= block.end {
            let Some(mut best) = self.best(at, block.end, at - start, literal_bits, recent) else {
                self.insert(at);
                at += (1 + (at - self.end_of_last.min(at)) / PATIENCE).min(WIDEST);
                continue;
            };
            for ahead in 1..=2 {
                let next = at + ahead;
                if best.length >= LONG || next + SHORTEST > block.end {
                    break;
                }
                self.insert(next - 1);
                match self.best(next, block.end, next - start, literal_bits, recent) {
                    Some(better) if better.gain > best.gain + 1.0 => {
                        best = better;
                        at = next;
                        break;
                    }
                    _ => {}
                }
            }
            literals.extend_from_slice(&self.content[start..at]);
            let skipped = (at - start) as u32;
            let offset = recent.offset(best.distance as u32, skipped);
            sequences.push(Sequence { literals: skipped, length: best.length as u32, offset });
            start = at + best.length;
            // Of a long run of one pattern a few places are enough.
            let known = start.min(at + 4 * LONG);
            (at..known).for_each(|p| self.insert(p));
            at = start;
            self.end_of_last = start;
        }
        literals.extend_from_slice(&self.content[start..block.end]);
        (literals, sequences)
    }

    fn best(&self, at: usize, end: usize, literals: usize, literal_bits: f64, recent: &Recent) -> Option<Candidate> {
        let mut best: Option<Candidate> = None;
        let mut offer = |distance: usize, cost: f64| -> usize {
            let length = self.common(at, distance, end);
            let gain = length as f64 * literal_bits - cost;
            if length >= 3 && gain > best.map_or(0.0, |b| b.gain) {
                best = Some(Candidate { distance, length, gain });
            }
            length
        };
        for distance in recent.cheap(literals as u32) {
            if (1..=at.min(self.window)).contains(&(distance as usize)) && offer(distance as usize, 9.0) >= LONG {
                return best;
            }
        }
        let mut from = self.latest[self.hash(at)];
        for _ in 0..TRIES {
            // Positions are kept modulo 2^32 and one; what does not lie before, within the window, is from an earlier turn.
            let distance = (at as u32).wrapping_sub(from.wrapping_sub(1)) as usize;
            if from == 0 || distance == 0 || distance > at.min(self.window) {
                break;
            }
            if offer(distance, 13.0 + (distance as f64).log2()) >= LONG {
                break;
            }
            let next = self.before[(at - distance) % self.before.len()];
            // A chain leads back; an entry that was written over leads anywhere.
            if (at as u32).wrapping_sub(next.wrapping_sub(1)) as usize <= distance {
                break;
            }
            from = next;
        }
        best
    }

    /// How many bytes agree with those `distance` before.
    fn common(&self, at: usize, distance: usize, end: usize) -> usize {
        let (here, there) = (&self.content[at..end], &self.content[at - distance..end - distance]);
        let words = here.chunks_exact(8).zip(there.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
        words + here[words..].iter().zip(&there[words..]).take_while(|(a, b)| a == b).count()
    }

    fn insert(&mut self, at: usize) {
        if at + SHORTEST > self.content.len() {
            return;
        }
        let hash = self.hash(at);
        let size = self.before.len();
        let number = (at as u32).wrapping_add(1);
        // A place is looked at again after a look ahead.
        if self.latest[hash] != number {
            self.before[at % size] = self.latest[hash];
            self.latest[hash] = number;
        }
    }

    /// `at` has four bytes.
    fn hash(&self, at: usize) -> usize {
        let four = self.content[at..at + SHORTEST].iter().rev().fold(0u32, |all, &b| all << 8 | u32::from(b));
        (four.wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH_BITS)) as usize
    }
}
