//! RWKV-4's time mixing (Peng et al. 2023), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::recurrence::{sigmoid, wkv4};

use super::token_shift::shifted;
use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, rooms};
use crate::linear::Linear;

/// The exponent of an empty state.
const NOTHING: f32 = -1e38;

/// Time mixing of one layer. State: the last input `[D]`, numerator, denominator and exponent `[A]` each.
pub struct Rwkv4 {
    /// `-exp(time_decay)`.
    log_decay: Vec<f32>,
    first: Vec<f32>,
    /// How much of the present input, `[D]`, goes into each of key, value and receptance.
    shares: [Vec<f32>; 3],
    maps: [Linear; 3],
    output: Linear,
}

impl Rwkv4 {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, inner: usize) -> Result<Self> {
        let share = |of: &str| tensors.values(&format!("time_mix_{of}"));
        let map = |of: &str| tensors.linear(&[&format!("{of}.weight")], width);
        Ok(Self {
            log_decay: tensors.values("time_decay")?.into_iter().map(|d| -d.exp()).collect(),
            first: tensors.values("time_first")?,
            shares: [share("key")?, share("value")?, share("receptance")?],
            maps: [map("key")?, map("value")?, map("receptance")?],
            output: tensors.linear(&["output.weight"], inner)?,
        })
    }
}

impl Mixer for Rwkv4 {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        let (width, inner) = (self.output.rows(), self.output.cols());
        let mut state = CarriedState::zeros(width + 3 * inner);
        state.values[width + 2 * inner..].fill(NOTHING);
        state
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, pool, tokens) = (context.isa, context.pool, lanes.tokens());
        let (width, inner) = (self.output.rows(), self.output.cols());
        let mut inputs = rooms(&mut scratch.projected, [tokens * width; 3]);
        lanes.each(|lane| {
            shifted(x, lane.rows(), &mut lane.state.values[..width], |row, x, before| {
                for (input, share) in inputs.iter_mut().zip(&self.shares) {
                    let values = x.iter().zip(before).zip(share);
                    let input = input[row * width..][..width].iter_mut();
                    input.zip(values).for_each(|(to, ((x, before), share))| *to = before + (x - before) * share);
                }
            });
        });
        let [key, value, receptance, mixed] = rooms(&mut scratch.rest, [tokens * inner; 4]);
        for ((map, input), to) in self.maps.iter().zip(&inputs).zip([&mut *key, &mut *value, &mut *receptance]) {
            map.apply(isa, pool, input, tokens, &mut scratch.product, to);
        }
        sigmoid(isa, receptance);
        lanes.each(|lane| {
            let state = &mut lane.state.values[width..];
            for row in lane.first..lane.first + lane.tokens {
                let row = row * inner..(row + 1) * inner;
                let (key, value) = (&key[row.clone()], &value[row.clone()]);
                wkv4(isa, key, value, &self.log_decay, &self.first, state, &mut mixed[row]);
            }
        });
        mixed.iter_mut().zip(receptance).for_each(|(y, r)| *y *= *r);
        self.output.apply(isa, pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        let vectors = self.log_decay.len() + self.first.len() + self.shares.iter().map(Vec::len).sum::<usize>();
        self.maps.iter().map(Linear::byte_len).sum::<usize>() + self.output.byte_len() + vectors * 4
    }
}
