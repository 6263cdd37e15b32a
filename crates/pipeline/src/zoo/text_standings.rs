//! Which mixer learns a text best? The best learning rate of each by the validation documents, all seeds of it by the test
//! documents, and which differences are more than chance.

use bantam_eval::statistics::Estimate;
use bantam_eval::statistics::paired_tests::sign_flip;
use bantam_eval::statistics::ranking::{holm, places};
use bantam_runtime::measure::median;
use bantam_site::zoo_texts::{TextRow, TextTable};

use super::standings::groups;
use super::text_record::{TextMade, TextRecord};

/// Differences with an adjusted p below this are told apart.
const LEVEL: f64 = 0.05;
/// Seed of the sign flips.
const FLIP_SEED: u64 = 0;

/// One table for each text, model size and length of training, in the order of the records; the best first within a table.
pub fn text_standings(records: &[TextRecord]) -> Vec<TextTable> {
    groups(records, |a, b| comparable(&a.made, &b.made)).iter().map(|group| table(group)).collect()
}

/// Whether two runs differ in mixers, learning rate and seed alone.
fn comparable(a: &TextMade, b: &TextMade) -> bool {
    TextMade { mixers: a.mixers.clone(), learning_rate: a.learning_rate, seed: a.seed, ..b.clone() } == *a
}

fn table(records: &[&TextRecord]) -> TextTable {
    let mut rows: Vec<(TextRow, Vec<(f64, f64)>)> =
        groups(records.iter().copied(), |a, b| a.made.mixers == b.made.mixers).iter().map(|group| row(group)).collect();
    let score = |row: &TextRow| row.bits_per_byte.map_or(f64::INFINITY, |bits| bits.value);
    rows.sort_by(|a, b| score(&a.0).total_cmp(&score(&b.0)));
    let scored = rows.iter().take_while(|(_, documents)| !documents.is_empty()).count();
    let pairs: Vec<(usize, usize)> = (0..scored).flat_map(|a| (a + 1..scored).map(move |b| (a, b))).collect();
    // Of bits, not of bits per byte: documents count by their length, as in the score.
    let p_values = pairs.iter().map(|&(a, b)| {
        let differences = rows[a].1.iter().zip(&rows[b].1).map(|(a, b)| a.0 - b.0);
        sign_flip(&differences.collect::<Vec<f64>>(), FLIP_SEED).p
    });
    let adjusted = holm(&p_values.collect::<Vec<f64>>());
    let told_apart: Vec<(usize, usize)> =
        pairs.iter().zip(&adjusted).filter(|(_, p)| **p < LEVEL).map(|(pair, _)| *pair).collect();
    let separated = |a: usize, b: usize| told_apart.contains(&(a.min(b), a.max(b)));
    let scores: Vec<f64> = rows.iter().take(scored).map(|(row, _)| score(row)).collect();
    let ranked = places(&scores, false, &separated);
    for ((row, _), place) in rows.iter_mut().zip(ranked) {
        row.place = Some(place);
    }
    let first = records[0];
    let floor = records
        .iter()
        .find(|r| !r.documents.is_empty())
        .map(|r| Estimate::ratio(&r.documents.iter().map(|d| (d.floor_bits, d.bytes as f64)).collect::<Vec<_>>()));
    TextTable {
        text: described(&first.made),
        name: first.made.corpus.name.clone(),
        floor,
        rows: rows.into_iter().map(|(row, _)| row).collect(),
        pairs: pairs.len(),
        told_apart: told_apart.len(),
    }
}

/// A mixer's row, and for each test document the mean bits over its seeds, with the bytes.
fn row(group: &[&TextRecord]) -> (TextRow, Vec<(f64, f64)>) {
    let mut rates: Vec<f64> = group.iter().map(|r| r.made.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let of = |rate: f64| group.iter().copied().filter(move |r| r.made.learning_rate == rate);
    let loss = |rate: f64| of(rate).map(TextRecord::validated).sum::<f64>() / of(rate).count() as f64;
    let best = rates.iter().copied().min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or_default();
    let runs: Vec<&TextRecord> = of(best).collect();
    let seeds: Option<Vec<f64>> = runs.iter().map(|r| r.bits_per_byte.map(|bits| bits.value)).collect();
    let documents: Vec<(f64, f64)> = match &seeds {
        None => Vec::new(),
        Some(seeds) => (0..runs[0].documents.len())
            .map(|d| {
                let bits = runs.iter().map(|r| r.documents[d].bits).sum::<f64>() / seeds.len() as f64;
                (bits, runs[0].documents[d].bytes as f64)
            })
            .collect(),
    };
    let row = TextRow {
        mixers: runs[0].made.mixers.clone(),
        parameters: runs[0].parameters,
        state_bytes: runs[0].state_bytes,
        learning_rate: best,
        learning_rates: rates.len(),
        seeds: runs.len(),
        bits_per_byte: seeds.as_ref().map(|_| Estimate::ratio(&documents)),
        lowest_seed: seeds.iter().flatten().copied().fold(f64::INFINITY, f64::min),
        highest_seed: seeds.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max),
        train_tokens_per_s: median(runs.iter().map(|r| r.circumstances.tokens_per_s).collect()),
        step_ms: runs.iter().map(|r| r.step_ms).collect::<Option<Vec<f64>>>().map(median),
        place: None,
    };
    (row, documents)
}

