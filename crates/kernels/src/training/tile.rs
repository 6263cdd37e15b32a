//! The inner loops of [`super::panels`]: tiles of the result in registers, over words of f32 or of bfloat16 pairs.

use std::ops::Range;

use crate::multiversion::mul_add;
#[cfg(target_arch = "x86_64")]
use crate::multiversion::{Level, level};

use super::panels::{HALF_PANEL, PANEL};

/// Most steps over the inner dimension between two visits of the result: a panel's block (24 KB) then stays in the nearest
/// cache, most of it even where two threads share that. Of 64, 96, 128, 192 and 256 the fastest.
const STEPS: usize = 96;

/// Rows of the left operand between two visits of a panel: they then stay in the core's second cache while all panels
/// pass through the first.
const ROWS: usize = 42 * TILE;

/// Rows of a tile.
pub(super) const TILE: usize = 6;

/// Columns of a tile where there are sixteen registers of eight values, or fewer.
const NARROW: usize = 16;

/// Rows that read a panel where it lies: fewer visits than would pay for copying it.
const FEW: usize = 2 * TILE;

/// Columns from which on gathering a column-major left operand costs less than reading it where it lies.
const GATHERING_PAYS: usize = 192;

/// Steps of the left operand that are gathered at a time; with [`ROWS`] they take half a megabyte.
const GATHERED: usize = 4 * STEPS;

/// A product whose operands are words; the caller has checked that every index is inside its slice.
pub(super) struct Product<'a> {
    /// Rows of the result.
    pub rows: usize,
    /// Words of the inner dimension.
    pub steps: usize,
    /// Columns of the result.
    pub columns: usize,
    /// The left operand.
    pub left: &'a [u32],
    /// Whether words of neighbouring rows are neighbours: word (row, step) is at `row + step * stride`, else at
    /// `row * stride + step`.
    pub adjacent_rows: bool,
    pub stride: usize,
    /// Panels, `[words][64]` each, the last perhaps `[words][32]`.
    pub right: &'a [u32],
    /// Words of the inner dimension that the panels hold.
    pub right_words: usize,
    /// Columns the panels hold, rounded up to 32.
    pub right_width: usize,
    /// Distance between the result's rows.
    pub out_width: usize,
    /// Whether to add to the result.
    pub add: bool,
}

/// Memory of products that are made one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// A block of the left operand.
    gathered: Vec<u32>,
    /// Sixteen columns of a block of the right one.
    close: Vec<u32>,
}

impl Product<'_> {
    /// Where a word of the left operand is.
    #[inline(always)]
    fn at(&self, row: usize, step: usize) -> usize {
        if self.adjacent_rows { row + step * self.stride } else { row * self.stride + step }
    }

    fn check(&self, out: &[f32]) {
        let last = self.at(self.rows - 1, self.steps - 1);
        assert!(last < self.left.len(), "left operand too short");
        assert!(self.steps <= self.right_words && self.columns <= self.right_width, "the product exceeds the panels");
        assert!(self.right_width.is_multiple_of(HALF_PANEL), "panels are whole or halves");
        assert!(self.right_words * self.right_width <= self.right.len(), "panels too short");
        assert!((self.rows - 1) * self.out_width + self.columns <= out.len(), "result too short");
    }
}

/// What a tile is made of.
#[derive(Clone, Copy)]
struct Operands {
    /// Words of the inner dimension.
    steps: usize,
    /// The left operand, and the distance between its steps if rows are neighbours, else between its rows.
    left: *const u32,
    stride: usize,
    /// The right operand, rows of words `pitch` apart.
    right: *const u32,
    pitch: usize,
    /// Words that will be needed soon. They are asked for, nothing more.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "no other instruction set asks"))]
    ahead: *const u32,
    /// The result, rows `out_width` apart, and whether to add to it.
    out: *mut f32,
    out_width: usize,
    add: bool,
}

/// How one instruction set multiplies words.
trait Multiply {
    /// `out[row][..N]` is set to `left[row][step] * right[step][..N]` summed over `steps`, or that is added to it.
    ///
    /// # Safety
    /// All `M` rows and `steps` steps of the left operand and all `steps` rows of `N` words of the right one are readable,
    /// `M` rows of `N` values of `out` writable; the processor has the instructions.
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(operands: Operands);
}

/// The first word of each row. With these the compiler needs no arithmetic on addresses but the step's own: where another
/// thread shares the core's front end, every instruction beside the multiplications is lost time.
#[inline(always)]
fn rows_of<const M: usize, const ADJACENT: bool>(left: *const u32, stride: usize) -> [*const u32; M] {
    std::array::from_fn(|i| left.wrapping_add(if ADJACENT { i } else { i * stride }))
}

