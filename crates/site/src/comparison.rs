//! What a comparison of systems found, as Markdown and as one HTML page.

use std::fmt::Write;

use bantam_eval::compare::{Metric, Pair, Report, Standing, Test};

use crate::html::Html;
use crate::markdown::plain;
use crate::numbers::{percent, points, short, short_hash, thousands};
use crate::page::frame;

/// Ids shown of one list of flipped items; the JSON has all.
const MOST_FLIPS: usize = 20;

/// The comparison as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = format!("# {}\n\n{}\n", plain(&title(report)), plain(&summary(report)));
    for metric in &report.metrics {
        let _ = write!(out, "\n## {} ({})\n\n", plain(&metric.name), direction(metric));
        out.push_str("| Rank | Tie group | System | Score | 95 % interval |\n|---|---|---|---|---|\n");
        for (system, standing) in ranked(metric) {
            let Row { rank, groups, score, interval } = Row::of(metric, standing);
            let _ =
                writeln!(out, "| {rank} | {groups} | {} | {score} | {interval} |", plain(&report.systems[system].name));
        }
        out.push('\n');
        let _ = writeln!(out, "| {} |\n|{}", PAIR_HEADINGS.join(" | "), "---|".repeat(PAIR_HEADINGS.len()));
        for pair in &metric.pairs {
            let cells: Vec<String> = pair_cells(report, metric, pair).iter().map(|c| plain(c)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    out.push_str("\n## Items that change sides\n");
    for (metric, pair) in flips(report) {
        for (side, ids) in sides(report, pair) {
            let _ = write!(
                out,
                "\n- {}, {}: {} items: {}",
                plain(&metric.name),
                plain(&side),
                ids.len(),
                plain(&listed(ids))
            );
        }
    }
    out.push_str("\n\n## How\n");
    for method in &report.methods {
        let _ = write!(out, "\n- {}", plain(method));
    }
    out.push('\n');
    out
}

/// The comparison as a page that stands alone.
pub fn html(report: &Report) -> String {
    frame(&title(report), "Written by Bantam from the systems' own result files.", |h| {
        h.raw("<div class=\"wrap\"><header class=\"top\"><p class=\"kicker\">Bantam comparison</p>");
        h.leaf("h1", &[], title(report));
        h.leaf("p", &[("class", &"lead")], summary(report));
        h.raw("</header></div><main class=\"wrap\">");
        for metric in &report.metrics {
            h.raw("<section>");
            h.leaf("h2", &[], format_args!("{} ({})", metric.name, direction(metric)));
            standings(h, report, metric);
            pairs(h, report, metric);
            h.raw("</section>");
        }
        h.raw("<section><h2>Items that change sides</h2>");
        for (metric, pair) in flips(report) {
            for (side, ids) in sides(report, pair) {
                h.raw("<details>");
                h.leaf("summary", &[], format_args!("{}, {side}: {} items", metric.name, ids.len()));
                h.leaf("p", &[], listed(ids));
                h.raw("</details>");
            }
        }
        h.raw("</section><section><h2>How</h2>");
        report.methods.iter().for_each(|method| h.leaf("p", &[], method));
        h.raw("</section></main>");
    })
}

fn standings(h: &mut Html, report: &Report, metric: &Metric) {
    h.raw("<div class=\"scroll\"><table><thead><tr>");
    for name in ["Rank", "Tie group", "System", "Score", "95 % interval"] {
        h.leaf("th", &[("scope", &"col")], name);
    }
    h.raw("</tr></thead><tbody>");
    for (system, standing) in ranked(metric) {
        let Row { rank, groups, score, interval } = Row::of(metric, standing);
        h.raw("<tr>");
        h.leaf("td", &[], rank);
        h.leaf("td", &[], groups);
        h.leaf("th", &[("scope", &"row")], &report.systems[system].name);
        h.leaf("td", &[], score);
        h.leaf("td", &[("class", &"ci")], interval);
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
}

fn pairs(h: &mut Html, report: &Report, metric: &Metric) {
    h.raw("<div class=\"scroll\"><table><thead><tr>");
    PAIR_HEADINGS.iter().for_each(|name| h.leaf("th", &[("scope", &"col")], name));
    h.raw("</tr></thead><tbody>");
    for pair in &metric.pairs {
        h.raw("<tr>");
        pair_cells(report, metric, pair).iter().for_each(|cell| h.leaf("td", &[], cell));
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
}

fn title(report: &Report) -> String {
    format!("{} systems on {}", report.systems.len(), report.suite)
}

fn summary(report: &Report) -> String {
    let grouped = if report.groups < report.n { format!(" in {} groups", report.groups) } else { String::new() };
    format!(
        "{} items{grouped} of {} (SHA-256 {}), metric version {}.",
        thousands(report.n as u64),
        report.data.name,
        short_hash(&report.data.sha256),
        report.metric_version
    )
}

fn direction(metric: &Metric) -> &'static str {
    if metric.more_is_better { "more is better" } else { "less is better" }
}

/// Whether a metric's scores are shares, which are shown as percentages.
fn is_share(metric: &Metric) -> bool {
    !["bits_per_byte", "squared_error"].contains(&metric.name.as_str())
}

/// Systems by rank, the better score first among equal ranks.
fn ranked(metric: &Metric) -> Vec<(usize, &Standing)> {
    let sign = if metric.more_is_better { -1.0 } else { 1.0 };
    let mut order: Vec<(usize, &Standing)> = metric.standings.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| {
        let key = |s: &Standing| sign * s.estimate.value;
        a.place.rank.cmp(&b.place.rank).then(key(a).total_cmp(&key(b)))
    });
    order
}

/// A standing's cells.
struct Row {
    rank: usize,
    groups: String,
    score: String,
    interval: String,
}

impl Row {
    fn of(metric: &Metric, standing: &Standing) -> Self {
        let e = &standing.estimate;
        let shown = |value: f64| if is_share(metric) { percent(value) } else { short(value) };
        let unit = if is_share(metric) { " %" } else { "" };
        Self {
            rank: standing.place.rank,
            groups: standing.place.groups.join(" "),
            score: format!("{}{unit}", shown(e.value)),
            interval: format!("{} to {}", shown(e.low), shown(e.high)),
        }
    }
}

const PAIR_HEADINGS: [&str; 9] = [
    "First",
    "Second",
    "Difference (95 %)",
    "First higher / second higher",
    "Test",
    "p",
    "p (Holm)",
    "p (groups)",
    "Verdict, items needed",
];

fn pair_cells(report: &Report, metric: &Metric, pair: &Pair) -> [String; 9] {
    let d = &pair.difference;
    let shown = |value: f64| if is_share(metric) { points(value) } else { short(value) };
    let verdict = if pair.separated { "separated" } else { "no significant difference" };
    let needed = pair.items_needed.map_or("no difference to find".to_owned(), |n| format!("{} items", thousands(n)));
    let test = match pair.test {
        Test::McnemarExact => "McNemar, exact",
        Test::SignFlipExact => "sign flips, all",
        Test::SignFlipDrawn => "sign flips, drawn",
    };
    [
        report.systems[pair.first].name.clone(),
        report.systems[pair.second].name.clone(),
        format!("{} ({} to {})", shown(d.value), shown(d.low), shown(d.high)),
        format!("{} / {}", pair.first_higher.len(), pair.second_higher.len()),
        test.to_owned(),
        short(pair.p),
        short(pair.p_holm),
        pair.p_groups.map_or("-".to_owned(), short),
        format!("{verdict}; {needed}"),
    ]
}

/// The pairs of the first metric: the one a suite is named by.
fn flips(report: &Report) -> impl Iterator<Item = (&Metric, &Pair)> {
    report.metrics.iter().take(1).flat_map(|metric| metric.pairs.iter().map(move |pair| (metric, pair)))
}

fn sides<'a>(report: &'a Report, pair: &'a Pair) -> [(String, &'a [String]); 2] {
    let name = |system: usize| &report.systems[system].name;
    let gained = |a: usize, b: usize| format!("{} higher than {}", name(a), name(b));
    [(gained(pair.first, pair.second), &pair.first_higher), (gained(pair.second, pair.first), &pair.second_higher)]
}

fn listed(ids: &[String]) -> String {
    let mut text = ids.iter().take(MOST_FLIPS).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > MOST_FLIPS {
        let _ = write!(text, ", and {} more", ids.len() - MOST_FLIPS);
    }
    if ids.is_empty() { "none".to_owned() } else { text }
}