/// What was learned, by which models, in a line.
fn described(made: &TextMade) -> String {
    let TextMade { corpus, budget, context, batch, steps, .. } = made;
    let tokens = *steps * (*batch * *context) as u64;
    format!(
        "{}: {} training documents of {} bytes ({} tokens of a vocabulary of {}), {} scored of {} bytes; models of about {budget} \
         parameters; {steps} steps of {batch} windows of {context} tokens, so at most {tokens} tokens",
        corpus.name,
        corpus.documents[0],
        corpus.bytes[0],
        corpus.train_tokens,
        corpus.vocabulary,
        corpus.documents[2],
        corpus.bytes[2]
    )
}

#[cfg(test)]
mod tests {
    use bantam_core::host::Host;

    use super::super::record::{Circumstances, Point};
    use super::super::text_record::{Corpus, Scored};
    use super::*;

    /// A run whose test documents of 1,000 bytes take `bits` each, more or less.
    fn record(mixers: &str, learning_rate: f64, seed: u64, bits: Option<f64>, valid: f64) -> TextRecord {
        let document = |d: usize| Scored {
            name: d.to_string(),
            bytes: 1000,
            bits: bits.unwrap_or_default() + (d * d % 7) as f64,
            floor_bits: 3000.0,
        };
        let documents: Vec<Scored> = bits.iter().flat_map(|_| (0..12).map(document)).collect();
        let parts: Vec<(f64, f64)> = documents.iter().map(|d| (d.bits, d.bytes as f64)).collect();
        TextRecord {
            made: TextMade {
                corpus: Corpus {
                    name: "wiki".into(),
                    sha256: "0".into(),
                    documents: [80, 4, 12],
                    bytes: [80_000, 4_000, 12_000],
                    train_tokens: 30_000,
                    not_utf8: 0,
                    repeated: 0,
                    vocabulary: 512,
                },
                mixers: mixers.into(),
                budget: 1_000_000,
                context: 128,
                batch: 8,
                steps: 100,
                learning_rate,
                seed,
            },
            parameters: 1_000_100,
            state_bytes: Some(512),
            steps: 100,
            bits_per_byte: (!parts.is_empty()).then(|| Estimate::ratio(&parts)),
            documents,
            curve: vec![Point { step: 100, loss: valid, accuracy: 0.3 }],
            step_ms: Some(0.5),
            circumstances: Circumstances {
                host: Host::default(),
                seconds: 1.0,
                tokens_per_s: seed as f64 * 100.0,
                written_unix_s: 0,
            },
        }
    }

    #[test]
    fn rates_are_chosen_by_validation_and_only_real_differences_are_told_apart() {
        let mut equal = record("gru", 1e-3, 1, Some(2000.0), 3.0);
        // Better on one document, worse on another: not told apart from lstm.
        equal.documents[0].bits += 9.0;
        equal.documents[1].bits -= 8.0;
        let records = [
            record("lstm", 1e-3, 1, Some(2000.0), 3.0),
            // Better on the test documents alone: not chosen.
            record("lstm", 1e-2, 1, Some(1000.0), 3.5),
            record("attention", 1e-3, 1, Some(1800.0), 2.5),
            record("attention", 1e-3, 2, Some(1600.0), 2.5),
            equal,
            record("hyena", 1e-3, 1, None, 1.0),
        ];
        let tables = text_standings(&records);
        assert_eq!(tables.len(), 1);
        let table = &tables[0];
        let names: Vec<&str> = table.rows.iter().map(|r| r.mixers.as_str()).collect();
        assert_eq!(names, ["attention", "lstm", "gru", "hyena"]);
        assert_eq!((table.pairs, table.told_apart), (3, 2));
        let ranks: Vec<Option<usize>> = table.rows.iter().map(|r| r.place.as_ref().map(|p| p.rank)).collect();
        assert_eq!(ranks, [Some(1), Some(2), Some(2), None]);
        let attention = &table.rows[0];
        let bits = attention.bits_per_byte.unwrap();
        assert!((bits.value - 1.7026).abs() < 1e-3 && bits.n == 12, "{bits}");
        assert!((attention.lowest_seed - 1.6026).abs() < 1e-3 && (attention.highest_seed - 1.8026).abs() < 1e-3);
        assert_eq!((attention.seeds, attention.train_tokens_per_s), (2, 150.0));
        assert_eq!((table.rows[1].learning_rate, table.rows[1].learning_rates), (1e-3, 2));
        assert_eq!((table.rows[3].bits_per_byte, table.floor.unwrap().value), (None, 3.0));
        // A longer training is another comparison.
        let mut longer = records[0].clone();
        longer.made.steps = 200;
        assert_eq!(text_standings(&[records[0].clone(), longer]).len(), 2);
        assert!(text_standings(&[]).is_empty());
    }
}
