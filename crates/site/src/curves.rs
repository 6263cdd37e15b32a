//! Training curves as SVG: training loss, validation loss, bits per byte and learning rate over steps.

use crate::html::Html;
use crate::input::{ReportInput, TrainingPoint};
use crate::numbers::{short, thousands};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// Points beyond this are drawn as the means of neighbours, with their range behind.
const MOST_POINTS: usize = 360;

/// One curve.
pub struct Curve {
    /// Part of the file name and of links.
    pub id: &'static str,
    /// What it shows, with its unit.
    pub title: &'static str,
    /// Step and value, finite, by step.
    pub points: Vec<(f64, f64)>,
    /// Whether the vertical axis is logarithmic.
    pub log: bool,
}

/// The curves that the training points have values for.
pub fn curves(input: &ReportInput) -> Vec<Curve> {
    let curve = |id, title, loss: bool, of: fn(&TrainingPoint) -> Option<f64>| {
        let of_its_step = |p: &&TrainingPoint| p.weights_of_step.is_none() && p.mean_of_checkpoints.is_none();
        let seen = input.training.iter().filter(of_its_step).filter_map(|p| Some((p.step as f64, of(p)?)));
        let mut points: Vec<(f64, f64)> = seen.filter(|p| p.1.is_finite()).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let log = loss && low > 0.0 && high / low > 12.0;
        (points.len() > 1).then_some(Curve { id, title, points, log })
    };
    [
        curve("training-loss", "Training loss, nats per target token", true, |p| p.train_loss),
        curve("validation-loss", "Validation loss (no smoothing), nats per target token", true, |p| p.valid_loss),
        curve("bits-per-byte", "Validation, bits per byte", true, |p| p.bits_per_byte),
        curve("learning-rate", "Learning rate", false, |p| p.learning_rate),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The curves as files of their own: name and content.
pub fn pictures(input: &ReportInput) -> Vec<(String, String)> {
    curves(input).iter().map(|c| (format!("curves/{}.svg", c.id), svg(c, true).finish())).collect()
}

/// What the curve says, in a sentence.
pub fn in_words(curve: &Curve) -> String {
    let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else { return String::new() };
    let extreme = |sign: f64| curve.points.iter().min_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1))).unwrap_or(first);
    let (word, best) = if curve.id == "learning-rate" { ("highest", extreme(-1.0)) } else { ("lowest", extreme(1.0)) };
    format!(
        "{} at step {}, {} at step {}; {word} {} at step {}",
        short(first.1),
        thousands(first.0 as u64),
        short(last.1),
        thousands(last.0 as u64),
        short(best.1),
        thousands(best.0 as u64)
    )
}

/// The colours of a picture that stands alone; the page brings its own.
pub(crate) const STYLE: &str = "<style>svg{font:12px system-ui,sans-serif;background:#fff}.grid{stroke:#e4e4ea}.axis{fill:#5c5f6b}\
    .area{fill:#2456c7;opacity:.16}.line{stroke:#2456c7;fill:none;stroke-width:1.8}.dot{fill:#2456c7}\
    @media(prefers-color-scheme:dark){svg{background:#15171c}.grid{stroke:#2c303a}.axis{fill:#a3a8b5}\
    .area{fill:#8ab0ff}.line{stroke:#8ab0ff}.dot{fill:#8ab0ff}}</style>";

