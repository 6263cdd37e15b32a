//! RWKV's channel mixing, the second half of its blocks, stepping: RWKV-4's (Peng et al. 2023) and RWKV-7's (Peng et al. 2025). See
//! `docs/mixers.md`.

use bantam_core::Result;
use bantam_formats::Architecture;
use bantam_kernels::inference::recurrence::sigmoid;

use super::token_shift::shifted;
use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, rooms};
use crate::linear::Linear;

/// Channel mixing of one layer. State: the last input `[D]`.
pub struct ChannelMix {
    /// How much of the position before goes into the key, `[D]`.
    key_share: Vec<f32>,
    key: Linear,
    value: Linear,
    /// The same for the gate and its map; RWKV-7 has none.
    receptance: Option<(Vec<f32>, Linear)>,
}

impl ChannelMix {
    pub(crate) fn new(
        tensors: &MixerTensors<'_, '_>,
        architecture: Architecture,
        width: usize,
        inner: usize,
    ) -> Result<Self> {
        // RWKV-4 stores the share of the present position.
        let of_before = |name: &str| -> Result<Vec<f32>> {
            Ok(tensors.values(name)?.into_iter().map(|present| 1.0 - present).collect())
        };
        let (key_share, receptance) = match architecture {
            Architecture::Rwkv4 => {
                let receptance = tensors.linear(&["receptance.weight"], width)?;
                (of_before("time_mix_key")?, Some((of_before("time_mix_receptance")?, receptance)))
            }
            _ => (tensors.values("x_k")?, None),
        };
        let (key, value) = (tensors.linear(&["key.weight"], width)?, tensors.linear(&["value.weight"], inner)?);
        Ok(Self { key_share, key, value, receptance })
    }
}

impl Mixer for ChannelMix {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.key_share.len())
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, pool, tokens, width) = (context.isa, context.pool, lanes.tokens(), self.key_share.len());
        let [for_key, for_gate, gate] = rooms(&mut scratch.projected, [tokens * width; 3]);
        let [key] = rooms(&mut scratch.rest, [tokens * self.key.rows()]);
        lanes.each(|lane| {
            shifted(x, lane.rows(), &mut lane.state.values, |row, x, before| {
                let shares = [Some(&self.key_share), self.receptance.as_ref().map(|(share, _)| share)];
                for (input, share) in [&mut *for_key, &mut *for_gate].into_iter().zip(shares) {
                    let values = x.iter().zip(before).zip(share.into_iter().flatten());
                    let input = input[row * width..][..width].iter_mut();
                    input.zip(values).for_each(|(to, ((x, before), share))| *to = x + (before - x) * share);
                }
            });
        });
        self.key.apply(isa, pool, for_key, tokens, &mut scratch.product, key);
        key.iter_mut().for_each(|k| *k = k.max(0.0) * k.max(0.0));
        self.value.apply(isa, pool, key, tokens, &mut scratch.product, out);
        if let Some((_, receptance)) = &self.receptance {
            receptance.apply(isa, pool, for_gate, tokens, &mut scratch.product, gate);
            sigmoid(isa, gate);
            out.iter_mut().zip(gate).for_each(|(y, gate)| *y *= *gate);
        }
    }

    fn weight_bytes(&self) -> usize {
        let receptance = self.receptance.as_ref().map_or(0, |(share, map)| share.len() * 4 + map.byte_len());
        self.key.byte_len() + self.value.byte_len() + self.key_share.len() * 4 + receptance
    }
}
