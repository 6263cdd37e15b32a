//! Does every text state its gold, is every gold valid, and is nothing of the test split in training?

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::catalogue::DOMAINS;
use super::catalogue::paraphrases::PARAPHRASES;
use super::kinds::in_words;
use super::*;
use crate::absent_fields::AbsentFields;
use crate::prompt::{canonical_answer, schema_signature};
use bantam_core::hash;

fn small(seed: u64) -> GenerateConfig {
    GenerateConfig {
        seed,
        train: 1_500,
        valid: 100,
        test: 600,
        tool_sets: 200,
        test_tool_sets: 60,
        ..Default::default()
    }
}

#[test]
fn eighty_functions_whose_templates_state_every_required_parameter() {
    let plan = Plan::new(&GenerateConfig::default()).unwrap();
    assert_eq!(plan.functions.len(), 80);
    assert!(DOMAINS.iter().all(|(_, functions)| functions.len() == 20));
    let names: BTreeSet<_> = plan.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names.len(), 80);
    assert_eq!(plan.functions.iter().filter(|f| f.held_out).count(), 16);
    for function in &plan.functions {
        assert!(function.templates.len() >= 6, "{}", function.name);
        for template in &function.templates {
            let slots: Vec<usize> = template.slots().collect();
            let distinct: BTreeSet<_> = slots.iter().collect();
            assert_eq!(distinct.len(), slots.len(), "{} states a parameter twice", template.id);
            for (i, parameter) in function.parameters.iter().enumerate() {
                assert!(!parameter.required || slots.contains(&i), "{} lacks {}", template.id, parameter.name);
            }
        }
    }
    let (held_out, all) = plan.held_out_templates();
    assert!(held_out.len() * 5 >= all, "{} of {all}", held_out.len());
}

#[test]
fn paraphrases_are_new_words_for_every_function_and_for_training_alone() {
    let plan = Plan::new(&GenerateConfig::default()).unwrap();
    let choices = |text: &str| text.replace(['!', '[', ']'], "").to_lowercase();
    let own: HashSet<String> =
        DOMAINS.iter().flat_map(|(_, list)| *list).flat_map(|f| f.says.split('|').map(choices)).collect();
    for (name, says) in PARAPHRASES {
        let function = plan.functions.iter().find(|f| f.name == *name).unwrap();
        let more = function.templates.iter().filter(|t| t.paraphrase).count();
        assert_eq!(more, if function.held_out { 0 } else { 8 }, "{name}");
        assert!(says.split('|').all(|t| !own.contains(&choices(t))), "{name}");
    }
    assert_eq!(PARAPHRASES.len(), 80);
    let data = generate(&small(3)).unwrap();
    let said = |items: &[Item]| items.iter().filter(|i| i.templates.iter().any(|t| t.contains(".more."))).count();
    assert!(said(&data.train) * 4 > data.train.len(), "{} of {}", said(&data.train), data.train.len());
    assert_eq!((said(&data.valid), said(&data.test)), (0, 0));
}

#[test]
fn every_gold_is_valid_and_canonical() {
    let data = generate(&small(1)).unwrap();
    let mut validators = BTreeMap::new();
    for item in data.train.iter().chain(&data.valid).chain(&data.test) {
        let schema = &data.schemas[&item.schema_id];
        let validator = validators.entry(&item.schema_id).or_insert_with(|| jsonschema::validator_for(schema).unwrap());
        let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
        assert!(validator.is_valid(&gold), "{}: {gold} by {schema}", item.id);
        assert_eq!(canonical_answer(&item.expected_output, schema, AbsentFields::Omitted), item.expected_output.get());
        let signature = schema_signature(schema);
        assert!(signature.starts_with('['), "{signature}");
        let calls = gold.as_array().map_or(0, Vec::len);
        let fits = match item.style.as_deref().unwrap() {
            "simple" => calls == 1 && schema.to_string().matches("\"const\"").count() == 1,
            "multiple" => calls == 1 && schema.to_string().matches("\"const\"").count() > 1,
            "parallel" => (2..=3).contains(&calls),
            "missing" => gold["missing"].as_array().is_some_and(|m| !m.is_empty()),
            "irrelevant" => gold == Value::Array(Vec::new()),
            _ => false,
        };
        assert!(fits, "{:?}: {gold}", item.style);
        assert!(!item.prompt.contains(['{', '}', '[', ']', '|']) && !item.prompt.contains("  "), "{}", item.prompt);
        assert_eq!(item.prompt.trim(), item.prompt);
    }
}

/// The schema of the arguments of the offered function of this name.
fn arguments_of<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let of_call = schema.pointer("/properties/name/const").is_some_and(|n| n == name);
    if of_call {
        return schema.pointer("/properties/arguments/properties");
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    alternatives.chain(schema.get("items")).find_map(|part| arguments_of(part, name))
}

