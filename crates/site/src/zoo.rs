//! The mixers beside each other: a table of what each costs, one of what each recalls, those of texts, and a picture.

use std::fmt::Write;

use bantam_eval::statistics::Estimate;
use serde::Serialize;

use crate::markdown::plain;
use crate::numbers::{bytes, percent, short, thousands};
use crate::scatter::{self, Mark, Panel};
use crate::zoo_texts::{self, TextTable};

/// Everything there is to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Zoo {
    /// How costs were measured, in a sentence.
    pub measured: String,
    /// A row for each pattern of mixers.
    pub costs: Vec<Costs>,
    /// A row for each task, model size and pattern of mixers; those of one task together.
    pub recall: Vec<Recall>,
    /// A table for each text.
    pub texts: Vec<TextTable>,
}

/// What a model costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Costs {
    /// The mixers.
    pub mixers: String,
    /// Width of the residual stream.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Parameters, a tied embedding counted once.
    pub parameters: u64,
    /// Whether no output depends on a later token.
    pub causal: bool,
    /// How it steps: `constant`, `windowed`, `growing` or `none`.
    pub stepping: String,
    /// The only length it accepts, where there is one.
    pub fixed_length: Option<usize>,
    /// Bytes of its state after a sequence.
    pub state_bytes: Option<u64>,
    /// Training tokens a second; `None`: not measured.
    pub train_tokens_per_s: Option<f64>,
    /// Milliseconds to read one token and predict the next; `None`: not measured, or it cannot be stepped.
    pub step_ms: Option<f64>,
}

/// How well a model recalls, at its best learning rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recall {
    /// The task and how it was learned, in words: rows with the same words compare.
    pub task: String,
    /// The mixers.
    pub mixers: String,
    /// Parameters.
    pub parameters: u64,
    /// Bytes of its state after a sequence; `None` for what cannot be stepped.
    pub state_bytes: Option<u64>,
    /// The rate that validation chose.
    pub learning_rate: f64,
    /// How many it chose from.
    pub learning_rates: usize,
    /// Runs with that rate.
    pub seeds: usize,
    /// Share of the test items' questions answered rightly, over all seeds.
    pub accuracy: Estimate,
    /// That share for the worst seed.
    pub lowest_seed: f64,
    /// And for the best.
    pub highest_seed: f64,
    /// What guessing reaches.
    pub chance: f64,
    /// Mean loss on the test items, nats for each question; `None` where a run diverged.
    pub loss: Option<f64>,
    /// Steps of the longest run.
    pub most_steps: u64,
}

/// The tables, in Markdown.
pub fn markdown(zoo: &Zoo) -> String {
    let mut out = String::new();
    if !zoo.costs.is_empty() {
        let _ = writeln!(out, "{}\n", plain(&zoo.measured));
        out.push_str("| Mixers | Parameters | Width x layers | State | Training | One step | Causal | Steps |\n");
        out.push_str("|---|---:|---:|---:|---:|---:|---|---|\n");
        for row in &zoo.costs {
            let length = row.fixed_length.map(|n| format!(", length {n} only")).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {} | {} x {} | {} | {} | {} | {} | {}{length} |",
                plain(&row.mixers),
                thousands(row.parameters),
                row.width,
                row.layers,
                row.state_bytes.map_or("-".to_owned(), bytes),
                row.train_tokens_per_s
                    .map_or("not measured".to_owned(), |speed| format!("{} tok/s", thousands(speed.round() as u64))),
                match row.step_ms {
                    Some(ms) => format!("{} ms", short(ms)),
                    None if row.stepping == "none" => "-".to_owned(),
                    None => "not measured".to_owned(),
                },
                if row.causal { "yes" } else { "no" },
                plain(&row.stepping),
            );
        }
    }
    for task in tasks(zoo) {
        let rows: Vec<&Recall> = zoo.recall.iter().filter(|r| r.task == *task).collect();
        let chance = rows.first().map_or(0.0, |r| r.chance);
        let _ = write!(out, "\n## Recall: {}\n\n", plain(task));
        let _ = writeln!(
            out,
            "Questions of unseen items answered rightly, in percent, with the 95 % Wilson interval over the questions of all \
             seeds; guessing reaches {}.\n",
            percent(chance)
        );
        out.push_str("| Mixers | Right | 95 % interval | Seeds (worst to best) | Loss | Parameters | State | Steps | Rate (of) |\n");
        out.push_str("|---|---:|---|---|---:|---:|---:|---:|---|\n");
        for row in rows {
            let e = &row.accuracy;
            let _ = writeln!(
                out,
                "| {} | {} | {} to {} | {} ({} to {}) | {} | {} | {} | {} | {} ({}) |",
                plain(&row.mixers),
                percent(e.value),
                percent(e.low),
                percent(e.high),
                row.seeds,
                percent(row.lowest_seed),
                percent(row.highest_seed),
                row.loss.map_or("diverged".to_owned(), short),
                thousands(row.parameters),
                row.state_bytes.map_or("-".to_owned(), bytes),
                thousands(row.most_steps),
                short(row.learning_rate),
                row.learning_rates,
            );
        }
    }
    zoo.texts.iter().for_each(|table| out.push_str(&zoo_texts::markdown(table)));
    out
}

