//! Blocks of a frame (RFC 8878, section 3.1.1.2): where one ends, and the shortest way to write it.

use std::ops::Range;

use super::huffman::{Code, Histogram, histogram};
use super::matches::Finder;
use super::sequences::{Recent, Sequence, section};

/// Most bytes of a block.
const LARGEST: usize = 128 << 10;
/// Blocks end at multiples of this.
const STEP: usize = 4 << 10;
/// Bytes that tell whether what follows is of another kind.
const AHEAD: usize = 12 << 10;
/// Bits that a block's headers take, its table not counted.
const HEADERS: f64 = 96.0;
/// Bits that a table takes for each value in it, roughly.
const TABLE_ENTRY: f64 = 3.0;

/// Cuts content into blocks: a new one begins where the bytes' distribution changes so much that a table of its own pays.
pub(super) fn divide(content: &[u8]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    let mut end = content.len().min(STEP);
    let mut counts = histogram(&content[..end]);
    while end < content.len() {
        let next = histogram(&content[end..content.len().min(end + AHEAD)]);
        if end - start >= LARGEST || cost(&sum(&counts, &next)) > cost(&counts) + cost(&next) {
            blocks.push(start..end);
            start = end;
            counts = [0; 256];
        }
        let to = content.len().min(end + STEP);
        counts = sum(&counts, &histogram(&content[end..to]));
        end = to;
    }
    if end > start {
        blocks.push(start..end);
    }
    blocks
}

fn sum(a: &Histogram, b: &Histogram) -> Histogram {
    std::array::from_fn(|i| a[i] + b[i])
}

/// Bits that bytes take which are coded by their own frequencies, or plain where that is less.
fn cost(counts: &Histogram) -> f64 {
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    let present = counts.iter().filter(|&&c| c > 0).count() as f64;
    (entropy(counts) * total + TABLE_ENTRY * present + HEADERS).min(8.0 * total + HEADERS)
}

/// Bits per byte of the distribution.
fn entropy(counts: &Histogram) -> f64 {
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    let of = |&c: &u32| if c == 0 { 0.0 } else { f64::from(c) * (total / f64::from(c)).log2() };
    counts.iter().map(of).sum::<f64>() / total.max(1.0)
}

/// What a block may use of those before it.
pub(super) struct Encoder<'a> {
    content: &'a [u8],
    finder: Finder<'a>,
    recent: Recent,
    /// The last code that was written.
    code: Option<Code>,
}

impl<'a> Encoder<'a> {
    /// `window` as for [`Finder::new`].
    pub fn new(content: &'a [u8], window: usize) -> Self {
        Self { content, finder: Finder::new(content, window), recent: Recent::default(), code: None }
    }

    /// Appends the next block with its header.
    pub fn block(&mut self, range: Range<usize>, last: bool, out: &mut Vec<u8>) {
        let bytes = &self.content[range.clone()];
        let mut header = |kind: u32, size: usize| {
            let bits = u32::from(last) | kind << 1 | (size as u32) << 3;
            out.extend(&bits.to_le_bytes()[..3]);
        };
        if bytes.len() > 1 && bytes.iter().all(|b| *b == bytes[0]) {
            header(1, bytes.len());
            return out.push(bytes[0]);
        }
        let literal_bits = entropy(&histogram(bytes)).max(1.0);
        let mut recent = self.recent;
        let (literals, sequences) = self.finder.parse(range, literal_bits, &mut recent);
        let plain = self.compressed(bytes, &[]);
        let copied = (!sequences.is_empty()).then(|| self.compressed(&literals, &sequences));
        let (best, recent) = match copied {
            Some(copied) if copied.0.len() < plain.0.len() => (copied, recent),
            _ => (plain, self.recent),
        };
        let (written, code) = best;
        if written.len() >= bytes.len() {
            header(0, bytes.len());
            return out.extend(bytes);
        }
        header(2, written.len());
        out.extend(written);
        self.recent = recent;
        self.code = code.or(self.code.take());
    }

    /// A compressed block's content, and the code if it holds a new one.
    fn compressed(&self, literals: &[u8], sequences: &[Sequence]) -> (Vec<u8>, Option<Code>) {
        let (mut out, code) = self.literals(literals);
        out.extend(section(sequences));
        (out, code)
    }

    /// The literals section: plain, one byte repeated, or Huffman-coded with a new code or the last one.
    fn literals(&self, literals: &[u8]) -> (Vec<u8>, Option<Code>) {
        let counts = histogram(literals);
        let plain = plain_size(literals.len()) + literals.len();
        if literals.len() > 1 && counts.iter().any(|&c| c as usize == literals.len()) {
            return ([plain_header(1, literals.len()), vec![literals[0]]].concat(), None);
        }
        let new = Code::new(&counts);
        let bits = |code: &Code| code.cost(&counts).map(|c| c.div_ceil(8) as usize);
        let with_new = new.as_ref().and_then(|c| Some(bits(c)? + c.description.len()));
        let with_last = self.code.as_ref().and_then(bits);
        let coded = match (&new, &self.code) {
            (_, Some(last)) if with_last.is_some_and(|l| with_new.is_none_or(|n| l <= n)) => {
                Some(huffman(literals, last, false))
            }
            (Some(code), _) => Some(huffman(literals, code, true)),
            _ => None,
        };
        match coded {
            Some((coded, is_new)) if coded.len() < plain => (coded, new.filter(|_| is_new)),
            _ => ([plain_header(0, literals.len()), literals.to_vec()].concat(), None),
        }
    }
}

fn plain_size(length: usize) -> usize {
    match length {
        0..32 => 1,
        32..4096 => 2,
        _ => 3,
    }
}

/// Header of literals that are plain (`kind` 0) or one byte repeated (1).
fn plain_header(kind: u8, length: usize) -> Vec<u8> {
    let length = length as u32;
    match plain_size(length as usize) {
        1 => vec![kind | (length as u8) << 3],
        2 => (u32::from(kind) | 1 << 2 | length << 4).to_le_bytes()[..2].to_vec(),
        _ => (u32::from(kind) | 3 << 2 | length << 4).to_le_bytes()[..3].to_vec(),
    }
}

/// Huffman-coded literals with their header; whether the code is described.
fn huffman(literals: &[u8], code: &Code, describe: bool) -> (Vec<u8>, bool) {
    let mut body = if describe { code.description.clone() } else { Vec::new() };
    let one_stream = literals.len() < 256;
    if one_stream {
        body.extend(code.encode(literals));
    } else {
        let streams: Vec<Vec<u8>> = literals.chunks(literals.len().div_ceil(4)).map(|part| code.encode(part)).collect();
        streams[..3].iter().for_each(|s| body.extend((s.len() as u16).to_le_bytes()));
        streams.iter().for_each(|s| body.extend(s));
    }
    let kind = if describe { 2 } else { 3 };
    let larger = literals.len().max(body.len());
    // Kind and format, then both sizes in so many bits.
    let (format, bits, bytes) = match larger {
        _ if one_stream && larger < 1 << 10 => (0, 10, 3),
        0..0x400 => (1, 10, 3),
        0x400..0x4000 => (2, 14, 4),
        _ => (3, 18, 5),
    };
    let header = kind | format << 2 | (literals.len() as u64) << 4 | (body.len() as u64) << (4 + bits);
    ([&header.to_le_bytes()[..bytes], &body].concat(), describe)
}
