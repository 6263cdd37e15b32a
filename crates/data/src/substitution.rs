//! How does one annotated text become many? Values that stand in the text are replaced, in text and gold alike, by other
//! values of the same field.
//!
//! Which words are a value is then told by the words around them, and copying is all that gets a value right: what a
//! small model has to learn, and what a few thousand texts alone don't teach it.

use std::collections::{BTreeMap, BTreeSet};

use bantam_core::seed;
use bantam_core::{Error, Result};
use rand::RngExt as _;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::Item;

/// How likely each value of a text is replaced.
const REPLACED: f64 = 0.7;
/// How likely a replacement is put together from two values of the field, so that no list of values can be learned.
const SPLICED: f64 = 0.2;
/// How often other values are drawn when the text would say one of them twice.
const ATTEMPTS: usize = 8;

/// `copies` variants of each item, after all items themselves; the variant of an item from which nothing can be replaced
/// is left out, and so is one that says what another or one of `held_out` says. The same seed gives the same items.
///
/// A string of the gold is replaced if it stands in the text exactly once, on word borders, apart from the other values.
///
/// # Errors
/// Internal, if a changed gold cannot be written.
pub fn with_substitutions(items: &[Item], held_out: &[Item], copies: usize, seed: u64) -> Result<Vec<Item>> {
    let drafts: Vec<Option<Draft>> = items.iter().map(Draft::of).collect();
    let mut pools: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (item, draft) in items.iter().zip(&drafts) {
        for span in draft.iter().flat_map(|d| &d.spans) {
            pools.entry((&item.schema_id, &span.field)).or_default().insert(&span.value);
        }
    }
    let pools: BTreeMap<_, Vec<&str>> = pools.into_iter().map(|(k, v)| (k, v.into_iter().collect())).collect();
    let mut said: BTreeSet<String> = items.iter().chain(held_out).map(|i| i.prompt.clone()).collect();
    let mut all = items.to_vec();
    for copy in 1..=copies {
        for (item, draft) in items.iter().zip(&drafts) {
            let Some(draft) = draft.as_ref().filter(|d| !d.spans.is_empty()) else { continue };
            let mut rng = seed::rng(seed, &format!("substitution/{}/{copy}", item.id));
            let drawn = (0..ATTEMPTS).find_map(|_| draft.draw(item, &pools, &mut rng));
            let Some((prompt, gold)) = drawn.filter(|(prompt, _)| said.insert(prompt.clone())) else { continue };
            let expected_output = RawValue::from_string(gold.to_string())
                .map_err(|e| Error::internal(format_args!("gold of {}", item.id), e))?;
            all.push(Item { id: format!("{}_s{copy}", item.id), prompt, expected_output, ..item.clone() });
        }
    }
    Ok(all)
}

/// A string of the gold, where it stands in the text.
struct Span {
    start: usize,
    end: usize,
    value: String,
    /// The JSON pointer in the gold.
    pointer: String,
    /// The pointer without places in arrays: values of one field can stand for one another.
    field: String,
}

/// An item whose values have been found.
struct Draft {
    gold: Value,
    /// By place in the text.
    spans: Vec<Span>,
}

impl Draft {
    fn of(item: &Item) -> Option<Self> {
        let gold: Value = serde_json::from_str(item.expected_output.get()).ok()?;
        let mut spans = Vec::new();
        find(&gold, &item.prompt, &mut String::new(), &mut String::new(), &mut spans);
        spans.sort_by_key(|s| s.start);
        let overlaps = |i: usize| {
            let apart = |a: &Span, b: &Span| a.end <= b.start;
            i > 0 && !apart(&spans[i - 1], &spans[i]) || i + 1 < spans.len() && !apart(&spans[i], &spans[i + 1])
        };
        let clear: Vec<bool> = (0..spans.len()).map(|i| !overlaps(i)).collect();
        let spans = spans.into_iter().zip(clear).filter_map(|(span, clear)| clear.then_some(span)).collect();
        Some(Self { gold, spans })
    }

    /// A variant's text and gold; `None` if nothing was replaced, or a value does not stand in the text exactly once.
    fn draw(
        &self,
        item: &Item,
        pools: &BTreeMap<(&str, &str), Vec<&str>>,
        rng: &mut seed::Rng,
    ) -> Option<(String, Value)> {
        let (mut text, mut gold, mut from) = (String::new(), self.gold.clone(), 0);
        let mut values = Vec::new();
        for span in &self.spans {
            let pool = &pools[&(item.schema_id.as_str(), span.field.as_str())];
            if pool.len() < 2 || !rng.random_bool(REPLACED) {
                continue;
            }
            let value = other_value(pool, rng);
            text.push_str(&item.prompt[from..span.start]);
            text.push_str(&value);
            from = span.end;
            *gold.pointer_mut(&span.pointer)? = Value::String(value.clone());
            values.push(value);
        }
        text.push_str(&item.prompt[from..]);
        let found_once = |value: &String| sole_place(&text, value).is_some();
        (!values.is_empty() && values.iter().all(found_once)).then_some((text, gold))
    }
}

