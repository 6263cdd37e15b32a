//! How are texts made that people say to devices: 64 intents of home, vehicle, wearable and industrial devices?
//!
//! Every intent has templates of its own (`grammar/*.txt`), which shared frames surround and shared values fill; some are
//! typed in haste or misheard. Beside them are texts that mean none of the intents, near to them and far. The test
//! split holds out a share of the templates, frames and values. Every text has a random stream of its own.

mod grammar;
mod noise;
mod overlap;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result, files};
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use self::grammar::{Form, Grammar, Piece, Section};
use self::noise::Kind;
use super::{Intent, IntentItem, Slot, Taxonomy, extraction};
pub use overlap::OverlapReport;

/// The taxonomy's name.
pub const NAME: &str = "edge-device";
/// The label of texts that mean none of the intents.
pub const OUT_OF_SCOPE: &str = "none";

const DOMAINS: [(&str, &str); 4] = [
    ("home", include_str!("grammar/home.txt")),
    ("vehicle", include_str!("grammar/vehicle.txt")),
    ("wearable", include_str!("grammar/wearable.txt")),
    ("industrial", include_str!("grammar/industrial.txt")),
];
const SHARED: &str = include_str!("grammar/shared.txt");
const OUTSIDE: &str = include_str!("grammar/outside.txt");

/// Texts per intent beyond which they are no longer different from one another.
const MOST_PER_INTENT: usize = 2_000;
/// How often a text is drawn anew when it is taken.
const ATTEMPTS: usize = 100;

/// What a user can choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeDeviceConfig {
    /// The same seed and counts give the same bytes.
    pub seed: u64,
    /// Training texts of each intent.
    pub train_per_intent: usize,
    /// Validation texts of each intent: templates and values of training.
    pub valid_per_intent: usize,
    /// Test texts of each intent: half on held-out templates, half of the values from the held-out ones.
    pub test_per_intent: usize,
    /// Out-of-scope texts in every split, half of them near, for each text with an intent: 0 to 1.
    pub out_of_scope: f64,
    /// The share of templates, frames and values that only the test split has: 0.1 to 0.5.
    pub held_out: f64,
    /// The share of training and validation texts with typos or as misheard, half each: 0 to 1. Of the test texts it is one half.
    pub noisy: f64,
}

impl Default for EdgeDeviceConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            train_per_intent: 150,
            valid_per_intent: 8,
            test_per_intent: 24,
            out_of_scope: 0.15,
            held_out: 0.2,
            noisy: 0.3,
        }
    }
}

impl EdgeDeviceConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// An input error naming the value that is impossible.
    pub fn validate(&self) -> Result<()> {
        let shares = [("out_of_scope", self.out_of_scope, 0.0, 1.0), ("held_out", self.held_out, 0.1, 0.5)];
        for (key, value, least, most) in shares.into_iter().chain([("noisy", self.noisy, 0.0, 1.0)]) {
            if !(least..=most).contains(&value) {
                let remedy = format!("choose a number from {least} to {most}");
                return Err(Error::input(key, format_args!("{value} is impossible"), remedy));
            }
        }
        let counts = [("train_per_intent", self.train_per_intent), ("valid_per_intent", self.valid_per_intent)];
        for (key, value) in counts.into_iter().chain([("test_per_intent", self.test_per_intent)]) {
            if !(1..=MOST_PER_INTENT).contains(&value) {
                let remedy = format!("choose a number from 1 to {MOST_PER_INTENT}");
                return Err(Error::input(key, format_args!("{value} is impossible"), remedy));
            }
        }
        Ok(())
    }
}

/// Everything one generation makes.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The 64 intents with their slots and three examples each.
    pub taxonomy: Taxonomy,
    /// Training texts, intents mixed.
    pub train: Vec<IntentItem>,
    /// Validation texts.
    pub valid: Vec<IntentItem>,
    /// Test texts.
    pub test: Vec<IntentItem>,
    /// What train and test have in common.
    pub overlap: OverlapReport,
}

/// Generates texts and taxonomy.
///
/// # Errors
/// An input error when the configuration is impossible or asks for more texts than can differ.
pub fn generate(config: &EdgeDeviceConfig) -> Result<Dataset> {
    config.validate()?;
    let plan = Plan::new(config)?;
    let mut taken = HashSet::new();
    // The test split comes first: what it says, the others may not.
    let test = plan.split(config, "test", config.test_per_intent, &mut taken)?;
    let valid = plan.split(config, "valid", config.valid_per_intent, &mut taken)?;
    let train = plan.split(config, "train", config.train_per_intent, &mut taken)?;
    let overlap = overlap::measure(config, &train, &valid, &test);
    Ok(Dataset { taxonomy: plan.taxonomy(&train)?, train, valid, test, overlap })
}

