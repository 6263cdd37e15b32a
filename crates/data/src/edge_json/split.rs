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

    /// A schema for one item and whether training has it. Test items: published schemas only, half of them held out.
    pub(crate) fn tree(&self, level: Level, is_test: bool, rng: &mut Rng) -> (&Tree, bool) {
        if is_test && rng.random_bool(0.5) {
            let held_out: Vec<_> = self.held_out.iter().filter(|t| t.level == level).collect();
            if let Some(tree) = held_out.choose(rng) {
                return (tree, false);
            }
        }
        let families: Vec<_> = self.seen.iter().filter(|f| f[0].level == level).collect();
        // The tables have sixteen or twelve schemas a level, and at most six are held out.
        let family = families.choose(rng).copied().unwrap_or(&self.seen[0]);
        let published = is_test || rng.random_bool(0.3);
        let tree = if published { &family[0] } else { family.choose(rng).unwrap_or(&family[0]) };
        (tree, true)
    }

    /// A style by its weight; the held-out style in the test split only.
    pub(crate) fn style(&self, is_test: bool, rng: &mut Rng) -> Style {
        let weight = |s: Style| if s == self.held_out_style && !is_test { 0 } else { s.weight() };
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

    pub(crate) fn held_out(&self) -> &[Tree] {
        &self.held_out
    }

    /// Training schemas and their variants.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &Tree> {
        self.seen.iter().flatten()
    }
}
