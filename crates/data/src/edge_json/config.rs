//! What can a user choose about generated data, and which choices are impossible?

use bantam_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::text::Style;
use crate::item::Level;

/// How many items of each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Items with three to five flat fields.
    pub simple: usize,
    /// Items with eight to twelve fields, some nested.
    pub medium: usize,
    /// Items with fifteen fields or more, arrays of objects and depth three.
    pub complex: usize,
}

impl Counts {
    /// The count of one level.
    pub fn of(&self, level: Level) -> usize {
        match level {
            Level::Simple => self.simple,
            Level::Medium => self.medium,
            Level::Complex => self.complex,
        }
    }

    /// The count over all levels.
    pub fn total(&self) -> usize {
        self.simple.saturating_add(self.medium).saturating_add(self.complex)
    }
}

/// The `[data]` table of a recipe: everything the generated items depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerateConfig {
    /// The same seed and counts give the same bytes. Default 1.
    pub seed: u64,
    /// Training items. Default 12,000 / 6,000 / 3,000.
    pub train: Counts,
    /// Short training items of made-up values, which teach copying first. Not among the counts of `train`. Default 8,000.
    pub drills: usize,
    /// Training items of made-up values with five to twelve fields, which teach whose value is whose. Default 0.
    pub long_drills: usize,
    /// Validation items: like training (same schemas, style and templates), other values. Default 200 / 120 / 80.
    pub valid: Counts,
    /// Test items: half on held-out schemas, a tenth in the held-out style, half with held-out templates. Default 400 / 350 / 250,
    /// EdgeJSON v4's.
    pub test: Counts,
    /// The share of training and validation items that have a schema of their own, composed for them alone, 0 to 1.
    /// Default 0.7.
    pub composed: f64,
    /// How likely a text states things that its schema does not ask for, 0 to 1. Default 0.25.
    pub distractors: f64,
    /// Training variants of each training schema, 0 to 99. Default 8.
    pub schema_variants: usize,
    /// Whole schemas per level that only the test split has, 1 to 10. Default 7.
    pub held_out_schemas: usize,
    /// The style that only the test split has. Default `log`.
    pub held_out_style: Style,
    /// The share of sentence templates that only the test split has, 0 to 0.5. Default 0.2.
    pub held_out_templates: f64,
    /// How likely a text holds sentences that state nothing of the item, 0 to 1. Default 0.5.
    pub noise: f64,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            train: Counts { simple: 12_000, medium: 6_000, complex: 3_000 },
            drills: 8_000,
            long_drills: 0,
            valid: Counts { simple: 200, medium: 120, complex: 80 },
            test: Counts { simple: 400, medium: 350, complex: 250 },
            composed: 0.7,
            distractors: 0.25,
            schema_variants: 8,
            held_out_schemas: 7,
            held_out_style: Style::Log,
            held_out_templates: 0.2,
            noise: 0.5,
        }
    }
}

/// More items than this are no longer different from one another.
const MOST_ITEMS: usize = 2_000_000;

impl GenerateConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// An input error naming the key (`data.noise`) whose value is impossible.
    pub fn validate(&self) -> Result<()> {
        let share = |key: &str, value: f64, most: f64| {
            if (0.0..=most).contains(&value) {
                return Ok(());
            }
            Err(Error::input(
                key,
                format_args!("{value} is impossible"),
                format_args!("choose a number from 0 to {most}"),
            ))
        };
        share("data.noise", self.noise, 1.0)?;
        share("data.composed", self.composed, 1.0)?;
        share("data.distractors", self.distractors, 1.0)?;
        share("data.held_out_templates", self.held_out_templates, 0.5)?;
        let count = |key: &str, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let remedy = format!("choose a number from {least} to {most}");
            Err(Error::input(key, format_args!("{value} is impossible"), remedy))
        };
        count("data.train", self.train.total(), 1, MOST_ITEMS)?;
        count("data.drills", self.drills, 0, MOST_ITEMS)?;
        count("data.long_drills", self.long_drills, 0, MOST_ITEMS)?;
        count("data.valid", self.valid.total(), 1, MOST_ITEMS)?;
        count("data.test", self.test.total(), 1, MOST_ITEMS)?;
        count("data.schema_variants", self.schema_variants, 0, 99)?;
        count("data.held_out_schemas", self.held_out_schemas, 1, 10)
    }
}
