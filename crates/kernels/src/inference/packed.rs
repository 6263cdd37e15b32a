//! Weight matrices repacked for the products: panels of 16 rows in the stored number format.

use half::{bf16, f16};

use super::{Lines, PANEL};

/// Columns of one Q8_0 block.
pub(super) const BLOCK: usize = 32;
/// Bytes of one Q8_0 block on disk: an f16 scale and 32 signed bytes.
const Q8_0_BYTES: usize = 2 + BLOCK;
/// What is added to a stored signed byte, so that unsigned-by-signed dot instructions apply.
const OFFSET: u8 = 128;

/// How the rows of a matrix are stored on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Little-endian IEEE single.
    F32,
    /// Little-endian IEEE half.
    F16,
    /// Little-endian bfloat16.
    Bf16,
    /// ggml's Q8_0: blocks of 32 columns, an f16 scale then 32 signed bytes.
    Q8_0,
}

impl RowFormat {
    /// Bytes of a row of `cols` columns; `None` when the format cannot hold that many.
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        match self {
            RowFormat::F32 => cols.checked_mul(4),
            RowFormat::F16 | RowFormat::Bf16 => cols.checked_mul(2),
            RowFormat::Q8_0 => cols.is_multiple_of(BLOCK).then(|| cols / BLOCK * Q8_0_BYTES),
        }
    }
}

/// Consecutive rows as they lie on disk, row-major.
#[derive(Clone, Copy)]
pub struct PackedRows<'a> {
    /// The number of rows.
    pub rows: usize,
    /// `rows * row_bytes` bytes.
    pub bytes: &'a [u8],
}

/// A matrix `[rows, cols]` in panels of 16 rows. Rows past the end of the last panel are zero.
///
/// F32, F16 and Bf16: `[panel][column][16 rows]`. Q8_0: bytes `[panel][block][8][16 rows][4 columns]`, each 128 more than
/// the signed value, and scales `[panel][block][16 rows]` in f16.
#[derive(Clone)]
pub struct PackedMatrix {
    rows: usize,
    cols: usize,
    format: RowFormat,
    weights: Lines,
    scales: Lines,
}

