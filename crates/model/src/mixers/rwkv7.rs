//! RWKV-7's time mixing: Peng et al. 2025, "RWKV-7 Goose with Expressive Dynamic State Evolution". See `docs/mixers.md`.

use bantam_kernels::training::sequence::{TimeShift, Wkv7};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, matrix, with, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::{Precision, SequenceContext};
use crate::linear::Linear;
use crate::ops::{self, Map};

/// Epsilon of the norm over each head.
const NORM_EPSILON: f64 = 64e-5;

/// A map through a narrow middle, `second f(first x)`, with a vector added where it has one.
#[derive(Module, Debug)]
pub struct Narrow {
    base: Option<Param<Tensor<1>>>,
    first: Param<Tensor<2>>,
    second: Param<Tensor<2>>,
}

impl Narrow {
    fn new(width: usize, rank: usize, base: bool, device: &Device) -> Self {
        Self {
            base: base.then(|| zeros([width], device)),
            first: zeros([rank, width], device),
            second: zeros([width, rank], device),
        }
    }

    fn forward(&self, x: Tensor<2>, between: fn(Tensor<2>) -> Tensor<2>, precision: Precision) -> Tensor<2> {
        let map = |weight: &Param<Tensor<2>>, bias: Option<Tensor<1>>| [Map { weight: weight.val(), bias }];
        let middle = between(ops::linear(x, &map(&self.first, None), None, precision));
        let bias = self.base.as_ref().map(Param::val);
        ops::linear(middle, &map(&self.second, bias), None, precision)
    }
}

/// Token shift, generalized delta rule, gate.
#[derive(Module, Debug)]
pub struct Rwkv7 {
    x_r: Param<Tensor<1>>,
    x_w: Param<Tensor<1>>,
    x_k: Param<Tensor<1>>,
    x_v: Param<Tensor<1>>,
    x_a: Param<Tensor<1>>,
    x_g: Param<Tensor<1>>,
    w: Narrow,
    a: Narrow,
    /// None in the first layer of its kind.
    v: Option<Narrow>,
    g: Narrow,
    k_k: Param<Tensor<1>>,
    k_a: Param<Tensor<1>>,
    r_k: Param<Tensor<2>>,
    receptance: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    ln_x: HeadNorm,
}

/// Gain and offset of the norm over each head.
#[derive(Module, Debug)]
pub struct HeadNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

impl Rwkv7 {
    /// Zeros. `ranks` are those of decay, in-context learning rate, value residual and gate.
    pub fn new(width: usize, head: usize, ranks: [usize; 4], first: bool, device: &Device) -> Self {
        let vector = || zeros([width], device);
        let square = || Linear::zeros(width, width, false, device);
        let [w, a, v, g] = ranks;
        Self {
            x_r: vector(),
            x_w: vector(),
            x_k: vector(),
            x_v: vector(),
            x_a: vector(),
            x_g: vector(),
            w: Narrow::new(width, w, true, device),
            a: Narrow::new(width, a, true, device),
            v: (!first).then(|| Narrow::new(width, v, true, device)),
            g: Narrow::new(width, g, false, device),
            k_k: vector(),
            k_a: vector(),
            r_k: zeros([width / head, head], device),
            receptance: square(),
            key: square(),
            value: square(),
            output: square(),
            ln_x: HeadNorm { weight: vector(), bias: vector() },
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 4] {
        [
            ("receptance", &mut self.receptance),
            ("key", &mut self.key),
            ("value", &mut self.value),
            ("output", &mut self.output),
        ]
    }
}

impl Mixer for Rwkv7 {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        crossing: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (rows, [heads, head]) = (batch * time, self.r_k.dims());
        let precision = context.precision();
        let mut pass = Pass::new(context, state);
        let x = x.reshape([rows, width]);
        let difference = pass.run(TimeShift { width }, vec![x.clone()]) - x.clone();
        let mixed = |share: &Param<Tensor<1>>| x.clone() + difference.clone() * row(share.val());
        let by_head = |x: Tensor<2>| -> Tensor<3> { x.reshape([rows, heads, head]) };

