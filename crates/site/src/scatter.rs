//! Named points in the plane as SVG: a panel for each question, below each other.

use crate::curves::{STYLE, log_ticks, nice_step, one, tick};
use crate::html::Html;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// Space that a line of text needs.
const LINE: f64 = 13.0;

/// One point.
pub struct Mark {
    /// Written beside it.
    pub label: String,
    /// Said when it is pointed at.
    pub said: String,
    /// Above 0.
    pub x: f64,
    /// Value, and the ends of its interval.
    pub y: (f64, f64, f64),
}

/// Points that share their axes. The horizontal one is logarithmic.
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis counts.
    pub x: &'static str,
    /// What the vertical axis counts.
    pub y: &'static str,
    /// Whether the vertical axis goes from 0 to 1; otherwise from 0 to what is needed.
    pub unit_interval: bool,
    /// The points; at least one.
    pub marks: Vec<Mark>,
}

/// The panels as one file.
pub fn svg(panels: &[Panel]) -> String {
    let mut h = Html::default();
    let height = HEIGHT * panels.len() as f64;
    let view = format!("0 0 {WIDTH} {height}");
    let titles: Vec<&str> = panels.iter().map(|p| p.title.as_str()).collect();
    h.open(
        "svg",
        &[
            ("viewBox", &view),
            ("role", &"img"),
            ("aria-label", &titles.join("; ")),
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("width", &WIDTH),
            ("height", &height),
        ],
    );
    h.raw(STYLE);
    for (nth, panel) in panels.iter().enumerate() {
        draw(&mut h, panel, nth as f64 * HEIGHT);
    }
    h.close("svg");
    h.finish() + "\n"
}

fn draw(h: &mut Html, panel: &Panel, top: f64) {
    let least = panel.marks.iter().map(|m| m.x).fold(f64::INFINITY, f64::min) / 1.5;
    let most = panel.marks.iter().map(|m| m.x).fold(0.0, f64::max) * 1.5;
    let highest = panel.marks.iter().map(|m| m.y.2).fold(0.0, f64::max);
    let step = if panel.unit_interval { 0.2 } else { nice_step(highest.max(1e-6) / 4.0) };
    let highest = if panel.unit_interval { 1.0 } else { (highest.max(1e-6) / step).ceil() * step };
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * (value / least).ln() / (most / least).ln();
    let y = |value: f64| top + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest;
    let text = |h: &mut Html, at: (f64, f64), anchor: &str, what: &str| {
        let (x, y) = (one(at.0), one(at.1));
        h.leaf("text", &[("class", &"axis"), ("x", &x), ("y", &y), ("text-anchor", &anchor)], what);
    };
    text(h, (LEFT, top + 18.0), "start", &format!("{} ({})", panel.title, panel.y));
    text(h, (WIDTH - RIGHT, top + HEIGHT - 8.0), "end", panel.x);
    for nth in 0..=(highest / step).round() as usize {
        let value = nth as f64 * step;
        line(h, "grid", (LEFT, y(value)), (WIDTH - RIGHT, y(value)));
        text(h, (LEFT - 6.0, y(value) + 4.0), "end", &tick(value, step));
    }
    for (value, label) in log_ticks(least, most) {
        line(h, "grid", (x(value), y(0.0)), (x(value), y(highest)));
        text(h, (x(value), y(0.0) + 16.0), "middle", &label);
    }
    let mut labels: Vec<(f64, f64)> = Vec::new();
    // From above, so that a label gives way downwards.
    let mut marks: Vec<&Mark> = panel.marks.iter().collect();
    marks.sort_by(|a, b| b.y.0.total_cmp(&a.y.0));
    for mark in marks {
        let (cx, cy) = (x(mark.x), y(mark.y.0));
        line(h, "line", (cx, y(mark.y.1)), (cx, y(mark.y.2)));
        h.open("circle", &[("class", &"dot"), ("cx", &one(cx)), ("cy", &one(cy)), ("r", &4.0)]);
        h.leaf("title", &[], &mark.said);
        h.close("circle");
        let mut at = cy + 4.0;
        let in_the_way = |at: f64| labels.iter().any(|(lx, ly)| (lx - cx).abs() < RIGHT && (ly - at).abs() < LINE);
        while in_the_way(at) && at < top + HEIGHT - BOTTOM + LINE {
            at += 1.0;
        }
        labels.push((cx, at));
        text(h, (cx + 8.0, at), "start", &mark.label);
    }
}

fn line(h: &mut Html, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(one);
    h.open("line", &[("class", &class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
    h.close("line");
}
