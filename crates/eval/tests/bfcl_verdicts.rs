//! Verdicts on calls against bfcl-eval's (tests/reference/bfcl.py): on functions made up for it, and, where the files are
//! given, on every item of BFCL's single-turn categories.

use std::collections::HashMap;
use std::path::PathBuf;

use bantam_eval::function_call::bfcl::{Category, Gold, Item, judge, paths, read};
use bantam_eval::function_call::{Literal, json_calls, python};
use serde::Deserialize;
use serde_json::{Map, Value};

fn right(item: &Item, syntax: &str, output: &str, dots: bool) -> bool {
    let decoded = if syntax == "json" { json_calls::parse(output) } else { python::parse(output) };
    judge(item, output, &decoded, dots).right
}

#[derive(Deserialize)]
struct Judged {
    functions: Vec<Value>,
    golds: HashMap<String, Vec<Map<String, Value>>>,
    cases: Vec<(Category, String, bool, String, String, bool)>,
}

#[test]
fn calls_of_made_up_functions_are_judged_as_published() {
    let judged: Judged = serde_json::from_str(include_str!("data/bfcl_judged.json")).unwrap();
    let gold = |truth: &Map<String, Value>| {
        let (name, parameters) = truth.iter().next().unwrap();
        let values = |v: &Value| v.as_array().unwrap().iter().map(Literal::of_json).collect();
        let possible = parameters.as_object().unwrap().iter().map(|(n, v)| (n.clone(), values(v))).collect();
        Gold { name: name.clone(), possible }
    };
    assert!(judged.cases.len() > 300);
    let mut wrong = Vec::new();
    for (category, golds, dots, syntax, output, expected) in &judged.cases {
        let functions = match category {
            Category::Simple => judged.functions[..1].to_vec(),
            _ => judged.functions.iter().rev().cloned().collect(),
        };
        let golds = judged.golds[golds].iter().map(gold).collect();
        let item =
            Item { id: "i".into(), category: *category, file: String::new(), messages: Vec::new(), functions, golds };
        if right(&item, syntax, output, *dots) != *expected {
            wrong.push(format!("{category:?} {syntax} {output}: published {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), judged.cases.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    dots: bool,
    syntax: String,
    output: String,
    valid: bool,
}

#[test]
fn answers_to_the_published_items_are_judged_as_published() {
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(data), Some(answers)) = (given("BANTAM_BFCL"), given("BANTAM_BFCL_ANSWERS")) else {
        println!("skipped: BANTAM_BFCL and BANTAM_BFCL_ANSWERS name no files (tests/reference/bfcl.py says how)");
        return;
    };
    let mut items: HashMap<String, Item> = HashMap::new();
    for path in paths(&data).unwrap() {
        items.extend(read(&path).unwrap().into_iter().map(|item| (item.id.clone(), item)));
    }
    let (mut wrong, mut seen, mut count) = (Vec::new(), HashMap::new(), 0);
    for line in std::fs::read_to_string(answers).unwrap().lines() {
        let answer: Answer = serde_json::from_str(line).unwrap();
        let item = &items[&answer.id];
        count += 1;
        *seen.entry((item.category, answer.valid)).or_insert(0) += 1;
        if right(item, &answer.syntax, &answer.output, answer.dots) != answer.valid {
            wrong.push(format!("{} {}: published {}", answer.id, answer.output, answer.valid));
        }
    }
    println!("{count} answers to {} items: {seen:?}", items.len());
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
