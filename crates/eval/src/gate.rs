//! Do results clear the bars that were set for them, with the end of the interval that could embarrass them?

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file of gates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// The version of the metrics that the bars were set for; results of another are refused.
    pub metric_version: Option<u64>,
    /// The gates.
    #[serde(rename = "gate", default)]
    pub gates: Vec<Gate>,
}

/// One bar for one metric of the results that it is about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Where the score stands in a result: `overall.json_exact`, `by_level.complex.field_f1`, `versus_floors.rule.json_exact`.
    pub metric: String,
    /// The lower end of its interval may not be below this.
    pub at_least: Option<f64>,
    /// The upper end of its interval may not be above this.
    pub at_most: Option<f64>,
    /// Only results of this suite.
    pub suite: Option<String>,
    /// Only results of this model.
    pub model: Option<String>,
    /// Only results of this mode (`free`, `constrained`, `predictions`).
    pub mode: Option<String>,
}

/// One gate on one result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The gate's metric.
    pub metric: String,
    /// The result's file.
    pub result: String,
    /// The result's model.
    pub model: String,
    /// The score.
    pub value: f64,
    /// Lower end of its interval; the score itself where it has none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether it has an interval. A size in bytes has none and needs none.
    pub interval: bool,
    /// The bar for the lower end.
    pub at_least: Option<f64>,
    /// The bar for the upper end.
    pub at_most: Option<f64>,
    /// Whether every bar is cleared.
    pub passed: bool,
}

impl Gates {
    /// Reads a TOML file of `[[gate]]` tables.
    ///
    /// # Errors
    /// An input error when it cannot be read, has an unknown key, no gate, or a gate without a bar.
    pub fn read(path: &std::path::Path) -> Result<Self> {
        Self::parse(&path.display().to_string(), &files::read_text(path)?)
    }

    /// [`Gates::read`] of a text; `place` names it in errors.
    ///
    /// # Errors
    /// As [`Gates::read`].
    pub fn parse(place: &str, text: &str) -> Result<Self> {
        let remedy = "a gate is a table [[gate]] with `metric` and `at_least` or `at_most`";
        let gates: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Error::input(format_args!("{place}:{line}"), e.message(), remedy)
        })?;
        if gates.gates.is_empty() {
            return Err(Error::input(place, "no gates", remedy));
        }
        for gate in &gates.gates {
            let bars = [gate.at_least, gate.at_most];
            if bars.iter().flatten().any(|bar| !bar.is_finite()) || bars == [None, None] {
                let what = format!("gate `{}` has no bar that is a number", gate.metric);
                return Err(Error::input(place, what, remedy));
            }
        }
        Ok(gates)
    }

    /// Holds every gate to every result that it is about.
    ///
    /// # Errors
    /// An input error when a result cannot be read or is of another metric version, when a result has no such metric, or when a
    /// gate is about none of the results: a bar that nobody is held to is a mistake.
    pub fn hold(&self, place: &str, results: &[PathBuf]) -> Result<Vec<Verdict>> {
        let read: Vec<(String, Value)> = results.iter().map(|path| read_result(path)).collect::<Result<_>>()?;
        for (file, result) in &read {
            let version = result.pointer("/protocol/metric_version").or_else(|| result.get("metric_version"));
            let version = version.and_then(Value::as_u64);
            if self.metric_version.is_some() && version != self.metric_version {
                let [has, wants] =
                    [version, self.metric_version].map(|v| v.map_or("none".to_owned(), |v| v.to_string()));
                let what =
                    format!("metric version {has}, but the gates are for {wants}: the scores do not mean the same");
                return Err(Error::input(file, what, "evaluate again, or set the bars anew"));
            }
        }
        let mut verdicts = Vec::new();
        for gate in &self.gates {
            let about: Vec<&(String, Value)> = read.iter().filter(|(_, result)| gate.is_about(result)).collect();
            if about.is_empty() {
                let what = format!("gate `{}` is about none of the {} results", gate.metric, read.len());
                return Err(Error::input(
                    place,
                    what,
                    "give the result it is meant for, or mend its suite, model or mode",
                ));
            }
            for (file, result) in about {
                verdicts.push(gate.hold(file, result)?);
            }
        }
        Ok(verdicts)
    }
}

fn read_result(path: &Path) -> Result<(String, Value)> {
    let place = path.display().to_string();
    let result: Value = serde_json::from_slice(&files::read(path)?)
        .map_err(|e| Error::input(&place, format_args!("not a result: {e}"), "give result files of an evaluation"))?;
    if !result["suite"].is_string() {
        return Err(Error::input(&place, "not a result: it has no `suite`", "give result files of an evaluation"));
    }
    Ok((place, result))
}

impl Gate {
    fn is_about(&self, result: &Value) -> bool {
        let mode = result.pointer("/protocol/mode").or_else(|| result.get("mode")).unwrap_or(&Value::Null);
        let fits = |wanted: &Option<String>, found: &Value| wanted.as_ref().is_none_or(|w| found.as_str() == Some(w));
        fits(&self.suite, &result["suite"]) && fits(&self.model, &result["model"]) && fits(&self.mode, mode)
    }

