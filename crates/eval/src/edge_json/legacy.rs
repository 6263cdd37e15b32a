//! What would EdgeJSON v3's published scorer have said?
//!
//! Its rules, as the scorer of the repository CycleCore-Technologies/slmbench (`benchmarks/edge_json/scripts/eval.py`) has them:
//!
//! - An answer is the whole output, stripped, if Python's `json` reads it; else the first part that the expression
//!   `\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}` finds (braces at most two deep, braces within strings counted too) and `json` reads.
//!   `null` is no answer.
//! - `json_exact`: equal to the gold by Python's `==` (`True == 1`, floats as doubles).
//! - `field_f1`: F1 over the top-level keys whose values are equal; both empty is 1, one empty is 0, no object is 0.
//! - `schema_compliance`: a non-empty object that has every top-level key of the *gold*, with values of the same Python type
//!   (int and float count as one). No schema is read.
//!
//! Where that scorer crashes (nesting beyond Python's recursion limit, integers beyond its limit of 4,300 digits) there is no answer.

mod python;

use std::collections::BTreeMap;

use bantam_core::{Error, Result};
use serde::Serialize;

use self::python::PyValue;
use crate::result::Sample;

/// The published scores of one output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LegacyScores {
    /// Whether an answer was found.
    pub parsed: bool,
    /// Its `json_exact`.
    pub json_exact: bool,
    /// Its `field_f1`.
    pub field_f1: f64,
    /// Its `schema_compliance`.
    pub schema_compliance: bool,
}

/// Mean scores, published or corrected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    /// Items.
    pub n: usize,
    /// Share of exact answers.
    pub json_exact: f64,
    /// Mean field F1.
    pub field_f1: f64,
    /// Share of compliant answers.
    pub schema_compliance: f64,
}

/// An item on which the two scorings differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flip {
    /// The item.
    pub id: String,
    /// `json_exact` or `schema_compliance`.
    pub metric: &'static str,
    /// What the published scorer says.
    pub published: bool,
    /// What Bantam says.
    pub corrected: bool,
    /// Why.
    pub why: String,
}

/// Both scorings beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegacyReport {
    /// The published scoring.
    pub published: Means,
    /// Bantam's.
    pub corrected: Means,
    /// The published scoring by `complexity`; items without one are in none, as there.
    pub published_by_complexity: BTreeMap<String, Means>,
    /// Bantam's by the same.
    pub corrected_by_complexity: BTreeMap<String, Means>,
    /// Outputs in which the published scorer found no answer and Bantam did.
    pub answers_lost: usize,
    /// Items whose verdicts differ, in order. Field F1 differs by definition and is not listed.
    pub flips: Vec<Flip>,
}

/// Scores one output as published.
///
/// # Errors
/// An input error when the gold is no JSON object, which the published scorer needs.
pub fn score(output: &str, gold: &str) -> Result<LegacyScores> {
    let Some(PyValue::Dict(gold)) = python::loads(gold.trim()) else {
        let remedy = "score it without --legacy-v3";
        return Err(Error::input("expected_output", "the published scorer takes only objects as golds", remedy));
    };
    let none = LegacyScores { parsed: false, json_exact: false, field_f1: 0.0, schema_compliance: false };
    Ok(match extract(output) {
        None => none,
        Some(answer) => LegacyScores {
            parsed: true,
            json_exact: answer == PyValue::Dict(gold.clone()),
            field_f1: field_f1(&gold, &answer),
            schema_compliance: complies(&gold, &answer),
        },
    })
}

/// The answer, by the published rule.
fn extract(output: &str) -> Option<PyValue> {
    let whole = python::strip(output);
    match python::loads(whole) {
        // Python's None says that there is no answer.
        Some(PyValue::None) => return None,
        Some(value) => return Some(value),
        None => {}
    }
    let mut from = 0;
    while let Some((start, end)) = next_object(whole, from) {
        if let Some(value) = python::loads(&whole[start..end]) {
            return Some(value);
        }
        from = end;
    }
    None
}

/// The next match of the published expression from byte `from` on, as bytes.
fn next_object(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = from;
    loop {
        start += bytes[start..].iter().position(|b| *b == b'{')?;
        let mut depth = 0;
        for (i, byte) in bytes.iter().enumerate().skip(start) {
            match byte {
                b'{' if depth == 2 => break,
                b'{' => depth += 1,
                b'}' if depth == 1 => return Some((start, i + 1)),
                b'}' => depth -= 1,
                _ => {}
            }
        }
        start += 1;
    }
}

fn field_f1(gold: &BTreeMap<Vec<u16>, PyValue>, answer: &PyValue) -> f64 {
    match (gold.is_empty(), answer.is_falsy()) {
        (true, true) => return 1.0,
        (false, false) => {}
        _ => return 0.0,
    }
    let PyValue::Dict(answer) = answer else { return 0.0 };
    let correct = gold.iter().filter(|(key, value)| answer.get(*key) == Some(value)).count() as f64;
    let (precision, recall) = (correct / answer.len() as f64, correct / gold.len() as f64);
    if precision + recall > 0.0 { 2.0 * (precision * recall) / (precision + recall) } else { 0.0 }
}

fn complies(gold: &BTreeMap<Vec<u16>, PyValue>, answer: &PyValue) -> bool {
    match answer {
        PyValue::Dict(answer) if !answer.is_empty() => {
            gold.iter().all(|(key, value)| answer.get(key).is_some_and(|found| found.is_of_type_of(value)))
        }
        _ => false,
    }
}

