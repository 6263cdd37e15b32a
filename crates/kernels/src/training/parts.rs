//! How are rows cut among threads, and how are the threads' sums added up?
//!
//! A backward pass sums weight gradients over all rows. Each thread takes one contiguous part of the rows and sums into
//! its own buffer while the rows' other results are in its cache; the buffers are added in order afterwards. So the bits
//! depend on the number of threads, and on nothing else.

use std::ops::Range;

use rayon::prelude::*;

use super::panels::Precision;
use super::tile::TILE;

/// Rows worked on at once by an operation over `rows` rows whose weights have `values` values: whole tiles, and about as
/// many chunks for each thread.
///
/// Weights and their gradients pass through the core once for each chunk, so large ones want more rows; the rows' own
/// values should stay in its second cache, so small ones want fewer. Of 48 to 192 rows 96 were fastest at 131,000 values; of
/// 96 to 510 rows, 126 to 192 at 2 million.
///
/// On a matrix unit, which multiplies faster than memory gives and takes, weights and gradients should pass less often: of 96, 192, 384 and
/// 768 rows, 384 were fastest or as fast at all of these sizes.
pub(super) fn chunk_rows(rows: usize, values: usize, precision: Precision) -> usize {
    let target = match precision.is_on_matrix_unit() {
        true => 384,
        false if values <= 300_000 => 96,
        false => 192,
    };
    let threads = rayon::current_num_threads();
    let chunks = threads * rows.div_ceil(threads * target).max(1);
    let whole = if precision.is_on_matrix_unit() { BLOCK } else { TILE };
    rows.div_ceil(chunks).next_multiple_of(whole).max(whole)
}

/// Rows of a block of a matrix unit.
const BLOCK: usize = 32;

/// Rows of a chunk of `chunk` rows whose results, `values` each, are made and used before the next ones, by an operation whose weights have `weights`
/// values.
///
/// A matrix unit gives results faster than memory takes them, and reads them again as bfloat16: what is made and used at once (half a megabyte)
/// should stay in the core's second cache. Where the weights do not fit beside it, they pass by for each such block, so it is as large as they are.
pub(super) fn near_rows(values: usize, weights: usize, chunk: usize, precision: Precision) -> usize {
    const NEAR: usize = 1 << 17;
    if !precision.is_on_matrix_unit() {
        return chunk;
    }
    // Weights are of half as many bytes.
    (NEAR.max(weights / 2) / values / BLOCK * BLOCK).clamp(2 * BLOCK, chunk.max(2 * BLOCK))
}

/// Calls `work` on one contiguous part of `0..rows` for each thread, to be worked on in chunks of `chunk` rows; the results in order. At least one
/// part.
pub(super) fn over_parts<R: Send>(rows: usize, chunk: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let parts = rayon::current_num_threads().min(rows.div_ceil(chunk)).max(1);
    let length = rows.div_ceil(parts).next_multiple_of(chunk.min(BLOCK));
    let part = |i: usize| (i * length).min(rows)..((i + 1) * length).min(rows);
    (0..parts).into_par_iter().map(|i| work(part(i))).collect()
}

/// The chunks of a part.
pub(super) fn chunks(part: Range<usize>, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    part.clone().step_by(chunk).map(move |start| start..(start + chunk).min(part.end))
}

/// Adds the buffers element by element, in order.
pub(super) fn sum(buffers: Vec<Vec<f32>>) -> Vec<f32> {
    let mut buffers = buffers.into_iter();
    let mut total = buffers.next().unwrap_or_default();
    let rest: Vec<Vec<f32>> = buffers.collect();
    const BLOCK: usize = 1 << 14;
    total.par_chunks_mut(BLOCK).enumerate().for_each(|(i, total)| {
        for other in &rest {
            total.iter_mut().zip(&other[i * BLOCK..]).for_each(|(t, o)| *t += o);
        }
    });
    total
}

/// Turns the parts' lists of buffers into one list of sums.
pub(super) fn sum_each(parts: Vec<Vec<Vec<f32>>>) -> Vec<Vec<f32>> {
    let count = parts.first().map_or(0, Vec::len);
    let mut columns: Vec<Vec<Vec<f32>>> = (0..count).map(|_| Vec::with_capacity(parts.len())).collect();
    for part in parts {
        columns.iter_mut().zip(part).for_each(|(column, buffer)| column.push(buffer));
    }
    columns.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_row_once() {
        for rows in [0, 1, 127, 128, 129, 1000, 4096] {
            let seen: Vec<usize> = over_parts(rows, 64, |part| chunks(part, 64).flatten().collect::<Vec<_>>()).concat();
            assert_eq!(seen, (0..rows).collect::<Vec<_>>());
        }
    }

    #[test]
    fn sums_are_elementwise() {
        let long = 40_000;
        let sums = sum_each(vec![vec![vec![1.0; long], vec![2.0]], vec![vec![3.0; long], vec![4.0]]]);
        assert_eq!(sums, [vec![4.0; long], vec![6.0]]);
    }
}
