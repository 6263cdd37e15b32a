//! The report as Markdown, for reading in a terminal or a code host; its pictures are files beside it.

use std::fmt::Write;

use bantam_eval::result::Mode;

use crate::curves;
use crate::input::ReportInput;
use crate::numbers::{bytes, percent, points, short_hash, thousands};
use crate::samples::{Fate, choose, difference};
use crate::scores::{self, DataSet, METRICS, ScoreTable};
use crate::values::{brief_lineage, brief_overlap, flat, pretty, protocol_rows, shortened};

/// Text shown of one output; the samples file has all of it.
const MOST: usize = 1_500;

/// The whole document.
pub fn render(input: &ReportInput, pictures: &[(String, String)]) -> String {
    let sets = scores::data_sets(input);
    let mut out = format!("# {}\n\n{}\n\n## What was built\n", plain(&input.name), plain(&input.summary));
    for table in &input.facts {
        let _ = write!(out, "\n### {}\n\n", plain(&table.title));
        rows(&mut out, table.rows.iter().map(|(a, b)| (a.as_str(), b.as_str())));
    }
    if !input.artifacts.is_empty() {
        out.push_str("\n### Files\n\n| File | What | Size | SHA-256 |\n|---|---|---|---|\n");
        for f in &input.artifacts {
            let (path, what) = (plain(&f.path), plain(&f.what));
            let _ = writeln!(out, "| {path} | {what} | {} | `{}` |", bytes(f.bytes), plain(&short_hash(&f.sha256)));
        }
    }
    out.push_str("\n## Training\n\n");
    for (curve, (file, _)) in curves::curves(input).iter().zip(pictures) {
        let _ = write!(out, "![{}]({file})\n\n{}: {}.\n\n", curve.title, curve.title, curves::in_words(curve));
    }
    if pictures.is_empty() {
        out.push_str("No training points were logged for this run.\n\n");
    }
    out.push_str("## Results\n\n");
    out.push_str("In percent, with 95 % intervals in brackets. Floors need no model: *rule* reads \"Key: value\" with the schema in hand, \
        *empty* answers with an empty object. ▲ marks a score whose whole interval is better than every floor's. WrongValid \
        counts answers that the schema accepts and that are wrong: lower is better.\n");
    for set in &sets {
        let name = plain(&set.name);
        let _ = write!(out, "\n### {name}: {} items (data `{}`)\n", thousands(set.n as u64), short_hash(&set.sha256));
        set.tables.iter().for_each(|table| score_table(&mut out, set, table));
        paired(&mut out, set);
    }
    if sets.is_empty() {
        out.push_str("\nNothing was evaluated in this run.\n");
    }
    samples(&mut out, &sets);
    protocol(&mut out, &sets);
    out.push_str("\n## Overlap of training and test data\n\n");
    match &input.overlap {
        Some(overlap) => rows(&mut out, flat(&brief_overlap(overlap)).iter().map(|(a, b)| (a.as_str(), b.as_str()))),
        None => out.push_str("Not measured in this run.\n"),
    }
    out.push_str("\n## Lineage\n\n");
    rows(&mut out, flat(&brief_lineage(&input.lineage)).iter().map(|(a, b)| (a.as_str(), b.as_str())));
    out
}

fn rows<'a>(out: &mut String, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(out, "| {} | {} |", plain(name), plain(value));
    }
}

fn score_table(out: &mut String, set: &DataSet<'_>, table: &ScoreTable) {
    let _ = write!(out, "\n#### {}\n\n| Group | n | Metric |", table.title);
    set.columns.iter().for_each(|c| out.push_str(&format!(" {} |", plain(&c.label))));
    let _ = writeln!(out, "\n|---|---|---|{}", "---|".repeat(set.columns.len()));
    for group in &table.groups {
        for &metric in &table.metrics {
            let _ = write!(out, "| {} | {} | {} |", plain(&group.label), group.n, METRICS[metric].0);
            for cell in &group.cells[metric] {
                let e = cell.estimate;
                let mark = if cell.beats_floors { " ▲" } else { "" };
                let _ = write!(out, " {} [{}, {}]{mark} |", percent(e.value), percent(e.low), percent(e.high));
            }
            out.push('\n');
        }
    }
}

