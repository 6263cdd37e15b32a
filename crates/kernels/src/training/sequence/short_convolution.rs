//! A causal depthwise convolution over a few positions, perhaps with SiLU after it: Mamba-2's and Hyena's.

use rayon::prelude::*;

use super::{Forward, Items, Kept, SequenceOperation, rows_of, summed};
use crate::multiversion::{exp, mul_add, multiversion};

/// `out_t = f(sum_j weight[c, j] x_{t - (kernel - 1) + j} + bias[c])`. Inputs: `x [rows, channels]`, `weight [channels,
/// kernel]`, `bias [channels]`. State: the last `kernel - 1` inputs, oldest first, `[channels, kernel - 1]`.
#[derive(Clone, Copy, Debug)]
pub struct ShortConvolution {
    /// Channels, each with a filter of its own.
    pub channels: usize,
    /// Positions that a filter reaches, the present one included; at least 2.
    pub kernel: usize,
    /// Whether `f` is SiLU; else it is nothing.
    pub silu: bool,
}

multiversion! { fn silu(values: &[f32], out: &mut [f32]) = silu_body }
multiversion! { fn silu_gradient(values: &[f32], d: &mut [f32]) = silu_gradient_body }
multiversion! { fn add_product(a: &[f32], b: &[f32], sum: &mut [f32]) = add_product_body }

#[inline(always)]
fn add_product_body<const FMA: bool, const LANES: usize>(a: &[f32], b: &[f32], sum: &mut [f32]) {
    for ((s, &a), &b) in sum.iter_mut().zip(a).zip(b) {
        *s = mul_add::<FMA>(a, b, *s);
    }
}

#[inline(always)]
fn silu_body<const FMA: bool, const LANES: usize>(values: &[f32], out: &mut [f32]) {
    for (o, &v) in out.iter_mut().zip(values) {
        *o = v / (1.0 + exp::<FMA>(-v));
    }
}

#[inline(always)]
fn silu_gradient_body<const FMA: bool, const LANES: usize>(values: &[f32], d: &mut [f32]) {
    for (d, &v) in d.iter_mut().zip(values) {
        let sigmoid = 1.0 / (1.0 + exp::<FMA>(-v));
        *d *= sigmoid * (1.0 + v * (1.0 - sigmoid));
    }
}

impl ShortConvolution {
    /// An item's inputs with the state before them: `[kernel - 1 + len, channels]`.
    fn extended(&self, x: &[f32], state: &[f32]) -> Vec<f32> {
        let past = self.kernel - 1;
        let mut all = vec![0.0; past * self.channels];
        for (c, values) in state.chunks_exact(past).enumerate() {
            values.iter().enumerate().for_each(|(j, &v)| all[j * self.channels + c] = v);
        }
        all.extend_from_slice(x);
        all
    }

    /// Filters by position, `[kernel, channels]`.
    fn taps(&self, weight: &[f32]) -> Vec<f32> {
        let mut taps = vec![0.0; weight.len()];
        for (c, filter) in weight.chunks_exact(self.kernel).enumerate() {
            filter.iter().enumerate().for_each(|(j, &w)| taps[j * self.channels + c] = w);
        }
        taps
    }
}

impl SequenceOperation for ShortConvolution {
    fn width(&self) -> usize {
        self.channels
    }

    fn state_size(&self) -> usize {
        self.channels * (self.kernel - 1)
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [x, weight, bias] = inputs else { panic!("three inputs") };
        let (channels, past) = (self.channels, self.kernel - 1);
        let taps = self.taps(weight);
        let mut before = vec![0.0; x.len()];
        let states: Vec<Vec<f32>> = (items.rows_mut(&mut before, channels).into_par_iter().enumerate())
            .map(|(i, out)| {
                let span = items.spans[i];
                let x = self.extended(rows_of(x, span, channels), &items.state(self, i));
                for (t, out) in out.chunks_exact_mut(channels).enumerate() {
                    out.copy_from_slice(bias);
                    for (j, tap) in taps.chunks_exact(channels).enumerate() {
                        add_product(&x[(t + j) * channels..][..channels], tap, out);
                    }
                }
                let ends = &x[x.len() - past * channels..];
                (0..channels * past).map(|at| ends[at % past * channels + at / past]).collect()
            })
            .collect();
        let last = states.concat();
        if !self.silu {
            return Forward { out: before, last, saved: Vec::new() };
        }
        let mut out = vec![0.0; x.len()];
        silu(&before, &mut out);
        Forward { out, last, saved: before }
    }

    fn backward(&self, inputs: &[&[f32]], kept: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [x, weight, _] = inputs else { panic!("three inputs") };
        let (channels, kernel) = (self.channels, self.kernel);
        let taps = self.taps(weight);
        let mut d_x = vec![0.0; x.len()];
        let sums: Vec<(Vec<f32>, Vec<f32>)> = (items.rows_mut(&mut d_x, channels).into_par_iter().enumerate())
            .map(|(i, d_x)| {
                let span = items.spans[i];
                let x = self.extended(rows_of(x, span, channels), &items.state(self, i));
                let mut d = rows_of(d_out, span, channels).to_vec();
                if self.silu {
                    silu_gradient(rows_of(kept.saved, span, channels), &mut d);
                }
                let (mut d_taps, mut d_bias) = (vec![0.0; kernel * channels], vec![0.0; channels]);
                for (t, d) in d.chunks_exact(channels).enumerate() {
                    d_bias.iter_mut().zip(d).for_each(|(s, d)| *s += d);
                    for (j, (tap, d_tap)) in
                        taps.chunks_exact(channels).zip(d_taps.chunks_exact_mut(channels)).enumerate()
                    {
                        add_product(&x[(t + j) * channels..][..channels], d, d_tap);
                        if let Some(from) = (t + j).checked_sub(kernel - 1) {
                            add_product(d, tap, &mut d_x[from * channels..][..channels]);
                        }
                    }
                }
                (d_taps, d_bias)
            })
            .collect();
        let (d_taps, d_bias): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
        let d_taps = summed(d_taps, kernel * channels);
        let d_weight = (0..kernel * channels).map(|at| d_taps[at % kernel * channels + at / kernel]).collect();
        vec![d_x, d_weight, summed(d_bias, channels)]
    }
}