struct F32<const FMA: bool>;

impl<const FMA: bool> Multiply for F32<FMA> {
    #[inline(always)]
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(operands: Operands) {
        let Operands { steps, left, stride, right, pitch, ahead: _, out, out_width, add } = operands;
        let rows = rows_of::<M, ADJACENT>(left, stride);
        let mut sums = [[0f32; N]; M];
        for p in 0..steps {
            // SAFETY: inside the operands by the caller's promise; f32 and u32 have the same size and alignment.
            let row: &[f32; N] = unsafe { &*right.add(p * pitch).cast::<[f32; N]>() };
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let x = f32::from_bits(unsafe { *rows[i].add(if ADJACENT { p * stride } else { p }) });
                for (s, &y) in sum.iter_mut().zip(row) {
                    *s = mul_add::<FMA>(x, y, *s);
                }
            }
        }
        for (i, mut sum) in sums.into_iter().enumerate() {
            // SAFETY: row i's N values may be written by the caller's promise.
            let row = unsafe { &mut *out.add(i * out_width).cast::<[f32; N]>() };
            if add {
                sum.iter_mut().zip(row.iter()).for_each(|(s, o)| *s += o);
            }
            *row = sum;
        }
    }
}

#[inline(always)]
fn product_body<K: Multiply, const LARGE: bool>(p: &Product<'_>, out: &mut [f32], room: &mut Room) {
    p.check(out);
    let gathers = p.adjacent_rows && p.columns >= GATHERING_PAYS;
    let block = if gathers { GATHERED } else { p.steps };
    for top in (0..p.rows).step_by(ROWS) {
        let rows = ROWS.min(p.rows - top);
        for from in (0..p.steps).step_by(block) {
            let range = from..p.steps.min(from + block);
            let words = &p.left[p.at(top, from)..];
            if gathers {
                let steps = range.len();
                gather(words, p.stride, rows, steps, &mut room.gathered);
                let left = Left { words: &room.gathered, row: 1, step: TILE, tile: TILE * steps };
                blocks::<K, LARGE, true>(p, left, top, rows, range, out, &mut room.close);
            } else if p.adjacent_rows {
                let left = Left { words, row: 1, step: p.stride, tile: TILE };
                blocks::<K, LARGE, true>(p, left, top, rows, range, out, &mut room.close);
            } else {
                let left = Left { words, row: p.stride, step: 1, tile: TILE * p.stride };
                blocks::<K, LARGE, false>(p, left, top, rows, range, out, &mut room.close);
            }
        }
    }
}

/// Where the words of a block of the left operand are.
#[derive(Clone, Copy)]
struct Left<'a> {
    words: &'a [u32],
    /// Distances between rows of a tile, between steps, and between tiles of [`TILE`] rows.
    row: usize,
    step: usize,
    tile: usize,
}

impl Left<'_> {
    #[inline(always)]
    fn at(&self, row: usize, step: usize) -> usize {
        row / TILE * self.tile + row % TILE * self.row + step * self.step
    }
}

/// Puts the words of each tile next to each other, `[tile][step][6]`: steps that lie far apart would fall on few sets of
/// the nearest cache and on a page each.
#[inline(always)]
fn gather(from: &[u32], stride: usize, rows: usize, steps: usize, to: &mut Vec<u32>) {
    to.resize(rows.next_multiple_of(TILE) * steps, 0);
    for first in (0..steps).step_by(16) {
        let last = steps.min(first + 16);
        for (tile, to) in to.chunks_exact_mut(TILE * steps).enumerate() {
            let from = &from[tile * TILE + first * stride..];
            let to = &mut to[first * TILE..last * TILE];
            // Whole registers, each over the end of the one before; only the last step has to keep to its six words.
            let whole = last - first - 1;
            if rows >= (tile + 1) * TILE && whole * stride + WIDE <= from.len() {
                for step in 0..whole {
                    to[step * TILE..][..WIDE].copy_from_slice(&from[step * stride..][..WIDE]);
                }
                to[whole * TILE..].copy_from_slice(&from[whole * stride..][..TILE]);
            } else {
                let rows = TILE.min(rows - tile * TILE);
                for (step, to) in to.chunks_exact_mut(TILE).enumerate() {
                    to[..rows].copy_from_slice(&from[step * stride..][..rows]);
                }
            }
        }
    }
}

/// Words that [`gather`] copies at once: at least a tile's rows, and a register.
const WIDE: usize = 8;