fn paired(out: &mut String, set: &DataSet<'_>) {
    let rows = scores::paired_rows(set);
    if rows.is_empty() {
        return;
    }
    out.push_str("\n#### Differences on the same items, percentage points\n\n| Comparison |");
    METRICS.iter().for_each(|(name, _)| out.push_str(&format!(" {name} |")));
    out.push_str("\n|---|---|---|---|---|\n");
    for row in rows {
        let _ = write!(out, "| {} |", plain(&row.label));
        for (d, (_, more_is_better)) in row.differences.iter().zip(METRICS) {
            let verdict = scores::verdict(d, more_is_better);
            let _ = write!(out, " {} [{}, {}], {verdict} |", points(d.value), points(d.low), points(d.high));
        }
        out.push('\n');
    }
}

fn samples(out: &mut String, sets: &[DataSet<'_>]) {
    out.push_str("\n## Sample items\n");
    let Some(set) = sets.first() else { return };
    let chosen = set.evaluations.iter().position(|e| e.result.protocol.mode == Mode::Constrained).unwrap_or(0);
    let all = &set.evaluations[chosen].samples;
    let (good, bad) = choose(all);
    for i in good.into_iter().chain(bad) {
        let sample = &all[i];
        let (id, level, style) = (plain(&sample.id), plain(&sample.level), plain(&sample.style));
        let _ = write!(out, "\n### {id}\n\n{level}, {style}, schema {}\n\nText:\n\n", plain(&sample.schema_id));
        block(out, &shortened(&sample.prompt, MOST), "");
        out.push_str("\nGold:\n\n");
        block(out, &shortened(&pretty(sample.gold.get()), MOST), "json");
        for (column, evaluated) in set.columns.iter().zip(&set.evaluations) {
            let Some(other) = evaluated.samples.iter().find(|s| s.id == sample.id) else { continue };
            let verdict = match &other.error {
                _ if other.exact => "exact".to_owned(),
                Some(error) if other.answer.is_none() => format!("no answer: {}", plain(error)),
                _ if other.compliant => format!("FieldF1 {} %, valid by the schema", percent(other.f1)),
                _ => format!("FieldF1 {} %, not valid by the schema", percent(other.f1)),
            };
            let _ = write!(out, "\nOutput, {} ({verdict}):\n\n", plain(&column.label));
            block(out, &shortened(other.output.as_deref().unwrap_or(""), MOST), "");
            let differing = difference(other).map(|d| d.2).unwrap_or_default();
            if !differing.is_empty() {
                out.push_str("\n| Field | Gold | Output | |\n|---|---|---|---|\n");
            }
            for d in differing.iter().take(12) {
                let side =
                    |v: &Option<String>| plain(&v.clone().unwrap_or_default().chars().take(200).collect::<String>());
                let fate = match d.fate {
                    Fate::Wrong => "wrong",
                    Fate::Missing => "missing",
                    Fate::Extra => "extra",
                };
                let _ = writeln!(out, "| {} | {} | {} | {fate} |", plain(&d.pointer), side(&d.gold), side(&d.answer));
            }
        }
    }
}

fn protocol(out: &mut String, sets: &[DataSet<'_>]) {
    out.push_str("\n## Protocol\n");
    let Some(first) = sets.first().and_then(|s| s.evaluations.first()).map(|e| &e.result.protocol) else { return };
    let version = first.metric_version.to_string();
    let fixed = [
        ("metric version", version.as_str()),
        ("extraction", first.extraction_rule.as_str()),
        ("intervals", first.intervals.as_str()),
    ];
    out.push('\n');
    let named = first.metrics.iter().chain(&first.floors).map(|(n, w)| (n.as_str(), w.as_str()));
    rows(out, fixed.into_iter().chain(named));
    for set in sets {
        for (column, evaluated) in set.columns.iter().zip(&set.evaluations) {
            let _ = write!(out, "\n### {}, {}\n\n", plain(&set.name), plain(&column.label));
            let of = protocol_rows(&evaluated.result.protocol, evaluated.result.timing.as_ref(), set.n);
            rows(out, of.iter().map(|(n, v)| (*n, v.as_str())));
        }
    }
}

/// Text that Markdown takes for nothing but text, on one line.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '#' | '\\' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A code block whose fence is longer than any run of backticks in it.
fn block(out: &mut String, text: &str, language: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = write!(out, "{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'));
}
