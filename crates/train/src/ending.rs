//! Which weights does a run end with? Those after the last step, those of the best validation (early stopping), or the mean
//! of the last checkpoints (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization").

use std::path::Path;

use bantam_core::{Error, Result};
use bantam_model::weights::NamedTensor;

use crate::checkpoint::{self, Checkpoint};
use crate::config::TrainConfig;
use crate::early_stopping::EarlyStopping;

/// Whose weights something was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Those after the last step.
    Last,
    /// Those after this step, which had the best validation.
    Best(u64),
    /// The mean of this many checkpoints, the last of the run.
    Average(usize),
}

/// Steps whose checkpoints may not be removed after step `step`.
pub(crate) fn needed(config: &TrainConfig, stopping: &EarlyStopping, folder: &Path, step: u64) -> Result<Vec<u64>> {
    let mut steps = averaged(config, folder, step)?;
    if config.patience > 0 {
        steps.extend(stopping.best().map(|b| b.step));
    }
    Ok(steps)
}

/// The weights that a run which is over ends with, where they are not those after its last step.
pub(crate) fn weights(
    config: &TrainConfig,
    stopping: &EarlyStopping,
    folder: &Path,
    step: u64,
) -> Result<Option<(Weights, Vec<NamedTensor>)>> {
    if let Some(best) = stopping.best().filter(|b| config.patience > 0 && b.step != step) {
        return Ok(Some((Weights::Best(best.step), Checkpoint::read(&checkpoint::path(folder, best.step))?.weights)));
    }
    let steps = averaged(config, folder, step)?;
    if steps.len() < 2 {
        return Ok(None);
    }
    let read = |&step: &u64| Ok(Checkpoint::read(&checkpoint::path(folder, step))?.weights);
    let all: Vec<Vec<NamedTensor>> = steps.iter().map(read).collect::<Result<_>>()?;
    Ok(Some((Weights::Average(steps.len()), mean(all)?)))
}

/// The newest `average` checkpoints of those that every run of this configuration writes: not the ones made when a run
/// was interrupted, which another execution would not have.
fn averaged(config: &TrainConfig, folder: &Path, step: u64) -> Result<Vec<u64>> {
    if config.average < 2 {
        return Ok(Vec::new());
    }
    let every = config.checkpoint_every;
    let regular = |s: &u64| *s <= step && (*s == config.steps || (every > 0 && s.is_multiple_of(every)));
    let steps: Vec<u64> = checkpoint::steps(folder)?.into_iter().filter(regular).collect();
    Ok(steps[steps.len().saturating_sub(config.average)..].to_vec())
}

/// Value by value, summed in f64 in the order given.
fn mean(mut all: Vec<Vec<NamedTensor>>) -> Result<Vec<NamedTensor>> {
    let n = all.len() as f64;
    let mut first = all.remove(0);
    for (at, (name, shape, values)) in first.iter_mut().enumerate() {
        for other in &all {
            let same = other.get(at).is_some_and(|o| o.0 == *name && o.1 == *shape);
            if !same {
                return Err(Error::input("train.average", format!("checkpoints differ in {name}"), "train anew"));
            }
        }
        for (i, value) in values.iter_mut().enumerate() {
            let sum = f64::from(*value) + all.iter().map(|other| f64::from(other[at].2[i])).sum::<f64>();
            *value = (sum / n) as f32;
        }
    }
    Ok(first)
}
