//! What has to be run again? A graph of stages whose outputs live in one run folder.
//!
//! A stage's key is the hash of its configuration, its code's version and the content of everything it reads. A
//! stage whose stamp holds the same key and whose outputs are as the stamp says is skipped. The stamp is written
//! last, so that a stage killed midway counts as not run. Knows nothing of what stages do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use serde_json::{Value, json};

use crate::stamp::Stamp;

/// What a stage leaves in the run folder, by its path relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Repeats bit for bit: later stages depend on it, and the lineage names its hash.
    Content(PathBuf),
    /// Differs between two makings of the same thing (times in a log): kept, but nothing depends on its bytes.
    Record(PathBuf),
}

impl Output {
    /// The path relative to the run folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Content(path) | Self::Record(path) => path,
        }
    }
}

/// What a stage's body does: makes the outputs, each whole under its final name or not there, and names them.
pub type Body<'a> = Box<dyn FnMut(&StageContext<'_>) -> Result<Vec<Output>> + 'a>;

/// One node of the graph.
pub struct Stage<'a> {
    /// The stage's name, unique in the graph.
    pub name: &'static str,
    /// Raised whenever the body would make something else from the same inputs.
    pub version: u32,
    /// The part of the resolved recipe that the body reads.
    pub config: Value,
    /// Stages whose outputs the body reads; they stand earlier in the list.
    pub after: Vec<&'static str>,
    /// Files and folders outside the run folder that the body reads.
    pub inputs: Vec<PathBuf>,
    /// The work itself.
    pub body: Body<'a>,
}

impl<'a> Stage<'a> {
    /// Version 1 of a stage that reads nothing outside the run folder.
    pub fn new(name: &'static str, config: Value, after: &[&'static str], body: Body<'a>) -> Self {
        Self { name, version: 1, config, after: after.to_vec(), inputs: Vec::new(), body }
    }
}

/// What a body is given.
pub struct StageContext<'a> {
    /// Where outputs go.
    pub run: &'a RunFolder,
    /// Where to tell how far it is.
    pub progress: &'a dyn Progress,
    /// Whether an execution with this same key was cut off: what it left (checkpoints) may be continued.
    /// When false, anything left over is from another configuration.
    pub resuming: bool,
    finished: &'a [StageReport],
}

impl StageContext<'_> {
    /// What the stages before this one came to.
    pub fn finished(&self) -> &[StageReport] {
        self.finished
    }

    /// Outputs of an earlier stage, as paths that can be opened.
    pub fn outputs_of(&self, stage: &str) -> Vec<PathBuf> {
        let report = self.finished.iter().find(|r| r.name == stage);
        report.map(|r| r.outputs.iter().map(|o| self.run.path().join(o.path())).collect()).unwrap_or_default()
    }
}

/// What became of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageReport {
    /// The stage's name.
    pub name: &'static str,
    /// True when an earlier execution had already made the outputs.
    pub skipped: bool,
    /// Wall-clock seconds of the execution that made the outputs.
    pub seconds: f64,
    /// What the stage leaves in the run folder.
    pub outputs: Vec<Output>,
    /// SHA-256 of each content output, by its path relative to the run folder.
    pub hashes: BTreeMap<String, String>,
}

/// How to go through the graph.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The last stage to run; `None` runs all.
    pub until: Option<&'a str>,
    /// Begin stages anew that were cut off, instead of continuing them.
    pub restart: bool,
}

/// Runs what has to be run, in the order given. On an error, the stages before it stay finished.
pub fn run(
    stages: &mut [Stage<'_>],
    folder: &RunFolder,
    progress: &dyn Progress,
    options: Options<'_>,
) -> Result<Vec<StageReport>> {
    let stamps = folder.stamps();
    files::create_dir(&stamps)?;
    let mut finished: Vec<StageReport> = Vec::new();
    for stage in stages {
        let key = stage.key(&finished)?;
        let stamp_path = stamps.join(format!("{}.json", stage.name));
        let begun_path = stamps.join(format!("{}.begun", stage.name));
        let earlier = Stamp::read(&stamp_path);
        if let Some(stamp) = &earlier
            && stamp.key == key
            && stamp.holds(folder.path(), &stamp_path)?
        {
            progress.note(&format!("{:>16} unchanged: skipped", stage.name));
            finished.push(stamp.report(stage.name, true));
        } else {
            let stamp = stage.execute(&key, &begun_path, folder, progress, &finished, options)?;
            let report = stamp.report(stage.name, false);
            if let Some(earlier) = &earlier {
                remove_stale(&earlier.report(stage.name, true).outputs, &report.outputs, &finished, folder);
            }
            stamp.write(&stamp_path)?;
            remove_file_if_there(&begun_path)?;
            finished.push(report);
        }
        if options.until == Some(stage.name) {
            break;
        }
    }
    Ok(finished)
}

impl Stage<'_> {
    fn key(&self, finished: &[StageReport]) -> Result<String> {
        let mut inputs = BTreeMap::new();
        for path in &self.inputs {
            inputs.insert(path.display().to_string(), hash::tree(path)?);
        }
        let mut upstream = BTreeMap::new();
        for name in &self.after {
            let report = finished.iter().find(|r| r.name == *name);
            let report = report.ok_or_else(|| Error::internal(self.name, format_args!("runs before `{name}`")))?;
            upstream.insert(*name, &report.hashes);
        }
        // An input is known by its content: the same file under another path is the same input.
        let inputs: Vec<String> = inputs.into_values().collect();
        let key = json!([self.name, self.version, self.config, inputs, upstream]);
        Ok(hash::bytes(key.to_string().as_bytes()))
    }

    fn execute(
        &mut self,
        key: &str,
        begun: &Path,
        run: &RunFolder,
        progress: &dyn Progress,
        finished: &[StageReport],
        options: Options<'_>,
    ) -> Result<Stamp> {
        let cut_off = begun.is_file() && files::read(begun)? == key.as_bytes();
        if !cut_off {
            files::write(begun, key.as_bytes())?;
        }
        let context = StageContext { run, progress, resuming: cut_off && !options.restart, finished };
        let start = Instant::now();
        let outputs = (self.body)(&context)?;
        Stamp::of(run.path(), key, &outputs, start.elapsed().as_secs_f64())
    }
}

/// Removes what an earlier configuration of a stage left and the present one no longer makes.
fn remove_stale(before: &[Output], now: &[Output], finished: &[StageReport], folder: &RunFolder) {
    let kept: Vec<&Path> = now.iter().chain(finished.iter().flat_map(|r| &r.outputs)).map(Output::path).collect();
    for stale in before.iter().map(Output::path) {
        // Never anything that holds, or lies in, an output that is still valid.
        if !kept.iter().any(|k| k.starts_with(stale) || stale.starts_with(k)) {
            let path = folder.path().join(stale);
            // A left-over in the folder does no harm: nothing refers to it.
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
}

fn remove_file_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, "remove", &e)),
        _ => Ok(()),
    }
}
