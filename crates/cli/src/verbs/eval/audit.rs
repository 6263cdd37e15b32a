//! `bantam eval audit`: what is wrong with a data set before anything is measured on it?

use std::fmt::Write;

use bantam_core::{Error, Result, files};
use bantam_data::edge_json::Share;
use bantam_data::schemas::SchemaSet;
use bantam_eval::audit::{Report, audit, read};

use crate::arguments::AuditArguments;
use crate::output::Output;

/// Reads, audits, writes, prints.
pub fn run(arguments: &AuditArguments, output: &Output) -> Result<()> {
    let data = read(&arguments.data, arguments.split.as_deref())?;
    let train = arguments.train.as_ref().map(|train| read(train, arguments.train_split.as_deref())).transpose()?;
    let schemas = arguments.schemas.as_ref().map(|dir| SchemaSet::load(dir)).transpose()?;
    let report = audit(&data, train.as_ref(), schemas.as_ref());
    if let Some(path) = &arguments.out {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Error::internal("audit", e))? + "\n";
        files::write(path, json.as_bytes())?;
    }
    output.text(&for_people(&report))?;
    output.object(&report)
}

fn for_people(report: &Report) -> String {
    let mut text = format!("{} items of {} ({})\n", report.n, report.data.name, report.format);
    let mut row = |what: &str, share: &Share| {
        let _ = writeln!(text, "{what:<58} {:>6} of {:<7} {:>5.1} %", share.count, share.of, 100.0 * share.rate);
    };
    row("texts that an earlier item has", &report.duplicate_texts);
    row("  but for case, punctuation and spaces", &report.normalized_duplicates);
    row("texts that also stand with another gold", &report.contradictions);
    if let Some(golds) = &report.golds {
        row("golds that fail their schema", &golds.invalid);
        row("items without a schema that compiles", &golds.without_schema);
    }
    if let Some(train) = &report.train {
        row("texts that training has", &train.duplicate_texts);
        row("  but for case, punctuation and spaces", &train.normalized_duplicates);
        row("  and never with this gold", &train.contradictions);
        row("items that share 13 words in a row with training", &train.items_sharing_13_words);
        row("13-word runs that training has", &train.shared_13_word_runs);
        row("golds that training has", &train.duplicate_golds);
        row("distinct values that training golds have", &train.shared_values);
        row("items all of whose values training golds have", &train.items_with_all_values_seen);
        row("items whose schema or intent training has", &train.items_with_seen_schema);
        row("schemas or intents that training has", &train.shared_schemas);
        if let Some(same) = &train.schemas_of_same_structure {
            row("schemas that training has under some name", same);
        }
    }
    if let Some(unstated) = &report.unstated {
        row("items with a value that the text does not state", &unstated.items);
        for (field, share) in unstated.by_field.iter().filter(|(_, share)| share.count > 0) {
            row(&format!("  in {field}"), share);
        }
    }
    for (name, rule) in &report.rules {
        let e = &rule.exact;
        let _ = writeln!(text, "rule `{name}`: {e} exact: {}", rule.words);
        for (level, e) in &rule.by_level {
            let _ = writeln!(text, "  {level}: {e} of {}", e.n);
        }
    }
    for [id, first] in &report.duplicate_examples {
        let _ = writeln!(text, "duplicate: {id} has the text of {first}");
    }
    for contradiction in &report.contradiction_examples {
        let golds: Vec<String> =
            contradiction.golds.iter().map(|(gold, ids)| format!("{gold} ({})", ids.join(", "))).collect();
        let _ = writeln!(text, "contradiction: {:?}: {}", contradiction.text, golds.join(" or "));
    }
    for [id, reason] in report.golds.iter().flat_map(|g| &g.examples) {
        let _ = writeln!(text, "invalid gold: {id}: {reason}");
    }
    text
}
