//! Which schemas, styles and templates does each split draw from?

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

use super::catalogue;
use super::config::GenerateConfig;
use super::templates::Templates;
use super::text::Style;
use super::tree::Tree;
use crate::item::Level;

/// A training variant that shares more of its fields than this with a held-out schema is not used.
const MOST_LIKENESS: f64 = 0.6;

/// What one item may draw from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Test items may have the words that are kept for the test split.
    pub(crate) is_test: bool,
    pub(crate) schema_seen: bool,
    /// `None`: any style of training.
    pub(crate) style: Option<Style>,
    /// Whether templates kept for the test split are used.
    pub(crate) unseen_templates: bool,
}

impl Cell {
    /// The cell of every training and validation item.
    pub(crate) const TRAINING: Cell = Cell { is_test: false, schema_seen: true, style: None, unseen_templates: false };
}

/// What the splits are made from.
pub(crate) struct Plan {
    /// Training schemas, each with its variants behind it.
    seen: Vec<Vec<Tree>>,
    held_out: Vec<Tree>,
    templates: Templates,
    held_out_style: Style,
}

impl Plan {
    pub(crate) fn new(config: &GenerateConfig) -> Result<Self> {
        let mut trees = Vec::new();
        for domain in catalogue::all() {
            let tree = Tree::of(domain);
            trees.push(tree.ok_or_else(|| Error::internal(domain.id, "a schema names a field that does not exist"))?);
        }
        trees.shuffle(&mut seed::rng(config.seed, "edge-json/schemas"));
        let (mut seen, mut held_out) = (Vec::new(), Vec::new());
        for tree in trees {
            let held = held_out.iter().filter(|t: &&Tree| t.level == tree.level).count();
            if held < config.held_out_schemas { held_out.push(tree) } else { seen.push(vec![tree]) }
        }
        held_out.sort_by(|a, b| (a.level, &a.id).cmp(&(b.level, &b.id)));
        seen.sort_by(|a, b| (a[0].level, &a[0].id).cmp(&(b[0].level, &b[0].id)));
        for family in &mut seen {
            let base = family[0].clone();
            for number in 1..=config.schema_variants {
                for attempt in 0..20 {
                    let name = format!("edge-json/variant/{}/{number}/{attempt}", base.id);
                    let variant = base.variant(number, &mut seed::rng(config.seed, &name));
                    if held_out.iter().all(|t| variant.likeness(t) <= MOST_LIKENESS) {
                        family.push(variant);
                        break;
                    }
                }
            }
        }
        let templates = Templates::new(config.seed, config.held_out_templates);
        Ok(Self { seen, held_out, templates, held_out_style: config.held_out_style })
    }

    /// The cell of a test item by its number: seen and held-out schemas alternate, styles come by their weights, and
    /// templates change with every round of styles, so that any number of items is spread evenly.
    pub(crate) fn test_cell(&self, number: usize) -> Cell {
        let round: Vec<Style> = (0..2).flat_map(|i| Style::ALL.into_iter().filter(move |s| s.weight() > i)).collect();
        let (pair, schema_seen) = (number / 2, number.is_multiple_of(2));
        let style = round[pair % round.len()];
        Cell { is_test: true, schema_seen, style: Some(style), unseen_templates: pair / round.len() % 2 == 1 }
    }

    /// A schema for one item: test items are on published schemas, training items mostly on variants.
    pub(crate) fn tree(&self, level: Level, cell: Cell, rng: &mut Rng) -> &Tree {
        if !cell.schema_seen {
            let held_out: Vec<_> = self.held_out.iter().filter(|t| t.level == level).collect();
            if let Some(tree) = held_out.choose(rng) {
                return tree;
            }
        }
        let families: Vec<_> = self.seen.iter().filter(|f| f[0].level == level).collect();
        // The tables have twenty schemas a level, and at most ten are held out.
        let family = families.choose(rng).copied().unwrap_or(&self.seen[0]);
        let published = cell.is_test || rng.random_bool(0.3);
        if published { &family[0] } else { family.choose(rng).unwrap_or(&family[0]) }
    }

    /// A style of the training and validation splits by its weight.
    pub(crate) fn training_style(&self, rng: &mut Rng) -> Style {
        let weight = |s: Style| if s == self.held_out_style { 0 } else { s.weight() };
        let mut at = rng.random_range(0..Style::ALL.into_iter().map(weight).sum::<u32>());
        for style in Style::ALL {
            match at.checked_sub(weight(style)) {
                Some(rest) => at = rest,
                None => return style,
            }
        }
        Style::Prose
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// All schemas that are written: training schemas with variants, and held-out ones.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Tree> {
        self.seen.iter().flatten().chain(&self.held_out)
    }

    /// The schemas that test items are on.
    pub(crate) fn base(&self) -> impl Iterator<Item = &Tree> {
        self.seen.iter().filter_map(|family| family.first()).chain(&self.held_out)
    }

    pub(crate) fn held_out(&self) -> &[Tree] {
        &self.held_out
    }

    /// Training schemas and their variants.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &Tree> {
        self.seen.iter().flatten()
    }
}