/// A value of the pool, or the beginning of one with the end of another.
fn other_value(pool: &[&str], rng: &mut seed::Rng) -> String {
    let one = pool[rng.random_range(0..pool.len())];
    if !rng.random_bool(SPLICED) {
        return one.to_owned();
    }
    let other = pool[rng.random_range(0..pool.len())];
    match (one.split_once(' '), other.rsplit_once(' ')) {
        (Some((first, _)), Some((_, last))) => format!("{first} {last}"),
        _ => one.to_owned(),
    }
}

/// Every string of `value` that stands in `text` exactly once.
fn find(value: &Value, text: &str, pointer: &mut String, field: &mut String, spans: &mut Vec<Span>) {
    let lengths = (pointer.len(), field.len());
    let mut below = |part: &Value, key: &str, named: bool| {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        pointer.push('/');
        pointer.push_str(&escaped);
        if named {
            field.push('/');
            field.push_str(&escaped);
        }
        find(part, text, pointer, field, spans);
        pointer.truncate(lengths.0);
        field.truncate(lengths.1);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, part)| below(part, key, true)),
        Value::Array(parts) => parts.iter().enumerate().for_each(|(i, part)| below(part, &i.to_string(), false)),
        Value::String(s) => {
            if let Some(start) = sole_place(text, s) {
                let (pointer, field) = (pointer.clone(), field.clone());
                spans.push(Span { start, end: start + s.len(), value: s.clone(), pointer, field });
            }
        }
        _ => {}
    }
}

/// Where `value` stands in `text` between word borders, if it does so exactly once.
fn sole_place(text: &str, value: &str) -> Option<usize> {
    if value.trim().is_empty() {
        return None;
    }
    let border = |a: Option<char>, b: Option<char>| !matches!((a, b), (Some(a), Some(b)) if a.is_alphanumeric() && b.is_alphanumeric());
    let bordered = |&(start, _): &(usize, &str)| {
        let (before, after) = (&text[..start], &text[start + value.len()..]);
        border(before.chars().next_back(), value.chars().next())
            && border(value.chars().next_back(), after.chars().next())
    };
    let mut places = text.match_indices(value).filter(bordered);
    let first = places.next()?;
    places.next().is_none().then_some(first.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item;

    fn items(lines: &[&str]) -> Vec<Item> {
        item::parse_jsonl("f", lines.join("\n").as_bytes()).unwrap()
    }

    const TWO: [&str; 2] = [
        r#"{"id":"a","schema_id":"s","prompt":"play Blue Sky by Ann","expected_output":{"do":"Play","slots":{"song":"Blue Sky","by":["Ann"]}}}"#,
        r#"{"id":"b","schema_id":"s","prompt":"Red Moon, from Bo and Cy","expected_output":{"do":"Play","slots":{"song":"Red Moon","by":["Bo","Cy"]}}}"#,
    ];

    #[test]
    fn text_and_gold_change_together_and_only_within_a_field() {
        let originals = items(&TWO);
        let all = with_substitutions(&originals, &[], 30, 1).unwrap();
        assert!(all.len() > 10);
        let mut spliced = false;
        for item in &all[2..] {
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            assert_eq!(gold["do"], "Play");
            let song = gold["slots"]["song"].as_str().unwrap();
            spliced |= ["Blue Moon", "Red Sky"].contains(&song);
            assert!(["Blue Sky", "Red Moon", "Blue Moon", "Red Sky"].contains(&song), "{song}");
            assert!(item.prompt.contains(song), "{}", item.prompt);
            for by in gold["slots"]["by"].as_array().unwrap() {
                assert!(["Ann", "Bo", "Cy"].contains(&by.as_str().unwrap()));
                assert_eq!(item.prompt.matches(by.as_str().unwrap()).count(), 1, "{}", item.prompt);
            }
        }
        assert!(spliced);
        let texts: BTreeSet<&str> = all.iter().map(|i| i.prompt.as_str()).collect();
        assert_eq!(texts.len(), all.len());
        let held_out = &all[2..3];
        let others = with_substitutions(&originals, held_out, 30, 1).unwrap();
        assert!(others.iter().all(|i| i.prompt != held_out[0].prompt));
    }

    #[test]
    fn what_is_not_told_apart_stays() {
        let twice = r#"{"id":"a","schema_id":"s","prompt":"rate 5 of 5, Annex for Ann","expected_output":{"x":"5","y":"Anne","z":"Ann"}}"#;
        let inside =
            r#"{"id":"b","schema_id":"s","prompt":"New York City","expected_output":{"x":"New York","z":"York City"}}"#;
        let all = with_substitutions(&items(&[twice, inside]), &[], 20, 1).unwrap();
        assert_eq!(all.len(), 2, "{:?}", all[2..].iter().map(|i| &i.prompt).collect::<Vec<_>>());
        assert_eq!(sole_place("Annex for Ann", "Ann"), Some(10));
        assert_eq!(sole_place("5 of 5", "5"), None);
        assert_eq!(sole_place("x", " "), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_items() {
        let texts = |seed| -> Vec<String> {
            with_substitutions(&items(&TWO), &[], 5, seed).unwrap().into_iter().map(|i| i.prompt).collect()
        };
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
    }
}
