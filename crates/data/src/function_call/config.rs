//! What can a user choose about the device set, and which choices are impossible?

use bantam_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Everything the generated items depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerateConfig {
    /// The same seed and counts give the same bytes. Default 1.
    pub seed: u64,
    /// Training items. Default 20,000.
    pub train: usize,
    /// Validation items: functions, tool sets and templates of training. Default 500.
    pub valid: usize,
    /// Test items: a third each on functions and templates of training, on its functions in other words, and on
    /// functions it has not. Default 1,200.
    pub test: usize,
    /// Sets of offered functions in training. Default 1,500.
    pub tool_sets: usize,
    /// Sets of offered functions in test, of seen and again as many with unseen functions. Default 200.
    pub test_tool_sets: usize,
    /// Most functions offered at once, 3 to 12. Default 6.
    pub most_tools: usize,
    /// The share of training's tool sets that give functions and parameters other names. Default 0.6.
    pub renamed: f64,
    /// The share of training items whose offers hold invented functions, 0 to 1; the other splits have none. Default 0.4.
    pub invented: f64,
    /// Whether training also says what it asks for in the paraphrases that no other split has. Default true.
    pub paraphrases: bool,
    /// Functions of the 80 that only the test split has, 4 to 40. Default 16.
    pub held_out_functions: usize,
    /// The share of templates of the other functions that only the test split has, 0 to 0.5. Default 0.25.
    pub held_out_templates: f64,
    /// How likely a text has a typing mistake outside the values, 0 to 1. Default 0.1.
    pub typos: f64,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            train: 20_000,
            valid: 500,
            test: 1_200,
            tool_sets: 1_500,
            test_tool_sets: 200,
            most_tools: 6,
            renamed: 0.6,
            invented: 0.4,
            paraphrases: true,
            held_out_functions: 16,
            held_out_templates: 0.25,
            typos: 0.1,
        }
    }
}

/// More items than this are no longer different from one another.
const MOST_ITEMS: usize = 1_000_000;

impl GenerateConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// An input error naming the key whose value is impossible.
    pub fn validate(&self) -> Result<()> {
        for (key, value, most) in [
            ("held_out_templates", self.held_out_templates, 0.5),
            ("renamed", self.renamed, 1.0),
            ("invented", self.invented, 1.0),
            ("typos", self.typos, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                let remedy = format!("choose a number from 0 to {most}");
                return Err(Error::input(key, format_args!("{value} is impossible"), remedy));
            }
        }
        for (key, value, least, most) in [
            ("train", self.train, 1, MOST_ITEMS),
            ("valid", self.valid, 1, MOST_ITEMS),
            ("test", self.test, 1, MOST_ITEMS),
            ("tool_sets", self.tool_sets, 12, 50_000),
            ("test_tool_sets", self.test_tool_sets, 12, 5_000),
            ("most_tools", self.most_tools, 3, 12),
            ("held_out_functions", self.held_out_functions, 4, 40),
        ] {
            if !(least..=most).contains(&value) {
                let remedy = format!("choose a number from {least} to {most}");
                return Err(Error::input(key, format_args!("{value} is impossible"), remedy));
            }
        }
        Ok(())
    }
}
