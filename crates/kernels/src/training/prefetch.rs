//! Asks for memory that will be read soon, where the processor cannot see it coming: a head's rows lie as far apart as all heads are wide.

/// Rows from one that is read to the one that is asked for.
pub(super) const ROWS: usize = 8;

/// Asks for `len` values from `at` on, as far as there are any. Nothing depends on it but the time.
#[inline(always)]
pub(super) fn ask_for(values: &[f32], at: usize, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(values) = values.get(at..at + len) {
        for line in values.chunks(16) {
            // SAFETY: every processor of this architecture has the instruction, which reads nothing that a program could see.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at, len);
}
