//! A diagonal state space of complex states, one set for each channel (Gu et al. 2022, S4D), as the recurrence it is.

use super::channels::{self, Block, LANES, Lane, each_block};
use super::{Forward, Items, Kept, SequenceOperation};
use crate::multiversion::multiversion;

/// `g_t = a g_{t-1} + x_t`, `out_t = Re(sum_n c_n g_{t,n})`, with complex `a`, `c` and `g`. Inputs: `x [rows, channels]`, `a` and `c`
/// `[channels, states, 2]` (real, imaginary). State: `g [channels, states, 2]`.
#[derive(Clone, Copy, Debug)]
pub struct S4d {
    /// Channels.
    pub channels: usize,
    /// Complex states of each.
    pub states: usize,
}

/// Every so many positions the state is kept; in between the backward pass computes it again.
const STRIDE: usize = 16;

/// Complex numbers of sixteen channels: all real parts, then all imaginary ones.
#[derive(Clone, Debug)]
struct Complex {
    re: Vec<Lane>,
    im: Vec<Lane>,
}

impl Complex {
    fn zeros(states: usize) -> Self {
        Self { re: vec![[0.0; LANES]; states], im: vec![[0.0; LANES]; states] }
    }
}

multiversion! {
    /// One position on.
    fn advance(x: &Lane, a: &Complex, g: &mut Complex) = advance_body
}
multiversion! { fn answer(c: &Complex, g: &Complex, out: &mut Lane) = answer_body }
multiversion! {
    /// One position back: `d_g` is the gradient of the state after it, without what this position's output brings, and becomes that of the
    /// state before.
    fn retreat(a: &Complex, c: &Complex, before: &Complex, after: &Complex, d_out: &Lane, d_g: &mut Complex, d_a: &mut Complex, d_c: &mut Complex, d_x: &mut Lane) = retreat_body
}

#[inline(always)]
fn advance_body<const FMA: bool, const WIDTH: usize>(x: &Lane, a: &Complex, g: &mut Complex) {
    for ((re, im), (a_re, a_im)) in g.re.iter_mut().zip(&mut g.im).zip(a.re.iter().zip(&a.im)) {
        for l in 0..LANES {
            let old = re[l];
            re[l] = a_re[l] * old - a_im[l] * im[l] + x[l];
            im[l] = a_re[l] * im[l] + a_im[l] * old;
        }
    }
}

