//! Which short texts teach a small model to copy before it meets the real ones?
//!
//! A drill states values that no prior can guess (made-up words, codes, digits) under keys in random order, and sometimes
//! more of them than its schema asks for: the schema has to be read. Copying is learned far sooner from tens of tokens than
//! from hundreds (docs/lab-notes.md), so a training curriculum by length meets the drills first. Long drills, with three times
//! the fields, come later: which of many values belongs to a key. Drills are training data only; no test text comes from here.

use std::collections::BTreeMap;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::values;
use super::vocabulary;
use crate::capitalized::capitalized;
use crate::item::Item;

/// What a drill's field holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Text,
    Integer,
    Boolean,
}

/// A field of a drill.
struct DrillField {
    key: String,
    holds: Holds,
    /// Whether the schema lists it; a text may state more.
    asked: bool,
    required: bool,
    /// JSON text; `None` where the text does not state it.
    value: Option<String>,
}

/// Drills and the schemas they use, by id.
#[derive(Debug, Default)]
pub struct Drills {
    /// Training items.
    pub items: Vec<Item>,
    /// Their schemas, one for each.
    pub schemas: BTreeMap<String, Value>,
}

/// Which drills: how many fields they have, and what their ids begin with.
#[derive(Clone, Copy)]
struct Length {
    name: &'static str,
    /// Fields that are asked for, from and to.
    asked: (u32, u32),
    /// At most so many more that are not.
    more: u32,
}

const SHORT: Length = Length { name: "drill", asked: (1, 4), more: 2 };
const LONG: Length = Length { name: "long_drill", asked: (5, 12), more: 4 };

/// Makes `short` drills of one to four fields, `long` ones of five to twelve, and the schemas they use.
///
/// # Errors
/// An internal error when a gold is no JSON.
pub fn make(short: usize, long: usize, run_seed: u64) -> Result<Drills> {
    let keys: Vec<&'static str> = vocabulary::all()
        .chain(vocabulary::compounds())
        .flat_map(|c| [c.key].into_iter().chain(c.also.split('|')))
        .filter(|k| !k.is_empty())
        .collect();
    let mut drills = Drills::default();
    let numbered = |length: Length, count: usize| (0..count).map(move |number| (length, number));
    for (length, number) in numbered(SHORT, short).chain(numbered(LONG, long)) {
        let mut rng = seed::rng(run_seed, &format!("edge-json/{}s/{number}", length.name));
        let fields = fields(&keys, length, &mut rng);
        let item = drill(format!("{}_{number:06}", length.name), &fields, &mut rng)?;
        drills.schemas.insert(item.schema_id.clone(), json_schema(&fields));
        drills.items.push(item);
    }
    Ok(drills)
}

