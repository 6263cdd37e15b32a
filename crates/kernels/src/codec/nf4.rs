//! NF4 with double quantization, as QLoRA holds frozen weights (Dettmers et al. 2023): 4 bits a value, 64 values share a
//! scale, and the scales are themselves 8-bit codes in blocks of 256. About 4.13 bits a weight.
//!
//! The values are those of bitsandbytes: a value is `TABLE[code] * scale`, a scale is
//! `dynamic_map[code] * scale_absmax + offset`, where the offset is the mean of all scales.

use rayon::prelude::*;

/// Values that share a scale.
pub const BLOCK: usize = 64;
/// Scales that share an f32 maximum.
pub const SCALE_BLOCK: usize = 256;

/// The 16 levels: quantiles of the standard normal distribution, scaled to -1..1, with an exact zero.
pub const TABLE: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// Quantized values; a matrix is quantized in row-major order, blocks running on from row to row.
#[derive(Clone, Debug, PartialEq)]
pub struct Nf4 {
    len: usize,
    /// Two codes a byte, the first in the high half.
    packed: Vec<u8>,
    /// Index into the dynamic map, one for each block.
    scales: Vec<u8>,
    /// One for each [`SCALE_BLOCK`] scales.
    scale_absmax: Vec<f32>,
    /// Mean of the scales, taken off before they were quantized.
    offset: f32,
}

impl Nf4 {
    /// Quantizes finite values.
    pub fn quantize(values: &[f32]) -> Self {
        let bounds: Vec<f32> = TABLE.windows(2).map(|w| (w[0] + w[1]) / 2.0).collect();
        let absmax: Vec<f32> = values.par_chunks(BLOCK).map(absolute_maximum).collect();
        // Blocks are even but for the last, so that bytes never straddle two of them.
        let packed = values
            .par_chunks(BLOCK)
            .zip(&absmax)
            .flat_map_iter(|(block, &absmax)| {
                let inverse = 1.0 / absmax.max(1e-38);
                let code = |v: f32| code_of((v * inverse).clamp(-1.0, 1.0), &bounds);
                let pairs = block.chunks(2);
                // The filler of an odd end is the code of 0.
                pairs.map(|p| code(p[0]) << 4 | p.get(1).map_or(7, |&v| code(v))).collect::<Vec<u8>>()
            })
            .collect();
        let offset = (absmax.iter().map(|&s| f64::from(s)).sum::<f64>() / absmax.len().max(1) as f64) as f32;
        let map = dynamic_map();
        let map_bounds: Vec<f32> = map.windows(2).map(|w| (w[0] + w[1]) / 2.0).collect();
        let (mut scales, mut scale_absmax) = (Vec::with_capacity(absmax.len()), Vec::new());
        for block in absmax.chunks(SCALE_BLOCK) {
            let centred: Vec<f32> = block.iter().map(|s| s - offset).collect();
            let largest = absolute_maximum(&centred);
            let inverse = 1.0 / largest.max(1e-38);
            scale_absmax.push(largest);
            scales.extend(centred.iter().map(|s| code_of((s * inverse).clamp(-1.0, 1.0), &map_bounds)));
        }
        Self { len: values.len(), packed, scales, scale_absmax, offset }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held: codes, scales and their maxima.
    pub fn bytes(&self) -> usize {
        self.packed.len() + self.scales.len() + 4 * self.scale_absmax.len() + 4
    }

    /// Reads the values back. Panics if `values` is not [`len`](Self::len) long.
    pub fn dequantize(&self, values: &mut [f32]) {
        assert_eq!(values.len(), self.len);
        let map = dynamic_map();
        let scale =
            |block: usize| map[usize::from(self.scales[block])] * self.scale_absmax[block / SCALE_BLOCK] + self.offset;
        values.par_chunks_mut(64 * BLOCK).enumerate().for_each(|(group, values)| {
            for (i, out) in values.chunks_mut(BLOCK).enumerate() {
                let block = group * 64 + i;
                let scale = scale(block);
                let levels = TABLE.map(|level| level * scale);
                let bytes = &self.packed[block * BLOCK / 2..];
                for (pair, &byte) in out.chunks_mut(2).zip(bytes) {
                    pair[0] = levels[usize::from(byte >> 4)];
                    if let Some(second) = pair.get_mut(1) {
                        *second = levels[usize::from(byte & 15)];
                    }
                }
            }
        });
    }
}

fn absolute_maximum(values: &[f32]) -> f32 {
    values.iter().fold(0f32, |m, v| m.max(v.abs()))
}

/// The index of the nearest level, given the midpoints between levels; a midpoint belongs to the lower level.
fn code_of(value: f32, bounds: &[f32]) -> u8 {
    bounds.partition_point(|&b| b < value) as u8
}

/// The signed dynamic 8-bit data type (Dettmers 2015): seven decades, each with twice the linear steps of the one
/// below, positive and negative, and 0 and 1. In increasing order.
fn dynamic_map() -> [f32; 256] {
    let mut map = [0f32; 256];
    let mut at = 0;
    for decade in 0..7u32 {
        let steps = 1usize << decade;
        let power = 10f64.powi(decade as i32 - 6) as f32;
        // `torch.linspace(0.1, 1, steps + 1)`: from both ends to the middle, in f32.
        let step = (1.0 - 0.1f32) / steps as f32;
        let boundary = |i: usize| {
            if i < steps.div_ceil(2) { step.mul_add(i as f32, 0.1) } else { (-step).mul_add((steps - i) as f32, 1.0) }
        };
        for i in 0..steps {
            let mean = (boundary(i) + boundary(i + 1)) / 2.0;
            map[at] = power * mean;
            map[at + 1] = -power * mean;
            at += 2;
        }
    }
    // 254 so far; the 0 is there already.
    map[at] = 1.0;
    map.sort_by(f32::total_cmp);
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_map_is_ordered_and_holds_zero_and_one() {
        let map = dynamic_map();
        assert!(map.windows(2).all(|w| w[0] < w[1]));
        assert!(map.contains(&0.0) && map[255] == 1.0);
    }

    #[test]
    fn memory_is_an_eighth_of_f32() {
        let n = 64 * 1024;
        let held = Nf4::quantize(&vec![1.0; n]).bytes() as f64 * 8.0 / n as f64;
        assert!((4.12..4.14).contains(&held), "{held} bits a value");
    }

    proptest! {
        #[test]
        fn every_value_comes_back_within_half_the_widest_gap(values in proptest::collection::vec(-3f32..3.0, 1..400)) {
            let quantized = Nf4::quantize(&values);
            let mut back = vec![0.0; values.len()];
            quantized.dequantize(&mut back);
            for (block, back) in values.chunks(BLOCK).zip(back.chunks(BLOCK)) {
                let scale = absolute_maximum(block);
                for (a, b) in block.iter().zip(back) {
                    // The widest gap between levels is 0.304; scales keep about 2 % of their spread.
                    prop_assert!((a - b).abs() <= 0.1525 * scale + 0.08, "{a} {b} (scale {scale})");
                }
            }
        }
    }
}
