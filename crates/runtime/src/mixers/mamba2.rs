//! Mamba-2 (Dao and Gu 2024), stepping: a short convolution and a memory that decays. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::norm::rms_norm_in_place;
use bantam_kernels::inference::recurrence::{Memory, remember, short_convolution, silu, silu_gate};

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room, rooms};
use crate::linear::Linear;

/// Mamba-2 of one layer. State: the last inputs of the convolution `[K - 1, E + 2GN]`, oldest first, and the memory `[H, N, P]`.
pub struct Mamba2 {
    /// z, x, B, C, dt.
    in_proj: Linear,
    /// `[K, E + 2GN]`, the present position last.
    taps: Vec<f32>,
    taps_bias: Vec<f32>,
    kernel: usize,
    dt_bias: Vec<f32>,
    /// `exp(A_log)`.
    rates: Vec<f32>,
    skip: Vec<f32>,
    norm: Vec<f32>,
    epsilon: f32,
    out_proj: Linear,
    /// Keys are B, queries C.
    memory: Memory,
}

impl Mamba2 {
    pub(crate) fn new(
        tensors: &MixerTensors<'_, '_>,
        width: usize,
        memory: Memory,
        kernel: usize,
        epsilon: f32,
    ) -> Result<Self> {
        Ok(Self {
            in_proj: tensors.linear(&["in_proj.weight"], width)?,
            taps: tensors.turned("conv1d.weight", kernel)?,
            taps_bias: tensors.values("conv1d.bias")?,
            kernel,
            dt_bias: tensors.values("dt_bias")?,
            rates: tensors.values("A_log")?.into_iter().map(f32::exp).collect(),
            skip: tensors.values("D")?,
            norm: tensors.values("norm.weight")?,
            epsilon,
            out_proj: tensors.linear(&["out_proj.weight"], memory.heads * memory.value)?,
            memory,
        })
    }

    /// Elements of the convolution's part of the state.
    fn past_size(&self) -> usize {
        (self.kernel - 1) * self.taps_bias.len()
    }
}

/// `ln(1 + e^x)`, without overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

impl Mixer for Mamba2 {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.past_size() + self.memory.state_size())
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, tokens, rows) = (context.isa, lanes.tokens(), self.in_proj.rows());
        let Memory { heads, groups, key, value } = self.memory;
        let (inner, channels) = (heads * value, self.taps_bias.len());
        let projected = room(&mut scratch.projected, tokens * rows);
        self.in_proj.apply(isa, context.pool, x, tokens, &mut scratch.product, projected);
        let mixed = room(&mut scratch.mixed, tokens * inner);
        let [convolved, written, decay] = rooms(&mut scratch.rest, [channels, inner, heads]);
        lanes.each(|lane| {
            for row in lane.rows() {
                let (past, memory) = lane.state.values.split_at_mut(self.past_size());
                let (z, rest) = projected[row * rows..][..rows].split_at(inner);
                let (taken, dt) = rest.split_at(channels);
                short_convolution(isa, taken, &self.taps, Some(&self.taps_bias), past, convolved);
                silu(isa, convolved);
                let (x, keys) = convolved.split_at(inner);
                let (b, c) = keys.split_at(groups * key);
                let y = &mut mixed[row * inner..][..inner];
                for (head, dt) in dt.iter().enumerate() {
                    let dt = softplus(dt + self.dt_bias[head]);
                    decay[head] = (-dt * self.rates[head]).exp();
                    let place = head * value..(head + 1) * value;
                    written[place.clone()].iter_mut().zip(&x[place]).for_each(|(w, x)| *w = dt * x);
                }
                remember(isa, self.memory, decay, c, b, written, memory, y);
                let head_of = y.chunks_exact_mut(value).zip(x.chunks_exact(value)).zip(&self.skip);
                for ((y, x), skip) in head_of {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += skip * x);
                }
                silu_gate(isa, z, y);
                let group = inner / groups;
                for (y, gain) in y.chunks_exact_mut(group).zip(self.norm.chunks_exact(group)) {
                    rms_norm_in_place(isa, y, gain, self.epsilon);
                }
            }
        });
        self.out_proj.apply(isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        let vectors = [&self.taps, &self.taps_bias, &self.dt_bias, &self.rates, &self.skip, &self.norm];
        self.in_proj.byte_len() + self.out_proj.byte_len() + vectors.map(|v| v.len() * 4).iter().sum::<usize>()
    }
}
