//! Does every text state its gold, and does nothing but the text tell it? Checked on the drafts, where one can see what
//! each value was shown as.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::instance::{Group, Leaf, Node};
use super::templates::Templates;
use super::values::Kind;
use super::*;
use crate::absent_fields::AbsentFields;
use crate::canonical::{canonical_answer, without_absent};

fn leaves<'a>(group: &'a Group, out: &mut Vec<&'a Leaf>) {
    for node in &group.nodes {
        match node {
            Node::Leaf(leaf) => out.push(leaf),
            Node::Object(inner) => leaves(inner, out),
            Node::List(_, entries) => entries.iter().for_each(|e| leaves(e, out)),
        }
    }
}

fn drafts(n: usize, is_test: bool, mut each: impl FnMut(Level, Draft)) {
    let config = GenerateConfig { schema_variants: 3, ..GenerateConfig::default() };
    let plan = Plan::new(&config).unwrap();
    for i in 0..n {
        let level = Level::ALL[i % 3];
        let mut rng = seed::rng(7, &format!("draft/{is_test}/{i}"));
        let cell = if is_test { plan.test_cell(i / 3) } else { Cell::TRAINING };
        let tree = if is_test || i % 2 == 0 {
            Cow::Borrowed(plan.tree(level, cell, &mut rng))
        } else {
            Cow::Owned(compose::compose(format!("c{i}"), level, plan.held_out(), &mut rng))
        };
        each(level, draw(&config, &plan, tree, cell, &mut rng));
    }
}

/// The gold that a shown value leads back to, read by rules that know nothing of the generator.
fn read_back(kind: Kind, shown: &str) -> Json {
    let months = "January February March April May June July August September October November December";
    let month = |name: &str| months.split(' ').position(|m| m == name || m[..3] == *name).map(|m| m + 1);
    let number = || {
        let words = "zero one two three four five six seven eight nine ten eleven twelve";
        let first = shown.split(' ').next().unwrap_or("");
        if let Some(n) = words.split(' ').position(|w| w == first) {
            return n.to_string();
        }
        let kept = shown.chars().filter(|c| c.is_ascii_digit() || "-.".contains(*c)).collect::<String>();
        // Units may hold a dot or a digit (`m²` does not): the number ends at the first space.
        shown
            .split(' ')
            .next()
            .map_or(kept.clone(), |f| f.chars().filter(|c| c.is_ascii_digit() || "-.".contains(*c)).collect())
    };
    if shown.contains('\n') {
        let listed = shown.lines().map(|l| l.trim().trim_start_matches("- ").to_owned());
        return match kind {
            Kind::Series(..) => json!(listed.map(|n| n.parse::<i64>().unwrap()).collect::<Vec<_>>()),
            _ => json!(listed.collect::<Vec<_>>()),
        };
    }
    match kind {
        Kind::Date(..) => {
            let ordinal = |p: &str| {
                let bare = ["st", "nd", "rd", "th"].iter().find_map(|e| p.strip_suffix(e));
                bare.filter(|b| b.parse::<u32>().is_ok()).unwrap_or(p).to_owned()
            };
            let parts = shown.split([' ', ',', '.', '-']).filter(|p| !p.is_empty() && *p != "of");
            let parts: Vec<String> = parts.map(ordinal).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let [a, b, c] = parts[..] else { panic!("{shown}") };
            let (y, m, d) = match (month(a), month(b)) {
                (Some(m), _) => (c, m, b.parse::<u32>().unwrap()),
                (_, Some(m)) => (c, m, a.parse().unwrap()),
                _ if shown.contains('.') => (c, b.parse().unwrap(), a.parse().unwrap()),
                _ => (a, b.parse().unwrap(), c.parse().unwrap()),
            };
            json!(format!("{y}-{m:02}-{d:02}"))
        }
        Kind::DateTime => match shown.strip_suffix(" UTC") {
            Some(time) if time.matches(':').count() == 2 => json!(format!("{}Z", time.replace(' ', "T"))),
            Some(minutes) => json!(format!("{}:00Z", minutes.replace(' ', "T"))),
            None => json!(shown),
        },
        Kind::Money(..) | Kind::Decimal(..) | Kind::Int(..) => serde_json::from_str(&number()).unwrap(),
        Kind::Series(..) => {
            let numbers = shown.split(", ").flat_map(|p| p.split(" and ")).map(|n| n.parse::<i64>().unwrap());
            json!(numbers.collect::<Vec<_>>())
        }
        Kind::Many(_) => json!(shown.split(", ").flat_map(|p| p.split(" and ")).collect::<Vec<_>>()),
        _ => json!(shown.trim_matches('"')),
    }
}

/// Words that say a boolean by themselves.
const BOOLEANS: [&str; 8] = ["yes", "no", "Yes", "No", "true", "false", "True", "False"];

/// What an enum's or a boolean's wording may be, from the vocabulary's tables.
fn wordings(leaf: &Leaf, gold: &Json) -> Option<BTreeSet<String>> {
    match (leaf.concept.kind, gold) {
        (Kind::Enum(list), Json::String(value)) => {
            let part = list.split('|').find(|p| p.split('=').next() == Some(value)).unwrap();
            Some(part.split('=').flat_map(|w| [w.to_owned(), w.replace('_', " ")]).collect())
        }
        (Kind::Bool, Json::Bool(b)) => {
            let words = if *b { ["yes", "Yes", "true", "True"] } else { ["no", "No", "false", "False"] };
            Some(words.map(str::to_owned).into())
        }
        _ => None,
    }
}

