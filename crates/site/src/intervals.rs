//! Scores with their intervals as pictures: every set of outputs of a group on one axis, so that overlap is seen.

use std::fmt::Display;

use crate::html::Html;
use crate::numbers::percent;
use crate::scores::{DataSet, METRICS, ScoreTable};

const WIDTH: f64 = 1000.0;
const LABELS: f64 = 132.0;
const GAP: f64 = 56.0;
const ROW: f64 = 15.0;
const BETWEEN: f64 = 13.0;
const TOP: f64 = 26.0;

/// Draws the first two metrics of a table, one panel each.
pub fn figure(set: &DataSet<'_>, table: &ScoreTable) -> Html {
    let mut h = Html::default();
    let columns = set.columns.len();
    let block = columns as f64 * ROW + BETWEEN;
    let height = TOP + table.groups.len() as f64 * block + 22.0;
    let view = format!("0 0 {WIDTH} {height}");
    let words = format!(
        "{}: {} and {} with 95 % intervals; the numbers are in the table below",
        table.title, METRICS[0].0, METRICS[1].0
    );
    h.open("svg", &[("viewBox", &view), ("role", &"img"), ("aria-label", &words), ("class", &"forest")]);
    let width = (WIDTH - LABELS - 2.0 * GAP) / 2.0;
    for (panel, metric) in [0, 1].into_iter().enumerate() {
        let left = LABELS + panel as f64 * (width + GAP) + 10.0;
        let x = |share: f64| format!("{:.1}", left + width * share);
        text(&mut h, "panel", &x(0.0), 14.0, "start", METRICS[metric].0);
        for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let (y1, y2) = (TOP - 2.0, height - 20.0);
            h.open("line", &[("class", &"grid"), ("x1", &x(tick)), ("x2", &x(tick)), ("y1", &y1), ("y2", &y2)]);
            h.close("line");
            text(&mut h, "axis", &x(tick), height - 6.0, "middle", format_args!("{:.0} %", 100.0 * tick));
        }
        for (g, group) in table.groups.iter().enumerate() {
            for (c, cell) in group.cells[metric].iter().enumerate() {
                let y = TOP + g as f64 * block + (c as f64 + 0.5) * ROW + BETWEEN / 2.0;
                let e = cell.estimate;
                let class = series(set, c);
                h.open("g", &[("class", &class)]);
                let said = format!(
                    "{}, {}: {} {} % ({} to {}), n = {}",
                    group.label,
                    set.columns[c].label,
                    METRICS[metric].0,
                    percent(e.value),
                    percent(e.low),
                    percent(e.high),
                    e.n
                );
                h.leaf("title", &[], said);
                h.open("line", &[("class", &"whisker"), ("x1", &x(e.low)), ("x2", &x(e.high)), ("y1", &y), ("y2", &y)]);
                h.close("line");
                marker(&mut h, c, left + width * e.value, y);
                h.close("g");
            }
        }
    }
    for (g, group) in table.groups.iter().enumerate() {
        let middle = TOP + (g as f64 + 0.5) * block;
        text(&mut h, "group", &(LABELS - 4.0), middle, "end", &group.label);
        text(&mut h, "axis", &(LABELS - 4.0), middle + 15.0, "end", format_args!("n = {}", group.n));
    }
    h.close("svg");
    h
}

/// The key to a data set's marks.
pub fn legend(set: &DataSet<'_>) -> Html {
    let mut h = Html::default();
    h.open("p", &[("class", &"legend")]);
    for (c, column) in set.columns.iter().enumerate() {
        h.raw("<span class=\"key\">");
        h.open("svg", &[("viewBox", &"0 0 26 12"), ("width", &26), ("height", &12), ("aria-hidden", &"true")]);
        h.open("g", &[("class", &series(set, c))]);
        h.raw("<line class=\"whisker\" x1=\"1\" x2=\"25\" y1=\"6\" y2=\"6\"></line>");
        marker(&mut h, c, 13.0, 6.0);
        h.raw("</g></svg> ");
        h.text(&column.label);
        h.raw("</span>");
    }
    h.close("p");
    h
}

/// The class that colours a column: evaluations and floors count apart.
pub fn series(set: &DataSet<'_>, column: usize) -> String {
    let kind = set.columns[column].floor;
    let nth = set.columns[..column].iter().filter(|c| c.floor == kind).count();
    format!("{}{}", if kind { "floor" } else { "run" }, nth % 4)
}

/// Shape as well as colour tells the columns apart.
fn marker(h: &mut Html, column: usize, x: f64, y: f64) {
    let at = |points: &[(f64, f64)]| {
        points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect::<Vec<_>>().join(" ")
    };
    match column % 4 {
        0 => {
            h.open("circle", &[("class", &"mark"), ("cx", &format!("{x:.1}")), ("cy", &y), ("r", &4.2)]);
            h.close("circle");
            return;
        }
        1 => h.open(
            "polygon",
            &[("class", &"mark"), ("points", &at(&[(-3.8, -3.8), (3.8, -3.8), (3.8, 3.8), (-3.8, 3.8)]))],
        ),
        2 => h.open(
            "polygon",
            &[("class", &"mark"), ("points", &at(&[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]))],
        ),
        _ => h.open("polygon", &[("class", &"mark"), ("points", &at(&[(0.0, -4.6), (4.6, 3.8), (-4.6, 3.8)]))]),
    }
    h.close("polygon");
}

fn text(h: &mut Html, class: &'static str, x: &dyn Display, y: f64, anchor: &'static str, what: impl Display) {
    h.leaf("text", &[("class", &class), ("x", x), ("y", &format!("{y:.1}")), ("text-anchor", &anchor)], what);
}
