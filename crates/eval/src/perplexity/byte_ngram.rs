//! The floor under bits per byte: an n-gram model over bytes that learns from nothing but what it has read before.

use std::collections::HashMap;

/// Bytes it looks back on.
const ORDER: usize = 5;

/// The floor in words.
pub const WORDS: &str = "byte n-gram, order 5, Witten-Bell interpolation down to the uniform distribution; starts empty and learns \
    each byte after predicting it";

/// Counts of what followed what.
#[derive(Default)]
pub struct ByteNgram {
    /// By context: how many bytes followed, and how many different ones.
    contexts: HashMap<u64, (u32, u32)>,
    /// By context and byte: how often.
    grams: HashMap<u64, u32>,
    /// The last bytes read, the latest in the lowest place.
    history: u64,
    /// How many there are, at most [`ORDER`].
    known: usize,
}

impl ByteNgram {
    /// Reads a text and returns the bits it took to predict it.
    ///
    /// Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37 (1991), method C.
    pub fn read(&mut self, text: &[u8]) -> f64 {
        text.iter().map(|byte| self.next(*byte)).sum()
    }

    fn next(&mut self, byte: u8) -> f64 {
        let mut p = 1.0 / 256.0;
        for order in 0..=self.known {
            let context = self.context(order);
            if let Some((n, distinct)) = self.contexts.get(&context).copied() {
                let seen = self.grams.get(&gram(context, byte)).copied().unwrap_or(0);
                let (n, distinct) = (f64::from(n), f64::from(distinct));
                p = (f64::from(seen) + distinct * p) / (n + distinct);
            }
        }
        for order in 0..=self.known {
            let context = self.context(order);
            let seen = self.grams.entry(gram(context, byte)).or_default();
            let first = *seen == 0;
            *seen += 1;
            let (n, distinct) = self.contexts.entry(context).or_default();
            *n += 1;
            *distinct += u32::from(first);
        }
        self.history = (self.history << 8 | u64::from(byte)) & ((1 << (8 * ORDER)) - 1);
        self.known = (self.known + 1).min(ORDER);
        -p.log2()
    }

    /// The last `order` bytes, with `order` above them.
    fn context(&self, order: usize) -> u64 {
        self.history & ((1u64 << (8 * order)) - 1) | (order as u64) << (8 * ORDER)
    }
}

/// A context (6 bytes) with what follows it.
fn gram(context: u64, byte: u8) -> u64 {
    context << 8 | u64::from(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_by_hand() {
        // Nothing known: 8 bits. Then one byte of one kind: p(same) = (1 + 1/256) / 2, and its context is new.
        let mut model = ByteNgram::default();
        assert_eq!(model.read(b"a"), 8.0);
        let expected = -((1.0 + 1.0 / 256.0) / 2.0f64).log2();
        assert!((model.read(b"a") - expected).abs() < 1e-12);
        // Order 0: n = 2, one kind: p = (0 + 1/256) / 3; order 1 after `a`: n = 1, one kind: p = (0 + p) / 2; order 2 is new.
        let expected = -(1.0 / 256.0 / 3.0 / 2.0f64).log2();
        assert!((model.read(b"b") - expected).abs() < 1e-12);
    }

    #[test]
    fn probabilities_of_all_bytes_sum_to_one_and_repetition_gets_cheap() {
        let text = b"the cat sat on the mat; the cat sat on the hat; ";
        let probabilities = (0..=255u8).map(|byte| {
            let mut model = ByteNgram::default();
            model.read(text);
            2f64.powf(-model.read(&[byte]))
        });
        assert!((probabilities.sum::<f64>() - 1.0).abs() < 1e-9);
        let mut model = ByteNgram::default();
        let (first, again) = (model.read(text), model.read(text));
        assert!(again < 0.3 * first, "{first} {again}");
    }
}
