//! Retention (Sun et al. 2023), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::norm::rms_norm_in_place;
use bantam_kernels::inference::recurrence::{Memory, remember, silu_gate};

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room, rooms};
use crate::linear::Linear;

/// Epsilon of the norm over each head.
const NORM_EPSILON: f32 = 1e-6;

/// Retention of one layer. State: `S` `[H, D/H, V/H]`; the position is the sequence's.
pub struct Retnet {
    /// q, k, v, g.
    in_proj: Linear,
    out_proj: Linear,
    memory: Memory,
    /// Of each pair of a head, in turns of an angle by one position.
    frequencies: Vec<f64>,
    /// Of each head.
    decay: Vec<f32>,
    /// Ones, of a head's values.
    gain: Vec<f32>,
}

impl Retnet {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, heads: usize, values: usize) -> Result<Self> {
        let pairs = width / heads / 2;
        let frequency = |j: usize| 10_000f64.powf(-(j as f64) / (pairs.max(2) - 1) as f64);
        Ok(Self {
            in_proj: tensors.linear(&["q_proj.weight", "k_proj.weight", "v_proj.weight", "g_proj.weight"], width)?,
            out_proj: tensors.linear(&["out_proj.weight"], values)?,
            memory: Memory { heads, groups: heads, key: width / heads, value: values / heads },
            frequencies: (0..pairs).map(frequency).collect(),
            decay: (0..heads).map(|h| (1.0 - 2f64.powi(-5 - h as i32)) as f32).collect(),
            gain: vec![1.0; values / heads],
        })
    }
}

impl Mixer for Retnet {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.memory.state_size())
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
        let (width, values, pairs) = (self.in_proj.cols(), self.out_proj.cols(), self.frequencies.len());
        let projected = room(&mut scratch.projected, tokens * rows);
        self.in_proj.apply(isa, context.pool, x, tokens, &mut scratch.product, projected);
        let mixed = room(&mut scratch.mixed, tokens * values);
        let [cos, sin] = rooms(&mut scratch.rest, [pairs, pairs]);
        let scale = 1.0 / (self.memory.key as f32).sqrt();
        lanes.each(|lane| {
            for (index, row) in lane.rows().enumerate() {
                let place = (lane.position + index) as f64;
                for ((cos, sin), frequency) in cos.iter_mut().zip(&mut *sin).zip(&self.frequencies) {
                    let angle = place * frequency;
                    (*cos, *sin) = (angle.cos() as f32, angle.sin() as f32);
                }
                let (qk, vg) = projected[row * rows..][..rows].split_at_mut(2 * width);
                for head in qk.chunks_exact_mut(self.memory.key) {
                    for ((pair, cos), sin) in head.as_chunks_mut::<2>().0.iter_mut().zip(&*cos).zip(&*sin) {
                        let [a, b] = *pair;
                        *pair = [a * cos - b * sin, b * cos + a * sin];
                    }
                }
                let (q, k) = qk.split_at_mut(width);
                k.iter_mut().for_each(|k| *k *= scale);
                let (v, g) = vg.split_at(values);
                let y = &mut mixed[row * values..][..values];
                remember(isa, self.memory, &self.decay, q, k, v, &mut lane.state.values, y);
                rms_norm_in_place(isa, y, &self.gain, NORM_EPSILON);
                silu_gate(isa, g, y);
            }
        });
        self.out_proj.apply(isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        self.in_proj.byte_len() + self.out_proj.byte_len()
    }
}
