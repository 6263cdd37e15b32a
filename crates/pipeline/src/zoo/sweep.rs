//! A sweep of runs over one folder of records: each run is made once, by one process at a time, and goes on where it was
//! cut off.

use std::path::Path;

use bantam_core::progress::Progress;
use bantam_core::{Result, files};
use serde::Serialize;

use super::place::{Place, UNFINISHED};

/// What a sweep came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Runs of the plan that were finished before.
    pub finished_before: usize,
    /// Runs finished now.
    pub finished: usize,
    /// Runs that another process is at.
    pub elsewhere: usize,
}

/// A run that is one file in the end.
pub(super) trait Run {
    /// The file's name without `.json`: a name that no other run has.
    fn id(&self) -> Result<String>;
    /// Steps, at most.
    fn steps(&self) -> u64;
    /// Makes the run, writes its record into `dir` and says in a line what came of it.
    fn make(&self, place: &Place, dir: &Path, progress: &dyn Progress) -> Result<String>;
}

/// Makes the runs that have no record in `dir` yet. Several processes may work on one folder: each takes the runs that no other
/// is at.
pub(super) fn sweep(runs: &[impl Run], dir: &Path, progress: &dyn Progress) -> Result<Summary> {
    files::create_dir(&dir.join(UNFINISHED))?;
    let mut summary = Summary::default();
    for (nth, run) in runs.iter().enumerate() {
        let id = run.id()?;
        let done = || dir.join(format!("{id}.json")).is_file();
        if done() {
            summary.finished_before += 1;
            continue;
        }
        let Some(place) = Place::take(dir, &id)? else {
            summary.elsewhere += 1;
            continue;
        };
        // Another process may have finished it just now.
        if !done() {
            progress.start(&format!("{}/{} {id}", nth + 1, runs.len()), Some(run.steps()));
            let said = run.make(&place, dir, progress)?;
            progress.finish(&format!("{id}: {said}"));
        }
        place.remove()?;
        summary.finished += 1;
    }
    Ok(summary)
}
