//! The training stage: the run folder's data and tokenizer in, checkpoints and records out.

mod trace;
pub mod trial;

use std::collections::BTreeSet;
use std::path::Path;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files};
use bantam_data::item;
use bantam_data::packing::Example;
use bantam_data::schemas::SchemaSet;
use bantam_formats::ModelConfig;
use bantam_train::{Device, Objective, Start, Training, examples};

use crate::objective;
use crate::recipe::Recipe;
use crate::stage::{Output, StageContext};
use crate::tokenizer;
use trace::Trace;

/// Trains the recipe's model on the run folder's data and tokenizer.
pub(crate) fn run(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    train(&Material::read(recipe, context.run, context.progress)?, recipe, context)
}

/// Trains on given material.
pub(crate) fn train(material: &Material, recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let run = context.run;
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
pub(crate) struct Material {
    pub(crate) config: ModelConfig,
    pub(crate) train: Vec<Example>,
    pub(crate) valid: Vec<Example>,
    pub(crate) start: Start,
    pub(crate) trainable: Option<BTreeSet<String>>,
    pub(crate) objective: Box<dyn Objective>,
    pub(crate) device: Device,
}

impl Material {
    /// Reads and tokenizes the run folder's items; training starts from random weights.
    fn read(recipe: &Recipe, run: &RunFolder, progress: &dyn Progress) -> Result<Self> {
        let tokenizer = tokenizer::read(&run.tokenizer())?;
        let schemas = SchemaSet::load(&run.data().join("schemas"))?;
        let read = |split: &str| {
            let items = item::read_jsonl(&run.data().join(format!("{split}.jsonl")))?;
            examples::extraction(&items, &schemas, &tokenizer)
        };
        let (config, train) = (recipe.model_config(tokenizer.vocab_size()), read("train")?);
        let objective = objective::of_recipe(recipe, &config, &tokenizer, &train, run, progress)?;
        let (start, device) = (Start::Random, Device::flex().autodiff());
        Ok(Self { config, train, valid: read("valid")?, start, trainable: None, objective, device })
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
            device: &self.device,
            start: self.start.clone(),
            trainable: self.trainable.clone(),
            objective: self.objective.as_ref(),
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
