//! The training stage: the run folder's data and tokenizer in, checkpoints and records out.

mod trace;
pub mod trial;

use std::path::Path;

use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files};
use bantam_data::item;
use bantam_data::packing::Example;
use bantam_data::schemas::SchemaSet;
use bantam_formats::ModelConfig;
use bantam_train::{Device, NextToken, Start, Training, examples};

use crate::recipe::Recipe;
use crate::stage::{Output, StageContext};
use crate::tokenizer;
use trace::Trace;

/// Trains the recipe's model on the run folder's data and tokenizer.
pub(crate) fn run(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let run = context.run;
    let material = Material::read(recipe, run)?;
    if !context.resuming {
        remove_checkpoints(run)?;
    }
    files::create_dir(&run.checkpoints())?;
    let mut trace = Trace::new(run, context.progress, recipe.train.steps);
    let outcome = material.train_with(recipe, &run.checkpoints(), context.resuming, |training| {
        bantam_train::train(training, &mut trace)
    })?;
    trace.finish(outcome.steps);
    let trained = bantam_train::final_folder(&run.checkpoints())?;
    let trained = trained.ok_or_else(|| Error::internal("train", "the run ended without a checkpoint"))?;
    let name = trained.file_name().unwrap_or_default();
    let records = ["metrics.jsonl", trace::EVENTS].map(|name| Output::Record(name.into()));
    Ok([Output::Content(Path::new("checkpoints").join(name))].into_iter().chain(records).collect())
}

/// What a training is made from.
struct Material {
    config: ModelConfig,
    train: Vec<Example>,
    valid: Vec<Example>,
}

impl Material {
    /// Reads and tokenizes the run folder's items.
    fn read(recipe: &Recipe, run: &RunFolder) -> Result<Self> {
        let tokenizer = tokenizer::read(&run.tokenizer())?;
        let schemas = SchemaSet::load(&run.data().join("schemas"))?;
        let read = |split: &str| {
            let items = item::read_jsonl(&run.data().join(format!("{split}.jsonl")))?;
            examples::extraction(&items, &schemas, &tokenizer)
        };
        Ok(Self { config: recipe.model_config(tokenizer.vocab_size()), train: read("train")?, valid: read("valid")? })
    }

    /// Does something with the recipe's training, whose checkpoints are in `checkpoints`.
    fn train_with<T>(
        &self,
        recipe: &Recipe,
        checkpoints: &Path,
        resume: bool,
        what: impl FnOnce(Training<'_>) -> Result<T>,
    ) -> Result<T> {
        what(Training {
            model: &self.config,
            config: &recipe.train,
            seed: recipe.run.seed,
            device: &Device::flex().autodiff(),
            start: Start::Random,
            trainable: None,
            objective: &NextToken { label_smoothing: recipe.train.label_smoothing },
            examples: &self.train,
            validation: &self.valid,
            checkpoints,
            resume,
        })
    }
}

/// What another configuration left must not be continued.
fn remove_checkpoints(run: &RunFolder) -> Result<()> {
    let dir = run.checkpoints();
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|e| Error::io(&dir, "remove", &e))?;
    }
    Ok(())
}