/// Strings and codes stand in the text as they are, numbers by their digits or words; times and hours are read back below.
#[test]
fn every_string_and_number_of_a_gold_is_stated() {
    let data = generate(&small(2)).unwrap();
    let (mut checked, mut chosen) = (0, 0);
    for item in data.train.iter().chain(&data.test) {
        let Ok(Value::Array(calls)) = serde_json::from_str(item.expected_output.get()) else { continue };
        for call in &calls {
            let schema = arguments_of(&data.schemas[&item.schema_id], call["name"].as_str().unwrap()).unwrap();
            for (name, value) in call["arguments"].as_object().unwrap() {
                if let Some(wordings) =
                    wordings(value).filter(|_| !schema[name].get("type").is_some_and(|t| t == "string"))
                {
                    chosen += 1;
                    let text = item.prompt.to_lowercase();
                    let stated = wordings.iter().any(|w| text.contains(&w.to_lowercase()));
                    assert!(stated, "{name} {value}: {}", item.prompt);
                    continue;
                }
                let stated = match value {
                    Value::String(s) if schema[name].get("enum").is_none() && schema[name].get("pattern").is_none() => {
                        item.prompt.contains(s.as_str())
                    }
                    Value::Array(words) => words.iter().all(|w| item.prompt.contains(w.as_str().unwrap())),
                    Value::Number(n) => {
                        let words = n.as_i64().map_or_else(|| n.to_string(), in_words);
                        let hours = name.contains("minutes") || name.contains("duration") || name.contains("length");
                        item.prompt.contains(&n.to_string()) || item.prompt.contains(&words) || hours
                    }
                    _ => continue,
                };
                checked += 1;
                assert!(stated, "{name} {value}: {}", item.prompt);
            }
        }
    }
    assert!(checked > 1_000 && chosen > 500, "{checked} {chosen}");
}

/// How the values of closed lists are said, in any list; `None` for other values.
fn wordings(value: &Value) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for kind in words::KINDS.iter().map(|(_, kind)| *kind).chain(invented::kinds()) {
        match (kind, value) {
            (words::Kind::Closed(list), Value::String(s)) => {
                let same = list.split('|').filter(|v| v.split('=').next() == Some(s));
                found.extend(same.flat_map(|v| v.split('=')).map(|w| w.replace('_', " ")));
            }
            (words::Kind::Switch(yes, no), Value::Bool(on)) => {
                found.extend((if *on { yes } else { no }).split('|').map(str::to_owned));
            }
            _ => {}
        }
    }
    (!found.is_empty()).then_some(found)
}

#[test]
fn the_share_of_items_with_invented_functions_is_right() {
    for (invented, expected) in [(0.0, 0), (0.4, 120), (1.0, 300)] {
        let data = generate(&GenerateConfig { invented, train: 300, test: 60, ..small(4) }).unwrap();
        let have = |items: &[Item]| items.iter().filter(|i| i.schema_id.starts_with("tools_invented")).count();
        assert_eq!((have(&data.train), have(&data.valid), have(&data.test)), (expected, 0, 0));
        assert_eq!(data.overlap.items_with_invented_functions, expected);
        assert_eq!(data.overlap.invented_functions > expected, expected > 0, "{}", data.overlap.invented_functions);
        let with: Vec<&Item> = data.train.iter().filter(|i| i.schema_id.starts_with("tools_invented")).collect();
        for category in Category::ALL.iter().filter(|_| expected > 0) {
            assert!(with.iter().any(|i| i.style.as_deref() == Some(category.name())), "{}", category.name());
        }
    }
}

#[test]
fn what_is_shown_leads_back_to_the_value() {
    let mut rng = seed::rng(1, "shown");
    for _ in 0..2_000 {
        let drawn = words::Kind::Minutes.draw(&mut rng, false);
        let gold: i64 = drawn.gold.parse().unwrap();
        let read = match drawn.shown.as_str() {
            "half an hour" => 30,
            "a quarter of an hour" => 15,
            "an hour and a half" => 90,
            "an hour" | "one hour" | "1 hour" => 60,
            shown => {
                let (number, unit) = shown.rsplit_once(' ').unwrap();
                let n = number.parse().ok().or_else(|| (0..=100).find(|n| in_words(*n) == number)).unwrap();
                if unit == "hours" { 60 * n } else { n }
            }
        };
        assert_eq!(read, gold, "{}", drawn.shown);
        let drawn = words::Kind::Time.draw(&mut rng, false);
        assert_eq!(format!("\"{}\"", read_time(&drawn.shown)), drawn.gold, "{}", drawn.shown);
    }
}

