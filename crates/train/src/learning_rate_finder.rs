//! Which learning rate suits a model and its data? A sweep: some steps at exponentially growing rates, until the loss
//! rises (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3). Nothing of it is kept.

use bantam_core::{Error, Result};
use bantam_data::packing::{Cursor, Loader};
use serde::Serialize;

use crate::step::train_step;
use crate::trainable::Trainable;
use crate::training::{Prepared, Training};

/// The sweep's first and last rate, and its steps.
const FROM: f64 = 1e-6;
const TO: f64 = 1.0;
const STEPS: u64 = 100;
/// Weight of the past in the smoothed loss.
const SMOOTHING: f64 = 0.9;
/// The sweep ends when the smoothed loss is this many times the lowest.
const RISEN: f64 = 2.0;
/// The suggestion is the rate of the lowest loss over this: there the loss no longer falls.
const MARGIN: f64 = 10.0;

/// One step of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The step's learning rate.
    pub learning_rate: f64,
    /// The training loss before the step.
    pub loss: f64,
    /// Its exponential mean, free of the start's bias.
    pub smoothed: f64,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// A tenth of the rate with the lowest smoothed loss.
    pub suggested: f64,
    /// The rate at which the smoothed loss fell fastest.
    pub steepest: f64,
    /// The rate with the lowest smoothed loss.
    pub lowest: f64,
    /// Every step, in order.
    pub points: Vec<SweepPoint>,
}

/// Sweeps with the configured optimizer, decay and clipping over the first phase's batches. `told` hears of every step.
///
/// # Errors
/// As [`crate::train`]; a loss that never fell.
pub fn find_learning_rate<M: Trainable>(
    training: &Training<'_, M>,
    mut told: impl FnMut(u64, &SweepPoint),
) -> Result<Sweep> {
    let Prepared { mut model, mut optimizer, .. } = training.prepare()?;
    training.probe(&model)?;
    let mut loader = Loader::new(training.sources, training.seed, Cursor::default());
    let mut points: Vec<SweepPoint> = Vec::new();
    let (mut mean, mut lowest) = (0.0, f64::INFINITY);
    for step in 0..STEPS {
        let learning_rate = FROM * (TO / FROM).powf(step as f64 / (STEPS - 1) as f64);
        let batches = training.batches(&mut loader, 0)?;
        let rule = training.config.step_rule(learning_rate, training.seed, step);
        let (next, report) = train_step(model, &mut optimizer, training.objective, &batches, rule)?;
        model = next;
        if !report.is_finite() {
            break;
        }
        mean = SMOOTHING * mean + (1.0 - SMOOTHING) * report.loss;
        let smoothed = mean / (1.0 - SMOOTHING.powf(step as f64 + 1.0));
        let point = SweepPoint { learning_rate, loss: report.loss, smoothed };
        told(step + 1, &point);
        points.push(point);
        if smoothed > RISEN * lowest {
            break;
        }
        lowest = lowest.min(smoothed);
    }
    judge(points)
}

/// Reads the suggestion off a sweep.
fn judge(points: Vec<SweepPoint>) -> Result<Sweep> {
    let lowest = points.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed));
    let steepest = points.windows(2).min_by(|a, b| {
        // Rates grow by the same factor, so that differences are slopes over the rate's logarithm.
        let fall = |w: &[SweepPoint]| w[1].smoothed - w[0].smoothed;
        fall(a).total_cmp(&fall(b))
    });
    match (lowest, steepest) {
        (Some(lowest), Some(steep)) if lowest.smoothed < points[0].smoothed => Ok(Sweep {
            suggested: lowest.learning_rate / MARGIN,
            steepest: steep[1].learning_rate,
            lowest: lowest.learning_rate,
            points,
        }),
        _ => Err(Error::check(
            "learning-rate finder",
            "the loss fell at no rate",
            "check the data, or start from weights that have something to learn",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(losses: &[f64]) -> Vec<SweepPoint> {
        let point =
            |(i, &loss): (usize, &f64)| SweepPoint { learning_rate: 10f64.powi(i as i32), loss, smoothed: loss };
        losses.iter().enumerate().map(point).collect()
    }

    #[test]
    fn the_suggestion_is_a_tenth_of_the_lowest_points_rate() {
        let sweep = judge(points(&[5.0, 4.9, 3.0, 2.5, 6.0])).unwrap();
        assert_eq!((sweep.suggested, sweep.steepest, sweep.lowest), (100.0, 100.0, 1000.0));
        assert_eq!(judge(points(&[5.0, 5.1, 9.0])).unwrap_err().exit_code(), 1);
        assert!(judge(Vec::new()).is_err());
    }
}
