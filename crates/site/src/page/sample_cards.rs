//! The sample items of the page: text, gold, every output, and where fields differ.

use bantam_eval::result::{Mode, Sample};

use crate::html::Html;
use crate::numbers::percent;
use crate::samples::{Fate, choose, difference};
use crate::scores::DataSet;
use crate::values::{pretty, shortened};

/// Text shown of one output; the samples file has all of it.
const MOST: usize = 3_000;

/// Ten items of the first data set.
pub fn section(h: &mut Html, sets: &[DataSet<'_>]) {
    h.raw("<section id=\"samples\"><h2>Sample items</h2>");
    let Some(set) = sets.first() else {
        h.raw("<p>Nothing was evaluated in this run.</p></section>");
        return;
    };
    let chosen = set.evaluations.iter().position(|e| e.result.protocol.mode == Mode::Constrained).unwrap_or(0);
    let samples = &set.evaluations[chosen].samples;
    let (good, bad) = choose(samples);
    h.raw("<p>Chosen by rule, not by hand: exact and wrong items of the ");
    h.text(&set.columns[chosen].label);
    h.raw(
        " run, spread over levels, styles and, among the wrong, over FieldF1. All items are in the samples files.</p>",
    );
    for (class, items) in [("good", good), ("bad", bad)] {
        for i in items {
            card(h, set, &samples[i], class);
        }
    }
    h.raw("</section>");
}

fn card(h: &mut Html, set: &DataSet<'_>, sample: &Sample, class: &'static str) {
    h.open("article", &[("class", &class)]);
    h.raw("<header>");
    h.leaf("h3", &[], &sample.id);
    let schema = format!("schema {}", sample.schema_id);
    let seen = match sample.schema_seen.as_str() {
        "unknown" => String::new(),
        seen => format!("schema {seen} in training"),
    };
    let known = |s: &str| if s == "unknown" { String::new() } else { s.to_owned() };
    for chip in [known(&sample.level), known(&sample.style), schema, seen] {
        if !chip.is_empty() {
            h.leaf("span", &[("class", &"chip")], chip);
        }
    }
    h.raw("</header><div class=\"two\"><div><h4>Text</h4><pre>");
    h.text(shortened(&sample.prompt, MOST));
    h.raw("</pre></div><div><h4>Gold</h4><pre>");
    h.text(shortened(&pretty(sample.gold.get()), MOST));
    h.raw("</pre></div></div><div class=\"two\">");
    for (column, evaluated) in set.columns.iter().zip(&set.evaluations) {
        if let Some(other) = evaluated.samples.iter().find(|s| s.id == sample.id) {
            output(h, &column.label, other);
        }
    }
    h.raw("</div>");
    h.close("article");
}

fn output(h: &mut Html, label: &str, sample: &Sample) {
    h.raw("<div>");
    h.leaf("h4", &[], format_args!("Output, {label}"));
    let compared = difference(sample);
    let status = match (&sample.error, &compared) {
        _ if sample.exact => "exact".to_owned(),
        (Some(error), None) => format!("no answer: {error}"),
        (_, Some((right, of, _))) => {
            let valid = if sample.compliant { "valid by the schema" } else { "not valid by the schema" };
            format!("{right} of {of} fields right, FieldF1 {} %, {valid}", percent(sample.f1))
        }
        _ => "no answer".to_owned(),
    };
    h.leaf("p", &[("class", &if sample.exact { "status ok" } else { "status no" })], status);
    if let Some(text) = &sample.output {
        h.raw("<pre>");
        h.text(shortened(text, MOST));
        h.raw("</pre>");
    }
    let differing = compared.map(|c| c.2).unwrap_or_default();
    if !differing.is_empty() {
        h.raw("<table class=\"diff\"><thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Gold</th>");
        h.raw("<th scope=\"col\">Output</th><th scope=\"col\"></th></tr></thead><tbody>");
        for d in differing.iter().take(12) {
            h.raw("<tr><th scope=\"row\"><code>");
            h.text(if d.pointer.is_empty() { "(root)" } else { &d.pointer });
            h.raw("</code></th>");
            for side in [&d.gold, &d.answer] {
                h.raw("<td><code>");
                h.text(side.as_ref().map_or("", |s| s.as_str()).chars().take(200).collect::<String>());
                h.raw("</code></td>");
            }
            let fate = match d.fate {
                Fate::Wrong => "wrong",
                Fate::Missing => "missing",
                Fate::Extra => "extra",
            };
            h.leaf("td", &[("class", &"fate worse")], fate);
            h.raw("</tr>");
        }
        h.raw("</tbody></table>");
        if differing.len() > 12 {
            h.leaf("p", &[("class", &"ci")], format_args!("and {} more", differing.len() - 12));
        }
    }
    h.raw("</div>");
}
