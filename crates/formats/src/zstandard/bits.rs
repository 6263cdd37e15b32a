//! Bits written from the lowest upwards, as every part of a Zstandard frame is.

/// Collects bits into bytes.
#[derive(Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Appends the low `bits` (at most 32) of `value`, whose other bits are zero.
    pub fn push(&mut self, value: u32, bits: u32) {
        debug_assert!(bits <= 32 && u64::from(value) < 1 << bits);
        self.held |= u64::from(value) << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// The bytes of a stream that is read forwards.
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.out.push(self.held as u8);
        }
        self.out
    }

    /// The bytes of a stream that is read backwards: a set bit marks where it begins.
    pub fn finish_reversed(mut self) -> Vec<u8> {
        self.push(1, 1);
        self.finish()
    }
}