#[inline(always)]
fn answer_body<const FMA: bool, const WIDTH: usize>(c: &Complex, g: &Complex, out: &mut Lane) {
    let mut sum = [0.0; LANES];
    for ((re, im), (c_re, c_im)) in g.re.iter().zip(&g.im).zip(c.re.iter().zip(&c.im)) {
        for l in 0..LANES {
            sum[l] += c_re[l] * re[l] - c_im[l] * im[l];
        }
    }
    *out = sum;
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn retreat_body<const FMA: bool, const WIDTH: usize>(
    a: &Complex,
    c: &Complex,
    before: &Complex,
    after: &Complex,
    d_out: &Lane,
    d_g: &mut Complex,
    d_a: &mut Complex,
    d_c: &mut Complex,
    d_x: &mut Lane,
) {
    *d_x = [0.0; LANES];
    for n in 0..a.re.len() {
        let (a_re, a_im, c_re, c_im) = (&a.re[n], &a.im[n], &c.re[n], &c.im[n]);
        let (g_re, g_im) = (&mut d_g.re[n], &mut d_g.im[n]);
        let (b_re, b_im, s_re, s_im) = (&before.re[n], &before.im[n], &after.re[n], &after.im[n]);
        let (da_re, da_im, dc_re, dc_im) = (&mut d_a.re[n], &mut d_a.im[n], &mut d_c.re[n], &mut d_c.im[n]);
        for l in 0..LANES {
            let d = d_out[l];
            let (re, im) = (g_re[l] + d * c_re[l], g_im[l] - d * c_im[l]);
            dc_re[l] += d * s_re[l];
            dc_im[l] -= d * s_im[l];
            d_x[l] += re;
            da_re[l] += re * b_re[l] + im * b_im[l];
            da_im[l] += im * b_re[l] - re * b_im[l];
            g_re[l] = a_re[l] * re + a_im[l] * im;
            g_im[l] = a_re[l] * im - a_im[l] * re;
        }
    }
}

impl S4d {
    /// A block of `[channels, states, 2]`.
    fn gather(&self, values: &[f32], block: usize) -> Complex {
        let mut all = Complex::zeros(self.states);
        let channels = values.chunks_exact(2 * self.states).skip(block * LANES).take(LANES);
        for (l, channel) in channels.enumerate() {
            for (n, pair) in channel.chunks_exact(2).enumerate() {
                (all.re[n][l], all.im[n][l]) = (pair[0], pair[1]);
            }
        }
        all
    }

    /// Adds a block to `[channels, states, 2]`.
    fn add(&self, values: &mut [f32], block: usize, part: &Complex) {
        let channels = values.chunks_exact_mut(2 * self.states).skip(block * LANES).take(LANES);
        for (l, channel) in channels.enumerate() {
            for (n, pair) in channel.chunks_exact_mut(2).enumerate() {
                pair[0] += part.re[n][l];
                pair[1] += part.im[n][l];
            }
        }
    }
}

impl SequenceOperation for S4d {
    fn width(&self) -> usize {
        self.channels
    }

    fn state_size(&self) -> usize {
        2 * self.channels * self.states
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let [x, a, c] = inputs else { panic!("three inputs") };
        let parts = each_block(&items, self.channels, |Block { item, span, at: block }| {
            let (a, c) = (self.gather(a, block), self.gather(c, block));
            let mut g = self.gather(&items.state(self, item), block);
            let x = channels::gather(x, self.channels, span, block);
            let mut out = vec![[0.0; LANES]; span.len];
            for (x, out) in x.iter().zip(&mut out) {
                advance(x, &a, &mut g);
                answer(&c, &g, out);
            }
            (out, g)
        });
        let mut out = vec![0.0; x.len()];
        let mut last = vec![0.0; items.spans.len() * self.state_size()];
        for (block, (part, g)) in &parts {
            channels::add(&mut out, self.channels, block.span, block.at, part);
            self.add(&mut last[block.item * self.state_size()..][..self.state_size()], block.at, g);
        }
        Forward { out, last, saved: Vec::new() }
    }

    fn backward(&self, inputs: &[&[f32]], _: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let [x, a, c] = inputs else { panic!("three inputs") };
        let parts = each_block(&items, self.channels, |Block { item, span, at: block }| {
            let (a, c) = (self.gather(a, block), self.gather(c, block));
            let x = channels::gather(x, self.channels, span, block);
            let d_out = channels::gather(d_out, self.channels, span, block);
            // The states at every stride, and then, stride by stride from the end, those between.
            let mut g = self.gather(&items.state(self, item), block);
            let mut kept = Vec::new();
            for (t, x) in x.iter().enumerate() {
                if t % STRIDE == 0 {
                    kept.push(g.clone());
                }
                advance(x, &a, &mut g);
            }
            let zeros = || Complex::zeros(self.states);
            let (mut d_g, mut d_a, mut d_c) = (zeros(), zeros(), zeros());
            let mut d_x = vec![[0.0; LANES]; span.len];
            for (stride, start) in kept.into_iter().enumerate().rev() {
                let first = stride * STRIDE;
                let last = (first + STRIDE).min(span.len);
                let mut states = vec![start];
                for x in &x[first..last] {
                    let mut g = states[states.len() - 1].clone();
                    advance(x, &a, &mut g);
                    states.push(g);
                }
                for t in (first..last).rev() {
                    let (before, after) = (&states[t - first], &states[t - first + 1]);
                    retreat(&a, &c, before, after, &d_out[t], &mut d_g, &mut d_a, &mut d_c, &mut d_x[t]);
                }
            }
            (d_x, d_a, d_c)
        });
        let (mut d_x, mut d_a, mut d_c) = (vec![0.0; x.len()], vec![0.0; a.len()], vec![0.0; c.len()]);
        for (block, (of_x, of_a, of_c)) in &parts {
            channels::add(&mut d_x, self.channels, block.span, block.at, of_x);
            self.add(&mut d_a, block.at, of_a);
            self.add(&mut d_c, block.at, of_c);
        }
        vec![d_x, d_a, d_c]
    }
}
