//! The learning rate of each step: linear warm-up, then a constant rate that decays at the end, a cosine, or a line.

use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;

/// How the rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Warm-up, stable, decay: constant, then linear over the last `decay_fraction` (Hu et al. 2024, "MiniCPM").
    Wsd,
    /// Half a cosine over all steps after the warm-up (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// Linear over all steps after the warm-up.
    Linear,
}

/// The rate of step `step` (from 0). The warm-up's first step has `1 / warmup_steps` of the highest rate, not 0: no step
/// is without effect. From its end on, cosine and linear are as in `transformers`, towards `final_learning_rate`.
pub fn learning_rate(config: &TrainConfig, step: u64) -> f64 {
    let (step, steps, warmup) = (step as f64, config.steps as f64, config.warmup_steps as f64);
    let (high, low) = (config.learning_rate, config.final_learning_rate);
    let warm = if warmup == 0.0 { 1.0 } else { ((step + 1.0) / warmup).min(1.0) };
    // What is left of the way from the highest to the final rate.
    let after_warmup = ((steps - step) / (steps - warmup).max(1.0)).clamp(0.0, 1.0);
    let left = match config.schedule {
        Schedule::Wsd => {
            let decay_steps = config.decay_fraction * steps;
            if decay_steps > 0.0 { ((steps - step) / decay_steps).min(1.0) } else { 1.0 }
        }
        Schedule::Linear => after_warmup,
        Schedule::Cosine => 0.5 * (1.0 - (std::f64::consts::PI * after_warmup).cos()),
    };
    high.min(high * warm).min(low + (high - low) * left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn config(schedule: Schedule, steps: u64, warmup_steps: u64) -> TrainConfig {
        TrainConfig { schedule, steps, warmup_steps, learning_rate: 1.0, ..Default::default() }
    }

    #[test]
    fn warms_up_holds_and_decays() {
        let config = TrainConfig { decay_fraction: 0.5, final_learning_rate: 0.1, ..config(Schedule::Wsd, 100, 10) };
        assert!((learning_rate(&config, 0) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate(&config, 9), 1.0);
        assert_eq!(learning_rate(&config, 50), 1.0);
        assert!((learning_rate(&config, 75) - 0.55).abs() < 1e-12);
        assert!(learning_rate(&config, 99) > 0.1);
    }

    #[test]
    fn cosine_and_linear_are_those_of_transformers() {
        let cases: Value = serde_json::from_str(include_str!("../tests/data/schedules.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let schedule = serde_json::from_value(case["schedule"].clone()).unwrap();
            let (steps, warmup) = (case["steps"].as_u64().unwrap(), case["warmup"].as_u64().unwrap());
            let config = config(schedule, steps, warmup);
            for step in 0..steps {
                // Ours is one step ahead in the warm-up.
                let theirs = if step < warmup { step + 1 } else { step };
                let want = case["factors"][theirs as usize].as_f64().unwrap();
                let got = learning_rate(&config, step);
                assert!((got - want).abs() < 1e-12, "{case}: step {step}: {got} {want}");
            }
            let half = TrainConfig { final_learning_rate: 0.5, ..config };
            let (last, whole) = (
                learning_rate(&half, steps - 1),
                learning_rate(&TrainConfig { final_learning_rate: 0.0, ..half.clone() }, steps - 1),
            );
            assert!((last - (0.5 + 0.5 * whole)).abs() < 1e-12);
        }
    }
}
