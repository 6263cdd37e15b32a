//! An audit finds what was put into the data, and nothing in data without faults.

use std::path::{Path, PathBuf};

use bantam_data::schemas::SchemaSet;
use bantam_eval::audit::{Report, audit, normalized, read};
use serde_json::json;

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn item(id: &str, schema: &str, prompt: &str, gold: &str) -> String {
    format!(
        r#"{{"id":"{id}","schema_id":"{schema}","complexity":"simple","prompt":"{prompt}","expected_output":{gold}}}"#
    )
}

fn schemas() -> SchemaSet {
    let mut set = SchemaSet::default();
    let order = |title: &str| {
        json!({"title": title, "type": "object", "properties": {"title": {"type": "string"}, "n": {"type": "integer"},
        "kind": {"enum": ["x", "y"]}}, "required": ["n"]})
    };
    set.insert("order", order("An order"));
    set.insert("bill", order("A bill"));
    set.insert("other", json!({"type": "object", "properties": {"name": {"type": "string"}}}));
    set
}

fn items() -> Report {
    let dir = tempfile::tempdir().unwrap();
    let words = "one two three four five six seven eight nine ten eleven twelve thirteen";
    let data = [
        item("a", "bill", "Title: Nut\\nN: 4", r#"{"title":"Nut","n":4}"#),
        item("b", "bill", "Title: Nut\\nN: 4", r#"{"n":4.0,"title":"Nut"}"#), // letter for letter, the same gold
        item("c", "bill", "title: nut! N 4", r#"{"title":"nut","n":4}"#),     // normalized, another gold
        item("d", "other", &format!("so {words} fourteen"), r#"{"name":"Zed"}"#),
        item("e", "other", "no number here", r#"{"name":5}"#), // fails its schema
        item("f", "lost", "nothing", "{}"),
        item("g", "bill", "kind of x, 9", r#"{"kind":"x","n":9}"#),
    ];
    let train = [
        item("t1", "order", "Title: nut, N: 4", r#"{"n":7}"#), // contradicts a, b and c
        item("t2", "order", &format!("well {} end", words.to_uppercase()), r#"{"title":"Zed","kind":"x"}"#),
        item("t3", "other", "no number here", r#"{"name":5}"#),
    ];
    let data = read(&write(dir.path(), "data.jsonl", &data.join("\n")), None).unwrap();
    let train = read(&write(dir.path(), "train.jsonl", &train.join("\n")), None).unwrap();
    audit(&data, Some(&train), Some(&schemas()))
}

#[test]
fn values_that_texts_do_not_state_are_counted_and_cues_answer() {
    let dir = tempfile::tempdir().unwrap();
    let say = |i: usize| match i % 4 {
        0 => ("a cosy pub in town", r#"{"kind":"x"}"#),
        1 => ("families are welcome here", r#"{"kind":"y"}"#),
        2 => ("by the river you can eat", r#"{"title":"river"}"#),
        _ => ("nothing to say", "{}"),
    };
    let train: Vec<String> = (0..40).map(|i| item(&format!("t{i}"), "bill", say(i).0, say(i).1)).collect();
    let data = [
        item("a", "bill", "a pub, so cosy", r#"{"kind":"x"}"#),
        item("b", "bill", "for families, by the river", r#"{"kind":"y","title":"river"}"#),
        item("c", "bill", "it is here", r#"{"kind":"y","title":"river"}"#), // `here` is a cue for y; no river
        item("d", "bill", "an unknown name: Zed", r#"{"title":"Zed"}"#),    // not judged: training has no Zed
        item("e", "other", "a pub", r#"{"kind":"x"}"#),                     // another schema's cue
    ];
    let data = read(&write(dir.path(), "data.jsonl", &data.join("\n")), None).unwrap();
    let train = read(&write(dir.path(), "train.jsonl", &train.join("\n")), None).unwrap();
    let report = audit(&data, Some(&train), Some(&schemas()));
    let unstated = report.unstated.unwrap();
    assert_eq!((unstated.items.count, unstated.items.of), (1, 3));
    let of = |field: &str| (unstated.by_field[field].count, unstated.by_field[field].of);
    assert_eq!((of("kind"), of("title")), ((0, 3), (1, 2)));
    assert_eq!(unstated.examples, [["c".to_owned(), "title".to_owned()]]);
    let rule = &report.rules["keywords"].exact;
    assert_eq!((rule.value, rule.n), (0.4, 5)); // a and b
    assert!(audit(&data, None, Some(&schemas())).unstated.is_none());
}

#[test]
fn every_fault_of_items_is_counted() {
    let report = items();
    assert_eq!((report.format, report.n), ("items", 7));
    assert_eq!(report.duplicate_texts.count, 1);
    assert_eq!(report.normalized_duplicates.count, 2);
    assert_eq!(report.duplicate_examples, [["b", "a"], ["c", "a"]]);
    assert_eq!(report.contradictions.count, 3);
    assert_eq!(report.contradiction_examples[0].golds.len(), 2, "4 and 4.0 are one gold");
    let golds = report.golds.unwrap();
    assert_eq!((golds.invalid.count, golds.without_schema.count), (1, 1));
    assert_eq!(golds.examples[0][0], "e");
    // a and b: "N 4" is no "Key: value", and f's schema is not there.
    assert_eq!((report.rules["copy"].exact.value * 7.0).round(), 2.0);
}

#[test]
fn what_training_gives_away_is_counted() {
    let report = items();
    let train = report.train.unwrap();
    assert_eq!((train.n, train.duplicate_texts.count, train.normalized_duplicates.count), (3, 1, 4));
    assert_eq!(train.contradictions.count, 3);
    assert_eq!(train.examples, ["a", "b", "c", "e"]);
    assert_eq!((train.items_sharing_13_words.count, train.shared_13_word_runs.count), (1, 1));
    assert_eq!((train.shared_13_word_runs.of, train.duplicate_golds.count), (3, 1));
    // Values: "Nut", "nut", 4, "Zed", 5, 9 (x is an enum's); training has 7, "Zed", 5.
    assert_eq!((train.shared_values.count, train.shared_values.of), (2, 6));
    assert_eq!((train.items_with_all_values_seen.count, train.items_with_all_values_seen.of), (2, 6));
    // `bill` is `order` under another title; `lost` has no schema.
    let same = train.schemas_of_same_structure.unwrap();
    assert_eq!((train.items_with_seen_schema.count, train.shared_schemas.count, same.count, same.of), (2, 1, 2, 3));
    assert_eq!((report.rules["look_up"].exact.value * 7.0).round(), 1.0);
}

#[test]
fn intent_files_are_read_as_published() {
    let dir = tempfile::tempdir().unwrap();
    let clinc = r#"{"train":[["set an alarm","alarm"],["Play music.","play_music"]],"val":[["play MUSIC","alarm"],["please play some music","play_music"]]}"#;
    let path = write(dir.path(), "data.json", clinc);
    let (val, train) = (read(&path, Some("val")).unwrap(), read(&path, Some("train")).unwrap());
    let report = audit(&val, Some(&train), None);
    assert_eq!((report.format, report.n), ("clinc150", 2));
    let overlap = report.train.unwrap();
    assert_eq!(
        (overlap.normalized_duplicates.count, overlap.contradictions.count, overlap.duplicate_texts.count),
        (1, 1, 0)
    );
    assert_eq!((overlap.items_with_seen_schema.count, overlap.schemas_of_same_structure), (2, None));
    assert_eq!(report.rules["copy"].exact.value, 0.5);
    assert!(report.golds.is_none());

    let banking = write(
        dir.path(),
        "train.csv",
        "text,category\nWhere, is my card?,card\nHow much?,fee\n"
            .replace("Where, is", "\"Where, is")
            .replace("card?,", "card?\",")
            .as_str(),
    );
    assert_eq!(read(&banking, None).unwrap().format, "banking77");
    let lines =
        write(dir.path(), "i.jsonl", r#"{"id":"1","text":"lights on","intent":"lights","slots":{"room":"hall"}}"#);
    let intents = read(&lines, None).unwrap();
    assert_eq!((intents.format, intents.items[0].values(None)), ("intents", vec!["hall".to_owned()]));
}

#[test]
fn what_is_no_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text, split) in [
        ("a.jsonl", "", None),
        ("b.jsonl", "{\"id\":1}", None),
        ("c.json", "{\"train\":[[\"a\"]]}", None),
        ("d.json", "[", None),
        ("e.csv", "a,b\n1,2\n", None),
        ("f.json", "{\"train\":[[\"a\",\"b\"]]}", Some("test")),
        ("g.jsonl", "{\"id\":\"1\",\"schema_id\":\"s\",\"prompt\":\"p\",\"expected_output\":{\"a\":1,\"a\":2}}", None),
    ] {
        let error = read(&write(dir.path(), name, text), split).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(name), "{error}");
    }
    assert_eq!(normalized("  Größe—42: \"OK\"!"), "größe 42 ok");
}
