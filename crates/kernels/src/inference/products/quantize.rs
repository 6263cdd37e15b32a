//! Inputs of products with weights in blocks: f32 rows as blocks of 32 signed bytes with one scale each.

use std::slice;

use super::super::panel_blocks::{BlockLayout, Planes};
use super::super::pool::WORTH_DIVIDING;
use super::super::{Isa, Lines, Pool};
use super::blocks::Blocks;
use super::lanes::Output;
use crate::codec::PAIR as BLOCK;

/// Quantized inputs of one product, kept between products so that a token allocates nothing.
#[derive(Default)]
pub struct ProductInput {
    pub(super) quants: Lines,
    /// Whether quants are 16-bit numbers in the order of [`wide_order`], instead of bytes.
    wide: bool,
    pub(super) scales: Vec<f32>,
    /// Minus the bias of the weights' quants times the sums of the first half of each block and of all of it.
    pub(super) corrections: Vec<[i32; 2]>,
    /// The sum of each block times its scale.
    pub(super) sums: Vec<f32>,
}

impl ProductInput {
    /// Quantizes `x` (`[tokens, cols]`, `cols` a multiple of 32), divided over `pool` where that pays, to the bits that ggml's kernels see, so that both engines give the
    /// same tokens: per block the scale is the largest magnitude over 127, rounded to f16 (the values are divided by the unrounded
    /// scale); values round to nearest, ties to even. Scales beyond f16 stay f32. A NaN or infinity makes its block's scale
    /// NaN, so that it reaches the result.
    pub(super) fn quantize(&mut self, isa: Isa, pool: Option<&Pool>, x: &[f32], tokens: usize, layout: &BlockLayout) {
        let blocks = x.len() / BLOCK;
        self.wide = isa == Isa::Avx2 && layout.planes == Planes::Bytes && tokens > 1;
        self.quants.grow(x.len() * self.width());
        if self.scales.len() < blocks {
            self.scales.resize(blocks, 0.0);
            self.corrections.resize(blocks, [0; 2]);
            self.sums.resize(blocks, 0.0);
        }
        let parts = pool.filter(|_| x.len() >= WORTH_DIVIDING).map_or(1, Pool::threads);
        let each = blocks.div_ceil(parts).max(1);
        let (width, bias) = (self.width(), layout.bias.into());
        let to = Places {
            quants: self.quants.as_mut_slice::<u8>().as_mut_ptr(),
            scales: self.scales.as_mut_ptr(),
            corrections: self.corrections.as_mut_ptr(),
            sums: self.sums.as_mut_ptr(),
        };
        let to = &to;
        let part = |part: usize| {
            let (first, count) = (part * each, each.min(blocks - part * each));
            // SAFETY: the buffers have just been made long enough for all blocks, each part has blocks of its own, and all parts are done before
            // the buffers are used again.
            let (quants, scales, corrections, sums) = unsafe {
                (
                    slice::from_raw_parts_mut(to.quants.add(first * BLOCK * width), count * BLOCK * width),
                    slice::from_raw_parts_mut(to.scales.add(first), count),
                    slice::from_raw_parts_mut(to.corrections.add(first), count),
                    slice::from_raw_parts_mut(to.sums.add(first), count),
                )
            };
            quantize_blocks(
                isa,
                &x[first * BLOCK..][..count * BLOCK],
                bias,
                width == 2,
                quants,
                scales,
                corrections,
                sums,
            );
        };
        match pool {
            Some(pool) => pool.run(blocks.div_ceil(each), &part),
            None => (0..blocks.div_ceil(each)).for_each(part),
        }
    }

    /// Bytes of a quant.
    fn width(&self) -> usize {
        if self.wide { 2 } else { 1 }
    }
}

/// Where threads write, each blocks of its own.
struct Places {
    quants: *mut u8,
    scales: *mut f32,
    corrections: *mut [i32; 2],
    sums: *mut f32,
}
// SAFETY: `quantize` gives every thread blocks of its own.
unsafe impl Sync for Places {}

/// Four inputs in the order in which AVX2 takes them as 16-bit numbers: those whose weights are even bytes, then the others.
#[inline(always)]
pub(super) fn wide_order(four: [i32; 4]) -> [i16; 4] {
    [four[0] as i16, four[2] as i16, four[1] as i16, four[3] as i16]
}

impl ProductInput {
    /// The product of what was quantized last, `[tokens][blocks][32]`, with weights at these places.
    pub(super) fn job(
        &self,
        weights: *const u8,
        scales: *const u8,
        blocks: usize,
        tokens: usize,
        out: Output,
    ) -> Blocks {
        let inputs = tokens * blocks;
        assert!(inputs <= self.scales.len() && inputs * BLOCK * self.width() <= self.quants.byte_len(), "inputs");
        Blocks {
            weights,
            scales,
            blocks,
            x: self.quants.as_slice::<i8>().as_ptr(),
            wide: self.wide,
            x_scales: self.scales.as_ptr(),
            corrections: self.corrections.as_ptr(),
            sums: self.sums.as_ptr(),
            tokens,
            out,
        }
    }
}

