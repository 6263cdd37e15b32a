//! Inputs of products with weights in blocks: f32 rows as blocks of 32 signed bytes with one scale each.

use super::super::{Isa, Lines};
use crate::codec::PAIR as BLOCK;

/// Quantized inputs of one product, kept between products so that a token allocates nothing.
#[derive(Default)]
pub struct ProductInput {
    pub(super) quants: Lines,
    pub(super) scales: Vec<f32>,
    /// Minus the bias of the weights' quants times the sums of the first and of the second half of each block.
    pub(super) corrections: Vec<[i32; 2]>,
    /// The sum of each block times its scale.
    pub(super) sums: Vec<f32>,
}

impl ProductInput {
    /// Quantizes `x` (`[tokens, cols]`, `cols` a multiple of 32) to the bits that ggml's kernels see, so that both engines give the
    /// same tokens: per block the scale is the largest magnitude over 127, rounded to f16 (the values are divided by the unrounded
    /// scale); values round to nearest, ties to even. Scales beyond f16 stay f32. A NaN or infinity makes its block's scale
    /// NaN, so that it reaches the result.
    pub(super) fn quantize(&mut self, isa: Isa, x: &[f32], bias: u8) {
        let blocks = x.len() / BLOCK;
        self.quants.grow(x.len());
        if self.scales.len() < blocks {
            self.scales.resize(blocks, 0.0);
            self.corrections.resize(blocks, [0; 2]);
            self.sums.resize(blocks, 0.0);
        }
        let to = (&mut self.scales[..], &mut self.corrections[..], &mut self.sums[..]);
        quantize_blocks(isa, x, bias.into(), self.quants.as_mut_slice(), to.0, to.1, to.2);
    }
}

#[inline(always)]
fn quantize_blocks_body<const FMA: bool>(
    x: &[f32],
    bias: i32,
    quants: &mut [i8],
    scales: &mut [f32],
    corrections: &mut [[i32; 2]],
    sums: &mut [f32],
) {
    let blocks = x.as_chunks::<BLOCK>().0.iter().zip(quants.as_chunks_mut::<BLOCK>().0);
    let facts = scales.iter_mut().zip(corrections.iter_mut().zip(sums));
    for ((x, quants), (scale, (correction, sum))) in blocks.zip(facts) {
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
        for ((x, q), value) in x.iter().zip(quants).zip(&mut values) {
            let rounded = ((x * inverse + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
            *value = rounded.clamp(-127, 127);
            *q = *value as i8;
        }
        let (first, second) = values.split_at(BLOCK / 2);
        let halves = [first.iter().sum::<i32>(), second.iter().sum::<i32>()];
        *correction = halves.map(|sum| -bias * sum);
        *sum = (halves[0] + halves[1]) as f32 * *scale;
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
    fn quantize_blocks(x: &[f32], bias: i32, quants: &mut [i8], scales: &mut [f32], corrections: &mut [[i32; 2]], sums: &mut [f32]) = quantize_blocks_body;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_round_to_nearest_and_say_their_sum() {
        let mut x = vec![0.0f32; 64];
        x[0] = 127.0;
        x[1] = -2.5;
        x[2] = 0.4;
        for isa in Isa::available() {
            let mut input = ProductInput::default();
            input.quantize(isa, &x, 128);
            assert_eq!(&input.quants.as_slice::<i8>()[..4], &[127, -2, 0, 0]);
            assert_eq!((input.scales[0], input.scales[1]), (1.0, 0.0));
            assert_eq!((input.corrections[0], input.corrections[1]), ([-128 * 125, 0], [0, 0]));
            assert_eq!((input.sums[0], input.sums[1]), (125.0, 0.0));
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
            input.quantize(Isa::best(), &x, 8);
            assert!(input.scales[0].is_finite() && input.scales[1].is_nan());
        }
    }
}
