//! Hyena of order two (Poli et al. 2023), stepping over all that came before. See `docs/mixers.md`.

use std::sync::{Arc, Mutex, PoisonError};

use bantam_core::{Error, Result};
use bantam_kernels::inference::recurrence::{long_convolution, short_convolution};

use super::carried::take_numbers;
use super::{Lanes, Mixer, MixerState, MixerTensors, Scratch, StepContext, room};
use crate::linear::Linear;

/// Positions that the short convolution reaches.
const KERNEL: usize = 3;
/// What the filter's window never falls below.
const SHIFT: f64 = 0.05;

/// Gates around a long convolution, of one layer.
pub struct Hyena {
    /// x0, x1, v.
    in_proj: Linear,
    /// `[K, 3D]`, the present position last.
    taps: Vec<f32>,
    taps_bias: Vec<f32>,
    filter: Arc<Filter>,
    out_proj: Linear,
}

impl Hyena {
    pub(crate) fn new(tensors: &MixerTensors<'_, '_>, width: usize, length: usize, features: usize) -> Result<Self> {
        let filter = Filter {
            input: Layer { weight: tensors.values("filter.in.weight")?, bias: tensors.values("filter.in.bias")? },
            hidden: Layer {
                weight: tensors.values("filter.hidden.weight")?,
                bias: tensors.values("filter.hidden.bias")?,
            },
            out: Layer { weight: tensors.values("filter.out.weight")?, bias: vec![0.0; width] },
            frequency: tensors.values("filter.frequency")?,
            decay: tensors.values("filter.decay")?,
            present: tensors.values("bias")?,
            length,
            features,
            made: Mutex::default(),
        };
        Ok(Self {
            in_proj: tensors.linear_with("in_proj.weight", tensors.values("in_proj.bias")?, width)?,
            taps: tensors.turned("short_filter.weight", KERNEL)?,
            taps_bias: tensors.values("short_filter.bias")?,
            filter: Arc::new(filter),
            out_proj: tensors.linear_with("out_proj.weight", tensors.values("out_proj.bias")?, width)?,
        })
    }
}

impl Mixer for Hyena {
    type State = HyenaState;

    fn new_state(&self) -> HyenaState {
        let past = vec![0.0; (KERNEL - 1) * self.taps_bias.len()];
        HyenaState { inputs: Vec::new(), past, filter: Arc::clone(&self.filter) }
    }

    fn forward(
        &self,
        context: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, HyenaState>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, tokens, width) = (context.isa, lanes.tokens(), self.out_proj.cols());
        let projected = room(&mut scratch.projected, tokens * 3 * width);
        self.in_proj.apply(isa, context.pool, x, tokens, &mut scratch.product, projected);
        let (mixed, convolved) = (room(&mut scratch.mixed, tokens * width), room(&mut scratch.rest, 3 * width));
        lanes.each(|lane| {
            let filter = self.filter.reaching(lane.position + lane.tokens);
            for row in lane.first..lane.first + lane.tokens {
                let taken = &projected[row * 3 * width..][..3 * width];
                short_convolution(isa, taken, &self.taps, Some(&self.taps_bias), &mut lane.state.past, convolved);
                let (x0, rest) = convolved.split_at(width);
                let (x1, v) = rest.split_at(width);
                lane.state.inputs.extend(v.iter().zip(x1).map(|(v, x1)| v * x1));
                let y = &mut mixed[row * width..][..width];
                long_convolution(isa, &lane.state.inputs, &filter, y);
                y.iter_mut().zip(x0).for_each(|(y, x0)| *y *= x0);
            }
        });
        self.out_proj.apply(isa, context.pool, mixed, tokens, &mut scratch.product, out);
    }

    fn weight_bytes(&self) -> usize {
        let filter = [&self.filter.input, &self.filter.hidden, &self.filter.out].map(|l| l.weight.len() + l.bias.len());
        let vectors = [&self.taps, &self.taps_bias, &self.filter.frequency, &self.filter.decay, &self.filter.present];
        let numbers = filter.iter().sum::<usize>() + vectors.map(Vec::len).iter().sum::<usize>();
        self.in_proj.byte_len() + self.out_proj.byte_len() + numbers * 4
    }
}

