//! Stacked GRU (Cho et al. 2014), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::recurrence;

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room};
use crate::linear::Linear;

/// GRU of one layer of the model, itself of several layers. State: the hidden vector `[H]` of each.
pub struct Gru {
    layers: Vec<GruLayer>,
    out_proj: Linear,
}

struct GruLayer {
    input: Linear,
    recurrent: Linear,
}

impl Gru {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, hidden: usize, layers: usize) -> Result<Self> {
        let layer = |layer: usize| {
            let name = |part: &str| format!("{part}_l{layer}");
            let map = |part: &str, cols| {
                let bias = tensors.values(&name(&format!("bias_{part}")))?;
                tensors.linear_with(&name(&format!("weight_{part}")), bias, cols)
            };
            Ok(GruLayer { input: map("ih", if layer == 0 { width } else { hidden })?, recurrent: map("hh", hidden)? })
        };
        Ok(Self {
            layers: (0..layers).map(layer).collect::<Result<_>>()?,
            out_proj: tensors.linear(&["out_proj.weight"], hidden)?,
        })
    }
}

impl Mixer for Gru {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.layers.len() * self.out_proj.cols())
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
        let (projected, mixed) = (room(projected, tokens * 3 * hidden), room(mixed, tokens * hidden));
        let recurrent = room(rest, 3 * hidden);
        for (index, layer) in self.layers.iter().enumerate() {
            layer.input.apply(isa, pool, if index == 0 { x } else { mixed }, tokens, product, projected);
            lanes.each(|lane| {
                let h = &mut lane.state.values[index * hidden..][..hidden];
                for row in lane.first..lane.first + lane.tokens {
                    layer.recurrent.apply(isa, pool, h, 1, product, recurrent);
                    recurrence::gru(isa, &projected[row * 3 * hidden..][..3 * hidden], recurrent, h);
                    mixed[row * hidden..][..hidden].copy_from_slice(h);
                }
            });
        }
        self.out_proj.apply(isa, pool, mixed, tokens, product, out);
    }

    fn weight_bytes(&self) -> usize {
        let layers: usize = self.layers.iter().map(|l| l.input.byte_len() + l.recurrent.byte_len()).sum();
        layers + self.out_proj.byte_len()
    }
}