/// A reader of times that knows nothing of the generator.
fn read_time(shown: &str) -> String {
    let word = |w: &str| (0..=12).find(|n| in_words(*n) == w);
    let (clock, day) = match shown.split_once(" in the ").or_else(|| shown.split_once(" at ")) {
        Some((clock, day)) => (clock.to_owned(), day.to_owned()),
        None => {
            let at = shown.find(['a', 'p']).filter(|_| shown.starts_with(|c: char| c.is_ascii_digit()));
            at.map_or((shown.to_owned(), String::new()), |at| (shown[..at].trim().to_owned(), shown[at..].to_owned()))
        }
    };
    let (mut hour, minute) = match clock.as_str() {
        "noon" => return "12:00".into(),
        "midnight" => return "00:00".into(),
        c if c.starts_with("half past ") => (word(&c[10..]).unwrap(), 30),
        c if c.starts_with("quarter past ") => (word(&c[13..]).unwrap(), 15),
        c if c.ends_with(" o'clock") => (word(&c[..c.len() - 8]).unwrap(), 0),
        c => {
            c.split_once(':').map_or_else(|| (c.parse().unwrap(), 0), |(h, m)| (h.parse().unwrap(), m.parse().unwrap()))
        }
    };
    let late = match day.as_str() {
        "pm" | "afternoon" | "evening" => Some(true),
        "am" | "morning" => Some(false),
        "night" => Some((6..12).contains(&hour)),
        _ => None,
    };
    if let Some(late) = late {
        hour = hour % 12 + if late { 12 } else { 0 };
    }
    format!("{hour:02}:{minute:02}")
}

#[test]
fn nothing_held_out_is_in_training() {
    let data = generate(&small(3)).unwrap();
    let plan = Plan::new(&small(3)).unwrap();
    let held: Vec<&str> = plan.functions.iter().filter(|f| f.held_out).map(|f| f.name.as_str()).collect();
    let (held_templates, _) = plan.held_out_templates();
    let held_templates: HashSet<&String> = held_templates.iter().collect();
    let texts: HashSet<String> = data.train.iter().chain(&data.valid).map(|i| i.prompt.to_lowercase()).collect();
    for item in data.train.iter().chain(&data.valid) {
        let of_held = |t: &String| held_templates.contains(t) || held.iter().any(|h| t.starts_with(&format!("{h}.")));
        assert!(!item.templates.iter().any(of_held), "{}", item.id);
        assert_eq!((item.schema_seen, item.templates_seen), (Some(true), Some(true)));
    }
    let mut cells: BTreeMap<(Option<bool>, Option<bool>), usize> = BTreeMap::new();
    for item in &data.test {
        assert!(!texts.contains(&item.prompt.to_lowercase()), "{}", item.prompt);
        *cells.entry((item.schema_seen, item.templates_seen)).or_default() += 1;
    }
    assert!(cells[&(Some(true), Some(true))] >= 200 && cells[&(Some(true), Some(false))] >= 180, "{cells:?}");
    assert!(cells[&(Some(false), Some(false))] >= 180, "{cells:?}");
    assert_eq!(data.overlap.duplicate_texts.count, 0);
    assert_eq!(data.overlap.held_out_functions.len(), 16);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_others() {
    let bytes = |seed| {
        let config = GenerateConfig { train: 200, valid: 20, test: 60, ..small(seed) };
        let data = generate(&config).unwrap();
        let items: Vec<String> =
            data.train.iter().chain(&data.test).map(|i| serde_json::to_string(i).unwrap()).collect();
        (items, serde_json::to_string(&data.schemas).unwrap())
    };
    assert_eq!(bytes(5), bytes(5));
    assert_ne!(bytes(5).0, bytes(6).0);
}

#[test]
fn impossible_choices_are_refused() {
    for broken in [
        GenerateConfig { train: 0, ..small(1) },
        GenerateConfig { held_out_functions: 41, ..small(1) },
        GenerateConfig { held_out_templates: 0.6, ..small(1) },
        GenerateConfig { typos: f64::NAN, ..small(1) },
        GenerateConfig { invented: 1.5, ..small(1) },
        GenerateConfig { most_tools: 1, ..small(1) },
    ] {
        assert_eq!(generate(&broken).unwrap_err().exit_code(), 2);
    }
}

/// What others have been measured on stays as it is: these are the bytes before there were invented functions and
/// paraphrases, of training those without.
#[test]
fn the_test_and_validation_splits_are_those_of_before() {
    let few = |seed| GenerateConfig { seed, train: 1, ..Default::default() };
    for (config, expected) in [
        (few(1), "af36200907a281cdf6555cf536ee9a5f73bd0fcbfe9efeecfe140a9a35668849"),
        (
            GenerateConfig { most_tools: 9, typos: 0.5, ..few(7) },
            "78677967f5e642c8008a8d36f002b02d77955268426de83f1744fc194a948a76",
        ),
    ] {
        let data = generate(&config).unwrap();
        let mut bytes = String::new();
        for item in data.test.iter().chain(&data.valid) {
            bytes += &serde_json::to_string(item).unwrap();
            bytes += &data.schemas[&item.schema_id].to_string();
        }
        assert_eq!(hash::bytes(bytes.as_bytes()), expected, "seed {}", config.seed);
    }
    let data = generate(&GenerateConfig { train: 300, invented: 0.0, paraphrases: false, ..few(1) }).unwrap();
    let bytes: String = data.train.iter().map(|item| serde_json::to_string(item).unwrap()).collect();
    let expected = "ed86f9872e1dda04aad72483c9ab2a18a5dc88776b2c3409cbfc139a3b4c9415";
    assert_eq!(hash::bytes(bytes.as_bytes()), expected);
}
