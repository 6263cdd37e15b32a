//! Matrix products of training: the right operand is packed once into panels of 64 columns, the left one is read where
//! it lies, and tiles of the result stay in registers over a block of the inner dimension.
//!
//! In bf16 both operands are rounded to bfloat16 (to nearest, ties to even) and products are summed in f32: by the
//! processor's matrix unit (AMX), with AVX-512 BF16 by its pairwise dot product, elsewhere by the f32 kernel on the
//! rounded values.

use rayon::prelude::*;

use super::left::{Left, LeftRoom, Strided};
use super::pack::{pack_columns, pack_rows};
use super::tile;

/// Columns a panel. With six rows they make a tile of 24 vectors: of all tiles that fit in 32 registers the one with the
/// fewest loads and instructions for a multiplication, which counts where another thread shares the core (20 % faster
/// there than 8 rows of 32 columns, equal where nobody does).
pub const PANEL: usize = 64;

/// Columns of a last panel that needs no more.
pub const HALF_PANEL: usize = PANEL / 2;

/// What the operands of products are rounded to. Sums are always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nothing is rounded.
    #[default]
    F32,
    /// bfloat16.
    Bf16,
}

impl Precision {
    /// What this processor makes products of bfloat16 with: `amx`, `avx512-bf16`, or `f32`, on values that were rounded.
    pub fn bf16_products() -> &'static str {
        match Layout::of(Self::Bf16) {
            Layout::F32 | Layout::Rounded => "f32",
            #[cfg(target_arch = "x86_64")]
            Layout::Pairs => "avx512-bf16",
            #[cfg(target_arch = "x86_64")]
            Layout::Tiles => "amx",
        }
    }

    /// Whether products in it are made by a matrix unit of the processor.
    pub(super) fn is_on_matrix_unit(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            Layout::of(self) == Layout::Tiles
        }
        #[cfg(not(target_arch = "x86_64"))]
        false
    }
}

/// How panels hold their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// f32 as they are.
    F32,
    /// f32 rounded to bfloat16; the left operand is rounded too.
    Rounded,
    /// Two bfloat16 of neighbouring rows in one word, the first in the low half.
    #[cfg(target_arch = "x86_64")]
    Pairs,
    /// Such words, with words of zeros up to whole tiles of a matrix unit. Panels have 32 columns, so that what such a unit reads one after the
    /// other lies one after the other; the left operand is in tiles too.
    #[cfg(target_arch = "x86_64")]
    Tiles,
}

impl Layout {
    fn of(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16 if tile::has_tiles() => Self::Tiles,
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16 if tile::has_bf16() => Self::Pairs,
            Precision::Bf16 => Self::Rounded,
        }
    }

    /// Columns of a panel.
    fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => HALF_PANEL,
            _ => PANEL,
        }
    }

    /// Words of one column before row `k`, which is even.
    fn words_before(self, k: usize) -> usize {
        match self {
            Self::F32 | Self::Rounded => k,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs | Self::Tiles => k / 2,
        }
    }

    /// Words that `k` rows of one column take.
    pub(super) fn words(self, k: usize) -> usize {
        match self {
            Self::F32 | Self::Rounded => k,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => k.div_ceil(2),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => k.div_ceil(2).next_multiple_of(tile::SIDE),
        }
    }
}

/// A right operand `[k, n]` in panels: `[n / 64 rounded up][words of k][64]`, the last panel padded with zeros; if 32
/// columns are enough for it, it is `[words of k][32]`. For a matrix unit all are.
#[derive(Clone, Debug)]
pub struct Panels {
    layout: Layout,
    k: usize,
    n: usize,
    lines: Vec<Line>,
}

/// A cache line of words: operands begin on one, since a vector load across two lines costs as much as two.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u32; 16]);

// SAFETY: all bits zero are sixteen zero words.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: sixteen words of 4 bytes fill the 64 bytes, so there is no padding; every bit pattern is a value.
unsafe impl bytemuck::Pod for Line {}

impl Panels {
    /// Packs the matrix of these rows, in parallel.
    pub fn of_rows(precision: Precision, rows: &[&[f32]]) -> Self {
        let mut panels = Self::empty(precision);
        panels.shape(rows.len(), rows.first().map_or(0, |r| r.len()));
        let layout = panels.layout;
        panels.each_panel_parallel(|first, pitch, panel| pack_rows(layout, rows, first, pitch, panel));
        panels
    }

    /// Packs the matrix of these columns, in parallel.
    pub fn of_columns(precision: Precision, columns: &[&[f32]]) -> Self {
        let mut panels = Self::empty(precision);
        panels.shape(columns.first().map_or(0, |c| c.len()), columns.len());
        let layout = panels.layout;
        panels.each_panel_parallel(|first, pitch, panel| pack_columns(layout, columns, first, pitch, panel));
        panels
    }

    /// A `0 x 0` matrix, whose memory grows with what [`set_rows`](Self::set_rows) packs.
    pub fn empty(precision: Precision) -> Self {
        Self { layout: Layout::of(precision), k: 0, n: 0, lines: Vec::new() }
    }

    /// Packs the matrix of these rows in the same memory, on this thread.
    pub fn set_rows(&mut self, rows: &[&[f32]]) {
        self.shape(rows.len(), rows.first().map_or(0, |r| r.len()));
        let layout = self.layout;
        self.each_panel(|first, pitch, panel| pack_rows(layout, rows, first, pitch, panel));
    }

    /// Makes room in the same memory for `k` rows of `n` values, zeros or what was there before until [`set_some_rows`](Self::set_some_rows) packs them.
    pub(super) fn begin(&mut self, k: usize, n: usize) {
        (self.k, self.n) = (k, n);
        self.lines.resize(self.width() * self.layout.words(k) / 16, Line([0; 16]));
    }

