//! How is the packaged model scored on the held-out split?

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_eval::edge_json::{Inputs, Suite, Track};
use bantam_eval::harness::{self, EvaluationOf, Keep, Source, Stale, Written};
use bantam_eval::local_model::ModelOptions;
use bantam_eval::metrics::METRIC_VERSION;
use bantam_eval::result::{Evaluation, Mode, Sample, SuiteResult, check_version};

use crate::recipe::{DecodingMode, Recipe};
use crate::stage::{Output, StageContext};

/// Decodes the test split in one mode and writes the result and its samples.
pub(crate) fn run(recipe: &Recipe, mode: DecodingMode, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let data = context.run.data();
    let inputs = Inputs {
        data: &data.join("test.jsonl"),
        schemas: &data.join("schemas"),
        limit: (recipe.eval.limit > 0).then_some(recipe.eval.limit),
    };
    let options = ModelOptions {
        constrained: mode == DecodingMode::Constrained,
        max_new_tokens: recipe.eval.max_new_tokens,
        threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let source = Source::Model { path: context.run.model(), options };
    // What an earlier model had finished is of no use to this one.
    let keep = Keep { dir: &context.run.results(), stale: Stale::Discard };
    let track = Track { absent: recipe.tokenizer.absent_fields, ..Track::default() };
    let written = evaluate(&Suite::load(inputs)?.on(track)?, &source, keep, context.progress, summary)?;
    let inside = |path: &Path| Path::new("results").join(path.file_name().unwrap_or_default());
    // The result holds times; the samples hold every output and score, and repeat bit for bit.
    Ok(vec![Output::Content(inside(&written.samples_file)), Output::Record(inside(&written.result_file))])
}

/// Evaluates on any suite and files the result, telling how far it is and at the end what `summary` says.
pub fn evaluate<S: harness::Suite>(
    suite: &S,
    source: &Source,
    keep: Keep<'_>,
    progress: &dyn Progress,
    summary: impl FnOnce(&EvaluationOf<S>) -> String,
) -> Result<Written<EvaluationOf<S>>> {
    let task = match source.mode() {
        Mode::Predictions => format!("eval {}", suite.name()),
        mode => format!("eval {}", mode.name()),
    };
    let started = std::sync::Once::new();
    let told = |done: usize, total: usize| {
        started.call_once(|| progress.start(&task, Some(total as u64)));
        progress.update(done as u64, "");
    };
    let written = harness::evaluate_into(suite, source, keep, &told)?;
    progress.finish(&summary(&written.evaluation));
    Ok(written)
}

/// An `edge-json` evaluation in a line.
pub fn summary(evaluation: &Evaluation) -> String {
    let overall = &evaluation.result.tables.overall;
    format!(
        "{} items: JSONExact {:.3}, FieldF1 {:.3}, SchemaCompliance {:.3}",
        evaluation.result.n, overall.json_exact.value, overall.field_f1.value, overall.schema_compliance.value
    )
}

/// The result and samples that [`run`] wrote, given all outputs of its stage.
pub(crate) fn read(outputs: &[PathBuf]) -> Result<(SuiteResult, Vec<Sample>)> {
    let named = |suffix: &str| {
        let ends = |path: &&PathBuf| path.to_string_lossy().ends_with(suffix);
        outputs.iter().find(ends).ok_or_else(|| Error::internal("results", format_args!("no *{suffix}")))
    };
    let (samples_path, result_path) = (named(".samples.jsonl")?, named(".json")?);
    let broken = |path: &Path, e: serde_json::Error| {
        Error::input(path.display(), format_args!("not a result: {e}"), "remove it; the next run writes it anew")
    };
    let result: SuiteResult =
        serde_json::from_str(&files::read_text(result_path)?).map_err(|e| broken(result_path, e))?;
    check_version(&result_path.display().to_string(), &result.suite, result.protocol.metric_version, METRIC_VERSION)?;
    let lines = files::read_text(samples_path)?;
    let samples = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    Ok((result, samples.map_err(|e| broken(samples_path, e))?))
}
