//! A causal convolution of each channel over the last few positions, one position at a time.

use crate::inference::isa::per_isa;
use crate::multiversion::mul_add;

#[inline(always)]
fn short_convolution_body<const FMA: bool>(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    past: &mut [f32],
    out: &mut [f32],
) {
    let channels = x.len();
    let out = &mut out[..channels];
    match bias {
        Some(bias) => out.copy_from_slice(&bias[..channels]),
        None => out.fill(0.0),
    }
    let mut taps = weight.chunks_exact(channels);
    for (row, taps) in past.chunks_exact(channels).zip(&mut taps) {
        for ((out, x), w) in out.iter_mut().zip(row).zip(taps) {
            *out = mul_add::<FMA>(*w, *x, *out);
        }
    }
    let Some(taps) = taps.next() else { return };
    for ((out, x), w) in out.iter_mut().zip(x).zip(taps) {
        *out = mul_add::<FMA>(*w, *x, *out);
    }
    if past.is_empty() {
        return;
    }
    past.copy_within(channels.., 0);
    let last = past.len() - channels;
    past[last..].copy_from_slice(x);
}

per_isa! {
    /// `out = bias + sum_j weight[j] * (position K - 1 - j back)` for each channel, and the position becomes the last of the past.
    ///
    /// `x` and `out` are `[channels]`, `weight` is `[K, channels]` with the present position last, `past` is `[K - 1, channels]`, oldest
    /// first. Panics on other sizes.
    pub fn short_convolution(x: &[f32], weight: &[f32], bias: Option<&[f32]>, past: &mut [f32], out: &mut [f32]) = short_convolution_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn positions_one_by_one_are_the_convolution_in_f64() {
        let (channels, time) = (21, 7);
        for kernel in [1, 2, 4] {
            let (x, weight, bias) =
                (noise(time * channels, 1, 1.0), noise(kernel * channels, 2, 1.0), noise(channels, 3, 1.0));
            for (isa, bias) in Isa::available().into_iter().flat_map(|isa| [(isa, Some(&bias[..])), (isa, None)]) {
                let mut past = vec![0.0; (kernel - 1) * channels];
                for t in 0..time {
                    let mut out = vec![0.0; channels];
                    short_convolution(isa, &x[t * channels..][..channels], &weight, bias, &mut past, &mut out);
                    let expected = (0..channels).map(|c| {
                        let tap = |j: usize| {
                            let back = kernel - 1 - j;
                            let x = if back > t { 0.0 } else { f64::from(x[(t - back) * channels + c]) };
                            f64::from(weight[j * channels + c]) * x
                        };
                        bias.map_or(0.0, |b| f64::from(b[c])) + (0..kernel).map(tap).sum::<f64>()
                    });
                    close(&out, expected, "convolution");
                }
                assert_eq!(past, x[(time + 1 - kernel) * channels..]);
            }
        }
    }
}
