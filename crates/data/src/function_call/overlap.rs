//! How much do the training and the test split of the device set have in common?

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::GenerateConfig;
use super::plan::Plan;
use super::tools::Offer;
use crate::edge_json::{Share, grams};
use crate::item::Item;

/// The measured overlap, written as `overlap.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlapReport {
    /// The configuration the data was made with.
    pub config: GenerateConfig,
    /// Items by split, category, functions and templates (`test/simple/functions seen/templates unseen`).
    pub items: BTreeMap<String, usize>,
    /// Functions of the catalogue, of which alone the test split is.
    pub functions: usize,
    /// Functions that training lacks.
    pub held_out_functions: Vec<String>,
    /// Names of invented functions that training's items offer.
    #[serde(default)]
    pub invented_functions: usize,
    /// Training items whose offers hold invented functions.
    #[serde(default)]
    pub items_with_invented_functions: usize,
    /// Templates of the 80 functions that training has, and phrases around and between requests.
    pub templates: usize,
    /// Of those, the ones that training lacks.
    pub held_out_templates: Vec<String>,
    /// Test texts that training has too, case ignored.
    pub duplicate_texts: Share,
    /// Test golds (with at least one argument) that training has too, letter for letter.
    pub duplicate_golds: Share,
    /// Test items that share any 13 words in a row with training.
    pub items_sharing_13_words: Share,
    /// Test items that share any 8 words in a row with training.
    pub items_sharing_8_words: Share,
    /// Distinct string values of the test golds' arguments that training golds have too.
    pub shared_string_values: Share,
    /// Test items whose functions training has.
    pub items_with_seen_functions: Share,
    /// Test items whose templates may all occur in training.
    pub items_with_seen_templates: Share,
}

pub(super) fn measure(config: &GenerateConfig, plan: &Plan, train: &[Item], test: &[Item]) -> OverlapReport {
    let mut items = BTreeMap::new();
    for item in train.iter().chain(test) {
        let seen = |of: Option<bool>| if of == Some(true) { "seen" } else { "unseen" };
        let key = format!(
            "{}/{}/functions {}/templates {}",
            item.split.as_deref().unwrap_or(""),
            item.style.as_deref().unwrap_or(""),
            seen(item.schema_seen),
            seen(item.templates_seen)
        );
        *items.entry(key).or_insert(0) += 1;
    }
    let texts: HashSet<String> = train.iter().map(|i| i.prompt.to_lowercase()).collect();
    let golds: HashSet<&str> = train.iter().map(|i| i.expected_output.get()).collect();
    let sharing = |words: usize| {
        let common: HashSet<u64> = train.iter().flat_map(|i| grams(&i.prompt, words)).collect();
        Share::of(test, |i| grams(&i.prompt, words).iter().any(|g| common.contains(g)))
    };
    let (held_out_templates, templates) = plan.held_out_templates();
    let (train_values, test_values) = (values(train), values(test));
    let with_arguments: Vec<&Item> = test
        .iter()
        .filter(|i| !i.expected_output.get().contains("\"arguments\":{}") && i.expected_output.get() != "[]")
        .collect();
    let offers: HashMap<&str, &Offer> = plan.training_invented.iter().map(|o| (o.id.as_str(), o)).collect();
    let invented: Vec<&Offer> = train.iter().filter_map(|i| offers.get(i.schema_id.as_str()).copied()).collect();
    let names: HashSet<&str> = invented
        .iter()
        .flat_map(|o| &o.tools)
        .filter(|t| t.function >= plan.functions.len())
        .map(|t| t.name.as_str())
        .collect();
    let held = |f: &&super::plan::Known| f.held_out;
    OverlapReport {
        config: config.clone(),
        items,
        functions: plan.functions.len(),
        held_out_functions: plan.functions.iter().filter(held).map(|f| f.name.clone()).collect(),
        invented_functions: names.len(),
        items_with_invented_functions: invented.len(),
        templates,
        held_out_templates,
        duplicate_texts: Share::of(test, |i| texts.contains(&i.prompt.to_lowercase())),
        duplicate_golds: Share::of(&with_arguments, |i| golds.contains(i.expected_output.get())),
        items_sharing_13_words: sharing(13),
        items_sharing_8_words: sharing(8),
        shared_string_values: Share::new(test_values.intersection(&train_values).count(), test_values.len()),
        items_with_seen_functions: Share::of(test, |i| i.schema_seen == Some(true)),
        items_with_seen_templates: Share::of(test, |i| i.templates_seen == Some(true)),
    }
}

/// Distinct strings among the arguments.
fn values(items: &[Item]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in items {
        let Ok(Value::Array(calls)) = serde_json::from_str(item.expected_output.get()) else { continue };
        for arguments in calls.iter().filter_map(|call| call["arguments"].as_object()) {
            for value in arguments.values() {
                let several = value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value));
                found.extend(several.iter().filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    found
}
