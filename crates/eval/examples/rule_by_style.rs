//! What does the schema-guided rule score in every style and level, and how long are the items there?
//! `cargo run -p bantam-eval --example rule_by_style -- ITEMS.jsonl SCHEMAS`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bantam_core::Error;
use bantam_data::absent_fields::AbsentFields;
use bantam_data::item;
use bantam_data::prompt::{canonical_answer, schema_signature};
use bantam_data::schemas::SchemaSet;
use bantam_eval::{floors, json, metrics};

/// Sums over items: count, exact answers, FieldF1, bytes of text, signature and answer.
type Sums = [f64; 6];

fn main() -> bantam_core::Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(items), Some(schemas)) = (arguments.next(), arguments.next()) else {
        return Err(Error::input("arguments", "two are needed", "name the items and the schema folder"));
    };
    let (items, schemas) = (item::read_jsonl(&items)?, SchemaSet::load(&schemas)?);
    let mut rows: BTreeMap<String, Sums> = BTreeMap::new();
    for item in &items {
        let schema = schemas.get(&item.schema_id)?;
        let gold =
            json::parse(item.expected_output.get()).map_err(|e| Error::input(&item.id, format!("{e:?}"), "mend it"))?;
        let answer = floors::rule(&item.prompt, schema);
        let exact = f64::from(u8::from(answer == gold));
        let bytes = [
            item.prompt.len(),
            schema_signature(schema).len(),
            canonical_answer(&item.expected_output, schema, AbsentFields::Omitted).len(),
        ];
        let style = item.style.as_deref().unwrap_or("no style");
        let level = item.complexity.map_or("no level", |l| l.name());
        let seen = item.schema_seen.map_or("", |s| if s { ", seen schemas" } else { ", unseen schemas" });
        for key in
            ["all".to_owned(), style.to_owned(), level.to_owned(), format!("{style} {level}"), format!("all{seen}")]
        {
            let row = rows.entry(key).or_default();
            let values =
                [1.0, exact, metrics::field_f1(&answer, &gold), bytes[0] as f64, bytes[1] as f64, bytes[2] as f64];
            row.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
    println!(
        "| items | n | rule exact % | rule FieldF1 % | text bytes | signature bytes | answer bytes |\n|---|---|---|---|---|---|---|"
    );
    for (key, [n, exact, f1, text, signature, answer]) in rows {
        println!(
            "| {key} | {n} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
            100.0 * exact / n,
            100.0 * f1 / n,
            text / n,
            signature / n,
            answer / n
        );
    }
    Ok(())
}
