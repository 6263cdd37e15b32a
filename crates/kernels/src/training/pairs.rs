//! Words of bfloat16 pairs: how the operands of products become them, by the processor's own conversion (AVX-512 BF16, which rounds to nearest, ties
//! to even, and takes subnormal numbers for zero).

use std::arch::x86_64::*;

use super::left::Strided;
use super::pack::{SIDE, turned};

/// Defines a function that runs `$body` where the instructions are.
macro_rules! native {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        $(#[$meta])*
        pub(super) fn $name($($arg: $ty),*) {
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
            fn native($($arg: $ty),*) {
                // SAFETY: this function runs only where the instructions are.
                unsafe { $body($($arg),*) }
            }
            assert!(super::tile::has_bf16(), "pairs were asked for without the instructions to make them");
            // SAFETY: the assertion has just seen every feature that the function enables.
            unsafe { native($($arg),*) }
        }
    };
}

native! {
    /// Packs `pitch` columns from `first` on of the matrix of these rows.
    fn pack_rows(rows: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) = pack_rows_body
}
native! {
    /// As [`pack_rows`], of the matrix of these columns.
    fn pack_columns(columns: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) = pack_columns_body
}
native! {
    /// The words of a row-major left operand, `[rows][words of k]`.
    fn left_rows(rows: usize, k: usize, left: Strided<'_>, to: &mut [u32]) = left_rows_body
}
native! {
    /// The words of a column-major left operand as it lies, `[words of k][rows]`.
    fn left_columns(rows: usize, k: usize, left: Strided<'_>, to: &mut [u32]) = left_columns_body
}
native! {
    /// The words of a row-major left operand in tiles of 16 rows by 16 words, `[rows / 16][steps / 16][16][16]`, both rounded up; zeros beyond its
    /// `k`, and beyond its rows.
    fn left_row_tiles(rows: usize, k: usize, left: Strided<'_>, steps: usize, to: &mut [u32]) = left_row_tiles_body
}
native! {
    /// As [`left_row_tiles`], of a column-major left operand.
    fn left_column_tiles(rows: usize, k: usize, left: Strided<'_>, steps: usize, to: &mut [u32]) = left_column_tiles_body
}

/// Sixteen values from `at` on, zeros where there are no more.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline(always)]
unsafe fn sixteen(values: &[f32], at: usize) -> __m512 {
    let values = values.get(at..).unwrap_or_default();
    // SAFETY: a masked load reads the values of its mask alone, all of them inside the slice.
    unsafe {
        match values.first_chunk::<16>() {
            Some(values) => _mm512_loadu_ps(values.as_ptr()),
            None => _mm512_maskz_loadu_ps(lanes(values.len()), values.as_ptr()),
        }
    }
}

/// A mask of the first `n` of sixteen lanes.
#[inline(always)]
fn lanes(n: usize) -> u16 {
    ((1u32 << n.min(16)) - 1) as u16
}

/// Writes as many words as there is room for.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline(always)]
unsafe fn put(words: __m512i, to: &mut [u32]) {
    // SAFETY: a masked store writes the words of its mask alone, all of them inside the slice.
    unsafe {
        match to.first_chunk_mut::<16>() {
            Some(to) => _mm512_storeu_si512(to.as_mut_ptr().cast(), words),
            None => _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), lanes(to.len()), words),
        }
    }
}

/// Sixteen words, each of the values that two rows have there.
///
/// # Safety
/// The processor has AVX-512 BW and BF16.
#[inline(always)]
unsafe fn across(low: __m512, high: __m512) -> __m512i {
    const INTERLEAVED: [u16; 32] = {
        let mut order = [0; 32];
        let mut i = 0;
        while i < 32 {
            order[i] = (i / 2 + 16 * (i % 2)) as u16;
            i += 1;
        }
        order
    };
    // SAFETY: the caller's promise; the array is one register long, and vectors of bfloat16 are vectors of 16-bit numbers.
    unsafe {
        let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
        _mm512_permutexvar_epi16(_mm512_loadu_si512(INTERLEAVED.as_ptr().cast()), both)
    }
}

/// Sixteen words of up to 32 neighbouring values.
///
/// # Safety
/// The processor has AVX-512 BF16.
#[inline(always)]
unsafe fn along(values: &[f32]) -> __m512i {
    // SAFETY: the caller's promise; vectors of bfloat16 are vectors of words.
    unsafe {
        let (low, high) = (sixteen(values, 0), sixteen(values, 16));
        std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
    }
}

/// # Safety
/// The processor has AVX-512 BW and BF16. So for all that follow.
#[inline(always)]
unsafe fn pack_rows_body(rows: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) {
    for (w, to) in panel.chunks_exact_mut(pitch).enumerate() {
        let row = |i: usize| rows.get(i).map_or(&[][..], |row| &row[first..]);
        let (low, high) = (row(2 * w), row(2 * w + 1));
        for (v, to) in to.chunks_exact_mut(SIDE).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { put(across(sixteen(low, v * SIDE), sixteen(high, v * SIDE)), to) };
        }
    }
}

#[inline(always)]
unsafe fn pack_columns_body(columns: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) {
    let columns = &columns[first..(first + pitch).min(columns.len())];
    let words = panel.len() / pitch;
    for from in (0..words).step_by(SIDE) {
        for group in (0..pitch).step_by(SIDE) {
            // SAFETY: the caller's promise.
            unsafe {
                let mut block = [_mm512_setzero_si512(); SIDE];
                for (words, column) in block.iter_mut().zip(columns.get(group..).unwrap_or_default()) {
                    *words = along(column.get(2 * from..).unwrap_or_default());
                }
                for (words, to) in turned(block).into_iter().zip(panel[from * pitch..].chunks_exact_mut(pitch)) {
                    put(words, &mut to[group..group + SIDE]);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn left_rows_body(rows: usize, k: usize, left: Strided<'_>, to: &mut [u32]) {
    for (i, to) in to.chunks_exact_mut(k.div_ceil(2)).take(rows).enumerate() {
        let row = &left.data[i * left.row_stride..][..k];
        for (to, from) in to.chunks_mut(SIDE).zip((0..).step_by(2 * SIDE)) {
            // SAFETY: the caller's promise.
            unsafe { put(along(row.get(from..).unwrap_or_default()), to) };
        }
    }
}

#[inline(always)]
unsafe fn left_row_tiles_body(rows: usize, k: usize, left: Strided<'_>, steps: usize, to: &mut [u32]) {
    for (top, to) in to.chunks_exact_mut(SIDE * steps).enumerate() {
        for i in 0..SIDE {
            let row = top * SIDE + i;
            let row = if row < rows { &left.data[row * left.row_stride..][..k] } else { &[] };
            for (tile, from) in to.chunks_exact_mut(SIDE * SIDE).zip((0..).step_by(2 * SIDE)) {
                // SAFETY: the caller's promise.
                unsafe { put(along(row.get(from..).unwrap_or_default()), &mut tile[i * SIDE..][..SIDE]) };
            }
        }
    }
}

/// Two columns of a left operand; the second is empty beyond `k`.
#[inline(always)]
fn two_columns(left: Strided<'_>, rows: usize, k: usize, word: usize) -> [&[f32]; 2] {
    [2 * word, 2 * word + 1].map(|p| if p < k { &left.data[p * left.column_stride..][..rows] } else { &[][..] })
}

#[inline(always)]
unsafe fn left_columns_body(rows: usize, k: usize, left: Strided<'_>, to: &mut [u32]) {
    for (w, to) in to.chunks_exact_mut(rows).enumerate() {
        let [low, high] = two_columns(left, rows, k, w);
        for (to, from) in to.chunks_mut(SIDE).zip((0..).step_by(SIDE)) {
            // SAFETY: the caller's promise.
            unsafe { put(across(sixteen(low, from), sixteen(high, from)), to) };
        }
    }
}

#[inline(always)]
unsafe fn left_column_tiles_body(rows: usize, k: usize, left: Strided<'_>, steps: usize, to: &mut [u32]) {
    let tiles = steps / SIDE;
    for (i, tile) in to.chunks_exact_mut(SIDE * SIDE).enumerate() {
        let (top, from) = (i / tiles * SIDE, i % tiles * SIDE);
        // SAFETY: the caller's promise.
        unsafe {
            let mut block = [_mm512_setzero_si512(); SIDE];
            for (w, words) in block.iter_mut().enumerate() {
                let [low, high] = two_columns(left, rows, k, from + w);
                *words = across(sixteen(low, top), sixteen(high, top));
            }
            for (words, to) in turned(block).into_iter().zip(tile.chunks_exact_mut(SIDE)) {
                put(words, to);
            }
        }
    }
}
