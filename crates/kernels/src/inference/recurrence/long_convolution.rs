//! A causal convolution of each channel over all positions so far: Hyena.

use crate::inference::isa::per_isa;
use crate::multiversion::mul_add;

/// Channels that stay in registers while all positions pass.
const TILE: usize = 32;

#[inline(always)]
fn long_convolution_body<const FMA: bool>(inputs: &[f32], filter: &[f32], out: &mut [f32]) {
    let channels = out.len();
    let mut at = 0;
    while at + TILE <= channels {
        columns::<FMA, TILE>(inputs, filter, at, out);
        at += TILE;
    }
    while at < channels {
        columns::<FMA, 1>(inputs, filter, at, out);
        at += 1;
    }
}

#[inline(always)]
fn columns<const FMA: bool, const N: usize>(inputs: &[f32], filter: &[f32], at: usize, out: &mut [f32]) {
    let channels = out.len();
    let mut sum = [0f32; N];
    for (input, tap) in inputs.chunks_exact(channels).rev().zip(filter.chunks_exact(channels)) {
        let (Some(input), Some(tap)) = (input[at..].first_chunk::<N>(), tap[at..].first_chunk::<N>()) else { return };
        for lane in 0..N {
            sum[lane] = mul_add::<FMA>(tap[lane], input[lane], sum[lane]);
        }
    }
    out[at..at + N].copy_from_slice(&sum);
}

per_isa! {
    /// `out = sum_i filter[i] * (the input i positions before the last)` for each channel. `inputs` is `[positions, channels]`, `filter` at
    /// least as long, `out` `[channels]`.
    pub fn long_convolution(inputs: &[f32], filter: &[f32], out: &mut [f32]) = long_convolution_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn every_instruction_set_matches_the_definition_in_f64() {
        let (channels, time) = (32 + 5, 9);
        let (inputs, filter) = (noise(time * channels, 1, 1.0), noise(12 * channels, 2, 1.0));
        for isa in Isa::available() {
            let mut out = vec![f32::NAN; channels];
            long_convolution(isa, &inputs, &filter, &mut out);
            let at = |of: &[f32], t: usize, c: usize| f64::from(of[t * channels + c]);
            let sum = |c: usize| (0..time).map(|i| at(&filter, i, c) * at(&inputs, time - 1 - i, c)).sum::<f64>();
            close(&out, (0..channels).map(sum), "out");
        }
    }
}
