//! Mixers beside each other on a text: a table of bits per byte, which differences are more than chance, and a picture.

use std::fmt::Write;

use bantam_eval::statistics::Estimate;
use bantam_eval::statistics::ranking::Place;
use serde::Serialize;

use crate::markdown::plain;
use crate::numbers::{bytes, short, thousands};
use crate::scatter::{Mark, Panel};

/// What models of one size learned of one text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextTable {
    /// The text and how it was learned, in words.
    pub text: String,
    /// The text's name.
    pub name: String,
    /// A byte n-gram on the test documents; `None` where no run was scored.
    pub floor: Option<Estimate>,
    /// A row for each pattern of mixers, the best first.
    pub rows: Vec<TextRow>,
    /// Pairs of rows that were compared.
    pub pairs: usize,
    /// Those of them whose difference is more than chance.
    pub told_apart: usize,
}

/// How well a mixer learned it, at its best learning rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextRow {
    /// The mixers.
    pub mixers: String,
    /// Parameters.
    pub parameters: u64,
    /// Bytes of its state after a window; `None` for what cannot be stepped.
    pub state_bytes: Option<u64>,
    /// The rate that validation chose.
    pub learning_rate: f64,
    /// How many it chose from.
    pub learning_rates: usize,
    /// Runs with that rate.
    pub seeds: usize,
    /// Over the test documents, of the mean over seeds; `None` where a run diverged.
    pub bits_per_byte: Option<Estimate>,
    /// Of the best seed.
    pub lowest_seed: f64,
    /// Of the worst seed.
    pub highest_seed: f64,
    /// Training tokens a second, validations included: the median run.
    pub train_tokens_per_s: f64,
    /// Milliseconds for one token in the runtime: the median run.
    pub step_ms: Option<f64>,
    /// Its place and tie groups; `None` where a run diverged.
    pub place: Option<Place>,
}

/// A section in Markdown.
pub(crate) fn markdown(table: &TextTable) -> String {
    let mut out = String::new();
    let _ = write!(out, "\n## Text: {}\n\n", plain(&table.text));
    out.push_str(
        "Bits per byte of the test documents, lower is better; the interval draws documents, of the mean over seeds. Rows that share a \
         letter are not told apart (sign flips over documents, Holm over all pairs, 5 %).",
    );
    let _ = writeln!(out, " {} of {} pairs are told apart.", table.told_apart, table.pairs);
    if let Some(floor) = &table.floor {
        let _ = writeln!(
            out,
            "\nA byte n-gram of order 5 that read the training documents and goes on learning while it is scored: {floor}."
        );
    }
    out.push_str("\n| Mixers | Bits per byte | Ties | Seeds (best to worst) | Training | One step | State | Parameters | Rate (of) |\n");
    out.push_str("|---|---|---|---|---:|---:|---:|---:|---:|\n");
    for row in &table.rows {
        let (bits, seeds) = match &row.bits_per_byte {
            Some(bits) => (bits.to_string(), format!(" ({:.3} to {:.3})", row.lowest_seed, row.highest_seed)),
            None => ("diverged".to_owned(), String::new()),
        };
        let _ = writeln!(
            out,
            "| {} | {bits} | {} | {}{seeds} | {} tok/s | {} | {} | {} | {} ({}) |",
            plain(&row.mixers),
            row.place.as_ref().map_or("-".to_owned(), |p| p.groups.join(" ")),
            row.seeds,
            thousands(row.train_tokens_per_s.round() as u64),
            row.step_ms.map_or("-".to_owned(), |ms| format!("{} ms", short(ms))),
            row.state_bytes.map_or("-".to_owned(), bytes),
            thousands(row.parameters),
            short(row.learning_rate),
            row.learning_rates,
        );
    }
    out
}

/// Bits per byte against bytes of state.
pub(crate) fn panel(table: &TextTable) -> Panel {
    let mark = |row: &TextRow| {
        let bits = row.bits_per_byte.as_ref()?;
        let said = format!("{}: {bits} bits per byte, {} parameters", row.mixers, thousands(row.parameters));
        Some(Mark { label: row.mixers.clone(), said, x: row.state_bytes? as f64, y: (bits.value, bits.low, bits.high) })
    };
    Panel {
        title: format!("{}: bits per byte against state", table.name),
        x: "bytes of state, logarithmic",
        y: "bits per byte",
        unit_interval: false,
        marks: table.rows.iter().filter_map(mark).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_is_tied_and_what_diverged() {
        let row = |mixers: &str, bits: Option<f64>| TextRow {
            mixers: mixers.into(),
            parameters: 2_000_000,
            state_bytes: bits.map(|_| 1_024),
            learning_rate: 2e-3,
            learning_rates: 2,
            seeds: 3,
            bits_per_byte: bits.map(|b| Estimate { value: b, low: b - 0.1, high: b + 0.1, n: 9 }),
            lowest_seed: bits.unwrap_or_default(),
            highest_seed: bits.unwrap_or_default() + 0.01,
            train_tokens_per_s: 4321.2,
            step_ms: bits.map(|_| 0.25),
            place: bits.map(|_| Place { rank: 1, groups: vec!["a".into(), "b".into()] }),
        };
        let table = TextTable {
            text: "wiki|: 80 documents".into(),
            name: "wiki<".into(),
            floor: Some(Estimate { value: 2.5, low: 2.4, high: 2.6, n: 9 }),
            rows: vec![row("lstm", Some(2.0)), row("s4d", None)],
            pairs: 1,
            told_apart: 0,
        };
        let text = markdown(&table);
        let lstm = "| lstm | 2.000 [1.900, 2.100] | a b | 3 (2.000 to 2.010) | 4,321 tok/s | 0.25 ms | 1.0 kB | 2,000,000 | 0.002 (2) |";
        assert!(text.contains(lstm), "{text}");
        assert!(text.contains("| s4d | diverged | - | 3 | 4,321 tok/s | - | - |"), "{text}");
        assert!(text.contains("0 of 1 pairs") && text.contains("2.500 [2.400, 2.600]"), "{text}");
        assert_eq!(panel(&table).marks.len(), 1);
    }
}
