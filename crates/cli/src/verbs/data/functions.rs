//! `bantam data functions`: requests to devices as items to train and be judged on, in a folder.

use std::path::PathBuf;

use bantam_core::{Error, Result, files, hash};
use bantam_data::function_call::{self, GenerateConfig, OverlapReport};
use serde::Serialize;

use super::may_be_replaced;
use crate::arguments::FunctionsArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Made {
    out: PathBuf,
    sha256: String,
    train: usize,
    valid: usize,
    test: usize,
    tool_sets: usize,
    overlap: OverlapReport,
}

/// Generates and writes.
pub fn run(arguments: &FunctionsArguments, output: &Output) -> Result<()> {
    let mut config = match &arguments.config {
        Some(path) => toml::from_str(&files::read_text(path)?).map_err(|e| {
            let what = e.message().to_owned();
            Error::input(path.display(), what, "give settings of the device set, see docs/edge-funccall.md")
        })?,
        None => GenerateConfig::default(),
    };
    config.seed = arguments.seed.unwrap_or(config.seed);
    config.train = arguments.train.unwrap_or(config.train);
    config.invented = arguments.invented.unwrap_or(config.invented);
    config.test = arguments.test.unwrap_or(config.test);
    may_be_replaced(&arguments.out, "train.jsonl")?;
    let data = function_call::generate(&config)?;
    data.write(&arguments.out)?;
    let made = Made {
        sha256: hash::tree(&arguments.out)?,
        out: arguments.out.clone(),
        train: data.train.len(),
        valid: data.valid.len(),
        test: data.test.len(),
        tool_sets: data.schemas.len(),
        overlap: data.overlap,
    };
    let overlap = &made.overlap;
    output.text(&format!(
        "{}: {} training, {} validation, {} test items, {} tool sets\n\
         {} of {} functions and {} of {} templates are in the test split only\n\
         test items whose text is in training: {} of {}; with 13 words in a row in common: {}, with 8: {}\nsha256 {}",
        made.out.display(),
        made.train,
        made.valid,
        made.test,
        made.tool_sets,
        overlap.held_out_functions.len(),
        overlap.functions,
        overlap.held_out_templates.len(),
        overlap.templates,
        overlap.duplicate_texts.count,
        overlap.duplicate_texts.of,
        overlap.items_sharing_13_words.count,
        overlap.items_sharing_8_words.count,
        made.sha256,
    ))?;
    output.object(&made)
}
