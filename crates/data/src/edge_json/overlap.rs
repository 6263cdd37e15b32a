//! How much do the training and the test split have in common?

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::GenerateConfig;
use super::split::Plan;
use crate::item::Item;

/// Words in a row that count as shared text.
const GRAM: usize = 13;

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// `count / of`, 0 when there is nothing to count.
    pub rate: f64,
}

impl Share {
    /// `count` of `of`.
    pub fn new(count: usize, of: usize) -> Self {
        Self { count, of, rate: if of == 0 { 0.0 } else { count as f64 / of as f64 } }
    }

    /// The part of `items` that fits.
    pub(crate) fn of<T>(items: &[T], fits: impl Fn(&T) -> bool) -> Self {
        Self::new(items.iter().filter(|item| fits(item)).count(), items.len())
    }
}

/// The measured overlap, written as `overlap.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlapReport {
    /// The configuration the data was made with.
    pub config: GenerateConfig,
    /// Items per split, level and style (`test/simple/prose`).
    pub items: BTreeMap<String, usize>,
    /// Test texts that training has too, letter for letter.
    pub duplicate_texts: Share,
    /// Test golds that training has too, letter for letter, under any schema.
    pub duplicate_golds: Share,
    /// Test items that share any 13 words in a row with training.
    pub items_sharing_13_words: Share,
    /// 13-word runs of the test texts that training has too.
    pub shared_13_word_runs: Share,
    /// Distinct string values of the test golds that training golds have too; enum values are not counted.
    pub shared_string_values: Share,
    /// Test items on schemas that training has.
    pub items_with_seen_schema: Share,
    /// Test items whose templates may all occur in training.
    pub items_with_seen_templates: Share,
    /// Distinct templates used in the test split that were used in training.
    pub shared_templates: Share,
    /// Test items in styles that training has.
    pub items_with_seen_style: Share,
    /// The largest share of fields (by meaning) that any training schema has in common with each held-out schema.
    pub held_out_schemas: BTreeMap<String, f64>,
    /// The style that training lacks.
    pub held_out_style: String,
    /// Ids of the templates that training lacks.
    pub held_out_templates: Vec<String>,
    /// How many templates there are.
    pub templates: usize,
    /// The same text measures for the validation split: texts, golds.
    pub valid_duplicates: [Share; 2],
}

pub(super) fn measure<'a>(
    config: &GenerateConfig,
    plan: &Plan,
    train: &[Item],
    valid: &[Item],
    test: &[Item],
    schema_of: &dyn Fn(&str) -> Option<&'a Value>,
) -> OverlapReport {
    let mut items = BTreeMap::new();
    for item in train.iter().chain(valid).chain(test) {
        let level = item.complexity.map_or("", |l| l.name());
        let key = [item.split.as_deref().unwrap_or(""), level, item.style.as_deref().unwrap_or("")].join("/");
        *items.entry(key).or_insert(0) += 1;
    }
    let texts: HashSet<&str> = train.iter().map(|i| i.prompt.as_str()).collect();
    let golds: HashSet<&str> = train.iter().map(|i| i.expected_output.get()).collect();
    let test_grams: Vec<HashSet<u64>> = test.iter().map(|i| grams(&i.prompt, GRAM)).collect();
    let wanted: HashSet<u64> = test_grams.iter().flatten().copied().collect();
    let common: HashSet<u64> =
        train.iter().flat_map(|i| grams(&i.prompt, GRAM)).filter(|g| wanted.contains(g)).collect();
    let (train_values, test_values) = (strings(train, schema_of), strings(test, schema_of));
    let used = |items: &[Item]| items.iter().flat_map(|i| i.templates.clone()).collect::<BTreeSet<_>>();
    let (train_templates, test_templates) = (used(train), used(test));
    let count = |items: &[Item], fits: &dyn Fn(&Item) -> bool| {
        Share::new(items.iter().filter(|i| fits(i)).count(), items.len())
    };
    let style = config.held_out_style.name();
    OverlapReport {
        config: config.clone(),
        items,
        duplicate_texts: count(test, &|i| texts.contains(i.prompt.as_str())),
        duplicate_golds: count(test, &|i| golds.contains(i.expected_output.get())),
        items_sharing_13_words: Share::new(
            test_grams.iter().filter(|g| g.iter().any(|g| common.contains(g))).count(),
            test.len(),
        ),
        shared_13_word_runs: Share::new(common.len(), wanted.len()),
        shared_string_values: Share::new(test_values.intersection(&train_values).count(), test_values.len()),
        items_with_seen_schema: count(test, &|i| i.schema_seen == Some(true)),
        items_with_seen_templates: count(test, &|i| i.templates_seen == Some(true)),
        shared_templates: Share::new(test_templates.intersection(&train_templates).count(), test_templates.len()),
        items_with_seen_style: count(test, &|i| i.style.as_deref() != Some(style)),
        held_out_schemas: plan
            .held_out()
            .iter()
            .map(|t| (t.id.clone(), plan.seen().map(|s| s.likeness(t)).fold(0.0, f64::max)))
            .collect(),
        held_out_style: style.to_owned(),
        held_out_templates: plan.templates().all().iter().filter(|t| t.held_out).map(|t| t.id.clone()).collect(),
        templates: plan.templates().all().len(),
        valid_duplicates: [
            count(valid, &|i| texts.contains(i.prompt.as_str())),
            count(valid, &|i| golds.contains(i.expected_output.get())),
        ],
    }
}

/// Hashes (FNV-1a) of every run of so many words, case ignored.
pub fn grams(text: &str, words_in_a_row: usize) -> HashSet<u64> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let hash = |run: &[String]| {
        let bytes = run.iter().flat_map(|w| w.bytes().chain([b' ']));
        bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
    };
    words.windows(words_in_a_row).map(hash).collect()
}

/// Distinct string values of the golds, those of enums left out.
fn strings<'a>(items: &[Item], schema_of: &dyn Fn(&str) -> Option<&'a Value>) -> HashSet<String> {
    let mut out = HashSet::new();
    for item in items {
        let Ok(gold) = serde_json::from_str::<Value>(item.expected_output.get()) else { continue };
        collect(&gold, schema_of(&item.schema_id), &mut out);
    }
    out
}

fn collect(value: &Value, schema: Option<&Value>, out: &mut HashSet<String>) {
    match value {
        Value::String(s) if schema.is_none_or(|s| s.get("enum").is_none()) => {
            out.insert(s.clone());
        }
        Value::Array(values) => {
            values.iter().for_each(|v| collect(v, schema.and_then(|s| s.get("items")), out));
        }
        Value::Object(map) => {
            for (key, value) in map {
                collect(value, schema.and_then(|s| s.get("properties")?.get(key)), out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_thirteen_words_are_found_wherever_they_stand() {
        let run = "a b c d e f g h i j k l m";
        let common = |a: &str, b: &str| grams(a, GRAM).intersection(&grams(b, GRAM)).count();
        assert_eq!(common(&format!("x {run}"), &format!("{} y z", run.to_uppercase())), 1);
        assert_eq!(common(run, "a b c d e f g h i j k l n"), 0);
        assert_eq!(common("a b c", "a b c"), 0);
    }
}
