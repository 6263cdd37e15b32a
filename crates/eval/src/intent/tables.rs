//! What does an intent result hold: scores with intervals, by group, confusions and suspected labels?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::intervals::{Score, bootstrap};
use super::label_errors;
use super::metrics::{Confusion, Tally, confusions};
use super::probabilities::{Calibration, Roc, among_first, brier, most_probable};
use crate::statistics::{Difference, Estimate, paired_difference};

/// Confusions and suspected labels that a result lists; the samples hold every item.
const LISTED: usize = 50;

/// The scores of a group of items. What is not defined for them (no probabilities, no item out of scope) is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentTable {
    /// Right labels over all items, out of scope included.
    pub accuracy: Estimate,
    /// Right labels over the items with an intent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub in_scope_accuracy: Option<Estimate>,
    /// Right label and every slot right, where the taxonomy has slots.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exact: Option<Estimate>,
    /// Mean F1 of the labels that an item has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub macro_f1: Option<Estimate>,
    /// Right label among the three most probable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top3: Option<Estimate>,
    /// Outputs that are no label, over all items.
    pub invalid_rate: Estimate,
    /// Items out of scope that were said to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oos_recall: Option<Estimate>,
    /// Out of scope over what was said to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oos_precision: Option<Estimate>,
    /// AUROC of out of scope, by the probability of its label.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oos_auroc: Option<Estimate>,
    /// AUROC of out of scope, by one minus the highest probability of an intent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oos_auroc_max: Option<Estimate>,
    /// Expected calibration error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ece: Option<Estimate>,
    /// Brier score, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub brier: Option<Estimate>,
}

/// A label that looks wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectedLabel {
    /// The item.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Its label.
    pub intent: String,
    /// What it looks like.
    pub looks_like: String,
    /// Probability of its label minus the highest of the others.
    pub margin: f64,
}

/// Labels that confident learning suspects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectedLabels {
    /// How many.
    pub count: usize,
    /// The most suspicious ones.
    pub first: Vec<SuspectedLabel>,
}

/// All scores of one set of predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentTables {
    /// All items.
    pub overall: IntentTable,
    /// By the intents' domain, where the taxonomy has domains.
    pub by_domain: BTreeMap<String, IntentTable>,
    /// By kind of text (`clean`, `typos`, `heard`, `near`, `far`), where items say it.
    pub by_kind: BTreeMap<String, IntentTable>,
    /// By whether training may have the item's template: `seen`, `unseen`, where items say it.
    pub by_template_seen: BTreeMap<String, IntentTable>,
    /// The most frequent confusions.
    pub confusions: Vec<Confusion>,
    /// Suspected label errors of the data, by these probabilities.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label_errors: Option<SuspectedLabels>,
}

/// Differences to a floor on the same items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentComparison {
    /// In accuracy.
    pub accuracy: Difference,
    /// In exactness, where the taxonomy has slots.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exact: Option<Difference>,
}

/// A prediction for an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The label; none if the output is no label.
    pub label: Option<usize>,
    /// Whether label and slots are right.
    pub exact: bool,
    /// A probability for each label.
    pub probabilities: Option<Vec<f64>>,
}

/// What there is to know of the items.
pub(super) struct Facts {
    /// Names of the labels.
    pub labels: Vec<String>,
    /// The out-of-scope label.
    pub out_of_scope: Option<usize>,
    /// Whether slots count.
    pub slots: bool,
    /// Right label of each item.
    pub gold: Vec<usize>,
    /// Id and text of each.
    pub items: Vec<(String, String)>,
    /// Which items succeed and fail together.
    pub clusters: Vec<usize>,
    /// Group of each item, by `domain`, `kind`, `template_seen`.
    pub groups: [Vec<Option<String>>; 3],
}

/// All tables of a set of predictions.
pub(super) fn tables(facts: &Facts, judged: &[Judged]) -> IntentTables {
    let by = |names: &[Option<String>]| {
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, name) in names.iter().enumerate() {
            name.iter().for_each(|name| members.entry(name).or_default().push(i));
        }
        members.into_iter().map(|(name, items)| (name.to_owned(), table(facts, judged, &items, false))).collect()
    };
    let predicted: Vec<Option<usize>> = judged.iter().map(|j| j.label).collect();
    let mut confusions = confusions(&facts.labels, &facts.gold, &predicted);
    confusions.truncate(LISTED);
    let all: Vec<usize> = (0..judged.len()).collect();
    IntentTables {
        overall: table(facts, judged, &all, true),
        by_domain: by(&facts.groups[0]),
        by_kind: by(&facts.groups[1]),
        by_template_seen: by(&facts.groups[2]),
        confusions,
        label_errors: suspected(facts, judged),
    }
}

fn suspected(facts: &Facts, judged: &[Judged]) -> Option<SuspectedLabels> {
    let probabilities: Vec<Vec<f64>> = judged.iter().map(|j| j.probabilities.clone()).collect::<Option<_>>()?;
    let found = label_errors::find(facts.labels.len(), &facts.gold, &probabilities).suspected;
    let told = |s: &label_errors::Suspect| SuspectedLabel {
        id: facts.items[s.item].0.clone(),
        text: facts.items[s.item].1.clone(),
        intent: facts.labels[facts.gold[s.item]].clone(),
        looks_like: facts.labels[s.looks_like].clone(),
        margin: s.margin,
    };
    Some(SuspectedLabels { count: found.len(), first: found.iter().take(LISTED).map(told).collect() })
}

