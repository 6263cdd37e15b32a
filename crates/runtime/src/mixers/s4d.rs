//! S4D (Gu et al. 2022), stepping. See `docs/mixers.md`.

use bantam_core::Result;
use bantam_kernels::inference::activation::gelu_exact;
use bantam_kernels::inference::recurrence::{Diagonal, diagonal, sigmoid};

use super::{CarriedState, Lanes, Mixer, MixerTensors, Scratch, StepContext, room};
use crate::linear::Linear;

/// A diagonal state space of one layer. State: `h / Bbar` `[N/2, 2, D]`, real parts before imaginary ones.
pub struct S4d {
    /// `Abar` and `2 C Bbar`, each `[N/2, D]`: real and imaginary part of the one, then of the other.
    discrete: [Vec<f32>; 4],
    skip: Vec<f32>,
    out_proj: Linear,
}

impl S4d {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, states: usize) -> Result<Self> {
        let steps: Vec<f64> = tensors.values("log_dt")?.iter().map(|v| f64::from(*v).exp()).collect();
        let (log_real, imaginary, c) = (tensors.values("log_A_real")?, tensors.values("A_imag")?, tensors.values("C")?);
        let mut discrete = [const { Vec::new() }; 4];
        // In f64: `Abar - 1` loses digits.
        for (state, channel) in (0..states).flat_map(|s| (0..width).map(move |c| (s, c))) {
            let at = channel * states + state;
            let (re, im) = (-f64::from(log_real[at]).exp(), f64::from(imaginary[at]));
            let (size, angle) = ((steps[channel] * re).exp(), steps[channel] * im);
            let (decay_re, decay_im) = (size * angle.cos(), size * angle.sin());
            // (Abar - 1) / A
            let square = re * re + im * im;
            let input_re = ((decay_re - 1.0) * re + decay_im * im) / square;
            let input_im = (decay_im * re - (decay_re - 1.0) * im) / square;
            let (c_re, c_im) = (2.0 * f64::from(c[2 * at]), 2.0 * f64::from(c[2 * at + 1]));
            let read = [c_re * input_re - c_im * input_im, c_re * input_im + c_im * input_re];
            let values = [decay_re, decay_im, read[0], read[1]];
            discrete.iter_mut().zip(values).for_each(|(all, value)| all.push(value as f32));
        }
        Ok(Self {
            discrete,
            skip: tensors.values("D")?,
            out_proj: tensors.linear_with("out_proj.weight", tensors.values("out_proj.bias")?, width)?,
        })
    }
}

impl Mixer for S4d {
    type State = CarriedState;

    fn new_state(&self) -> CarriedState {
        CarriedState::zeros(2 * self.discrete[0].len())
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, CarriedState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, tokens, width) = (context.isa, lanes.tokens(), self.skip.len());
        let [decay_re, decay_im, read_re, read_im] = &self.discrete;
        let space = Diagonal { decay_re, decay_im, read_re, read_im };
        let mixed = room(&mut scratch.mixed, tokens * width);
        lanes.each(|lane| {
            for row in lane.rows() {
                let (x, y) = (&x[row * width..][..width], &mut mixed[row * width..][..width]);
                diagonal(isa, space, x, &mut lane.state.values, y);
                y.iter_mut().zip(x).zip(&self.skip).for_each(|((y, x), skip)| *y += skip * x);
            }
        });
        gelu_exact(isa, mixed);
        let both = room(&mut scratch.projected, tokens * 2 * width);
        self.out_proj.apply(isa, context.pool, mixed, tokens, &mut scratch.product, both);
        for (both, out) in both.chunks_exact_mut(2 * width).zip(out.chunks_exact_mut(width)) {
            let (y, gate) = both.split_at_mut(width);
            sigmoid(isa, gate);
            out.iter_mut().zip(y).zip(gate).for_each(|((out, y), gate)| *out = *y * *gate);
        }
    }

    fn weight_bytes(&self) -> usize {
        let numbers = self.discrete.iter().map(Vec::len).sum::<usize>() + self.skip.len();
        self.out_proj.byte_len() + numbers * 4
    }
}
