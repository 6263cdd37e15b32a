//! How do a few filled-in forms become many? A form is a text that writes an item's gold as indented `Label: value` lines, as
//! EdgeJSON v3's rows do. What its fields hold, how often each is there and how long its lists are is learned from the forms of
//! a schema; new forms put these together anew.
//!
//! Other values alone ([`crate::substitution`]) leave a model with a few hundred arrangements of lines to learn by heart. Whether a text is a form is not guessed:
//! its gold, written as lines, is found in it, or it is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use rand::RngExt as _;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::capitalized::capitalized;
use crate::item::Item;
use crate::value_pool::ValuePool;

/// How often a form is drawn anew when its text has been made before.
const ATTEMPTS: usize = 8;

/// `count` forms made of the parts of `items` that are forms, as often of each schema as those are; fewer where chance draws
/// the same again, and none that says what one of `items` or `held_out` says. The same seed gives the same forms.
///
/// A field's value is another one of the same field in the same schema, or, where its values hardly repeat, one with other digits or words.
///
/// # Errors
/// An input error when no item is a form; internal, if a gold cannot be written.
pub fn recombined(items: &[Item], held_out: &[Item], count: usize, seed: u64) -> Result<Vec<Item>> {
    let mut forms: BTreeMap<&str, Form> = BTreeMap::new();
    let mut models: Vec<&Item> = Vec::new();
    for item in items {
        let Ok(gold) = serde_json::from_str::<Value>(item.expected_output.get()) else { continue };
        let Some((heading, closing)) = frame(&item.prompt, &gold) else { continue };
        let form = forms.entry(&item.schema_id).or_default();
        form.frames.push((heading.to_owned(), closing.to_owned()));
        form.content.learn(&gold);
        models.push(item);
    }
    if models.is_empty() && count > 0 {
        let what = format!("none of {} items is a form, a text with its answer in `Label: value` lines", items.len());
        return Err(Error::input("recombined", what, "leave recombined out"));
    }
    forms.values_mut().for_each(|form| form.content.sort());
    let mut said: BTreeSet<String> = items.iter().chain(held_out).map(|i| i.prompt.clone()).collect();
    let mut made = Vec::with_capacity(count);
    for number in 0..count {
        let mut rng = seed::rng(seed, &format!("forms/{number}"));
        let model = models[rng.random_range(0..models.len())];
        let form = &forms[model.schema_id.as_str()];
        let drawn = (0..ATTEMPTS).map(|_| form.draw(&mut rng)).find(|(prompt, _)| said.insert(prompt.clone()));
        let Some((prompt, gold)) = drawn else { continue };
        let id = format!("{}_r{number:06}", model.schema_id);
        let expected_output =
            RawValue::from_string(gold.to_string()).map_err(|e| Error::internal(format_args!("gold of {id}"), e))?;
        made.push(Item { id, prompt, expected_output, ..model.clone() });
    }
    Ok(made)
}

/// All forms of one schema.
#[derive(Default)]
struct Form {
    /// What stands before and behind the lines.
    frames: Vec<(String, String)>,
    content: Content,
}

impl Form {
    fn draw(&self, rng: &mut Rng) -> (String, Value) {
        let gold = self.content.draw(rng);
        let (heading, closing) = &self.frames[rng.random_range(0..self.frames.len())];
        (format!("{heading}{}{closing}", lines(&gold)), gold)
    }
}

/// What one place of a schema's golds holds, over all of them; places of one list are one.
#[derive(Default)]
struct Content {
    /// How many objects there were.
    objects: usize,
    /// What the objects hold, with how many do, in their order.
    keys: Vec<(String, usize, Content)>,
    /// The length of each list there was.
    lengths: Vec<usize>,
    /// What lists hold.
    element: Option<Box<Content>>,
    strings: ValuePool<'static>,
    numbers: ValuePool<'static>,
    /// Truth values and nulls, as often as they were said.
    others: Vec<Value>,
}

