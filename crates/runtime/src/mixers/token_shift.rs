//! What RWKV's mixers do first: each position beside the one before it.

use std::ops::Range;

/// Calls `each(row, x, before)` for the rows of one sequence, with its values and those of the position before, the first of which
/// `last` holds; then `last` holds the last row's.
pub(super) fn shifted(x: &[f32], rows: Range<usize>, last: &mut [f32], mut each: impl FnMut(usize, &[f32], &[f32])) {
    let width = last.len();
    let row_of = |row: usize| &x[row * width..][..width];
    for row in rows.clone() {
        let before = if row == rows.start { &*last } else { row_of(row - 1) };
        each(row, row_of(row), before);
    }
    if !rows.is_empty() {
        last.copy_from_slice(row_of(rows.end - 1));
    }
}
