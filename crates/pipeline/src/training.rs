//! How does a training run leave its trace? The training stage: examples in, checkpoints and `metrics.jsonl` out.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files};
use bantam_data::item;
use bantam_data::schemas::SchemaSet;
use bantam_train::guards::plausibility::Explained;
use bantam_train::{Control, Device, Observer, Start, StepReport, Training, Validation, Weights, examples};
use serde_json::{Value, json};

use crate::objective;
use crate::recipe::Recipe;
use crate::stage::{Output, StageContext};
use crate::tokenizer;

/// Trains the recipe's model on the run folder's data and tokenizer.
pub(crate) fn run(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let run = context.run;
    let tokenizer = tokenizer::read(&run.tokenizer())?;
    let schemas = SchemaSet::load(&run.data().join("schemas"))?;
    let read = |split: &str| {
        let items = item::read_jsonl(&run.data().join(format!("{split}.jsonl")))?;
        examples::extraction(&items, &schemas, &tokenizer)
    };
    let (train, valid) = (read("train")?, read("valid")?);
    ready_checkpoints(context)?;
    let config = recipe.model_config(tokenizer.vocab_size());
    let mut trace = Trace::new(context, recipe.train.steps);
    let objective = objective::of_recipe(recipe, &config, &tokenizer, &train, context)?;
    let training = Training {
        model: &config,
        config: &recipe.train,
        seed: recipe.run.seed,
        device: &Device::flex().autodiff(),
        start: Start::Random,
        trainable: None,
        objective: objective.as_ref(),
        examples: &train,
        validation: &valid,
        checkpoints: &run.checkpoints(),
        resume: context.resuming,
    };
    traced(training, &mut trace, run)
}

/// Trains and names what that leaves in the run folder.
pub(crate) fn traced(training: Training<'_>, trace: &mut Trace<'_>, run: &RunFolder) -> Result<Vec<Output>> {
    let outcome = bantam_train::train(training, trace)?;
    trace.finish(outcome.steps);
    let trained = bantam_train::final_folder(&run.checkpoints())?;
    let trained = trained.ok_or_else(|| Error::internal("train", "the run ended without a checkpoint"))?;
    let name = trained.file_name().unwrap_or_default();
    Ok(vec![Output::Content(Path::new("checkpoints").join(name)), Output::Record("metrics.jsonl".into())])
}

/// Makes the folder of checkpoints. Those of another configuration, which must not be continued, are removed.
pub(crate) fn ready_checkpoints(context: &StageContext<'_>) -> Result<()> {
    if !context.resuming {
        remove_checkpoints(context.run)?;
    }
    files::create_dir(&context.run.checkpoints())
}

fn remove_checkpoints(run: &RunFolder) -> Result<()> {
    let dir = run.checkpoints();
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|e| Error::io(&dir, "remove", &e))?;
    }
    Ok(())
}

/// Writes `metrics.jsonl` and tells how far training is.
pub(crate) struct Trace<'a> {
    metrics: PathBuf,
    out: Option<File>,
    progress: &'a dyn Progress,
    start: Instant,
    first_step: u64,
    tokens: u64,
    valid: Option<f64>,
    steps: u64,
}

impl<'a> Trace<'a> {
    /// A trace of a run of `steps` steps.
    pub(crate) fn new(context: &StageContext<'a>, steps: u64) -> Self {
        Self {
            metrics: context.run.metrics(),
            out: None,
            progress: context.progress,
            start: Instant::now(),
            first_step: 0,
            tokens: 0,
            valid: None,
            steps,
        }
    }
    fn log(&mut self, line: &Value) -> Result<()> {
        let failed = |e: &std::io::Error| Error::io(&self.metrics, "write", e);
        let out = self.out.as_mut().ok_or_else(|| Error::internal("metrics", "a step before the start"))?;
        // One write for each line: a kill can only cut the last one.
        out.write_all(format!("{line}\n").as_bytes()).map_err(|e| failed(&e))
    }

    fn tokens_per_s(&self) -> f64 {
        self.tokens as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    fn finish(&self, steps: u64) {
        let valid = self.valid.map(|loss| format!(", validation loss {loss:.4}")).unwrap_or_default();
        let speed = if self.tokens > 0 { format!(", {:.0} tok/s", self.tokens_per_s()) } else { String::new() };
        self.progress.finish(&format!("{steps} steps{valid}{speed}"));
    }
}

impl Observer for Trace<'_> {
    fn started(&mut self, steps: u64) -> Result<()> {
        let kept = if steps == 0 { String::new() } else { lines_up_to(&self.metrics, steps) };
        files::write(&self.metrics, kept.as_bytes())?;
        let opened = OpenOptions::new().append(true).open(&self.metrics);
        self.out = Some(opened.map_err(|e| Error::io(&self.metrics, "write", &e))?);
        self.first_step = steps;
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
        self.log(&json!({
            "step": step,
            "loss": report.loss,
            "learning_rate": report.learning_rate,
            "gradient_norm": report.gradient_norm,
            "tokens": report.tokens,
            "target_tokens": report.target_tokens,
            "tokens_per_s": speed,
        }))?;
        Ok(Control::Continue)
    }

    fn validated(&mut self, step: u64, validation: &Validation, of: Weights) -> Result<()> {
        self.valid = Some(validation.loss);
        let mut line = json!({
            "step": step,
            "valid_loss": validation.loss,
            "bits_per_byte": validation.bits_per_byte,
            "token_accuracy": validation.token_accuracy,
            "valid_items": validation.items,
        });
        match of {
            Weights::Last => {}
            Weights::Best(best) => line["weights_of_step"] = json!(best),
            Weights::Average(checkpoints) => line["mean_of_checkpoints"] = json!(checkpoints),
        }
        self.log(&line)
    }

    fn explained(&mut self, step: u64, e: &Explained) -> Result<()> {
        self.log(&json!({
            "step": step,
            "plausibility": {
                "trigram_loss": e.floor,
                "packed_loss": e.packed_loss,
                "prefix_loss": e.prefix_loss,
                "overlap_with_training": e.overlap,
                "answers_in_prompts": e.copied,
            },
        }))
    }
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

    #[test]
    fn metrics_of_steps_taken_again_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert_eq!(lines_up_to(&path, 3), "");
        std::fs::write(&path, "{\"step\":2}\n{\"step\":3}\n{\"step\":4}\n{\"step\":3,\"valid").unwrap();
        assert_eq!(lines_up_to(&path, 3), "{\"step\":2}\n{\"step\":3}\n");
    }
}