/// Draws a curve; `alone` makes it a file of its own.
pub fn svg(curve: &Curve, alone: bool) -> Html {
    let mut h = Html::default();
    let view = format!("0 0 {WIDTH} {HEIGHT}");
    let words = format!("{}: {}", curve.title, in_words(curve));
    let mut attributes: Vec<(&'static str, &dyn std::fmt::Display)> =
        vec![("viewBox", &view), ("role", &"img"), ("aria-label", &words)];
    if alone {
        attributes.extend([
            ("xmlns", &"http://www.w3.org/2000/svg" as &dyn std::fmt::Display),
            ("width", &WIDTH),
            ("height", &HEIGHT),
        ]);
    }
    h.open("svg", &attributes);
    if alone {
        h.raw(STYLE);
    }
    let points = thinned(&curve.points);
    let scale = Scale::over(&points, curve.log);
    for (value, label) in &scale.y_ticks {
        let y = one(scale.y(*value));
        h.open("line", &[("class", &"grid"), ("x1", &LEFT), ("x2", &(WIDTH - RIGHT)), ("y1", &y), ("y2", &y)]);
        h.close("line");
        let text_y = one(scale.y(*value) + 4.0);
        h.leaf("text", &[("class", &"axis"), ("x", &(LEFT - 6.0)), ("y", &text_y), ("text-anchor", &"end")], label);
    }
    for (value, label) in &scale.x_ticks {
        let x = one(scale.x(*value));
        let y = HEIGHT - BOTTOM + 16.0;
        h.leaf("text", &[("class", &"axis"), ("x", &x), ("y", &y), ("text-anchor", &"middle")], label);
    }
    let note = if curve.log { "step (vertical axis logarithmic)" } else { "step" };
    let at = [("class", &"axis" as &dyn std::fmt::Display), ("x", &(WIDTH - RIGHT)), ("y", &(HEIGHT - 3.0))];
    h.leaf("text", &[at[0], at[1], at[2], ("text-anchor", &"end")], note);
    if points.len() < curve.points.len() {
        let there = points.iter().map(|p| (p.x, p.high));
        let back = points.iter().rev().map(|p| (p.x, p.low));
        h.open("path", &[("class", &"area"), ("d", &format!("{}Z", scale.path(there.chain(back))))]);
        h.close("path");
    }
    h.open("path", &[("class", &"line"), ("d", &scale.path(points.iter().map(|p| (p.x, p.mean))))]);
    h.close("path");
    if points.len() <= 40 {
        for p in &points {
            let (x, y) = (one(scale.x(p.x)), one(scale.y(p.mean)));
            h.open("circle", &[("class", &"dot"), ("cx", &x), ("cy", &y), ("r", &2.6)]);
            h.leaf("title", &[], format_args!("step {}: {}", thousands(p.x as u64), short(p.mean)));
            h.close("circle");
        }
    }
    h.close("svg");
    h
}

/// Some neighbouring points as one.
struct Thinned {
    x: f64,
    mean: f64,
    low: f64,
    high: f64,
}

fn thinned(points: &[(f64, f64)]) -> Vec<Thinned> {
    let together = points.len().div_ceil(MOST_POINTS).max(1);
    let one = |chunk: &[(f64, f64)]| {
        let values = || chunk.iter().map(|p| p.1);
        Thinned {
            x: chunk.iter().map(|p| p.0).sum::<f64>() / chunk.len() as f64,
            mean: values().sum::<f64>() / chunk.len() as f64,
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
        }
    };
    points.chunks(together).map(one).collect()
}

/// From data to the picture's coordinates.
struct Scale {
    x: (f64, f64),
    y: (f64, f64),
    log: bool,
    x_ticks: Vec<(f64, String)>,
    y_ticks: Vec<(f64, String)>,
}

impl Scale {
    fn over(points: &[Thinned], log: bool) -> Self {
        let low = points.iter().map(|p| p.low).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|p| p.high).fold(f64::NEG_INFINITY, f64::max);
        let x = (points.first().map_or(0.0, |p| p.x), points.last().map_or(1.0, |p| p.x));
        let (y, y_ticks) = if log {
            let (low, high) = (low * 0.9, high * 1.1);
            ((low, high), log_ticks(low, high))
        } else {
            // From zero where that wastes less than half of the height.
            let low = if low > 0.0 && low < 0.6 * high { 0.0 } else { low };
            let step = nice_step((high - low).max(high.abs() * 1e-6).max(1e-300) / 4.0);
            let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
            let count = ((high - low) / step).round().clamp(1.0, 12.0) as usize;
            ((low, high), (0..=count).map(|i| low + step * i as f64).map(|v| (v, tick(v, step))).collect())
        };
        let step = nice_step(((x.1 - x.0) / 5.0).max(1.0));
        let first = (x.0 / step).ceil() * step;
        let x_ticks =
            (0..12).map(|i| first + step * f64::from(i)).take_while(|v| *v <= x.1).map(|v| (v, thousands(v as u64)));
        Self { x, y, log, x_ticks: x_ticks.collect(), y_ticks }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x.0) / (self.x.1 - self.x.0).max(1e-300)
    }

    fn y(&self, value: f64) -> f64 {
        let share = if self.log {
            (value / self.y.0).ln() / (self.y.1 / self.y.0).ln()
        } else {
            (value - self.y.0) / (self.y.1 - self.y.0).max(1e-300)
        };
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let part = |(i, (x, y)): (usize, (f64, f64))| {
            format!("{}{} {}", if i == 0 { 'M' } else { 'L' }, one(self.x(x)), one(self.y(y)))
        };
        points.enumerate().map(part).collect()
    }
}

