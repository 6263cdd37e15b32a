//! How does one annotated text become many? Values that stand in the text are replaced, in text and gold alike, by other
//! values of the same field; and some of the words between them are lost or exchanged.
//!
//! Which words are a value is then told by the words around them, and copying is all that gets a value right: what a
//! small model has to learn, and what a few thousand texts alone don't teach it. Noise in the words around them keeps it from
//! learning a text by one of its words (Wei and Zou 2019, "EDA").

use std::collections::{BTreeMap, BTreeSet};

use bantam_core::seed;
use bantam_core::{Error, Result};
use rand::RngExt as _;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::Item;
use crate::value_pool::{ValuePool, drawn};

/// How likely each value of a text is replaced.
const REPLACED: f64 = 0.7;
/// How often other values are drawn when the text would say one of them twice.
const ATTEMPTS: usize = 8;

/// How texts are varied.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation<'a> {
    /// Variants of each item.
    pub copies: usize,
    /// Fields that can have any value although the items have few: JSON pointers into golds, without places in arrays.
    pub open: &'a [String],
    /// How likely each word of a variant that belongs to no value is lost or exchanged for a word of another text, 0 to 1.
    pub word_noise: f64,
}

/// Variants of each item, after all items themselves; a variant that says what another or one of `held_out` says is left out. An item
/// whose text holds none of its values, such as a request that no function serves, is repeated as it is: else the others' variants would drive it
/// out. The same seed gives the same items.
///
/// A string or a number of the gold is replaced if it stands in the text exactly once, as the gold writes it, on word borders, apart from the
/// other values. Where one stands in the text otherwise, no word is lost or exchanged.
///
/// # Errors
/// Internal, if a changed gold cannot be written.
pub fn with_substitutions(items: &[Item], held_out: &[Item], variation: Variation<'_>, seed: u64) -> Result<Vec<Item>> {
    let Variation { copies, word_noise, open } = variation;
    let drafts: Vec<Option<Draft>> = items.iter().map(Draft::of).collect();
    let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut pools: Pools<'_> = BTreeMap::new();
    for (item, draft) in items.iter().zip(&drafts) {
        let Some(draft) = draft else { continue };
        for span in &draft.spans {
            pools.entry((&item.schema_id, &span.field)).or_default().add(span.value.clone());
        }
        if word_noise > 0.0 || !open.is_empty() {
            words.entry(&item.schema_id).or_default().extend(item.prompt.split_whitespace());
        }
    }
    for ((schema, field), pool) in &mut pools {
        pool.sort();
        if !field.is_number && open.contains(&field.pointer) {
            pool.open(words.get(schema).map(Vec::as_slice).unwrap_or_default());
        }
    }
    let mut said: BTreeSet<String> = items.iter().chain(held_out).map(|i| i.prompt.clone()).collect();
    let mut all = items.to_vec();
    for copy in 1..=copies {
        for (item, draft) in items.iter().zip(&drafts) {
            let Some(draft) = draft else { continue };
            let id = format!("{}_s{copy}", item.id);
            if word_noise == 0.0 && draft.spans.is_empty() {
                if draft.all_found {
                    all.push(Item { id, ..item.clone() });
                }
                continue;
            }
            let mut rng = seed::rng(seed, &format!("substitution/{}/{copy}", item.id));
            let noise = Noise {
                likely: if draft.all_found { word_noise } else { 0.0 },
                words: words.get(item.schema_id.as_str()).map_or(&[], Vec::as_slice),
            };
            let drawn = (0..ATTEMPTS).find_map(|_| draft.draw(item, &pools, &noise, &mut rng));
            let Some((prompt, gold)) = drawn.filter(|(prompt, _)| said.insert(prompt.clone())) else { continue };
            let expected_output = RawValue::from_string(gold.to_string())
                .map_err(|e| Error::internal(format_args!("gold of {}", item.id), e))?;
            all.push(Item { id, prompt, expected_output, ..item.clone() });
        }
    }
    Ok(all)
}