/// Both scorings of samples.
///
/// # Errors
/// As [`score`].
pub fn report(samples: &[Sample]) -> Result<LegacyReport> {
    let scored = |sample: &Sample| {
        let output = sample.output.as_deref().unwrap_or_default();
        score(output, sample.gold.get()).map_err(|e| e.within(format_args!("item `{}`", sample.id)))
    };
    let published: Vec<LegacyScores> = samples.iter().map(scored).collect::<Result<_>>()?;
    let both: Vec<(&Sample, &LegacyScores)> = samples.iter().zip(&published).collect();
    let mut groups: BTreeMap<String, Vec<(&Sample, &LegacyScores)>> = BTreeMap::new();
    for pair in both.iter().filter(|(sample, _)| sample.level != "unknown") {
        groups.entry(pair.0.level.clone()).or_default().push(*pair);
    }
    let by = |means: fn(&[(&Sample, &LegacyScores)]) -> Means| {
        groups.iter().map(|(name, pairs)| (name.clone(), means(pairs))).collect()
    };
    let lost = |(sample, legacy): &&(&Sample, &LegacyScores)| !legacy.parsed && sample.answer.is_some();
    Ok(LegacyReport {
        published: published_means(&both),
        corrected: corrected_means(&both),
        published_by_complexity: by(published_means),
        corrected_by_complexity: by(corrected_means),
        answers_lost: both.iter().filter(lost).count(),
        flips: both.iter().flat_map(|(sample, legacy)| flips(sample, legacy)).collect(),
    })
}

fn published_means(pairs: &[(&Sample, &LegacyScores)]) -> Means {
    means(pairs.iter().map(|(_, s)| (s.json_exact, s.field_f1, s.schema_compliance)))
}

fn corrected_means(pairs: &[(&Sample, &LegacyScores)]) -> Means {
    means(pairs.iter().map(|(s, _)| (s.exact, s.f1, s.compliant)))
}

fn means(scores: impl Iterator<Item = (bool, f64, bool)>) -> Means {
    let (mut n, mut exact, mut f1, mut compliant) = (0, 0, 0.0, 0);
    for score in scores {
        n += 1;
        exact += usize::from(score.0);
        f1 += score.1;
        compliant += usize::from(score.2);
    }
    let share = |of: f64| of / (n.max(1)) as f64;
    Means { n, json_exact: share(exact as f64), field_f1: share(f1), schema_compliance: share(compliant as f64) }
}

/// Where the verdicts on one item differ, and why.
fn flips(sample: &Sample, legacy: &LegacyScores) -> Vec<Flip> {
    let flip =
        |metric, published, corrected, why: String| Flip { id: sample.id.clone(), metric, published, corrected, why };
    let no_answer = sample.error.as_deref().unwrap_or("there is none");
    let mut found = Vec::new();
    if legacy.json_exact != sample.exact {
        let why = match (legacy.parsed, &sample.answer) {
            (false, _) => "the published expression reads braces only two deep and lost the answer".to_owned(),
            (true, None) => format!("the published scorer reads what is no answer: {no_answer}"),
            (true, Some(_)) if legacy.json_exact => "Python's == takes true for 1 and numbers for doubles".to_owned(),
            (true, Some(_)) => "the published scorer read another part of the output".to_owned(),
        };
        found.push(flip("json_exact", legacy.json_exact, sample.exact, why));
    }
    if legacy.schema_compliance != sample.compliant {
        let why = match (legacy.parsed, &sample.answer) {
            (false, _) => "the published expression reads braces only two deep and lost the answer".to_owned(),
            (true, None) => format!("the published scorer reads what is no answer: {no_answer}"),
            (true, Some(_)) if sample.compliant => {
                "valid by the schema, but not of the gold's keys and types, which the published score compares with"
                    .to_owned()
            }
            (true, Some(_)) => "of the gold's keys and types, but not valid by the schema, which the published score \
                                never reads"
                .to_owned(),
        };
        found.push(flip("schema_compliance", legacy.schema_compliance, sample.compliant, why));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        output: String,
        gold: String,
        parsed: bool,
        json_exact: bool,
        field_f1: f64,
        schema_compliance: bool,
    }

    /// What the published scorer's own functions say (tests/reference/edgejson_v3_scorer.py).
    #[test]
    fn every_verdict_is_the_published_scorers() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/data/edgejson_v3_scorer.json")).unwrap();
        assert!(cases.len() > 300);
        for case in &cases {
            let ours = score(&case.output, &case.gold).unwrap();
            let theirs = LegacyScores {
                parsed: case.parsed,
                json_exact: case.json_exact,
                field_f1: case.field_f1,
                schema_compliance: case.schema_compliance,
            };
            assert_eq!(ours, theirs, "{:?} for {}", case.output, case.gold);
        }
        for verdict in [true, false] {
            assert!(cases.iter().filter(|c| c.json_exact == verdict).count() > 50);
            assert!(cases.iter().filter(|c| c.schema_compliance == verdict).count() > 50);
        }
    }

    #[test]
    fn deep_and_long_outputs_have_no_answer() {
        let gold = "{\"a\":1}";
        for output in ["[".repeat(100_000), "{\"a\":".repeat(5_000), "{".repeat(200_000), "9".repeat(5_000)] {
            assert!(!score(&output, gold).unwrap().parsed);
        }
        assert_eq!(score("{}", "[1]").unwrap_err().exit_code(), 2);
    }
}
