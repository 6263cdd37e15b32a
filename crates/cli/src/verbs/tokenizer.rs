//! `bantam tokenizer train`: a byte-level BPE tokenizer from items, as a folder that `transformers` loads.

use std::path::PathBuf;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, hash};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::item;
use bantam_data::prompt::SchemaInPrompt;
use bantam_data::schemas::SchemaSet;
use bantam_pipeline::recipe::{Recipe, TokenizerSection};
use bantam_pipeline::tokenizer::{self, Texts, TokenizerReport};
use serde::Serialize;

use crate::arguments::TokenizerVerb;
use crate::output::Output;

#[derive(Serialize)]
struct Made {
    out: PathBuf,
    sha256: String,
    #[serde(flatten)]
    report: TokenizerReport,
}

/// Trains, measures on the same items, writes.
pub fn run(verb: &TokenizerVerb, progress: &dyn Progress, output: &Output) -> Result<()> {
    let TokenizerVerb::Train { data, schemas, vocab_size, out } = verb;
    if out.exists() && !out.join("tokenizer.json").is_file() {
        let what = "is there already and is no tokenizer folder";
        return Err(Error::input(out.display(), what, "choose another --out"));
    }
    let items = item::read_jsonl(data)?;
    if items.is_empty() {
        return Err(Error::input(data.display(), "no items to train on", "choose a file with items"));
    }
    let schemas = SchemaSet::load(schemas)?;
    let longest = Recipe::default().model.max_position_embeddings;
    progress.start("tokenizer", None);
    let section = TokenizerSection { vocab_size: *vocab_size, ..TokenizerSection::default() };
    let texts = || Texts {
        items: &items,
        schemas: &schemas,
        schema_in_prompt: SchemaInPrompt::Signature,
        absent_fields: AbsentFields::Omitted,
    };
    let report = tokenizer::train(&[texts()], &texts(), &section, longest, out)?;
    progress.finish("written");
    let made = Made { out: out.clone(), sha256: hash::tree(out)?, report };
    output.text(&format!(
        "{}: {} tokens, {:.3} bytes per token over {} items\nsha256 {}",
        made.out.display(),
        made.report.vocab_size,
        made.report.bytes_per_token,
        made.report.items,
        made.sha256,
    ))?;
    output.object(&made)
}
