//! Warm-up, stable, decay: the learning rate of each step (Hu et al. 2024, "MiniCPM").

use crate::config::TrainConfig;

/// The rate of step `step` (from 0): linear from 0 over the warm-up, constant, linear to the final rate.
pub fn learning_rate(config: &TrainConfig, step: u64) -> f64 {
    let (step, steps) = (step as f64, config.steps as f64);
    let warm = if config.warmup_steps == 0 { 1.0 } else { ((step + 1.0) / config.warmup_steps as f64).min(1.0) };
    let decay_steps = config.decay_fraction * steps;
    let left = if decay_steps > 0.0 { ((steps - step) / decay_steps).min(1.0) } else { 1.0 };
    let (high, low) = (config.learning_rate, config.final_learning_rate);
    high.min(high * warm).min(low + (high - low) * left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warms_up_holds_and_decays() {
        let config = TrainConfig {
            steps: 100,
            warmup_steps: 10,
            decay_fraction: 0.5,
            learning_rate: 1.0,
            final_learning_rate: 0.1,
            ..Default::default()
        };
        assert!((learning_rate(&config, 0) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate(&config, 9), 1.0);
        assert_eq!(learning_rate(&config, 50), 1.0);
        assert!((learning_rate(&config, 75) - 0.55).abs() < 1e-12);
        assert!(learning_rate(&config, 99) > 0.1);
    }
}
