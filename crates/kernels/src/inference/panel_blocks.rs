//! How ggml's block formats lie in panels of 16 rows, one row at a time in and out.
//!
//! Quants are kept unsigned, `bias` above their value, in planes of bits; every plane of a panel and block of 32 columns is
//! one after the other. Scales lie apart, for each panel and ggml block: f16 scales, then f16 minimums, `[16 rows]` each, and for
//! the K formats then, for each 32 columns, their integer scales and minimums (Q6_K: two integer scales), `[16 rows]` bytes each.

use super::PANEL;
use crate::codec::{BlockFormat, DType, PAIR, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, sub_scales};

/// The bits of 32 columns of a panel. "Vector" `g` is `[16 rows][4 columns]` bytes, columns `4 g` to `4 g + 3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planes {
    /// Vectors 0 to 7.
    Bytes,
    /// Four vectors of nibbles: vector `g` in the low halves, `g + 4` in the high ones.
    Nibbles,
    /// Nibbles, then the fifth bits: for each vector a little-endian u64, bit `4 row + column`.
    Fifths,
    /// Nibbles, then two vectors of two bits four times: bits `2 k` of vector `h` belong to vector `4 h + k`.
    Sixths,
}

impl Planes {
    /// Bytes that 32 columns of a panel take.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Bytes => 512,
            Self::Nibbles => 256,
            Self::Fifths => 256 + 64,
            Self::Sixths => 256 + 128,
        }
    }
}

/// What a row's scales are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scales {
    /// `d * q`
    Plain,
    /// `d * q + m`
    Minimum,
    /// `d * scale * q - dmin * minimum`
    SuperMinimum,
    /// `d * scale * q`, a scale for each 16 columns.
    SuperPlain,
}

/// How one format lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockLayout {
    pub planes: Planes,
    pub scales: Scales,
    /// What is added to a quant, so that it is not negative.
    pub bias: u8,
    /// Columns of a ggml block.
    pub columns: usize,
}

impl BlockLayout {
    /// The layout of a format; `None` for floats.
    pub const fn of(format: DType) -> Option<Self> {
        let (planes, scales, bias, columns) = match format {
            DType::F32 | DType::F16 | DType::BF16 => return None,
            DType::Q8_0 => (Planes::Bytes, Scales::Plain, 128, 32),
            DType::Q4_0 => (Planes::Nibbles, Scales::Plain, 8, 32),
            DType::Q5_0 => (Planes::Fifths, Scales::Plain, 16, 32),
            DType::Q4_1 => (Planes::Nibbles, Scales::Minimum, 0, 32),
            DType::Q5_1 => (Planes::Fifths, Scales::Minimum, 0, 32),
            DType::Q4K => (Planes::Nibbles, Scales::SuperMinimum, 0, 256),
            DType::Q5K => (Planes::Fifths, Scales::SuperMinimum, 0, 256),
            DType::Q6K => (Planes::Sixths, Scales::SuperPlain, 32, 256),
        };
        Some(Self { planes, scales, bias, columns })
    }

    /// Bytes of scales that a panel's ggml block takes.
    pub const fn scale_len(&self) -> usize {
        match self.scales {
            Scales::Plain => 2 * PANEL,
            Scales::Minimum => 4 * PANEL,
            Scales::SuperMinimum => 4 * PANEL + 8 * 2 * PANEL,
            Scales::SuperPlain => 2 * PANEL + 8 * 2 * PANEL,
        }
    }

    /// Bytes of planes and of scales that a panel of `cols` columns takes.
    pub const fn panel_len(&self, cols: usize) -> (usize, usize) {
        (cols / PAIR * self.planes.byte_len(), cols / self.columns * self.scale_len())
    }

    /// Puts a row's ggml blocks into lane `lane` of a panel, which must be zero there.
    pub fn write_row(&self, format: DType, row: &[u8], lane: usize, planes: &mut [u8], scales: &mut [u8]) {
        assert!(lane < PANEL, "lane");
        let blocks = row.chunks_exact(format.block().1);
        let mut quants = [0; 256];
        let quants = &mut quants[..self.columns];
        let panel = planes.chunks_exact_mut(self.columns / PAIR * self.planes.byte_len());
        for ((bytes, planes), scales) in blocks.zip(panel).zip(scales.chunks_exact_mut(self.scale_len())) {
            self.write_scales(bytes, lane, scales);
            unpack_quants(format, bytes, quants);
            let pairs = planes.chunks_exact_mut(self.planes.byte_len()).zip(quants.as_chunks::<PAIR>().0);
            for (planes, quants) in pairs {
                self.write_quants(quants, lane, planes);
            }
        }
    }

    fn write_scales(&self, block: &[u8], lane: usize, scales: &mut [u8]) {
        let mut half =
            |index: usize, from: &[u8]| scales[(index * PANEL + lane) * 2..][..2].copy_from_slice(&from[..2]);
        match self.scales {
            Scales::Plain => half(0, block),
            Scales::Minimum => {
                half(0, block);
                half(1, &block[2..]);
            }
            Scales::SuperMinimum => {
                half(0, block);
                half(1, &block[2..]);
                let (by, minimums) = sub_scales(block);
                let rows = scales[4 * PANEL..].chunks_exact_mut(PANEL);
                let values = by.into_iter().zip(minimums).flat_map(|(s, m)| [s, m]);
                rows.zip(values).for_each(|(row, value)| row[lane] = value);
            }
            Scales::SuperPlain => {
                let (by, d) = block[block.len() - 18..].split_at(16);
                half(0, d);
                scales[2 * PANEL..].chunks_exact_mut(PANEL).zip(by).for_each(|(row, value)| row[lane] = *value);
            }
        }
    }

