//! One AdamW step (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"), in place.

use rayon::prelude::*;

use crate::multiversion::multiversion;

const CHUNK: usize = 16_384;

/// The step's scalars. `beta1_power` is beta1 to the power of the step's number, from 1.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// `beta1` to the power of the step's number.
    pub beta1_power: f32,
    /// `beta2` to the power of the step's number.
    pub beta2_power: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay; 0 for tensors that do not decay.
    pub weight_decay: f32,
    /// The gradient is multiplied by this first (global-norm clipping).
    pub gradient_scale: f32,
}

/// Updates `parameter` and the moments `m`, `v` from `gradient`; all of the same length.
pub fn step(step: Step, parameter: &mut [f32], m: &mut [f32], v: &mut [f32], gradient: &[f32]) {
    let n = parameter.len();
    assert!(m.len() == n && v.len() == n && gradient.len() == n, "lengths differ");
    parameter
        .par_chunks_mut(CHUNK)
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK))
        .zip(gradient.par_chunks(CHUNK))
        .for_each(|(((parameter, m), v), gradient)| chunk(step, parameter, m, v, gradient));
}

multiversion! { fn chunk(step: Step, parameter: &mut [f32], m: &mut [f32], v: &mut [f32], gradient: &[f32]) = body }

#[inline(always)]
fn body<const FMA: bool, const LANES: usize>(
    s: Step,
    parameter: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
    gradient: &[f32],
) {
    let step_size = s.learning_rate / (1.0 - s.beta1_power);
    let root_correction = (1.0 - s.beta2_power).sqrt();
    for (((p, m), v), &g) in parameter.iter_mut().zip(m).zip(v).zip(gradient) {
        let g = g * s.gradient_scale;
        *m = s.beta1 * *m + (1.0 - s.beta1) * g;
        *v = s.beta2 * *v + (1.0 - s.beta2) * g * g;
        // The order of torch.optim.AdamW: decay first, then the step.
        *p = *p * (1.0 - s.learning_rate * s.weight_decay) - step_size * *m / (v.sqrt() / root_correction + s.epsilon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_match_the_update_written_out_in_f64() {
        let (lr, b1, b2, eps, wd) = (0.01f64, 0.9f64, 0.95f64, 1e-8f64, 0.1f64);
        let gradients = [0.3f64, -1.2];
        let (mut p64, mut m64, mut v64) = (0.5f64, 0.0f64, 0.0f64);
        let (mut p, mut m, mut v) = (vec![0.5f32; 37], vec![0f32; 37], vec![0f32; 37]);
        for (t, g) in gradients.iter().enumerate() {
            let t = t as i32 + 1;
            m64 = b1 * m64 + (1.0 - b1) * g;
            v64 = b2 * v64 + (1.0 - b2) * g * g;
            p64 -= lr * wd * p64;
            p64 -= lr * (m64 / (1.0 - b1.powi(t))) / ((v64 / (1.0 - b2.powi(t))).sqrt() + eps);
            let s = Step {
                learning_rate: lr as f32,
                beta1: b1 as f32,
                beta2: b2 as f32,
                beta1_power: b1.powi(t) as f32,
                beta2_power: b2.powi(t) as f32,
                epsilon: eps as f32,
                weight_decay: wd as f32,
                gradient_scale: 0.5,
            };
            step(s, &mut p, &mut m, &mut v, &[*g as f32 * 2.0; 37]);
        }
        assert!(p.iter().all(|p| (*p as f64 - p64).abs() < 1e-6), "{p:?} {p64}");
    }
}
