//! Which scores stand in which table: every evaluation of the same data side by side, the floors always among them.

use std::collections::BTreeMap;

use bantam_eval::result::{Comparison, Mode, Table, Tables, paired};
use bantam_eval::statistics::{Difference, Estimate, Verdict};

use crate::input::{Evaluated, ReportInput};

/// The metrics in the order they are shown: name, and whether more is better.
pub const METRICS: [(&str, bool); 4] =
    [("JSONExact", true), ("FieldF1", true), ("SchemaCompliance", true), ("WrongValid", false)];

/// All that is reported of one data set.
pub struct DataSet<'a> {
    /// The data file's name.
    pub name: String,
    /// SHA-256 of the data file.
    pub sha256: String,
    /// Items.
    pub n: usize,
    /// Columns: evaluations first, floors last.
    pub columns: Vec<Column<'a>>,
    /// The evaluations behind the first columns.
    pub evaluations: Vec<&'a Evaluated>,
    /// Tables: overall, by level, by style, ...
    pub tables: Vec<ScoreTable>,
}

/// One set of outputs.
pub struct Column<'a> {
    /// Its heading.
    pub label: String,
    /// Whether it is a floor.
    pub floor: bool,
    /// Its scores.
    pub tables: &'a Tables,
}

/// Scores by group.
pub struct ScoreTable {
    /// What the groups are.
    pub title: &'static str,
    /// Rows by group.
    pub groups: Vec<Group>,
    /// Metrics shown, as indices into [`METRICS`].
    pub metrics: Vec<usize>,
    /// Whether it is long and may be folded away.
    pub long: bool,
}

/// A group's scores.
pub struct Group {
    /// Its name.
    pub label: String,
    /// Items in it.
    pub n: usize,
    /// By metric, then by column.
    pub cells: [Vec<Cell>; 4],
}

/// One score.
#[derive(Clone, Copy)]
pub struct Cell {
    /// The score with its interval.
    pub estimate: Estimate,
    /// Whether its whole interval is better than every floor's.
    pub beats_floors: bool,
}

/// A metric's estimate in a table.
pub fn metric(table: &Table, index: usize) -> Estimate {
    [table.json_exact, table.field_f1, table.schema_compliance, table.wrong_valid][index]
}

/// The report's data sets, in the order of their first evaluation.
pub fn data_sets(input: &ReportInput) -> Vec<DataSet<'_>> {
    let mut sets: Vec<Vec<&Evaluated>> = Vec::new();
    for evaluated in &input.evaluations {
        let key = |e: &Evaluated| (e.result.protocol.data.sha256.clone(), e.result.protocol.limit);
        match sets.iter_mut().find(|set| key(set[0]) == key(evaluated)) {
            Some(set) => set.push(evaluated),
            None => sets.push(vec![evaluated]),
        }
    }
    sets.into_iter().map(data_set).collect()
}

fn data_set(evaluations: Vec<&Evaluated>) -> DataSet<'_> {
    let first = &evaluations[0].result;
    let several_models = evaluations.iter().any(|e| e.result.model != first.model);
    let mut columns: Vec<Column> = evaluations
        .iter()
        .map(|e| {
            let mode = mode_label(e.result.protocol.mode);
            let label = if several_models { format!("{mode}, {}", e.result.model) } else { mode.to_owned() };
            Column { label, floor: false, tables: &e.result.tables }
        })
        .collect();
    // `rule` before `empty`: the stronger floor first.
    columns.extend(first.floors.iter().rev().map(|(name, tables)| Column {
        label: format!("floor: {name}"),
        floor: true,
        tables,
    }));
    let flat = |pick: fn(&Tables) -> &BTreeMap<String, Table>| {
        let names: Vec<&String> = pick(columns[0].tables).keys().collect();
        let mut groups: Vec<Group> = names
            .into_iter()
            .filter_map(|name| group(name, columns.iter().map(|c| pick(c.tables).get(name)).collect(), &columns))
            .collect();
        groups.sort_by_key(|g| rank(&g.label));
        groups
    };
    let overall = group("all items", columns.iter().map(|c| Some(&c.tables.overall)).collect(), &columns);
    let mut level_style = Vec::new();
    for (level, styles) in &columns[0].tables.by_level_style {
        for style in styles.keys() {
            let tables = columns.iter().map(|c| c.tables.by_level_style.get(level).and_then(|s| s.get(style)));
            level_style.extend(group(&format!("{level}, {style}"), tables.collect(), &columns));
        }
    }
    level_style.sort_by_key(|g| rank(&g.label));
    let all = vec![0, 1, 2, 3];
    let table = |title, groups, metrics: &[usize], long| ScoreTable { title, groups, metrics: metrics.to_vec(), long };
    let mut tables = vec![table("All items", overall.into_iter().collect(), &all, false)];
    let mut add = |title, groups: Vec<Group>, long| {
        // One group called `unknown` says what the table of all items has said.
        if groups.len() > 1 || groups.iter().any(|g| g.label != "unknown") {
            tables.push(table(title, groups, if long { &[0, 1] } else { &all }, long));
        }
    };
    add("By level", flat(|t| &t.by_level), false);
    add("By text style", flat(|t| &t.by_style), false);
    add("By schema seen in training", flat(|t| &t.by_schema_seen), false);
    add("By sentence templates seen in training", flat(|t| &t.by_template_seen), false);
    if level_style.len() > columns[0].tables.by_level.len().max(columns[0].tables.by_style.len()) {
        add("By level and text style", level_style, true);
    }
    let (name, sha256) = (first.protocol.data.name.clone(), first.protocol.data.sha256.clone());
    DataSet { name, sha256, n: first.n, columns, evaluations, tables }
}