impl Dataset {
    /// Writes what [`extraction::write`] writes, and `overlap.json`, into `dir`, which appears whole or not at all.
    ///
    /// # Errors
    /// An input error when the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let splits = [("train", &self.train[..]), ("valid", &self.valid), ("test", &self.test)];
        extraction::write(dir, &self.taxonomy, &splits, |dir| {
            let report = serde_json::to_string_pretty(&self.overlap).map_err(|e| Error::internal("overlap", e))?;
            files::write(&dir.join("overlap.json"), format!("{report}\n").as_bytes())
        })
    }
}

/// A template or frame of a list, and whether only the test split has it.
struct Held {
    held_out: Vec<bool>,
}

impl Held {
    /// Holds out `share` of `n`, at least one.
    fn draw(n: usize, share: f64, rng: &mut Rng) -> Self {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(rng);
        let count = ((n as f64 * share).round() as usize).clamp(1, n.saturating_sub(1).max(1));
        let mut held_out = vec![false; n];
        order.into_iter().take(count).for_each(|i| held_out[i] = true);
        Self { held_out }
    }

    /// The numbers that are held out, or those that are not.
    fn numbers(&self, held_out: bool) -> Vec<usize> {
        (0..self.held_out.len()).filter(|&i| self.held_out[i] == held_out).collect()
    }
}

/// The grammar, and what of it is held out.
struct Plan {
    grammar: Grammar,
    /// Domain of each section of the grammar; none for out-of-scope ones.
    domains: Vec<Option<&'static str>>,
    templates: Vec<Held>,
    frames: Held,
    values: BTreeMap<String, Held>,
}

/// Where a text belongs.
struct Cell {
    /// Whether the template is one of those held out.
    held_out: bool,
    /// Whether held-out values may be drawn.
    new_values: bool,
    kind: Kind,
}

impl Plan {
    fn new(config: &EdgeDeviceConfig) -> Result<Self> {
        let mut grammar = Grammar::default();
        grammar.read("shared.txt", SHARED)?;
        let mut domains = Vec::new();
        for (domain, text) in DOMAINS {
            grammar.read(domain, text)?;
            domains.resize(grammar.sections.len(), Some(domain));
        }
        grammar.read("outside.txt", OUTSIDE)?;
        domains.resize(grammar.sections.len(), None);
        let rng = |name: &str| seed::rng(config.seed, &format!("edge-intent/held-out/{name}"));
        let of = |section: &Section| Held::draw(section.templates.len(), config.held_out, &mut rng(&section.label));
        Ok(Self {
            templates: grammar.sections.iter().map(of).collect(),
            frames: Held::draw(grammar.frames.len(), config.held_out, &mut rng("frames")),
            values: grammar
                .slots
                .iter()
                .map(|(name, values)| {
                    (name.clone(), Held::draw(values.len(), config.held_out, &mut rng(&format!("slot/{name}"))))
                })
                .collect(),
            grammar,
            domains,
        })
    }

    fn split(
        &self,
        config: &EdgeDeviceConfig,
        split: &str,
        per_intent: usize,
        taken: &mut HashSet<String>,
    ) -> Result<Vec<IntentItem>> {
        let intents = self.domains.iter().filter(|d| d.is_some()).count();
        let outside = (per_intent as f64 * intents as f64 * config.out_of_scope).round() as usize;
        let mut items = Vec::new();
        for (at, domain) in self.domains.iter().enumerate() {
            let count = match (domain, self.grammar.sections[at].label.as_str()) {
                (Some(_), _) => per_intent,
                (None, "near") => outside.div_ceil(2),
                (None, _) => outside / 2,
            };
            for number in 0..count {
                items.push(self.item(config, split, at, number, taken)?);
            }
        }
        // Intents mixed, so that any beginning of the file is a sample of all.
        items.shuffle(&mut seed::rng(config.seed, &format!("edge-intent/order/{split}")));
        Ok(items)
    }

