//! RWKV-7's time mixing (Peng et al. 2025), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::norm::layer_norm;
use bantam_kernels::inference::recurrence::{Delta, sigmoid, tanh, wkv7};
use bantam_kernels::inference::{Isa, Pool, ProductInput};

use super::token_shift::shifted;
use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room, rooms};
use crate::linear::Linear;

/// Epsilon of the norm over each head.
const NORM_EPSILON: f32 = 64e-5;
/// Least length of what is removed.
const LEAST_LENGTH: f32 = 1e-12;

/// A map through a narrow middle.
struct Narrow {
    first: Linear,
    second: Linear,
}

impl Narrow {
    fn new(tensors: &MixerTensors<'_, '_>, letter: char, width: usize, rank: usize, base: bool) -> Result<Self> {
        let (first, second) = (format!("{letter}1"), format!("{letter}2"));
        let second = match base {
            true => tensors.linear_with(&second, tensors.values(&format!("{letter}0"))?, rank)?,
            false => tensors.linear(&[&second], rank)?,
        };
        Ok(Self { first: tensors.linear(&[&first], width)?, second })
    }

    #[allow(clippy::too_many_arguments)]
    fn apply(
        &self,
        isa: Isa,
        pool: &Pool,
        x: &[f32],
        tokens: usize,
        between: impl Fn(&mut [f32]),
        product: &mut ProductInput,
        middle: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let middle = room(middle, tokens * self.first.rows());
        self.first.apply(isa, pool, x, tokens, product, middle);
        between(middle);
        self.second.apply(isa, pool, middle, tokens, product, out);
    }

    fn byte_len(&self) -> usize {
        self.first.byte_len() + self.second.byte_len()
    }
}

/// Time mixing of one layer. State: the last input `[D]` and the memory `[H, key, value]`.
pub struct Rwkv7 {
    /// How much of the position before goes into each of r, w, k, v, a, g.
    shares: [Vec<f32>; 6],
    receptance: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    decay: Narrow,
    rate: Narrow,
    /// None in the first layer of its kind.
    residual: Option<Narrow>,
    gate: Narrow,
    removed_scale: Vec<f32>,
    rate_share: Vec<f32>,
    bonus: Vec<f32>,
    norm: Vec<f32>,
    norm_bias: Vec<f32>,
    head: usize,
}

impl Rwkv7 {
    pub(crate) fn new(
        tensors: &MixerTensors<'_, '_>,
        width: usize,
        head: usize,
        ranks: [usize; 4],
        first: bool,
    ) -> Result<Self> {
        let map = |of: &str| tensors.linear(&[&format!("{of}.weight")], width);
        let share = |of: &str| tensors.values(&format!("x_{of}"));
        let [w, a, v, g] = ranks;
        Ok(Self {
            shares: [share("r")?, share("w")?, share("k")?, share("v")?, share("a")?, share("g")?],
            receptance: map("receptance")?,
            key: map("key")?,
            value: map("value")?,
            output: map("output")?,
            decay: Narrow::new(tensors, 'w', width, w, true)?,
            rate: Narrow::new(tensors, 'a', width, a, true)?,
            residual: (!first).then(|| Narrow::new(tensors, 'v', width, v, true)).transpose()?,
            gate: Narrow::new(tensors, 'g', width, g, false)?,
            removed_scale: tensors.values("k_k")?,
            rate_share: tensors.values("k_a")?,
            bonus: tensors.values("r_k")?,
            norm: tensors.values("ln_x.weight")?,
            norm_bias: tensors.values("ln_x.bias")?,
            head,
        })
    }
}

