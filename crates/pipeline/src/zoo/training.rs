//! The training of one run: watched, its curve kept on disk, continued where it was cut off.

use std::path::{Path, PathBuf};
use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::packing::{Example, Source};
use bantam_formats::ModelConfig;
use bantam_model::TokenModel;
use bantam_train::{
    Control, DeviceChoice, NextToken, Observer, Outcome, Start, StepReport, TrainConfig, Training, Validation, Weights,
    checkpoint_steps, train,
};

use super::record::Point;
use super::sweep::Place;

/// What a run trains.
pub(super) struct Learned<'a> {
    /// The model's shape.
    pub(super) model: &'a ModelConfig,
    /// How.
    pub(super) training: &'a TrainConfig,
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
pub(super) struct Trained {
    /// The model; `None` where the loss or a gradient became infinite.
    pub(super) model: Option<TokenModel>,
    /// Steps taken.
    pub(super) steps: u64,
    /// The validations, in order.
    pub(super) curve: Vec<Point>,
    /// Seconds since it was begun or continued.
    pub(super) seconds: f64,
    /// Tokens a second in that time, validations included.
    pub(super) tokens_per_s: f64,
}

impl Learned<'_> {
    /// Trains, or goes on with what `place` holds.
    pub(super) fn train(&self, place: &Place, progress: &dyn Progress) -> Result<Trained> {
        let mut watch = Watch::open(place, self.enough, progress)?;
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
                objective: &NextToken::default(),
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

/// Keeps the curve of a run on disk, and ends the run when it is good enough.
struct Watch<'a> {
    path: PathBuf,
    curve: Vec<Point>,
    enough: f64,
    steps: u64,
    tokens: usize,
    progress: &'a dyn Progress,
}

impl<'a> Watch<'a> {
    fn open(place: &Place, enough: f64, progress: &'a dyn Progress) -> Result<Self> {
        let path = place.curve();
        let curve = match path.is_file() {
            true => serde_json::from_slice(&files::read(&path)?)
                .map_err(|e| Error::input(path.display(), format_args!("damaged: {e}"), "remove its folder"))?,
            false => Vec::new(),
        };
        Ok(Self { path, curve, enough, steps: 0, tokens: 0, progress })
    }

    /// Whether the last validation was good enough.
    fn is_enough(&self) -> bool {
        self.curve.last().is_some_and(|p| p.accuracy >= self.enough)
    }

    /// Whether the newest checkpoint is the one that a good enough run ended with.
    fn was_stopped(&self, checkpoints: &Path) -> Result<bool> {
        let good = self.curve.last().filter(|_| self.is_enough()).map(|p| p.step);
        let newest = checkpoint_steps(checkpoints)?.pop();
        Ok(good.zip(newest).is_some_and(|(good, newest)| newest > good))
    }
}

impl Observer for Watch<'_> {
    fn started(&mut self, steps: u64) -> Result<()> {
        self.curve.retain(|p| p.step <= steps);
        self.steps = steps;
        Ok(())
    }

    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control> {
        self.steps = step;
        self.tokens += report.tokens;
        let accuracy = self.curve.last().map(|p| format!(", accuracy {:.3}", p.accuracy)).unwrap_or_default();
        self.progress.update(step, &format!("loss {:.3}{accuracy}", report.loss));
        Ok(if self.is_enough() { Control::Stop } else { Control::Continue })
    }

    fn validated(&mut self, step: u64, validation: &Validation, _: Weights) -> Result<()> {
        self.curve.push(Point { step, loss: validation.loss, accuracy: validation.token_accuracy });
        let text = serde_json::to_vec(&self.curve).map_err(|e| Error::internal(self.path.display(), e))?;
        files::write(&self.path, &text)
    }
}
