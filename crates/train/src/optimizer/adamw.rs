//! AdamW's rule for one parameter (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization").

use bantam_kernels::training::adamw;

use super::Scalars;

/// AdamW's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// One step of `values` with the moments `m` and `v`.
pub(super) fn update(c: AdamWConfig, s: Scalars, values: &mut [f32], m: &mut [f32], v: &mut [f32], gradient: &[f32]) {
    let power = |beta: f64| beta.powf(s.number as f64) as f32;
    let step = adamw::Step {
        learning_rate: s.learning_rate as f32,
        beta1: c.beta1 as f32,
        beta2: c.beta2 as f32,
        beta1_power: power(c.beta1),
        beta2_power: power(c.beta2),
        epsilon: c.epsilon as f32,
        weight_decay: s.weight_decay as f32,
        gradient_scale: s.gradient_scale as f32,
    };
    adamw::step(step, values, m, v, gradient);
}
