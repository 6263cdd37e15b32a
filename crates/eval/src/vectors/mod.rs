//! How near are predicted vectors to those that came? Squared error, cosine, and whether the right one is the nearest, beside what the
//! mean, copying and a linear map reach.
//!
//! The intervals draw whole documents: what is predicted of one is right and wrong together.

pub mod floors;

use std::collections::BTreeMap;
use std::path::Path;

use bantam_core::{Error, Result};
use bantam_kernels::similarity::{cosine, finds_own};
use serde::Serialize;

use crate::result::{Artifact, Decoding, Evaluation, MadeBy, Mode, Protocol, Source, SuiteResult};
use crate::statistics::{BOOTSTRAP_SEED, Difference, Estimate, RESAMPLES, paired_difference};
use floors::Floors;

/// Version of what the scores mean.
pub const METRIC_VERSION: u32 = 1;
/// The suite's name.
pub const SUITE: &str = "vectors";

/// Vectors of one document that follow each other: each but the first is predicted from those before it.
#[derive(Clone, Debug)]
pub struct Window<'a> {
    /// Which one, in results: unique.
    pub id: String,
    /// The document.
    pub document: usize,
    /// `[vectors, size]`, two vectors at least.
    pub vectors: &'a [f32],
}

/// The scores of all predictions of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Mean over its predictions of the mean squared difference of a component.
    pub squared_error: f64,
    /// Mean cosine of the angle between a prediction and what came.
    pub cosine: f64,
    /// Share of its predictions that what came is nearest to, among all that came in the window behind its first vector.
    pub nearest: f64,
}

/// Scores of all windows; weighted by their predictions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// By metric.
    pub overall: BTreeMap<&'static str, Estimate>,
}

/// One window in the samples file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The window.
    pub id: String,
    /// Its document: what the intervals draw.
    pub group: String,
    /// Predictions in it.
    pub predictions: usize,
    /// The model's scores.
    pub scores: Scores,
    /// The floors' scores.
    pub floors: BTreeMap<&'static str, Scores>,
}

/// Model minus floor, by metric.
pub type Differences = BTreeMap<&'static str, Difference>;

/// What a model predicted, and where the vectors and the model are.
pub struct Judged<'a> {
    /// The model's name in results.
    pub model: &'a str,
    /// What made the predictions.
    pub artifact: Artifact,
    /// The file of vectors.
    pub data: &'a Path,
    /// Components of a vector.
    pub size: usize,
    /// What was predicted from.
    pub windows: &'a [Window<'a>],
    /// Of each window what was predicted, one for each vector but the first.
    pub predicted: &'a [Vec<f32>],
    /// The floors, fitted to what the model was trained on.
    pub floors: &'a Floors,
}

/// Scores predictions, beside the floors on the same windows.
///
/// # Errors
/// An internal error if there is nothing to score or predictions are not as many as vectors; the data's file cannot be read.
pub fn evaluate(judged: &Judged<'_>) -> Result<Evaluation<Table, Differences, Sample>> {
    let Judged { windows, predicted, size, .. } = *judged;
    if windows.is_empty() || windows.len() != predicted.len() {
        return Err(Error::internal(
            "vectors",
            format!("{} predictions of {} windows", predicted.len(), windows.len()),
        ));
    }
    let mut samples = Vec::new();
    for (window, predicted) in windows.iter().zip(predicted) {
        let of_floor = |name: &'static str| (name, scored(window, &judged.floors.predict(name, window.vectors), size));
        samples.push(Sample {
            id: window.id.clone(),
            group: window.document.to_string(),
            predictions: window.vectors.len() / size - 1,
            scores: scored(window, predicted, size),
            floors: floors::NAMES.into_iter().map(of_floor).collect(),
        });
    }
    let documents: Vec<usize> = windows.iter().map(|w| w.document).collect();
    let of_model = |s: &Sample| s.scores;
    let table =
        |of: &dyn Fn(&Sample) -> Scores| Table { overall: each(|m| estimate(&samples, &documents, &|s| m(&of(s)))) };
    let mut result = SuiteResult {
        suite: SUITE.to_owned(),
        model: judged.model.to_owned(),
        n: samples.len(),
        tables: table(&of_model),
        floors: BTreeMap::new(),
        versus_floors: BTreeMap::new(),
        protocol: protocol(judged)?,
        timing: None,
    };
    for name in floors::NAMES {
        let of_floor = |s: &Sample| s.floors[name];
        result.floors.insert(name.to_owned(), table(&of_floor));
        // By windows: what `compare` does with the samples.
        let column = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).collect::<Vec<f64>>();
        let difference =
            |m: Metric| paired_difference(&column(&|s| m(&s.scores)), &column(&|s| m(&s.floors[name])), &documents);
        result.versus_floors.insert(name.to_owned(), each(difference));
    }
    Ok(Evaluation { result, samples })
}

/// One of the metrics.
type Metric = fn(&Scores) -> f64;

/// Something for every metric.
fn each<T>(of: impl Fn(Metric) -> T) -> BTreeMap<&'static str, T> {
    [("squared_error", of(|s| s.squared_error)), ("cosine", of(|s| s.cosine)), ("nearest", of(|s| s.nearest))].into()
}