/// The steps of `range` for `rows` rows from `top` on and all columns.
#[inline(always)]
fn blocks<K: Multiply, const LARGE: bool, const ADJACENT: bool>(
    p: &Product<'_>,
    left: Left<'_>,
    top: usize,
    rows: usize,
    range: Range<usize>,
    out: &mut [f32],
    close: &mut Vec<u32>,
) {
    // Blocks of equal length: a short last one would cost a visit of the result all the same.
    let block = range.len().div_ceil(range.len().div_ceil(STEPS)).next_multiple_of(4);
    for first in (0..p.columns).step_by(PANEL) {
        let pitch = PANEL.min(p.right_width - first);
        let columns = PANEL.min(p.columns - first);
        let out = &mut out[top * p.out_width + first..];
        for from in range.clone().step_by(block) {
            let steps = block.min(range.end - from);
            let add = p.add || from > 0;
            let left = Left { words: &left.words[left.at(0, from - range.start)..], ..left };
            let panel = Panel { words: &p.right[first * p.right_words + from * pitch..], pitch };
            if !LARGE {
                for first in (0..columns).step_by(NARROW) {
                    let (words, out) = (&panel.words[first..], &mut out[first..]);
                    let size = Size { rows, steps, columns: NARROW.min(columns - first), add };
                    let mut panel = Panel { words, pitch };
                    if rows > FEW {
                        panel = close_together(panel, steps, close);
                    }
                    columns_of::<K, NARROW, ADJACENT>(p, left, panel, out, size);
                }
            } else if columns > HALF_PANEL {
                columns_of::<K, PANEL, ADJACENT>(p, left, panel, out, Size { rows, steps, columns, add });
            } else {
                columns_of::<K, HALF_PANEL, ADJACENT>(p, left, panel, out, Size { rows, steps, columns, add });
            }
        }
    }
}

/// The words of [`NARROW`] columns without the panel's other columns between them: as they lie in the panel, they fall on every fourth
/// set of the nearest cache alone, and push each other out of it.
#[inline(always)]
fn close_together<'a>(panel: Panel<'_>, steps: usize, room: &'a mut Vec<u32>) -> Panel<'a> {
    room.resize(STEPS * NARROW, 0);
    let (to, _) = room.as_chunks_mut::<NARROW>();
    for (to, from) in to.iter_mut().zip(panel.words.chunks(panel.pitch)).take(steps) {
        to.copy_from_slice(&from[..NARROW]);
    }
    Panel { words: &room[..steps * NARROW], pitch: NARROW }
}

/// What a block multiplies, and whether it adds to the result.
#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    steps: usize,
    columns: usize,
    add: bool,
}

/// A block of a panel's words, from its first step on; rows of words are `pitch` apart.
#[derive(Clone, Copy)]
struct Panel<'a> {
    words: &'a [u32],
    pitch: usize,
}

/// At most `N` columns, [`TILE`] rows at a time.
#[inline(always)]
fn columns_of<K: Multiply, const N: usize, const ADJACENT: bool>(
    p: &Product<'_>,
    left: Left<'_>,
    panel: Panel<'_>,
    out: &mut [f32],
    size: Size,
) {
    let mut i = 0;
    // The next block of words follows this one; each row of tiles asks for its share of it. (Addresses only: beyond the end
    // nothing is asked for that matters.)
    let next = panel.words.as_ptr().wrapping_add(size.steps * panel.pitch);
    let share = size.steps * panel.pitch / size.rows;
    while i < size.rows {
        let (words, out) = (&left.words[left.at(i, 0)..], &mut out[i * p.out_width..]);
        let ahead = next.wrapping_add(i * share);
        let stride = if ADJACENT { left.step } else { left.row };
        let rows = size.rows - i;
        if rows >= TILE {
            store::<K, TILE, N, ADJACENT>(p.out_width, words, stride, panel, ahead, out, size);
            i += TILE;
        } else if rows >= 4 {
            store::<K, 4, N, ADJACENT>(p.out_width, words, stride, panel, ahead, out, size);
            i += 4;
        } else if rows >= 2 {
            store::<K, 2, N, ADJACENT>(p.out_width, words, stride, panel, ahead, out, size);
            i += 2;
        } else {
            store::<K, 1, N, ADJACENT>(p.out_width, words, stride, panel, ahead, out, size);
            i += 1;
        }
    }
}

