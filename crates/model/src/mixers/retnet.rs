//! Retention: Sun et al. 2023, "Retentive Network: A Successor to Transformer". See `docs/mixers.md`.

use bantam_kernels::training::sequence::LinearAttention;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::carried::Pass;
use super::grouped_norm::grouped_rms_norm;
use super::parameters::matrix;
use super::{Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use crate::context::SequenceContext;
use crate::linear::Linear;
use crate::ops;

/// Epsilon of the norm over each head.
const NORM_EPSILON: f32 = 1e-6;

/// Attention that decays by a fixed factor for each head, with a gate.
#[derive(Module, Debug)]
pub struct Retnet {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    g_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Retnet {
    /// Zeros.
    pub fn new(width: usize, heads: usize, value: usize, device: &Device) -> Self {
        let map = |inputs, outputs| Linear::zeros(inputs, outputs, false, device);
        Self {
            q_proj: map(width, width),
            k_proj: map(width, width),
            v_proj: map(width, value),
            g_proj: map(width, value),
            out_proj: map(value, width),
            heads,
        }
    }

    /// The linear maps that an adapter can be put on.
    pub(crate) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 5] {
        [
            ("q_proj", &mut self.q_proj),
            ("k_proj", &mut self.k_proj),
            ("v_proj", &mut self.v_proj),
            ("g_proj", &mut self.g_proj),
            ("out_proj", &mut self.out_proj),
        ]
    }
}

/// Turns neighbouring pairs of each head of `x` `[rows, width]` by its row's position.
fn rotated(x: Tensor<2>, heads: usize, positions: &[usize]) -> Tensor<2> {
    let [rows, width] = x.dims();
    let half = width / heads / 2;
    let frequency = |j: usize| if half == 1 { 1.0 } else { 10_000f64.powf(-(j as f64) / (half - 1) as f64) };
    let frequencies: Vec<f64> = (0..half).map(frequency).collect();
    let table = |of: fn(f64) -> f64| -> Tensor<3> {
        let values: Vec<f32> =
            positions.iter().flat_map(|&p| frequencies.iter().map(move |f| of(p as f64 * f) as f32)).collect();
        Tensor::from_data(TensorData::new(values, [rows, 1, half]), &x.device())
    };
    let (cos, sin) = (table(f64::cos), table(f64::sin));
    let pairs: Tensor<4> = x.reshape([rows, heads, half, 2]);
    let part = |at: usize| -> Tensor<3> { pairs.clone().narrow(3, at, 1).reshape([rows, heads, half]) };
    let (a, b) = (part(0), part(1));
    let turned: [Tensor<3>; 2] = [a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin];
    Tensor::stack::<4>(turned.to_vec(), 3).reshape([rows, width])
}

impl Mixer for Retnet {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        _: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let (rows, heads, precision) = (batch * time, self.heads, context.precision());
        // The positions that came before are the state's last part.
        let (state, before) = match state {
            Some(MixerState::Carried(mut parts)) => {
                let before = parts.pop().and_then(|p| p.first().copied()).unwrap_or_default();
                (Some(MixerState::Carried(parts)), before as usize)
            }
            other => (other, 0),
        };
        let mut pass = Pass::new(context, state);
        let x = x.reshape([rows, width]);
        let maps = [&self.q_proj, &self.k_proj];
        // Both at once: their heads are turned by the same angles.
        let qk = rotated(Linear::forward_joined(x.clone(), &maps, precision), 2 * heads, &context.positions(before));
        let q = qk.clone().narrow(1, 0, width);
        let k = qk.narrow(1, width, width) * ((width / heads) as f32).powf(-0.5);
        let vg = Linear::forward_joined(x.clone(), &[&self.v_proj, &self.g_proj], precision);
        let value = vg.dims()[1] / 2;
        let (v, g) = (vg.clone().narrow(1, 0, value), vg.narrow(1, value, value));
        let decay: Vec<f32> = (0..heads).map(|h| (1.0 - 2f64.powi(-5 - h as i32)).ln() as f32).collect();
        let log_decay: Tensor<2> =
            Tensor::from_data(TensorData::new(decay, [1, heads]), &x.device()).repeat_dim(0, rows);
        let memory = LinearAttention { heads, groups: heads, key: width / heads, value: value / heads };
        let o = grouped_rms_norm(pass.run(memory, vec![q, k, v, log_decay]), heads, NORM_EPSILON);
        let y = self.out_proj.forward(ops::swiglu(g, o), precision);
        let state = pass.state().map(|state| match state {
            MixerState::Carried(mut parts) => {
                parts.push(std::sync::Arc::new(vec![(before + time) as f32]));
                MixerState::Carried(parts)
            }
            other => other,
        });
        (y.reshape([batch, time, width]), state)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { causal: true, stepping: Stepping::Constant, fixed_length: None }
    }

    fn cost(&self, time: usize) -> u64 {
        let weights = |l: &Linear| l.shape().iter().product::<usize>();
        let maps = [&self.q_proj, &self.k_proj, &self.v_proj, &self.g_proj, &self.out_proj];
        let [value, width] = self.v_proj.shape();
        (time * (maps.map(weights).iter().sum::<usize>() + 2 * width * value / self.heads)) as u64
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        ["q_proj.weight", "k_proj.weight", "v_proj.weight", "g_proj.weight", "out_proj.weight"].map(matrix).into()
    }
}
