//! Slices that several threads fill at once, each its own places, and fresh memory to be filled so.

use std::marker::PhantomData;

/// Shared mutable access to a slice whose users promise to touch disjoint ranges.
pub(crate) struct Disjoint<'a, T = f32> {
    start: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Disjoint<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Disjoint<'_, T> {}

// SAFETY: the only access is `range`, whose contract forbids overlapping ranges at the same time.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), life: PhantomData }
    }

    /// The `len` values from `start` on.
    ///
    /// # Safety
    /// No other range that overlaps this one is in use while the returned slice lives. In [`Unfilled`] memory the
    /// slice is written before it is read.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn range(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start.checked_add(len).is_some_and(|end| end <= self.len), "range outside the slice");
        // SAFETY: in bounds by the assertion; alone by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

/// Memory for a result that a kernel is about to write whole: zeroing it first would cost as much as writing it.
pub(crate) struct Unfilled<T = f32> {
    values: Vec<T>,
    len: usize,
}

impl<T> Unfilled<T> {
    /// Room for `len` values.
    pub(crate) fn new(len: usize) -> Self {
        Self { values: Vec::with_capacity(len), len }
    }

    /// The room, for writing.
    pub(crate) fn room(&mut self) -> Disjoint<'_, T> {
        Disjoint { start: self.values.as_mut_ptr(), len: self.len, life: PhantomData }
    }

    /// The values.
    ///
    /// # Safety
    /// Every one of them has been written.
    pub(crate) unsafe fn filled(mut self) -> Vec<T> {
        // SAFETY: the capacity is at least `len`, and the values are initialized by the caller's promise.
        unsafe { self.values.set_len(self.len) };
        self.values
    }
}