/// The mean over all predictions, with the bootstrap that draws whole documents.
fn estimate(samples: &[Sample], documents: &[usize], of: &dyn Fn(&Sample) -> f64) -> Estimate {
    let mut parts: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (sample, document) in samples.iter().zip(documents) {
        let part = parts.entry(*document).or_default();
        *part = (part.0 + of(sample) * sample.predictions as f64, part.1 + sample.predictions as f64);
    }
    let parts: Vec<(f64, f64)> = parts.into_values().collect();
    Estimate { n: samples.iter().map(|s| s.predictions).sum(), ..Estimate::ratio(&parts) }
}

fn scored(window: &Window<'_>, predicted: &[f32], size: usize) -> Scores {
    let wanted = &window.vectors[size..];
    assert_eq!(predicted.len(), wanted.len(), "a prediction for each vector but the first");
    let n = (wanted.len() / size) as f64;
    let squared: f64 = predicted.iter().zip(wanted).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let pairs = predicted.chunks_exact(size).zip(wanted.chunks_exact(size));
    let nearest = finds_own(predicted, wanted, size).into_iter().filter(|found| *found).count();
    Scores {
        squared_error: squared / wanted.len() as f64,
        cosine: pairs.map(|(a, b)| cosine(a, b)).sum::<f64>() / n,
        nearest: nearest as f64 / n,
    }
}

fn protocol(judged: &Judged<'_>) -> Result<Protocol> {
    let words = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let new = Protocol {
        metrics: words(&[
            ("squared_error", "mean squared difference of a component; less is better"),
            ("cosine", "cosine of the angle between the prediction and what came"),
            (
                "nearest",
                "what came is nearest to the prediction, by the cosine, among all that came in the window behind its first vector",
            ),
        ]),
        extraction_rule: "none: a prediction is a vector".to_owned(),
        intervals: format!(
            "95 %, percentile bootstrap over whole documents, {RESAMPLES} resamples, seed {BOOTSTRAP_SEED}; differences over windows, \
             paired: the hull of drawing documents and drawing windows"
        ),
        floors: words(&floors::WORDS),
        settings: judged.floors.settings(),
        ..Protocol::new(METRIC_VERSION, Source::of(judged.data)?)
    };
    let decoding = Decoding {
        prompt: "the vectors of the window before".to_owned(),
        chat_template: None,
        strategy: "one prediction for each position".to_owned(),
        max_new_tokens: 1,
        context: None,
        constraint: None,
    };
    let by = MadeBy { artifact: Some(judged.artifact.clone()), decoding: Some(decoding), ..MadeBy::default() };
    Ok(new.made(Mode::Free, by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Verdict;

    #[test]
    fn a_prediction_is_scored_by_distance_direction_and_rank() {
        let window = Window { id: "w".into(), document: 0, vectors: &[9.0, 9.0, 1.0, 0.0, 0.0, 2.0] };
        assert_eq!(scored(&window, &[1.0, 0.0, 0.0, 2.0], 2), Scores { squared_error: 0.0, cosine: 1.0, nearest: 1.0 });
        let scores = scored(&window, &[0.0, 1.0, 0.0, 1.0], 2);
        assert_eq!((scores.squared_error, scores.cosine, scores.nearest), (0.75, 0.5, 0.5));
    }

    #[test]
    fn the_result_says_what_the_floors_reach_on_the_same_windows() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("v");
        std::fs::write(&data, b"vectors").unwrap();
        // The next vector is always the last one turned by a right angle: a linear map knows it, the others do not.
        let turning = |first: f32, n: usize| -> Vec<f32> {
            let (mut x, mut y) = (first.cos(), first.sin());
            let turn = |_| {
                (x, y) = (-y, x);
                [x, y]
            };
            (0..n).flat_map(turn).collect()
        };
        let all: Vec<Vec<f32>> = (0..30).map(|i| turning(i as f32, 5 + i % 3)).collect();
        let window = |i: usize| Window { id: format!("{i}"), document: i / 2, vectors: &all[i] };
        let parts: Vec<Window<'_>> = (0..30).map(window).collect();
        let floors = Floors::fit(2, &parts[..20], &parts[20..24]);
        let predicted: Vec<Vec<f32>> = parts[24..].iter().map(|w| w.vectors[2..].to_vec()).collect();
        let artifact =
            Artifact { path: "m".into(), kind: "hf".into(), sha256: "0".repeat(64), bytes: 1, parameters: 1 };
        let judged = Judged {
            model: "m",
            artifact,
            data: &data,
            size: 2,
            windows: &parts[24..],
            predicted: &predicted,
            floors: &floors,
        };
        let evaluation = evaluate(&judged).unwrap();
        let of = |name: &str| evaluation.result.floors[name].overall["squared_error"].value;
        assert_eq!(evaluation.result.tables.overall["squared_error"].value, 0.0);
        assert!(of("ridge") < 0.01 && of("copy_last") > 0.5 && of("mean") > 0.3 && of("context_mean") > 0.3);
        // On 5, 6 and 7 vectors: as many predictions less one.
        assert_eq!(evaluation.result.tables.overall["cosine"].n, 2 * (4 + 5 + 6));
        assert_eq!(evaluation.result.versus_floors["copy_last"]["cosine"].verdict, Verdict::Higher);
        let (result, _) = evaluation.write(dir.path()).unwrap();
        assert!(result.file_name().unwrap().to_string_lossy().starts_with("vectors-m-free-"));
    }
}
