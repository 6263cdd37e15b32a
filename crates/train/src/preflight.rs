//! How long will a training take, how many tokens will it read? Some real steps of every phase, a validation and a
//! checkpoint, measured with the caller's clock. Nothing of it is kept.

use bantam_core::{Error, Result};
use bantam_data::packing::{Cursor, Loader};
use serde::Serialize;

use crate::checkpoint::Checkpoint;
use crate::early_stopping::EarlyStopping;
use crate::guards::explosion::LossWatch;
use crate::schedule::learning_rate;
use crate::step::train_step;
use crate::trainable::Trainable;
use crate::training::{Prepared, Training};
use crate::validation::validate;

/// Steps of each phase, at least where it has so many, and at most; the first is not measured.
const STEPS: (u64, u64) = (4, 40);
/// Seconds after which a phase has been measured long enough.
const SECONDS: f64 = 3.0;

/// What was measured of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PhaseMeasure {
    /// Steps the phase will have.
    pub steps: u64,
    /// Steps that were measured.
    pub measured_steps: u64,
    /// Mean seconds of a step.
    pub seconds_per_step: f64,
    /// Mean tokens of a step.
    pub tokens_per_step: f64,
}

/// A training before it is run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preflight {
    /// Each phase, in order; those that get no step are left out.
    pub phases: Vec<PhaseMeasure>,
    /// Seconds until the first step: making the model, probing it.
    pub start_seconds: f64,
    /// Seconds of one validation, and how many there will be.
    pub validation: (f64, u64),
    /// Seconds of writing one checkpoint, and how many there will be.
    pub checkpoint: (f64, u64),
}

impl Preflight {
    /// Seconds of the whole training; at most these, with early stopping.
    pub fn seconds(&self) -> f64 {
        let steps: f64 = self.phases.iter().map(|p| p.steps as f64 * p.seconds_per_step).sum();
        let times = |(seconds, n): (f64, u64)| seconds * n as f64;
        self.start_seconds + steps + times(self.validation) + times(self.checkpoint)
    }

    /// Tokens that the whole training reads.
    pub fn tokens(&self) -> f64 {
        self.phases.iter().map(|p| p.steps as f64 * p.tokens_per_step).sum()
    }
}

/// Measures. `clock` gives seconds from any fixed moment. The checkpoint is written into `training.checkpoints`, which
/// must hold nothing of worth, and removed.
///
/// # Errors
/// As [`crate::train`]; a loss that is not finite.
pub fn preflight<M: Trainable>(training: &Training<'_, M>, clock: &dyn Fn() -> f64) -> Result<Preflight> {
    let config = training.config;
    let begin = clock();
    let Prepared { mut model, mut optimizer, identity } = training.prepare()?;
    training.probe(&model)?;
    let start_seconds = clock() - begin;
    let mut phases = Vec::new();
    let mut first = 0;
    while first < config.steps {
        let phase = config.phase_at(first).0;
        let end = (first..config.steps).find(|&s| config.phase_at(s).0 != phase).unwrap_or(config.steps);
        let mut loader = Loader::new(training.sources, training.seed, Cursor::default());
        let (mut seconds, mut tokens, mut measured) = (0.0, 0, 0);
        for at in 0..(end - first).clamp(2, STEPS.1) {
            let begin = clock();
            let batches = training.batches(&mut loader, first)?;
            let rule = config.step_rule(learning_rate(config, 0), training.seed, first + at);
            let (next, report) = train_step(model, &mut optimizer, training.objective, &batches, rule)?;
            model = next;
            if !report.is_finite() {
                let what = format!("loss {} or gradient norm {} is not finite", report.loss, report.gradient_norm);
                return Err(Error::check("preflight", what, "check the data and the weights it starts from"));
            }
            // The first step of a phase allocates what the others reuse.
            if at > 0 {
                seconds += clock() - begin;
                tokens += report.tokens;
                measured += 1;
            }
            if at >= STEPS.0 && seconds > SECONDS {
                break;
            }
        }
        let mean = |sum: f64| sum / measured as f64;
        phases.push(PhaseMeasure {
            steps: end - first,
            measured_steps: measured,
            seconds_per_step: mean(seconds),
            tokens_per_step: mean(tokens as f64),
        });
        first = end;
    }
    let begin = clock();
    validate(&model, training.objective, training.held_out(), training.validation_tokens())?;
    let validation = clock() - begin;
    let begin = clock();
    let weights = bantam_model::weights::read(&model);
    let checkpoint = Checkpoint {
        steps: 0,
        cursor: Cursor::default(),
        watch: LossWatch::default(),
        stopping: EarlyStopping::default(),
        run: identity,
        weights: weights.into_iter().filter(|(name, ..)| training.trains(name)).collect(),
        optimizer: optimizer.state(),
    };
    let written = checkpoint.write(training.checkpoints)?;
    std::fs::remove_dir_all(&written).map_err(|e| Error::io(&written, "remove", &e))?;
    let checkpoint = clock() - begin;
    let times = |every: u64| {
        let regular = config.steps.checked_div(every).unwrap_or(0);
        regular + u64::from(every == 0 || !config.steps.is_multiple_of(every))
    };
    Ok(Preflight {
        phases,
        start_seconds,
        validation: (validation, times(config.validate_every) + u64::from(config.average > 1)),
        checkpoint: (checkpoint, times(config.checkpoint_every)),
    })
}