/// Levels from easy to hard, `unknown` last, anything else by name.
fn rank(label: &str) -> (usize, String) {
    let order = ["simple", "medium", "complex", "seen", "unseen"];
    let head = label.split(',').next().unwrap_or(label);
    let place = order.iter().position(|o| *o == head).unwrap_or(if head == "unknown" { 99 } else { 50 });
    (place, label.to_owned())
}

fn group(label: &str, tables: Vec<Option<&Table>>, columns: &[Column<'_>]) -> Option<Group> {
    let tables: Vec<&Table> = tables.into_iter().collect::<Option<_>>()?;
    let cells = [0, 1, 2, 3].map(|m| {
        let floors: Vec<Estimate> =
            tables.iter().zip(columns).filter(|(_, c)| c.floor).map(|(t, _)| metric(t, m)).collect();
        let cell = |(table, column): (&&Table, &Column<'_>)| {
            let estimate = metric(table, m);
            let better =
                |floor: &Estimate| if METRICS[m].1 { estimate.is_above(floor) } else { floor.is_above(&estimate) };
            Cell { estimate, beats_floors: !column.floor && !floors.is_empty() && floors.iter().all(better) }
        };
        tables.iter().zip(columns).map(cell).collect()
    });
    Some(Group { label: label.to_owned(), n: tables[0].json_exact.n, cells })
}

/// How a mode is called in headings.
pub fn mode_label(mode: Mode) -> &'static str {
    match mode {
        Mode::Free => "free",
        Mode::Constrained => "constrained",
        Mode::Predictions => "predictions",
    }
}

/// A paired comparison in words and numbers.
pub struct PairedRow {
    /// "constrained − free".
    pub label: String,
    /// By metric, in the order of [`METRICS`].
    pub differences: [Difference; 4],
}

/// Every pair of evaluations, and every evaluation against every floor, on the same items.
pub fn paired_rows(set: &DataSet<'_>) -> Vec<PairedRow> {
    let row = |label, c: Comparison| PairedRow {
        label,
        differences: [c.json_exact, c.field_f1, c.schema_compliance, c.wrong_valid],
    };
    let mut rows = Vec::new();
    for (i, first) in set.evaluations.iter().enumerate() {
        for (j, second) in set.evaluations.iter().enumerate().skip(i + 1) {
            if let Some(comparison) = paired(&first.samples, &second.samples) {
                rows.push(row(format!("{} − {}", set.columns[i].label, set.columns[j].label), comparison));
            }
        }
        for (name, comparison) in first.result.versus_floors.iter().rev() {
            rows.push(row(format!("{} − floor: {name}", set.columns[i].label), *comparison));
        }
    }
    rows
}

/// A difference's verdict, in words that fit the metric.
pub fn verdict(difference: &Difference, more_is_better: bool) -> &'static str {
    match (difference.verdict, more_is_better) {
        (Verdict::NoSignificantDifference, _) => "no significant difference",
        (Verdict::Higher, true) | (Verdict::Lower, false) => "better",
        _ => "worse",
    }
}