/// A string or a number of the gold, where it stands in the text.
struct Span {
    start: usize,
    end: usize,
    value: String,
    /// The JSON pointer in the gold.
    pointer: String,
    /// The pointer without places in arrays: values of one field and kind can stand for one another.
    field: Field,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Field {
    pointer: String,
    is_number: bool,
}

/// The values of each schema's fields.
type Pools<'a> = BTreeMap<(&'a str, &'a Field), ValuePool<'a>>;

/// An item whose values have been found.
struct Draft {
    gold: Value,
    /// By place in the text.
    spans: Vec<Span>,
    /// Whether no value stands in the text that is not in `spans`.
    all_found: bool,
}

/// What happens to the words that belong to no value.
struct Noise<'a> {
    likely: f64,
    /// The words of all texts, as often as they are said.
    words: &'a [&'a str],
}

impl Noise<'_> {
    /// `text` with some of its words lost, some exchanged.
    fn applied(&self, text: &str, rng: &mut seed::Rng) -> String {
        if self.likely == 0.0 {
            return text.to_owned();
        }
        let changed = |piece: &str, rng: &mut seed::Rng| {
            let word = piece.trim_end();
            if word.is_empty() || !rng.random_bool(self.likely) {
                piece.to_owned()
            } else if rng.random_bool(0.5) {
                String::new()
            } else {
                format!("{}{}", drawn(self.words, rng), &piece[word.len()..])
            }
        };
        text.split_inclusive(char::is_whitespace).map(|piece| changed(piece, rng)).collect()
    }
}

impl Draft {
    fn of(item: &Item) -> Option<Self> {
        let gold: Value = serde_json::from_str(item.expected_output.get()).ok()?;
        let mut spans = Vec::new();
        find(&gold, &item.prompt, &mut String::new(), &mut String::new(), &mut spans);
        let mut all_found = !has_unclear(&gold, &item.prompt);
        spans.sort_by_key(|s| s.start);
        let overlaps = |i: usize| {
            let apart = |a: &Span, b: &Span| a.end <= b.start;
            i > 0 && !apart(&spans[i - 1], &spans[i]) || i + 1 < spans.len() && !apart(&spans[i], &spans[i + 1])
        };
        let clear: Vec<bool> = (0..spans.len()).map(|i| !overlaps(i)).collect();
        all_found &= clear.iter().all(|&c| c);
        let spans = spans.into_iter().zip(clear).filter_map(|(span, clear)| clear.then_some(span)).collect();
        Some(Self { gold, spans, all_found })
    }

    /// A variant's text and gold; `None` if nothing was changed, or a value does not stand in the text exactly once.
    fn draw(&self, item: &Item, pools: &Pools<'_>, noise: &Noise<'_>, rng: &mut seed::Rng) -> Option<(String, Value)> {
        let (mut text, mut gold, mut from) = (String::new(), self.gold.clone(), 0);
        let mut values = Vec::new();
        for span in &self.spans {
            let pool = &pools[&(item.schema_id.as_str(), &span.field)];
            let replaced = pool.len() > 1 && rng.random_bool(REPLACED);
            let value = match replaced {
                false => span.value.clone(),
                true if span.field.is_number => pool.other_number(rng),
                true => pool.other_value(rng),
            };
            text.push_str(&noise.applied(&item.prompt[from..span.start], rng));
            text.push_str(&value);
            from = span.end;
            if replaced {
                *gold.pointer_mut(&span.pointer)? = match span.field.is_number {
                    true => serde_json::from_str(&value).ok()?,
                    false => Value::String(value.clone()),
                };
            }
            values.push(value);
        }
        text.push_str(&noise.applied(&item.prompt[from..], rng));
        let found_once = |value: &String| sole_place(&text, value).is_some();
        (!text.trim().is_empty() && text != item.prompt && values.iter().all(found_once)).then_some((text, gold))
    }
}