#[inline(always)]
fn store<K: Multiply, const M: usize, const N: usize, const ADJACENT: bool>(
    out_width: usize,
    left: &[u32],
    stride: usize,
    panel: Panel<'_>,
    ahead: *const u32,
    out: &mut [f32],
    Size { steps, columns, add, .. }: Size,
) {
    let last = if ADJACENT { M - 1 + (steps - 1) * stride } else { (M - 1) * stride + steps - 1 };
    assert!(last < left.len() && (steps - 1) * panel.pitch + N <= panel.words.len(), "operands too short");
    assert!((M - 1) * out_width + columns <= out.len(), "result too short");
    let (left, right, pitch) = (left.as_ptr(), panel.words.as_ptr(), panel.pitch);
    if columns == N {
        let operands = Operands { steps, left, stride, right, pitch, ahead, out: out.as_mut_ptr(), out_width, add };
        // SAFETY: the assertions have seen the last word of both operands and the last value of the result inside their
        // slices. `product_body` runs only where its instructions exist.
        unsafe { K::tile::<M, N, ADJACENT>(operands) };
    } else {
        let mut whole = [[0f32; N]; M];
        let to = whole.as_mut_ptr().cast();
        let operands = Operands { steps, left, stride, right, pitch, ahead, out: to, out_width: N, add: false };
        // SAFETY: as above; a panel's words are there beyond its last column, too.
        unsafe { K::tile::<M, N, ADJACENT>(operands) };
        for (i, whole) in whole.iter().enumerate() {
            let out = &mut out[i * out_width..][..columns];
            match add {
                true => out.iter_mut().zip(whole).for_each(|(o, w)| *o += w),
                false => out.copy_from_slice(&whole[..columns]),
            }
        }
    }
}

/// The product of words that are f32.
pub(super) fn f32(product: &Product<'_>, out: &mut [f32], room: &mut Room) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has just seen the features that the function enables.
        Level::Avx512 => return unsafe { avx512::f32(product, out, room) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { avx2::f32(product, out, room) },
        Level::Baseline => {}
    }
    product_body::<F32<{ cfg!(target_arch = "aarch64") }>, false>(product, out, room);
}

/// Whether the processor multiplies pairs of bfloat16.
#[cfg(target_arch = "x86_64")]
pub(super) fn has_bf16() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16") && level() == Level::Avx512
}

/// The product of words of bfloat16 pairs.
///
/// # Panics
/// Where [`has_bf16`] is false: no one packs pairs there.
#[cfg(target_arch = "x86_64")]
pub(super) fn bf16_pairs(product: &Product<'_>, out: &mut [f32], room: &mut Room) {
    assert!(has_bf16(), "pairs were packed without the instructions to multiply them");
    // SAFETY: the assertion has just seen every feature that the function enables.
    unsafe { avx512::bf16_pairs(product, out, room) }
}

/// Whether the processor has a matrix unit for bfloat16, and the system lets this process use it.
#[cfg(target_arch = "x86_64")]
pub(super) fn has_tiles() -> bool {
    has_bf16() && amx::available()
}

#[cfg(target_arch = "x86_64")]
pub(super) use amx::{SIDE, bf16_pairs as bf16_tiles};

#[cfg(target_arch = "x86_64")]
#[path = "tile_amx.rs"]
mod amx;
#[cfg(target_arch = "x86_64")]
#[path = "tile_avx2.rs"]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[path = "tile_avx512.rs"]
mod avx512;

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// The panels of other instruction sets than the processor's best are tried here: `panels`' own tests see that one alone.
    #[test]
    fn avx2_gives_what_plain_code_gives() {
        if !(std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")) {
            println!("skipped: the processor has no AVX2 with FMA");
            return;
        }
        let words = |n: usize, seed: usize| -> Vec<u32> {
            let value = |i: usize| ((i * 2_654_435 + seed * 97) % 2_048) as f32 / 1_024.0 - 1.0;
            (0..n).map(|i| value(i).to_bits()).collect()
        };
        let shapes: [(usize, usize, usize); 6] =
            [(1, 1, 1), (6, 96, 16), (7, 97, 31), (13, 300, 64), (45, 200, 200), (300, 33, 97)];
        for (rows, steps, columns) in shapes {
            for adjacent_rows in [false, true] {
                for add in [false, true] {
                    let right_width = columns.next_multiple_of(HALF_PANEL);
                    let (left, right) = (words(rows * steps, 1), words(steps * right_width, 2));
                    let product = Product {
                        rows,
                        steps,
                        columns,
                        left: &left,
                        adjacent_rows,
                        stride: if adjacent_rows { rows } else { steps },
                        right: &right,
                        right_words: steps,
                        right_width,
                        out_width: columns + 3,
                        add,
                    };
                    let start: Vec<f32> = words(rows * (columns + 3), 3).into_iter().map(f32::from_bits).collect();
                    let (mut plain, mut fast) = (start.clone(), start);
                    product_body::<F32<false>, false>(&product, &mut plain, &mut Room::default());
                    // SAFETY: the features have just been seen.
                    unsafe { avx2::f32(&product, &mut fast, &mut Room::default()) };
                    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * (1.0 + a.abs());
                    assert!(plain.iter().zip(&fast).all(near), "{rows} x {steps} x {columns}, {adjacent_rows} {add}");
                }
            }
        }
    }
}