/// A coordinate to a tenth of a pixel.
pub(crate) fn one(value: f64) -> String {
    format!("{value:.1}")
}

/// 1, 2 or 5 times a power of ten, at least `step`.
pub(crate) fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= step * 0.999).unwrap_or(10.0);
    factor * power
}

pub(crate) fn tick(value: f64, step: f64) -> String {
    if step < 1e-3 {
        return short(value);
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

pub(crate) fn log_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let decades = powers.clone().count();
    let factors: &[f64] = if decades > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all = powers.flat_map(|p| factors.iter().map(move |f| f * 10f64.powi(p)));
    all.filter(|v| (low..=high).contains(v)).map(|v| (v, short(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(points: usize) -> ReportInput {
        let point = |i: usize| TrainingPoint {
            step: i as u64 * 10,
            train_loss: Some(7.0 * (-(i as f64) / 40.0).exp() + 0.05),
            valid_loss: i.is_multiple_of(50).then_some(2.0),
            bits_per_byte: Some(f64::NAN),
            learning_rate: Some(1e-3),
            ..TrainingPoint::default()
        };
        ReportInput { training: (0..points).map(point).collect(), ..ReportInput::default() }
    }

    #[test]
    fn curves_exist_where_there_are_values_and_stay_in_the_picture() {
        let found = curves(&input(2_000));
        assert_eq!(
            found.iter().map(|c| c.id).collect::<Vec<_>>(),
            ["training-loss", "validation-loss", "learning-rate"]
        );
        assert!(found[0].log && !found[1].log && !found[2].log);
        for curve in &found {
            let text = svg(curve, true).finish();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            let path = text.rsplit("d=\"").next().and_then(|d| d.split('"').next()).unwrap();
            for pair in path.split(['M', 'L']).skip(1) {
                let (x, y) = pair.split_once(' ').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.trim_end_matches('Z').parse().unwrap());
                assert!(
                    (LEFT..=WIDTH - RIGHT).contains(&x) && (TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y),
                    "{x} {y}"
                );
            }
        }
        assert!(curves(&ReportInput::default()).is_empty());
        let mut ended = input(2_000);
        let best =
            TrainingPoint { step: 19_990, valid_loss: Some(0.1), weights_of_step: Some(500), ..Default::default() };
        ended.training.push(best);
        assert_eq!(curves(&ended)[1].points, found[1].points, "the best step's weights are no point at the last step");
        assert!(curves(&input(1)).is_empty());
    }

    #[test]
    fn a_long_curve_is_thinned_and_its_range_kept() {
        let curve = &curves(&input(5_000))[0];
        let thin = thinned(&curve.points);
        assert!(thin.len() <= MOST_POINTS);
        assert_eq!(thin[0].high, curve.points[0].1);
        assert!(svg(curve, false).finish().contains("class=\"area\""));
        assert!(in_words(curve).starts_with("7.05 at step 0, 0.05 at step 49,990; lowest 0.05 at step"));
    }
}