    /// Packs rows from `at` on, on this thread. Two rows share words: `at` is even, and so is their number unless they are the last.
    pub(super) fn set_some_rows(&mut self, at: usize, rows: &[&[f32]]) {
        let (layout, end) = (self.layout, at + rows.len());
        assert!(end <= self.k && rows.iter().all(|r| r.len() == self.n), "rows of another matrix");
        assert!(at.is_multiple_of(2) && (rows.len().is_multiple_of(2) || end == self.k), "half of two rows");
        let to = if end == self.k { layout.words(end) } else { layout.words_before(end) };
        let from = layout.words_before(at);
        if !rows.is_empty() {
            self.each_panel(|first, pitch, panel| {
                pack_rows(layout, rows, first, pitch, &mut panel[from * pitch..to * pitch]);
            });
        }
    }

    /// Packs the matrix of these columns in the same memory, on this thread.
    pub fn set_columns(&mut self, columns: &[&[f32]]) {
        self.shape(columns.first().map_or(0, |c| c.len()), columns.len());
        let layout = self.layout;
        self.each_panel(|first, pitch, panel| pack_columns(layout, columns, first, pitch, panel));
    }

    fn shape(&mut self, k: usize, n: usize) {
        (self.k, self.n) = (k, n);
        let lines = self.width() * self.layout.words(k) / 16;
        self.lines.clear();
        self.lines.reserve(lines);
        // SAFETY: the capacity is there; lines are words without invalid patterns, and packing, which every caller does next,
        // writes all of them, padding included. Zeroing them first was 0.7 % of a step, on one thread.
        #[allow(clippy::uninit_vec)]
        unsafe {
            self.lines.set_len(lines)
        };
    }

    fn words(&self) -> &[u32] {
        bytemuck::cast_slice(&self.lines)
    }

    fn words_mut(&mut self) -> &mut [u32] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }

    /// Words of a whole panel.
    fn stride(&self) -> usize {
        self.layout.words(self.k) * self.layout.panel()
    }

    /// Columns with the last panel's padding.
    fn width(&self) -> usize {
        self.n.next_multiple_of(HALF_PANEL)
    }

    /// The first column of a panel, and how many it has.
    fn place(&self) -> impl Fn(usize) -> (usize, usize) + use<> {
        let (columns, width) = (self.layout.panel(), self.width());
        move |i| (i * columns, columns.min(width - i * columns))
    }

    /// Calls `pack` with each panel, its first column and how many it has.
    fn each_panel(&mut self, pack: impl Fn(usize, usize, &mut [u32])) {
        let (stride, place) = (self.stride(), self.place());
        for (i, panel) in self.words_mut().chunks_mut(stride.max(1)).enumerate() {
            let (first, pitch) = place(i);
            pack(first, pitch, panel);
        }
    }

    /// As [`each_panel`](Self::each_panel), on all threads.
    fn each_panel_parallel(&mut self, pack: impl Fn(usize, usize, &mut [u32]) + Sync) {
        let (stride, place) = (self.stride(), self.place());
        self.words_mut().par_chunks_mut(stride.max(1)).enumerate().for_each(|(i, panel)| {
            let (first, pitch) = place(i);
            pack(first, pitch, panel);
        });
    }

    /// All of it.
    pub fn all(&self) -> Part<'_> {
        Part { panels: self, k: self.k, n: self.n }
    }

    /// The first `k` rows of the first `n` columns.
    pub fn part(&self, k: usize, n: usize) -> Part<'_> {
        assert!(k <= self.k && n <= self.n, "the part exceeds the matrix");
        Part { panels: self, k, n }
    }
}

/// The upper left part of packed panels.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    panels: &'a Panels,
    k: usize,
    n: usize,
}

impl<'a> Part<'a> {
    /// The first `n` columns.
    pub fn first_columns(self, n: usize) -> Part<'a> {
        assert!(n <= self.n, "the part exceeds the matrix");
        Part { n, ..self }
    }
}

/// What happens to what the result held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// It is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

/// `out = left right`, or `out += left right`: `left` is `[rows, k]`, row- or column-major, `out` row-major with rows `out_width` apart.
/// Each element is summed over `k` in blocks, each in order.
pub fn multiply(
    rows: usize,
    left: Strided<'_>,
    right: Part<'_>,
    out: &mut [f32],
    out_width: usize,
    onto: Onto,
    room: &mut LeftRoom,
) {
    let Part { panels, k, n } = right;
    if rows == 0 || n == 0 {
        return;
    }
    assert!(out_width >= n && (rows - 1) * out_width + n <= out.len(), "result too short");
    if k == 0 {
        if onto == Onto::Replace {
            out.chunks_mut(out_width).take(rows).for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    let layout = panels.layout;
    let left = Left::new(layout, rows, k, left, &mut room.converted);
    let product = tile::Product {
        rows,
        steps: layout.words(k),
        columns: n,
        left: left.words,
        adjacent_rows: left.adjacent_rows,
        stride: left.stride,
        right: panels.words(),
        right_words: layout.words(panels.k),
        right_width: panels.width(),
        out_width,
        add: onto == Onto::Add,
    };
    match layout {
        Layout::F32 | Layout::Rounded => tile::f32(&product, out, &mut room.blocks),
        #[cfg(target_arch = "x86_64")]
        Layout::Pairs => tile::bf16_pairs(&product, out, &mut room.blocks),
        #[cfg(target_arch = "x86_64")]
        Layout::Tiles => tile::bf16_tiles(&product, out),
    }
}

#[cfg(test)]
mod tests;
