//! `bantam data intents`: texts with intents as items to train on, in a folder.

use std::path::PathBuf;

use bantam_core::{Error, Result, hash};
use bantam_data::intent::{IntentItem, IntentSet, Taxonomy, banking77, clinc150, extraction, item, split};
use serde::Serialize;

use super::may_be_replaced;
use crate::arguments::IntentsArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Made {
    out: PathBuf,
    sha256: String,
    taxonomy: String,
    intents: usize,
    train: usize,
    valid: usize,
    test: Option<usize>,
}

/// Reads, draws the validation part, converts and writes.
pub fn run(arguments: &IntentsArguments, output: &Output) -> Result<()> {
    let out = &arguments.out;
    may_be_replaced(out)?;
    let set = read(arguments)?;
    let (train, valid) = split::hold_out(of_split(&set, &arguments.split)?, arguments.valid_per_intent, arguments.seed);
    let test = arguments.test_split.as_deref().map(|name| of_split(&set, name)).transpose()?;
    let mut splits = vec![("train", &train[..]), ("valid", &valid[..])];
    splits.extend(test.as_deref().map(|test| ("test", test)));
    extraction::write(out, &set.taxonomy, &splits, |_| Ok(()))?;
    let made = Made {
        out: out.clone(),
        sha256: hash::tree(out)?,
        taxonomy: set.taxonomy.name.clone(),
        intents: set.taxonomy.intents.len(),
        train: train.len(),
        valid: valid.len(),
        test: test.as_ref().map(Vec::len),
    };
    output.text(&format!(
        "{}: {} intents of {}; {} training, {} validation, {} test items\nsha256 {}",
        made.out.display(),
        made.intents,
        made.taxonomy,
        made.train,
        made.valid,
        made.test.unwrap_or(0),
        made.sha256,
    ))?;
    output.object(&made)
}

fn read(arguments: &IntentsArguments) -> Result<IntentSet> {
    match (&arguments.clinc, &arguments.banking, &arguments.items, &arguments.taxonomy) {
        (Some(path), ..) => clinc150::read(path),
        (_, Some(path), ..) => banking77::read(path, "train"),
        (_, _, Some(items), Some(taxonomy)) => {
            let taxonomy = Taxonomy::load(taxonomy)?;
            let mut items = item::read_jsonl(items, &taxonomy)?;
            for item in &mut items {
                item.split.get_or_insert_with(|| "train".to_owned());
            }
            Ok(IntentSet { taxonomy, items })
        }
        _ => Err(Error::input("data intents", "no texts", "give --clinc, --banking, or --items with --taxonomy")),
    }
}

fn of_split(set: &IntentSet, name: &str) -> Result<Vec<IntentItem>> {
    let items = set.split(name);
    if items.is_empty() {
        let mut names: Vec<&str> = set.items.iter().filter_map(|i| i.split.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let what = format!("no item is in split `{name}`");
        return Err(Error::input("--split", what, format_args!("choose one of: {}", names.join(", "))));
    }
    Ok(items)
}
