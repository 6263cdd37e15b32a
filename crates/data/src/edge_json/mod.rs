//! How are EdgeJSON items made: a text, a schema and the JSON object that the text states, split without leaks?
//!
//! The test split holds out whole schemas, one whole style, a share of the sentence templates and the words of a fifth of
//! every value list. Seen and held-out schemas, styles, and seen and held-out templates are crossed in it evenly, so that
//! every comparison can be made. Every item has a random stream of its own: its bytes do not depend on the other items' counts.

mod catalogue;
mod compose;
mod config;
mod drills;
mod instance;
pub(crate) mod overlap;
mod split;
mod templates;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod values;
mod vocabulary;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result, files};
use rand::RngExt;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::{self, Item, Level};
use crate::schemas;
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
    /// Published schemas and their training variants, by name.
    pub schemas: BTreeMap<String, (Level, Value)>,
    /// Schemas that one training or validation item has for itself, by name.
    pub composed: BTreeMap<String, Value>,
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
    let test = make_split(config, &plan, Split::Test, &mut taken)?;
    let valid = make_split(config, &plan, Split::Valid, &mut taken)?;
    let mut train = make_split(config, &plan, Split::Train, &mut taken)?;
    let schemas = published(plan.published());
    let mut composed = taken.composed;
    let schema_of = |id: &str| schemas.get(id).map(|(_, schema)| schema).or_else(|| composed.get(id));
    let overlap = overlap::measure(config, &plan, &train, &valid, &test, &schema_of);
    let drills = drills::make(config.drills, config.long_drills, config.seed)?;
    train.extend(drills.items);
    composed.extend(drills.schemas);
    Ok(Dataset { train, valid, test, schemas, composed, overlap })
}

/// A test split alone.
#[derive(Debug)]
pub struct FreshTest {
    /// Test items.
    pub items: Vec<Item>,
    /// Published schemas, by name.
    pub schemas: BTreeMap<String, (Level, Value)>,
}

/// A test split like [`generate`]'s, on the same schemas and templates in the same shares, with values drawn by another
/// seed: a model that does worse on it has seen the published one. No text and no gold of the published split is in it.
///
/// # Errors
/// As [`generate`]; an input error when the seeds are the same.
pub fn generate_fresh_test(config: &GenerateConfig, value_seed: u64) -> Result<FreshTest> {
    config.validate()?;
    if value_seed == config.seed {
        let what = format!("{value_seed} is the seed of the published test split");
        return Err(Error::input("value seed", what, "choose another"));
    }
    let plan = Plan::new(config)?;
    let mut taken = Taken::default();
    make_split(config, &plan, Split::Test, &mut taken)?;
    let items = make_split(config, &plan, Split::Fresh(value_seed), &mut taken)?;
    Ok(FreshTest { items, schemas: published(plan.base()) })
}

fn published<'a>(trees: impl Iterator<Item = &'a Tree>) -> BTreeMap<String, (Level, Value)> {
    trees.map(|tree| (tree.id.clone(), (tree.level, tree.json_schema()))).collect()
}

impl FreshTest {
    /// Writes `test.jsonl` and `schemas/<level>/<id>.json` into `dir`, which appears whole or not at all.
    ///
    /// # Errors
    /// An input error when the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        files::write_dir(dir, |dir| {
            item::write_jsonl(&dir.join("test.jsonl"), &self.items)?;
            write_schemas(dir, &self.schemas)
        })
    }
}

/// `schemas/<level>/<id>.json`.
fn write_schemas(dir: &Path, schemas: &BTreeMap<String, (Level, Value)>) -> Result<()> {
    for level in Level::ALL {
        files::create_dir(&dir.join("schemas").join(level.name()))?;
    }
    for (id, (level, schema)) in schemas {
        let path = dir.join("schemas").join(level.name()).join(format!("{id}.json"));
        files::write(&path, pretty(schema)?.as_bytes())?;
    }
    Ok(())
}

/// What a split is called, and what its random streams come from.
#[derive(Clone, Copy, PartialEq)]
enum Split {
    Train,
    Valid,
    Test,
    /// A test split with values of this seed.
    Fresh(u64),
}

impl Split {
    /// The name in ids and random streams.
    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
            Split::Fresh(_) => "fresh",
        }
    }

    fn is_test(self) -> bool {
        matches!(self, Split::Test | Split::Fresh(_))
    }
}

impl Dataset {
    /// The schema of an item.
    pub fn schema(&self, schema_id: &str) -> Option<&Value> {
        self.schemas.get(schema_id).map(|(_, schema)| schema).or_else(|| self.composed.get(schema_id))
    }

    /// Writes `train.jsonl`, `valid.jsonl`, `test.jsonl`, `schemas/<level>/<id>.json`, `schemas/composed.schemas.jsonl` and
    /// `overlap.json` into `dir`, which appears whole or not at all.
    ///
    /// # Errors
    /// An input error when the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        files::write_dir(dir, |dir| {
            for (name, items) in [("train", &self.train), ("valid", &self.valid), ("test", &self.test)] {
                item::write_jsonl(&dir.join(format!("{name}.jsonl")), items)?;
            }
            write_schemas(dir, &self.schemas)?;
            schemas::write_jsonl(&dir.join("schemas/composed.schemas.jsonl"), &self.composed)?;
            files::write(&dir.join("overlap.json"), pretty(&self.overlap)?.as_bytes())
        })
    }
}

