//! `bantam data generate`: EdgeJSON items, schemas and their measured overlap, in a folder.

mod intents;

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, hash};
use bantam_data::edge_json::{self, OverlapReport};
use bantam_pipeline::recipe::Recipe;
use serde::Serialize;

use crate::arguments::DataVerb;
use crate::output::Output;

#[derive(Serialize)]
struct Made {
    out: PathBuf,
    sha256: String,
    train: usize,
    valid: usize,
    test: usize,
    schemas: usize,
    overlap: OverlapReport,
}

/// Generates and writes.
pub fn run(verb: &DataVerb, progress: &dyn Progress, output: &Output) -> Result<()> {
    let (out, recipe, seed, overrides) = match verb {
        DataVerb::Generate { out, recipe, seed, overrides } => (out, recipe, seed, overrides),
        DataVerb::Intents(arguments) => return intents::run(arguments, output),
    };
    let mut config = match recipe {
        Some(path) => Recipe::load(path, overrides)?,
        None => Recipe::parse("defaults".as_ref(), "", overrides)?,
    }
    .data;
    if let Some(seed) = seed {
        config.seed = *seed;
    }
    may_be_replaced(out)?;
    progress.start("data", None);
    let dataset = edge_json::generate(&config)?;
    dataset.write(out)?;
    progress.finish("written");
    let made = Made {
        sha256: hash::tree(out)?,
        out: out.clone(),
        train: dataset.train.len(),
        valid: dataset.valid.len(),
        test: dataset.test.len(),
        schemas: dataset.schemas.len(),
        overlap: dataset.overlap,
    };
    let overlap = &made.overlap;
    output.text(&format!(
        "{}: {} training, {} validation, {} test items, {} schemas\n\
         test items whose text is in training: {} of {}; with a 13-word run in common: {} of {}\nsha256 {}",
        made.out.display(),
        made.train,
        made.valid,
        made.test,
        made.schemas,
        overlap.duplicate_texts.count,
        overlap.duplicate_texts.of,
        overlap.items_sharing_13_words.count,
        overlap.items_sharing_13_words.of,
        made.sha256,
    ))?;
    output.object(&made)
}

/// A data folder may be replaced by another, anything else may not.
fn may_be_replaced(out: &Path) -> Result<()> {
    if out.exists() && !out.join("train.jsonl").is_file() {
        let what = "is there already and is no data folder";
        return Err(Error::input(out.display(), what, "choose another --out"));
    }
    Ok(())
}
