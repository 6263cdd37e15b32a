//! Weight matrices repacked for the products: panels of 16 rows in the stored number format.

use bytemuck::Pod;
use half::{bf16, f16};
use rayon::prelude::*;

use super::lines::LINE;
use super::panel_blocks::BlockLayout;
use super::weight_memory::Weights;
use super::{PANEL, WeightMemory};
use crate::codec::DType;

/// Consecutive rows as they lie on disk, row-major.
#[derive(Clone, Copy)]
pub struct PackedRows<'a> {
    /// The number of rows.
    pub rows: usize,
    /// `rows * row_bytes` bytes.
    pub bytes: &'a [u8],
}

/// A matrix `[rows, cols]` in panels of 16 rows. Rows past the end of the last panel count as zeros.
///
/// F32, F16 and BF16: `[panel][column][16 rows]`. Block formats: see [`BlockLayout`], weights holding the planes.
#[derive(Clone)]
pub struct PackedMatrix {
    rows: usize,
    cols: usize,
    format: DType,
    /// Panels, then their scales.
    bytes: Weights,
    /// Bytes of the panels.
    panel_bytes: usize,
}

impl PackedMatrix {
    /// Packs the rows of `parts`, one after another, into `memory`. `None` when a part's bytes do not have the length that its rows,
    /// `cols` and `format` ask for.
    pub fn pack(format: DType, cols: usize, parts: &[PackedRows<'_>], memory: &WeightMemory) -> Option<Self> {
        let row_bytes = format.row_bytes(cols)?;
        if cols == 0 || parts.iter().any(|p| p.rows.checked_mul(row_bytes) != Some(p.bytes.len())) {
            return None;
        }
        let rows: usize = parts.iter().map(|p| p.rows).sum();
        let panels = rows.div_ceil(PANEL);
        let (weights, scales) = match (BlockLayout::of(format), format) {
            (Some(layout), _) => layout.panel_len(cols),
            (None, DType::F32) => (cols * PANEL * 4, 0),
            (None, _) => (cols * PANEL * 2, 0),
        };
        // Scales begin on a cache line, too.
        let panel_bytes = (panels * weights).next_multiple_of(LINE);
        let sources: Vec<&[u8]> = parts.iter().flat_map(|p| p.bytes.chunks_exact(row_bytes)).collect();
        let bytes = memory.take(panel_bytes + panels * scales, |bytes| {
            let (planes, factors) = bytes.split_at_mut(panel_bytes);
            let targets = planes.par_chunks_exact_mut(weights).zip(sources.par_chunks(PANEL));
            if scales == 0 {
                targets.for_each(|(panel, rows)| pack_panel(format, rows, panel, &mut []));
            } else {
                let targets = targets.zip(factors.par_chunks_exact_mut(scales));
                targets.for_each(|((panel, rows), scales)| pack_panel(format, rows, panel, scales));
            }
        });
        Some(Self { rows, cols, format, bytes, panel_bytes })
    }

    /// Writes row `row` as f32 into `out`, which has `cols` elements. Panics if the row is not there.
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.rows && out.len() == self.cols);
        let (panel, lane) = (row / PANEL, row % PANEL);
        let start = panel * self.cols * PANEL + lane;
        match self.format {
            DType::F32 => {
                let weights = &self.weights::<f32>()[start..];
                out.iter_mut().zip(weights.iter().step_by(PANEL)).for_each(|(to, v)| *to = *v);
            }
            DType::F16 => {
                let weights = &self.weights::<u16>()[start..];
                out.iter_mut().zip(weights.iter().step_by(PANEL)).for_each(|(to, v)| *to = f16::from_bits(*v).to_f32());
            }
            DType::BF16 => {
                let weights = &self.weights::<u16>()[start..];
                out.iter_mut()
                    .zip(weights.iter().step_by(PANEL))
                    .for_each(|(to, v)| *to = bf16::from_bits(*v).to_f32());
            }
            format => {
                let Some(layout) = BlockLayout::of(format) else { return };
                let (planes, scales) = layout.panel_len(self.cols);
                let planes = &self.weights()[panel * planes..][..planes];
                layout.read_row(lane, planes, &self.scales()[panel * scales..][..scales], out);
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
    pub fn format(&self) -> DType {
        self.format
    }

    /// Bytes of memory that the packed weights take.
    pub fn byte_len(&self) -> usize {
        self.bytes.bytes().len()
    }

    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    pub(super) fn weights<T: Pod>(&self) -> &[T] {
        self.bytes.first(self.panel_bytes)
    }

    pub(super) fn scales(&self) -> &[u8] {
        &self.bytes.bytes()[self.panel_bytes..]
    }
}

/// Packs up to 16 rows as they lie on disk into a panel of zeros.
fn pack_panel(format: DType, rows: &[&[u8]], panel: &mut [u8], scales: &mut [u8]) {
    for (lane, row) in rows.iter().enumerate() {
        match BlockLayout::of(format) {
            Some(layout) => layout.write_row(format, row, lane, panel, scales),
            None if format == DType::F32 => interleave::<4>(row, lane, panel),
            None => interleave::<2>(row, lane, panel),
        }
    }
}

/// Puts a row's values of `SIZE` bytes at `lane` of every column.
fn interleave<const SIZE: usize>(row: &[u8], lane: usize, panel: &mut [u8]) {
    let columns = panel.chunks_exact_mut(PANEL * SIZE);
    for (value, column) in row.as_chunks::<SIZE>().0.iter().zip(columns) {
        column[lane * SIZE..][..SIZE].copy_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_panels_in_every_format() {
        let (rows, cols) = (21, 256);
        let values: Vec<f32> = (0..rows * cols).map(|i| ((i * 31 + i / cols * 7) % 255) as f32 - 127.0).collect();
        for format in DType::ALL {
            let mut bytes = vec![0; format.bytes_for(&[rows, cols]).unwrap()];
            format.quantize(&values, &mut bytes);
            let mut expected = vec![0.0; values.len()];
            format.dequantize(&bytes, &mut expected);
            let half = rows / 2 * format.row_bytes(cols).unwrap();
            let parts = [
                PackedRows { rows: rows / 2, bytes: &bytes[..half] },
                PackedRows { rows: rows - rows / 2, bytes: &bytes[half..] },
            ];
            let packed = PackedMatrix::pack(format, cols, &parts, &WeightMemory::new(0)).unwrap();
            let mut out = vec![0.0; cols];
            for (row, expected) in expected.chunks(cols).enumerate() {
                packed.read_row(row, &mut out);
                assert_eq!(out, expected, "{format:?} row {row}");
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let memory = WeightMemory::new(0);
        assert!(PackedMatrix::pack(DType::F32, 4, &[PackedRows { rows: 2, bytes: &[0; 31] }], &memory).is_none());
        assert!(PackedMatrix::pack(DType::Q4K, 128, &[PackedRows { rows: 1, bytes: &[0; 72] }], &memory).is_none());
        assert!(PackedMatrix::pack(DType::Q8_0, 33, &[PackedRows { rows: 0, bytes: &[] }], &memory).is_none());
        assert!(PackedMatrix::pack(DType::F32, 4, &[PackedRows { rows: usize::MAX, bytes: &[] }], &memory).is_none());
    }
}