/// The tasks in their order.
fn tasks(zoo: &Zoo) -> Vec<&String> {
    let mut tasks: Vec<&String> = zoo.recall.iter().map(|r| &r.task).collect();
    tasks.dedup();
    tasks
}

/// For each task recall against state bytes and loss against parameters, for each text bits per byte against state bytes, as one picture.
/// `None` without results.
pub fn svg(zoo: &Zoo) -> Option<String> {
    let mut panels = Vec::new();
    for task in tasks(zoo) {
        let rows = || zoo.recall.iter().filter(|r| r.task == *task);
        let name = task.split([',', ';']).next().unwrap_or_default();
        let recall = rows().filter_map(|r| {
            let said = format!("{}: {} % of {} questions", r.mixers, percent(r.accuracy.value), r.accuracy.n);
            let y = (r.accuracy.value, r.accuracy.low, r.accuracy.high);
            Some(Mark { label: r.mixers.clone(), said, x: r.state_bytes? as f64, y })
        });
        let loss = rows().filter_map(|r| {
            let loss = r.loss?;
            let said = format!("{}: {} nats, {} parameters", r.mixers, short(loss), thousands(r.parameters));
            Some(Mark { label: r.mixers.clone(), said, x: r.parameters as f64, y: (loss, loss, loss) })
        });
        panels.push(Panel {
            title: format!("{name}: recall against state"),
            x: "bytes of state, logarithmic",
            y: "share of questions answered",
            unit_interval: true,
            marks: recall.collect(),
        });
        panels.push(Panel {
            title: format!("{name}: loss against parameters"),
            x: "parameters, logarithmic",
            y: "nats for each question",
            unit_interval: false,
            marks: loss.collect(),
        });
    }
    panels.extend(zoo.texts.iter().map(zoo_texts::panel));
    panels.retain(|p| !p.marks.is_empty());
    (!panels.is_empty()).then(|| scatter::svg(&panels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recall(mixers: &str, right: usize, state_bytes: Option<u64>, loss: Option<f64>) -> Recall {
        let accuracy = Estimate::proportion(right, 1000);
        let share = accuracy.value;
        Recall {
            task: "mqar, vocabulary 512".into(),
            mixers: mixers.into(),
            parameters: 130_000,
            state_bytes,
            learning_rate: 3e-3,
            learning_rates: 3,
            seeds: 2,
            accuracy,
            lowest_seed: share - 0.01,
            highest_seed: share,
            chance: 0.125,
            loss,
            most_steps: 3000,
        }
    }

    fn zoo() -> Zoo {
        let costs = Costs {
            mixers: "linformer|<b>".into(),
            width: 128,
            layers: 4,
            parameters: 2_000_000,
            causal: false,
            stepping: "none".into(),
            fixed_length: Some(256),
            state_bytes: None,
            train_tokens_per_s: Some(1234.4),
            step_ms: None,
        };
        let rows = [
            recall("attention", 1000, Some(65_536), Some(0.001)),
            recall("lstm<", 300, Some(1_024), Some(3.0)),
            recall("mamba2", 0, Some(40_000), None),
        ];
        Zoo { measured: "At 2M parameters.".into(), costs: vec![costs], recall: rows.into(), texts: Vec::new() }
    }

    #[test]
    fn tables_say_what_was_not_measured() {
        let text = markdown(&zoo());
        assert!(text.contains("| 2,000,000 | 128 x 4 | - | 1,234 tok/s | - | no | none, length 256 only |"), "{text}");
        let mut untimed = zoo();
        (untimed.costs[0].train_tokens_per_s, untimed.costs[0].stepping) = (None, "constant".into());
        assert!(markdown(&untimed).contains("| not measured | not measured |"));
        assert!(!text.contains("linformer|<b>"), "{text}");
        let attention =
            "| attention | 100.0 | 99.6 to 100.0 | 2 (99.0 to 100.0) | 0.001 | 130,000 | 65.5 kB | 3,000 | 0.003 (3) |";
        assert!(text.contains(attention), "{text}");
        assert!(text.contains("guessing reaches 12.5") && text.contains("| diverged |"), "{text}");
        assert_eq!(markdown(&Zoo::default()), "");
    }

    #[test]
    fn the_picture_has_a_panel_for_each_question_and_escapes_names() {
        let text = svg(&zoo()).unwrap();
        let titles = [">mqar: recall against state (", ">mqar: loss against parameters ("];
        assert!(titles.iter().all(|title| text.matches(title).count() == 1), "{text}");
        // Three with a state, two with a loss.
        assert_eq!(text.matches("<circle").count(), 5);
        assert!(text.contains("lstm&lt;") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        assert_eq!(svg(&Zoo { recall: Vec::new(), ..zoo() }), None);
    }
}
