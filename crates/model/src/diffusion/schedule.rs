//! How noisy is a vector at a step of diffusion? The cosine schedule (Nichol and Dhariwal 2021), which preserves variance.

/// Steps of training; step 0 is next to nothing of noise, the last next to nothing else.
pub const STEPS: usize = 100;
/// Keeps the first steps from being without noise.
const OFFSET: f64 = 0.008;

/// The shares of vector and noise in a noisy vector: `signal^2 + noise^2 = 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseLevel {
    /// Factor of the vector.
    pub signal: f64,
    /// Factor of the noise.
    pub noise: f64,
}

/// The level of step `step` of [`STEPS`].
pub fn noise_level(step: usize) -> NoiseLevel {
    let angle = |time: f64| (time + OFFSET) / (1.0 + OFFSET) * std::f64::consts::FRAC_PI_2;
    let time = (step + 1) as f64 / STEPS as f64;
    let share = (angle(time).cos() / angle(0.0).cos()).powi(2);
    // The last one is no plain noise, of which nothing could be told.
    let share = share.clamp(1e-4, 1.0 - 1e-4);
    NoiseLevel { signal: share.sqrt(), noise: (1.0 - share).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_grows_and_variance_stays() {
        let levels: Vec<NoiseLevel> = (0..STEPS).map(noise_level).collect();
        assert!(levels.windows(2).all(|w| w[0].noise < w[1].noise && w[0].signal > w[1].signal));
        assert!(levels.iter().all(|l| (l.signal.powi(2) + l.noise.powi(2) - 1.0).abs() < 1e-12));
        assert!(levels[0].noise < 0.05 && levels[STEPS - 1].signal < 0.011);
        // cos^2(((50 / 100 + s) / (1 + s)) pi / 2) / cos^2((s / (1 + s)) pi / 2), s = 0.008, worked out by hand.
        assert!((levels[49].signal.powi(2) - 0.493_844).abs() < 1e-5, "{}", levels[49].signal.powi(2));
    }
}