impl PackedMatrix {
    /// Packs the rows of `parts`, one after another. `None` when a part's bytes do not have the length that its rows,
    /// `cols` and `format` ask for.
    pub fn pack(format: RowFormat, cols: usize, parts: &[PackedRows<'_>]) -> Option<Self> {
        let row_bytes = format.row_bytes(cols)?;
        if cols == 0 || parts.iter().any(|p| p.rows.checked_mul(row_bytes) != Some(p.bytes.len())) {
            return None;
        }
        let rows: usize = parts.iter().map(|p| p.rows).sum();
        let panels = rows.div_ceil(PANEL);
        let (weights, scales) = match format {
            RowFormat::F32 => (panels * cols * PANEL * 4, 0),
            RowFormat::F16 | RowFormat::Bf16 => (panels * cols * PANEL * 2, 0),
            RowFormat::Q8_0 => (panels * cols * PANEL, panels * (cols / BLOCK) * PANEL * 2),
        };
        let mut packed = Self { rows, cols, format, weights: Lines::zeroed(weights), scales: Lines::zeroed(scales) };
        if format == RowFormat::Q8_0 {
            packed.weights.as_mut_slice::<u8>().fill(OFFSET);
        }
        let sources = parts.iter().flat_map(|p| p.bytes.chunks_exact(row_bytes));
        for (row, source) in sources.enumerate() {
            packed.set_row(row, source);
        }
        Some(packed)
    }

    fn set_row(&mut self, row: usize, source: &[u8]) {
        let (panel, lane) = (row / PANEL, row % PANEL);
        let start = panel * self.cols * PANEL + lane;
        match self.format {
            RowFormat::F32 => {
                let weights = &mut self.weights.as_mut_slice::<f32>()[start..];
                for (value, to) in source.chunks_exact(4).zip(weights.iter_mut().step_by(PANEL)) {
                    *to = f32::from_le_bytes([value[0], value[1], value[2], value[3]]);
                }
            }
            RowFormat::F16 | RowFormat::Bf16 => {
                let weights = &mut self.weights.as_mut_slice::<u16>()[start..];
                for (value, to) in source.chunks_exact(2).zip(weights.iter_mut().step_by(PANEL)) {
                    *to = u16::from_le_bytes([value[0], value[1]]);
                }
            }
            RowFormat::Q8_0 => {
                let blocks = self.cols / BLOCK;
                for (block, source) in source.chunks_exact(Q8_0_BYTES).enumerate() {
                    self.scales.as_mut_slice::<u16>()[(panel * blocks + block) * PANEL + lane] =
                        u16::from_le_bytes([source[0], source[1]]);
                    let base = (panel * blocks + block) * BLOCK * PANEL + lane * 4;
                    let to = &mut self.weights.as_mut_slice::<u8>()[base..];
                    for (group, four) in source[2..].chunks_exact(4).enumerate() {
                        for (i, value) in four.iter().enumerate() {
                            to[group * 4 * PANEL + i] = value.wrapping_add(OFFSET);
                        }
                    }
                }
            }
        }
    }

    /// Writes row `row` as f32 into `out`, which has `cols` elements. Panics if the row is not there.
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.rows && out.len() == self.cols);
        let (panel, lane) = (row / PANEL, row % PANEL);
        let start = panel * self.cols * PANEL + lane;
        match self.format {
            RowFormat::F32 => {
                let weights = &self.weights.as_slice::<f32>()[start..];
                out.iter_mut().zip(weights.iter().step_by(PANEL)).for_each(|(to, v)| *to = *v);
            }
            RowFormat::F16 => {
                let weights = &self.weights.as_slice::<u16>()[start..];
                out.iter_mut().zip(weights.iter().step_by(PANEL)).for_each(|(to, v)| *to = f16::from_bits(*v).to_f32());
            }
            RowFormat::Bf16 => {
                let weights = &self.weights.as_slice::<u16>()[start..];
                out.iter_mut()
                    .zip(weights.iter().step_by(PANEL))
                    .for_each(|(to, v)| *to = bf16::from_bits(*v).to_f32());
            }
            RowFormat::Q8_0 => {
                let blocks = self.cols / BLOCK;
                for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
                    let at = panel * blocks + block;
                    let scale = f16::from_bits(self.scales.as_slice::<u16>()[at * PANEL + lane]).to_f32();
                    let weights = &self.weights.as_slice::<u8>()[at * BLOCK * PANEL + lane * 4..];
                    for (group, four) in out.chunks_exact_mut(4).enumerate() {
                        for (i, to) in four.iter_mut().enumerate() {
                            let value = i16::from(weights[group * 4 * PANEL + i]) - i16::from(OFFSET);
                            *to = scale * f32::from(value);
                        }
                    }
                }
            }
        }
    }

    /// The number of rows: outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: inputs of a product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The number format of the weights.
    pub fn format(&self) -> RowFormat {
        self.format
    }

    /// Bytes of memory that the packed weights take.
    pub fn byte_len(&self) -> usize {
        self.weights.byte_len() + self.scales.byte_len()
    }

    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    pub(super) fn weights(&self) -> &Lines {
        &self.weights
    }

    pub(super) fn scales(&self) -> &Lines {
        &self.scales
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_panels_in_every_format() {
        let (rows, cols) = (21, 64);
        let value = |r: usize, c: usize| ((r * 31 + c * 7) % 255) as f32 - 127.0;
        for format in [RowFormat::F32, RowFormat::F16, RowFormat::Bf16, RowFormat::Q8_0] {
            let mut bytes = Vec::new();
            for r in 0..rows {
                for c in 0..cols {
                    let v = value(r, c);
                    match format {
                        RowFormat::F32 => bytes.extend(v.to_le_bytes()),
                        RowFormat::F16 => bytes.extend(f16::from_f32(v).to_le_bytes()),
                        RowFormat::Bf16 => bytes.extend(bf16::from_f32(v).to_le_bytes()),
                        RowFormat::Q8_0 => {
                            if c % BLOCK == 0 {
                                bytes.extend(f16::from_f32(0.5).to_le_bytes());
                            }
                            bytes.push(v as i8 as u8);
                        }
                    }
                }
            }
            let half = rows / 2 * format.row_bytes(cols).unwrap();
            let parts = [
                PackedRows { rows: rows / 2, bytes: &bytes[..half] },
                PackedRows { rows: rows - rows / 2, bytes: &bytes[half..] },
            ];
            let packed = PackedMatrix::pack(format, cols, &parts).unwrap();
            let mut out = vec![0.0; cols];
            for r in 0..rows {
                packed.read_row(r, &mut out);
                for (c, got) in out.iter().enumerate() {
                    let expected = if format == RowFormat::Q8_0 { 0.5 * value(r, c) } else { value(r, c) };
                    assert_eq!(*got, expected, "{format:?} row {r} column {c}");
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(PackedMatrix::pack(RowFormat::F32, 4, &[PackedRows { rows: 2, bytes: &[0; 31] }]).is_none());
        assert!(PackedMatrix::pack(RowFormat::Q8_0, 33, &[PackedRows { rows: 0, bytes: &[] }]).is_none());
        assert!(PackedMatrix::pack(RowFormat::F32, 4, &[PackedRows { rows: usize::MAX, bytes: &[] }]).is_none());
    }
}
