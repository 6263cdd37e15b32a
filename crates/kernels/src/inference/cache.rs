//! Keys and values of the positions seen so far, for one layer, in one of three number formats.

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::panel_blocks::BlockLayout;
use super::{Lines, PANEL};
use crate::codec::{DType, PAIR};

/// How a cache holds its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheFormat {
    /// 32-bit floats.
    #[default]
    F32,
    /// IEEE halves.
    F16,
    /// Blocks of 32 values of a head as signed bytes with a scale in f16, as ggml's Q8_0.
    Q8_0,
}

/// Keys and values of one layer for the positions seen so far.
///
/// Keys lie in panels of 16 positions (for each key head `[panel][head_dim][16]`, or in Q8_0 as a weight matrix whose rows are positions) and
/// values as rows padded to whole vectors (`[position][padded]`), so that both products of attention are the weight products of this crate.
#[derive(Clone)]
pub struct KeyValueCache {
    format: CacheFormat,
    pub(super) heads: Vec<HeadCache>,
    pub(super) head_dim: usize,
    /// Width of a value's row.
    pub(super) padded: usize,
    len: usize,
    /// One position's numbers on their way in.
    halves: Vec<f16>,
}

/// The keys and values of one key head.
#[derive(Clone, Default)]
pub(super) struct HeadCache {
    pub keys: Lines,
    pub values: Lines,
    /// In Q8_0 the scales, for each panel of positions and block of 32: `[panel][block][16]`, f16.
    pub key_scales: Lines,
    pub value_scales: Lines,
}

impl KeyValueCache {
    /// An empty cache of `heads` key heads of width `head_dim`.
    pub fn new(format: CacheFormat, heads: usize, head_dim: usize) -> Self {
        let padded = head_dim.next_multiple_of(if format == CacheFormat::Q8_0 { PAIR } else { PANEL });
        let heads = vec![HeadCache::default(); heads];
        Self { format, heads, head_dim, padded, len: 0, halves: Vec::new() }
    }

