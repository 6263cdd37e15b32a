//! What is wrong with a data set before anything is measured on it?
//!
//! [`read`] takes items and intent files alike; [`audit`] counts duplicates, contradicting golds, golds that fail their schema,
//! what the training data gives away, and what rules without learning score.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bantam_data::edge_json::{Share, grams};
use bantam_data::schemas::SchemaSet;
use serde::Serialize;
use serde_json::Value;

use crate::result::Source;
use crate::statistics::Estimate;
use crate::{floors, json, metrics};

mod keywords;
mod read;

use keywords::Keywords;
pub use keywords::Unstated;
pub use read::{Audited, DataSet, read};

/// Words in a row that count as shared text.
const GRAM: usize = 13;
/// Examples listed of each finding.
const MOST_EXAMPLES: usize = 20;

/// What an audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `audit`, so that `bantam eval gate` can hold it to bars.
    pub suite: &'static str,
    /// The data.
    pub data: Source,
    /// What it was read as.
    pub format: &'static str,
    /// Items.
    pub n: usize,
    /// Items whose text an earlier item has, letter for letter.
    pub duplicate_texts: Share,
    /// Items whose text an earlier item has but for case, punctuation and spaces.
    pub normalized_duplicates: Share,
    /// Ids of such items with the id of the first, some of them.
    pub duplicate_examples: Vec<[String; 2]>,
    /// Items whose text, but for case, punctuation and spaces, also stands with another gold.
    pub contradictions: Share,
    /// Such texts with their golds and ids, some of them.
    pub contradiction_examples: Vec<Contradiction>,
    /// Golds; absent without schemas.
    pub golds: Option<Golds>,
    /// What the training data gives away; absent without training data.
    pub train: Option<TrainOverlap>,
    /// Values that the texts do not state; absent without training items.
    pub unstated: Option<Unstated>,
    /// What rules without learning score, exactly right, by rule.
    pub rules: BTreeMap<&'static str, Rule>,
}

/// One text with several golds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// The text of the first item.
    pub text: String,
    /// Golds, with the ids of their items.
    pub golds: BTreeMap<String, Vec<String>>,
}

/// Golds beside their schemas.
#[derive(Clone, Debug, Serialize)]
pub struct Golds {
    /// Golds that fail their schema.
    pub invalid: Share,
    /// Ids of such golds with the reason, some of them.
    pub examples: Vec<[String; 2]>,
    /// Items whose schema is not there or cannot be compiled.
    pub without_schema: Share,
}

/// What the training data gives away of the items.
#[derive(Clone, Debug, Serialize)]
pub struct TrainOverlap {
    /// The training data.
    pub data: Source,
    /// Its items.
    pub n: usize,
    /// Items whose text training has, letter for letter.
    pub duplicate_texts: Share,
    /// Items whose text training has but for case, punctuation and spaces.
    pub normalized_duplicates: Share,
    /// Items whose text training has, normalized, but never with this gold.
    pub contradictions: Share,
    /// Items that share any 13 words in a row with training.
    pub items_sharing_13_words: Share,
    /// Distinct 13-word runs of the items that training has too.
    pub shared_13_word_runs: Share,
    /// Items whose whole gold training has.
    pub duplicate_golds: Share,
    /// Distinct values (strings and numbers, those of enums left out) of the golds that training golds have too.
    pub shared_values: Share,
    /// Items with values, all of which training golds have.
    pub items_with_all_values_seen: Share,
    /// Items whose schema training has by name; for intents, whose intent it has.
    pub items_with_seen_schema: Share,
    /// Schemas that training has by name.
    pub shared_schemas: Share,
    /// Schemas that training has under some name with the same structure: equal but for titles, descriptions, examples and defaults.
    pub schemas_of_same_structure: Option<Share>,
    /// Ids of items whose normalized text training has, some of them.
    pub examples: Vec<String>,
}

/// A rule's score.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// What it does.
    pub words: &'static str,
    /// Exactly right, over all items.
    pub exact: Estimate,
    /// The same by level, where items have one.
    pub by_level: BTreeMap<String, Estimate>,
}

