//! Hyena of order two: Poli et al. 2023, "Hyena Hierarchy: Towards Larger Convolutional Language Models". See `docs/mixers.md`.

use std::sync::Arc;

use bantam_kernels::training::attention::Span;
use bantam_kernels::training::sequence::LongConvolution;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::carried::{Pass, row};
use super::depthwise::DepthwiseConvolution;
use super::parameters::{constant, fixed_rate, matrix, with};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops;

/// What the filter's window never falls below.
const SHIFT: f32 = 0.05;

/// Gates around a convolution as long as the sequence, whose filter a small network makes.
#[derive(Module, Debug)]
pub struct Hyena {
    in_proj: Linear,
    short_filter: DepthwiseConvolution,
    filter: Filter,
    bias: Param<Tensor<1>>,
    out_proj: Linear,
    #[module(skip)]
    length: usize,
}

/// The network that makes the filter from positions.
#[derive(Module, Debug)]
pub struct Filter {
    input: Linear,
    hidden: Linear,
    out: Linear,
    frequency: Param<Tensor<1>>,
    decay: Param<Tensor<1>>,
}

impl Filter {
    /// The filter of the first `time` positions, `[time, width]`.
    fn positions(&self, time: usize, length: usize, context: &SequenceContext) -> Tensor<2> {
        let features = self.input.shape()[1];
        let waves = (features - 1) / 2;
        let place = |t: usize| t as f64 / (length - 1) as f64;
        let frequency = |j: usize| match waves {
            1 => 1e-4,
            _ => 1e-4 + (waves as f64 - 1.0 - 1e-4) * j as f64 / (waves - 1) as f64,
        };
        let angle = |t: usize, j: usize| std::f64::consts::TAU * t as f64 * frequency(j) / length as f64;
        let row_of = |t: usize| {
            let cosines = (0..waves).map(move |j| angle(t, j).cos());
            let sines = (0..waves).map(move |j| -angle(t, j).sin());
            std::iter::once(place(t)).chain(cosines).chain(sines).map(|v| v as f32)
        };
        let values: Vec<f32> = (0..time).flat_map(row_of).collect();
        let device = self.frequency.val().device();
        let z: Tensor<2> = Tensor::from_data(TensorData::new(values, [time, features]), &device);
        let wave = |x: Tensor<2>| (x * row(self.frequency.val())).sin();
        let precision = context.precision();
        let filter = wave(self.hidden.forward(wave(self.input.forward(z, precision)), precision));
        let filter = self.out.forward(filter, precision);
        let places: Vec<f32> = (0..time).map(|t| -place(t) as f32).collect();
        let places: Tensor<2> = Tensor::from_data(TensorData::new(places, [time, 1]), &device);
        filter * ((places * row(self.decay.val().abs())).exp() + SHIFT)
    }
}

