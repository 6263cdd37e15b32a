//! How does a product read its left operand? In f32 where it lies; else converted to words of bfloat16, for a matrix unit in its tiles.

use super::pack::rounded;
#[cfg(target_arch = "x86_64")]
use super::pairs;
use super::panels::{Layout, Line};
use super::tile;
use crate::multiversion::multiversion;

/// A matrix seen through strides: element (row, column) is `data[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// The storage.
    pub data: &'a [f32],
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

impl<'a> Strided<'a> {
    /// A row-major matrix whose rows are `width` apart.
    pub fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row_stride: width, column_stride: 1 }
    }

    /// The transpose of a row-major matrix whose rows are `width` apart.
    pub fn columns(data: &'a [f32], width: usize) -> Self {
        Self { data, row_stride: 1, column_stride: width }
    }

    /// Checks that it is row- or column-major and holds at least one row and column; whether it is column-major.
    fn check(&self, rows: usize, columns: usize) -> bool {
        let last = |n: usize, stride: usize| n.saturating_sub(1) * stride;
        let end = last(rows, self.row_stride) + last(columns, self.column_stride);
        assert!(rows > 0 && columns > 0 && end < self.data.len(), "left operand too short");
        assert!(self.row_stride == 1 || self.column_stride == 1, "the left operand is row-major or column-major");
        self.row_stride == 1
    }
}

/// Room for the operands of a product.
#[derive(Clone, Debug, Default)]
pub struct LeftRoom {
    /// All of the left one, converted, on whole cache lines.
    pub(super) converted: Vec<Line>,
    /// Blocks of both.
    pub(super) blocks: tile::Room,
}

/// A left operand as a product reads it.
pub(super) struct Left<'a> {
    pub(super) words: &'a [u32],
    /// As in a [`tile::Product`].
    pub(super) adjacent_rows: bool,
    pub(super) stride: usize,
}

impl<'a> Left<'a> {
    /// This matrix, row- or column-major with at least one row and column, converted into `room` if the layout is another.
    pub(super) fn new(layout: Layout, rows: usize, k: usize, matrix: Strided<'a>, room: &'a mut Vec<Line>) -> Self {
        let by_columns = matrix.check(rows, k);
        let steps = layout.words(k);
        let (words, adjacent_rows): (&[u32], bool) = match layout {
            Layout::F32 => {
                let stride = matrix.row_stride.max(matrix.column_stride);
                return Self { words: bytemuck::cast_slice(matrix.data), adjacent_rows: by_columns, stride };
            }
            Layout::Rounded => {
                let to = words_of(room, rows * steps);
                round(rows, k, matrix, !by_columns, to);
                (to, by_columns)
            }
            #[cfg(target_arch = "x86_64")]
            Layout::Pairs => {
                let to = words_of(room, rows * steps);
                match by_columns {
                    true => pairs::left_columns(rows, k, matrix, to),
                    false => pairs::left_rows(rows, k, matrix, to),
                }
                (to, by_columns)
            }
            #[cfg(target_arch = "x86_64")]
            Layout::Tiles => {
                let to = words_of(room, rows.next_multiple_of(tile::SIDE) * steps);
                match by_columns {
                    true => pairs::left_column_tiles(rows, k, matrix, steps, to),
                    false => pairs::left_row_tiles(rows, k, matrix, steps, to),
                }
                (to, false)
            }
        };
        Self { words, adjacent_rows, stride: if adjacent_rows { rows } else { steps } }
    }
}

/// Room for so many words. It never shrinks: growing again would write zeros that are overwritten.
fn words_of(lines: &mut Vec<Line>, words: usize) -> &mut [u32] {
    if lines.len() < words.div_ceil(16) {
        lines.resize(words.div_ceil(16), Line([0; 16]));
    }
    &mut bytemuck::cast_slice_mut(lines)[..words]
}

multiversion! { fn round(rows: usize, k: usize, left: Strided<'_>, by_rows: bool, to: &mut [u32]) = round_body }

/// The left operand rounded, `[rows][k]` if `by_rows`, else `[k][rows]`.
#[inline(always)]
fn round_body<const FMA: bool, const LANES: usize>(
    rows: usize,
    k: usize,
    left: Strided<'_>,
    by_rows: bool,
    to: &mut [u32],
) {
    let (length, stride) = if by_rows { (k, left.row_stride) } else { (rows, left.column_stride) };
    for (to, from) in to.chunks_exact_mut(length).zip(left.data.chunks(stride)) {
        to.iter_mut().zip(from).for_each(|(w, &x)| *w = rounded(x).to_bits());
    }
}
