//! The loop: draw, step, validate, checkpoint; from scratch or from the newest checkpoint, to the same bits.

use std::collections::BTreeSet;
use std::path::Path;

use bantam_core::{Error, Result, hash};
use bantam_data::packing::{Cursor, Draw, Example, Loader};
use bantam_formats::ModelConfig;
use bantam_model::TokenModel;
use bantam_model::weights;
use burn::tensor::Device;

use crate::checkpoint::{self, Checkpoint};
use crate::config::TrainConfig;
use crate::objective::{Inputs, Objective};
use crate::observer::{Control, Observer};
use crate::optimizer::Optimizer;
use crate::probe;
use crate::schedule::learning_rate;
use crate::start::Start;
use crate::step::train_step;
use crate::validation::{Validation, validate};

/// What is trained, on what, and where it is kept.
pub struct Training<'a> {
    /// The model's shape.
    pub model: &'a ModelConfig,
    /// How it is trained.
    pub config: &'a TrainConfig,
    /// Every random stream is derived from it.
    pub seed: u64,
    /// Where the computation runs; must track gradients ([`Device::autodiff`]).
    pub device: &'a Device,
    /// The weights before the first step.
    pub start: Start,
    /// Names of the parameters to train; `None`: all. The others get no gradient, no optimizer state and no place in
    /// the checkpoints.
    pub trainable: Option<BTreeSet<String>>,
    /// What is minimized.
    pub objective: &'a dyn Objective,
    /// What is trained on.
    pub examples: &'a [Example],
    /// What validation looks at.
    pub validation: &'a [Example],
    /// The folder of checkpoints.
    pub checkpoints: &'a Path,
    /// Continue from the newest checkpoint, if there is one. Without it the folder must hold none.
    pub resume: bool,
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Steps taken in all.
    pub steps: u64,
    /// The trained model.
    pub model: TokenModel,
    /// The last validation.
    pub validation: Option<Validation>,
    /// Whether the observer stopped the run early.
    pub stopped: bool,
}

