//! LSTM (Hochreiter and Schmidhuber 1997), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::recurrence;

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room};
use crate::linear::Linear;

/// LSTM of one layer. State: the hidden vector `[H]` and the cell `[H]`.
pub struct Lstm {
    /// With both biases.
    input: Linear,
    recurrent: Linear,
    out_proj: Linear,
}

impl Lstm {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, hidden: usize) -> Result<Self> {
        let mut bias = tensors.values("bias_ih")?;
        bias.iter_mut().zip(tensors.values("bias_hh")?).for_each(|(a, b)| *a += b);
        Ok(Self {
            input: tensors.linear_with("weight_ih", bias, width)?,
            recurrent: tensors.linear(&["weight_hh"], hidden)?,
            out_proj: tensors.linear(&["out_proj.weight"], hidden)?,
        })
    }
}

impl Mixer for Lstm {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(2 * self.out_proj.cols())
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, pool, tokens, hidden) = (context.isa, context.pool, lanes.tokens(), self.out_proj.cols());
        let Scratch { product, projected, mixed, rest, .. } = scratch;
        let (projected, mixed) = (room(projected, tokens * 4 * hidden), room(mixed, tokens * hidden));
        let recurrent = room(rest, 4 * hidden);
        self.input.apply(isa, pool, x, tokens, product, projected);
        lanes.each(|lane| {
            let (h, cell) = lane.state.values.split_at_mut(hidden);
            for row in lane.first..lane.first + lane.tokens {
                self.recurrent.apply(isa, pool, h, 1, product, recurrent);
                recurrence::lstm(isa, &projected[row * 4 * hidden..][..4 * hidden], recurrent, h, cell);
                mixed[row * hidden..][..hidden].copy_from_slice(h);
            }
        });
        self.out_proj.apply(isa, pool, mixed, tokens, product, out);
    }

    fn weight_bytes(&self) -> usize {
        self.input.byte_len() + self.recurrent.byte_len() + self.out_proj.byte_len()
    }
}
