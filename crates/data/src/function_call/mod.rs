//! How are function-calling items made: a request to a device, the functions offered, and the calls it asks for?
//!
//! Items are extraction items: the schema is that of an answer, a list of calls of the functions offered or
//! `{"missing": [parameters]}`, so the same trainer and the same constrained decoder serve. The test split holds out whole
//! functions, templates and words; every item has a random stream of its own.

mod catalogue;
mod compose;
mod config;
mod invented;
mod kinds;
mod overlap;
mod plan;
mod template;
#[cfg(test)]
mod tests;
mod tools;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use bantam_core::seed;
use bantam_core::{Error, Result, files};
use rand::RngExt;
use rand::seq::SliceRandom;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::edge_json::pretty;
use crate::item::{self, Item};
pub use compose::Category;
pub use config::GenerateConfig;
pub use overlap::OverlapReport;
use plan::{Cell, Plan};

/// Everything one generation makes.
#[derive(Debug)]
pub struct Dataset {
    /// Training items, categories mixed.
    pub train: Vec<Item>,
    /// Validation items.
    pub valid: Vec<Item>,
    /// Test items.
    pub test: Vec<Item>,
    /// The schema of each set of offered functions, by name.
    pub schemas: BTreeMap<String, Value>,
    /// What train and test have in common.
    pub overlap: OverlapReport,
}

/// Generates the device set.
///
/// # Errors
/// An input error when the configuration is impossible or asks for more items than can differ.
pub fn generate(config: &GenerateConfig) -> Result<Dataset> {
    config.validate()?;
    let plan = Plan::new(config)?;
    let mut taken = HashSet::new();
    // The test split comes first: what it says, the others may not.
    let test = make_split(config, &plan, "test", config.test, &mut taken)?;
    let valid = make_split(config, &plan, "valid", config.valid, &mut taken)?;
    let train = make_split(config, &plan, "train", config.train, &mut taken)?;
    let used: HashSet<&str> = train.iter().chain(&valid).chain(&test).map(|i| i.schema_id.as_str()).collect();
    let offers = plan.all_offers().filter(|offer| used.contains(offer.id.as_str()));
    let schemas = offers.map(|offer| (offer.id.clone(), offer.schema())).collect();
    let overlap = overlap::measure(config, &plan, &train, &test);
    Ok(Dataset { train, valid, test, schemas, overlap })
}

impl Dataset {
    /// Writes `train.jsonl`, `valid.jsonl`, `test.jsonl`, `schemas/<id>.json` and `overlap.json` into `dir`, which
    /// appears whole or not at all.
    ///
    /// # Errors
    /// An input error when the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        files::write_dir(dir, |dir| {
            for (name, items) in [("train", &self.train), ("valid", &self.valid), ("test", &self.test)] {
                item::write_jsonl(&dir.join(format!("{name}.jsonl")), items)?;
            }
            files::create_dir(&dir.join("schemas"))?;
            for (id, schema) in &self.schemas {
                let text = serde_json::to_string(schema).map_err(|e| Error::internal("data generation", e))?;
                files::write(&dir.join("schemas").join(format!("{id}.json")), text.as_bytes())?;
            }
            files::write(&dir.join("overlap.json"), pretty(&self.overlap)?.as_bytes())
        })
    }
}

/// How often an item is drawn anew when no offer fits or its text is taken.
const ATTEMPTS: usize = 400;

fn make_split(
    config: &GenerateConfig,
    plan: &Plan,
    split: &str,
    count: usize,
    taken: &mut HashSet<String>,
) -> Result<Vec<Item>> {
    let mut items = Vec::with_capacity(count);
    for number in 0..count {
        items.push(make_item(config, plan, split, number, taken)?);
    }
    // Mixed, so that any beginning of the file is a sample of all.
    items.shuffle(&mut seed::rng(config.seed, &format!("function-call/order/{split}")));
    Ok(items)
}

fn make_item(
    config: &GenerateConfig,
    plan: &Plan,
    split: &str,
    number: usize,
    taken: &mut HashSet<String>,
) -> Result<Item> {
    let mut rng = seed::rng(config.seed, &format!("function-call/{split}/{number}"));
    let (cell, category) = if split == "test" {
        // Cells and categories are crossed evenly.
        let cell = Cell {
            test: true,
            seen_functions: number % 3 != 2,
            seen_templates: number.is_multiple_of(3),
            invented: false,
            paraphrases: false,
        };
        (cell, Category::at(number / 3))
    } else {
        // So many of any number, that the share is right.
        let so_many = |items: usize| (items as f64 * config.invented) as usize;
        let invented = split == "train" && so_many(number + 1) > so_many(number);
        let cell = if invented { Cell::INVENTED } else { Cell::TRAINING };
        let cell = Cell { paraphrases: split == "train" && config.paraphrases, ..cell };
        (cell, Category::at(rng.random_range(0..20)))
    };
    for _ in 0..ATTEMPTS {
        let Some(draft) = compose::draw(plan, config, cell, category, &mut rng) else { continue };
        let key = draft.text.to_lowercase();
        if taken.contains(&key) {
            continue;
        }
        taken.insert(key);
        let expected_output = RawValue::from_string(draft.gold)
            .map_err(|e| Error::internal(format_args!("gold for {}", draft.offer.id), e))?;
        return Ok(Item {
            id: format!("function_{split}_{number:06}"),
            schema_id: draft.offer.id.clone(),
            complexity: None,
            source: Some("generated".into()),
            teacher: None,
            style: Some(category.name().into()),
            split: Some(split.into()),
            schema_seen: Some(cell.seen_functions),
            templates_seen: Some(draft.templates_seen),
            templates: draft.templates,
            prompt: draft.text,
            expected_output,
        });
    }
    let what = format!("no new {} item found in {ATTEMPTS} tries", category.name());
    Err(Error::input(split, what, "ask for fewer items or more tool sets"))
}
