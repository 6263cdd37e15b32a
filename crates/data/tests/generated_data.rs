//! Is a generated data set split without leaks, the same for the same seed, and readable by the readers?

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bantam_data::edge_json::{Counts, GenerateConfig, Style, generate, generate_fresh_test};
use bantam_data::item::{self, Item, Level};
use bantam_data::schemas::SchemaSet;
use serde_json::Value;

fn small() -> GenerateConfig {
    GenerateConfig {
        train: Counts { simple: 600, medium: 250, complex: 150 },
        drills: 0,
        valid: Counts { simple: 40, medium: 20, complex: 10 },
        test: Counts { simple: 200, medium: 100, complex: 60 },
        schema_variants: 3,
        ..GenerateConfig::default()
    }
}

fn ids(items: &[Item]) -> BTreeSet<&str> {
    items.iter().map(|i| i.schema_id.as_str()).collect()
}

#[test]
fn the_test_split_holds_out_schemas_style_templates_and_items() {
    let config = small();
    let data = generate(&config).unwrap();
    assert_eq!((data.train.len(), data.valid.len(), data.test.len()), (1000, 70, 360));
    let (train, test) = (ids(&data.train), ids(&data.test));

    // Whole schemas, seven a level, and none of their variants.
    assert_eq!(data.overlap.held_out_schemas.len(), 21);
    for (id, likeness) in &data.overlap.held_out_schemas {
        assert!(train.iter().all(|t| t != id && !t.starts_with(&format!("{id}_v"))), "{id}");
        assert!(test.contains(id.as_str()), "{id}");
        assert!(*likeness <= 0.6, "{id}: {likeness}");
    }
    for item in &data.test {
        let held_out = data.overlap.held_out_schemas.contains_key(&item.schema_id);
        assert_eq!(item.schema_seen, Some(!held_out));
        assert!(
            held_out || train.contains(item.schema_id.as_str()) || config.train.total() < 1200,
            "{}",
            item.schema_id
        );
    }

    // A whole style.
    let styles = |items: &[Item]| items.iter().filter_map(|i| i.style.clone()).collect::<BTreeSet<_>>();
    assert_eq!(styles(&data.train).len(), 6);
    assert!(!styles(&data.train).contains("log") && !styles(&data.valid).contains("log"));
    assert_eq!(styles(&data.test).len(), Style::ALL.len());

    // A fifth of the templates.
    let held: HashSet<_> = data.overlap.held_out_templates.iter().collect();
    assert_eq!(held.len(), (data.overlap.templates as f64 * 0.2).round() as usize);
    for item in data.train.iter().chain(&data.valid) {
        assert!(item.templates.iter().all(|t| !held.contains(t)), "{}", item.id);
        assert_eq!(item.templates_seen, Some(true));
    }
    let unseen = data.test.iter().filter(|i| i.templates.iter().any(|t| held.contains(t)));
    assert!(unseen.clone().all(|i| i.templates_seen == Some(false)));
    assert!((60..260).contains(&unseen.count()));

    // Items.
    assert_eq!(data.overlap.duplicate_texts.count, 0);
    assert_eq!(data.overlap.duplicate_golds.count, 0);
    let all: Vec<_> = data.train.iter().chain(&data.valid).chain(&data.test).collect();
    assert_eq!(all.iter().map(|i| &i.id).collect::<HashSet<_>>().len(), all.len());
    assert_eq!(all.iter().map(|i| &i.prompt).collect::<HashSet<_>>().len(), all.len());
    assert!(data.overlap.shared_string_values.rate < 0.5, "{:?}", data.overlap.shared_string_values);
    assert!(data.overlap.items_sharing_13_words.rate < 0.02, "{:?}", data.overlap.items_sharing_13_words);

    // Both halves of every comparison are there.
    for level in Level::ALL {
        let of_level: Vec<_> = data.test.iter().filter(|i| i.complexity == Some(level)).collect();
        let seen = of_level.iter().filter(|i| i.schema_seen == Some(true)).count();
        assert_eq!(seen * 2, of_level.len());
        let sentences = ["prose", "email", "chat"];
        let language = of_level.iter().filter(|i| sentences.contains(&i.style.as_deref().unwrap())).count();
        assert_eq!(language * 10, of_level.len() * 6);
    }
}