impl Content {
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                self.objects += 1;
                let mut behind = 0;
                for (key, part) in map {
                    let at = self.keys.iter().position(|(k, ..)| k == key).unwrap_or_else(|| {
                        // A key seen for the first time comes right behind the one before it.
                        self.keys.insert(behind, (key.clone(), 0, Content::default()));
                        behind
                    });
                    self.keys[at].1 += 1;
                    self.keys[at].2.learn(part);
                    behind = at + 1;
                }
            }
            Value::Array(parts) => {
                self.lengths.push(parts.len());
                let element = self.element.get_or_insert_default();
                parts.iter().for_each(|part| element.learn(part));
            }
            Value::String(text) => self.strings.add(text.clone()),
            Value::Number(number) => self.numbers.add(number.to_string()),
            Value::Bool(_) | Value::Null => self.others.push(value.clone()),
        }
    }

    fn sort(&mut self) {
        self.strings.sort();
        self.numbers.sort();
        self.keys.iter_mut().for_each(|(.., part)| part.sort());
        self.element.iter_mut().for_each(|part| part.sort());
    }

    /// A value of a kind that was there, as often as it was.
    fn draw(&self, rng: &mut Rng) -> Value {
        let kinds = [self.objects, self.lengths.len(), self.strings.said(), self.numbers.said(), self.others.len()];
        let all: usize = kinds.iter().sum();
        if all == 0 {
            return Value::Null;
        }
        let (mut kind, mut nth) = (0, rng.random_range(0..all));
        while nth >= kinds[kind] {
            nth -= kinds[kind];
            kind += 1;
        }
        match kind {
            0 => self.object(rng),
            1 => self.list(rng),
            2 => Value::String(self.strings.other_value(rng)),
            // Digits exchanged for digits make a number again.
            3 => serde_json::from_str(&self.numbers.other_number(rng)).unwrap_or(Value::Null),
            _ => self.others[rng.random_range(0..self.others.len())].clone(),
        }
    }

    fn object(&self, rng: &mut Rng) -> Value {
        let there = |(key, count, part): &(String, usize, Content), rng: &mut Rng| {
            (rng.random_range(0..self.objects) < *count).then(|| (key.clone(), part.draw(rng)))
        };
        Value::Object(self.keys.iter().filter_map(|key| there(key, rng)).collect::<Map<_, _>>())
    }

    fn list(&self, rng: &mut Rng) -> Value {
        let length = self.lengths[rng.random_range(0..self.lengths.len())];
        let Some(element) = &self.element else { return Value::Array(Vec::new()) };
        let mut parts: Vec<Value> = (0..length).map(|_| element.draw(rng)).collect();
        // An object without a line of its own cannot be read off the text.
        if parts.len() > 1 {
            parts.retain(|part| part.as_object().is_none_or(|map| !map.is_empty()));
        }
        Value::Array(parts)
    }
}

/// What stands before and behind the gold's lines in `text`; `None` if they do not stand in it, once and as whole lines.
fn frame<'a>(text: &'a str, gold: &Value) -> Option<(&'a str, &'a str)> {
    let lines = lines(gold);
    let (heading, closing) = text.split_once(&lines).filter(|_| !lines.is_empty())?;
    let whole = (heading.is_empty() || heading.ends_with('\n')) && (closing.is_empty() || closing.starts_with('\n'));
    (whole && !closing.contains(&lines)).then_some((heading, closing))
}

