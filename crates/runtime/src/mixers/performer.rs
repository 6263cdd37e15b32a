//! Causal FAVOR+ (Choromanski et al. 2021), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::recurrence::{Memory, positive_features, remember};

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room, rooms};
use crate::linear::Linear;

/// Attention by random features of one layer. State: sums of features times values `[H, m, d]`, and of features `[H, m]`.
pub struct Performer {
    /// q, k, v.
    in_proj: Linear,
    /// `[d, m]`, with the inputs' scale `d^(-1/4)` left out.
    features: Vec<f32>,
    output: Linear,
    memory: Memory,
    /// Nothing is forgotten: ones, for each head.
    kept: Vec<f32>,
}

impl Performer {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, heads: usize, features: usize) -> Result<Self> {
        let head = width / heads;
        Ok(Self {
            in_proj: tensors.linear(&["q_proj.weight", "k_proj.weight", "v_proj.weight"], width)?,
            features: tensors.turned("features", head)?,
            output: tensors.linear(&["o_proj.weight"], width)?,
            memory: Memory { heads, groups: heads, key: features, value: head },
            kept: vec![1.0; heads],
        })
    }
}

impl Mixer for Performer {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(self.memory.state_size() + self.memory.heads * self.memory.key)
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, tokens, width) = (context.isa, lanes.tokens(), self.output.cols());
        let Memory { heads, key: features, value: head, .. } = self.memory;
        let sums = Memory { value: 1, ..self.memory };
        let projected = room(&mut scratch.projected, tokens * 3 * width);
        self.in_proj.apply(isa, context.pool, x, tokens, &mut scratch.product, projected);
        let mixed = room(&mut scratch.mixed, tokens * width);
        let [of_query, of_key, weights] = rooms(&mut scratch.rest, [heads * features, heads * features, heads]);
        let scale = (head as f32).powf(-0.25);
        lanes.each(|lane| {
            let (memory, total) = lane.state.values.split_at_mut(self.memory.state_size());
            for row in lane.first..lane.first + lane.tokens {
                let (qk, v) = projected[row * 3 * width..][..3 * width].split_at_mut(2 * width);
                qk.iter_mut().for_each(|z| *z *= scale);
                let (q, k) = qk.split_at(width);
                for (z, features_of, is_query) in [(q, &mut *of_query, true), (k, &mut *of_key, false)] {
                    for (z, out) in z.chunks_exact(head).zip(features_of.chunks_exact_mut(features)) {
                        positive_features(isa, &self.features, z, is_query, out);
                    }
                }
                let y = &mut mixed[row * width..][..width];
                remember(isa, self.memory, &self.kept, of_query, of_key, v, memory, y);
                remember(isa, sums, &self.kept, of_query, of_key, &self.kept, total, weights);
                for (y, weight) in y.chunks_exact_mut(head).zip(&*weights) {
                    y.iter_mut().for_each(|y| *y /= weight);
                }
            }
        });
        self.output.apply(isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        self.in_proj.byte_len() + self.output.byte_len() + self.features.len() * 4
    }
}