pub(crate) fn pretty(value: &impl serde::Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::internal("data generation", e))?;
    Ok(text + "\n")
}

/// Texts and golds that may not come again.
#[derive(Default)]
struct Taken {
    prompts: HashSet<String>,
    /// Schema's domain and gold.
    golds: HashSet<String>,
    /// Schemas made for one item.
    composed: BTreeMap<String, Value>,
}

/// How often an item is drawn anew when its text or gold is taken.
const ATTEMPTS: usize = 40;

fn make_split(config: &GenerateConfig, plan: &Plan, split: Split, taken: &mut Taken) -> Result<Vec<Item>> {
    let counts = match split {
        Split::Train => &config.train,
        Split::Valid => &config.valid,
        Split::Test | Split::Fresh(_) => &config.test,
    };
    let seed = if let Split::Fresh(seed) = split { seed } else { config.seed };
    let mut items = Vec::with_capacity(counts.total());
    for level in Level::ALL {
        for number in 0..counts.of(level) {
            items.push(make_item(config, plan, (split, seed), level, number, taken)?);
        }
    }
    // Levels mixed, so that any beginning of the file is a sample of all.
    let mut order = seed::rng(seed, &format!("edge-json/order/{}", split.name()));
    rand::seq::SliceRandom::shuffle(&mut items[..], &mut order);
    Ok(items)
}

fn make_item(
    config: &GenerateConfig,
    plan: &Plan,
    (split, seed): (Split, u64),
    level: Level,
    number: usize,
    taken: &mut Taken,
) -> Result<Item> {
    let name = split.name();
    for attempt in 0..ATTEMPTS {
        let mut rng = seed::rng(seed, &format!("edge-json/{name}/{level}/{number}/{attempt}"));
        let cell = if split.is_test() { plan.test_cell(number) } else { Cell::TRAINING };
        let tree = if !split.is_test() && rng.random_bool(config.composed) {
            Cow::Owned(compose::compose(
                format!("composed_{name}_{level}_{number:06}"),
                level,
                plan.held_out(),
                &mut rng,
            ))
        } else {
            Cow::Borrowed(plan.tree(level, cell, &mut rng))
        };
        let is_composed = matches!(tree, Cow::Owned(_));
        let draft = draw(config, plan, tree, cell, &mut rng);
        let gold_key = if is_composed { draft.gold.clone() } else { format!("{} {}", draft.tree.id, draft.gold) };
        if taken.prompts.contains(&draft.told.text) || taken.golds.contains(&gold_key) {
            continue;
        }
        let expected_output = RawValue::from_string(draft.gold)
            .map_err(|e| Error::internal(format_args!("gold of {}", draft.tree.id), e))?;
        taken.prompts.insert(draft.told.text.clone());
        taken.golds.insert(gold_key);
        let id = if is_composed {
            taken.composed.insert(draft.tree.id.clone(), draft.tree.json_schema());
            draft.tree.id.clone()
        } else {
            format!("{}_{name}_{number:06}", draft.tree.id)
        };
        return Ok(Item {
            id: format!("edgejson_{id}"),
            schema_id: draft.tree.id.clone(),
            complexity: Some(level),
            source: Some("generated".into()),
            teacher: None,
            style: Some(draft.style.name().into()),
            split: Some(if split.is_test() { "test" } else { name }.into()),
            schema_seen: Some(draft.schema_seen && !(is_composed && split == Split::Valid)),
            templates_seen: Some(draft.told.templates_seen),
            templates: draft.told.templates,
            prompt: draft.told.text,
            expected_output,
        });
    }
    let what = format!("no new {level} item found in {ATTEMPTS} tries");
    Err(Error::input(format_args!("data.{name}.{level}"), what, "ask for fewer items or more schema_variants"))
}

/// An item before it has a number.
struct Draft<'a> {
    tree: Cow<'a, Tree>,
    style: TextStyle,
    schema_seen: bool,
    gold: String,
    told: Told,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests compare it with the text"))]
    group: instance::Group,
}

fn draw<'a>(config: &GenerateConfig, plan: &'a Plan, tree: Cow<'a, Tree>, cell: Cell, rng: &mut Rng) -> Draft<'a> {
    let style = cell.style.unwrap_or_else(|| plan.training_style(rng));
    let setting = Setting { style, templates: plan.templates(), unseen: cell.unseen_templates, noise: config.noise };
    let mut source = Source::new(rng, cell.is_test);
    let group = instance::draw(&tree, config.distractors, &mut source);
    let told = text::tell(&group, setting, tree.has("currency"), &mut source);
    Draft { tree, style, schema_seen: cell.schema_seen, gold: group.gold(), told, group }
}