/// Trains, keeping checkpoints. The batches, the order of every sum and so every bit depend only on `training` and the
/// number of threads.
///
/// # Errors
/// A failed causality probe, a loss that is not finite (exit code 1; the last checkpoint stays), unreadable or
/// foreign checkpoints, items longer than the model's positions, names of parameters that the model does not have.
pub fn train(training: Training<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let Training { model: model_config, config, seed, device, checkpoints, .. } = training;
    config.validate("train")?;
    check_lengths(&training)?;
    let newest = checkpoint::latest(checkpoints)?;
    if newest.is_some() && !training.resume {
        return Err(Error::input(
            checkpoints.display(),
            "the folder already holds checkpoints",
            "pass --resume to continue or choose another folder",
        ));
    }
    let (model, start) = training.start.into_model(model_config, seed, device);
    let run = hash::bytes(
        format!(
            "{model_config:?}\n{config:?}\n{seed}\n{start:?}\n{:?}\n{}\n{}",
            training.trainable,
            training.objective.identity(),
            content_of(training.examples)
        )
        .as_bytes(),
    );
    let groups = weights::parameter_groups(&model, model_config);
    let trainable = |name: &str| training.trainable.as_ref().is_none_or(|names| names.contains(name));
    check_names(training.trainable.as_ref(), &model)?;
    let mut model = weights::freeze(model, trainable);
    let mut optimizer = Optimizer::new(config.method(), config.weight_decay, groups);
    let mut cursor = Cursor::default();
    if let Some(path) = newest {
        let saved = Checkpoint::read(&path)?;
        if saved.run != run {
            return Err(Error::input(
                path.display(),
                "the checkpoint belongs to another configuration or other data",
                "restore them, or remove the checkpoints to start again",
            ));
        }
        model = weights::load_some(model, saved.weights, &path.display().to_string(), trainable)?;
        if optimizer.restore(saved.optimizer, saved.steps).is_none() {
            return Err(Error::input(path.display(), "the optimizer's state is incomplete", "remove this checkpoint"));
        }
        cursor = saved.cursor;
    }
    probe::causality(&model, model_config, seed, device)?;
    observer.started(optimizer.steps())?;

    let mut loader = Loader::new(training.examples, seed, cursor);
    let held_out = &training.validation[..training.validation.len().min(config.validate_items)];
    let validation_tokens = config.phases.iter().map(|p| p.batch_tokens).max().unwrap_or(2048);
    let (mut validation, mut stopped) = (None, false);
    while optimizer.steps() < config.steps && !stopped {
        let step = optimizer.steps();
        let (phase, limits) = config.phase_at(step);
        let draw = Draw { phase, max_item_tokens: limits.max_item_tokens, batch_tokens: limits.batch_tokens };
        let batches = (0..config.accumulate).map(|_| Ok(Inputs::new(&loader.next(draw)?, device)));
        let batches: Vec<Inputs> = batches.collect::<Result<_>>()?;
        let rate = learning_rate(config, step);
        let report;
        (model, report) = train_step(model, &mut optimizer, training.objective, &batches, rate, config.clip_norm)?;
        let step = step + 1;
        if !report.is_finite() {
            return Err(Error::check(
                format!("step {step}"),
                format!("loss {} or gradient norm {} is not finite", report.loss, report.gradient_norm),
                "lower the learning rate and resume from the last checkpoint",
            ));
        }
        stopped = observer.stepped(step, &report)? == Control::Stop;
        let last = step == config.steps;
        let due = |every: u64| last || (every > 0 && step.is_multiple_of(every));
        if due(config.validate_every) {
            validation = validate(&model, held_out, validation_tokens);
            if let Some(v) = &validation {
                observer.validated(step, v)?;
            }
        }
        if due(config.checkpoint_every) || stopped {
            let checkpoint = Checkpoint {
                steps: step,
                cursor: loader.cursor(),
                run: run.clone(),
                weights: weights::read_some(&model, trainable),
                optimizer: optimizer.state(),
            };
            checkpoint.write(checkpoints)?;
            checkpoint::prune(checkpoints, 2)?;
        }
    }
    if validation.is_none() {
        validation = validate(&model, held_out, validation_tokens);
    }
    Ok(Outcome { steps: optimizer.steps(), model, validation, stopped })
}

/// No item may have more positions than the model.
fn check_lengths(training: &Training<'_>) -> Result<()> {
    let limit = training.config.phases.iter().map(|p| p.max_item_tokens.min(p.batch_tokens)).max().unwrap_or(0);
    let longest = training.examples.iter().map(|e| e.tokens.len()).filter(|&n| n <= limit).max().unwrap_or(0);
    let positions = training.model.max_position_embeddings;
    if longest > positions {
        return Err(Error::input(
            "model.max_position_embeddings",
            format!("an item of {longest} tokens is longer than {positions}"),
            "raise it or lower max_item_tokens",
        ));
    }
    Ok(())
}

/// The parameters to train must exist, and there must be some.
fn check_names(trainable: Option<&BTreeSet<String>>, model: &TokenModel) -> Result<()> {
    let Some(names) = trainable else { return Ok(()) };
    let known: BTreeSet<String> = weights::names(model).into_iter().collect();
    match names.iter().find(|name| !known.contains(*name)) {
        Some(name) => {
            Err(Error::input("trainable parameters", format!("the model has no {name}"), "name parameters it has"))
        }
        None if names.is_empty() => Err(Error::input("trainable parameters", "none is named", "name at least one")),
        None => Ok(()),
    }
}

/// A hash of the training data.
fn content_of(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        for answer in &example.answers {
            bytes.extend([answer.start, answer.end].iter().flat_map(|&at| (at as u64).to_le_bytes()));
        }
        bytes.extend((example.tokens.len() as u64).to_le_bytes());
        bytes.extend(example.tokens.iter().flat_map(|t| t.to_le_bytes()));
    }
    hash::bytes(&bytes)
}