impl Mixer for Rwkv7 {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.norm.len() * (1 + self.head))
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, pool, tokens, width, head) = (context.isa, context.pool, lanes.tokens(), self.norm.len(), self.head);
        let Scratch { product, projected, mixed, rest, first_values, .. } = scratch;
        let size = tokens * width;
        let mut inputs = rooms(projected, [size; 6]);
        lanes.each(|lane| {
            shifted(x, lane.rows(), &mut lane.state.values[..width], |row, x, before| {
                for (input, share) in inputs.iter_mut().zip(&self.shares) {
                    let values = x.iter().zip(before).zip(share);
                    let input = input[row * width..][..width].iter_mut();
                    input.zip(values).for_each(|(to, ((x, before), share))| *to = x + (before - x) * share);
                }
            });
        });
        let [for_r, for_w, for_k, for_v, for_a, for_g] = inputs;
        let [r, w, k, v, a, g, removed, y, share] = rooms(rest, [size; 9]);
        self.receptance.apply(isa, pool, for_r, tokens, product, r);
        self.key.apply(isa, pool, for_k, tokens, product, k);
        self.value.apply(isa, pool, for_v, tokens, product, v);
        self.decay.apply(isa, pool, for_w, tokens, |x| tanh(isa, x), product, mixed, w);
        sigmoid(isa, w);
        let slowest = -(-0.5f32).exp();
        w.iter_mut().for_each(|w| *w = (*w * slowest).exp());
        self.rate.apply(isa, pool, for_a, tokens, |_| {}, product, mixed, a);
        sigmoid(isa, a);
        self.gate.apply(isa, pool, for_g, tokens, |x| sigmoid(isa, x), product, mixed, g);
        match &self.residual {
            None => room(first_values, size).copy_from_slice(v),
            Some(residual) => {
                residual.apply(isa, pool, for_v, tokens, |_| {}, product, mixed, share);
                sigmoid(isa, share);
                let first = room(first_values, size).iter().zip(&*share);
                v.iter_mut().zip(first).for_each(|(v, (first, share))| *v += (first - *v) * share);
            }
        }
        for row in 0..tokens {
            let row = row * width..(row + 1) * width;
            let (k, a, removed) = (&mut k[row.clone()], &a[row.clone()], &mut removed[row]);
            removed.iter_mut().zip(&*k).zip(&self.removed_scale).for_each(|((to, k), scale)| *to = k * scale);
            for removed in removed.chunks_exact_mut(head) {
                let length = removed.iter().map(|v| v * v).sum::<f32>().sqrt().max(LEAST_LENGTH);
                removed.iter_mut().for_each(|v| *v /= length);
            }
            k.iter_mut().zip(a).zip(&self.rate_share).for_each(|((k, a), share)| *k *= 1.0 + (a - 1.0) * share);
        }
        lanes.each(|lane| {
            let state = &mut lane.state.values[width..];
            for row in lane.first..lane.first + lane.tokens {
                let row = row * width..(row + 1) * width;
                let delta = Delta {
                    receptance: &r[row.clone()],
                    decay: &w[row.clone()],
                    key: &k[row.clone()],
                    value: &v[row.clone()],
                    removed: &removed[row.clone()],
                    rate: &a[row.clone()],
                };
                wkv7(isa, head, delta, state, &mut y[row]);
            }
        });
        for row in 0..tokens {
            for first in (0..width).step_by(head) {
                let (part, of_head) = (row * width + first..row * width + first + head, first..first + head);
                let normed = &mut share[..head];
                let (gain, bias) = (&self.norm[of_head.clone()], &self.norm_bias[of_head.clone()]);
                layer_norm(isa, &y[part.clone()], gain, bias, NORM_EPSILON, normed);
                let read = r[part.clone()].iter().zip(&k[part.clone()]).zip(&self.bonus[of_head]);
                let bonus: f32 = read.map(|((r, k), bonus)| r * k * bonus).sum();
                let values = normed.iter().zip(&v[part.clone()]).zip(&g[part.clone()]);
                y[part].iter_mut().zip(values).for_each(|(y, ((o, v), g))| *y = (o + bonus * v) * g);
            }
        }
        self.output.apply(isa, pool, y, tokens, product, out);
    }

    fn weight_bytes(&self) -> usize {
        let maps = [&self.receptance, &self.key, &self.value, &self.output].map(Linear::byte_len);
        let narrow = [&self.decay, &self.rate, &self.gate].map(Narrow::byte_len);
        let residual = self.residual.as_ref().map_or(0, Narrow::byte_len);
        let vectors = [&self.removed_scale, &self.rate_share, &self.bonus, &self.norm, &self.norm_bias];
        let vectors = vectors.into_iter().chain(&self.shares).map(|v| v.len() * 4).sum::<usize>();
        maps.iter().chain(&narrow).sum::<usize>() + residual + vectors
    }
}
