//! Is an invented function told by its texts and by nothing of the catalogue, and can two of a set be told apart?

use std::collections::{BTreeMap, BTreeSet};

use super::super::plan::Plan;
use super::*;

fn config(seed: u64) -> GenerateConfig {
    GenerateConfig { seed, train: 1_500, tool_sets: 150, ..Default::default() }
}

#[test]
fn names_are_no_names_of_the_catalogue_and_devices_held_out_have_no_others() {
    for seed in 1..=2 {
        let plan = Plan::new(&config(seed)).unwrap();
        let offered =
            plan.training.iter().chain(&plan.training_invented).chain(&plan.test_seen).chain(&plan.test_unseen);
        let known: BTreeSet<&str> = offered
            .flat_map(|o| &o.tools)
            .filter(|t| t.function < plan.functions.len())
            .map(|t| t.name.as_str())
            .chain(plan.functions.iter().map(|f| f.name.as_str()))
            .collect();
        let held: BTreeSet<&str> =
            plan.functions.iter().filter(|f| f.held_out).flat_map(|f| f.name.split('_').skip(1)).collect();
        let mut distinct = BTreeSet::new();
        assert!(plan.training_invented.len() > 590);
        for offer in &plan.training_invented {
            let own: Vec<&Tool> = offer.tools.iter().filter(|t| t.function >= plan.functions.len()).collect();
            assert!(!own.is_empty(), "{}", offer.id);
            let names: BTreeSet<&str> = offer.tools.iter().map(|t| t.name.as_str()).collect();
            assert_eq!(names.len(), offer.tools.len(), "{}", offer.id);
            let numbers = own.iter().map(|t| t.function).chain(offer.decoys.iter().copied());
            let groups: Vec<&str> = numbers.map(|n| plan.function(n).group.as_str()).collect();
            assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "{groups:?}");
            for tool in own {
                assert!(!known.contains(tool.name.as_str()), "{}", tool.name);
                distinct.insert(plan.function(tool.function).name.as_str());
                let noun = plan.function(tool.function).group.split(' ').nth(1).unwrap();
                assert!(!held.contains(noun), "{}", tool.name);
                let parameters: BTreeSet<&str> = tool.parameters.iter().map(|(n, _)| n.as_str()).collect();
                assert_eq!(parameters.len(), tool.parameters.len(), "{tool:?}");
            }
        }
        assert!(distinct.len() > 500, "{}", distinct.len());
    }
}

#[test]
fn no_thing_is_a_device_of_the_catalogue() {
    let plan = Plan::new(&config(1)).unwrap();
    let devices: BTreeSet<&str> = plan.functions.iter().flat_map(|f| f.name.split('_').skip(1)).collect();
    for noun in NOUNS {
        for says in noun.says.split('|') {
            assert!(says.split([' ', '-']).all(|word| !devices.contains(word)), "{says}");
        }
    }
    assert!(SHARED_NOUNS.iter().all(|n| devices.contains(n.says)));
}

#[test]
fn every_template_names_the_thing_and_has_a_place_for_every_value() {
    let plan = Plan::new(&config(2)).unwrap();
    let mut rng = seed::rng(1, "templates");
    let maker = Maker { config: &config(2), catalogue: &plan.functions, functions: Vec::new() };
    for noun in NOUNS.iter().chain(SHARED_NOUNS) {
        let thing = Thing { noun, says: noun.says.split('|').map(str::to_owned).collect() };
        let deeds = deeds_of(&thing);
        assert!(deeds.len() > 1, "{}", noun.says);
        for deed in deeds {
            let Some((known, tool)) = maker.function(&deed, 80, &mut rng) else { continue };
            assert_eq!(tool.parameters.len(), known.parameters.len());
            assert!(known.templates.len() >= 6);
            for template in &known.templates {
                let mut slots: Vec<usize> = template.slots().collect();
                slots.sort_unstable();
                assert_eq!(slots, (0..known.parameters.len()).collect::<Vec<_>>(), "{template:?}");
                assert_eq!(template.droppable().count(), slots.len(), "{template:?}");
                let text = template.tell(&vec![None; slots.len()], &mut rng).written(&mut rng).to_lowercase();
                let named = |s: &String| text.contains(s) || text.contains(&plural(s));
                assert!(thing.says.iter().any(named), "{text}");
                assert!(deed.property.is_none_or(|p| text.contains(p.name)), "{text}");
                assert!(!text.contains(['<', '>', '{']), "{text}");
            }
        }
    }
}

#[test]
fn what_is_said_for_one_deed_is_said_for_no_other() {
    let plan = Plan::new(&config(3)).unwrap();
    let mut rng = seed::rng(2, "templates");
    let maker = Maker { config: &config(3), catalogue: &plan.functions, functions: Vec::new() };
    for noun in NOUNS {
        let thing = Thing { noun, says: vec![noun.says.split('|').next().unwrap().to_owned()] };
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        for deed in deeds_of(&thing) {
            let Some((known, _)) = maker.function(&deed, 80, &mut rng) else { continue };
            for template in &known.templates {
                for _ in 0..8 {
                    let told = template.tell(&vec![None; known.parameters.len()], &mut rng);
                    let text: String = told.parts.into_iter().map(|(t, _)| t).collect();
                    let before = said.insert(text.trim().to_owned(), known.group.clone());
                    assert!(before.is_none_or(|b| b == known.group), "{text}: {}", known.group);
                }
            }
        }
    }
}