#[test]
fn the_measured_overlap_sees_what_is_put_there() {
    let config = small();
    let clean = generate(&config).unwrap().overlap;
    assert_eq!(clean.items.values().sum::<usize>(), 1430);
    assert!(clean.items_with_seen_schema.rate > 0.4 && clean.items_with_seen_schema.rate < 0.6);
    assert!(clean.items_with_seen_templates.rate > 0.4);
    assert_eq!(clean.held_out_style, "log");
    let leaky = GenerateConfig { held_out_templates: 0.0, ..config };
    let leaky = generate(&leaky).unwrap().overlap;
    assert_eq!(leaky.items_with_seen_templates.rate, 1.0);
    assert!(leaky.held_out_templates.is_empty());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_items_do_not_depend_on_counts() {
    let dir = tempfile::tempdir().unwrap();
    let config = GenerateConfig { train: Counts { simple: 60, medium: 30, complex: 20 }, ..small() };
    let hash = |config: &GenerateConfig, name: &str| {
        let path = dir.path().join(name);
        generate(config).unwrap().write(&path).unwrap();
        bantam_core::hash::tree(&path).unwrap()
    };
    assert_eq!(hash(&config, "a"), hash(&config, "b"));
    assert_ne!(hash(&config, "a"), hash(&GenerateConfig { seed: 2, ..config.clone() }, "c"));

    let more = GenerateConfig { train: Counts { simple: 90, medium: 30, complex: 20 }, ..config.clone() };
    let texts = |c: &GenerateConfig| {
        generate(c).unwrap().train.into_iter().map(|i| (i.id, i.prompt)).collect::<BTreeMap<_, _>>()
    };
    let (few, many) = (texts(&config), texts(&more));
    assert!(few.iter().all(|(id, text)| many[id] == *text));
}

#[test]
fn what_is_written_is_what_the_readers_read_and_every_gold_validates() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let config = small();
    let data = generate(&config).unwrap();
    data.write(&path).unwrap();
    let schemas = SchemaSet::load(&path.join("schemas")).unwrap();
    assert_eq!(schemas.len(), data.schemas.len() + data.composed.len());
    assert!(path.join("schemas/simple/contact_card.json").is_file());
    let published = data.schemas.keys().filter(|id| !id.contains("_v0")).count();
    assert!(published >= 60);
    let mut validators = BTreeMap::new();
    for (split, expected) in [("train", &data.train), ("valid", &data.valid), ("test", &data.test)] {
        let items = item::read_jsonl(&path.join(format!("{split}.jsonl"))).unwrap();
        assert_eq!(items.len(), expected.len());
        for (item, expected) in items.iter().zip(expected).take(300) {
            assert_eq!(item.prompt, expected.prompt);
            let schema = schemas.get(&item.schema_id).unwrap();
            let validator = validators.entry(item.schema_id.clone()).or_insert_with(|| {
                jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
            });
            let gold: Value = serde_json::from_str(item.expected_output.get()).unwrap();
            assert!(validator.is_valid(&gold), "{}: {gold}", item.id);
        }
    }
    let overlap: Value = serde_json::from_str(&std::fs::read_to_string(path.join("overlap.json")).unwrap()).unwrap();
    assert_eq!(overlap["config"]["seed"], 1);
}