        let r = self.receptance.forward(mixed(&self.x_r), precision);
        let k = self.key.forward(mixed(&self.x_k), precision);
        let of_v = mixed(&self.x_v);
        let v = self.value.forward(of_v.clone(), precision);
        let w = activation::sigmoid(self.w.forward(mixed(&self.x_w), activation::tanh, precision));
        let w = (w * -(-0.5f32).exp()).exp();
        let a = activation::sigmoid(self.a.forward(mixed(&self.x_a), |x| x, precision));
        let g = self.g.forward(mixed(&self.x_g), activation::sigmoid, precision);
        let v = match (&self.v, &crossing.first_values) {
            (Some(residual), Some(first)) => {
                let share = activation::sigmoid(residual.forward(of_v, |x| x, precision));
                v.clone() + (first.clone() - v) * share
            }
            (None, _) => {
                crossing.first_values = Some(v.clone());
                v
            }
            (Some(_), None) => panic!("the first RWKV-7 layer has to come before"),
        };
        let removed = by_head(k.clone() * row(self.k_k.val()));
        let length = removed.clone().powi_scalar(2).sum_dim(2).sqrt().clamp_min(1e-12);
        let removed = (removed / length).reshape([rows, width]);
        let k = k * ((a.clone() - 1.0) * row(self.k_a.val()) + 1.0);
        let memory = Wkv7 { heads, head_width: head };
        let inputs = vec![r.clone(), w, k.clone(), v.clone(), -removed.clone(), removed * a];
        let o = by_head(pass.run(memory, inputs));
        let centred = o.clone() - o.mean_dim(2);
        let variance = centred.clone().powi_scalar(2).mean_dim(2);
        let o = (centred / (variance + NORM_EPSILON).sqrt()).reshape([rows, width]);
        let o = o * row(self.ln_x.weight.val()) + row(self.ln_x.bias.val());
        let bonus = (by_head(r * k) * self.r_k.val().unsqueeze_dim(0)).sum_dim(2) * by_head(v);
        let y = self.output.forward((o + bonus.reshape([rows, width])) * g, precision);
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let [heads, head] = self.r_k.dims();
        let width = heads * head;
        let rank = |n: &Narrow| n.first.dims()[0];
        let ranks = rank(&self.w) + rank(&self.a) + self.v.as_ref().map_or(0, rank) + rank(&self.g);
        (time * (4 * width * width + 2 * width * ranks + 4 * width * head)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let [heads, head] = self.r_k.dims();
        let width = heads * head;
        let place = |i: usize| i as f64 / width as f64;
        let last = |i: usize| i as f64 / (width.max(2) - 1) as f64;
        let each = |value: &dyn Fn(usize) -> f64| Initialization::Values((0..width).map(value).collect());
        // The authors' start, in the middle of the stack.
        let share = |power: f64| each(&|i| 1.0 - place(i).powf(power * 0.5));
        let mut groups = vec![
            fixed_rate("x_r", share(0.2)),
            fixed_rate("x_w", share(0.9)),
            fixed_rate("x_k", share(0.7)),
            fixed_rate("x_v", share(0.7)),
            fixed_rate("x_a", share(0.9)),
            fixed_rate("x_g", share(0.2)),
            fixed_rate("w.base", each(&|i| -6.5 + 6.0 * last(i).powf(1.0))),
            fixed_rate("a.base", Initialization::Constant(0.0)),
            fixed_rate("k_k", Initialization::Constant(0.85)),
            fixed_rate("k_a", Initialization::Constant(1.0)),
            fixed_rate("r_k", Initialization::Constant(0.0)),
            fixed_rate("ln_x.weight", Initialization::Constant(1.0)),
            fixed_rate("ln_x.bias", Initialization::Constant(0.0)),
        ];
        let mut narrow = vec!["w", "a", "g"];
        if self.v.is_some() {
            narrow.push("v");
            groups.push(fixed_rate("v.base", Initialization::Constant(1.0)));
        }
        for name in narrow {
            groups.push(with(&format!("{name}.first"), false, Initialization::Constant(0.0)));
            groups.push(matrix(&format!("{name}.second")));
        }
        groups.extend(["receptance.weight", "key.weight", "value.weight", "output.weight"].map(matrix));
        groups
    }
}
