//! How does a text with an intent become an extraction item, so that one trainer serves both?
//!
//! The answer is `{"intent":"name"}`, and `{"intent":"name","slots":{...}}` where the taxonomy has slots. The schema
//! lists the labels and is called as the taxonomy, so that a prompt may tell it by name alone.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{IntentItem, Taxonomy};
use crate::item::{self, Item};

/// The schema of an answer: the labels in the taxonomy's order, then its slots.
pub fn schema(taxonomy: &Taxonomy) -> Value {
    let labels: Vec<&str> = taxonomy.labels().collect();
    let mut properties = Map::new();
    properties.insert("intent".to_owned(), json!({"type": "string", "enum": labels}));
    let slots = taxonomy.slots();
    let mut required = vec!["intent"];
    if !slots.is_empty() {
        let of = |values: &[String]| match values {
            [] => json!({"type": "string"}),
            values => json!({"type": "string", "enum": values}),
        };
        let slots: Map<String, Value> = slots.iter().map(|s| (s.name.clone(), of(&s.values))).collect();
        properties
            .insert("slots".to_owned(), json!({"type": "object", "properties": slots, "additionalProperties": false}));
        required.push("slots");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": taxonomy.name,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The answer to a text as compact JSON, slots in the taxonomy's order.
pub fn answer(item: &IntentItem, taxonomy: &Taxonomy) -> String {
    let mut answer = Map::new();
    answer.insert("intent".to_owned(), json!(item.intent));
    let slots = taxonomy.slots();
    if !slots.is_empty() {
        let stated = slots.iter().filter_map(|s| Some((s.name.clone(), json!(item.slots.get(&s.name)?))));
        answer.insert("slots".to_owned(), Value::Object(stated.collect()));
    }
    Value::Object(answer).to_string()
}

/// The extraction item of a text.
///
/// # Errors
/// Internal, should the answer not be JSON.
pub fn item(item: &IntentItem, taxonomy: &Taxonomy) -> Result<Item> {
    let gold = answer(item, taxonomy);
    Ok(Item {
        id: item.id.clone(),
        schema_id: taxonomy.name.clone(),
        complexity: None,
        source: None,
        teacher: None,
        style: item.kind.clone(),
        split: item.split.clone(),
        schema_seen: None,
        templates_seen: item.template_seen,
        templates: item.template.iter().cloned().collect(),
        prompt: item.text.clone(),
        expected_output: RawValue::from_string(gold).map_err(|e| Error::internal("intent answer", e))?,
    })
}

/// Writes `dir`, whole or not at all: for each of `splits` the extraction items `<name>.jsonl` and the texts
/// `intents/<name>.jsonl`; `schemas/<taxonomy>.json` and `taxonomy.json`; and what `more` adds.
///
/// # Errors
/// An input error when the folder cannot be written.
pub fn write(
    dir: &Path,
    taxonomy: &Taxonomy,
    splits: &[(&str, &[IntentItem])],
    more: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let pretty = |value: &Value| format!("{value:#}\n");
    files::write_dir(dir, |dir| {
        files::create_dir(&dir.join("intents"))?;
        files::create_dir(&dir.join("schemas"))?;
        for (name, texts) in splits {
            let items: Vec<Item> = texts.iter().map(|text| item(text, taxonomy)).collect::<Result<_>>()?;
            item::write_jsonl(&dir.join(format!("{name}.jsonl")), &items)?;
            super::item::write_jsonl(&dir.join(format!("intents/{name}.jsonl")), texts)?;
        }
        files::write(&dir.join(format!("schemas/{}.json", taxonomy.name)), pretty(&schema(taxonomy)).as_bytes())?;
        let taxonomy = serde_json::to_value(taxonomy).map_err(|e| Error::internal("taxonomy", e))?;
        files::write(&dir.join("taxonomy.json"), pretty(&taxonomy).as_bytes())?;
        more(dir)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::absent_fields::AbsentFields;
    use crate::prompt::{Reading, SchemaInPrompt, answer_text, prompt_text};
    use crate::schemas::SchemaSet;

    fn taxonomy(text: &str) -> Taxonomy {
        Taxonomy::parse_json("t", text).unwrap()
    }

    fn text(line: &str, taxonomy: &Taxonomy) -> IntentItem {
        super::super::item::parse_jsonl("f", line.as_bytes(), taxonomy).unwrap().remove(0)
    }

    #[test]
    fn a_bare_taxonomy_is_answered_by_a_label_alone() {
        let t = taxonomy(r#"{"name":"clinc150","out_of_scope":"oos","intents":[{"name":"a b"},{"name":"b"}]}"#);
        let made = item(&text(r#"{"id":"1","text":"x","intent":"a b"}"#, &t), &t).unwrap();
        let schema = schema(&t);
        assert_eq!(answer_text(&made, &schema, AbsentFields::Omitted), r#"{"intent":"a b"}<|end|>"#);
        assert_eq!(
            prompt_text(&made, &schema, SchemaInPrompt::Name, Reading::Once),
            "<|system|>clinc150<|user|>x<|assistant|>"
        );
        assert_eq!(schema["properties"]["intent"]["enum"], json!(["a b", "b", "oos"]));
    }

    #[test]
    fn answers_with_slots_validate_and_come_in_the_taxonomy_s_order() {
        let t = taxonomy(
            r#"{"name":"t","intents":[{"name":"on","slots":[{"name":"room"},{"name":"level","values":["low","high"]}]},{"name":"off"}]}"#,
        );
        let schema = schema(&t);
        let valid = |line: &str| {
            let made = item(&text(line, &t), &t).unwrap();
            let value: Value = serde_json::from_str(made.expected_output.get()).unwrap();
            (
                jsonschema::validator_for(&schema).unwrap().is_valid(&value),
                answer_text(&made, &schema, AbsentFields::Omitted),
            )
        };
        let line = r#"{"id":"1","text":"x","intent":"on","slots":{"level":"low","room":"den"}}"#;
        assert_eq!(valid(line), (true, r#"{"intent":"on","slots":{"room":"den","level":"low"}}<|end|>"#.to_owned()));
        assert_eq!(valid(r#"{"id":"1","text":"x","intent":"off"}"#).1, r#"{"intent":"off","slots":{}}<|end|>"#);
        assert!(!valid(&line.replace("\"low\"", "\"mid\"")).0);
    }

    #[test]
    fn what_is_written_is_what_the_trainer_and_the_suite_read() {
        let t = taxonomy(r#"{"name":"t","intents":[{"name":"on"},{"name":"off"}]}"#);
        let one = text(r#"{"id":"1","text":"x","intent":"on","split":"train"}"#, &t);
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("d");
        write(&out, &t, &[("train", std::slice::from_ref(&one)), ("valid", &[])], |_| Ok(())).unwrap();
        assert_eq!(item::read_jsonl(&out.join("train.jsonl")).unwrap().len(), 1);
        assert_eq!(SchemaSet::load(&out.join("schemas")).unwrap().get("t").unwrap(), &schema(&t));
        let again = Taxonomy::load(&out.join("taxonomy.json")).unwrap();
        assert_eq!(again, t);
        assert_eq!(super::super::item::read_jsonl(&out.join("intents/train.jsonl"), &t).unwrap(), [one]);
    }
}
