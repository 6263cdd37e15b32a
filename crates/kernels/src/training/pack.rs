//! Packing: how the rows or columns of a matrix become a panel's words.

#[cfg(target_arch = "x86_64")]
use super::pairs;
use super::panels::{HALF_PANEL, Layout, PANEL};
use crate::multiversion::multiversion;

/// Packs `pitch` columns from `first` on of the matrix of these rows: 64 or 32.
pub(super) fn pack_rows(layout: Layout, rows: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) {
    match layout {
        Layout::F32 | Layout::Rounded => pack_row_words(layout, rows, first, pitch, panel),
        #[cfg(target_arch = "x86_64")]
        Layout::Pairs | Layout::Tiles => pairs::pack_rows(rows, first, pitch, panel),
    }
}

/// As [`pack_rows`], of the matrix of these columns.
pub(super) fn pack_columns(layout: Layout, columns: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) {
    match layout {
        Layout::F32 | Layout::Rounded => pack_column_words(layout, columns, first, pitch, panel),
        #[cfg(target_arch = "x86_64")]
        Layout::Pairs | Layout::Tiles => pairs::pack_columns(columns, first, pitch, panel),
    }
}

multiversion! { fn pack_row_words(layout: Layout, rows: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) = pack_rows_body }
multiversion! { fn pack_column_words(layout: Layout, columns: &[&[f32]], first: usize, pitch: usize, panel: &mut [u32]) = pack_columns_body }

#[inline(always)]
fn pack_rows_body<const FMA: bool, const LANES: usize>(
    layout: Layout,
    rows: &[&[f32]],
    first: usize,
    pitch: usize,
    panel: &mut [u32],
) {
    if pitch == PANEL {
        pack_rows_to::<PANEL>(layout, rows, first, panel);
    } else {
        pack_rows_to::<HALF_PANEL>(layout, rows, first, panel);
    }
}

#[inline(always)]
fn pack_rows_to<const PITCH: usize>(layout: Layout, rows: &[&[f32]], first: usize, panel: &mut [u32]) {
    let columns = PITCH.min(rows[0].len() - first);
    let (words, _) = panel.as_chunks_mut::<PITCH>();
    let convert = |x: f32| if layout == Layout::F32 { x } else { rounded(x) };
    for (word, row) in words.iter_mut().zip(rows) {
        let row = &row[first..first + columns];
        if let Ok(row) = <&[f32; PITCH]>::try_from(row) {
            for (w, &x) in word.iter_mut().zip(row) {
                *w = convert(x).to_bits();
            }
        } else {
            word.fill(0);
            word.iter_mut().zip(row).for_each(|(w, &x)| *w = convert(x).to_bits());
        }
    }
}

#[inline(always)]
fn pack_columns_body<const FMA: bool, const LANES: usize>(
    layout: Layout,
    columns: &[&[f32]],
    first: usize,
    pitch: usize,
    panel: &mut [u32],
) {
    if pitch == PANEL {
        pack_columns_to::<PANEL, FMA, LANES>(layout, columns, first, panel);
    } else {
        pack_columns_to::<HALF_PANEL, FMA, LANES>(layout, columns, first, panel);
    }
}

#[inline(always)]
fn pack_columns_to<const PITCH: usize, const FMA: bool, const LANES: usize>(
    layout: Layout,
    columns: &[&[f32]],
    first: usize,
    panel: &mut [u32],
) {
    let words = layout.words(columns[0].len());
    let columns = &columns[first..(first + PITCH).min(columns.len())];
    if columns.len() < PITCH {
        panel.fill(0);
    }
    let (panel, _) = panel.as_chunks_mut::<PITCH>();
    for from in (0..words).step_by(SIDE) {
        let rows = SIDE.min(words - from);
        for (group, columns) in columns.chunks(SIDE).enumerate() {
            let mut block = [[0; SIDE]; SIDE];
            for (words, column) in block.iter_mut().zip(columns) {
                column_words(layout, column, from, rows, words);
            }
            let block = transposed::<FMA, LANES>(&block);
            let at = group * SIDE;
            let width = columns.len().min(SIDE);
            for (row, words) in panel[from..from + rows].iter_mut().zip(&block) {
                match row[at..].first_chunk_mut::<SIDE>() {
                    Some(to) if width == SIDE => *to = *words,
                    _ => row[at..at + width].copy_from_slice(&words[..width]),
                }
            }
        }
    }
}

/// Words `from..from + rows` of a column.
#[inline(always)]
fn column_words(layout: Layout, column: &[f32], from: usize, rows: usize, words: &mut [u32; SIDE]) {
    let convert = |x: f32| if layout == Layout::F32 { x } else { rounded(x) };
    let values = &column[from..];
    match values.first_chunk::<SIDE>() {
        Some(values) => words.iter_mut().zip(values).for_each(|(w, &x)| *w = convert(x).to_bits()),
        None => words.iter_mut().zip(&values[..rows]).for_each(|(w, &x)| *w = convert(x).to_bits()),
    }
}

/// Rows and columns that are turned at a time: one register of the widest instruction set.
pub(super) const SIDE: usize = 16;

/// Rows become columns.
#[inline(always)]
pub(super) fn transposed<const FMA: bool, const LANES: usize>(block: &[[u32; SIDE]; SIDE]) -> [[u32; SIDE]; SIDE] {
    #[cfg(target_arch = "x86_64")]
    if LANES == 32 {
        // SAFETY: only the body that is compiled for AVX-512 has 32 lanes.
        return unsafe { transposed_avx512(block) };
    } else if FMA {
        // SAFETY: only the bodies that are compiled for AVX2 and for AVX-512 have fused multiply-adds.
        return unsafe { transposed_avx2(block) };
    }
    std::array::from_fn(|row| std::array::from_fn(|column| block[column][row]))
}