#[test]
fn a_fresh_test_split_has_the_same_schemas_and_cells_and_other_values() {
    let config = small();
    let published = generate(&config).unwrap();
    let fresh = generate_fresh_test(&config, 99).unwrap();
    assert_eq!(fresh.items.len(), published.test.len());
    let cells = |items: &[Item]| {
        let mut cells = BTreeMap::new();
        for i in items {
            *cells.entry((i.complexity, i.style.clone(), i.schema_seen)).or_insert(0) += 1;
        }
        cells
    };
    assert_eq!(cells(&fresh.items), cells(&published.test));
    let texts: HashSet<_> = published.test.iter().map(|i| &i.prompt).collect();
    let golds: HashSet<_> = published.test.iter().map(|i| (&i.schema_id, i.expected_output.get())).collect();
    for item in &fresh.items {
        assert!(!texts.contains(&item.prompt) && !golds.contains(&(&item.schema_id, item.expected_output.get())));
        assert!(fresh.schemas.contains_key(&item.schema_id), "{}", item.schema_id);
    }
    for (id, schema) in &fresh.schemas {
        assert_eq!(published.schemas.get(id), Some(schema), "{id}");
    }
    let held: HashSet<_> = published.overlap.held_out_templates.iter().collect();
    let all: BTreeSet<_> = fresh.items.iter().flat_map(|i| &i.templates).collect();
    assert!(all.iter().any(|t| held.contains(t)));
    assert_eq!(generate_fresh_test(&config, config.seed).unwrap_err().exit_code(), 2);
    let dir = tempfile::tempdir().unwrap();
    fresh.write(&dir.path().join("fresh")).unwrap();
    assert_eq!(SchemaSet::load(&dir.path().join("fresh/schemas")).unwrap().len(), fresh.schemas.len());
    assert_eq!(item::read_jsonl(&dir.path().join("fresh/test.jsonl")).unwrap().len(), fresh.items.len());
}

#[test]
fn impossible_configurations_are_input_errors() {
    let zero = Counts { simple: 0, medium: 0, complex: 0 };
    let broken = [
        GenerateConfig { noise: 1.5, ..small() },
        GenerateConfig { noise: f64::NAN, ..small() },
        GenerateConfig { held_out_templates: 0.9, ..small() },
        GenerateConfig { schema_variants: 1000, ..small() },
        GenerateConfig { held_out_schemas: 0, ..small() },
        GenerateConfig { held_out_schemas: 12, ..small() },
        GenerateConfig { train: zero, ..small() },
        GenerateConfig { test: Counts { simple: usize::MAX, medium: 1, complex: 1 }, ..small() },
    ];
    for config in broken {
        let e = generate(&config).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        assert!(e.to_string().starts_with("data."), "{e}");
    }
    assert!(serde_json::from_str::<GenerateConfig>(r#"{"seeds": 1}"#).unwrap_err().to_string().contains("seeds"));
    assert!(serde_json::from_str::<GenerateConfig>(r#"{"train": {"simple": 1}}"#).is_err());
    assert!(serde_json::from_str::<GenerateConfig>(r#"{"held_out_style": "poem"}"#).is_err());
    assert_eq!(serde_json::from_str::<GenerateConfig>("{}").unwrap(), GenerateConfig::default());
}

#[test]
fn any_style_can_be_held_out() {
    for style in [Style::KeyValue, Style::Prose] {
        let config = GenerateConfig { held_out_style: style, ..small() };
        let data = generate(&config).unwrap();
        assert!(data.train.iter().all(|i| i.style.as_deref() != Some(style.name())));
        assert!(data.test.iter().any(|i| i.style.as_deref() == Some(style.name())));
    }
}

#[test]
fn drills_are_added_to_training_alone_and_leave_everything_else_as_it_is() {
    let without = generate(&small()).unwrap();
    let with = generate(&GenerateConfig { drills: 50, ..small() }).unwrap();
    let texts = |items: &[bantam_data::item::Item]| items.iter().map(|i| i.prompt.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&with.train)[..1000], texts(&without.train));
    assert_eq!((texts(&with.valid), texts(&with.test)), (texts(&without.valid), texts(&without.test)));
    let drills = &with.train[1000..];
    assert_eq!(drills.len(), 50);
    assert!(drills.iter().all(|d| d.source.as_deref() == Some("drill") && with.schema(&d.schema_id).is_some()));
}