#[inline(always)]
fn quantize_blocks_body<const FMA: bool>(
    x: &[f32],
    bias: i32,
    wide: bool,
    quants: &mut [u8],
    scales: &mut [f32],
    corrections: &mut [[i32; 2]],
    sums: &mut [f32],
) {
    let blocks = x.as_chunks::<BLOCK>().0.iter().enumerate();
    let facts = scales.iter_mut().zip(corrections.iter_mut().zip(sums));
    for ((block, x), (scale, (correction, sum))) in blocks.zip(facts) {
        // The bits of magnitudes are ordered as the magnitudes are, infinities and NaN above all: the largest is found, and bad
        // numbers are seen, in integers, which the compiler may reorder.
        let largest = x.iter().fold(0, |m, v| (v.to_bits() & 0x7fff_ffff).max(m));
        let poison = if largest >= f32::INFINITY.to_bits() { f32::NAN } else { 0.0 };
        let largest = f32::from_bits(largest);
        *scale = round_to_f16(largest / 127.0) + poison;
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        // The smallest magnitudes have no finite inverse scale: they count as zero.
        let inverse = if inverse.is_finite() { inverse } else { 0.0 };
        // Adding and subtracting 1.5 * 2^23 rounds to nearest even without a library call.
        const ROUND: f32 = 12_582_912.0;
        let mut values = [0i32; BLOCK];
        for (x, value) in x.iter().zip(&mut values) {
            let rounded = ((x * inverse + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
            *value = rounded.clamp(-127, 127);
        }
        if wide {
            let quants: &mut [i16] = bytemuck::cast_slice_mut(&mut quants[2 * block * BLOCK..][..2 * BLOCK]);
            for (to, four) in quants.as_chunks_mut::<4>().0.iter_mut().zip(values.as_chunks::<4>().0) {
                *to = wide_order(*four);
            }
        } else {
            let quants = &mut quants[block * BLOCK..][..BLOCK];
            quants.iter_mut().zip(values).for_each(|(to, value)| *to = value as u8);
        }
        let (first, second) = values.split_at(BLOCK / 2);
        let halves = [first.iter().sum::<i32>(), second.iter().sum::<i32>()];
        let whole = halves[0] + halves[1];
        *correction = [-bias * halves[0], -bias * whole];
        *sum = whole as f32 * *scale;
    }
}

/// The nearest f16 to a number that is not negative, ties to even, as f32; numbers beyond f16 as they are.
#[inline(always)]
fn round_to_f16(x: f32) -> f32 {
    let bits = x.to_bits();
    let normal = f32::from_bits(bits.wrapping_add(0xfff + (bits >> 13 & 1)) & !0x1fff);
    // Below f16's normal range its numbers are 2^-24 apart, as f32's are between 0.5 and 1.
    let subnormal = (x + 0.75) - 0.75;
    if x >= 65_504.0 {
        x
    } else if x < 6.103_515_6e-5 {
        subnormal
    } else {
        normal
    }
}

super::super::isa::per_isa! {
    /// Quantizes every block of 32 of `x`.
    fn quantize_blocks(x: &[f32], bias: i32, wide: bool, quants: &mut [u8], scales: &mut [f32], corrections: &mut [[i32; 2]], sums: &mut [f32]) = quantize_blocks_body;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DType;

    fn layout(format: DType) -> BlockLayout {
        BlockLayout::of(format).expect("a format in blocks")
    }

    #[test]
    fn blocks_round_to_nearest_and_say_their_sum() {
        let mut x = vec![0.0f32; 64];
        x[0] = 127.0;
        x[1] = -2.5;
        x[2] = 0.4;
        for isa in Isa::available() {
            let mut input = ProductInput::default();
            for tokens in [1, 2] {
                input.quantize(isa, None, &x, tokens, &layout(DType::Q8_0));
                match input.wide {
                    true => assert_eq!(&input.quants.as_slice::<i16>()[..4], &[127, 0, -2, 0]),
                    false => assert_eq!(&input.quants.as_slice::<i8>()[..4], &[127, -2, 0, 0]),
                }
            }
            assert_eq!((input.scales[0], input.scales[1]), (1.0, 0.0));
            assert_eq!((input.corrections[0], input.corrections[1]), ([-128 * 125; 2], [0; 2]));
            assert_eq!((input.sums[0], input.sums[1]), (125.0, 0.0));
        }
    }

    #[test]
    fn threads_quantize_what_one_does() {
        let x: Vec<f32> = (0..40 * 1_024).map(|i| ((i * 7_919) % 2_003) as f32 / 300.0 - 3.0).collect();
        for isa in Isa::available() {
            let (mut alone, mut shared) = (ProductInput::default(), ProductInput::default());
            alone.quantize(isa, None, &x, 40, &layout(DType::Q8_0));
            shared.quantize(isa, Some(&Pool::new(3)), &x, 40, &layout(DType::Q8_0));
            assert_eq!(alone.quants.as_slice::<u8>(), shared.quants.as_slice::<u8>());
            assert_eq!(
                (&alone.scales, &alone.corrections, &alone.sums),
                (&shared.scales, &shared.corrections, &shared.sums)
            );
        }
    }

    #[test]
    fn rounding_to_half_is_that_of_the_standard() {
        let mut x = 1e-9f32;
        while x < 65_000.0 {
            assert_eq!(round_to_f16(x), half::f16::from_f32(x).to_f32(), "{x}");
            x *= 1.000_37;
        }
        assert_eq!(round_to_f16(0.0), 0.0);
        assert_eq!(round_to_f16(1e9), 1e9);
    }

    #[test]
    fn a_bad_number_poisons_its_block_only() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![1.0f32; 64];
            x[40] = bad;
            let mut input = ProductInput::default();
            input.quantize(Isa::best(), None, &x, 1, &layout(DType::Q4_0));
            assert!(input.scales[0].is_finite() && input.scales[1].is_nan());
        }
    }
}
