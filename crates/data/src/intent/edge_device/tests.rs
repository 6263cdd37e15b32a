use super::*;

fn small() -> EdgeDeviceConfig {
    EdgeDeviceConfig { train_per_intent: 30, valid_per_intent: 2, test_per_intent: 8, ..Default::default() }
}

#[test]
fn sixty_four_intents_with_dozens_of_templates_each() {
    let plan = Plan::new(&small()).unwrap();
    let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
    for (section, domain) in plan.grammar.sections.iter().zip(&plan.domains) {
        let Some(domain) = domain else { continue };
        *domains.entry(domain).or_default() += 1;
        assert!(section.templates.len() >= 10, "{}", section.label);
        for template in &section.templates {
            assert!(template.slots().iter().all(|s| plan.grammar.slots.contains_key(*s)), "{}", section.label);
        }
    }
    assert_eq!(domains, BTreeMap::from([("home", 16), ("industrial", 16), ("vehicle", 16), ("wearable", 16)]));
    for form in [Form::Command, Form::Sentence] {
        // `frame` counts on the bare frame, seen in training, coming first.
        let first = plan.grammar.frames.iter().position(|f| f.0 == form).unwrap();
        let empty = |_: &str, _: &mut Rng| String::new();
        let mut fill = empty;
        let mut rng = seed::rng(1, "x");
        let (_, before, after) = &plan.grammar.frames[first];
        let words: String = before
            .tell(&mut rng, &mut fill)
            .into_iter()
            .chain(after.tell(&mut rng, &mut fill))
            .map(|p| p.text)
            .collect();
        assert_eq!(words.trim(), "");
    }
    for slot in plan.grammar.slots.values() {
        let mut sorted = slot.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), slot.len());
    }
}

#[test]
fn the_same_seed_gives_the_same_texts_and_another_seed_others() {
    let texts = |seed| {
        let made = generate(&EdgeDeviceConfig { seed, train_per_intent: 3, ..small() }).unwrap();
        made.train.into_iter().map(|i| i.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(1), texts(1));
    assert_ne!(texts(1), texts(2));
}

#[test]
fn splits_share_no_text_and_the_test_split_holds_out_what_it_says() {
    let made = generate(&small()).unwrap();
    assert_eq!((made.train.len(), made.valid.len(), made.test.len()), (1920 + 288, 128 + 19, 512 + 77));
    let overlap = &made.overlap;
    assert_eq!((overlap.duplicate_texts.count, overlap.valid_duplicate_texts.count), (0, 0));
    let train: HashSet<&str> = made.train.iter().filter_map(|i| i.template.as_deref()?.split('/').next()).collect();
    let (mut new, mut values) = (0, 0);
    let told: HashSet<(&String, &String)> = made.train.iter().flat_map(|i| &i.slots).collect();
    for item in &made.test {
        let core = item.template.as_deref().unwrap().split('/').next().unwrap();
        assert!(item.template_seen == Some(true) || !train.contains(core));
        new += usize::from(item.template_seen == Some(false));
        values += usize::from(item.slots.iter().any(|pair| !told.contains(&pair)));
    }
    assert!(new * 2 >= made.test.len() - 2 && values > made.test.len() / 4, "{new} {values}");
    assert!(made.train.iter().all(|i| i.template_seen == Some(true)));
}

#[test]
fn texts_state_their_slots_and_read_back_under_their_taxonomy() {
    let made = generate(&small()).unwrap();
    for item in made.train.iter().chain(&made.test) {
        let intent = made.taxonomy.intents.iter().find(|i| i.name == item.intent);
        assert_eq!(intent.is_none(), item.out_of_scope);
        for (name, value) in &item.slots {
            assert!(item.text.contains(value.as_str()), "{}: {value}", item.text);
            assert!(intent.unwrap().slots.iter().any(|s| s.name == *name));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("d");
    made.write(&out).unwrap();
    let taxonomy = Taxonomy::load(&out.join("taxonomy.json")).unwrap();
    let test = crate::intent::item::read_jsonl(&out.join("intents/test.jsonl"), &taxonomy).unwrap();
    assert_eq!(test, made.test);
    assert_eq!(crate::item::read_jsonl(&out.join("train.jsonl")).unwrap().len(), made.train.len());
    assert!(out.join("overlap.json").is_file());
}

#[test]
fn impossible_wishes_are_told() {
    for wrong in [
        EdgeDeviceConfig { held_out: 0.0, ..small() },
        EdgeDeviceConfig { out_of_scope: f64::NAN, ..small() },
        EdgeDeviceConfig { noisy: 1.5, ..small() },
        EdgeDeviceConfig { train_per_intent: 0, ..small() },
        EdgeDeviceConfig { test_per_intent: 1_000_000, ..small() },
    ] {
        assert_eq!(generate(&wrong).unwrap_err().exit_code(), 2);
    }
}
