//! Which short texts teach a small model to copy before it meets the real ones?
//!
//! A drill states one to three values that no prior can guess (made-up words, codes, digits) under keys in random
//! order. Copying is learned far sooner from tens of tokens than from hundreds (docs/lab-notes.md), so a training
//! curriculum by length meets the drills first. Drills are training data only; no test text or key comes from here.

use std::collections::BTreeSet;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::item::Item;

/// Schemas that drills share.
const SCHEMAS: usize = 150;

/// A drill schema: its id, and its keys with whether each is a number.
struct DrillSchema {
    id: String,
    keys: Vec<(String, bool)>,
}

/// Drills and the schemas they use, by id.
#[derive(Debug, Default)]
pub struct Drills {
    /// Training items.
    pub items: Vec<Item>,
    /// Their schemas.
    pub schemas: Vec<(String, Value)>,
}

/// Makes `count` drills whose keys are drawn from `keys`, and the schemas they use.
///
/// # Errors
/// An input error when `count` is not 0 and there are fewer than three keys to draw from.
pub fn make(count: usize, run_seed: u64, keys: &BTreeSet<String>) -> Result<Drills> {
    if count == 0 {
        return Ok(Drills::default());
    }
    if keys.len() < 3 {
        return Err(Error::input("data.drills", "training has too few keys to drill", "set drills = 0"));
    }
    let keys: Vec<&String> = keys.iter().collect();
    let mut rng = seed::rng(run_seed, "edge-json/drills/schemas");
    let schemas: Vec<DrillSchema> = (0..SCHEMAS)
        .map(|i| {
            let n = 1 + i % 3;
            let chosen = keys.sample(&mut rng, n).map(|k| ((*k).clone(), is_number_field(i, k))).collect();
            DrillSchema { id: format!("drill_{i:03}"), keys: chosen }
        })
        .collect();
    let mut items = Vec::with_capacity(count);
    for number in 0..count {
        let mut rng = seed::rng(run_seed, &format!("edge-json/drills/{number}"));
        let schema = schemas.choose(&mut rng).ok_or_else(|| Error::internal("drills", "no schema"))?;
        items.push(drill(number, schema, &mut rng)?);
    }
    Ok(Drills { items, schemas: schemas.iter().map(|s| (s.id.clone(), s.json_schema())).collect() })
}

/// A fixed fifth of (schema, key) pairs hold numbers.
fn is_number_field(schema: usize, key: &str) -> bool {
    (schema * 31 + key.len() * 7 + usize::from(key.as_bytes()[0])).is_multiple_of(5)
}

impl DrillSchema {
    fn json_schema(&self) -> Value {
        let property =
            |(key, number): &(String, bool)| (key.clone(), json!({"type": if *number { "integer" } else { "string" }}));
        let properties: Map<String, Value> = self.keys.iter().map(property).collect();
        let required: Vec<&String> = self.keys.iter().map(|(key, _)| key).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Copying drill",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

fn drill(number: usize, schema: &DrillSchema, rng: &mut Rng) -> Result<Item> {
    let values: Vec<String> =
        schema.keys.iter().map(|(_, is_number)| if *is_number { digits(rng, 1, 6) } else { text(rng) }).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.shuffle(rng);
    let form = rng.random_range(0..5);
    let lines: Vec<String> = order.iter().map(|&i| told(form, &schema.keys[i].0, &values[i])).collect();
    let prompt = lines.join(if form < 2 { "\n" } else { " " });
    let field = |(i, (key, is_number)): (usize, &(String, bool))| {
        let value = if *is_number { values[i].clone() } else { Value::from(values[i].as_str()).to_string() };
        format!("{}:{value}", Value::from(key.as_str()))
    };
    let gold = format!("{{{}}}", schema.keys.iter().enumerate().map(field).collect::<Vec<_>>().join(","));
    Ok(Item {
        id: format!("drill_{number:06}"),
        schema_id: schema.id.clone(),
        complexity: None,
        source: Some("drill".into()),
        teacher: None,
        style: None,
        split: Some("train".into()),
        schema_seen: None,
        templates_seen: None,
        templates: Vec::new(),
        prompt,
        expected_output: RawValue::from_string(gold).map_err(|e| Error::internal("drill gold", e))?,
    })
}

fn told(form: u32, key: &str, value: &str) -> String {
    let words = key.replace('_', " ");
    match form {
        0 => format!("{words}: {value}"),
        1 => format!("{words} = {value}"),
        2 => format!("The {words} is {value}."),
        3 => format!("{value} is the {words}."),
        _ => format!("We have {value} as {words}."),
    }
}

/// One to three made-up words, or a code.
fn text(rng: &mut Rng) -> String {
    if rng.random_bool(0.3) {
        let letters: String = (0..rng.random_range(1..4)).map(|_| letter(rng).to_ascii_uppercase()).collect();
        return format!("{letters}-{}", digits(rng, 2, 6));
    }
    let capital = rng.random_bool(0.7);
    let words: Vec<String> = (0..rng.random_range(1..4)).map(|_| word(rng, capital)).collect();
    words.join(" ")
}

fn letter(rng: &mut Rng) -> char {
    char::from(rng.random_range(b'a'..=b'z'))
}

fn word(rng: &mut Rng, capital: bool) -> String {
    let mut out = String::new();
    for _ in 0..rng.random_range(1..4) {
        let consonant = *b"bcdfghklmnprstvwz".choose(rng).unwrap_or(&b't');
        let vowel = *b"aeiou".choose(rng).unwrap_or(&b'a');
        out.push(char::from(consonant));
        out.push(char::from(vowel));
        if rng.random_bool(0.4) {
            out.push(letter(rng));
        }
    }
    if capital {
        out[..1].make_ascii_uppercase();
    }
    out
}

/// A number of `least` to `most` digits without a leading zero.
fn digits(rng: &mut Rng, least: usize, most: usize) -> String {
    let n = rng.random_range(least..=most);
    (0..n).map(|i| char::from(rng.random_range(if i == 0 { b'1' } else { b'0' }..=b'9'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_repeat_state_their_gold_and_validate() {
        let keys: BTreeSet<String> = ["name", "order_id", "city", "total"].map(String::from).into();
        let Drills { items, schemas } = make(200, 7, &keys).unwrap();
        let again = make(200, 7, &keys).unwrap().items;
        assert_eq!(items.len(), 200);
        for (item, same) in items.iter().zip(&again) {
            assert_eq!((&item.prompt, item.expected_output.get()), (&same.prompt, same.expected_output.get()));
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            let schema = &schemas.iter().find(|(id, _)| *id == item.schema_id).unwrap().1;
            assert!(jsonschema::is_valid(schema, &gold), "{} {gold}", item.schema_id);
            for value in gold.as_object().unwrap().values() {
                let shown = value.as_str().map_or_else(|| value.to_string(), String::from);
                assert!(item.prompt.contains(&shown), "{} lacks {shown}", item.prompt);
            }
        }
        assert!(make(0, 7, &BTreeSet::new()).unwrap().items.is_empty());
        assert_eq!(make(1, 7, &BTreeSet::new()).unwrap_err().exit_code(), 2);
    }
}