/// Fields that are asked for, and some that are not.
fn fields(keys: &[&'static str], length: Length, rng: &mut Rng) -> Vec<DrillField> {
    let asked = rng.random_range(length.asked.0..=length.asked.1);
    let more = if rng.random_bool(0.4) { rng.random_range(1..=length.more) } else { 0 };
    let camel = rng.random_bool(0.2);
    let mut out: Vec<DrillField> = Vec::new();
    for number in 0..asked + more {
        let key = match rng.random_range(0..4) {
            0 => format!("{}_{}", word(rng, false), word(rng, false)),
            1 => word(rng, false),
            _ => keys.choose(rng).copied().unwrap_or("key").to_owned(),
        };
        if out.iter().any(|f| f.key.contains(&key) || key.contains(&f.key)) {
            continue;
        }
        let is_asked = number < asked;
        let holds = match rng.random_range(0..10) {
            0 if is_asked => Holds::Boolean,
            1 | 2 => Holds::Integer,
            _ => Holds::Text,
        };
        let required = number == 0 || rng.random_bool(0.7);
        let value = (required || rng.random_bool(0.5)).then(|| match holds {
            Holds::Integer => digits(rng, 1, 6),
            Holds::Boolean => rng.random_bool(0.5).to_string(),
            Holds::Text => Value::from(text(rng)).to_string(),
        });
        let key = if camel {
            values::words(&key)
                .iter()
                .enumerate()
                .map(|(i, w)| if i == 0 { w.clone() } else { capitalized(w) })
                .collect()
        } else {
            key
        };
        out.push(DrillField { key, holds, asked: is_asked, required, value });
    }
    out
}

fn json_schema(fields: &[DrillField]) -> Value {
    let property = |f: &DrillField| {
        let kind = match f.holds {
            Holds::Text => "string",
            Holds::Integer => "integer",
            Holds::Boolean => "boolean",
        };
        (f.key.clone(), json!({"type": kind}))
    };
    let asked = || fields.iter().filter(|f| f.asked);
    let properties: Map<String, Value> = asked().map(property).collect();
    let required: Vec<&String> = asked().filter(|f| f.required).map(|f| &f.key).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn drill(id: String, fields: &[DrillField], rng: &mut Rng) -> Result<Item> {
    let mut order: Vec<(&DrillField, &String)> = fields.iter().filter_map(|f| Some((f, f.value.as_ref()?))).collect();
    let asked = order.iter().filter(|(f, _)| f.asked);
    let gold: Vec<String> = asked.map(|(f, value)| format!("{}:{value}", Value::from(f.key.as_str()))).collect();
    let gold = format!("{{{}}}", gold.join(","));
    order.shuffle(rng);
    let form = rng.random_range(0..7);
    let lines: Vec<String> = order.iter().map(|(f, value)| told(form, f, value)).collect();
    let prompt = lines.join(if form < 3 { "\n" } else { " " });
    Ok(Item {
        schema_id: id.clone(),
        id,
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

fn told(form: u32, field: &DrillField, value: &str) -> String {
    let words = values::words(&field.key).join(" ");
    // No made-up text has quotes or backslashes.
    let value = match (field.holds, value) {
        (Holds::Boolean, "true") => "yes",
        (Holds::Boolean, _) => "no",
        _ => value.trim_matches('"'),
    };
    match form {
        0 => format!("{words}: {value}"),
        1 => format!("{words} = {value}"),
        2 => format!("{} | {value}", field.key),
        3 => format!("The {words} is {value}."),
        4 => format!("{value} is the {words}."),
        5 => format!("We have {value} as {words}."),
        _ => format!("{}={value}", field.key),
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
        let Drills { items, schemas } = make(300, 0, 7).unwrap();
        let again = make(300, 0, 7).unwrap().items;
        assert_eq!((items.len(), schemas.len()), (300, 300));
        let (mut more, mut fewer) = (0, 0);
        for (item, same) in items.iter().zip(&again) {
            assert_eq!((&item.prompt, item.expected_output.get()), (&same.prompt, same.expected_output.get()));
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            let schema = &schemas[&item.schema_id];
            assert!(jsonschema::is_valid(schema, &gold), "{} {gold}", item.schema_id);
            let gold = gold.as_object().unwrap();
            for value in gold.values().filter(|v| !v.is_boolean()) {
                let shown = value.as_str().map_or_else(|| value.to_string(), String::from);
                assert!(item.prompt.contains(&shown), "{} lacks {shown}", item.prompt);
            }
            fewer += usize::from(gold.len() < schema["properties"].as_object().unwrap().len());
            more += usize::from(item.prompt.lines().count() > gold.len());
        }
        assert!(fewer > 30 && more > 20, "{fewer} {more}");
        assert!(make(0, 0, 7).unwrap().items.is_empty());
    }

    #[test]
    fn long_drills_have_many_fields_and_leave_the_short_ones_as_they_are() {
        let both = make(20, 100, 7).unwrap();
        let short = make(20, 0, 7).unwrap();
        assert!(short.items.iter().zip(&both.items).all(|(a, b)| a.prompt == b.prompt && a.id == b.id));
        let mut asked = Vec::new();
        for item in &both.items[20..] {
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            let schema = &both.schemas[&item.schema_id];
            assert!(jsonschema::is_valid(schema, &gold), "{} {gold}", item.schema_id);
            asked.push(schema["properties"].as_object().unwrap().len());
        }
        // Names that hold one another are left out, so a few have less than five.
        assert!(asked.iter().filter(|&&n| n >= 5).count() > 90 && asked.iter().max() >= Some(&11), "{asked:?}");
    }
}