impl Hyena {
    /// Zeros.
    pub fn new(width: usize, length: usize, filter: usize, features: usize, device: &Device) -> Self {
        let vector = |n: usize| Param::from_tensor(Tensor::zeros([n], device));
        Self {
            in_proj: Linear::zeros(width, 3 * width, true, device),
            short_filter: DepthwiseConvolution::new(3 * width, 3, true, device),
            filter: Filter {
                input: Linear::zeros(features, filter, true, device),
                hidden: Linear::zeros(filter, filter, true, device),
                out: Linear::zeros(filter, width, false, device),
                frequency: vector(filter),
                decay: vector(width),
            },
            bias: vector(width),
            out_proj: Linear::zeros(width, width, true, device),
            length,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 2] {
        [("in_proj", &mut self.in_proj), ("out_proj", &mut self.out_proj)]
    }

    /// The long convolution of `u`, which continues `past`, `[batch, positions, width]`.
    fn convolved(&self, u: Tensor<2>, past: Option<Tensor<3>>, context: &SequenceContext) -> (Tensor<2>, Tensor<3>) {
        let ([rows, width], [batch, time]) = (u.dims(), [context.batch(), context.time()]);
        let by_item: Tensor<3> = u.clone().reshape([batch, time, width]);
        let all = match past {
            Some(past) => Tensor::cat(vec![past, by_item], 1),
            None => by_item,
        };
        let operation = Arc::new(LongConvolution { channels: width });
        let continued = all.dims()[1];
        let (flat, spans, longest): (_, Arc<[Span]>, _) = if continued > time {
            let spans = (0..batch).map(|b| Span { start: b * continued, len: continued }).collect();
            (all.clone().reshape([batch * continued, width]), spans, continued)
        } else {
            let longest = context.spans().iter().map(|s| s.len).max().unwrap_or(1);
            (u, context.shared_spans(), longest)
        };
        assert!(longest <= self.length, "Hyena's filters reach {} positions, the sequence has {longest}", self.length);
        let filter = self.filter.positions(longest, self.length, context);
        let flat_rows = flat.dims()[0];
        let (out, _) = ops::sequence(operation, vec![flat, filter], flat_rows, spans, None);
        let out: Tensor<3> = out.reshape([batch, continued, width]);
        (out.narrow(1, continued - time, time).reshape([rows, width]), all)
    }
}

impl Mixer for Hyena {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (state, past) = match state {
            Some(MixerState::Growing(past, parts)) => (Some(MixerState::Carried(parts)), Some(past)),
            other => (other, None),
        };
        let mut pass = Pass::new(context, state);
        let x = self.in_proj.forward(x.reshape([batch * time, width]), context.precision());
        let x = self.short_filter.forward(x, false, &mut pass);
        let part = |at: usize| x.clone().narrow(1, at * width, width);
        let u = part(2) * part(1);
        let (convolved, all) = self.convolved(u.clone(), past, context);
        let c = convolved + u * row(self.bias.val());
        let y = self.out_proj.forward(c * part(0), context.precision());
        let state = pass.state().map(|state| match state {
            MixerState::Carried(parts) => MixerState::Growing(all, parts),
            other => other,
        });
        (y.reshape([batch, time, width]), state)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Growing, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let weights = |l: &Linear| l.shape().iter().product::<usize>() as u64;
        let width = self.out_proj.shape()[0] as u64;
        let filter = weights(&self.filter.input) + weights(&self.filter.hidden) + weights(&self.filter.out);
        let time = time as u64;
        time * (weights(&self.in_proj) + weights(&self.out_proj) + 9 * width + filter) + width * time * (time + 1) / 2
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let [width, filter] = self.filter.out.shape();
        let features = self.filter.input.shape()[1];
        // Windows from a hundredth of the length to all of it fall to a hundredth, as the authors set them.
        let (slow, fast) = (1e-2f64.ln() / 1.5, 1e-2f64.ln() / 0.3);
        let decay = (0..width).map(|i| slow + (fast - slow) * i as f64 / (width.max(2) - 1) as f64).collect();
        let torch = |inputs: usize| {
            let bound = 1.0 / (inputs as f64).sqrt();
            Initialization::Uniform(-bound, bound)
        };
        let mut groups = vec![
            matrix("in_proj.weight"),
            fixed_rate("in_proj.bias", Initialization::Constant(0.0)),
            matrix("out_proj.weight"),
            fixed_rate("out_proj.bias", Initialization::Constant(0.0)),
            with("filter.input.weight", false, torch(features)),
            fixed_rate("filter.input.bias", torch(features)),
            with("filter.hidden.weight", false, torch(filter)),
            fixed_rate("filter.hidden.bias", torch(filter)),
            with("filter.out.weight", false, torch(filter)),
            fixed_rate("filter.frequency", Initialization::Constant(1.0)),
            constant("filter.decay", Initialization::Values(decay)),
            fixed_rate("bias", Initialization::Normal(1.0)),
        ];
        groups.extend(self.short_filter.groups("short_filter"));
        groups
    }
}
