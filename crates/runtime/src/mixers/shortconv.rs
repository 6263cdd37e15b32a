//! The gated short convolution of LFM2 (Liquid AI 2025), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::recurrence::short_convolution;

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room};
use crate::linear::Linear;

/// A gated short convolution of one layer. State: its last inputs `[K - 1, D]`, oldest first.
pub struct Shortconv {
    /// B, C, x.
    in_proj: Linear,
    /// `[K, D]`, the present position last.
    taps: Vec<f32>,
    out_proj: Linear,
    kernel: usize,
}

impl Shortconv {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, kernel: usize) -> Result<Self> {
        Ok(Self {
            in_proj: tensors.linear(&["in_proj.weight"], width)?,
            taps: tensors.turned("conv.weight", kernel)?,
            out_proj: tensors.linear(&["out_proj.weight"], width)?,
            kernel,
        })
    }
}

impl Mixer for Shortconv {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros((self.kernel - 1) * self.out_proj.cols())
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, tokens, width) = (context.isa, lanes.tokens(), self.out_proj.cols());
        let projected = room(&mut scratch.projected, tokens * 3 * width);
        self.in_proj.apply(isa, context.pool, x, tokens, &mut scratch.product, projected);
        let mixed = room(&mut scratch.mixed, tokens * width);
        lanes.each(|lane| {
            for row in lane.rows() {
                let (b, rest) = projected[row * 3 * width..][..3 * width].split_at_mut(width);
                let (c, x) = rest.split_at(width);
                b.iter_mut().zip(x).for_each(|(b, x)| *b *= x);
                let y = &mut mixed[row * width..][..width];
                short_convolution(isa, b, &self.taps, None, &mut lane.state.values, y);
                y.iter_mut().zip(c).for_each(|(y, c)| *y *= c);
            }
        });
        self.out_proj.apply(isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        self.in_proj.byte_len() + self.out_proj.byte_len() + self.taps.len() * 4
    }
}
