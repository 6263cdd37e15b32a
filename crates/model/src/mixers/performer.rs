//! Causal FAVOR+: Choromanski et al. 2021, "Rethinking Attention with Performers", with positive random features. See
//! `docs/mixers.md`.

use bantam_kernels::training::sequence::LinearAttention;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::carried::Pass;
use super::parameters::{constant, matrix, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Added to every feature.
const EPSILON: f32 = 1e-6;
/// The largest exponent of a key's feature.
const LARGEST: f32 = 20.0;

/// Softmax attention by random features, in linear time.
#[derive(Module, Debug)]
pub struct Performer {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    features: Param<Tensor<2>>,
    #[module(skip)]
    heads: usize,
}

impl Performer {
    /// Zeros.
    pub fn new(width: usize, heads: usize, features: usize, device: &Device) -> Self {
        let map = || Linear::zeros(width, width, false, device);
        Self {
            q_proj: map(),
            k_proj: map(),
            v_proj: map(),
            o_proj: map(),
            features: zeros([features, width / heads], device),
            heads,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 4] {
        [
            ("q_proj", &mut self.q_proj),
            ("k_proj", &mut self.k_proj),
            ("v_proj", &mut self.v_proj),
            ("o_proj", &mut self.o_proj),
        ]
    }

    /// The features of every head, `[rows, heads * features]`. A stabilizer must not look at other positions: a query's may be
    /// taken over its own features, since it leaves the quotient alone; a key's would have to be the same for all.
    fn features(&self, x: Tensor<2>, of_queries: bool) -> Tensor<2> {
        let [rows, width] = x.dims();
        let head = width / self.heads;
        let [count, _] = self.features.dims();
        let z: Tensor<2> = x.reshape([rows * self.heads, head]) * (head as f32).powf(-0.25);
        let size = z.clone().powi_scalar(2).sum_dim(1) / 2.0;
        let exponent = z.matmul(self.features.val().detach().transpose()) - size;
        let exponent = match of_queries {
            true => exponent.clone() - exponent.detach().max_dim(1),
            false => exponent.clamp_max(LARGEST),
        };
        let features = (exponent.exp() + EPSILON) * (count as f32).powf(-0.5);
        features.reshape([rows, self.heads * count])
    }
}

impl Mixer for Performer {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (rows, heads, head) = (batch * time, self.heads, width / self.heads);
        let mut pass = Pass::new(context, state);
        let qkv = Linear::forward_joined(
            x.reshape([rows, width]),
            &[&self.q_proj, &self.k_proj, &self.v_proj],
            context.precision(),
        );
        let part = |at: usize| qkv.clone().narrow(1, at * width, width);
        let (q, k) = (self.features(part(0), true), self.features(part(1), false));
        // A column of ones beside the values sums the weights.
        let device = q.device();
        let v: Tensor<3> = part(2).reshape([rows, heads, head]);
        let v = Tensor::cat(vec![v, Tensor::ones([rows, heads, 1], &device)], 2).reshape([rows, heads * (head + 1)]);
        let memory = LinearAttention { heads, groups: heads, key: self.features.dims()[0], value: head + 1 };
        let sums = pass.run(memory, vec![q, k, v, Tensor::zeros([rows, heads], &device)]);
        let sums: Tensor<3> = sums.reshape([rows, heads, head + 1]);
        // Rows of no item have no weights; nobody looks at them, but they must not become NaN.
        let weights = sums.clone().narrow(2, head, 1).clamp_min(f32::MIN_POSITIVE);
        let o = (sums.narrow(2, 0, head) / weights).reshape([rows, width]);
        let y = self.o_proj.forward(o, context.precision());
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let ([count, head], width) = (self.features.dims(), self.q_proj.shape()[0]);
        (time * (4 * width * width + self.heads * count * (4 * head + 2))) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let mut groups: Vec<ParameterGroup> =
            ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"].map(matrix).into();
        groups.push(constant("features", Initialization::OrthogonalRows));
        groups
    }
}