/// The network that makes the filter from positions, and what it has made.
struct Filter {
    input: Layer,
    hidden: Layer,
    out: Layer,
    frequency: Vec<f32>,
    decay: Vec<f32>,
    /// What the present position counts for beside the filter.
    present: Vec<f32>,
    length: usize,
    features: usize,
    /// The filter of the first positions, `[positions, width]`, shared by all sequences.
    made: Mutex<Arc<Vec<f32>>>,
}

struct Layer {
    /// `[out, in]`
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    fn apply(&self, x: &[f64]) -> Vec<f64> {
        let row = |(row, bias): (&[f32], &f32)| {
            row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>() + f64::from(*bias)
        };
        self.weight.chunks_exact(x.len()).zip(&self.bias).map(row).collect()
    }
}

impl Filter {
    /// The filter of at least the first `positions` positions.
    fn reaching(&self, positions: usize) -> Arc<Vec<f32>> {
        // The filter is replaced whole: a panic elsewhere cannot leave it half-made.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let width = self.decay.len();
        if made.len() < positions * width {
            let size = positions.next_power_of_two().max(64).min(self.length).max(positions);
            let first = made.len() / width;
            let more = (first..size).flat_map(|t| self.position(t));
            *made = Arc::new(made.iter().copied().chain(more).collect());
        }
        Arc::clone(&made)
    }

    /// The filter of position `t`, of every channel.
    fn position(&self, t: usize) -> Vec<f32> {
        let waves = (self.features - 1) / 2;
        let place = t as f64 / (self.length - 1) as f64;
        let highest = waves as f64 - 1.0;
        let frequency = |j: usize| 1e-4 + (highest - 1e-4) * j as f64 / (waves.max(2) - 1) as f64;
        let turn = std::f64::consts::TAU * t as f64 / self.length as f64;
        let angles: Vec<f64> = (0..waves).map(|j| turn * frequency(j)).collect();
        let cosines = angles.iter().map(|a| a.cos());
        let sines = angles.iter().map(|a| -a.sin());
        let features: Vec<f64> = std::iter::once(place).chain(cosines).chain(sines).collect();
        let wave = |x: Vec<f64>| -> Vec<f64> {
            x.iter().zip(&self.frequency).map(|(x, frequency)| (f64::from(*frequency) * x).sin()).collect()
        };
        let made = self.out.apply(&wave(self.hidden.apply(&wave(self.input.apply(&features)))));
        let windowed = |((h, decay), present): ((f64, &f32), &f32)| {
            let h = h * ((-place * f64::from(decay.abs())).exp() + SHIFT);
            (if t == 0 { h + f64::from(*present) } else { h }) as f32
        };
        made.into_iter().zip(&self.decay).zip(&self.present).map(windowed).collect()
    }
}

/// What Hyena remembers: every input of the long convolution, and the last ones of the short one.
#[derive(Clone)]
pub struct HyenaState {
    /// `[positions, D]`
    inputs: Vec<f32>,
    /// `[K - 1, 3D]`, oldest first.
    past: Vec<f32>,
    filter: Arc<Filter>,
}

impl MixerState for HyenaState {
    fn state_bytes(&self) -> usize {
        (self.inputs.len() + self.past.len()) * size_of::<f32>()
    }

    fn reserve(&mut self, positions: usize) {
        let size = positions * self.filter.decay.len();
        self.inputs.reserve(size.saturating_sub(self.inputs.len()));
        self.filter.reaching(positions);
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.inputs.iter().chain(&self.past).flat_map(|v| v.to_le_bytes()));
    }

    fn load(&mut self, positions: usize, bytes: &mut &[u8]) -> Result<()> {
        let size = positions.checked_mul(self.filter.decay.len()).filter(|n| *n <= bytes.len());
        let Some(size) = size else {
            return Err(Error::input("state", "shorter than its tokens ask for", "save it again"));
        };
        let (mut inputs, mut past) = (vec![0.0; size], vec![0.0; self.past.len()]);
        let mut rest = *bytes;
        take_numbers(&mut rest, &mut inputs)?;
        take_numbers(&mut rest, &mut past)?;
        (self.inputs, self.past, *bytes) = (inputs, past, rest);
        Ok(())
    }
}
