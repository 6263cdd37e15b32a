//! The training of one run: watched, its curve kept on disk, continued where it was cut off.

use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::packing::{Example, Source};
use bantam_train::{DeviceChoice, Objective, Outcome, Start, TrainConfig, Trainable, Training, train};

use super::place::Place;
use super::record::Point;
use super::watch::Watch;

/// What a run trains.
pub(super) struct Learned<'a, M: Trainable> {
    /// The model to make.
    pub(super) model: &'a M::Config,
    /// How.
    pub(super) training: &'a TrainConfig,
    /// What is minimized.
    pub(super) objective: &'a dyn Objective<M>,
    /// Of everything random.
    pub(super) seed: u64,
    /// What is learned from.
    pub(super) train: &'a [Example],
    /// What is validated on.
    pub(super) valid: &'a [Example],
    /// Training ends at this validation accuracy; above 1: never.
    pub(super) enough: f64,
}

/// What came of it.
pub(super) struct Trained<M> {
    /// The model; `None` where the loss or a gradient became infinite.
    pub(super) model: Option<M>,
    /// Steps taken.
    pub(super) steps: u64,
    /// The validations, in order.
    pub(super) curve: Vec<Point>,
    /// Seconds since it was begun or continued.
    pub(super) seconds: f64,
    /// Tokens a second in that time, validations included.
    pub(super) tokens_per_s: f64,
}

impl<M: Trainable> Learned<'_, M> {
    /// Trains, or goes on with what `place` holds.
    pub(super) fn train(&self, place: &Place, progress: &dyn Progress) -> Result<Trained<M>> {
        let mut watch = Watch::open(place.curve(), self.enough, progress)?;
        if watch.was_stopped(&place.checkpoints())? {
            // It was cut off after its last step and before its record. Continuing would add a step.
            std::fs::remove_dir_all(place.checkpoints()).map_err(|e| Error::io(&place.checkpoints(), "remove", &e))?;
        }
        files::create_dir(&place.checkpoints())?;
        let device = DeviceChoice::Cpu.open("zoo")?.device.autodiff();
        let start = Instant::now();
        let outcome = train(
            Training {
                model: self.model,
                config: self.training,
                seed: self.seed,
                device: &device,
                start: Start::Random,
                trainable: None,
                objective: self.objective,
                sources: &[Source { examples: self.train, weight: 1.0 }],
                validation: self.valid,
                checkpoints: &place.checkpoints(),
                resume: true,
            },
            &mut watch,
        );
        let seconds = start.elapsed().as_secs_f64();
        let (model, steps) = match outcome {
            Ok(Outcome { model, steps, .. }) => (Some(model), steps),
            // The loss or a gradient became infinite at this step: the only check that is named by a step.
            Err(e) if e.exit_code() == 1 && e.place().starts_with("step ") => (None, watch.steps),
            Err(e) => return Err(e),
        };
        let tokens_per_s = watch.tokens as f64 / seconds.max(1e-9);
        Ok(Trained { model, steps, curve: watch.curve, seconds, tokens_per_s })
    }
}