    fn hold(&self, file: &str, result: &Value) -> Result<Verdict> {
        let found = self.metric.split('.').try_fold(result, |value, name| value.get(name)).and_then(Score::of);
        let Some(score) = found else {
            let what = format!("no metric `{}` in {file}", self.metric);
            return Err(Error::input(format_args!("gate `{}`", self.metric), what, known(result, &self.metric)));
        };
        let passed =
            self.at_least.is_none_or(|bar| score.low >= bar) && self.at_most.is_none_or(|bar| score.high <= bar);
        Ok(Verdict {
            metric: self.metric.clone(),
            result: file.to_owned(),
            model: result["model"].as_str().unwrap_or("?").to_owned(),
            value: score.value,
            low: score.low,
            high: score.high,
            interval: score.interval,
            at_least: self.at_least,
            at_most: self.at_most,
            passed,
        })
    }
}

struct Score {
    value: f64,
    low: f64,
    high: f64,
    interval: bool,
}

impl Score {
    /// An estimate (`value`, `low`, `high`) or a number.
    fn of(value: &Value) -> Option<Self> {
        if let Some(value) = value.as_f64() {
            return Some(Self { value, low: value, high: value, interval: false });
        }
        let number = |name: &str| value.get(name)?.as_f64();
        Some(Self { value: number("value")?, low: number("low")?, high: number("high")?, interval: true })
    }
}

/// Scores with intervals that the result does have, those with the same last name first.
fn known(result: &Value, wanted: &str) -> String {
    fn walk(value: &Value, path: &str, into: &mut Vec<String>) {
        let Some(members) = value.as_object() else { return };
        if Score::of(value).is_some() {
            return into.push(path.to_owned());
        }
        for (name, member) in members {
            walk(member, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
        }
    }
    let mut paths = Vec::new();
    walk(result, "", &mut paths);
    let last = wanted.rsplit('.').next().unwrap_or(wanted);
    paths.sort_by_key(|path| (path.rsplit('.').next() != Some(last), path.matches('.').count()));
    paths.truncate(4);
    if paths.is_empty() { "it has no scores".to_owned() } else { format!("it has {} and more", paths.join(", ")) }
}

impl Verdict {
    /// One line: passed or not, and by what.
    pub fn line(&self) -> String {
        let mut text = format!("{} {}: {:.4}", if self.passed { "pass" } else { "FAIL" }, self.metric, self.value);
        if self.interval {
            text += &format!(" [{:.4}, {:.4}]", self.low, self.high);
        }
        let bars = [("at least", self.at_least), ("at most", self.at_most)];
        for (word, bar) in bars.into_iter().filter_map(|(word, bar)| Some((word, bar?))) {
            text += &format!(", {word} {bar}");
        }
        text + &format!(" ({}, {})", self.model, self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"suite":"edge-json","model":"m","n":100,"overall":{"json_exact":{"value":0.7,"low":0.6,"high":0.78,"n":100}},
        "by_level":{"simple":{"json_exact":{"value":0.9,"low":0.8,"high":0.95,"n":50}}},
        "protocol":{"metric_version":1,"mode":"free","artifact":{"bytes":900}}}"#;

    fn hold(gates: &str) -> Result<Vec<Verdict>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        std::fs::write(&path, RESULT).unwrap();
        Gates::parse("gates.toml", gates)?.hold("gates.toml", &[path])
    }

    #[test]
    fn the_end_of_the_interval_decides_not_the_score() {
        let verdicts = hold(
            "[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.6\n[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.65\n\
             [[gate]]\nmetric = 'by_level.simple.json_exact'\nmode = 'free'\nat_most = 0.9\n\
             [[gate]]\nmetric = 'protocol.artifact.bytes'\nat_most = 1000\n",
        )
        .unwrap();
        assert_eq!(verdicts.iter().map(|v| v.passed).collect::<Vec<_>>(), [true, false, false, true]);
        assert!(verdicts[1].line().starts_with("FAIL overall.json_exact: 0.7000 [0.6000, 0.7800], at least 0.65 (m, "));
        assert!(!verdicts[3].interval);
    }

    #[test]
    fn a_gate_that_holds_nobody_is_a_mistake() {
        for (gates, told) in [
            ("[[gate]]\nmetric = 'overall.json_exakt'\nat_least = 0.1", "no metric `overall.json_exakt`"),
            ("[[gate]]\nmetric = 'overall'\nat_least = 0.1", "it has overall.json_exact"),
            ("[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.1\nmodel = 'x'", "about none of the 1 results"),
            ("[[gate]]\nmetric = 'overall.json_exact'", "has no bar"),
            ("[[gate]]\nmetric = 'overall.json_exact'\nat_least = nan", "has no bar"),
            ("[[gate]]\nmetric = 'a'\nat_leest = 1", "gates.toml:3: unknown field `at_leest`"),
            ("", "no gates"),
            ("[[gate]", "gates.toml:1"),
            (
                "metric_version = 2\n[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.1",
                "metric version 1, but the gates are for 2",
            ),
        ] {
            let error = hold(gates).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(told), "{gates}: {error}");
        }
    }
}
