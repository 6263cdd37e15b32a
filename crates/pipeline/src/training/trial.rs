//! What can be said of a training before it is run: time, memory and tokens, or a learning rate. Real steps on the recipe's
//! data, of which nothing is kept but what they told.

use std::path::PathBuf;
use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, host};
use bantam_train::{Preflight, Sweep};
use serde::Serialize;

use super::Material;
use crate::edge_json::{self, Request};
use crate::fine_tune;
use crate::recipe::Recipe;

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
    let material = material(recipe, &run, progress)?;
    let reading_seconds = start.elapsed().as_secs_f64();
    let scratch = Scratch(run.path().join(".preflight"));
    files::create_dir(&scratch.0)?;
    let clock = || start.elapsed().as_secs_f64();
    let measured =
        material.train_with(recipe, &scratch.0, false, |training| bantam_train::preflight(&training, &clock))?;
    let prediction = Prediction {
        seconds: reading_seconds + measured.seconds(),
        reading_seconds,
        peak_memory_bytes: host::peak_memory_bytes(),
        tokens: measured.tokens(),
        parameters: material.config.parameter_count(),
        measured,
    };
    progress.finish("measured");
    Ok(prediction)
}

/// Sweeps over learning rates and writes `lr_finder.json`; returns what it found and where it is written.
pub fn find_learning_rate(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<(Sweep, PathBuf)> {
    let run = prepared(recipe, request, progress)?;
    let _lock = run.lock()?;
    let material = material(recipe, &run, progress)?;
    progress.start("find-lr", None);
    let sweep = material.train_with(recipe, &run.checkpoints(), false, |training| {
        bantam_train::find_learning_rate(&training, |step, point| {
            progress.update(step, &format!("rate {:.2e}, loss {:.3}", point.learning_rate, point.smoothed));
        })
    })?;
    let path = run.path().join("lr_finder.json");
    let text = serde_json::to_string_pretty(&sweep).map_err(|e| Error::internal("lr_finder.json", e))?;
    files::write(&path, format!("{text}\n").as_bytes())?;
    progress.finish(&format!("suggested rate {:.2e}", sweep.suggested));
    Ok((sweep, path))
}

/// What the recipe's training is made from.
fn material(recipe: &Recipe, run: &RunFolder, progress: &dyn Progress) -> Result<Material> {
    match &recipe.finetune {
        Some(section) => fine_tune::material(recipe, section, run, progress),
        None => Material::read(recipe, run, progress),
    }
}

/// A run folder with data and tokenizer.
fn prepared(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<RunFolder> {
    let until = |stage| Request { until: Some(stage), ..request.clone() };
    match &recipe.finetune {
        Some(section) => fine_tune::execute(recipe, section, &until(fine_tune::UNTIL_DATA), progress)?,
        None => edge_json::execute(recipe, &until("tokenizer"), progress)?,
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
