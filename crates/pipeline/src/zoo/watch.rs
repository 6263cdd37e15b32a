//! Who watches a recall run: keeps its curve, and says when it is good enough.

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_train::{Control, Observer, StepReport, Validation, Weights, checkpoint_steps};

use super::record::Point;

/// Keeps the curve of a run on disk, and ends the run when it is good enough.
pub(super) struct Watch<'a> {
    path: PathBuf,
    pub(super) curve: Vec<Point>,
    enough: f64,
    pub(super) steps: u64,
    pub(super) tokens: usize,
    progress: &'a dyn Progress,
}

impl<'a> Watch<'a> {
    /// The watch over a run whose curve is kept at `path`.
    pub(super) fn open(path: PathBuf, enough: f64, progress: &'a dyn Progress) -> Result<Self> {
        let curve = match path.is_file() {
            true => serde_json::from_slice(&files::read(&path)?)
                .map_err(|e| Error::input(path.display(), format_args!("damaged: {e}"), "remove its folder"))?,
            false => Vec::new(),
        };
        Ok(Self { path, curve, enough, steps: 0, tokens: 0, progress })
    }

    /// Whether the last validation was good enough.
    fn is_enough(&self) -> bool {
        self.curve.last().is_some_and(|p| p.accuracy >= self.enough)
    }

    /// Whether the newest checkpoint is the one that a good enough run ended with.
    pub(super) fn was_stopped(&self, checkpoints: &Path) -> Result<bool> {
        let good = self.curve.last().filter(|_| self.is_enough()).map(|p| p.step);
        let newest = checkpoint_steps(checkpoints)?.pop();
        Ok(good.zip(newest).is_some_and(|(good, newest)| newest > good))
    }
}

impl Observer for Watch<'_> {
    fn started(&mut self, steps: u64) -> Result<()> {
        self.curve.retain(|p| p.step <= steps);
        self.steps = steps;
        Ok(())
    }

    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control> {
        self.steps = step;
        self.tokens += report.tokens;
        let accuracy = self.curve.last().map(|p| format!(", accuracy {:.3}", p.accuracy)).unwrap_or_default();
        self.progress.update(step, &format!("loss {:.3}{accuracy}", report.loss));
        Ok(if self.is_enough() { Control::Stop } else { Control::Continue })
    }

    fn validated(&mut self, step: u64, validation: &Validation, _: Weights) -> Result<()> {
        self.curve.push(Point { step, loss: validation.loss, accuracy: validation.accuracy });
        let text = serde_json::to_vec(&self.curve).map_err(|e| Error::internal(self.path.display(), e))?;
        files::write(&self.path, &text)
    }
}
