//! How is a validation part drawn from texts that come without one?

use std::collections::{BTreeMap, HashMap, HashSet};

use bantam_core::seed;
use rand::seq::SliceRandom;

use super::IntentItem;

/// Draws `per_intent` items of every intent by `seed`, of those whose text no other item has; never more than half of an
/// intent. Returns (the rest, the drawn), both in their old order. An intent's draw does not depend on the other intents.
pub fn hold_out(items: Vec<IntentItem>, per_intent: usize, seed: u64) -> (Vec<IntentItem>, Vec<IntentItem>) {
    let mut said: HashMap<String, usize> = HashMap::new();
    let plain = |item: &IntentItem| item.text.trim().to_lowercase();
    for item in &items {
        *said.entry(plain(item)).or_default() += 1;
    }
    let mut of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        *sizes.entry(&item.intent).or_default() += 1;
        if said.get(&plain(item)) == Some(&1) {
            of.entry(&item.intent).or_default().push(i);
        }
    }
    let mut drawn = HashSet::new();
    for (intent, mut candidates) in of {
        candidates.shuffle(&mut seed::rng(seed, &format!("intents/valid/{intent}")));
        let most = per_intent.min(sizes.get(intent).copied().unwrap_or(0) / 2);
        drawn.extend(candidates.into_iter().take(most));
    }
    let (mut rest, mut held_out) = (Vec::new(), Vec::new());
    for (i, item) in items.into_iter().enumerate() {
        if drawn.contains(&i) { &mut held_out } else { &mut rest }.push(item);
    }
    (rest, held_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(i: usize, intent: &str, text: &str) -> IntentItem {
        IntentItem {
            id: i.to_string(),
            text: text.to_owned(),
            intent: intent.to_owned(),
            slots: Default::default(),
            out_of_scope: false,
            template: None,
            split: None,
            kind: None,
        }
    }

    #[test]
    fn every_intent_gives_its_part_and_no_text_is_on_both_sides() {
        let mut items: Vec<_> = (0..60).map(|i| item(i, ["a", "b", "c"][i % 3], &format!("text {i}"))).collect();
        items.push(item(60, "a", "Text 3"));
        items.push(item(61, "d", "lonely"));
        let (rest, valid) = hold_out(items.clone(), 5, 7);
        assert_eq!((rest.len(), valid.len()), (47, 15));
        for intent in ["a", "b", "c"] {
            assert_eq!(valid.iter().filter(|i| i.intent == intent).count(), 5);
        }
        assert!(valid.iter().all(|v| rest.iter().all(|r| !r.text.eq_ignore_ascii_case(&v.text))));
        assert_eq!(hold_out(items.clone(), 5, 7).1, valid);
        assert_ne!(hold_out(items.clone(), 5, 8).1, valid);
        // Never more than half.
        assert_eq!(hold_out(items, 100, 7).1.iter().filter(|i| i.intent == "b").count(), 10);
    }
}