/// The scores of `items`; those that need resampling only if `resampled`.
fn table(facts: &Facts, judged: &[Judged], items: &[usize], resampled: bool) -> IntentTable {
    let gold: Vec<usize> = items.iter().map(|&i| facts.gold[i]).collect();
    let predicted: Vec<Option<usize>> = items.iter().map(|&i| judged[i].label).collect();
    let right = |i: &usize| judged[*i].label == Some(facts.gold[*i]);
    let outside = |i: &&usize| Some(facts.gold[**i]) == facts.out_of_scope;
    let refused = |i: &&usize| facts.out_of_scope.is_some() && judged[**i].label == facts.out_of_scope;
    let share = |among: &dyn Fn(&&usize) -> bool, fits: &dyn Fn(&usize) -> bool| {
        let among: Vec<&usize> = items.iter().filter(among).collect();
        let successes = among.iter().filter(|i| fits(i)).count();
        (!among.is_empty()).then(|| Estimate::proportion(successes, among.len()))
    };
    let proportion =
        |fits: &dyn Fn(&usize) -> bool| Estimate::proportion(items.iter().filter(|i| fits(i)).count(), items.len());
    let probabilities: Option<Vec<&Vec<f64>>> = items
        .iter()
        .map(|&i| judged[i].probabilities.as_ref())
        .collect::<Option<_>>()
        .filter(|p: &Vec<_>| !p.is_empty());
    let mut table = IntentTable {
        accuracy: proportion(&right),
        in_scope_accuracy: share(&|i| !outside(i), &right),
        exact: facts.slots.then(|| proportion(&|i| judged[*i].exact)),
        macro_f1: None,
        top3: probabilities.as_ref().map(|_| {
            proportion(&|i| judged[*i].probabilities.as_ref().is_some_and(|p| among_first(p, facts.gold[*i], 3)))
        }),
        invalid_rate: proportion(&|i| judged[*i].label.is_none()),
        oos_recall: share(&outside, &right),
        oos_precision: share(&refused, &right),
        oos_auroc: None,
        oos_auroc_max: None,
        ece: None,
        brier: None,
    };
    if !resampled {
        return table;
    }
    let macro_f1 = |w: &dyn Fn(usize) -> f64| Some(Tally::new(facts.labels.len(), &gold, &predicted, w).macro_f1());
    let [macro_f1] = resample(items.len(), [&macro_f1]);
    table.macro_f1 = macro_f1;
    let Some(probabilities) = probabilities else { return table };
    let highest = |p: &[f64]| most_probable(p).map_or((0.0, None), |best| (p[best], Some(best)));
    let confident = probabilities.iter().zip(&gold).map(|(p, &label)| {
        let (confidence, best) = highest(p);
        (confidence, best == Some(label))
    });
    let calibration = Calibration::new(confident);
    let briers: Vec<f64> = probabilities.iter().zip(&gold).map(|(p, &label)| brier(p, label)).collect();
    let roc = |score: &dyn Fn(&[f64], usize) -> f64| {
        let outside = facts.out_of_scope?;
        Some(Roc::new(probabilities.iter().zip(&gold).map(|(p, &label)| (score(p, outside), label == outside))))
    };
    let by_label = roc(&|p, outside| p[outside]);
    let of_intents = |p: &[f64], outside: usize| {
        p.iter().enumerate().filter(|(l, _)| *l != outside).map(|(_, p)| *p).fold(0.0, f64::max)
    };
    let by_highest = roc(&|p, outside| 1.0 - of_intents(p, outside));
    let ece = |w: &dyn Fn(usize) -> f64| Some(calibration.error(w));
    let brier = |w: &dyn Fn(usize) -> f64| {
        let (sum, n) = briers.iter().enumerate().fold((0.0, 0.0), |(s, n), (i, b)| (s + w(i) * b, n + w(i)));
        (n > 0.0).then(|| sum / n)
    };
    let area = |w: &dyn Fn(usize) -> f64| by_label.as_ref()?.area(w);
    let area_max = |w: &dyn Fn(usize) -> f64| by_highest.as_ref()?.area(w);
    [table.ece, table.brier, table.oos_auroc, table.oos_auroc_max] =
        resample(items.len(), [&ece, &brier, &area, &area_max]);
    table
}

fn resample<const N: usize>(n: usize, scores: [Score<'_>; N]) -> [Option<Estimate>; N] {
    let found = bootstrap(n, &scores);
    std::array::from_fn(|i| found.get(i).copied().flatten())
}

/// First minus second, item by item.
pub(super) fn compare(facts: &Facts, first: &[Judged], second: &[Judged]) -> IntentComparison {
    let difference = |of: &dyn Fn(usize, &Judged) -> bool| {
        let column =
            |judged: &[Judged]| judged.iter().enumerate().map(|(i, j)| f64::from(of(i, j))).collect::<Vec<_>>();
        paired_difference(&column(first), &column(second), &facts.clusters)
    };
    IntentComparison {
        accuracy: difference(&|i, j| j.label == Some(facts.gold[i])),
        exact: facts.slots.then(|| difference(&|_, j| j.exact)),
    }
}
