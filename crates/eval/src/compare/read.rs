//! What do a result and its samples say, item by item, whatever their suite?
//!
//! A result is a JSON object with `suite`, `model`, `metric_version` and `data.sha256` (both, or either, within `protocol`). Its
//! samples lie beside it as `<stem>.samples.jsonl`, a line for each item: `id`; `group` (or `schema_id`) for items that succeed
//! and fail together; and its scores, the object `scores` of numbers and booleans, or else the booleans of the line and `f1`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use bantam_data::jsonl;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::System;
use crate::result::Source;

/// What results call the scores of a sample.
const NAMES: [(&str, &str); 3] = [("exact", "json_exact"), ("f1", "field_f1"), ("compliant", "schema_compliance")];

/// Systems on the same items.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The suite of all of them.
    pub suite: String,
    /// The version of its metrics.
    pub metric_version: u64,
    /// The items' file.
    pub data: Source,
    /// The items' ids, in the order of the first result.
    pub ids: Vec<String>,
    /// The group of each item, as a number.
    pub clusters: Vec<usize>,
    /// Names of the metrics.
    pub metrics: Vec<String>,
    /// The systems.
    pub systems: Vec<Scored>,
}

/// A system's scores.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Which system.
    pub system: System,
    /// By metric, then by item.
    pub scores: Vec<Vec<f64>>,
}

/// Reads results, with the floors of the first as further systems if `floors`.
///
/// # Errors
/// An input error when a file cannot be read or understood, when there are fewer than two systems, or when two results are not of
/// the same suite, metric version, data and items, with the reason.
pub fn read(results: &[PathBuf], floors: bool) -> Result<Compared> {
    let mut all = Vec::new();
    for path in results {
        let one = One::read(path)?;
        if let Some(first) = all.first() {
            one.must_match(first)?;
        }
        all.push(one);
    }
    let Some(first) = all.first() else { return Err(too_few(0)) };
    let ids: Vec<String> = first.samples.iter().map(|s| s.id.clone()).collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut clusters = Vec::new();
    for sample in &first.samples {
        let next = numbers.len();
        clusters.push(*numbers.entry(sample.group.as_deref().unwrap_or(&sample.id)).or_insert(next));
    }
    // Metrics that every sample of every result has.
    let has = |name: &String| all.iter().all(|one| one.samples.iter().all(|s| s.scores.contains_key(name)));
    let metrics: Vec<String> = first.samples[0].order.iter().filter(|name| has(name)).cloned().collect();
    if metrics.is_empty() {
        let what = "its samples have no score that all of them share";
        return Err(Error::input(&first.place, what, "give results whose samples have `scores`"));
    }
    let mut systems = Vec::new();
    for one in &all {
        let by_id: HashMap<&str, &Sample> = one.samples.iter().map(|s| (s.id.as_str(), s)).collect();
        let column = |name: &String| ids.iter().map(|id| by_id[id.as_str()].scores[name]).collect();
        let system = System { name: one.model.clone(), file: one.place.clone(), floor: false };
        systems.push(Scored { system, scores: metrics.iter().map(column).collect() });
    }
    if floors {
        let names: Vec<&String> = first.samples[0].floors.keys().collect();
        for floor in names {
            let scored = |s: &Sample, name: &String| s.floors.get(floor).and_then(|f| f.get(name)).copied();
            let column = |name: &String| first.samples.iter().map(|s| scored(s, name)).collect::<Option<Vec<f64>>>();
            let Some(scores) = metrics.iter().map(column).collect() else { continue };
            let system = System { name: format!("floor: {floor}"), file: first.place.clone(), floor: true };
            systems.push(Scored { system, scores });
        }
    }
    if systems.len() < 2 {
        return Err(too_few(systems.len()));
    }
    tell_apart(&mut systems);
    Ok(Compared {
        suite: first.suite.clone(),
        metric_version: first.metric_version,
        data: first.data.clone(),
        ids,
        clusters,
        metrics,
        systems,
    })
}

fn too_few(n: usize) -> Error {
    Error::input(
        "compare",
        format_args!("{n} systems are nothing to compare"),
        "give at least two results, or --floors",
    )
}

