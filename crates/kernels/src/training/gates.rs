//! How does the feed-forward keep what it needs for the way back? Gate's and up's outputs as they are, or as bfloat16 where products are of that.

use super::disjoint::{Disjoint, Unfilled};
use super::pack::rounded;
use super::panels::Precision;
use crate::multiversion::multiversion;

/// Gate's and up's outputs, side by side, `[rows, 2 inner]`: in the precision of the products that they come from, to which they are rounded before
/// anything is made of them. In bfloat16 they take half the memory.
#[derive(Clone, Debug)]
pub enum Gates {
    /// As they are.
    F32(Vec<f32>),
    /// The upper halves of f32.
    Bf16(Vec<u16>),
}

impl Default for Gates {
    fn default() -> Self {
        Self::F32(Vec::new())
    }
}

impl Gates {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
        }
    }

    /// A row, which may have to be restored.
    pub(super) fn row<'a>(&'a self, row: usize, restored: &'a mut [f32]) -> &'a [f32] {
        let at = row * restored.len()..(row + 1) * restored.len();
        match self {
            Self::F32(values) => &values[at],
            Self::Bf16(values) => {
                restore(&values[at], restored);
                restored
            }
        }
    }
}

/// Memory for [`Gates`].
pub(super) enum UnfilledGates {
    F32(Unfilled),
    Bf16(Unfilled<u16>),
}

impl UnfilledGates {
    pub(super) fn new(precision: Precision, len: usize) -> Self {
        match precision {
            Precision::F32 => Self::F32(Unfilled::new(len)),
            Precision::Bf16 => Self::Bf16(Unfilled::new(len)),
        }
    }

    pub(super) fn room(&mut self) -> GatesRoom<'_> {
        match self {
            Self::F32(values) => GatesRoom::F32(values.room()),
            Self::Bf16(values) => GatesRoom::Bf16(values.room()),
        }
    }

    /// # Safety
    /// Every value has been written.
    pub(super) unsafe fn filled(self) -> Gates {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::F32(values) => Gates::F32(values.filled()),
                Self::Bf16(values) => Gates::Bf16(values.filled()),
            }
        }
    }
}

/// Its places, which threads fill at once.
#[derive(Clone, Copy)]
pub(super) enum GatesRoom<'a> {
    F32(Disjoint<'a>),
    Bf16(Disjoint<'a, u16>),
}

impl GatesRoom<'_> {
    /// Where the `len` products go that are to be kept from `at` on: there, or to `scratch`.
    ///
    /// # Safety
    /// No one else uses these places, which are written before they are read.
    pub(super) unsafe fn products<'a>(&'a self, at: usize, len: usize, scratch: &'a mut Vec<f32>) -> &'a mut [f32] {
        match self {
            // SAFETY: the caller's promise.
            Self::F32(room) => unsafe { room.range(at, len) },
            Self::Bf16(_) => {
                scratch.resize(len, 0.0);
                scratch
            }
        }
    }

    /// Rounds some of them, which are to be kept from `at` on, to what is kept, and keeps them.
    ///
    /// # Safety
    /// As for [`products`](Self::products).
    pub(super) unsafe fn keep(&self, at: usize, products: &mut [f32]) {
        if let Self::Bf16(room) = self {
            // SAFETY: the caller's promise.
            round_and_keep(products, unsafe { room.range(at, products.len()) });
        }
    }
}

multiversion! {
    /// Rounds the values to the nearest bfloat16 (ties to even) where they are, and keeps them in `kept` as well. Of the same length.
    fn round_and_keep(values: &mut [f32], kept: &mut [u16]) = round_and_keep_body
}
multiversion! {
    /// The values that were kept. Of the same length.
    fn restore(kept: &[u16], values: &mut [f32]) = restore_body
}

#[inline(always)]
fn round_and_keep_body<const FMA: bool, const LANES: usize>(values: &mut [f32], kept: &mut [u16]) {
    for (value, kept) in values.iter_mut().zip(kept) {
        *value = rounded(*value);
        *kept = (value.to_bits() >> 16) as u16;
    }
}

#[inline(always)]
fn restore_body<const FMA: bool, const LANES: usize>(kept: &[u16], values: &mut [f32]) {
    for (value, kept) in values.iter_mut().zip(kept) {
        *value = f32::from_bits(u32::from(*kept) << 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_rounded() {
        // Halfway to an even and to an odd neighbour, just above halfway, the largest number, and no number.
        let bits = [0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x7f7f_ffff, 0xbf80_0000, 0x7fc0_0001];
        let want = [0x3f80_0000, 0x3f82_0000, 0x3f81_0000, 0x7f80_0000, 0xbf80_0000, 0x7fc0_0000];
        let mut values: Vec<f32> = bits.iter().cycle().take(37).map(|&b| f32::from_bits(b)).collect();
        let mut kept = vec![0; values.len()];
        round_and_keep(&mut values, &mut kept);
        let mut restored = vec![0.0; values.len()];
        restore(&kept, &mut restored);
        for (i, (value, restored)) in values.iter().zip(&restored).enumerate() {
            assert_eq!([value.to_bits(), restored.to_bits()], [want[i % want.len()]; 2], "{i}");
        }
    }
}