#[test]
fn every_gold_leaf_is_stated_by_the_text_and_leads_back_to_the_gold() {
    for is_test in [false, true] {
        let mut checked = 0;
        drafts(900, is_test, |_, draft| {
            let gold: Json = serde_json::from_str(&draft.gold).unwrap();
            let mut all = Vec::new();
            leaves(&draft.group, &mut all);
            let mut mentioned: BTreeMap<&str, &str> = BTreeMap::new();
            for mention in &draft.told.mentions {
                let before = mentioned.insert(&mention.path, &mention.shown);
                assert!(before.is_none(), "{} is told twice:\n{}", mention.path, draft.told.text);
            }
            assert_eq!(mentioned.len(), all.len(), "{}", draft.told.text);
            for leaf in all {
                let shown = mentioned[leaf.path.as_str()];
                assert_eq!(leaf.asked, gold.pointer(&leaf.path).is_some(), "{}", leaf.path);
                if !leaf.asked {
                    continue;
                }
                let stated = gold.pointer(&leaf.path).unwrap();
                assert!(draft.told.text.contains(shown), "{}: {shown:?} is not in\n{}", leaf.path, draft.told.text);
                match wordings(leaf, stated) {
                    Some(words) if leaf.concept.kind != Kind::Bool || BOOLEANS.contains(&shown) => {
                        assert!(words.contains(shown), "{shown} for {words:?}");
                    }
                    // The two sides of a boolean's template are checked to differ below.
                    Some(_) => {}
                    None => {
                        assert_eq!(&read_back(leaf.concept.kind, shown), stated, "{} of {}", leaf.path, draft.tree.id)
                    }
                }
                checked += 1;
            }
            assert!(!draft.told.text.contains(['{', '}', '^']), "an unfilled template:\n{}", draft.told.text);
        });
        assert!(checked > 5_000);
    }
}

#[test]
fn both_sides_of_a_booleans_template_differ() {
    for template in Templates::new(1, 0.2).all() {
        if let Some((yes, no)) = template.text.split_once('^') {
            assert!(yes != no && !yes.is_empty() && !no.is_empty(), "{}", template.id);
        }
    }
}

#[test]
fn every_gold_is_valid_by_its_schema() {
    let (mut validators, mut absent) = (BTreeMap::new(), 0);
    let mut check = |level: Level, draft: Draft| {
        let schema = draft.tree.json_schema();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{}", draft.tree.id);
        let validator = validators.entry(draft.tree.id.clone()).or_insert_with(|| {
            jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
        });
        let gold: Json = serde_json::from_str(&draft.gold).unwrap();
        if let Err(e) = validator.validate(&gold) {
            panic!("{level} {}: {e}: {}", draft.tree.id, draft.gold);
        }
        let raw = RawValue::from_string(draft.gold.clone()).unwrap();
        assert_eq!(canonical_answer(&raw, &schema, AbsentFields::Omitted), draft.gold);
        // With every field written: valid by the schema of what is written, and the same without the nulls.
        let written = canonical_answer(&raw, &schema, AbsentFields::Null);
        let id = format!("{} filled", draft.tree.id);
        let filled = validators
            .entry(id)
            .or_insert_with(|| jsonschema::draft202012::new(&AbsentFields::Null.schema(&schema)).unwrap());
        assert!(filled.is_valid(&serde_json::from_str(&written).unwrap()), "{}: {written}", draft.tree.id);
        assert_eq!(without_absent(&written, &schema, AbsentFields::Null), draft.gold);
        absent += written.matches(":null").count();
    };
    drafts(450, true, &mut check);
    drafts(300, false, &mut check);
    assert!(absent > 100, "{absent} absent fields");
}

/// Kendall's tau between the schema's order and the text's order of the leaves, mean per style.
#[test]
fn the_order_of_mention_does_not_tell_the_field() {
    let mut taus: BTreeMap<(Level, &str), Vec<f64>> = BTreeMap::new();
    drafts(4_500, true, |level, draft| {
        let mut all = Vec::new();
        leaves(&draft.group, &mut all);
        let places: BTreeMap<&str, usize> = draft
            .told
            .mentions
            .iter()
            .filter(|m| draft.told.text.matches(m.shown.as_str()).count() == 1)
            .filter_map(|m| Some((m.path.as_str(), draft.told.text.find(&m.shown)?)))
            .collect();
        let order: Vec<_> = all.iter().filter_map(|l| places.get(l.path.as_str())).collect();
        let (mut up, mut down) = (0.0, 0.0);
        for i in 0..order.len() {
            for j in i + 1..order.len() {
                if order[i] < order[j] { up += 1.0 } else { down += 1.0 }
            }
        }
        if up + down > 0.0 {
            taus.entry((level, draft.style.name())).or_default().push((up - down) / (up + down));
        }
    });
    assert_eq!(taus.len(), 21);
    for (key, values) in taus {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        // Array elements keep their order, so complex items lean a little towards the schema's.
        let most = if key.0 == Level::Complex { 0.25 } else { 0.15 };
        assert!(mean.abs() < most, "{key:?}: {mean} over {}", values.len());
    }
}

#[test]
fn texts_have_the_length_of_their_level() {
    let mut words: BTreeMap<Level, Vec<usize>> = BTreeMap::new();
    drafts(1_500, false, |level, draft| {
        words.entry(level).or_default().push(draft.told.text.split_whitespace().count())
    });
    for (level, words) in words {
        let mean = words.iter().sum::<usize>() / words.len();
        let range = match level {
            Level::Simple => 25..=60,
            Level::Medium => 60..=120,
            Level::Complex => 110..=250,
        };
        assert!(range.contains(&mean), "{level}: {mean}");
    }
}
