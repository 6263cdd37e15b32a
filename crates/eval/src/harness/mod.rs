//! How does any suite get its outputs, and how do they become a result on disk?
//!
//! A suite implements [`Suite`]: its items as [`Request`]s, its part of the protocol, its scoring. [`evaluate_into`] does the
//! rest: it opens what answers ([`Source`]), asks for every item, keeps what is finished in a [`Journal`], so that a killed
//! evaluation goes on where it was, and files the result.

mod ask;
mod journal;
mod request;

use std::path::{Path, PathBuf};

use bantam_core::Result;
use bantam_runtime::measure::{Clock, WallClock};
use serde::Serialize;

pub use ask::{Progress, ask};
pub use journal::{Journal, Stale};
pub use request::{Answerer, Candidates, Constraint, Grammar, Output, Prompt, Request};

use crate::endpoint::{Endpoint, EndpointOptions, Sleep};
use crate::local_model::{LocalModel, ModelOptions};
use crate::predictions;
use crate::result::{self, Evaluation, MadeBy, Mode, Protocol, SuiteResult, Timing};

/// What a suite is to the harness.
pub trait Suite: Sync {
    /// The scores of a result. Serialized, they are an object whose `overall` maps metrics to
    /// [`Estimate`](crate::statistics::Estimate)s; groups stand beside it.
    type Scores: Serialize;
    /// The differences of scores to a floor's.
    type Comparison: Serialize;
    /// One item with its output and scores: a line of the samples file.
    type Sample: Serialize;

    /// The name in results and files: `edge-json`.
    fn name(&self) -> &'static str;

    /// Unique ids of the items, in order.
    fn ids(&self) -> Vec<&str>;

    /// Constraints that many items share, made ready before the first item is asked; an item's own constraint need not be
    /// among them. Only asked for in constrained mode.
    fn constraints(&self) -> Vec<Constraint> {
        Vec::new()
    }

    /// What to ask for item `item` (its place in [`ids`](Self::ids)); with a constraint only if `constrained`.
    fn request(&self, item: usize, constrained: bool) -> Request;

    /// What the requests are made of, in words, for the protocol: `system = the schema's signature, user = the text`.
    fn prompt(&self) -> String;

    /// The suite's part of the protocol ([`Protocol::new`] and what it sets besides); the harness says how the outputs were made.
    fn protocol(&self) -> Protocol;

    /// Scores outputs, one for each item in order, and the floors. What failed stays in the denominator.
    ///
    /// # Errors
    /// Internal only: what can be wrong with items is found before they are asked.
    fn score(&self, outputs: &[Output]) -> Result<Scored<Self::Scores, Self::Comparison, Self::Sample>>;
}

/// What a suite makes of outputs.
pub struct Scored<T, C, S> {
    /// The scores.
    pub scores: T,
    /// The floors' scores on the same items, by floor.
    pub floors: std::collections::BTreeMap<String, T>,
    /// Differences to the floors, paired on the same items.
    pub versus_floors: std::collections::BTreeMap<String, C>,
    /// Every item, in order.
    pub samples: Vec<S>,
}

/// The evaluation that a suite makes.
pub type EvaluationOf<S> = Evaluation<<S as Suite>::Scores, <S as Suite>::Comparison, <S as Suite>::Sample>;

/// Where outputs come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A model on this machine.
    Model {
        /// A Hugging Face folder, a GGUF file or a run folder.
        path: PathBuf,
        /// How it is asked.
        options: ModelOptions,
    },
    /// A server that speaks OpenAI's chat completions.
    Endpoint(EndpointOptions),
    /// A file of `{"id", "output"}` lines.
    Predictions(PathBuf),
}

impl Source {
    /// How its outputs are made.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Predictions(_) => Mode::Predictions,
            Self::Model { options: ModelOptions { constrained: true, .. }, .. } => Mode::Constrained,
            Self::Endpoint(EndpointOptions { constrained: true, .. }) => Mode::Constrained,
            Self::Model { .. } | Self::Endpoint(_) => Mode::Free,
        }
    }
}

/// Where an evaluation keeps what it has finished.
#[derive(Clone, Copy, Debug)]
pub struct Keep<'a> {
    /// The folder of the result.
    pub dir: &'a Path,
    /// What to do about a partial file of another protocol.
    pub stale: Stale,
}

/// An evaluation on disk.
#[derive(Debug)]
pub struct Written<E> {
    /// The evaluation.
    pub evaluation: E,
    /// Its result file.
    pub result_file: PathBuf,
    /// Its samples file.
    pub samples_file: PathBuf,
}

/// Gets outputs from `source`, scores them, and files result and samples in `keep.dir`. Killed at any moment and called
/// again, it goes on with the items that are not finished.
///
/// # Errors
/// As [`evaluate`], and an input error when a file cannot be written.
pub fn evaluate_into<S: Suite>(
    suite: &S,
    source: &Source,
    keep: Keep<'_>,
    progress: &Progress<'_>,
) -> Result<Written<EvaluationOf<S>>> {
    // Before anything is decoded: an hour of work must not end at an unwritable folder.
    bantam_core::files::create_dir(keep.dir)?;
    let (evaluation, journal) = evaluate(suite, source, Some(keep), progress)?;
    let (result_file, samples_file) = evaluation.write(keep.dir)?;
    journal.map(Journal::remove).transpose()?;
    Ok(Written { evaluation, result_file, samples_file })
}

