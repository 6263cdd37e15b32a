//! Growable byte storage aligned to cache lines, so that no 512-bit load straddles two of them.

use bytemuck::{Pod, Zeroable};

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

// SAFETY: `Line` is 64 plain bytes with size equal to its alignment: no padding, every bit pattern valid, zero included.
unsafe impl Zeroable for Line {}
// SAFETY: as above; it is `Copy`, `'static` and `repr(C)`.
unsafe impl Pod for Line {}

/// Zero-initialized storage of plain numbers, 64-byte aligned, whose length is counted in whole lines.
#[derive(Clone, Default)]
pub struct Lines(Vec<Line>);

impl Lines {
    /// Zeros, enough for `bytes` bytes.
    pub fn zeroed(bytes: usize) -> Self {
        Self(vec![Line::zeroed(); bytes.div_ceil(LINE)])
    }

    /// Grows with zeros to at least `bytes` bytes; what is there stays. Never shrinks.
    pub fn grow(&mut self, bytes: usize) {
        let lines = bytes.div_ceil(LINE);
        if lines > self.0.len() {
            self.0.resize(lines, Line::zeroed());
        }
    }

    /// Reserves room so that growing to `bytes` bytes allocates nothing.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes.div_ceil(LINE).saturating_sub(self.0.len()));
    }

    /// Length in bytes, a multiple of 64.
    pub fn byte_len(&self) -> usize {
        self.0.len() * LINE
    }

    /// The storage as numbers of type `T` (whose size divides 64).
    pub fn as_slice<T: Pod>(&self) -> &[T] {
        bytemuck::cast_slice(&self.0)
    }

    /// The storage as mutable numbers of type `T` (whose size divides 64).
    pub fn as_mut_slice<T: Pod>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_aligned_zeroed_and_keeps_its_content_when_grown() {
        let mut lines = Lines::zeroed(100);
        assert_eq!(lines.byte_len(), 128);
        assert_eq!(lines.as_slice::<f32>().as_ptr() as usize % LINE, 0);
        assert!(lines.as_slice::<f32>().iter().all(|v| *v == 0.0));
        lines.as_mut_slice::<f32>()[31] = 7.0;
        lines.grow(129);
        assert_eq!((lines.byte_len(), lines.as_slice::<f32>()[31], lines.as_slice::<f32>()[32]), (192, 7.0, 0.0));
        lines.grow(1);
        assert_eq!(lines.byte_len(), 192);
    }
}
