//! The loop: draw, step, validate, checkpoint; from scratch or from the newest checkpoint, to the same bits.

use std::path::Path;

use bantam_core::{Error, Result, hash};
use bantam_data::packing::{Cursor, Draw, Example, Loader};
use bantam_formats::ModelConfig;
use bantam_model::TokenModel;
use bantam_model::weights::{self, NamedTensor};
use burn::tensor::Device;

use crate::checkpoint::{self, Checkpoint};
use crate::config::TrainConfig;
use crate::optimizer::{AdamW, AdamWConfig};
use crate::probe;
use crate::schedule::learning_rate;
use crate::step::{StepReport, inputs, train_step};
use crate::validation::{Validation, validate};

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Write a checkpoint and stop.
    Stop,
}

/// Is told what happens, and may stop the run. Printing, clocks and metrics files live behind it.
pub trait Observer {
    /// Training starts or resumes after `steps` steps. Anything recorded for later steps is to be forgotten.
    fn started(&mut self, steps: u64) -> Result<()>;
    /// Step number `step` (from 1) is done.
    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control>;
    /// Validation after step `step`.
    fn validated(&mut self, step: u64, validation: &Validation) -> Result<()>;
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Steps taken in all.
    pub steps: u64,
    /// Final parameters.
    pub weights: Vec<NamedTensor>,
    /// The last validation.
    pub validation: Option<Validation>,
    /// Whether the observer stopped the run early.
    pub stopped: bool,
}

/// Trains `model_config` from random weights on `train_examples`, keeping checkpoints in `checkpoints`.
/// With `resume`, continues from the newest checkpoint there, if any; without, the folder must hold none.
///
/// The batches, the order of every sum and so every bit depend only on the arguments and the number of threads.
///
/// # Errors
/// A failed causality probe, a loss that is not finite (exit code 1; the last checkpoint stays), unreadable or
/// foreign checkpoints, items longer than the model's positions.
#[allow(clippy::too_many_arguments)]
pub fn train(
    model_config: &ModelConfig,
    config: &TrainConfig,
    seed: u64,
    train_examples: &[Example],
    validation_examples: &[Example],
    checkpoints: &Path,
    resume: bool,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    config.validate("train")?;
    let device = Device::flex().autodiff();
    let run = identity(model_config, config, seed, train_examples);
    let longest = config.phases.iter().map(|p| p.max_item_tokens.min(p.batch_tokens)).max().unwrap_or(0);
    let longest = train_examples.iter().map(|e| e.tokens.len()).filter(|&n| n <= longest).max().unwrap_or(0);
    if longest > model_config.max_position_embeddings {
        return Err(Error::input(
            "model.max_position_embeddings",
            format!("an item of {longest} tokens is longer than {}", model_config.max_position_embeddings),
            "raise it or lower max_item_tokens",
        ));
    }
    let newest = checkpoint::latest(checkpoints)?;
    if newest.is_some() && !resume {
        return Err(Error::input(
            checkpoints.display(),
            "the folder already holds checkpoints",
            "pass --resume to continue or choose another folder",
        ));
    }
    let mut model = weights::initialize(TokenModel::new(model_config, &device), model_config, seed);
    let groups = weights::parameter_groups(&model, model_config);
    let constants = AdamWConfig {
        beta1: config.beta1,
        beta2: config.beta2,
        epsilon: config.epsilon,
        weight_decay: config.weight_decay,
    };
    let mut optimizer = AdamW::new(constants, groups);
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
        model = weights::load(model, saved.weights, &path.display().to_string())?;
        if optimizer.restore(saved.optimizer, saved.steps).is_none() {
            return Err(Error::input(path.display(), "the optimizer's state is incomplete", "remove this checkpoint"));
        }
        cursor = saved.cursor;
    }
    probe::causality(&model, model_config, seed, &device)?;
    observer.started(optimizer.steps())?;

    let mut loader = Loader::new(train_examples, seed, cursor);
    let held_out = &validation_examples[..validation_examples.len().min(config.validate_items)];
    let validation_tokens = config.phases.iter().map(|p| p.batch_tokens).max().unwrap_or(2048);
    let (mut validation, mut stopped) = (None, false);
    while optimizer.steps() < config.steps && !stopped {
        let step = optimizer.steps();
        let (phase, limits) = config.phase_at(step);
        let draw = Draw { phase, max_item_tokens: limits.max_item_tokens, batch_tokens: limits.batch_tokens };
        let (tokens, context, targets) = inputs(&loader.next(draw)?, &device);
        let rate = learning_rate(config, step);
        let report;
        (model, report) = train_step(
            model,
            &mut optimizer,
            tokens,
            &context,
            &targets,
            config.label_smoothing,
            rate,
            config.clip_norm,
        );
        if optimizer.steps() == step {
            return Err(Error::check(
                format!("step {}", step + 1),
                format!("loss {} or gradient norm {} is not finite", report.loss, report.gradient_norm),
                "lower the learning rate and resume from the last checkpoint",
            ));
        }
        let step = step + 1;
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
                weights: weights::read(&model),
                optimizer: optimizer.state(),
            };
            checkpoint.write(checkpoints)?;
            checkpoint::prune(checkpoints, 2)?;
        }
    }
    if validation.is_none() {
        validation = validate(&model, held_out, validation_tokens);
    }
    Ok(Outcome { steps: optimizer.steps(), weights: weights::read(&model), validation, stopped })
}

/// A hash of everything that decides the weights.
fn identity(model: &ModelConfig, config: &TrainConfig, seed: u64, examples: &[Example]) -> String {
    let mut text = format!("{model:?}\n{config:?}\n{seed}\n").into_bytes();
    for example in examples {
        text.extend((example.answer_start as u64).to_le_bytes());
        text.extend((example.tokens.len() as u64).to_le_bytes());
        text.extend(example.tokens.iter().flat_map(|t| t.to_le_bytes()));
    }
    hash::bytes(&text)
}
