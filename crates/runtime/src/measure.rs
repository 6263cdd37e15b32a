//! Where time is read: the one place of this crate that touches a clock.

use std::time::{Duration, Instant};

/// Something that tells how much time has passed. What computes takes one and never reads a clock itself.
pub trait Clock {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock.
pub struct WallClock(Instant);

impl WallClock {
    /// A clock that counts from now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The result of `work` and the time it took.
pub fn timed<T>(clock: &dyn Clock, work: impl FnOnce() -> T) -> (T, Duration) {
    let before = clock.now();
    let result = work();
    (result, clock.now().saturating_sub(before))
}

/// `count` things in `time`, per second; 0 when nothing was done, and finite always.
pub fn per_second(count: usize, time: Duration) -> f64 {
    if count == 0 {
        return 0.0;
    }
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// The median; the mean of the two in the middle for an even count, NaN for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => values[n / 2],
        _ => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn rates_are_finite() {
        assert_eq!(per_second(10, Duration::from_secs(2)), 5.0);
        assert_eq!(per_second(0, Duration::ZERO), 0.0);
        assert!(per_second(1, Duration::ZERO).is_finite());
    }
}
