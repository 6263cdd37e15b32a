//! A causal depthwise convolution over all positions, summed directly: Hyena's (Poli et al. 2023). Nothing that comes later can touch what
//! came before, which a transform would promise to rounding only.

use super::super::attention::Span;
use super::channels::{self, LANES, Lane, each_block};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::{mul_add, multiversion};

/// `out_t = sum_{i <= t} filter_{t - i} u_i`. Inputs: `u [rows, channels]`, `filter [positions, channels]`, with at least as many
/// positions as the longest item. No state of constant size: whoever continues an item gives all of it again.
#[derive(Clone, Copy, Debug)]
pub struct LongConvolution {
    /// Channels, each with a filter of its own.
    pub channels: usize,
}

multiversion! { fn convolve(u: &[Lane], filter: &[Lane], out: &mut [Lane]) = convolve_body }
multiversion! {
    /// `out_i = sum_{t >= i} d_t x_{t - i}`: the gradient of either factor, given the other.
    fn correlate(d: &[Lane], x: &[Lane], out: &mut [Lane]) = correlate_body
}

#[inline(always)]
fn convolve_body<const FMA: bool, const WIDTH: usize>(u: &[Lane], filter: &[Lane], out: &mut [Lane]) {
    for (t, out) in out.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for (u, f) in u[..=t].iter().zip(filter[..=t].iter().rev()) {
            sum.iter_mut().zip(u.iter().zip(f)).for_each(|(s, (&u, &f))| *s = mul_add::<FMA>(u, f, *s));
        }
        *out = sum;
    }
}

#[inline(always)]
fn correlate_body<const FMA: bool, const WIDTH: usize>(d: &[Lane], x: &[Lane], out: &mut [Lane]) {
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for (d, x) in d[i..].iter().zip(x) {
            sum.iter_mut().zip(d.iter().zip(x)).for_each(|(s, (&d, &x))| *s = mul_add::<FMA>(d, x, *s));
        }
        *out = sum;
    }
}

impl SequenceOperation for LongConvolution {
    fn width(&self) -> usize {
        self.channels
    }

    fn state_size(&self) -> usize {
        0
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [u, filter] = inputs else { panic!("two inputs") };
        let parts = each_block(&items, self.channels, |block| {
            let (span, block) = (block.span, block.at);
            let of_filter = Span { start: 0, len: span.len };
            let (u, filter) = (
                channels::gather(u, self.channels, span, block),
                channels::gather(filter, self.channels, of_filter, block),
            );
            let mut out = vec![[0.0; LANES]; span.len];
            convolve(&u, &filter, &mut out);
            out
        });
        let mut out = vec![0.0; u.len()];
        parts.iter().for_each(|(block, part)| channels::add(&mut out, self.channels, block.span, block.at, part));
        Forward { out, ..Forward::default() }
    }

    fn backward(&self, inputs: &[&[f32]], _: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [u, filter] = inputs else { panic!("two inputs") };
        let parts = each_block(&items, self.channels, |block| {
            let (span, block) = (block.span, block.at);
            let of = |x: &[f32], span: Span| channels::gather(x, self.channels, span, block);
            let (u, filter, d) = (of(u, span), of(filter, Span { start: 0, len: span.len }), of(d_out, span));
            let (mut d_u, mut d_filter) = (vec![[0.0; LANES]; span.len], vec![[0.0; LANES]; span.len]);
            correlate(&d, &filter, &mut d_u);
            correlate(&d, &u, &mut d_filter);
            (d_u, d_filter)
        });
        let (mut d_u, mut d_filter) = (vec![0.0; u.len()], vec![0.0; filter.len()]);
        for (block, (of_u, of_filter)) in &parts {
            channels::add(&mut d_u, self.channels, block.span, block.at, of_u);
            let span = Span { start: 0, len: block.span.len };
            channels::add(&mut d_filter, self.channels, span, block.at, of_filter);
        }
        vec![d_u, d_filter]
    }
}
