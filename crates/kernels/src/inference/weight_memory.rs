//! Where do a model's packed weights lie? One matrix after another in few large pieces of memory, on large pages.
//!
//! Decoding reads every weight once for each token. In an allocation of its own for each matrix they lie on pages of 4 KB, of
//! which a model of 18 MB needs more than a processor keeps translations for: large pages made decoding 15 to 25 % faster from there on (measured
//! under a hypervisor, where a missing translation costs twice).

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;

use super::Lines;
use super::lines::LINE;

/// Bytes of a large page where there are any.
const LARGE_PAGE: usize = 2 << 20;
/// Bytes of a piece after the first.
const NEXT_PIECE: usize = 2 * LARGE_PAGE;

/// Gives out memory for the weights of one model. A piece is freed with the last of the weights in it.
pub struct WeightMemory(Mutex<Room>);

/// The piece that is being filled.
struct Room {
    piece: Arc<Piece>,
    used: usize,
}

impl WeightMemory {
    /// For about `expected` bytes, which are reserved at once and cost nothing before they are written; more are found when needed.
    pub fn new(expected: usize) -> Self {
        Self(Mutex::new(Room { piece: Arc::new(Piece::zeroed(expected)), used: 0 }))
    }

    /// `len` bytes of zeros, as `fill` leaves them. They begin on a cache line, so that no 512-bit load straddles two.
    pub(super) fn take(&self, len: usize, fill: impl FnOnce(&mut [u8])) -> Weights {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let padded = len.next_multiple_of(LINE);
        if room.piece.len - room.used < padded {
            *room = Room { piece: Arc::new(Piece::zeroed(padded.max(NEXT_PIECE))), used: 0 };
        }
        let (piece, at) = (Arc::clone(&room.piece), room.used);
        room.used += padded;
        drop(room);
        // SAFETY: `at + len` is within the piece, which `piece` keeps alive; its bytes are initialized. No other slice covers these: `used` only grows, and
        // what is returned, the only way to them, is made after this one ends.
        fill(unsafe { std::slice::from_raw_parts_mut(piece.start.add(at), len) });
        Weights { piece, range: at..at + len }
    }
}

/// Bytes that no longer change. Clones share them.
#[derive(Clone)]
pub(super) struct Weights {
    piece: Arc<Piece>,
    range: Range<usize>,
}

impl Weights {
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the range is within the piece and initialized; `take` has given up its mutable slice of it, and nothing else writes.
        unsafe { std::slice::from_raw_parts(self.piece.start.add(self.range.start), self.range.len()) }
    }

    /// The first `bytes` bytes as numbers. Panics where they are not whole numbers.
    pub fn first<T: Pod>(&self, bytes: usize) -> &[T] {
        bytemuck::cast_slice(&self.bytes()[..bytes])
    }
}

/// An allocation of zeros that starts on a cache line at least, freed with its last user.
struct Piece {
    start: *mut u8,
    len: usize,
    /// What is given back.
    whole: Whole,
}

// SAFETY: a piece is memory and its bounds. Bytes are written before anything that reads them is made (`take`), through one slice.
unsafe impl Send for Piece {}
// SAFETY: as above.
unsafe impl Sync for Piece {}

enum Whole {
    /// Pages of the system: where they begin and how many bytes they have.
    #[cfg(target_os = "linux")]
    Pages(*mut libc::c_void, usize),
    /// The allocator's, held for its bytes alone.
    Heap { _lines: Lines },
}

impl Piece {
    fn zeroed(len: usize) -> Self {
        let len = len.max(LINE).next_multiple_of(LINE);
        #[cfg(target_os = "linux")]
        if let Some(piece) = (len >= LARGE_PAGE).then(|| Self::of_large_pages(len)).flatten() {
            return piece;
        }
        let mut lines = Lines::zeroed(len);
        Self { start: lines.as_mut_slice::<u8>().as_mut_ptr(), len, whole: Whole::Heap { _lines: lines } }
    }

    /// Whole large pages, if the system has room for them; whether they are large is its choice.
    #[cfg(target_os = "linux")]
    fn of_large_pages(len: usize) -> Option<Self> {
        let len = len.checked_next_multiple_of(LARGE_PAGE)?;
        // One more than asked for, so that a large page begins among the first.
        let reserved = len.checked_add(LARGE_PAGE)?;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new private mapping at an address of the system's choice touches no memory of ours.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), reserved, access, kind, -1, 0) };
        if base == libc::MAP_FAILED {
            return None;
        }
        let start = base.cast::<u8>().wrapping_add(base.addr().wrapping_neg() % LARGE_PAGE);
        // SAFETY: the range is within the mapping. It is advice: where it is not followed, pages stay small.
        unsafe { libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE) };
        Some(Self { start, len, whole: Whole::Pages(base, reserved) })
    }
}

#[cfg(target_os = "linux")]
impl Drop for Piece {
    fn drop(&mut self) {
        if let Whole::Pages(base, reserved) = self.whole {
            // SAFETY: what `of_large_pages` got, given back once, as it was got; whoever points into it holds the piece.
            unsafe { libc::munmap(base, reserved) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_zeroed_apart_aligned_and_outlive_their_memory() {
        for expected in [0, 100, LARGE_PAGE, 3 * LARGE_PAGE + 5] {
            let memory = WeightMemory::new(expected);
            let sizes = [1, 64, 65, 0, LARGE_PAGE - 64, LARGE_PAGE, 5 * LARGE_PAGE + 1, 7];
            let taken: Vec<Weights> = sizes
                .iter()
                .enumerate()
                .map(|(i, &len)| {
                    memory.take(len, |bytes| {
                        assert!(bytes.len() == len && bytes.iter().all(|b| *b == 0));
                        bytes.fill(i as u8 + 1);
                    })
                })
                .collect();
            drop(memory);
            for (i, (weights, len)) in taken.iter().zip(sizes).enumerate() {
                assert_eq!(weights.bytes().as_ptr() as usize % LINE, 0);
                assert!(weights.bytes().len() == len && weights.bytes().iter().all(|b| *b == i as u8 + 1));
            }
            assert_eq!(taken[1].clone().first::<u32>(8), [0x0202_0202; 2]);
        }
    }

    #[test]
    fn what_is_expected_lies_in_one_piece() {
        let memory = WeightMemory::new(3 * LARGE_PAGE);
        let taken: Vec<Weights> = (0..29).map(|_| memory.take(LARGE_PAGE / 10, |_| {})).collect();
        assert!(taken.iter().all(|w| Arc::ptr_eq(&w.piece, &taken[0].piece)));
        assert!(!Arc::ptr_eq(&memory.take(LARGE_PAGE, |_| {}).piece, &taken[0].piece));
    }
}
