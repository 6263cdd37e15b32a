//! What is written down of a training: a live line, `metrics.jsonl`, and the same for TensorBoard.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, host};
use bantam_formats::event_file;
use bantam_train::guards::plausibility::Explained;
use bantam_train::{Control, Observer, OpenDevice, StepReport, Validation, Weights};
use serde_json::{Value, json};

/// The event file's name in the run folder; TensorBoard knows such files by `tfevents`.
pub(crate) const EVENTS: &str = "events.out.tfevents.bantam";

/// Writes the records and tells how far training is.
pub(crate) struct Trace<'a> {
    metrics: Log,
    events: Log,
    progress: &'a dyn Progress,
    device: String,
    start: Instant,
    tokens: u64,
    valid: Option<f64>,
    steps: u64,
}

/// A file that only grows while a training runs.
struct Log {
    path: PathBuf,
    out: Option<File>,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        Self { path, out: None }
    }

    /// Starts the file with what is kept of an earlier execution.
    fn begin(&mut self, kept: &[u8]) -> Result<()> {
        files::write(&self.path, kept)?;
        let opened = OpenOptions::new().append(true).open(&self.path);
        self.out = Some(opened.map_err(|e| Error::io(&self.path, "write", &e))?);
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let out = self.out.as_mut().ok_or_else(|| Error::internal(self.path.display(), "a step before the start"))?;
        // One write for each record: a kill can only cut the last one.
        out.write_all(bytes).map_err(|e| Error::io(&self.path, "write", &e))
    }
}

impl<'a> Trace<'a> {
    /// Records in `run` of a training of `steps` steps on `device`.
    pub(crate) fn new(run: &RunFolder, progress: &'a dyn Progress, steps: u64, device: &OpenDevice) -> Self {
        Self {
            metrics: Log::new(run.metrics()),
            events: Log::new(run.path().join(EVENTS)),
            progress,
            device: device.to_string(),
            start: Instant::now(),
            tokens: 0,
            valid: None,
            steps,
        }
    }

    /// Says what the run came to.
    pub(crate) fn finish(&self, steps: u64) {
        let valid = self.valid.map(|loss| format!(", validation loss {loss:.4}")).unwrap_or_default();
        let speed = if self.tokens > 0 { format!(", {:.0} tok/s", self.tokens_per_s()) } else { String::new() };
        self.progress.finish(&format!("{steps} steps{valid}{speed}"));
    }

    fn tokens_per_s(&self) -> f64 {
        self.tokens as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    /// One line, and its numbers by the tags that TensorBoard groups them under.
    fn log(&mut self, step: u64, line: &Value, scalars: &[(&str, f64)]) -> Result<()> {
        self.metrics.add(format!("{line}\n").as_bytes())?;
        let scalars: Vec<(&str, f32)> = scalars.iter().map(|&(tag, value)| (tag, value as f32)).collect();
        self.events.add(&event_file::scalars(unix_s(), step, &scalars))
    }
}

impl Observer for Trace<'_> {
    fn started(&mut self, steps: u64) -> Result<()> {
        let (mut metrics, mut events) = (String::new(), event_file::header(unix_s()));
        if steps > 0 {
            metrics = lines_up_to(&self.metrics.path, steps);
            let kept = event_file::up_to(&std::fs::read(&self.events.path).unwrap_or_default(), steps);
            events = if kept.is_empty() { events } else { kept };
        }
        self.metrics.begin(metrics.as_bytes())?;
        self.events.begin(&events)?;
        self.start = Instant::now();
        self.progress.start("train", Some(self.steps));
        if steps > 0 {
            self.progress.note(&format!("{:>16} resumes after step {steps}", "train"));
            self.progress.update(steps, "");
        }
        Ok(())
    }

    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control> {
        self.tokens += report.tokens as u64;
        let speed = self.tokens_per_s();
        let valid = self.valid.map(|loss| format!(", valid {loss:.3}")).unwrap_or_default();
        self.progress.update(step, &format!("loss {:.3}{valid}, {speed:.0} tok/s", report.loss));
        let memory = host::resident_memory_bytes();
        let mut scalars = vec![
            ("loss", report.loss),
            ("learning_rate", report.learning_rate),
            ("gradient_norm", report.gradient_norm),
            ("tokens_per_s", speed),
        ];
        scalars.extend(memory.map(|bytes| ("memory_bytes", bytes as f64)));
        let line = json!({
            "step": step,
            "loss": report.loss,
            "learning_rate": report.learning_rate,
            "gradient_norm": report.gradient_norm,
            "tokens": report.tokens,
            "target_tokens": report.target_tokens,
            "tokens_per_s": speed,
            "memory_bytes": memory,
            "device": self.device,
        });
        self.log(step, &line, &scalars)?;
        Ok(Control::Continue)
    }