/// Case, punctuation and spaces do not make another text.
pub fn normalized(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Audits `data`, beside `train` and with `schemas` where there are any.
pub fn audit(data: &DataSet, train: Option<&DataSet>, schemas: Option<&SchemaSet>) -> Report {
    let items = &data.items;
    let keys: Vec<String> = items.iter().map(|item| normalized(&item.text)).collect();
    let (mut texts, mut duplicate_texts) = (HashSet::new(), 0);
    let (mut first, mut duplicate_examples, mut duplicates) = (HashMap::new(), Vec::new(), 0);
    for (item, key) in items.iter().zip(&keys) {
        duplicate_texts += usize::from(!texts.insert(item.text.as_str()));
        let earlier = *first.entry(key.as_str()).or_insert(item.id.as_str());
        if earlier != item.id {
            duplicates += 1;
            duplicate_examples.push([item.id.clone(), earlier.to_owned()]);
        }
    }
    duplicate_examples.truncate(MOST_EXAMPLES);
    let (contradicting, contradiction_examples) = contradictions(items, &keys);
    let share = |count: usize| Share::new(count, items.len());
    let keywords = train.filter(|_| data.has_schemas()).map(|train| Keywords::learn(&train.items));
    Report {
        suite: "audit",
        data: data.source.clone(),
        format: data.format,
        n: items.len(),
        duplicate_texts: share(duplicate_texts),
        normalized_duplicates: share(duplicates),
        duplicate_examples,
        contradictions: share(contradicting),
        contradiction_examples,
        golds: schemas.filter(|_| data.has_schemas()).map(|schemas| golds(items, schemas)),
        train: train.map(|train| train_overlap(data, &keys, train, schemas)),
        unstated: keywords.as_ref().map(|k| k.unstated(items)),
        rules: rules(data, &keys, train, schemas, keywords.as_ref()),
    }
}

fn contradictions(items: &[Audited], keys: &[String]) -> (usize, Vec<Contradiction>) {
    // Under one schema only: the same text has another gold under another.
    let mut by_text: BTreeMap<(&str, Option<&str>), Vec<&Audited>> = BTreeMap::new();
    for (item, key) in items.iter().zip(keys) {
        by_text.entry((key, item.schema_id.as_deref())).or_default().push(item);
    }
    let (mut count, mut examples) = (0, Vec::new());
    for items in by_text.values() {
        let mut golds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for item in items {
            golds.entry(item.gold.clone()).or_default().push(item.id.clone());
        }
        if golds.len() > 1 {
            count += items.len();
            if examples.len() < MOST_EXAMPLES {
                examples.push(Contradiction { text: items[0].text.clone(), golds });
            }
        }
    }
    (count, examples)
}

fn golds(items: &[Audited], schemas: &SchemaSet) -> Golds {
    let mut validators = HashMap::new();
    let (mut invalid, mut without, mut examples) = (0, 0, Vec::new());
    for item in items {
        let Some(schema_id) = &item.schema_id else { continue };
        let validator =
            validators.entry(schema_id).or_insert_with(|| metrics::validator(schemas.get(schema_id).ok()?).ok());
        let Some(validator) = validator else {
            without += 1;
            continue;
        };
        let Ok(gold) = json::parse(&item.gold) else { continue };
        if let Err(e) = validator.validate(&gold.to_value()) {
            invalid += 1;
            if examples.len() < MOST_EXAMPLES {
                let reason: String = e.to_string().chars().take(200).collect();
                examples.push([item.id.clone(), reason]);
            }
        }
    }
    Golds { invalid: Share::new(invalid, items.len()), examples, without_schema: Share::new(without, items.len()) }
}

fn train_overlap(data: &DataSet, keys: &[String], train: &DataSet, schemas: Option<&SchemaSet>) -> TrainOverlap {
    let items = &data.items;
    let texts: HashSet<&str> = train.items.iter().map(|i| i.text.as_str()).collect();
    let by_key = golds_by_text(train);
    let golds: HashSet<&str> = train.items.iter().map(|i| i.gold.as_str()).collect();
    let item_grams: Vec<HashSet<u64>> = items.iter().map(|i| grams(&i.text, GRAM)).collect();
    let wanted: HashSet<u64> = item_grams.iter().flatten().copied().collect();
    let common: HashSet<u64> =
        train.items.iter().flat_map(|i| grams(&i.text, GRAM)).filter(|g| wanted.contains(g)).collect();
    let train_values = values(&train.items, schemas);
    let (mut distinct, mut with_values, mut all_seen) = (HashSet::new(), 0, 0);
    for item in items {
        let own = item.values(schemas);
        with_values += usize::from(!own.is_empty());
        all_seen += usize::from(!own.is_empty() && own.iter().all(|v| train_values.contains(v)));
        distinct.extend(own);
    }
    let schema_names =
        |set: &DataSet| set.items.iter().filter_map(|i| i.schema().map(str::to_owned)).collect::<BTreeSet<_>>();
    let (ours, theirs) = (schema_names(data), schema_names(train));
    let count = |fits: &dyn Fn(usize, &Audited) -> bool| {
        Share::new(items.iter().enumerate().filter(|(i, item)| fits(*i, item)).count(), items.len())
    };
    let same_structure = schemas.filter(|_| data.has_schemas()).map(|schemas| {
        let known: HashSet<String> = theirs.iter().filter_map(|id| Some(structure(schemas.get(id).ok()?))).collect();
        let same = ours.iter().filter(|id| schemas.get(id).is_ok_and(|s| known.contains(&structure(s)))).count();
        Share::new(same, ours.len())
    });
    let seen = items.iter().zip(keys).filter(|(_, key)| by_key.contains_key(key.as_str()));
    TrainOverlap {
        data: train.source.clone(),
        n: train.items.len(),
        duplicate_texts: count(&|_, item| texts.contains(item.text.as_str())),
        normalized_duplicates: count(&|i, _| by_key.contains_key(keys[i].as_str())),
        contradictions: count(&|i, item| by_key.get(keys[i].as_str()).is_some_and(|g| !g.contains(&item.gold))),
        items_sharing_13_words: count(&|i, _| item_grams[i].iter().any(|g| common.contains(g))),
        shared_13_word_runs: Share::new(common.len(), wanted.len()),
        duplicate_golds: count(&|_, item| golds.contains(item.gold.as_str())),
        shared_values: Share::new(distinct.intersection(&train_values).count(), distinct.len()),
        items_with_all_values_seen: Share::new(all_seen, with_values),
        items_with_seen_schema: count(&|_, item| item.schema().is_some_and(|s| theirs.contains(s))),
        shared_schemas: Share::new(ours.intersection(&theirs).count(), ours.len()),
        schemas_of_same_structure: same_structure,
        examples: seen.take(MOST_EXAMPLES).map(|(item, _)| item.id.clone()).collect(),
    }
}

/// Golds of every normalized text, the first first.
fn golds_by_text(set: &DataSet) -> HashMap<String, Vec<String>> {
    let mut by_text: HashMap<String, Vec<String>> = HashMap::new();
    for item in &set.items {
        by_text.entry(normalized(&item.text)).or_default().push(item.gold.clone());
    }
    by_text
}

fn values(items: &[Audited], schemas: Option<&SchemaSet>) -> HashSet<String> {
    items.iter().flat_map(|item| item.values(schemas)).collect()
}

/// A schema without what only explains it, keys in order.
fn structure(schema: &Value) -> String {
    const EXPLAINING: [&str; 7] = ["$schema", "$id", "$comment", "title", "description", "examples", "default"];
    fn walk(value: &Value, names: bool) -> Value {
        match value {
            // Members of `properties` are names, whatever they are called.
            Value::Object(members) => {
                let kept = members.iter().filter(|(k, _)| names || !EXPLAINING.contains(&k.as_str()));
                let sorted: BTreeMap<&String, Value> = kept
                    .map(|(k, v)| (k, walk(v, !names && matches!(k.as_str(), "properties" | "$defs" | "definitions"))))
                    .collect();
                Value::Object(sorted.into_iter().map(|(k, v)| (k.clone(), v)).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|v| walk(v, false)).collect()),
            other => other.clone(),
        }
    }
    walk(schema, false).to_string()
}

fn rules(
    data: &DataSet,
    keys: &[String],
    train: Option<&DataSet>,
    schemas: Option<&SchemaSet>,
    keywords: Option<&Keywords>,
) -> BTreeMap<&'static str, Rule> {
    let mut rules = BTreeMap::new();
    let mut add = |name, words, right: &dyn Fn(usize, &Audited) -> bool| {
        let right: Vec<bool> = data.items.iter().enumerate().map(|(i, item)| right(i, item)).collect();
        let estimate = |level: Option<&str>| {
            let of = data
                .items
                .iter()
                .zip(&right)
                .filter(|(item, _)| level.is_none_or(|l| item.level.as_deref() == Some(l)));
            let of: Vec<bool> = of.map(|(_, right)| *right).collect();
            Estimate::proportion(of.iter().filter(|r| **r).count(), of.len())
        };
        let levels: BTreeSet<&str> = data.items.iter().filter_map(|item| item.level.as_deref()).collect();
        let by_level = levels.into_iter().map(|level| (level.to_owned(), estimate(Some(level)))).collect();
        rules.insert(name, Rule { words, exact: estimate(None), by_level });
    };
    if let Some(schemas) = schemas.filter(|_| data.has_schemas()) {
        let right = |_: usize, item: &Audited| {
            let schema = item.schema_id.as_ref().and_then(|id| schemas.get(id).ok());
            schema.is_some_and(|schema| {
                json::parse(&item.gold).is_ok_and(|gold| floors::rule(&item.text, schema) == gold)
            })
        };
        add(
            "copy",
            "finds title-cased keys as \"Key: value\" with the schema in hand and copies the values (the floor `rule`)",
            &right,
        );
    }
    if !data.has_schemas() {
        let labels: BTreeSet<&str> =
            data.items.iter().chain(train.iter().flat_map(|t| &t.items)).map(|i| i.gold.as_str()).collect();
        let labels: Vec<(&str, Vec<String>)> =
            labels.into_iter().map(|label| (label, words(&normalized(label)))).collect();
        let says = |i: usize, item: &Audited| {
            let text: HashSet<String> = words(&keys[i]).into_iter().collect();
            let said = labels.iter().filter(|(_, words)| !words.is_empty() && words.iter().all(|w| text.contains(w)));
            // The most words; the first by name among equals.
            let best = said.fold(None, |best: Option<&(&str, Vec<String>)>, label| match best {
                Some(best) if best.1.len() >= label.1.len() => Some(best),
                _ => Some(label),
            });
            best.is_some_and(|(label, _)| *label == item.gold)
        };
        add("copy", "answers with the label all of whose words the text has, the one of most words, or none", &says);
    }
    if let Some(keywords) = keywords {
        let answered = |item: &Audited| json::parse(&keywords.answer(item));
        let right = |_: usize, item: &Audited| {
            json::parse(&item.gold).is_ok_and(|gold| answered(item).is_ok_and(|answer| answer == gold))
        };
        add(
            "keywords",
            "answers each field with the value whose surest cue, a run of one to three words learned from training, the text has",
            &right,
        );
    }
    if let Some(train) = train {
        let by_text = golds_by_text(train);
        let looked_up =
            |i: usize, item: &Audited| by_text.get(keys[i].as_str()).is_some_and(|golds| golds[0] == item.gold);
        add(
            "look_up",
            "answers with the gold of the first training text that is the same but for case, punctuation and spaces",
            &looked_up,
        );
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        train.items.iter().for_each(|item| *counts.entry(item.gold.as_str()).or_default() += 1);
        let most = counts.iter().fold(None, |most: Option<(&str, usize)>, (gold, n)| match most {
            Some((_, m)) if m >= *n => most,
            _ => Some((gold, *n)),
        });
        add("majority", "answers with the most frequent gold of training", &|_, item| {
            most.is_some_and(|(gold, _)| gold == item.gold)
        });
    }
    rules
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}