/// The gold as `Label: value` lines, what is inside another thing two spaces further in; without a line's end at the end.
fn lines(gold: &Value) -> String {
    let mut out = String::new();
    if let Value::Object(map) = gold {
        write_object(map, 0, &mut out);
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

fn write_object(map: &Map<String, Value>, depth: usize, out: &mut String) {
    for (key, part) in map {
        let _ = write!(out, "{:1$}{2}:", "", 2 * depth, label(key));
        match part {
            Value::Object(inner) => {
                out.push('\n');
                write_object(inner, depth + 1, out);
            }
            Value::Array(parts) => {
                out.push('\n');
                for part in parts {
                    if let Value::Object(inner) = part {
                        write_object(inner, depth + 1, out);
                    } else {
                        let _ = writeln!(out, "{:1$}{2}", "", 2 * (depth + 1), bare(part));
                    }
                }
            }
            leaf => {
                let _ = writeln!(out, " {}", bare(leaf));
            }
        }
    }
}

/// `due_date` as `Due Date`.
fn label(key: &str) -> String {
    key.split('_').map(capitalized).collect::<Vec<_>>().join(" ")
}

/// A value as a line shows it: no quotes, and `True`, `False` and `None` as Python writes them.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item;

    const FORMS: [&str; 3] = [
        r#"{"id":"a","schema_id":"s","prompt":"Order\n\nOrder Id: x1\nPaid: True\nLines:\n  Sku: a\n  Quantity: 2\n  Sku: b\n\nRead it.","expected_output":{"order_id":"x1","paid":true,"lines":[{"sku":"a","quantity":2},{"sku":"b"}]}}"#,
        r#"{"id":"b","schema_id":"s","prompt":"Order\n\nOrder Id: x2\nNote: now\nLines:\n  Quantity: 7\n\nRead it.","expected_output":{"order_id":"x2","note":"now","lines":[{"quantity":7}]}}"#,
        r#"{"id":"c","schema_id":"t","prompt":"Tags:\n  one\n  two","expected_output":{"tags":["one","two"]}}"#,
    ];

    fn items(lines: &[&str]) -> Vec<Item> {
        item::parse_jsonl("f", lines.join("\n").as_bytes()).unwrap()
    }

    fn gold(item: &Item) -> Value {
        serde_json::from_str(item.expected_output.get()).unwrap()
    }

    #[test]
    fn forms_are_put_together_of_what_the_schemas_forms_hold() {
        let originals = items(&FORMS);
        let made = recombined(&originals, &[], 300, 1).unwrap();
        assert!(made.len() > 30, "{}", made.len());
        let known: BTreeSet<&str> = originals.iter().map(|i| i.prompt.as_str()).collect();
        let texts: BTreeSet<&str> = made.iter().map(|i| i.prompt.as_str()).collect();
        assert!(texts.len() == made.len() && texts.is_disjoint(&known));
        let mut shapes = BTreeSet::new();
        for form in made.iter().filter(|i| i.schema_id == "s") {
            let gold = gold(form);
            assert_eq!(form.prompt, format!("Order\n\n{}\n\nRead it.", lines(&gold)));
            assert!(["x1", "x2"].contains(&gold["order_id"].as_str().unwrap()));
            let order = ["order_id", "note", "paid", "lines"];
            let places: Vec<_> =
                gold.as_object().unwrap().keys().map(|k| order.iter().position(|o| o == k).unwrap()).collect();
            assert!(places.is_sorted(), "{gold}");
            let lines = gold["lines"].as_array().unwrap();
            assert!(lines.len() == 1 || lines.iter().all(|line| !line.as_object().unwrap().is_empty()), "{gold}");
            shapes.insert(gold.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "));
        }
        // Both or neither of two fields that no form has together.
        assert_eq!(shapes.len(), 4, "{shapes:?}");
        assert!(made.iter().filter(|i| i.schema_id == "t").all(|i| gold(i)["tags"].as_array().unwrap().len() == 2));
        let again = recombined(&originals, &[], 300, 1).unwrap();
        assert!(made.iter().zip(&again).all(|(a, b)| a.prompt == b.prompt && a.id == b.id));
        let fewer = recombined(&originals, &made[..1], 300, 1).unwrap();
        assert!(fewer.iter().all(|i| i.prompt != made[0].prompt));
    }

    #[test]
    fn what_is_no_form_is_left_out() {
        let others = [
            r#"{"id":"d","schema_id":"s","prompt":"Order Id: x1 and more","expected_output":{"order_id":"x1"}}"#,
            r#"{"id":"e","schema_id":"s","prompt":"Order Id: x1\nOrder Id: x1","expected_output":{"order_id":"x1"}}"#,
            r#"{"id":"f","schema_id":"s","prompt":"nothing","expected_output":{}}"#,
            r#"{"id":"g","schema_id":"s","prompt":"x1","expected_output":"x1"}"#,
        ];
        let error = recombined(&items(&others), &[], 1, 1).unwrap_err().to_string();
        assert!(error.contains("none of 4 items is a form"), "{error}");
        assert!(recombined(&items(&others), &[], 0, 1).unwrap().is_empty());
        let mixed = items(&[others[0], FORMS[2]]);
        assert!(recombined(&mixed, &[], 50, 1).unwrap().iter().all(|i| i.schema_id == "t"));
    }

    #[test]
    fn fields_whose_values_hardly_repeat_get_values_that_no_form_has() {
        let line = |i: usize| {
            let (code, n) = (format!("{:06x}-{:04}", 0xa1_b2c3 + i * 77_777, 7000 + i), 1000 + 7 * i);
            format!(
                r#"{{"id":"{i}","schema_id":"s","prompt":"Code: {code}\nN: {n}\nKind: {k}","expected_output":{{"code":"{code}","n":{n},"kind":"{k}"}}}}"#,
                k = ["a", "b"][i % 2]
            )
        };
        let originals = items(&(0..24).map(line).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>());
        let made = recombined(&originals, &[], 100, 1).unwrap();
        for key in ["code", "n"] {
            let new = made.iter().filter(|i| originals.iter().all(|o| gold(o)[key] != gold(i)[key])).count();
            assert!(new > 20 && new < 80, "{key}: {new}");
        }
        assert!(made.iter().all(|i| ["a", "b"].contains(&gold(i)["kind"].as_str().unwrap())));
    }
}