    fn validated(&mut self, step: u64, validation: &Validation, of: Weights) -> Result<()> {
        self.valid = Some(validation.loss);
        let mut line = json!({
            "step": step,
            "valid_loss": validation.loss,
            "valid_items": validation.items,
        });
        let mut scalars = vec![("validation/loss", validation.loss)];
        // Of predicted vectors there are neither bytes nor tokens.
        match validation.bits_per_byte {
            Some(bits) => {
                (line["bits_per_byte"], line["token_accuracy"]) = (json!(bits), json!(validation.accuracy));
                scalars
                    .extend([("validation/bits_per_byte", bits), ("validation/token_accuracy", validation.accuracy)]);
            }
            None => {
                line["nearest"] = json!(validation.accuracy);
                scalars.push(("validation/nearest", validation.accuracy));
            }
        }
        match of {
            Weights::Last => {}
            // Another model's: not a point of the curve.
            Weights::Best(best) => {
                line["weights_of_step"] = json!(best);
                scalars.clear();
            }
            Weights::Average(checkpoints) => {
                line["mean_of_checkpoints"] = json!(checkpoints);
                scalars.clear();
            }
        }
        self.log(step, &line, &scalars)
    }

    fn explained(&mut self, step: u64, e: &Explained) -> Result<()> {
        let line = json!({
            "step": step,
            "plausibility": {
                "trigram_loss": e.floor,
                "packed_loss": e.packed_loss,
                "prefix_loss": e.prefix_loss,
                "overlap_with_training": e.overlap,
                "answers_in_prompts": e.copied,
            },
        });
        self.log(step, &line, &[("validation/trigram_loss", e.floor)])
    }
}

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The metrics of steps that a resumed run has behind it. A line cut off by a kill, and those of steps that will be
/// taken again, are dropped.
fn lines_up_to(metrics: &Path, steps: u64) -> String {
    let text = std::fs::read_to_string(metrics).unwrap_or_default();
    let counts = |line: &&str| {
        let step = serde_json::from_str::<Value>(line).ok().and_then(|v| v.get("step")?.as_u64());
        step.is_some_and(|s| s <= steps)
    };
    text.lines().filter(counts).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::progress::Silent;
    use bantam_train::DeviceChoice;

    #[test]
    fn metrics_of_steps_taken_again_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert_eq!(lines_up_to(&path, 3), "");
        std::fs::write(&path, "{\"step\":2}\n{\"step\":3}\n{\"step\":4}\n{\"step\":3,\"valid").unwrap();
        assert_eq!(lines_up_to(&path, 3), "{\"step\":2}\n{\"step\":3}\n");
    }

    #[test]
    fn a_resumed_run_has_every_step_once_in_both_records() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunFolder::create(dir.path()).unwrap();
        let report = StepReport { loss: 2.5, gradient_norm: 1.0, learning_rate: 0.1, tokens: 8, target_tokens: 4 };
        let device = DeviceChoice::Cpu.open("test").unwrap();
        let mut first = Trace::new(&run, &Silent, 4, &device);
        first.started(0).unwrap();
        (1..=4).for_each(|step| assert_eq!(first.stepped(step, &report).unwrap(), Control::Continue));
        // Cut off in the middle of a record.
        let events = std::fs::read(dir.path().join(EVENTS)).unwrap();
        std::fs::write(dir.path().join(EVENTS), &events[..events.len() - 3]).unwrap();
        let mut second = Trace::new(&run, &Silent, 4, &device);
        second.started(2).unwrap();
        (3..=4).for_each(|step| assert_eq!(second.stepped(step, &report).unwrap(), Control::Continue));
        let lines = std::fs::read_to_string(run.metrics()).unwrap();
        let steps: Vec<Value> =
            lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["step"].clone()).collect();
        assert_eq!(steps, [1, 2, 3, 4]);
        assert!(lines.lines().all(|l| l.contains("memory_bytes")));
        let resumed = std::fs::read(dir.path().join(EVENTS)).unwrap();
        let length = |step| event_file::up_to(&resumed, step).len();
        assert_eq!((length(4), length(2)), (events.len(), event_file::up_to(&events, 2).len()));
        assert!(length(3) > length(2) && length(4) > length(3));
    }
}
