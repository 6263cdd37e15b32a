//! Which of given items are kept out of training to validate on? A draw by seed, and whatever says the same as one drawn.

use std::collections::HashSet;

use bantam_core::{Error, Result, seed};
use rand::seq::SliceRandom as _;

use crate::item::Item;

/// Items to train on, and items to validate on.
#[derive(Debug)]
pub struct Parts {
    /// In the file's order, without the texts of `validation`.
    pub train: Vec<Item>,
    /// The items drawn, in the file's order.
    pub validation: Vec<Item>,
}

/// Draws `validation` of `items` by `seed`; `place` names them in errors. No text is in both parts.
///
/// # Errors
/// An input error when nothing would be left to train on.
pub fn hold_out(place: &str, items: Vec<Item>, validation: usize, seed: u64) -> Result<Parts> {
    if validation >= items.len() {
        let what = format!("{validation} of {} items held out leave none to train on", items.len());
        return Err(Error::input(place, what, "hold out fewer"));
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.shuffle(&mut seed::rng(seed, "holdout"));
    let drawn: HashSet<usize> = order.into_iter().take(validation).collect();
    let told: HashSet<String> = drawn.iter().map(|i| normalized(&items[*i].prompt)).collect();
    let mut parts = Parts { train: Vec::new(), validation: Vec::new() };
    for (i, item) in items.into_iter().enumerate() {
        if drawn.contains(&i) {
            parts.validation.push(item);
        } else if !told.contains(&normalized(&item.prompt)) {
            parts.train.push(item);
        }
    }
    Ok(parts)
}

/// A text without case and spacing: what differs in these alone is the same text.
pub(crate) fn normalized(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item;

    #[test]
    fn parts_are_apart_and_repeat() {
        let line =
            |i: usize| format!(r#"{{"id":"{i}","schema_id":"s","prompt":"Text {}","expected_output":{{}}}}"#, i % 50);
        let lines: Vec<String> = (0..100).map(line).collect();
        let items = item::parse_jsonl("f", lines.join("\n").as_bytes()).unwrap();
        let ids = |items: &[Item]| items.iter().map(|i| i.id.clone()).collect::<Vec<_>>();
        let parts = hold_out("f", items.clone(), 20, 7).unwrap();
        assert_eq!(parts.validation.len(), 20);
        let told: HashSet<&str> = parts.validation.iter().map(|i| i.prompt.as_str()).collect();
        assert!(parts.train.iter().all(|i| !told.contains(i.prompt.as_str())));
        assert!(parts.train.len() < 80, "items with a text held out must go");
        assert_eq!(ids(&hold_out("f", items.clone(), 20, 7).unwrap().validation), ids(&parts.validation));
        assert_ne!(ids(&hold_out("f", items.clone(), 20, 8).unwrap().validation), ids(&parts.validation));
        assert_eq!(hold_out("f", items, 100, 7).unwrap_err().exit_code(), 2);
    }
}
