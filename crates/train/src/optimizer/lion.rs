//! Lion's rule for one parameter (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms").

use rayon::prelude::*;

use super::Scalars;

/// Values changed by one thread at a time.
const CHUNK: usize = 16_384;

/// Lion's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LionConfig {
    /// Share of the momentum in the direction of the step.
    pub beta1: f64,
    /// Decay of the momentum.
    pub beta2: f64,
}

/// One step of `values` with the momentum `m`: every value moves by the learning rate, in the direction of the sign.
pub(super) fn update(c: LionConfig, s: Scalars, values: &mut [f32], m: &mut [f32], gradient: &[f32]) {
    assert!(values.len() == m.len() && values.len() == gradient.len(), "lengths differ");
    let (beta1, beta2, scale) = (c.beta1 as f32, c.beta2 as f32, s.gradient_scale as f32);
    let rate = s.learning_rate as f32;
    let keep = (1.0 - s.learning_rate * s.weight_decay) as f32;
    let chunks = values.par_chunks_mut(CHUNK).zip(m.par_chunks_mut(CHUNK)).zip(gradient.par_chunks(CHUNK));
    chunks.for_each(|((values, m), gradient)| {
        for ((p, m), &g) in values.iter_mut().zip(m).zip(gradient) {
            let g = g * scale;
            let direction = beta1 * *m + (1.0 - beta1) * g;
            // `signum` of zero is one; a value without a gradient must stay.
            let sign = if direction == 0.0 { 0.0 } else { direction.signum() };
            *p = *p * keep - rate * sign;
            *m = beta2 * *m + (1.0 - beta2) * g;
        }
    });
}
