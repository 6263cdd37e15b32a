//! What can be said of a training before it is run: time, memory and tokens, or a learning rate. Real steps on the recipe's
//! data, of which nothing is kept but what they told.

use std::path::{Path, PathBuf};
use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, host};
use bantam_train::{Preflight, Sweep, Trainable, Training};
use serde::Serialize;

use super::Material;
use crate::edge_json::{self, Request};
use crate::fine_tune;
use crate::recipe::Recipe;
use crate::vectors;

/// What a training will need.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// Seconds of the training stage, from reading the data to the last checkpoint; at most these, with early stopping.
    pub seconds: f64,
    /// Seconds of it before training starts: reading and tokenizing.
    pub reading_seconds: f64,
    /// The most memory the process will hold, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// Tokens that training reads.
    pub tokens: f64,
    /// Parameters of the model.
    pub parameters: u64,
    /// What was measured.
    pub measured: Preflight,
}

/// Runs some steps of every phase, a validation and a checkpoint. Data and tokenizer are made where they are missing;
/// an unfinished training of the run folder is left alone.
pub fn preflight(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<Prediction> {
    let run = prepared(recipe, request, progress)?;
    let _lock = run.lock()?;
    progress.start("preflight", None);
    let start = Instant::now();
    let scratch = Scratch(run.path().join(".preflight"));
    files::create_dir(&scratch.0)?;
    let clock = || start.elapsed().as_secs_f64();
    let (reading_seconds, parameters, measured) = match &recipe.vectors {
        Some(section) => measured(&vectors::material(recipe, section)?, recipe, &scratch.0, &clock)?,
        None => measured(&material(recipe, &run, progress)?, recipe, &scratch.0, &clock)?,
    };
    let prediction = Prediction {
        seconds: reading_seconds + measured.seconds(),
        reading_seconds,
        peak_memory_bytes: host::peak_memory_bytes(),
        tokens: measured.tokens(),
        parameters,
        measured,
    };
    progress.finish("measured");
    Ok(prediction)
}

/// Seconds it took to read the material, parameters, and what a preflight says of it.
fn measured<M: Trainable>(
    material: &Material<M>,
    recipe: &Recipe,
    scratch: &Path,
    clock: &dyn Fn() -> f64,
) -> Result<(f64, u64, Preflight)> {
    let reading_seconds = clock();
    let run = |training: Training<'_, M>| bantam_train::preflight(&training, clock);
    Ok((reading_seconds, material.parameters, material.train_with(recipe, scratch, false, run)?))
}

/// Sweeps over learning rates and writes `lr_finder.json`; returns what it found and where it is written.
pub fn find_learning_rate(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<(Sweep, PathBuf)> {
    let run = prepared(recipe, request, progress)?;
    let _lock = run.lock()?;
    progress.start("find-lr", None);
    let sweep = match &recipe.vectors {
        Some(section) => swept(&vectors::material(recipe, section)?, recipe, &run, progress)?,
        None => swept(&material(recipe, &run, progress)?, recipe, &run, progress)?,
    };
    let path = run.path().join("lr_finder.json");
    let text = serde_json::to_string_pretty(&sweep).map_err(|e| Error::internal("lr_finder.json", e))?;
    files::write(&path, format!("{text}\n").as_bytes())?;
    progress.finish(&format!("suggested rate {:.2e}", sweep.suggested));
    Ok((sweep, path))
}

fn swept<M: Trainable>(
    material: &Material<M>,
    recipe: &Recipe,
    run: &RunFolder,
    progress: &dyn Progress,
) -> Result<Sweep> {
    material.train_with(recipe, &run.checkpoints(), false, |training| {
        bantam_train::find_learning_rate(&training, |step, point| {
            progress.update(step, &format!("rate {:.2e}, loss {:.3}", point.learning_rate, point.smoothed));
        })
    })
}

/// What the recipe's training is made from, where it reads tokens.
fn material(recipe: &Recipe, run: &RunFolder, progress: &dyn Progress) -> Result<Material> {
    match &recipe.finetune {
        Some(section) => fine_tune::material(recipe, section, run, progress),
        None => Material::read(recipe, run, progress),
    }
}

/// A run folder with data and tokenizer.
fn prepared(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<RunFolder> {
    let until = |stage| Request { until: Some(stage), ..request.clone() };
    match (&recipe.finetune, &recipe.vectors) {
        (Some(section), _) => fine_tune::execute(recipe, section, &until(fine_tune::UNTIL_DATA), progress)?,
        (None, Some(section)) => vectors::execute(recipe, section, &until("data"), progress)?,
        (None, None) => edge_json::execute(recipe, &until("tokenizer"), progress)?,
    };
    RunFolder::open(&recipe.folder())
}

/// A folder that is gone when this is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is hidden and in nobody's way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
