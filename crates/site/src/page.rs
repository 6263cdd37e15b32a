//! The report as one HTML page without scripts or anything from outside.

use serde_json::Value;

use crate::curves;
use crate::html::Html;
use crate::input::{FactTable, ReportInput};
use crate::intervals;
use crate::numbers::{bytes, percent, points, short_hash, thousands};
use crate::scores::{self, Cell, DataSet, METRICS, ScoreTable};
use crate::values::{brief_lineage, brief_overlap, flat};

mod protocol;
mod sample_cards;

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn render(input: &ReportInput) -> String {
    let sets = scores::data_sets(input);
    let title = format!("{} · Bantam report", input.name);
    let closing = "Written by Bantam from the run's own result files. Every score stands beside its floors and carries its 95 % interval.";
    frame(&title, closing, |h| {
        head(h, input, &sets);
        h.raw("<main class=\"wrap\">");
        built(h, input);
        training(h, input);
        results(h, &sets);
        sample_cards::section(h, &sets);
        protocol::section(h, &sets);
        data_and_lineage(h, input);
        h.raw("</main>");
    })
}

/// What every page has around its body: head, style, footer.
pub fn frame(title: &str, closing: &'static str, body: impl FnOnce(&mut Html)) -> String {
    let mut h = Html::default();
    h.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    h.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    h.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">");
    h.raw("<meta name=\"color-scheme\" content=\"light dark\"><title>");
    h.text(title);
    h.raw("</title><style>");
    h.raw(STYLE);
    h.raw("</style></head><body>");
    body(&mut h);
    h.raw("<footer class=\"wrap\">");
    h.raw(closing);
    h.raw("</footer></body></html>\n");
    h.finish()
}

