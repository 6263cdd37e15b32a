//! How are EdgeJSON items made: a text, a schema and the JSON object that the text states, split without leaks?
//!
//! The test split holds out whole schemas, one whole style, a share of the sentence templates and the words of a fifth of
//! every value list. Seen and held-out schemas, styles, and seen and held-out templates are crossed in it evenly, so that
//! every comparison can be made. Every item has a random stream of its own: its bytes do not depend on the other items' counts.

mod catalogue;
mod config;
mod drills;
mod instance;
mod overlap;
mod split;
mod templates;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod values;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result, files};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::{self, Item, Level};
pub use config::{Counts, GenerateConfig};
pub use overlap::{OverlapReport, Share, grams};
use split::{Cell, Plan};
use text::{Setting, Style as TextStyle, Told};
use tree::Tree;
use values::Source;

pub use text::Style;

/// Everything one generation makes.
#[derive(Debug)]
pub struct Dataset {
    /// Training items, levels mixed.
    pub train: Vec<Item>,
    /// Validation items.
    pub valid: Vec<Item>,
    /// Test items.
    pub test: Vec<Item>,
    /// Every schema, published ones and training variants, by name.
    pub schemas: BTreeMap<String, (Level, Value)>,
    /// What train and test have in common.
    pub overlap: OverlapReport,
}

/// Generates a data set.
///
/// # Errors
/// An input error when the configuration is impossible or asks for more items than can differ.
pub fn generate(config: &GenerateConfig) -> Result<Dataset> {
    config.validate()?;
    let plan = Plan::new(config)?;
    let mut taken = Taken::default();
    // The test split comes first: what it states, the others may not.
    let test = make_split(config, &plan, "test", &config.test, &mut taken)?;
    let valid = make_split(config, &plan, "valid", &config.valid, &mut taken)?;
    let mut train = make_split(config, &plan, "train", &config.train, &mut taken)?;
    let mut schemas: BTreeMap<_, _> =
        plan.published().map(|tree| (tree.id.clone(), (tree.level, tree.json_schema()))).collect();
    let overlap = overlap::measure(config, &plan, &train, &valid, &test);
    let drills = drills::make(config.drills, config.seed, &keys_of(&train))?;
    train.extend(drills.items);
    schemas.extend(drills.schemas.into_iter().map(|(id, schema)| (id, (Level::Simple, schema))));
    Ok(Dataset { train, valid, test, schemas, overlap })
}

/// The top-level keys that golds have.
fn keys_of(items: &[Item]) -> BTreeSet<String> {
    let keys = |item: &Item| -> Vec<String> {
        let gold: BTreeMap<String, &RawValue> = serde_json::from_str(item.expected_output.get()).unwrap_or_default();
        gold.into_keys().collect()
    };
    items.iter().flat_map(keys).collect()
}

impl Dataset {
    /// Writes `train.jsonl`, `valid.jsonl`, `test.jsonl`, `schemas/<level>/<id>.json` and `overlap.json` into `dir`,
    /// which appears whole or not at all.
    ///
    /// # Errors
    /// An input error when the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        files::write_dir(dir, |dir| {
            for (name, items) in [("train", &self.train), ("valid", &self.valid), ("test", &self.test)] {
                item::write_jsonl(&dir.join(format!("{name}.jsonl")), items)?;
            }
            for level in Level::ALL {
                files::create_dir(&dir.join("schemas").join(level.name()))?;
            }
            for (id, (level, schema)) in &self.schemas {
                let path = dir.join("schemas").join(level.name()).join(format!("{id}.json"));
                files::write(&path, pretty(schema)?.as_bytes())?;
            }
            files::write(&dir.join("overlap.json"), pretty(&self.overlap)?.as_bytes())
        })
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::internal("data generation", e))?;
    Ok(text + "\n")
}

/// Texts and golds that may not come again.
#[derive(Default)]
struct Taken {
    prompts: HashSet<String>,
    /// Schema's domain and gold.
    golds: HashSet<String>,
}

/// How often an item is drawn anew when its text or gold is taken.
const ATTEMPTS: usize = 40;

fn make_split(
    config: &GenerateConfig,
    plan: &Plan,
    split: &str,
    counts: &Counts,
    taken: &mut Taken,
) -> Result<Vec<Item>> {
    let mut items = Vec::with_capacity(counts.total());
    for level in Level::ALL {
        for number in 0..counts.of(level) {
            items.push(make_item(config, plan, split, level, number, taken)?);
        }
    }
    // Levels mixed, so that any beginning of the file is a sample of all.
    let mut order = seed::rng(config.seed, &format!("edge-json/order/{split}"));
    rand::seq::SliceRandom::shuffle(&mut items[..], &mut order);
    Ok(items)
}

fn make_item(
    config: &GenerateConfig,
    plan: &Plan,
    split: &str,
    level: Level,
    number: usize,
    taken: &mut Taken,
) -> Result<Item> {
    for attempt in 0..ATTEMPTS {
        let mut rng = seed::rng(config.seed, &format!("edge-json/{split}/{level}/{number}/{attempt}"));
        let cell = if split == "test" { plan.test_cell(number) } else { Cell::TRAINING };
        let draft = draw(config, plan, cell, level, &mut rng);
        let gold_key = format!("{} {}", draft.tree.id, draft.gold);
        if taken.prompts.contains(&draft.told.text) || taken.golds.contains(&gold_key) {
            continue;
        }
        let expected_output = RawValue::from_string(draft.gold)
            .map_err(|e| Error::internal(format_args!("gold of {}", draft.tree.id), e))?;
        taken.prompts.insert(draft.told.text.clone());
        taken.golds.insert(gold_key);
        return Ok(Item {
            id: format!("edgejson_{}_{split}_{number:06}", draft.tree.id),
            schema_id: draft.tree.id.clone(),
            complexity: Some(level),
            source: Some("generated".into()),
            teacher: None,
            style: Some(draft.style.name().into()),
            split: Some(split.into()),
            schema_seen: Some(draft.schema_seen),
            templates_seen: Some(draft.told.templates_seen),
            templates: draft.told.templates,
            prompt: draft.told.text,
            expected_output,
        });
    }
    let what = format!("no new {level} item found in {ATTEMPTS} tries");
    Err(Error::input(format_args!("data.{split}.{level}"), what, "ask for fewer items or more schema_variants"))
}

/// An item before it has a number.
struct Draft<'a> {
    tree: &'a Tree,
    style: TextStyle,
    schema_seen: bool,
    gold: String,
    told: Told,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests compare it with the text"))]
    group: instance::Group,
}

fn draw<'a>(config: &GenerateConfig, plan: &'a Plan, cell: Cell, level: Level, rng: &mut Rng) -> Draft<'a> {
    let tree = plan.tree(level, cell, rng);
    let style = cell.style.unwrap_or_else(|| plan.training_style(rng));
    let setting = Setting { style, templates: plan.templates(), unseen: cell.unseen_templates, noise: config.noise };
    let mut source = Source::new(rng, cell.is_test);
    let group = instance::draw(tree, &mut source);
    let told = text::tell(&group, setting, tree.has("currency"), &mut source);
    Draft { tree, style, schema_seen: cell.schema_seen, gold: group.gold(), told, group }
}