/// Four blocks of eight by eight, each in three rounds of exchanges: words, pairs and halves of registers.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transposed_avx2(block: &[[u32; SIDE]; SIDE]) -> [[u32; SIDE]; SIDE] {
    use std::arch::x86_64::*;
    let mut out = [[0; SIDE]; SIDE];
    // SAFETY: every load and store is of half a row of 16 words; the caller vouches for the instructions.
    unsafe {
        for corner in 0..4 {
            let (down, right) = (corner / 2 * 8, corner % 2 * 8);
            // No closures: they would not have the instruction set.
            let mut rows = [_mm256_setzero_ps(); 8];
            for (row, from) in rows.iter_mut().zip(&block[down..]) {
                *row = _mm256_loadu_ps(from[right..].as_ptr().cast());
            }
            // Of rows 4k to 4k + 3, columns 4h + c side by side: `fours[k][c]` holds, in half h, words of those rows.
            let mut fours = [[_mm256_setzero_ps(); 4]; 2];
            for (four, rows) in fours.iter_mut().zip(rows.as_chunks::<4>().0) {
                let (ab_low, ab_high) = (_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1]));
                let (cd_low, cd_high) = (_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3]));
                *four = [
                    _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0xee>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                    _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
                ];
            }
            for c in 0..4 {
                let (low, high) = (fours[0][c], fours[1][c]);
                let (low, high) =
                    (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high));
                _mm256_storeu_ps(out[right + c][down..].as_mut_ptr().cast(), low);
                _mm256_storeu_ps(out[right + c + 4][down..].as_mut_ptr().cast(), high);
            }
        }
    }
    out
}

/// In registers.
///
/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transposed_avx512(block: &[[u32; SIDE]; SIDE]) -> [[u32; SIDE]; SIDE] {
    use std::arch::x86_64::*;
    let mut out = [[0; SIDE]; SIDE];
    // SAFETY: every load and store is of one row of 16 words; the caller vouches for the instructions.
    unsafe {
        // No closures: they would not have the instruction set.
        let mut rows = [_mm512_setzero_si512(); SIDE];
        for (row, words) in rows.iter_mut().zip(block) {
            *row = _mm512_loadu_si512(words.as_ptr().cast());
        }
        for (words, row) in out.iter_mut().zip(turned(rows)) {
            _mm512_storeu_si512(words.as_mut_ptr().cast(), row);
        }
    }
    out
}

/// Rows become columns, in four rounds of exchanges: words, pairs, quarters and halves of registers.
///
/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn turned(rows: [std::arch::x86_64::__m512i; SIDE]) -> [std::arch::x86_64::__m512i; SIDE] {
    use std::arch::x86_64::*;
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        // Of rows 4k to 4k + 3, columns 4q + c side by side: `fours[k][c]` holds, in quarter q, words of those rows.
        let mut fours = [[_mm512_setzero_si512(); 4]; 4];
        for (four, &[a, b, c, d]) in fours.iter_mut().zip(rows.as_chunks::<4>().0) {
            let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            *four = [
                _mm512_unpacklo_epi64(ab_low, cd_low),
                _mm512_unpackhi_epi64(ab_low, cd_low),
                _mm512_unpacklo_epi64(ab_high, cd_high),
                _mm512_unpackhi_epi64(ab_high, cd_high),
            ];
        }
        let mut out = [_mm512_setzero_si512(); SIDE];
        for c in 0..4 {
            let [p, q, r, s] = [fours[0][c], fours[1][c], fours[2][c], fours[3][c]];
            // Quarters 0 and 2, and 1 and 3, of two registers each.
            let (even_pq, odd_pq) = (_mm512_shuffle_i32x4::<0x88>(p, q), _mm512_shuffle_i32x4::<0xdd>(p, q));
            let (even_rs, odd_rs) = (_mm512_shuffle_i32x4::<0x88>(r, s), _mm512_shuffle_i32x4::<0xdd>(r, s));
            out[c] = _mm512_shuffle_i32x4::<0x88>(even_pq, even_rs);
            out[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd_pq, odd_rs);
            out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even_pq, even_rs);
            out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd_pq, odd_rs);
        }
        out
    }
}

/// The nearest bfloat16 (ties to even), as f32. NaN stays NaN.
#[inline(always)]
pub(super) fn rounded(x: f32) -> f32 {
    let bits = x.to_bits();
    let up = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    f32::from_bits(if x.is_nan() { bits | 0x0040_0000 } else { up } & 0xffff_0000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_turn_alike_with_and_without_vectors() {
        let block: [[u32; SIDE]; SIDE] = std::array::from_fn(|r| std::array::from_fn(|c| (r * SIDE + c) as u32));
        let plain = transposed::<false, 16>(&block);
        assert!((0..SIDE).all(|r| (0..SIDE).all(|c| plain[r][c] == block[c][r])));
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn halves(block: &[[u32; SIDE]; SIDE]) -> [[u32; SIDE]; SIDE] {
                // SAFETY: the function is called where the instructions are.
                unsafe { transposed_avx2(block) }
            }
            // SAFETY: AVX2 has just been seen.
            assert_eq!(unsafe { halves(&block) }, plain);
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") {
            #[target_feature(enable = "avx512f")]
            fn wide(block: &[[u32; SIDE]; SIDE]) -> [[u32; SIDE]; SIDE] {
                // SAFETY: the function is called where the instructions are.
                unsafe { transposed_avx512(block) }
            }
            // SAFETY: AVX-512 F has just been seen.
            assert_eq!(unsafe { wide(&block) }, plain);
        }
    }
}