/// Systems of one name are called by their files, and by numbers where that is not enough.
fn tell_apart(systems: &mut [Scored]) {
    let doubles = |systems: &[Scored]| -> HashSet<String> {
        let mut seen = HashSet::new();
        systems.iter().map(|s| s.system.name.clone()).filter(|name| !seen.insert(name.clone())).collect()
    };
    let twice = doubles(systems);
    for Scored { system, .. } in systems.iter_mut().filter(|s| twice.contains(&s.system.name)) {
        let stem = Path::new(&system.file).file_stem().map(|n| n.to_string_lossy().into_owned());
        system.name = stem.unwrap_or_else(|| system.name.clone());
    }
    let twice = doubles(systems);
    for (i, Scored { system, .. }) in systems.iter_mut().enumerate().filter(|(_, s)| twice.contains(&s.system.name)) {
        system.name = format!("{} ({})", system.name, i + 1);
    }
}

/// One result file.
struct One {
    place: String,
    suite: String,
    model: String,
    metric_version: u64,
    data: Source,
    /// Hash of the schemas, where the suite has any.
    schemas: Option<String>,
    samples: Vec<Sample>,
}

struct Sample {
    id: String,
    group: Option<String>,
    /// Names in the order of the line.
    order: Vec<String>,
    scores: BTreeMap<String, f64>,
    floors: BTreeMap<String, BTreeMap<String, f64>>,
}

impl One {
    fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let wrong = |what: String| {
            Error::input(&place, what, "give the <suite>-<model>-<mode>-<datahash8>.json of an evaluation")
        };
        let value: Value =
            serde_json::from_slice(&files::read(path)?).map_err(|e| wrong(format!("not a result: {e}")))?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let within = |name: &str| value.get(name).or_else(|| value["protocol"].get(name));
        let missing = |name: &str| wrong(format!("not a result: it has no `{name}`"));
        let data = within("data").ok_or_else(|| missing("protocol.data"))?;
        let mode = within("mode").and_then(Value::as_str).filter(|mode| *mode != "predictions");
        let model = text("model").ok_or_else(|| missing("model"))?;
        let samples_path = path.with_extension("samples.jsonl");
        let samples = read_samples(&samples_path)?;
        let one = Self {
            suite: text("suite").ok_or_else(|| missing("suite"))?,
            model: mode.map_or_else(|| model.clone(), |mode| format!("{model}, {mode}")),
            metric_version: within("metric_version")
                .and_then(Value::as_u64)
                .ok_or_else(|| missing("metric_version"))?,
            data: Source {
                name: data["name"].as_str().unwrap_or("data").to_owned(),
                sha256: data["sha256"].as_str().ok_or_else(|| missing("protocol.data.sha256"))?.to_owned(),
            },
            schemas: within("schemas").and_then(|s| s["sha256"].as_str()).map(str::to_owned),
            samples,
            place,
        };
        let n = value["n"].as_u64().unwrap_or(one.samples.len() as u64);
        if one.samples.is_empty() || n != one.samples.len() as u64 {
            let what = format!("{} samples for a result of {n} items", one.samples.len());
            return Err(Error::input(samples_path.display(), what, "evaluate again: the two files belong together"));
        }
        Ok(one)
    }

    /// Whether scores of the two may be compared at all.
    fn must_match(&self, first: &Self) -> Result<()> {
        let refuse = |what: String, remedy: &str| Err(Error::input(&self.place, what, remedy));
        if self.suite != first.suite {
            let what = format!("suite `{}`, but {} is of `{}`", self.suite, first.place, first.suite);
            return refuse(what, "compare results of one suite");
        }
        if self.metric_version != first.metric_version {
            let what = format!(
                "metric version {}, but {} has {}: the scores do not mean the same",
                self.metric_version, first.place, first.metric_version
            );
            return refuse(what, "evaluate both with the same version of Bantam");
        }
        if self.data.sha256 != first.data.sha256 {
            let (ours, theirs) = (short(&self.data.sha256), short(&first.data.sha256));
            let what = format!("its data is {ours}, that of {} is {theirs}: other items", first.place);
            return refuse(what, "evaluate both on the same file");
        }
        if self.schemas.is_some() && first.schemas.is_some() && self.schemas != first.schemas {
            return refuse(
                format!("its schemas are not those of {}", first.place),
                "evaluate both with the same schemas",
            );
        }
        let theirs: HashSet<&str> = first.samples.iter().map(|s| s.id.as_str()).collect();
        let shared = self.samples.iter().filter(|s| theirs.contains(s.id.as_str())).count();
        if shared != self.samples.len() || shared != theirs.len() {
            let what =
                format!("{} items, {} has {}, and they share {shared}", self.samples.len(), first.place, theirs.len());
            return refuse(what, "evaluate both with the same --limit");
        }
        Ok(())
    }
}

fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// A sample's members, in their order, but those that hold a number beyond all numbers here, as a model's answer may: no score is one.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Map<String, Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, text)) = map.next_entry::<String, Box<RawValue>>()? {
                    if let Ok(value) = serde_json::from_str(text.get()) {
                        members.insert(name, value);
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

fn read_samples(path: &Path) -> Result<Vec<Sample>> {
    let place = path.display().to_string();
    let mut seen = HashSet::new();
    let lines: Vec<(usize, Members)> =
        jsonl::parse(&place, &files::read(path)?, "a sample", "id and scores are required")?;
    let mut samples = Vec::with_capacity(lines.len());
    for (line, Members(sample)) in lines {
        let wrong = |what: &str| Error::input(format_args!("{place}:{line}"), what, "evaluate again");
        let id = sample.get("id").and_then(Value::as_str).ok_or_else(|| wrong("a sample without `id`"))?.to_owned();
        if !seen.insert(id.clone()) {
            return Err(wrong("an id that was used before"));
        }
        let group = ["group", "schema_id"].iter().find_map(|name| sample.get(*name)?.as_str()).map(str::to_owned);
        let scores = match sample.get("scores") {
            Some(Value::Object(scores)) => numbers(scores, true),
            _ => numbers(&sample, false),
        };
        let floors = sample.get("floors").and_then(Value::as_object).into_iter().flatten();
        let floors = floors.filter_map(|(name, scores)| {
            Some((name.clone(), numbers(scores.as_object()?, true).into_iter().collect()))
        });
        samples.push(Sample {
            id,
            group,
            order: scores.iter().map(|(name, _)| name.clone()).collect(),
            floors: floors.collect(),
            scores: scores.into_iter().collect(),
        });
    }
    Ok(samples)
}

/// The scores among the members of an object: booleans, `f1`, and with `all` every number.
fn numbers(members: &Map<String, Value>, all: bool) -> Vec<(String, f64)> {
    let mut out: Vec<(String, f64)> = Vec::new();
    for (name, value) in members {
        let number = match value {
            Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Value::Number(n) if all || name == "f1" => n.as_f64(),
            _ => None,
        };
        let known = NAMES.iter().find(|(short, _)| *short == name.as_str()).map_or(name.as_str(), |(_, name)| *name);
        out.extend(number.filter(|n| n.is_finite()).map(|n| (known.to_owned(), n)));
    }
    let of = |name: &str| out.iter().find(|(n, _)| n == name).map(|(_, v)| *v == 1.0);
    if let (Some(exact), Some(compliant)) = (of("json_exact"), of("schema_compliance")) {
        out.push(("wrong_valid".to_owned(), f64::from(u8::from(compliant && !exact))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Test, compare};

    fn files(dir: &Path, name: &str, result: &str, samples: &str) -> PathBuf {
        let path = dir.join(format!("{name}.json"));
        std::fs::write(&path, result).unwrap();
        std::fs::write(dir.join(format!("{name}.samples.jsonl")), samples).unwrap();
        path
    }

    fn result(model: &str, n: usize) -> String {
        format!(
            r#"{{"suite":"s","model":"{model}","n":{n},"protocol":{{"metric_version":1,"mode":"free","data":{{"name":"d","sha256":"0123456789"}}}}}}"#
        )
    }

    /// `right` of 12 items in 3 groups, from the `skip`th on.
    fn samples(skip: usize, right: usize) -> String {
        let line = |i: usize| {
            let yes = i >= skip && i < skip + right;
            let f1 = if yes { 1.0 } else { 0.25 };
            format!(
                "{{\"id\":\"i{i}\",\"schema_id\":\"g{}\",\"prompt\":\"p\",\"exact\":{yes},\"f1\":{f1},\"compliant\":true,\"tokens\":7,\
                \"floors\":{{\"rule\":{{\"exact\":false,\"field_f1\":0.5,\"compliant\":true}}}}}}",
                i % 3
            )
        };
        (0..12).map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_pair_is_tested_and_every_flip_listed() {
        let dir = tempfile::tempdir().unwrap();
        let a = files(dir.path(), "a", &result("m", 12), &samples(0, 10));
        let b = files(dir.path(), "b", &result("m", 12), &samples(1, 3));
        let report = compare(&read(&[a, b], true).unwrap()).unwrap();
        assert_eq!(
            report.metrics.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
            ["json_exact", "field_f1", "schema_compliance", "wrong_valid"]
        );
        assert_eq!(report.systems.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["a", "b", "floor: rule"]);
        assert_eq!((report.n, report.groups), (12, 3));
        let exact = &report.metrics[0];
        assert!(exact.binary && exact.pairs.len() == 3);
        let pair = &exact.pairs[0];
        assert_eq!((pair.test, pair.first_higher.len(), pair.second_higher.len()), (Test::McnemarExact, 7, 0));
        assert_eq!(pair.first_higher, ["i0", "i4", "i5", "i6", "i7", "i8", "i9"]);
        // 2 / 2^7; Holm over the p-values 2^-9 (a, rule), 2^-6 (a, b) and 1/4 (b, rule).
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(pair.p, 0.015625) && near(pair.p_holm, 0.03125), "{pair:?}");
        assert!(pair.separated && pair.items_needed.is_some() && pair.p_groups == Some(0.25));
        let f1 = &report.metrics[1];
        assert!(!f1.binary && f1.pairs[0].test == Test::SignFlipExact && f1.pairs[0].p == 0.015625);
        let places: Vec<_> = exact.standings.iter().map(|s| (s.place.rank, s.place.groups.concat())).collect();
        assert_eq!(places, [(1, "a".into()), (2, "b".into()), (2, "b".into())]);
        // Less is better: the floor, valid and wrong everywhere, comes last.
        assert_eq!(report.metrics[3].standings[0].place.rank, 1);
        assert!(!report.metrics[3].more_is_better);
        assert_eq!(report.file_stem(), "compare-s-01234567");
    }

    #[test]
    fn an_answer_with_a_number_beyond_all_numbers_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let huge = samples(0, 10).replace("\"prompt\":\"p\"", "\"answer\":{\"x\":[4e999, -1]}");
        let a = files(dir.path(), "a", &result("m", 12), &huge);
        let b = files(dir.path(), "b", &result("m", 12), &samples(1, 3));
        let report = compare(&read(&[a, b], true).unwrap()).unwrap();
        assert_eq!(report.metrics[0].pairs[0].first_higher.len(), 7);
    }

    #[test]
    fn what_cannot_be_compared_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let a = files(dir.path(), "a", &result("m", 12), &samples(0, 10));
        let good = samples(0, 3);
        let few = good.lines().take(5).collect::<Vec<_>>().join("\n");
        let cases = [
            (result("m", 12).replace("\"suite\":\"s\"", "\"suite\":\"t\""), good.clone(), "suite `t`"),
            (result("m", 12).replace("\"metric_version\":1", "\"metric_version\":2"), good.clone(), "metric version 2"),
            (result("m", 12).replace("0123", "1123"), good.clone(), "its data is 11234567"),
            (result("m", 5), few.clone(), "they share 5"),
            (result("m", 12), few, "5 samples for a result of 12"),
            (result("m", 12), good.replace("\"id\":\"i3\"", "\"id\":\"i2\""), "used before"),
            (result("m", 12), good.replace("\"id\":\"i3\"", "\"name\":\"i3\""), "without `id`"),
            (result("m", 12), "{".to_owned(), "not a sample"),
            ("[]".to_owned(), good.clone(), "no `protocol.data`"),
            ("{".to_owned(), good.clone(), "not a result"),
            (result("m", 12).replace("\"model\"", "\"modell\""), good, "no `model`"),
        ];
        for (i, (result, samples, reason)) in cases.into_iter().enumerate() {
            let b = files(dir.path(), &format!("b{i}"), &result, &samples);
            let error = read(&[a.clone(), b], false).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(reason), "{reason}: {error}");
        }
        let alone = read(&[a], false).unwrap_err();
        assert!(alone.to_string().contains("at least two"), "{alone}");
    }
}
