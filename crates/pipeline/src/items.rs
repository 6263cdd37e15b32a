//! The data stage: generated items, and the recipe's files with their validation parts drawn and their values varied.
//!
//! Everything later reads the run folder alone: `data/` for the generated items, `data/source-2/` for what the recipe's
//! second source names, each with `train.jsonl` and `schemas/`, and `valid.jsonl` where something is held out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use bantam_data::item::{self, Item};
use bantam_data::schemas::SchemaSet;
use bantam_data::substitution::Variation;
use bantam_data::{edge_json, forms, holdout, substitution};
use serde_json::{Value, json};

use crate::recipe::{Recipe, SourceSection};
use crate::stage::{Output, StageContext};

/// Raised when the same recipe makes other items.
pub(crate) const VERSION: u32 = 7;

/// What the stage's key has to know of the recipe, beside the files.
pub(crate) fn configuration(recipe: &Recipe) -> Result<Value> {
    let prepared = |s: &SourceSection| {
        json!([s.items.is_some(), s.validation, s.substitutions, s.recombined, s.word_noise, s.open])
    };
    let sources: Vec<Value> = recipe.sources.iter().map(prepared).collect();
    let generated = serde_json::to_value(&recipe.data).map_err(|e| Error::internal("recipe", e))?;
    Ok(json!([generated, recipe.run.seed, sources]))
}

/// The files and folders that the recipe's sources name.
pub(crate) fn inputs(recipe: &Recipe) -> Vec<PathBuf> {
    recipe.sources.iter().flat_map(|s| [&s.items, &s.schemas]).flatten().cloned().collect()
}

/// Makes the run folder's `data`.
pub(crate) fn run(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    context.progress.start("data", None);
    let dataset = edge_json::generate(&recipe.data)?;
    dataset.write(&context.run.data())?;
    let mut parts: Vec<Given> = Vec::new();
    for (at, source) in recipe.sources.iter().enumerate() {
        let (Some(path), Some(schemas)) = (&source.items, &source.schemas) else { continue };
        parts.push(Given::read(recipe, source, &source.folder(at), path, schemas)?);
    }
    let held_out: Vec<&Item> = dataset.test.iter().chain(parts.iter().flat_map(|p| &p.validation)).collect();
    for given in &parts {
        check_apart(&given.place, &given.train, &held_out)?;
        given.write(&context.run.data())?;
    }
    let (train, valid, test) = (dataset.train.len(), dataset.valid.len(), dataset.test.len());
    let more: String = parts
        .iter()
        .map(|p| format!("; {}: {} training, {} validation items", p.place, p.train.len(), p.validation.len()))
        .collect();
    let schemas = dataset.schemas.len() + dataset.composed.len();
    context
        .progress
        .finish(&format!("{train} training, {valid} validation, {test} test items, {schemas} schemas{more}"));
    Ok(vec![Output::Content("data".into())])
}

/// A source's items and schemas in the run folder.
pub(crate) fn of_source(data: &Path, folder: &Path, split: &str) -> Result<(Vec<Item>, SchemaSet)> {
    let folder = data.join(folder);
    Ok((item::read_jsonl(&folder.join(format!("{split}.jsonl")))?, SchemaSet::load(&folder.join("schemas"))?))
}

/// What a file gives to a run.
struct Given {
    place: String,
    folder: PathBuf,
    train: Vec<Item>,
    validation: Vec<Item>,
    schemas: SchemaSet,
}

impl Given {
    fn read(recipe: &Recipe, source: &SourceSection, folder: &Path, path: &Path, schemas: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let seed = recipe.run.seed;
        let schemas = SchemaSet::load(schemas)?;
        let items = item::read_jsonl(path)?;
        for item in &items {
            schemas.get(&item.schema_id).map_err(|e| e.within(&place))?;
        }
        let parts = holdout::hold_out(&place, items, source.validation, seed)?;
        let variation = Variation { copies: source.substitutions, word_noise: source.word_noise, open: &source.open };
        let mut train = substitution::with_substitutions(&parts.train, &parts.validation, variation, seed)?;
        let made = forms::recombined(&parts.train, &parts.validation, source.recombined, seed);
        train.extend(made.map_err(|e| e.within(&place))?);
        Ok(Self { place, folder: folder.to_owned(), train, validation: parts.validation, schemas })
    }

    fn write(&self, data: &Path) -> Result<()> {
        files::write_dir(&data.join(&self.folder), |dir| {
            item::write_jsonl(&dir.join("train.jsonl"), &self.train)?;
            if !self.validation.is_empty() {
                item::write_jsonl(&dir.join("valid.jsonl"), &self.validation)?;
            }
            files::create_dir(&dir.join("schemas"))?;
            let used: HashSet<&str> =
                self.train.iter().chain(&self.validation).map(|item| item.schema_id.as_str()).collect();
            for id in used {
                let text = serde_json::to_string_pretty(self.schemas.get(id)?);
                let text = text.map_err(|e| Error::internal("schemas", e))?;
                files::write(&dir.join("schemas").join(format!("{id}.json")), text.as_bytes())?;
            }
            Ok(())
        })
    }
}

/// No text that the model is judged on may be among what it is trained on.
fn check_apart(place: &str, train: &[Item], judged: &[&Item]) -> Result<()> {
    let judged: HashSet<&str> = judged.iter().map(|i| i.prompt.as_str()).collect();
    match train.iter().find(|i| judged.contains(i.prompt.as_str())) {
        Some(item) => Err(Error::check(
            place,
            format_args!("item {} has the text of a test or validation item", item.id),
            "remove it: scores on what was trained on mean nothing",
        )),
        None => Ok(()),
    }
}
