//! Inputs of Q8_0 products: f32 rows as blocks of 32 signed bytes with one scale each.

use super::super::packed::BLOCK;
use super::super::{Isa, Lines};

/// Quantized inputs of one product, kept between products so that a token allocates nothing.
#[derive(Default)]
pub struct ProductInput {
    pub(super) quants: Lines,
    pub(super) scales: Vec<f32>,
    pub(super) corrections: Vec<i32>,
}

impl ProductInput {
    /// Quantizes `x` (`[tokens, cols]`, `cols` a multiple of 32): per block the scale is the largest magnitude over 127,
    /// rounding is to nearest, ties to even. A NaN or infinity makes its block's scale NaN, so that it reaches the result.
    pub(super) fn quantize(&mut self, isa: Isa, x: &[f32]) {
        let blocks = x.len() / BLOCK;
        self.quants.grow(x.len());
        if self.scales.len() < blocks {
            self.scales.resize(blocks, 0.0);
            self.corrections.resize(blocks, 0);
        }
        quantize_blocks(isa, x, self.quants.as_mut_slice(), &mut self.scales, &mut self.corrections);
    }
}

#[inline(always)]
fn quantize_blocks_body<const FMA: bool>(x: &[f32], quants: &mut [i8], scales: &mut [f32], corrections: &mut [i32]) {
    let blocks = x.as_chunks::<BLOCK>().0.iter().zip(quants.as_chunks_mut::<BLOCK>().0);
    for ((x, quants), (scale, correction)) in blocks.zip(scales.iter_mut().zip(corrections)) {
        let mut largest = [0f32; 16];
        let mut poison = [0f32; 16];
        for half in x.as_chunks::<16>().0 {
            for i in 0..16 {
                let magnitude = half[i].abs();
                largest[i] = if magnitude > largest[i] { magnitude } else { largest[i] };
                poison[i] += half[i] * 0.0;
            }
        }
        let largest = largest.into_iter().fold(0.0, f32::max);
        let poison: f32 = poison.iter().sum();
        *scale = largest / 127.0 + poison;
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        // The smallest magnitudes have no finite inverse scale: they count as zero.
        let inverse = if inverse.is_finite() { inverse } else { 0.0 };
        // Adding and subtracting 1.5 * 2^23 rounds to nearest even without a library call.
        const ROUND: f32 = 12_582_912.0;
        let mut sum = 0i32;
        for (x, q) in x.iter().zip(quants) {
            let rounded = ((x * inverse + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
            let value = rounded.clamp(-127, 127);
            *q = value as i8;
            sum += value;
        }
        *correction = -128 * sum;
    }
}

super::super::isa::per_isa! {
    /// Quantizes every block of 32 of `x`.
    fn quantize_blocks(x: &[f32], quants: &mut [i8], scales: &mut [f32], corrections: &mut [i32]) = quantize_blocks_body;
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
            input.quantize(isa, &x);
            assert_eq!(&input.quants.as_slice::<i8>()[..4], &[127, -2, 0, 0]);
            assert_eq!((input.scales[0], input.scales[1]), (1.0, 0.0));
            assert_eq!((input.corrections[0], input.corrections[1]), (-128 * 125, 0));
        }
    }

    #[test]
    fn a_bad_number_poisons_its_block_only() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![1.0f32; 64];
            x[40] = bad;
            let mut input = ProductInput::default();
            input.quantize(Isa::best(), &x);
            assert!(input.scales[0].is_finite() && input.scales[1].is_nan());
        }
    }
}
