//! The loop: draw, step, validate, checkpoint; from scratch or from the newest checkpoint, to the same bits.

use bantam_core::{Error, Result};
use bantam_data::packing::{Batch, Cursor, Loader};
use bantam_model::{TokenModel, weights};

use crate::checkpoint::{self, Checkpoint};
use crate::early_stopping::EarlyStopping;
use crate::ending::{self, Weights};
use crate::guards::explosion::{LossWatch, Verdict};
use crate::guards::plausibility::Plausibility;
use crate::guards::targets;
use crate::observer::{Control, Observer};
use crate::schedule::learning_rate;
use crate::step::{StepReport, train_step};
use crate::trainable::Trainable;
use crate::training::{Prepared, Training};
use crate::validation::{Validation, summed_loss, validate};

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Outcome<M = TokenModel> {
    /// Steps taken in all.
    pub steps: u64,
    /// The trained model, with the weights that `weights` names.
    pub model: M,
    /// Whose weights the run ends with.
    pub weights: Weights,
    /// The validation of these weights.
    pub validation: Option<Validation>,
    /// Whether the observer stopped the run: it is not over.
    pub stopped: bool,
}

/// Checkpoints kept besides those that are still needed.
const KEPT: usize = 2;

/// Trains, keeping checkpoints. The batches, the order of every sum and so every bit depend only on `training` and the
/// number of threads.
///
/// # Errors
/// A guard's failed check (exit code 1; checkpoints from before stay); an impossible configuration, unreadable or foreign
/// checkpoints, items longer than the model's positions, names of parameters that the model does not have.
pub fn train<M: Trainable>(training: Training<'_, M>, observer: &mut dyn Observer) -> Result<Outcome<M>> {
    let Training { config, checkpoints, .. } = training;
    let Prepared { mut model, mut optimizer, identity } = training.prepare()?;
    let (mut cursor, mut watch, mut stopping) = (Cursor::default(), LossWatch::default(), EarlyStopping::default());
    if let Some(saved) = resumed(&training, &identity)? {
        let place = checkpoint::path(checkpoints, saved.steps).display().to_string();
        model = weights::load_some(model, saved.weights, &place, |name| training.trains(name))?;
        if optimizer.restore(saved.optimizer, saved.steps).is_none() {
            return Err(Error::input(place, "the optimizer's state is incomplete", "remove this checkpoint"));
        }
        (cursor, watch, stopping) = (saved.cursor, saved.watch, saved.stopping);
    }
    checkpoint::write_final(checkpoints, None)?;
    training.probe(&model)?;
    let (held_out, batch_tokens) = (training.held_out(), training.validation_tokens());
    Batch::all(held_out, batch_tokens).iter().try_for_each(targets::check)?;
    observer.started(optimizer.steps())?;

    // Where more than a number is predicted there is nothing to count; the probe and the targets' check stand.
    let vocabulary = M::vocabulary(training.model);
    let suspicious = vocabulary.map_or(0.0, |_| config.plausibility);
    let mut plausibility =
        Plausibility::new(training.sources, held_out, vocabulary.unwrap_or(1), suspicious, batch_tokens);
    let mut loader = Loader::new(training.sources, training.seed, cursor);
    let (mut validation, mut stopped) = (None, false);
    while optimizer.steps() < config.steps && !stopped && !stopping.is_over(config.patience) {
        let step = optimizer.steps();
        let batches = training.batches(&mut loader, step)?;
        let rate = learning_rate(config, step);
        let report;
        (model, report) = train_step(
            model,
            &mut optimizer,
            training.objective,
            &batches,
            config.step_rule(rate, training.seed, step),
        )?;
        let step = step + 1;
        check_finite(step, &report)?;
        stopped = observer.stepped(step, &report)? == Control::Stop;
        let verdict = watch.watch(loader.cursor().phase, report.loss, config.explosion);
        check_loss(step, verdict)?;
        let last = step == config.steps;
        let due = |every: u64| last || (every > 0 && step.is_multiple_of(every));
        let mut improved = false;
        if due(config.validate_every) {
            validation = validate(&model, training.objective, held_out, batch_tokens)?;
            if let Some(v) = &validation {
                observer.validated(step, v, Weights::Last)?;
                let summed = |batch: &Batch| summed_loss(&model, training.objective, batch);
                if let Some(explained) = plausibility.judge(v.loss, summed)? {
                    observer.explained(step, &explained)?;
                }
                improved = config.patience > 0 && stopping.improved(step, v.loss, config.patience_gain);
            }
        }
        let over = last || stopped || stopping.is_over(config.patience);
        // What may be on its way to nowhere does not push out the last good checkpoint.
        let good = verdict == Verdict::Fine;
        if over || improved || (due(config.checkpoint_every) && good) {
            let checkpoint = Checkpoint {
                steps: step,
                cursor: loader.cursor().clone(),
                watch: watch.clone(),
                stopping,
                run: identity.clone(),
                weights: weights::read_some(&model, |name| training.trains(name)),
                optimizer: optimizer.state(),
            };
            checkpoint.write(checkpoints)?;
            checkpoint::prune(checkpoints, KEPT, &ending::needed(config, &stopping, checkpoints, step)?)?;
        }
    }
    let steps = optimizer.steps();
    let mut of = Weights::Last;
    let ending = if stopped { None } else { ending::weights(config, &stopping, checkpoints, steps)? };
    if let Some((other, tensors)) = ending {
        of = other;
        checkpoint::write_final(checkpoints, Some(&tensors))?;
        model = weights::load_some(model, tensors, "the final weights", |name| training.trains(name))?;
        validation = validate(&model, training.objective, held_out, batch_tokens)?;
        if let Some(v) = &validation {
            observer.validated(steps, v, of)?;
        }
    }
    if validation.is_none() {
        validation = validate(&model, training.objective, held_out, batch_tokens)?;
    }
    Ok(Outcome { steps, model, weights: of, validation, stopped })
}

/// The checkpoint to continue from.
fn resumed<M: Trainable>(training: &Training<'_, M>, identity: &str) -> Result<Option<Checkpoint>> {
    let Some(newest) = checkpoint::latest(training.checkpoints)? else { return Ok(None) };
    if !training.resume {
        return Err(Error::input(
            training.checkpoints.display(),
            "the folder already holds checkpoints",
            "pass --resume to continue or choose another folder",
        ));
    }
    let saved = Checkpoint::read(&newest)?;
    if saved.run != identity {
        return Err(Error::input(
            newest.display(),
            "the checkpoint belongs to another configuration or other data",
            "restore them, or remove the checkpoints to start again",
        ));
    }
    Ok(Some(saved))
}

/// What to do about a run that went astray.
const ASTRAY: &str = "lower train.learning_rate, raise train.warmup_steps or lower train.clip_norm, and train again; the last \
                      good checkpoint is kept";

/// A loss or gradient that is no number ends the run; the step was not taken.
fn check_finite(step: u64, report: &StepReport) -> Result<()> {
    if report.is_finite() {
        return Ok(());
    }
    let what = format!("loss {} or gradient norm {} is not finite", report.loss, report.gradient_norm);
    Err(Error::check(format!("step {step}"), what, ASTRAY))
}

/// A loss that has exploded ends the run.
fn check_loss(step: u64, verdict: Verdict) -> Result<()> {
    let Verdict::Exploded { mean, lowest } = verdict else { return Ok(()) };
    let what = format!("the loss exploded: {mean:.3} over the last steps, {lowest:.3} before (train.explosion)");
    Err(Error::check(format!("step {step}"), what, ASTRAY))
}