    fn item(
        &self,
        config: &EdgeDeviceConfig,
        split: &str,
        at: usize,
        number: usize,
        taken: &mut HashSet<String>,
    ) -> Result<IntentItem> {
        let label = &self.grammar.sections[at].label;
        for attempt in 0..ATTEMPTS {
            let mut rng = seed::rng(config.seed, &format!("edge-intent/{split}/{label}/{number}/{attempt}"));
            let cell = if split == "test" {
                // Templates seen and held out, and kinds, crossed evenly.
                let kind = [Kind::Clean, Kind::Clean, Kind::Typos, Kind::Heard][number / 2 % 4];
                Cell { held_out: number % 2 == 1, new_values: true, kind }
            } else {
                let noisy = rng.random_bool(config.noisy);
                let kind = if rng.random_bool(0.5) { Kind::Typos } else { Kind::Heard };
                Cell { held_out: false, new_values: false, kind: if noisy { kind } else { Kind::Clean } }
            };
            let (pieces, template, template_seen) = self.tell(at, &cell, &mut rng);
            let text = noise::text(&pieces, cell.kind, &mut rng);
            if !taken.insert(overlap::plain(&text)) {
                continue;
            }
            let inside = self.domains[at].is_some();
            let slots = pieces.into_iter().filter_map(|p| Some((p.slot?, p.text)));
            return Ok(IntentItem {
                id: format!("edgeintent_{label}_{split}_{number:05}"),
                text,
                intent: if inside { label.clone() } else { OUT_OF_SCOPE.to_owned() },
                slots: if inside { slots.collect() } else { BTreeMap::new() },
                out_of_scope: !inside,
                template: Some(template),
                template_seen: Some(template_seen),
                split: Some(split.to_owned()),
                kind: Some(if inside { cell.kind.name() } else { label }.to_owned()),
            });
        }
        let what = format!("no new text for `{label}` found in {ATTEMPTS} tries");
        Err(Error::input(format_args!("{split}_per_intent"), what, "ask for fewer texts"))
    }

    /// The pieces of a text, its template's id, and whether training may have template and frame.
    fn tell(&self, at: usize, cell: &Cell, rng: &mut Rng) -> (Vec<Piece>, String, bool) {
        let section = &self.grammar.sections[at];
        let templates = self.templates[at].numbers(cell.held_out);
        let number = templates[rng.random_range(0..templates.len())];
        let template = &section.templates[number];
        let mut fill = |slot: &str, rng: &mut Rng| self.value(slot, cell.new_values, rng);
        let core = template.tell(rng, &mut fill);
        let frame = self.frame(template.form, cell.held_out, rng);
        let (_, before, after) = &self.grammar.frames[frame];
        let mut pieces = before.tell(rng, &mut fill);
        pieces.extend(core);
        pieces.extend(after.tell(rng, &mut fill));
        let seen = !cell.held_out && !self.frames.held_out[frame];
        (pieces, format!("{}.{}/{frame}", section.label, number + 1), seen)
    }

    /// A frame of this form: any for a held-out template, one of training's otherwise.
    fn frame(&self, form: Form, held_out: bool, rng: &mut Rng) -> usize {
        let fits = |i: &usize| self.grammar.frames[*i].0 == form && (held_out || !self.frames.held_out[*i]);
        let frames: Vec<usize> = (0..self.grammar.frames.len()).filter(fits).collect();
        // Half of all texts have no frame to speak of: the first of each form is the bare template.
        if rng.random_bool(0.4) { frames[0] } else { frames[rng.random_range(0..frames.len())] }
    }

    /// A value of a slot; in every other text of the test split one that is held out.
    fn value(&self, slot: &str, new_values: bool, rng: &mut Rng) -> String {
        let (Some(values), Some(held)) = (self.grammar.slots.get(slot), self.values.get(slot)) else {
            return slot.to_owned();
        };
        let numbers = held.numbers(new_values && rng.random_bool(0.5));
        values[numbers[rng.random_range(0..numbers.len())]].clone()
    }

    /// The taxonomy, with the first three clean training texts of each intent as examples.
    fn taxonomy(&self, train: &[IntentItem]) -> Result<Taxonomy> {
        let mut intents = Vec::new();
        for (section, domain) in self.grammar.sections.iter().zip(&self.domains) {
            let Some(domain) = domain else { continue };
            let clean = |i: &&IntentItem| i.intent == section.label && i.kind.as_deref() == Some("clean");
            let mut names = BTreeSet::new();
            let slots = section.templates.iter().flat_map(|t| t.slots()).filter(|s| names.insert(s.to_owned()));
            intents.push(Intent {
                name: section.label.clone(),
                domain: Some((*domain).to_owned()),
                description: Some(section.description.clone()),
                examples: train.iter().filter(clean).take(3).map(|i| i.text.clone()).collect(),
                slots: slots.map(|name| Slot { name: name.to_owned(), values: Vec::new() }).collect(),
            });
        }
        let taxonomy = Taxonomy { name: NAME.to_owned(), out_of_scope: Some(OUT_OF_SCOPE.to_owned()), intents };
        taxonomy.validate()?;
        Ok(taxonomy)
    }
}
