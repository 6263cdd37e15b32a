//! How the process gets memory: kept once it is there, and on whole cache lines where it is large.

use std::alloc::{GlobalAlloc, Layout, System};

/// An allocator, the system's if no other is named, with every block of at least a kilobyte on a cache line.
///
/// A vector register, or a row of a matrix unit's, is as long as a line: read or written across two of them it costs twice
/// (products whose results lie 16 bytes beside a line take up to 2.3 times as long). A program installs it with
/// `#[global_allocator]`; without it everything is right, and slower.
pub struct CacheLines<A = System>(A);

impl CacheLines {
    /// Around the system's allocator.
    pub const fn of_system() -> Self {
        Self(System)
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Fewest bytes of a block that begins on one.
const LARGE: usize = 1024;

impl<A> CacheLines<A> {
    /// Whether blocks of this layout begin on a line: then they are `LINE` bytes longer than asked for, and the byte before the block's first
    /// tells how many bytes lie between the system's block and it. (A request for the alignment itself would leave a hole
    /// behind it when it is freed that no equal request fits into.)
    fn aligns(layout: Layout) -> bool {
        layout.size() >= LARGE && layout.align() <= LINE
    }

    /// What is asked of the system for `size` bytes on a line.
    ///
    /// # Safety
    /// `size` is the size of a valid layout, or one that a caller of `realloc` vouches for: it does not exceed `isize::MAX`.
    unsafe fn inner(size: usize) -> Layout {
        // Sizes near `isize::MAX` stay invalid sizes: the system refuses them.
        let size = size.saturating_add(LINE).min(isize::MAX as usize - 15);
        // SAFETY: 16 is a power of two, and the size rounded up to it does not exceed `isize::MAX`.
        unsafe { Layout::from_size_align_unchecked(size, 16) }
    }

    /// The first line at least one byte into the system's block, with the distance written before it.
    ///
    /// # Safety
    /// The block is null or `LINE` bytes longer than what is asked for.
    unsafe fn line_in(block: *mut u8) -> *mut u8 {
        if block.is_null() {
            return block;
        }
        let distance = LINE - block as usize % LINE;
        // SAFETY: `distance` is 1 to `LINE`, inside the block, and so is the byte before it.
        unsafe {
            let line = block.add(distance);
            line.sub(1).write(distance as u8);
            line
        }
    }

    /// The system's block in which a line was given out.
    ///
    /// # Safety
    /// `line` came from [`line_in`](Self::line_in) and the byte before it has not been touched.
    unsafe fn block_of(line: *mut u8) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { line.sub(usize::from(line.sub(1).read())) }
    }
}

// SAFETY: small blocks are the system's own. Large ones are inside blocks of the system that are `LINE` bytes longer, begin on a line, and find
// their block again by the byte before them. Which of the two a block is depends on its layout alone, which callers give back unchanged.
unsafe impl<A: GlobalAlloc> GlobalAlloc for CacheLines<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system's; sizes are valid.
        unsafe {
            match Self::aligns(layout) {
                true => Self::line_in(self.0.alloc(Self::inner(layout.size()))),
                false => self.0.alloc(layout),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            match Self::aligns(layout) {
                true => Self::line_in(self.0.alloc_zeroed(Self::inner(layout.size()))),
                false => self.0.alloc_zeroed(layout),
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; a block of such a layout came from `line_in`.
        unsafe {
            match Self::aligns(layout) {
                true => self.0.dealloc(Self::block_of(block), Self::inner(layout.size())),
                false => self.0.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the new size.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as above. Of two blocks the smaller size is copied; inside one that moved against the lines, what it held moves on,
        // at most `LINE` bytes, which both blocks have beyond it.
        unsafe {
            match (Self::aligns(layout), Self::aligns(new)) {
                (false, false) => self.0.realloc(block, layout, size),
                (true, true) => {
                    let before = block.sub(1).read();
                    let moved =
                        self.0.realloc(Self::block_of(block), Self::inner(layout.size()), Self::inner(size).size());
                    if moved.is_null() {
                        return moved;
                    }
                    let distance = LINE - moved as usize % LINE;
                    if distance != usize::from(before) {
                        let kept = layout.size().min(size);
                        std::ptr::copy(moved.add(usize::from(before)), moved.add(distance), kept);
                    }
                    Self::line_in(moved)
                }
                _ => {
                    let to = self.alloc(new);
                    if !to.is_null() {
                        std::ptr::copy_nonoverlapping(block, to, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    to
                }
            }
        }
    }
}

/// Tells the C library's allocator to keep freed memory instead of returning it to the system. A training step frees and asks for the same large buffers again and again; every return costs a page fault
/// for each 4 KB of the next request (measured: 31,000 faults and 13 % of the time of a step of a 1M-parameter model).
/// Does nothing where the C library is not glibc. One heap for all threads would keep a little less memory, but made
/// tokenizing in parallel three times slower.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (option, value) in [(libc::M_MMAP_MAX, 0), (libc::M_TRIM_THRESHOLD, -1), (libc::M_TOP_PAD, 64 << 20)] {
        // SAFETY: `mallopt` only sets a number inside the allocator, under the allocator's own lock.
        unsafe { libc::mallopt(option, value) };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// An allocator whose blocks begin 0, 16, 32 and 48 bytes beside a line in turn, and move whenever they are asked to grow or shrink.
    #[derive(Default)]
    struct Wandering {
        /// By their address, the system's blocks and how long they are.
        blocks: Mutex<HashMap<usize, (usize, Layout)>>,
        count: AtomicUsize,
    }

    // SAFETY: a block is inside one of the system's that is 128 bytes longer, and is given back as that.
    unsafe impl GlobalAlloc for Wandering {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let longer = Layout::from_size_align(layout.size() + 128, 64).unwrap();
            // SAFETY: the layout is not empty; the offset is less than what the block is longer.
            unsafe {
                let block = System.alloc_zeroed(longer);
                let inside = block.add(16 * (self.count.fetch_add(1, Ordering::Relaxed) % 4));
                self.blocks.lock().unwrap().insert(inside as usize, (block as usize, longer));
                inside
            }
        }

        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            let (block, layout) = self.blocks.lock().unwrap().remove(&(block as usize)).expect("one of ours");
            // SAFETY: the system's block with its layout.
            unsafe { System.dealloc(block as *mut u8, layout) };
        }
    }

    #[test]
    fn large_blocks_lie_on_lines_and_keep_what_they_hold() {
        every_change_of_size(&CacheLines::of_system());
        let wandering = CacheLines(Wandering::default());
        every_change_of_size(&wandering);
        assert!(wandering.0.blocks.into_inner().unwrap().is_empty(), "all blocks are given back");
    }

    fn every_change_of_size(allocator: &impl GlobalAlloc) {
        let sizes = [1, 100, LARGE - 1, LARGE, LARGE + 1, 5_000, 1 << 20, (1 << 20) + 77];
        for &first in &sizes {
            for &second in &sizes {
                for zeroed in [false, true] {
                    let layout = Layout::from_size_align(first, 4).unwrap();
                    let value = |i: usize| (i * 31 % 251) as u8;
                    // SAFETY: layouts are of positive sizes, blocks are used inside their sizes and given back with their layouts.
                    unsafe {
                        let block = if zeroed { allocator.alloc_zeroed(layout) } else { allocator.alloc(layout) };
                        assert!(!block.is_null() && (first < LARGE || (block as usize).is_multiple_of(LINE)));
                        assert!(!zeroed || (0..first).all(|i| block.add(i).read() == 0));
                        (0..first).for_each(|i| block.add(i).write(value(i)));
                        let block = allocator.realloc(block, layout, second);
                        assert!(!block.is_null() && (second < LARGE || (block as usize).is_multiple_of(LINE)));
                        assert!((0..first.min(second)).all(|i| block.add(i).read() == value(i)), "{first} {second}");
                        (0..second).for_each(|i| block.add(i).write(1));
                        allocator.dealloc(block, Layout::from_size_align(second, 4).unwrap());
                    }
                }
            }
        }
    }

    #[test]
    fn a_block_that_no_memory_holds_is_refused() {
        let layout = Layout::from_size_align(isize::MAX as usize - 63, 64).unwrap();
        // SAFETY: the layout is valid and not empty.
        unsafe { assert!(CacheLines::of_system().alloc(layout).is_null()) };
    }
}