fn head(h: &mut Html, input: &ReportInput, sets: &[DataSet<'_>]) {
    h.raw("<div class=\"wrap\"><header class=\"top\"><p class=\"kicker\">Bantam report</p>");
    h.leaf("h1", &[], &input.name);
    h.leaf("p", &[("class", &"lead")], &input.summary);
    h.raw("<div class=\"tiles\">");
    if let Some(set) = sets.first() {
        let overall = &set.tables[0].groups;
        for (metric, (name, _)) in METRICS.iter().enumerate().take(2) {
            let Some(group) = overall.first() else { break };
            let Some(best) = best_run(set, &group.cells[metric]) else { continue };
            let cell = &group.cells[metric][best];
            let rule = set.columns.iter().position(|c| c.floor).map(|c| group.cells[metric][c].estimate);
            h.raw("<div class=\"tile\"><div class=\"what\">");
            h.text(format_args!("{name}, {}, {}", set.columns[best].label, set.name));
            h.raw("</div><div class=\"big\">");
            h.text(format_args!("{} %", percent(cell.estimate.value)));
            h.raw("</div><div class=\"small\">");
            h.text(format_args!("95 %: {} to {}", percent(cell.estimate.low), percent(cell.estimate.high)));
            if let Some(rule) = rule {
                h.text(format_args!("; rule floor {}", percent(rule.value)));
            }
            h.raw("</div></div>");
        }
    }
    for file in input.artifacts.iter().filter(|a| a.path.ends_with(".gguf")) {
        h.raw("<div class=\"tile\"><div class=\"what\">");
        h.text(&file.path);
        h.raw("</div><div class=\"big\">");
        h.text(bytes(file.bytes));
        h.raw("</div><div class=\"small\">");
        h.text(&file.what);
        h.raw("</div></div>");
    }
    h.raw("</div></header></div><nav aria-label=\"Sections\"><ul class=\"wrap\">");
    h.raw("<li><a href=\"#built\">What was built</a></li><li><a href=\"#training\">Training</a></li>");
    h.raw("<li><a href=\"#results\">Results</a></li><li><a href=\"#samples\">Samples</a></li>");
    h.raw("<li><a href=\"#protocol\">Protocol</a></li><li><a href=\"#overlap\">Overlap</a></li>");
    h.raw("<li><a href=\"#lineage\">Lineage</a></li></ul></nav>");
}

/// The run whose score is highest; the tiles name it.
fn best_run(set: &DataSet<'_>, cells: &[Cell]) -> Option<usize> {
    let runs = (0..cells.len()).filter(|c| !set.columns[*c].floor);
    runs.max_by(|a, b| cells[*a].estimate.value.total_cmp(&cells[*b].estimate.value))
}

fn built(h: &mut Html, input: &ReportInput) {
    h.raw("<section id=\"built\"><h2>What was built</h2><div class=\"cards\">");
    for table in &input.facts {
        facts(h, table);
    }
    h.raw("</div>");
    if !input.artifacts.is_empty() {
        h.raw("<h3>Files</h3><div class=\"scroll\"><table><thead><tr><th scope=\"col\">File</th><th scope=\"col\">What</th>");
        h.raw("<th scope=\"col\">Size</th><th scope=\"col\">SHA-256</th></tr></thead><tbody>");
        for file in &input.artifacts {
            h.raw("<tr><th scope=\"row\"><code>");
            h.text(&file.path);
            h.raw("</code></th>");
            h.leaf("td", &[], &file.what);
            h.leaf("td", &[("title", &format!("{} bytes", thousands(file.bytes)))], bytes(file.bytes));
            h.raw("<td>");
            hash(h, &file.sha256);
            h.raw("</td></tr>");
        }
        h.raw("</tbody></table></div>");
    }
    h.raw("</section>");
}

fn facts(h: &mut Html, table: &FactTable) {
    h.raw("<div class=\"card\">");
    h.leaf("h3", &[], &table.title);
    h.raw("<table class=\"facts\"><tbody>");
    for (name, value) in &table.rows {
        h.raw("<tr>");
        h.leaf("th", &[("scope", &"row")], name);
        h.leaf("td", &[], value);
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
}

fn training(h: &mut Html, input: &ReportInput) {
    h.raw("<section id=\"training\"><h2>Training</h2>");
    let curves = curves::curves(input);
    if curves.is_empty() {
        h.raw("<p>No training points were logged for this run.</p>");
    }
    h.raw("<div class=\"curves\">");
    for curve in &curves {
        h.raw("<figure><figcaption>");
        h.text(curve.title);
        h.leaf("span", &[], curves::in_words(curve));
        h.raw("</figcaption>");
        h.append(&curves::svg(curve, false));
        h.raw("</figure>");
    }
    h.raw("</div></section>");
}

fn results(h: &mut Html, sets: &[DataSet<'_>]) {
    h.raw("<section id=\"results\"><h2>Results</h2>");
    if sets.is_empty() {
        h.raw("<p>Nothing was evaluated in this run.</p></section>");
        return;
    }
    h.raw("<p>In percent, with 95 % intervals. Floors need no model: <em>rule</em> reads \"Key: value\" with the schema in ");
    h.raw("hand, <em>empty</em> answers with an empty object. <span class=\"up\">▲</span> marks a score whose whole interval ");
    h.raw("is better than every floor's. WrongValid counts answers that the schema accepts and that are wrong: lower is better.</p>");
    for set in sets {
        h.open("h3", &[]);
        h.text(format_args!("{}: {} items", set.name, thousands(set.n as u64)));
        h.raw(" <span class=\"hash\">data ");
        hash(h, &set.sha256);
        h.raw("</span>");
        h.close("h3");
        for table in &set.tables {
            score_table(h, set, table);
        }
        paired(h, set);
    }
    h.raw("</section>");
}

fn score_table(h: &mut Html, set: &DataSet<'_>, table: &ScoreTable) {
    if table.long {
        h.raw("<details><summary>");
        h.text(format_args!("{} ({} groups)", table.title, table.groups.len()));
        h.raw("</summary>");
    } else if table.groups.len() > 1 {
        h.raw("<figure class=\"wide\"><figcaption>");
        h.text(table.title);
        h.raw("</figcaption>");
        h.append(&intervals::legend(set));
        h.append(&intervals::figure(set, table));
        h.raw("</figure>");
    }
    h.raw("<div class=\"scroll\"><table><caption>");
    h.text(format_args!("{}, %", table.title));
    h.raw("</caption><thead><tr>");
    if table.groups.len() > 1 {
        h.raw("<th scope=\"col\">Group</th>");
    }
    h.raw("<th scope=\"col\" class=\"metric\">Metric</th>");
    for column in &set.columns {
        h.leaf("th", &[("scope", &"col"), ("class", &"score")], &column.label);
    }
    h.raw("</tr></thead>");
    for group in &table.groups {
        h.raw("<tbody class=\"block\">");
        for (row, &metric) in table.metrics.iter().enumerate() {
            h.raw("<tr>");
            if row == 0 && table.groups.len() > 1 {
                h.open("th", &[("scope", &"rowgroup"), ("rowspan", &table.metrics.len()), ("class", &"group")]);
                h.text(&group.label);
                h.leaf("span", &[("class", &"n")], format_args!("n = {}", thousands(group.n as u64)));
                h.close("th");
            }
            h.leaf("th", &[("scope", &"row")], METRICS[metric].0);
            for (c, cell) in group.cells[metric].iter().enumerate() {
                score(h, set, c, cell);
            }
            h.raw("</tr>");
        }
        h.raw("</tbody>");
    }
    h.raw("</table></div>");
    if table.long {
        h.raw("</details>");
    }
}

fn score(h: &mut Html, set: &DataSet<'_>, column: usize, cell: &Cell) {
    let e = cell.estimate;
    h.open("td", &[("class", &if set.columns[column].floor { "score floor" } else { "score" })]);
    h.leaf("b", &[], percent(e.value));
    h.raw(" ");
    h.leaf("span", &[("class", &"ci")], format_args!("{} to {}", percent(e.low), percent(e.high)));
    if cell.beats_floors {
        h.raw(" <span class=\"up\" title=\"better than every floor, intervals disjoint\">▲<span class=\"hidden\">");
        h.raw(" better than every floor</span></span>");
    }
    let class = intervals::series(set, column);
    let at = |share: f64| format!("{:.1}", 100.0 * share);
    h.raw("<svg class=\"mini\" viewBox=\"0 0 100 7\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    h.raw("<rect class=\"track\" x=\"0\" y=\"3\" width=\"100\" height=\"1\"></rect>");
    let band = format!("{class} band");
    let width = at((e.high - e.low).max(0.004));
    h.open("rect", &[("class", &band), ("x", &at(e.low)), ("y", &1.5), ("width", &width), ("height", &4)]);
    h.raw("</rect>");
    let x = at((e.value - 0.007).clamp(0.0, 0.986));
    h.open("rect", &[("class", &class), ("x", &x), ("y", &0), ("width", &1.4), ("height", &7)]);
    h.raw("</rect></svg></td>");
}

fn paired(h: &mut Html, set: &DataSet<'_>) {
    let rows = scores::paired_rows(set);
    if rows.is_empty() {
        return;
    }
    h.raw("<div class=\"scroll\"><table><caption>Differences on the same items, in percentage points, with 95 % intervals");
    h.raw("</caption><thead><tr><th scope=\"col\">Comparison</th>");
    for (name, _) in METRICS {
        h.leaf("th", &[("scope", &"col")], name);
    }
    h.raw("</tr></thead><tbody>");
    for row in rows {
        h.raw("<tr>");
        h.leaf("th", &[("scope", &"row")], &row.label);
        for (difference, (_, more_is_better)) in row.differences.iter().zip(METRICS) {
            h.raw("<td>");
            h.leaf("b", &[], points(difference.value));
            h.raw(" ");
            let interval = format_args!("{} to {}", points(difference.low), points(difference.high)).to_string();
            h.leaf("span", &[("class", &"ci")], interval);
            h.raw("<br>");
            let verdict = scores::verdict(difference, more_is_better);
            let class = if verdict.starts_with("no") { "same" } else { verdict };
            h.leaf("span", &[("class", &class)], verdict);
            h.raw("</td>");
        }
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
}

fn data_and_lineage(h: &mut Html, input: &ReportInput) {
    h.raw("<section id=\"overlap\"><h2>Overlap of training and test data</h2>");
    match &input.overlap {
        Some(overlap) => {
            value_table(h, &brief_overlap(overlap));
            h.raw("<details><summary>The whole measurement as JSON</summary><pre>");
            h.text(serde_json::to_string_pretty(overlap).unwrap_or_default());
            h.raw("</pre></details>");
        }
        None => h.raw("<p>Not measured in this run.</p>"),
    }
    h.raw("</section><section id=\"lineage\"><h2>Lineage</h2>");
    value_table(h, &brief_lineage(&input.lineage));
    h.raw("<details><summary>The whole lineage as JSON</summary><pre>");
    h.text(serde_json::to_string_pretty(&input.lineage).unwrap_or_default());
    h.raw("</pre></details>");
    if let Some(recipe) = &input.recipe {
        h.raw("<details><summary>The resolved recipe</summary><pre>");
        h.text(recipe);
        h.raw("</pre></details>");
    }
    h.raw("</section>");
}

fn value_table(h: &mut Html, value: &Value) {
    h.raw("<div class=\"scroll\"><table class=\"facts broad\"><tbody>");
    for (name, value) in flat(value) {
        h.raw("<tr>");
        h.leaf("th", &[("scope", &"row")], name);
        h.raw("<td>");
        if value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit()) {
            hash(h, &value);
        } else {
            h.text(value);
        }
        h.raw("</td></tr>");
    }
    h.raw("</tbody></table></div>");
}

/// A hash by its beginning; the whole one when pointed at.
fn hash(h: &mut Html, sha256: &str) {
    h.leaf("code", &[("class", &"hash"), ("title", &sha256)], short_hash(sha256));
}
