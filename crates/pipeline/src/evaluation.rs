//! How is the packaged model scored on the held-out split?

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_eval::edge_json::Inputs;
use bantam_eval::local_model::{self, ModelOptions};
use bantam_eval::result::{Evaluation, Sample, SuiteResult};

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
    let evaluation = model(inputs, &context.run.model(), options, context.progress)?;
    let (result, samples) = evaluation.write(&context.run.results())?;
    let inside = |path: &Path| Path::new("results").join(path.file_name().unwrap_or_default());
    // The result holds times; the samples hold every output and score, and repeat bit for bit.
    Ok(vec![Output::Content(inside(&samples)), Output::Record(inside(&result))])
}

/// Evaluates a model, telling how far it is.
pub fn model(inputs: Inputs<'_>, model: &Path, options: ModelOptions, progress: &dyn Progress) -> Result<Evaluation> {
    let mode = if options.constrained { "constrained" } else { "free" };
    let told = |done: usize, total: usize| match done {
        0 => progress.start(&format!("eval {mode}"), Some(total as u64)),
        _ => progress.update(done as u64, ""),
    };
    let evaluation = local_model::evaluate_model(inputs, model, options, &told)?;
    let overall = &evaluation.result.tables.overall;
    progress.finish(&format!(
        "{} items: JSONExact {:.3}, FieldF1 {:.3}, SchemaCompliance {:.3}",
        evaluation.result.n, overall.json_exact.value, overall.field_f1.value, overall.schema_compliance.value
    ));
    Ok(evaluation)
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
    let result = serde_json::from_str(&files::read_text(result_path)?).map_err(|e| broken(result_path, e))?;
    let lines = files::read_text(samples_path)?;
    let samples = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    Ok((result, samples.map_err(|e| broken(samples_path, e))?))
}
