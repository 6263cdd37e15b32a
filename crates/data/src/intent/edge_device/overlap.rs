//! How much do the training and the test texts have in common?

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::EdgeDeviceConfig;
use crate::edge_json::Share;
use crate::edge_json::overlap::grams;
use crate::intent::IntentItem;

/// Words in a row that count as shared text: commands are short.
const GRAM: usize = 6;

/// The measured overlap, written as `overlap.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlapReport {
    /// The configuration the texts were made with.
    pub config: EdgeDeviceConfig,
    /// Texts per split and kind (`test/typos`).
    pub items: BTreeMap<String, usize>,
    /// Test texts that training has too, case and punctuation ignored.
    pub duplicate_texts: Share,
    /// Validation texts that training has too, case and punctuation ignored.
    pub valid_duplicate_texts: Share,
    /// Test texts that share any six words in a row with training.
    pub items_sharing_6_words: Share,
    /// Test texts whose template and frame may both occur in training.
    pub items_with_seen_template: Share,
    /// Distinct templates (frames left out) of the test texts that training has too.
    pub shared_templates: Share,
    /// Distinct slot values of the test texts that training has too.
    pub shared_slot_values: Share,
    /// Test texts all of whose slot values training has too, of those with slots.
    pub items_with_seen_values: Share,
}

/// Letters and digits in lower case, words apart.
pub(super) fn plain(text: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '\'';
    text.to_lowercase().split(|c| !kept(c)).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

pub(super) fn measure(
    config: &EdgeDeviceConfig,
    train: &[IntentItem],
    valid: &[IntentItem],
    test: &[IntentItem],
) -> OverlapReport {
    let mut items = BTreeMap::new();
    for item in train.iter().chain(valid).chain(test) {
        let key = [item.split.as_deref().unwrap_or(""), item.kind.as_deref().unwrap_or("")].join("/");
        *items.entry(key).or_insert(0) += 1;
    }
    let texts: HashSet<String> = train.iter().map(|i| plain(&i.text)).collect();
    let runs: HashSet<u64> = train.iter().flat_map(|i| grams(&plain(&i.text), GRAM)).collect();
    let values =
        |items: &[IntentItem]| -> BTreeSet<(String, String)> { items.iter().flat_map(|i| i.slots.clone()).collect() };
    let templates = |items: &[IntentItem]| -> BTreeSet<String> {
        let core = |i: &IntentItem| i.template.as_deref().map(|t| t.split('/').next().unwrap_or(t).to_owned());
        items.iter().filter_map(core).collect()
    };
    let (train_values, test_values) = (values(train), values(test));
    let (train_templates, test_templates) = (templates(train), templates(test));
    let count = |items: &[IntentItem], fits: &dyn Fn(&IntentItem) -> bool| {
        Share::new(items.iter().filter(|i| fits(i)).count(), items.len())
    };
    let with_slots: Vec<IntentItem> = test.iter().filter(|i| !i.slots.is_empty()).cloned().collect();
    OverlapReport {
        config: config.clone(),
        items,
        duplicate_texts: count(test, &|i| texts.contains(&plain(&i.text))),
        valid_duplicate_texts: count(valid, &|i| texts.contains(&plain(&i.text))),
        items_sharing_6_words: count(test, &|i| !grams(&plain(&i.text), GRAM).is_disjoint(&runs)),
        items_with_seen_template: count(test, &|i| i.template_seen == Some(true)),
        shared_templates: Share::new(test_templates.intersection(&train_templates).count(), test_templates.len()),
        shared_slot_values: Share::new(test_values.intersection(&train_values).count(), test_values.len()),
        items_with_seen_values: count(&with_slots, &|i| {
            i.slots.iter().all(|(name, value)| train_values.contains(&(name.clone(), value.clone())))
        }),
    }
}