    /// The number format.
    pub fn format(&self) -> CacheFormat {
        self.format
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Blocks of 32 that a head has in Q8_0.
    pub(super) fn blocks(&self) -> usize {
        self.padded / PAIR
    }

    /// Bytes that so many panels take in the keys, the values, and each of the scales of a head.
    fn sizes(&self, panels: usize) -> (usize, usize, usize) {
        let positions = panels * PANEL;
        match self.format {
            CacheFormat::F32 => (positions * self.head_dim * 4, positions * self.padded * 4, 0),
            CacheFormat::F16 => (positions * self.head_dim * 2, positions * self.padded * 2, 0),
            CacheFormat::Q8_0 => (positions * self.padded, positions * self.padded, positions * self.blocks() * 2),
        }
    }

    /// Makes room for `positions` positions in all, so that reaching them allocates nothing.
    pub fn reserve(&mut self, positions: usize) {
        let (keys, values, scales) = self.sizes(positions.div_ceil(PANEL));
        for head in &mut self.heads {
            head.keys.reserve(keys);
            head.values.reserve(values);
            head.key_scales.reserve(scales);
            head.value_scales.reserve(scales);
        }
        self.halves.reserve(2 * self.heads.len() * self.head_dim);
    }

    /// Bytes of the buffers that hold the positions seen.
    pub fn byte_len(&self) -> usize {
        let of = |h: &HeadCache| [&h.keys, &h.values, &h.key_scales, &h.value_scales].map(Lines::byte_len);
        self.heads.iter().flat_map(of).sum()
    }

    /// Forgets every position from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends one position: `key` and `value` are `[heads][head_dim]`.
    pub fn push(&mut self, key: &[f32], value: &[f32]) {
        let (panel, lane) = (self.len / PANEL, self.len % PANEL);
        let (dim, padded, row) = (self.head_dim, self.padded, self.len * self.padded);
        let (keys, values, scales) = self.sizes(panel + 1);
        for head in &mut self.heads {
            head.keys.grow(keys);
            head.values.grow(values);
            head.key_scales.grow(scales);
            head.value_scales.grow(scales);
        }
        let at = panel * PANEL * dim + lane;
        match self.format {
            CacheFormat::F32 => {
                let parts = key.chunks_exact(dim).zip(value.chunks_exact(dim));
                for (head, (key, value)) in self.heads.iter_mut().zip(parts) {
                    let keys = &mut head.keys.as_mut_slice::<f32>()[at..];
                    keys.iter_mut().step_by(PANEL).zip(key).for_each(|(to, from)| *to = *from);
                    head.values.as_mut_slice::<f32>()[row..][..dim].copy_from_slice(value);
                }
            }
            CacheFormat::F16 => {
                self.halves.resize(key.len() + value.len(), f16::ZERO);
                let (key_halves, value_halves) = self.halves.split_at_mut(key.len());
                key_halves.convert_from_f32_slice(key);
                value_halves.convert_from_f32_slice(value);
                let parts = key_halves.chunks_exact(dim).zip(value_halves.chunks_exact(dim));
                for (head, (key, value)) in self.heads.iter_mut().zip(parts) {
                    let keys = &mut head.keys.as_mut_slice::<u16>()[at..];
                    keys.iter_mut().step_by(PANEL).zip(key).for_each(|(to, from)| *to = from.to_bits());
                    head.values.as_mut_slice::<u16>()[row..][..dim].copy_from_slice(value.reinterpret_cast());
                }
            }
            CacheFormat::Q8_0 => {
                let blocks = self.padded / PAIR;
                let parts = key.chunks_exact(dim).zip(value.chunks_exact(dim));
                for (head, (key, value)) in self.heads.iter_mut().zip(parts) {
                    for block in 0..blocks {
                        let at = panel * blocks + block;
                        let (scale, quants) = quantized(key, block);
                        head.key_scales.as_mut_slice::<u16>()[at * PANEL + lane] = scale;
                        let planes = &mut head.keys.as_mut_slice::<u8>()[at * PANEL * PAIR + lane * 4..];
                        for (four, to) in quants.as_chunks::<4>().0.iter().zip(planes.chunks_mut(4 * PANEL)) {
                            to.iter_mut().zip(four).for_each(|(to, q)| *to = q.cast_unsigned().wrapping_add(128));
                        }
                        let (scale, quants) = quantized(value, block);
                        head.value_scales.as_mut_slice::<u16>()[at * PANEL + lane] = scale;
                        head.values.as_mut_slice::<i8>()[row + block * PAIR..][..PAIR].copy_from_slice(&quants);
                    }
                }
                debug_assert_eq!(row + padded, (self.len + 1) * padded);
            }
        }
        self.len += 1;
    }

    /// Writes every position as it is held: `[len][heads][head_dim]` keys, then the same of values. Pushed again, they give this cache.
    pub fn export(&self) -> (Vec<f32>, Vec<f32>) {
        let mut keys = Vec::with_capacity(self.len * self.heads.len() * self.head_dim);
        let mut values = Vec::with_capacity(keys.capacity());
        let mut row = vec![0.0; self.padded];
        for position in 0..self.len {
            for head in &self.heads {
                self.read_key(head, position, &mut row);
                keys.extend(&row[..self.head_dim]);
                self.read_value(head, position, &mut row);
                values.extend(&row[..self.head_dim]);
            }
        }
        (keys, values)
    }

    fn read_key(&self, head: &HeadCache, position: usize, out: &mut [f32]) {
        let (panel, lane) = (position / PANEL, position % PANEL);
        let at = panel * PANEL * self.head_dim + lane;
        match self.format {
            CacheFormat::F32 => {
                let keys = &head.keys.as_slice::<f32>()[at..];
                out.iter_mut().zip(keys.iter().step_by(PANEL)).for_each(|(to, key)| *to = *key);
            }
            CacheFormat::F16 => {
                let keys = &head.keys.as_slice::<u16>()[at..];
                out.iter_mut()
                    .zip(keys.iter().step_by(PANEL))
                    .for_each(|(to, key)| *to = f16::from_bits(*key).to_f32());
            }
            CacheFormat::Q8_0 => {
                if let Some(layout) = BlockLayout::of(DType::Q8_0) {
                    let (planes, scales) = layout.panel_len(self.padded);
                    let planes = &head.keys.as_slice()[panel * planes..][..planes];
                    layout.read_row(lane, planes, &head.key_scales.as_slice()[panel * scales..][..scales], out);
                }
            }
        }
    }

    fn read_value(&self, head: &HeadCache, position: usize, out: &mut [f32]) {
        let row = position * self.padded;
        match self.format {
            CacheFormat::F32 => out.copy_from_slice(&head.values.as_slice()[row..][..self.padded]),
            CacheFormat::F16 => {
                let values: &[f16] = head.values.as_slice::<u16>()[row..][..self.padded].reinterpret_cast();
                values.convert_to_f32_slice(out);
            }
            CacheFormat::Q8_0 => {
                let values = &head.values.as_slice::<i8>()[row..][..self.padded];
                let scales = &head.value_scales.as_slice::<u16>();
                for (block, (out, values)) in out.chunks_mut(PAIR).zip(values.chunks(PAIR)).enumerate() {
                    let at = (position / PANEL * self.blocks() + block) * PANEL + position % PANEL;
                    let scale = f16::from_bits(scales[at]).to_f32();
                    out.iter_mut().zip(values).for_each(|(to, q)| *to = scale * f32::from(*q));
                }
            }
        }
    }
}

/// A block of 32 values of a head, zeros after its end, as ggml's Q8_0 has it: the scale in f16 bits and the bytes.
fn quantized(values: &[f32], block: usize) -> (u16, [i8; PAIR]) {
    let mut padded = [0.0; PAIR];
    let from = &values[block * PAIR..values.len().min((block + 1) * PAIR)];
    padded[..from.len()].copy_from_slice(from);
    let mut bytes = [0; 34];
    <crate::codec::Q8_0 as crate::codec::BlockFormat>::quantize(&padded, &mut bytes);
    let mut quants = [0; PAIR];
    quants.iter_mut().zip(&bytes[2..]).for_each(|(q, b)| *q = b.cast_signed());
    (u16::from_le_bytes([bytes[0], bytes[1]]), quants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_out_and_goes_in_again_unchanged() {
        for format in [CacheFormat::F32, CacheFormat::F16, CacheFormat::Q8_0] {
            for dim in [6, 32, 48] {
                let mut cache = KeyValueCache::new(format, 2, dim);
                let value = |i: usize| ((i * 7919) % 1009) as f32 / 100.0 - 5.0;
                for position in 0..19 {
                    let row: Vec<f32> = (0..2 * dim).map(|i| value(position * 2 * dim + i)).collect();
                    cache.push(&row, &row.iter().map(|v| -v).collect::<Vec<_>>());
                }
                let (keys, values) = cache.export();
                let tolerance = match format {
                    CacheFormat::F32 => 0.0,
                    CacheFormat::F16 => 0.003,
                    CacheFormat::Q8_0 => 0.022,
                };
                for (i, (key, v)) in keys.iter().zip(&values).enumerate() {
                    assert!((key - value(i)).abs() <= tolerance && (v + value(i)).abs() <= tolerance, "{format:?} {i}");
                }
                let mut again = KeyValueCache::new(format, 2, dim);
                again.reserve(19);
                for (key, value) in keys.chunks(2 * dim).zip(values.chunks(2 * dim)) {
                    again.push(key, value);
                }
                assert_eq!(again.export(), (keys, values));
                assert_eq!(again.byte_len(), cache.byte_len());
            }
        }
    }

    #[test]
    fn reserving_makes_room_and_truncating_forgets() {
        for format in [CacheFormat::F32, CacheFormat::F16, CacheFormat::Q8_0] {
            let mut cache = KeyValueCache::new(format, 1, 4);
            cache.reserve(40);
            for i in 0..40 {
                cache.push(&[i as f32; 4], &[-(i as f32); 4]);
            }
            cache.truncate(17);
            cache.push(&[99.0; 4], &[98.0; 4]);
            let (keys, values) = cache.export();
            let found = [keys[17 * 4], values[17 * 4], keys[16 * 4]];
            assert_eq!(cache.len(), 18);
            assert!(found.iter().zip([99.0, 98.0, 16.0]).all(|(a, b)| (a - b).abs() < 0.1), "{format:?}: {found:?}");
        }
    }
}
