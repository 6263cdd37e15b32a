//! Which words state a value, and does every text state what its gold says?
//!
//! A run of one to three words is a cue for a value of a field when, in training, the texts that have it have that value far more often
//! than texts in general. Cues make a rule, and a text without even a weak cue for a value of its gold most likely does not
//! state it: people leave out what they were told to say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bantam_data::edge_json::Share;
use serde::Serialize;
use serde_json::Value;

use super::{Audited, normalized};

/// Longest cue in words.
const LONGEST: usize = 3;
/// Training texts that a value and a cue have at least.
const LEAST: usize = 5;
/// How much of the way from a value's share of all texts to certainty a cue goes at least: to answer by it,
const TO_ANSWER: f64 = 0.9;
/// and to count as a statement.
const TO_STATE: f64 = 0.5;

/// Values of golds that their texts do not state.
#[derive(Clone, Debug, Serialize)]
pub struct Unstated {
    /// Items with such a value, of those with a value that training has five times.
    pub items: Share,
    /// The same by field, of the items that have such a value there.
    pub by_field: BTreeMap<String, Share>,
    /// Ids of such items with the field, some of them.
    pub examples: Vec<[String; 2]>,
}

/// A field's value under a schema.
type Pair = (String, String, String);

/// The cues of training texts.
pub(super) struct Keywords {
    pairs: Vec<Pair>,
    by_pair: HashMap<Pair, usize>,
    /// Cue to the pairs it speaks for, each with how far it goes.
    cues: HashMap<String, Vec<(usize, f64)>>,
}

impl Keywords {
    /// Learns from items whose golds are objects; values are the strings, numbers and booleans in them.
    pub(super) fn learn(train: &[Audited]) -> Self {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut by_pair: HashMap<Pair, usize> = HashMap::new();
        let mut said: Vec<usize> = Vec::new();
        let mut texts: HashMap<&str, usize> = HashMap::new();
        let mut runs_of: HashMap<String, (usize, HashMap<usize, usize>)> = HashMap::new();
        for item in train {
            *texts.entry(item.schema().unwrap_or_default()).or_default() += 1;
            let own: Vec<usize> = pairs_of(item)
                .into_iter()
                .map(|pair| {
                    let at = *by_pair.entry(pair.clone()).or_insert(pairs.len());
                    if at == pairs.len() {
                        pairs.push(pair);
                        said.push(0);
                    }
                    said[at] += 1;
                    at
                })
                .collect();
            for run in runs(&item.text) {
                let (count, with) = runs_of.entry(run).or_default();
                *count += 1;
                own.iter().for_each(|at| *with.entry(*at).or_default() += 1);
            }
        }
        let mut cues = HashMap::new();
        for (run, (count, with)) in runs_of {
            if count < LEAST {
                continue;
            }
            let speaks = |(at, n): (usize, usize)| {
                let of_all = said[at] as f64 / texts[pairs[at].0.as_str()] as f64;
                let gained = (n as f64 / count as f64 - of_all) / (1.0 - of_all).max(f64::EPSILON);
                (said[at] >= LEAST && gained >= TO_STATE).then_some((at, gained))
            };
            let mut found: Vec<(usize, f64)> = with.into_iter().filter_map(speaks).collect();
            found.sort_by_key(|(at, _)| *at);
            if !found.is_empty() {
                cues.insert(run, found);
            }
        }
        by_pair.retain(|_, at| said[*at] >= LEAST);
        Self { pairs, by_pair, cues }
    }

    /// The answer by cues: of each field the value with the surest one, no field without. As a gold is written.
    pub(super) fn answer(&self, item: &Audited) -> String {
        let mut best: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
        for (at, gained) in runs(&item.text).iter().filter_map(|run| self.cues.get(run)).flatten() {
            let (schema, field, value) = &self.pairs[*at];
            let known = best.get(field.as_str()).is_some_and(|(g, v)| (*g, *v) >= (*gained, value.as_str()));
            if item.schema() == Some(schema) && *gained >= TO_ANSWER && !known {
                best.insert(field, (*gained, value));
            }
        }
        let fields = best.into_iter().map(|(field, (_, value))| format!("{}:{value}", Value::from(field)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    /// What the texts of `items` do not state.
    pub(super) fn unstated(&self, items: &[Audited]) -> Unstated {
        let (mut judged, mut lacking, mut examples) = (0, 0, Vec::new());
        let mut by_field: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for item in items {
            let text = format!(" {} ", normalized(&item.text));
            let stated: BTreeSet<usize> =
                runs(&item.text).iter().filter_map(|run| self.cues.get(run)).flatten().map(|(at, _)| *at).collect();
            let known: Vec<(Pair, usize)> =
                pairs_of(item).into_iter().filter_map(|pair| Some((pair.clone(), *self.by_pair.get(&pair)?))).collect();
            let mut all = true;
            for ((_, field, value), at) in &known {
                let spelled = text.contains(&format!(" {} ", normalized(value)));
                let lacks = !spelled && !stated.contains(at);
                let (of, without) = by_field.entry(field.clone()).or_default();
                *of += 1;
                *without += usize::from(lacks);
                if lacks && all && examples.len() < super::MOST_EXAMPLES {
                    examples.push([item.id.clone(), field.clone()]);
                }
                all &= !lacks;
            }
            judged += usize::from(!known.is_empty());
            lacking += usize::from(!all);
        }
        let by_field = by_field.into_iter().map(|(field, (of, without))| (field, Share::new(without, of))).collect();
        Unstated { items: Share::new(lacking, judged), by_field, examples }
    }
}

/// The values of a gold that is an object, each under its field.
fn pairs_of(item: &Audited) -> Vec<Pair> {
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(&item.gold) else { return Vec::new() };
    let schema = item.schema().unwrap_or_default();
    let scalar = |v: &Value| v.is_string() || v.is_number() || v.is_boolean();
    let fields = members.into_iter().filter(|(_, value)| scalar(value));
    fields.map(|(field, value)| (schema.to_owned(), field, value.to_string())).collect()
}

/// Runs of words, each once.
fn runs(text: &str) -> BTreeSet<String> {
    let text = normalized(text);
    let words: Vec<&str> = text.split(' ').filter(|w| !w.is_empty()).collect();
    (1..=LONGEST).flat_map(|n| words.windows(n).map(|run| run.join(" "))).collect()
}