/// The result that [`evaluate_into`] has filed in `dir` for just this, read as JSON; none if there is none, or it was made otherwise.
///
/// # Errors
/// An input error when the source cannot be opened or the file not be read.
pub fn filed<S: Suite>(suite: &S, source: &Source, dir: &Path) -> Result<Option<(PathBuf, serde_json::Value)>> {
    let (model, made_by) = match source {
        Source::Predictions(path) => (name_of(path), MadeBy::predictions(result::Source::of(path)?)),
        Source::Model { path, options } => {
            let model = LocalModel::open(path, *options)?;
            (model.name().to_owned(), model.made_by(&suite.prompt()))
        }
        Source::Endpoint(options) => {
            let server = Endpoint::new(options.clone(), &Sleep)?;
            (server.name().to_owned(), server.made_by(&suite.prompt()))
        }
    };
    let protocol = suite.protocol().made(source.mode(), made_by);
    let path = dir.join(format!("{}.json", result::file_stem(suite.name(), &model, &protocol)));
    if !path.is_file() {
        return Ok(None);
    }
    // What cannot be understood is made again.
    let found: Option<serde_json::Value> = serde_json::from_slice(&bantam_core::files::read(&path)?).ok();
    let same = |found: &serde_json::Value| {
        let there = serde_json::from_value::<Protocol>(found["protocol"].clone()).ok();
        found["suite"] == suite.name() && there.is_some_and(|there| there.without_paths() == protocol.without_paths())
    };
    Ok(found.filter(same).map(|found| (path, found)))
}

/// Gets outputs from `source` and scores them; with `keep`, finished items are in the journal that is given back, which goes
/// once the result is safe.
///
/// # Errors
/// An input error when the source cannot be opened or does not fit the items, or another protocol's partial file is in the way.
pub fn evaluate<S: Suite>(
    suite: &S,
    source: &Source,
    keep: Option<Keep<'_>>,
    progress: &Progress<'_>,
) -> Result<(EvaluationOf<S>, Option<Journal>)> {
    match source {
        Source::Predictions(path) => Ok((score_predictions(suite, path)?, None)),
        Source::Model { path, options } => {
            let mut model = LocalModel::open(path, *options)?;
            let (name, made_by) = (model.name().to_owned(), model.made_by(&suite.prompt()));
            let (constrained, threads) = (options.constrained, options.threads);
            let asked = Asked { answerer: &mut model, name, made_by, constrained, threads };
            evaluate_answerer(suite, asked, keep, progress)
        }
        Source::Endpoint(options) => {
            let mut server = Endpoint::new(options.clone(), &Sleep)?;
            let (name, made_by) = (server.name().to_owned(), server.made_by(&suite.prompt()));
            let (constrained, threads) = (options.constrained, options.threads);
            let asked = Asked { answerer: &mut server, name, made_by, constrained, threads };
            evaluate_answerer(suite, asked, keep, progress)
        }
    }
}

/// Scores a predictions file.
///
/// # Errors
/// As [`predictions::read`].
pub fn score_predictions<S: Suite>(suite: &S, path: &Path) -> Result<EvaluationOf<S>> {
    let outputs = predictions::read(path, &suite.ids())?;
    let protocol = suite.protocol().made(Mode::Predictions, MadeBy::predictions(result::Source::of(path)?));
    scored(suite, name_of(path), protocol, &outputs, None)
}

/// What results call a predictions file.
fn name_of(predictions: &Path) -> String {
    predictions.file_stem().map_or_else(|| "predictions".to_owned(), |n| n.to_string_lossy().into_owned())
}

/// An answerer, and how it is asked.
pub struct Asked<'a> {
    /// What answers.
    pub answerer: &'a mut dyn Answerer,
    /// What results call it.
    pub name: String,
    /// What it is, for the protocol.
    pub made_by: MadeBy,
    /// Whether answers have to fit the items' constraints.
    pub constrained: bool,
    /// Items asked at a time.
    pub threads: usize,
}

/// [`evaluate`] for any answerer.
///
/// # Errors
/// The answerer's; an input error when another protocol's partial file is in the way.
pub fn evaluate_answerer<S: Suite>(
    suite: &S,
    asked: Asked<'_>,
    keep: Option<Keep<'_>>,
    progress: &Progress<'_>,
) -> Result<(EvaluationOf<S>, Option<Journal>)> {
    let Asked { answerer, name, made_by, constrained, threads } = asked;
    let mode = if constrained { Mode::Constrained } else { Mode::Free };
    let protocol = suite.protocol().made(mode, made_by);
    let constraints = if constrained { suite.constraints() } else { Vec::new() };
    constraints.iter().try_for_each(|constraint| answerer.prepare(constraint))?;
    let journal = keep.map(|keep| Journal::open(keep, suite.name(), &name, &protocol)).transpose()?;
    let resumed_items = journal.as_ref().map_or(0, Journal::finished);
    let clock = WallClock::start();
    let request = |item: usize| suite.request(item, constrained);
    let outputs = ask(&suite.ids(), &request, answerer, threads, journal.as_ref(), progress)?;
    let total = |of: fn(&Output) -> usize| outputs.iter().map(|o| of(o) as u64).sum();
    let timing = Timing {
        wall_s: clock.now().as_secs_f64(),
        prompt_tokens: total(|o| o.prompt_tokens),
        generated_tokens: total(|o| o.generated_tokens),
        threads,
        resumed_items,
    };
    Ok((scored(suite, name, protocol, &outputs, Some(timing))?, journal))
}

fn scored<S: Suite>(
    suite: &S,
    model: String,
    protocol: Protocol,
    outputs: &[Output],
    timing: Option<Timing>,
) -> Result<EvaluationOf<S>> {
    let Scored { scores, floors, versus_floors, samples } = suite.score(outputs)?;
    let (suite, n) = (suite.name().to_owned(), outputs.len());
    let result = SuiteResult { suite, model, n, tables: scores, floors, versus_floors, protocol, timing };
    Ok(Evaluation { result, samples })
}
