//! Which ten items are shown, and where an answer differs from its gold.

use std::collections::BTreeSet;

use bantam_eval::json::{self, Json};
use bantam_eval::metrics::leaves;
use bantam_eval::result::Sample;

/// Items shown of each kind.
const OF_EACH: usize = 5;

/// Five exact items and five wrong ones (more of one kind where the other has fewer), as places in `samples`.
///
/// The samples alone fix the choice, so that neither luck nor taste picks: the wrong ones in even strides from the lowest
/// to the highest FieldF1, and of each kind always an item whose level and style have been shown least, then by id.
pub fn choose(samples: &[Sample]) -> (Vec<usize>, Vec<usize>) {
    let by_id = |a: &usize, b: &usize| samples[*a].id.cmp(&samples[*b].id);
    let mut right: Vec<usize> = (0..samples.len()).filter(|&i| samples[i].exact).collect();
    let mut wrong: Vec<usize> = (0..samples.len()).filter(|&i| !samples[i].exact).collect();
    right.sort_by(by_id);
    wrong.sort_by(|a, b| samples[*a].f1.total_cmp(&samples[*b].f1).then_with(|| by_id(a, b)));
    let want_wrong = (2 * OF_EACH - right.len().min(OF_EACH)).min(wrong.len());
    let want_right = (2 * OF_EACH - want_wrong).min(right.len());
    let strides = (0..want_wrong).map(|k| &wrong[k * wrong.len() / want_wrong..(k + 1) * wrong.len() / want_wrong]);
    let mut bad = Vec::new();
    for stride in strides {
        bad.extend(least_shown(samples, stride, &bad));
    }
    let mut good = Vec::new();
    for _ in 0..want_right {
        good.extend(least_shown(samples, &right, &good));
    }
    (good, bad)
}

/// The first candidate, not yet chosen, whose level and style are rarest among the chosen.
fn least_shown(samples: &[Sample], candidates: &[usize], chosen: &[usize]) -> Option<usize> {
    let shown = |same: &dyn Fn(&Sample) -> bool| chosen.iter().filter(|&&c| same(&samples[c])).count();
    let rarity = |&i: &usize| {
        let s = &samples[i];
        (shown(&|c| c.level == s.level), shown(&|c| c.style == s.style), shown(&|c| c.schema_id == s.schema_id))
    };
    candidates.iter().copied().filter(|i| !chosen.contains(i)).min_by_key(rarity)
}

/// What became of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In both, with different values.
    Wrong,
    /// In the gold alone.
    Missing,
    /// In the answer alone.
    Extra,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// JSON pointer.
    pub pointer: String,
    /// What became of it.
    pub fate: Fate,
    /// The gold's value, as JSON.
    pub gold: Option<String>,
    /// The answer's value, as JSON.
    pub answer: Option<String>,
}

/// Leaves the answer has right, leaves of the gold, and those that differ. `None` if there is no answer.
pub fn difference(sample: &Sample) -> Option<(usize, usize, Vec<FieldDifference>)> {
    let gold = json::parse(sample.gold.get()).ok()?;
    let answer = json::parse(sample.answer.as_ref()?.get()).ok()?;
    let (gold, answer) = (leaves(&gold), leaves(&answer));
    let mut differing = Vec::new();
    let pointers: BTreeSet<&String> = gold.keys().chain(answer.keys()).collect();
    for pointer in pointers {
        let (g, a): (Option<&&Json>, Option<&&Json>) = (gold.get(pointer), answer.get(pointer));
        let fate = match (g, a) {
            (Some(g), Some(a)) if g == a => continue,
            (Some(_), Some(_)) => Fate::Wrong,
            (Some(_), None) => Fate::Missing,
            _ => Fate::Extra,
        };
        let written = |v: Option<&&Json>| v.map(ToString::to_string);
        differing.push(FieldDifference { pointer: pointer.clone(), fate, gold: written(g), answer: written(a) });
    }
    let right = gold.len() - differing.iter().filter(|d| d.fate != Fate::Extra).count();
    Some((right, gold.len(), differing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn sample(id: usize, exact: bool, f1: f64, gold: &str, answer: Option<&str>) -> Sample {
        let raw = |t: &str| RawValue::from_string(t.to_owned()).unwrap();
        Sample {
            id: format!("{id:04}"),
            schema_id: "s".into(),
            level: ["simple", "medium", "complex"][id % 3].into(),
            style: ["prose", "email"][id % 2].into(),
            schema_seen: "seen".into(),
            template_seen: "seen".into(),
            prompt: "p".into(),
            output: answer.map(str::to_owned),
            answer: answer.map(raw),
            gold: raw(gold),
            exact,
            f1,
            compliant: true,
            error: None,
            finish_reason: None,
            floors: Default::default(),
        }
    }

    #[test]
    fn ten_items_good_and_bad() {
        let samples: Vec<Sample> = (0..100)
            .map(|i| sample(i, i % 3 == 0, if i % 3 == 0 { 1.0 } else { i as f64 / 100.0 }, "{}", None))
            .collect();
        let (good, bad) = choose(&samples);
        assert_eq!((good.len(), bad.len()), (5, 5));
        assert!(good.iter().all(|&i| samples[i].exact) && bad.iter().all(|&i| !samples[i].exact));
        let spread: Vec<f64> = bad.iter().map(|&i| samples[i].f1).collect();
        assert!(spread[0] < 0.2 && spread[4] > 0.7, "{spread:?}");
        for level in ["medium", "complex"] {
            assert!(bad.iter().filter(|&&i| samples[i].level == level).count() >= 2, "{level}");
        }
        assert_eq!(choose(&samples), (good, bad));
        let (good, bad) = choose(&samples[..7]);
        assert_eq!((good.len(), bad.len()), (3, 4));
        let all_wrong: Vec<Sample> = (0..30).map(|i| sample(i, false, 0.0, "{}", None)).collect();
        assert_eq!(choose(&all_wrong).1.len(), 10);
        assert_eq!(choose(&[]), (vec![], vec![]));
    }

    #[test]
    fn the_difference_names_fields() {
        let s = sample(
            0,
            false,
            0.5,
            "{\"a\":1,\"b\":{\"c\":\"x\"},\"d\":[]}",
            Some("{\"a\":1.0,\"b\":{\"c\":\"y\"},\"e\":true}"),
        );
        let (right, of, differing) = difference(&s).unwrap();
        assert_eq!((right, of), (1, 3));
        let brief: Vec<(&str, Fate)> = differing.iter().map(|d| (d.pointer.as_str(), d.fate)).collect();
        assert_eq!(brief, [("/b/c", Fate::Wrong), ("/d", Fate::Missing), ("/e", Fate::Extra)]);
        assert_eq!(differing[0].answer.as_deref(), Some("\"y\""));
        assert!(difference(&sample(0, false, 0.0, "{}", None)).is_none());
    }
}