/// Every string and number of `value` that stands in `text` exactly once.
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
        Value::String(s) => found(text, s.clone(), pointer, field, false, spans),
        Value::Number(n) => found(text, n.to_string(), pointer, field, true, spans),
        _ => {}
    }
}

/// Whether a string or a number of `value` stands in `text`, but not exactly once between word borders.
fn has_unclear(value: &Value, text: &str) -> bool {
    let unclear = |s: &str| !s.trim().is_empty() && text.contains(s) && sole_place(text, s).is_none();
    match value {
        Value::Object(map) => map.values().any(|v| has_unclear(v, text)),
        Value::Array(parts) => parts.iter().any(|v| has_unclear(v, text)),
        Value::String(s) => unclear(s),
        Value::Number(n) => unclear(&n.to_string()),
        _ => false,
    }
}

fn found(text: &str, value: String, pointer: &str, field: &str, is_number: bool, spans: &mut Vec<Span>) {
    if let Some(start) = sole_place(text, &value) {
        let field = Field { pointer: field.to_owned(), is_number };
        spans.push(Span { start, end: start + value.len(), value, pointer: pointer.to_owned(), field });
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

    fn plain(copies: usize) -> Variation<'static> {
        Variation { copies, ..Variation::default() }
    }

    const TWO: [&str; 2] = [
        r#"{"id":"a","schema_id":"s","prompt":"play Blue Sky by Ann","expected_output":{"do":"Play","slots":{"song":"Blue Sky","by":["Ann"]}}}"#,
        r#"{"id":"b","schema_id":"s","prompt":"Red Moon, from Bo and Cy","expected_output":{"do":"Play","slots":{"song":"Red Moon","by":["Bo","Cy"]}}}"#,
    ];

    #[test]
    fn text_and_gold_change_together_and_only_within_a_field() {
        let originals = items(&TWO);
        let all = with_substitutions(&originals, &[], plain(30), 1).unwrap();
        assert!(all.len() > 4);
        for item in &all[2..] {
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            assert_eq!(gold["do"], "Play");
            let song = gold["slots"]["song"].as_str().unwrap();
            assert!(["Blue Sky", "Red Moon"].contains(&song), "{song}");
            assert!(item.prompt.contains(song), "{}", item.prompt);
            for by in gold["slots"]["by"].as_array().unwrap() {
                assert!(["Ann", "Bo", "Cy"].contains(&by.as_str().unwrap()));
                assert_eq!(item.prompt.matches(by.as_str().unwrap()).count(), 1, "{}", item.prompt);
            }
        }
        let texts: BTreeSet<&str> = all.iter().map(|i| i.prompt.as_str()).collect();
        assert_eq!(texts.len(), all.len());
        let held_out = &all[2..3];
        let others = with_substitutions(&originals, held_out, plain(30), 1).unwrap();
        assert!(others.iter().all(|i| i.prompt != held_out[0].prompt));
    }

    #[test]
    fn what_is_not_told_apart_stays() {
        let twice = r#"{"id":"a","schema_id":"s","prompt":"rate 5 of 5, Annex for Ann","expected_output":{"x":"5","y":"Anne","z":"Ann"}}"#;
        let inside =
            r#"{"id":"b","schema_id":"s","prompt":"New York City","expected_output":{"x":"New York","z":"York City"}}"#;
        let all = with_substitutions(&items(&[twice, inside]), &[], plain(20), 1).unwrap();
        assert_eq!(all.len(), 2, "{:?}", all[2..].iter().map(|i| &i.prompt).collect::<Vec<_>>());
        assert_eq!(sole_place("Annex for Ann", "Ann"), Some(10));
        assert_eq!(sole_place("5 of 5", "5"), None);
        assert_eq!(sole_place("x", " "), None);
    }

    #[test]
    fn numbers_stay_numbers() {
        let line = |id: &str, n: &str| {
            format!(r#"{{"id":"{id}","schema_id":"s","prompt":"{id} costs {n}","expected_output":{{"price":{n}}}}}"#)
        };
        let lines = [line("a", "4.5"), line("b", "17")];
        let all = with_substitutions(&items(&[&lines[0], &lines[1]]), &[], plain(8), 1).unwrap();
        assert!(all.len() > 2);
        for item in &all[2..] {
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            assert!(gold["price"].is_number() && item.prompt.ends_with(&gold["price"].to_string()), "{}", item.prompt);
        }
    }

    #[test]
    fn open_fields_get_words_that_no_value_has() {
        const NAMES: [&str; 16] = [
            "kordax", "limfon", "tasgul", "venhep", "borwit", "celmur", "dapnog", "farzib", "gonkel", "hidrop",
            "jastum", "luvpar", "mexdol", "nibsar", "pogtir", "quefal",
        ];
        let name = |i: usize| NAMES[i % 16];
        let value = |i: usize| format!("{} {}", name(i), name(i / 16 + i));
        let line = |i: usize, verb: &str| {
            let value = value(i);
            format!(
                r#"{{"id":"{verb}{i}","schema_id":"s","prompt":"{verb} {value}","expected_output":{{"x":"{value}"}}}}"#
            )
        };
        let texts = |verbs: &[&str]| -> Vec<String> {
            verbs.iter().flat_map(|verb| (0..128).map(move |i| line(i, verb))).collect()
        };
        let of = |lines: Vec<String>| items(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let originals = of(texts(&["say"]));
        let all = with_substitutions(&originals, &[], plain(4), 1).unwrap();
        let variants = &all[128..];
        let coined = |i: &&Item| i.prompt[4..].split(' ').any(|w| !NAMES.contains(&w));
        let share = variants.iter().filter(coined).count() as f64 / variants.len() as f64;
        // More than COINED: variants of known words repeat, and are left out.
        assert!(share > 0.1 && share < 0.9, "{share}");
        let known: BTreeSet<String> = (0..128).map(value).collect();
        let spliced = |i: &&Item| !coined(i) && !known.contains(&i.prompt[4..]);
        assert!(variants.iter().any(|i| spliced(&i)));
        // Said several times, the values are a list to be learned.
        let mut lines = texts(&["say", "ask", "get"]);
        lines.truncate(350);
        let originals = of(lines);
        let all = with_substitutions(&originals, &[], plain(4), 1).unwrap();
        assert!(all.len() > 350 && all.iter().all(|i| known.contains(&i.prompt[4..])));
    }

    #[test]
    fn a_field_called_open_gets_names_that_no_item_has() {
        let line = |i: usize, name: &str| {
            format!(
                r#"{{"id":"{i}","schema_id":"s","prompt":"{name} is a cosy place, visit number {i} was good","expected_output":{{"name":"{name}"}}}}"#
            )
        };
        let lines: Vec<String> = (0..100).map(|i| line(i, ["The Mill", "Cotto"][i % 2])).collect();
        let originals = items(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let others = |open: &[String]| -> Vec<String> {
            let all = with_substitutions(&originals, &[], Variation { open, ..plain(3) }, 1).unwrap();
            let golds = all[100..].iter().map(|i| serde_json::from_str::<Value>(i.expected_output.get()).unwrap());
            let names: Vec<String> = golds.map(|g| g["name"].as_str().unwrap().to_owned()).collect();
            assert!(all[100..].iter().zip(&names).all(|(i, name)| i.prompt.starts_with(name.as_str())));
            names.into_iter().filter(|n| n != "The Mill" && n != "Cotto").collect()
        };
        assert!(others(&[]).is_empty() && others(&["/slots/name".to_owned()]).is_empty());
        let made = others(&["/name".to_owned()]);
        assert!(made.len() > 50, "{}", made.len());
        assert!(made.iter().all(|n| n.chars().next().is_some_and(char::is_uppercase)), "{made:?}");
    }

    #[test]
    fn few_values_that_hardly_repeat_get_other_digits() {
        let line = |i: usize| {
            let (id, n) = (format!("{:06x}-{:04}", 0xa1_b2c3 + i * 77_777, 7000 + i), 1000 + 7 * i);
            format!(
                r#"{{"id":"{i}","schema_id":"s","prompt":"unit {id}: {n}","expected_output":{{"id":"{id}","n":{n}}}}}"#
            )
        };
        let lines: Vec<String> = (0..24).map(line).collect();
        let originals = items(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let gold = |i: &Item| serde_json::from_str::<Value>(i.expected_output.get()).unwrap();
        let known: Vec<Value> = originals.iter().map(gold).collect();
        let all = with_substitutions(&originals, &[], plain(4), 1).unwrap();
        for key in ["id", "n"] {
            let new = all[24..].iter().filter(|i| known.iter().all(|k| k[key] != gold(i)[key])).count();
            assert!(new > 20, "{key}: {new}");
        }
        for item in &all[24..] {
            let gold = gold(item);
            assert_eq!(item.prompt, format!("unit {}: {}", gold["id"].as_str().unwrap(), gold["n"]));
        }
    }

    #[test]
    fn what_cannot_be_varied_keeps_its_share() {
        let refusal = r#"{"id":"c","schema_id":"s","prompt":"what is the time","expected_output":[]}"#;
        let originals = items(&[TWO[0], TWO[1], refusal]);
        let all = with_substitutions(&originals, &[], plain(3), 1).unwrap();
        let refusals: Vec<&str> = all.iter().filter(|i| i.prompt == "what is the time").map(|i| &*i.id).collect();
        assert_eq!(refusals, ["c", "c_s1", "c_s2", "c_s3"]);
    }

    #[test]
    fn noise_changes_words_that_are_no_value() {
        let line = |id: &str, text: &str, gold: &str| {
            format!(r#"{{"id":"{id}","schema_id":"s","prompt":"{text}","expected_output":{gold}}}"#)
        };
        let lines = [
            line("a", "would you be so kind as to play Blue Sky for me", r#"{"do":"play it","song":"Blue Sky"}"#),
            line("b", "what is the weather like in other places today", r#"{"do":"weather report"}"#),
            line("c", "five or five of these and not six", r#"{"n":"five"}"#),
        ];
        let originals = items(&lines.each_ref().map(String::as_str));
        let all = with_substitutions(&originals, &[], Variation { copies: 40, word_noise: 0.2, open: &[] }, 1).unwrap();
        let of = |id: &str| all.iter().filter(|i| i.id.starts_with(&format!("{id}_"))).collect::<Vec<_>>();
        assert!(of("a").len() > 20 && of("b").len() > 20);
        // Which `five` is meant cannot be told, so nothing is touched.
        assert!(of("c").is_empty());
        assert!(of("a").iter().all(|i| i.prompt.contains("Blue Sky")));
        let spoken: BTreeSet<&str> = originals.iter().flat_map(|i| i.prompt.split_whitespace()).collect();
        assert!(all.iter().all(|i| i.prompt.split_whitespace().all(|w| spoken.contains(w))));
        let lost = of("b").iter().filter(|i| i.prompt.split_whitespace().count() < 9).count();
        assert!(lost > 5 && lost < of("b").len(), "{lost}");
        assert!(of("b").iter().all(|i| i.expected_output.get() == originals[1].expected_output.get()));
    }

    #[test]
    fn the_same_seed_gives_the_same_items() {
        let texts = |seed| -> Vec<String> {
            with_substitutions(&items(&TWO), &[], plain(5), seed).unwrap().into_iter().map(|i| i.prompt).collect()
        };
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
    }
}
