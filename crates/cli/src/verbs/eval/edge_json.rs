//! `bantam eval edge-json`: score a model or predictions, beside the floors.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::prompt::SchemaInPrompt;
use bantam_eval::contamination::{self, Gap};
use bantam_eval::edge_json::legacy::{self, LegacyReport, Means};
use bantam_eval::edge_json::{Inputs, Shots, Suite, Track, absent_fields};
use bantam_eval::result::{SuiteResult, Table};
use bantam_eval::statistics::Difference;
use bantam_pipeline::evaluation::{self, summary};
use serde::Serialize;

use super::asked::{keep, source};
use crate::arguments::{EdgeJsonArguments, ToldArgument};
use crate::output::Output;

#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    result: &'a SuiteResult,
    result_file: PathBuf,
    samples_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    legacy_v3: Option<LegacyReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contamination: Option<Gap>,
}

/// Evaluates, writes, prints.
pub fn run(arguments: &EdgeJsonArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let source = source(&arguments.asked)?;
    let track = Track { absent: absent_fields(&source)?, ..track(arguments) };
    let load = |data: &Path, schemas: &Path| -> Result<Suite> {
        Suite::load(Inputs { data, schemas, limit: arguments.asked.limit })?.on(track)
    };
    // Both before anything is decoded: an hour of work must not end at a broken file.
    let suite = load(&arguments.data, &arguments.schemas)?;
    let fresh_schemas = arguments.fresh_schemas.as_deref().unwrap_or(&arguments.schemas);
    let fresh = arguments.fresh_data.as_deref().map(|data| load(data, fresh_schemas)).transpose()?;
    let evaluate = |suite: &Suite| evaluation::evaluate(suite, &source, keep(&arguments.asked), progress, summary);
    let written = evaluate(&suite)?;
    let (result, result_file) = (&written.evaluation.result, written.result_file);
    let mut text = for_people(result);
    let legacy_v3 = arguments.legacy_v3.then(|| legacy::report(&written.evaluation.samples)).transpose()?;
    if let Some(report) = &legacy_v3 {
        write(&result_file.with_extension("legacy-v3.json"), report)?;
        text += &legacy_for_people(report);
    }
    let contamination = match &fresh {
        None => None,
        Some(fresh) => {
            let gap = contamination::gap(&written.evaluation, &evaluate(fresh)?.evaluation)?;
            write(&result_file.with_extension("contamination.json"), &gap)?;
            text += &gap_for_people(&gap);
            Some(gap)
        }
    };
    output.text(&format!("{text}{}", result_file.display()))?;
    let samples_file = written.samples_file;
    output.object(&Evaluated { result, result_file, samples_file, legacy_v3, contamination })
}

fn track(arguments: &EdgeJsonArguments) -> Track<'_> {
    let told = match arguments.schema_in_prompt {
        ToldArgument::Signature => SchemaInPrompt::Signature,
        ToldArgument::Name => SchemaInPrompt::Name,
        ToldArgument::None => SchemaInPrompt::None,
    };
    let shots = arguments.shots.zip(arguments.shots_from.as_deref());
    let shots = shots.map(|(count, from)| Shots { count, from, seed: arguments.shots_seed });
    Track { told, shots, verbatim: arguments.verbatim, ..Track::default() }
}

fn write(path: &Path, report: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(report).map_err(|e| Error::internal("report", e))?;
    text.push(b'\n');
    files::write(path, &text)
}

fn legacy_for_people(report: &LegacyReport) -> String {
    let mut text = String::new();
    for (name, means) in [("published scoring", &report.published), ("corrected scoring", &report.corrected)] {
        let Means { json_exact, field_f1, schema_compliance, .. } = means;
        let _ = writeln!(
            text,
            "{name}: JSONExact {json_exact:.3}, FieldF1 {field_f1:.3}, SchemaCompliance {schema_compliance:.3}"
        );
    }
    let _ = writeln!(
        text,
        "answers the published scorer lost: {}; verdicts that differ: {}",
        report.answers_lost,
        report.flips.len()
    );
    for flip in report.flips.iter().take(10) {
        let _ = writeln!(
            text,
            "  {} {}: published {}, corrected {}: {}",
            flip.id, flip.metric, flip.published, flip.corrected, flip.why
        );
    }
    text
}

fn gap_for_people(gap: &Gap) -> String {
    let of = |name: &str, d: &Difference| format!("{name} {:+.3} [{:+.3}, {:+.3}]", d.value, d.low, d.high);
    let differences = [of("JSONExact", &gap.gap.json_exact), of("FieldF1", &gap.gap.field_f1)].join(", ");
    format!("contamination gap, {} published minus {} fresh items: {differences}\n", gap.published.n, gap.fresh.n)
}

/// Overall and by level, the floors below.
fn for_people(result: &SuiteResult) -> String {
    let mut text = format!("{} of {} on {} items\n", result.suite, result.model, result.n);
    let _ = writeln!(
        text,
        "{:<22} {:>6}  JSONExact             FieldF1               SchemaCompliance  WrongValid",
        "", "n"
    );
    let mut row = |name: &str, table: &Table| {
        let _ = writeln!(
            text,
            "{name:<22} {:>6}  {:<20}  {:<20}  {:<16.3}  {:.3}",
            table.json_exact.n,
            table.json_exact,
            table.field_f1,
            table.schema_compliance.value,
            table.wrong_valid.value,
        );
    };
    row("overall", &result.tables.overall);
    for (level, table) in &result.tables.by_level {
        row(level, table);
    }
    for (name, floor) in &result.floors {
        row(&format!("floor: {name}"), &floor.overall);
        for (level, table) in &floor.by_level {
            row(&format!("floor: {name}, {level}"), table);
        }
    }
    text
}
