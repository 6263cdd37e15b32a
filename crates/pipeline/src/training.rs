//! The training stage: the run folder's data and tokenizer in, checkpoints and records out.

mod trace;
pub mod trial;

use std::collections::BTreeSet;
use std::path::Path;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files};
use bantam_data::item::{self, Item};
use bantam_data::packing::{Example, Source};
use bantam_data::prompt::SchemaInPrompt;
use bantam_data::schemas::SchemaSet;
use bantam_model::{TokenModel, weights};
use bantam_train::{Objective, OpenDevice, Start, Trainable, Training, examples};
use serde_json::{Value, json};

use crate::recipe::{Recipe, SourceSection};
use crate::stage::{Output, StageContext};
use crate::tokenizer;
use crate::{base, items, objective};
use trace::Trace;

/// Trains the recipe's model on the run folder's data and tokenizer.
pub(crate) fn run(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    train(&Material::read(recipe, context.run, context.progress)?, recipe, context)
}

/// Trains on given material.
pub(crate) fn train<M: Trainable>(
    material: &Material<M>,
    recipe: &Recipe,
    context: &StageContext<'_>,
) -> Result<Vec<Output>> {
    let run = context.run;
    if !context.resuming {
        remove_checkpoints(run)?;
    }
    files::create_dir(&run.checkpoints())?;
    let mut trace = Trace::new(run, context.progress, recipe.train.steps, &material.device);
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

/// The recipe's sources as the stage's key sees them: what they hold is the data stage's.
pub(crate) fn mixture(recipe: &Recipe) -> Value {
    let source = |s: &SourceSection| json!([s.weight, s.items.is_some(), s.schema_in_prompt]);
    recipe.sources.iter().map(source).collect()
}

/// Opens the device that the recipe's training computes on.
///
/// # Errors
/// A device that this build has no feature for, that is not there, or that cannot compute in the recipe's precision.
pub fn open_device(recipe: &Recipe) -> Result<OpenDevice> {
    let device = recipe.train.device.open("train.device")?;
    recipe.train.precision.check(device.choice, "train.precision")?;
    Ok(device)
}

/// What a training is made from.
pub(crate) struct Material<M: Trainable = TokenModel> {
    pub(crate) config: M::Config,
    /// Parameters of the model.
    pub(crate) parameters: u64,
    /// Items and weight of each source.
    pub(crate) sources: Vec<(Vec<Example>, f64)>,
    pub(crate) valid: Vec<Example>,
    pub(crate) start: Start<M>,
    pub(crate) trainable: Option<BTreeSet<String>>,
    pub(crate) objective: Box<dyn Objective<M>>,
    pub(crate) device: OpenDevice,
}

impl Material {
    /// Reads and tokenizes the run folder's items and those of the recipe's other sources.
    fn read(recipe: &Recipe, run: &RunFolder, progress: &dyn Progress) -> Result<Self> {
        let tokenizer = tokenizer::read(&run.tokenizer())?;
        let generated = SchemaSet::load(&run.data().join("schemas"))?;
        let split = |name: &str| item::read_jsonl(&run.data().join(format!("{name}.jsonl")));
        let tokenized = |items: &[Item], schemas: &SchemaSet, told: SchemaInPrompt| {
            examples::extraction(
                items,
                schemas,
                &tokenizer,
                told,
                recipe.tokenizer.reading,
                recipe.tokenizer.absent_fields,
            )
        };
        let mut sources = Vec::new();
        for (at, source) in recipe.sources.iter().enumerate() {
            let (items, schemas) = items::of_source(&run.data(), &source.folder(at), "train")?;
            sources.push((tokenized(&items, &schemas, source.schema_in_prompt)?, source.weight));
        }
        if sources.is_empty() {
            sources.push((tokenized(&split("train")?, &generated, SchemaInPrompt::Signature)?, 1.0));
        }
        let mut valid = vec![tokenized(&split("valid")?, &generated, SchemaInPrompt::Signature)?];
        for (at, source) in recipe.sources.iter().enumerate().filter(|(_, s)| s.validation > 0) {
            let (items, schemas) = items::of_source(&run.data(), &source.folder(at), "valid")?;
            valid.push(tokenized(&items, &schemas, source.schema_in_prompt)?);
        }
        let config = recipe.model_config(tokenizer.vocab_size())?;
        let mut valid = mixed(valid);
        let all = valid.len();
        valid.retain(|example| example.tokens.len() <= config.max_position_embeddings);
        if valid.len() < all {
            let left_out = all - valid.len();
            progress
                .note(&format!("{left_out} of {all} validation items are longer than the model's positions: left out"));
        }
        let device = open_device(recipe)?;
        let objective = objective::of_recipe(recipe, &config, &tokenizer, &sources, &device.device, run, progress)?;
        let start = match base::started_from(recipe, progress)? {
            Some(artifact) => {
                let device = device.device.clone().autodiff();
                Start::Model(Box::new(weights::load_artifact_as(&artifact, &config, &device)?))
            }
            None => Start::Random,
        };
        let parameters = config.parameter_count();
        Ok(Self { config, parameters, sources, valid, start, trainable: None, objective, device })
    }
}

impl<M: Trainable> Material<M> {
    /// Does something with the recipe's training, whose checkpoints are in `checkpoints`.
    fn train_with<T>(
        &self,
        recipe: &Recipe,
        checkpoints: &Path,
        resume: bool,
        what: impl FnOnce(Training<'_, M>) -> Result<T>,
    ) -> Result<T> {
        let sources: Vec<Source<'_>> =
            self.sources.iter().map(|(examples, weight)| Source { examples, weight: *weight }).collect();
        what(Training {
            model: &self.config,
            config: &recipe.train,
            seed: recipe.run.seed,
            device: &self.device.device.clone().autodiff(),
            start: self.start.clone(),
            trainable: self.trainable.clone(),
            objective: self.objective.as_ref(),
            sources: &sources,
            validation: &self.valid,
            checkpoints,
            resume,
        })
    }
}

/// Examples of several sets in one order, of which every beginning holds the sets in the same shares.
fn mixed(sets: Vec<Vec<Example>>) -> Vec<Example> {
    let mut placed: Vec<(f64, Example)> = Vec::new();
    for set in sets {
        let length = set.len() as f64;
        placed.extend(set.into_iter().enumerate().map(|(i, example)| ((i as f64 + 0.5) / length, example)));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, example)| example).collect()
}

/// What another configuration left must not be continued.
fn remove_checkpoints(run: &RunFolder) -> Result<()> {
    let dir = run.checkpoints();
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|e| Error::io(&dir, "remove", &e))?;
    }
    Ok(())
}