    fn write_quants(&self, quants: &[i8; PAIR], lane: usize, planes: &mut [u8]) {
        // Four columns at a time, as the bytes of a little-endian word.
        let mut words = [0u32; 8];
        for (word, four) in words.iter_mut().zip(quants.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(four.map(|q| q.cast_unsigned().wrapping_add(self.bias)));
        }
        let vectors = planes.as_chunks_mut::<64>().0;
        if self.planes == Planes::Bytes {
            for (vector, word) in vectors.iter_mut().zip(words) {
                vector[lane * 4..][..4].copy_from_slice(&word.to_le_bytes());
            }
            return;
        }
        for (vector, g) in vectors.iter_mut().zip(0..4) {
            let nibbles = words[g] & 0x0f0f_0f0f | (words[g + 4] & 0x0f0f_0f0f) << 4;
            vector[lane * 4..][..4].copy_from_slice(&nibbles.to_le_bytes());
        }
        let mut or = |at: usize, word: u32| {
            let to = &mut planes[at + lane * 4..][..4];
            to.iter_mut().zip(word.to_le_bytes()).for_each(|(to, byte)| *to |= byte);
        };
        match self.planes {
            Planes::Fifths => {
                for (g, word) in words.iter().enumerate() {
                    // The product brings the fifth bits of the four bytes together in its highest byte.
                    let bits = ((word >> 4 & 0x0101_0101).wrapping_mul(0x0102_0408) >> 24) as u8;
                    planes[256 + 8 * g + lane / 2] |= bits << (lane % 2 * 4);
                }
            }
            Planes::Sixths => {
                for (g, word) in words.iter().enumerate() {
                    or(256 + g / 4 * 64, (word >> 4 & 0x0303_0303) << (g % 4 * 2));
                }
            }
            Planes::Bytes | Planes::Nibbles => {}
        }
    }

    fn quant(&self, column: usize, lane: usize, planes: &[u8]) -> u8 {
        let (vector, at) = (column / 4, lane * 4 + column % 4);
        if self.planes == Planes::Bytes {
            return planes[vector * 64 + at];
        }
        let low = planes[vector % 4 * 64 + at] >> (vector / 4 * 4) & 15;
        let high = match self.planes {
            Planes::Fifths => planes[256 + vector * 8 + at / 8] >> (at % 8) & 1,
            Planes::Sixths => planes[256 + vector / 4 * 64 + at] >> (vector % 4 * 2) & 3,
            Planes::Bytes | Planes::Nibbles => 0,
        };
        low | high << 4
    }

    /// Reads lane `lane` of a panel as f32, each value as the format defines it.
    pub fn read_row(&self, lane: usize, planes: &[u8], scales: &[u8], out: &mut [f32]) {
        let panel = planes.chunks_exact(self.columns / PAIR * self.planes.byte_len());
        let blocks = panel.zip(scales.chunks_exact(self.scale_len()));
        for ((planes, scales), out) in blocks.zip(out.chunks_exact_mut(self.columns)) {
            let half = |index: usize| {
                let at = (index * PANEL + lane) * 2;
                half::f16::from_le_bytes([scales[at], scales[at + 1]]).to_f32()
            };
            let d = half(0);
            for (pair, out) in out.as_chunks_mut::<PAIR>().0.iter_mut().enumerate() {
                let planes = &planes[pair * self.planes.byte_len()..];
                let byte = |first: usize, index: usize| scales[first + (2 * pair + index) * PANEL + lane];
                for (column, value) in out.iter_mut().enumerate() {
                    let quant = f32::from(i16::from(self.quant(column, lane, planes)) - i16::from(self.bias));
                    *value = match self.scales {
                        Scales::Plain => d * quant,
                        Scales::Minimum => d * quant + half(1),
                        Scales::SuperMinimum => {
                            let (scale, minimum) = (byte(4 * PANEL, 0), byte(4 * PANEL, 1));
                            d * f32::from(scale) * quant - half(1) * f32::from(minimum)
                        }
                        Scales::SuperPlain => d * f32::from(byte(2 * PANEL, column / 16).cast_signed()) * quant,
                    };
                }
            }
        }
    }
}

/// The quants of one ggml block.
fn unpack_quants(format: DType, block: &[u8], quants: &mut [i8]) {
    fn of<B: BlockFormat>(block: &[u8], quants: &mut [i8]) {
        B::unpack(block, quants, &mut [0.0; 16][..B::LEN / 16], &mut [0.0; 8][..B::LEN / PAIR]);
    }
    match format {
        DType::Q4_0 => of::<Q4_0>(block, quants),
        DType::Q4_1 => of::<Q4_1>(block, quants),
        DType::Q5_0 => of::<Q5_0>(block, quants),
        DType::Q5_1 => of::<Q5_1>(block, quants),
        DType::Q8_0 => of::<Q8_0>(block, quants),
        DType::Q4K => of::<Q4K>(block, quants),
        DType::Q5K => of::<Q5K>(block, quants),
        DType::Q6K => of::<Q6K>(block, quants),
        DType::F32 | DType::F16 | DType::BF16 => unreachable!("floats are not in blocks"),
    }
}
