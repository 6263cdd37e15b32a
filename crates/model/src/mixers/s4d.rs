//! S4D: Gu et al. 2022, "On the Parameterization and Initialization of Diagonal State Space Models". See `docs/mixers.md`.

use bantam_kernels::training::sequence;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};

use super::carried::{Pass, row};
use super::parameters::{fixed_rate, matrix, zeros};
use super::{Capabilities, Crossing, Initialization, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;

/// Complex states of each channel, GELU, and a gated linear map.
#[derive(Module, Debug)]
pub struct S4d {
    log_dt: Param<Tensor<1>>,
    d: Param<Tensor<1>>,
    log_a_real: Param<Tensor<2>>,
    a_imag: Param<Tensor<2>>,
    c: Param<Tensor<3>>,
    out_proj: Linear,
}

impl S4d {
    /// Zeros.
    pub fn new(width: usize, states: usize, device: &Device) -> Self {
        let vector = || zeros([width], device);
        let matrix = || zeros([width, states], device);
        Self {
            log_dt: vector(),
            d: vector(),
            log_a_real: matrix(),
            a_imag: matrix(),
            c: zeros([width, states, 2], device),
            out_proj: Linear::zeros(width, 2 * width, true, device),
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 1] {
        [("out_proj", &mut self.out_proj)]
    }

    /// `Abar` and `2 C Bbar`, both `[channels, states * 2]` as the kernel takes them.
    fn discrete(&self) -> [Tensor<2>; 2] {
        let [channels, states] = self.a_imag.dims();
        let dt: Tensor<2> = self.log_dt.val().exp().unsqueeze_dim(1);
        let (re, im) = (-self.log_a_real.val().exp(), self.a_imag.val());
        // exp(dt A)
        let (size, angle) = ((re.clone() * dt.clone()).exp(), im.clone() * dt);
        let (bar_re, bar_im) = (size.clone() * angle.clone().cos(), size * angle.sin());
        // (Abar - 1) / A
        let square = re.clone().powi_scalar(2) + im.clone().powi_scalar(2);
        let over_re = ((bar_re.clone() - 1.0) * re.clone() + bar_im.clone() * im.clone()) / square.clone();
        let over_im = (bar_im.clone() * re - (bar_re.clone() - 1.0) * im) / square;
        let c = self.c.val() * 2.0;
        let part = |at: usize| -> Tensor<2> { c.clone().narrow(2, at, 1).reshape([channels, states]) };
        let (c_re, c_im) = (part(0), part(1));
        let times_re = c_re.clone() * over_re.clone() - c_im.clone() * over_im.clone();
        let times_im = c_re * over_im + c_im * over_re;
        let paired = |re: Tensor<2>, im: Tensor<2>| -> Tensor<2> {
            Tensor::stack::<3>(vec![re, im], 2).reshape([channels, 2 * states])
        };
        [paired(bar_re, bar_im), paired(times_re, times_im)]
    }
}

impl Mixer for S4d {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let mut pass = Pass::new(context, state);
        let x = x.reshape([batch * time, width]);
        let [a, c] = self.discrete();
        let scan = sequence::S4d { channels: width, states: self.a_imag.dims()[1] };
        let o = pass.run(scan, vec![x.clone(), a, c]) + x * row(self.d.val());
        let both = self.out_proj.forward(activation::gelu(o), context.precision());
        let y = both.clone().narrow(1, 0, width) * activation::sigmoid(both.narrow(1, width, width));
        (y.reshape([batch, time, width]), pass.state())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let [width, states] = self.a_imag.dims();
        (time * (2 * width * width + 6 * width * states)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        let [width, states] = self.a_imag.dims();
        // S4D-Lin, with steps between 0.001 and 0.1.
        let imaginary = (0..width * states).map(|i| std::f64::consts::PI * (i % states) as f64).collect();
        let (from, to) = (1e-3f64.ln(), 1e-1f64.ln());
        vec![
            fixed_rate("log_dt", Initialization::Uniform(from, to)),
            fixed_rate("d", Initialization::Normal(1.0)),
            fixed_rate("log_a_real", Initialization::Constant(0.5f64.ln())),
            fixed_rate("a_imag", Initialization::Values(imaginary)),
            fixed_rate("c", Initialization::Normal(std::f64::consts::FRAC_1_SQRT_2)),
            matrix("out_proj.weight"),
            fixed_rate("out_proj.bias", Initialization::Constant(0.0)),
        ]
    }
}
