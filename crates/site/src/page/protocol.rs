//! The protocol of every evaluation, as the page shows it.

use bantam_eval::result::Protocol;

use crate::html::Html;
use crate::scores::DataSet;
use crate::values::protocol_rows;

/// What is common, then one table for each evaluation.
pub fn section(h: &mut Html, sets: &[DataSet<'_>]) {
    h.raw("<section id=\"protocol\"><h2>Protocol</h2>");
    let all: Vec<(String, &Protocol)> = sets
        .iter()
        .flat_map(|s| {
            s.columns.iter().zip(&s.evaluations).map(|(c, e)| (format!("{}, {}", s.name, c.label), &e.result.protocol))
        })
        .collect();
    if let Some((_, first)) = all.first() {
        h.raw("<div class=\"scroll\"><table class=\"facts broad\"><tbody>");
        let named = first.metrics.iter().chain(&first.floors);
        let version = first.metric_version.to_string();
        let fixed = [
            ("metric version", version.as_str()),
            ("extraction", first.extraction_rule.as_str()),
            ("intervals", first.intervals.as_str()),
        ];
        for (name, words) in fixed.into_iter().chain(named.map(|(n, w)| (n.as_str(), w.as_str()))) {
            h.raw("<tr>");
            h.leaf("th", &[("scope", &"row")], name);
            h.leaf("td", &[], words);
            h.raw("</tr>");
        }
        h.raw("</tbody></table></div>");
    }
    h.raw("<div class=\"cards\">");
    for ((set, evaluated), (label, protocol)) in
        sets.iter().flat_map(|s| s.evaluations.iter().map(move |e| (s, e))).zip(&all)
    {
        h.raw("<div class=\"card\">");
        h.leaf("h3", &[], label);
        h.raw("<table class=\"facts\"><tbody>");
        for (name, value) in protocol_rows(protocol, evaluated.result.timing.as_ref(), set.n) {
            h.raw("<tr>");
            h.leaf("th", &[("scope", &"row")], name);
            h.leaf("td", &[], value);
            h.raw("</tr>");
        }
        h.raw("</tbody></table></div>");
    }
    h.raw("</div></section>");
}
