//! What is said about a run: its lineage, and the report in Markdown and HTML.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bantam_core::host::Host;
use bantam_core::lineage::{Circumstances, Lineage, Made};
use bantam_core::progress::Silent;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use bantam_eval::result::SuiteResult;
use bantam_site::{ArtifactFile, Evaluated, FactTable, ReportInput, TrainingPoint};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::base;
use crate::edge_json::{Request, evaluation_stage};
use crate::evaluation;
use crate::recipe::Recipe;
use crate::stage::{Output, StageContext, StageReport};
use crate::tokenizer::TokenizerReport;
use crate::vectors;

/// Writes `lineage.json`, `report.md`, `report.html` and the Markdown's pictures.
pub(crate) fn run(recipe: &Recipe, request: &Request, context: &StageContext<'_>) -> Result<Vec<Output>> {
    context.progress.start("report", None);
    let run = context.run;
    let lineage = lineage(recipe, request, run, context.finished())?;
    let mut evaluations = Vec::new();
    for mode in &recipe.eval.modes {
        let (result, samples) = evaluation::read(&context.outputs_of(evaluation_stage(*mode)))?;
        evaluations.push(Evaluated { result, samples });
    }
    let training = read_lines::<TrainingPoint>(&run.metrics())?;
    let input = ReportInput {
        name: recipe.run.name.clone(),
        summary: summary(recipe, run)?,
        facts: facts(recipe, run)?,
        artifacts: artifacts(context)?,
        training,
        evaluations,
        overlap: Some(read_json(&run.data().join("overlap.json"))?),
        lineage: serde_json::to_value(&lineage).map_err(|e| Error::internal("lineage", e))?,
        recipe: Some(recipe.without_place().to_toml()?),
    };
    let report = bantam_site::render(&input);
    lineage.write(&run.lineage())?;
    let mut written = vec!["lineage.json".to_owned(), "report.md".to_owned(), "report.html".to_owned()];
    for (name, svg) in &report.pictures {
        let path = run.path().join(name);
        files::create_dir(path.parent().unwrap_or(run.path()))?;
        files::write(&path, svg.as_bytes())?;
        written.push(name.clone());
    }
    files::write(&run.report_markdown(), report.markdown.as_bytes())?;
    files::write(&run.report_html(), report.html.as_bytes())?;
    context.progress.finish(&format!("{}", run.report_html().display()));
    // Times and the machine are in all of them.
    Ok(written.into_iter().map(|name| Output::Record(name.into())).collect())
}

/// The models that the recipe's model is made from, by role, with the hash of their files.
fn parents(recipe: &Recipe) -> Result<BTreeMap<String, String>> {
    let start = recipe.model.start.as_deref();
    let base = recipe.finetune.as_ref().map(|section| section.base.as_str());
    let teacher = recipe.distill.as_ref().map(|section| section.teacher.as_str());
    let roles = [("start", start), ("base", base), ("teacher", teacher)];
    let named = roles.into_iter().filter_map(|(role, name)| Some((role, name?)));
    // Training has found them by now, so nothing is fetched.
    named.map(|(role, name)| Ok((role.to_owned(), hash::tree(&base::locate(name, &Silent)?)?))).collect()
}

/// The lineage of a run after the stages in `finished`.
pub(crate) fn lineage(
    recipe: &Recipe,
    request: &Request,
    run: &RunFolder,
    finished: &[StageReport],
) -> Result<Lineage> {
    let (seed, content) = (recipe.run.seed, recipe.content_hash()?);
    let mut made = Made { parents: parents(recipe)?, seed, recipe: content, ..Made::default() };
    let (mut measured, mut device) = (BTreeMap::new(), None);
    for stage in finished {
        if stage.name == "data" {
            made.data.extend(stage.hashes.clone());
        } else if stage.name == vectors::EVALUATION {
            made.artifacts.extend(stage.hashes.values().map(|h| (format!("{}.samples", stage.name), h.clone())));
            let result = stage.outputs.iter().find(|o| matches!(o, Output::Record(_)));
            let result = result.ok_or_else(|| Error::internal(stage.name, "no result"))?;
            made.results.insert(stage.name.to_owned(), vectors::scores(&run.path().join(result.path()))?);
        } else if stage.name.starts_with("eval-") {
            // Under the stage's name: the file's has the run's name in it.
            made.artifacts.extend(stage.hashes.values().map(|h| (format!("{}.samples", stage.name), h.clone())));
            let outputs: Vec<_> = stage.outputs.iter().map(|o| run.path().join(o.path())).collect();
            let (result, _) = evaluation::read(&outputs)?;
            made.results.insert(stage.name.to_owned(), scores(&result)?);
            measured.insert(stage.name.to_owned(), json!(result.timing));
        } else {
            made.artifacts.extend(stage.hashes.clone());
        }
        if stage.name == "train" {
            let last = last_metrics(&run.metrics())?;
            made.results.insert("train".to_owned(), last.validation);
            measured.insert("train".to_owned(), last.speed);
            device = last.device;
        }
    }
    let circumstances = Circumstances {
        command: request.command.clone(),
        source: request.source.clone(),
        host: Host::detect(),
        device,
        written_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        stage_seconds: finished.iter().map(|r| (r.name.to_owned(), r.seconds)).collect(),
        measured,
    };
    Ok(Lineage::new(made, circumstances))
}

fn scores(result: &SuiteResult) -> Result<Value> {
    let failed = |e| Error::internal("results", e);
    let overall = serde_json::to_value(result.tables.overall).map_err(failed)?;
    let levels = serde_json::to_value(&result.tables.by_level).map_err(failed)?;
    Ok(json!({"n": result.n, "overall": overall, "by_level": levels}))
}

/// What a training's log ends with.
#[derive(Default)]
struct LastMetrics {
    /// The last validation, which repeats.
    validation: Value,
    /// The last speed, which does not.
    speed: Value,
    /// What the last step was computed on.
    device: Option<String>,
}

fn last_metrics(metrics: &Path) -> Result<LastMetrics> {
    let mut last = LastMetrics::default();
    for line in read_lines::<Value>(metrics)? {
        if line.get("valid_loss").is_some() {
            last.validation = line;
        } else if let Some(tokens_per_s) = line.get("tokens_per_s") {
            last.speed = json!({"tokens_per_s": tokens_per_s});
            last.device = line.get("device").and_then(Value::as_str).map(str::to_owned);
        }
    }
    Ok(last)
}

fn summary(recipe: &Recipe, run: &RunFolder) -> Result<String> {
    let tokenizer: TokenizerReport = read_json(&run.tokenizer().join("report.json"))?;
    let config = recipe.model_config(tokenizer.vocab_size)?;
    let origin = recipe.model.start.as_ref().map_or("random weights".to_owned(), |model| format!("`{model}`"));
    Ok(format!(
        "A Llama-architecture model of {} parameters that reads a text and a JSON Schema's signature and writes the JSON \
         object the text states. Trained from {origin} for {} steps on {} generated EdgeJSON items, and scored on \
         items whose schemas, text style and sentence templates the training in part never saw.",
        config.parameter_count(),
        recipe.train.steps,
        recipe.data.train.total() + recipe.data.drills + recipe.data.long_drills,
    ))
}

fn facts(recipe: &Recipe, run: &RunFolder) -> Result<Vec<FactTable>> {
    let tokenizer: TokenizerReport = read_json(&run.tokenizer().join("report.json"))?;
    let config = recipe.model_config(tokenizer.vocab_size)?;
    let LastMetrics { validation, speed, device } = last_metrics(&run.metrics())?;
    let number = |value: &Value, key: &str, digits: usize| {
        value.get(key).and_then(Value::as_f64).map_or("not measured".to_owned(), |v| format!("{v:.digits$}"))
    };
    let table = |title: &str, rows: &[(&str, String)]| FactTable {
        title: title.to_owned(),
        rows: rows.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    let data = &recipe.data;
    let counts = |c: &bantam_data::edge_json::Counts| {
        format!("{} ({} simple, {} medium, {} complex)", c.total(), c.simple, c.medium, c.complex)
    };
    Ok(vec![
        table(
            "Data",
            &[
                ("training items", counts(&data.train)),
                ("drills beside them", (data.drills + data.long_drills).to_string()),
                ("validation items", counts(&data.valid)),
                ("test items", counts(&data.test)),
                ("seed", data.seed.to_string()),
            ],
        ),
        table(
            "Tokenizer",
            &[
                ("vocabulary", tokenizer.vocab_size.to_string()),
                (
                    "bytes per token",
                    format!("{:.3} over {} validation items", tokenizer.bytes_per_token, tokenizer.items),
                ),
            ],
        ),
        table(
            "Model",
            &[
                ("parameters", config.parameter_count().to_string()),
                ("width", config.hidden_size.to_string()),
                ("layers", config.num_hidden_layers.to_string()),
                ("heads (key-value)", format!("{} ({})", config.num_attention_heads, config.num_key_value_heads)),
                ("feed-forward", config.intermediate_size.to_string()),
                ("tied embeddings", config.tie_word_embeddings.to_string()),
            ],
        ),
        table(
            "Training",
            &[
                ("steps", recipe.train.steps.to_string()),
                ("highest learning rate", recipe.train.learning_rate.to_string()),
                ("validation loss, nats per answer token", number(&validation, "valid_loss", 4)),
                ("validation, bits per byte of the answers", number(&validation, "bits_per_byte", 4)),
                ("answer tokens right, given those before", number(&validation, "token_accuracy", 4)),
                ("tokens per second", number(&speed, "tokens_per_s", 0)),
                ("device", device.unwrap_or_else(|| "not recorded".into())),
            ],
        ),
    ])
}

/// Sizes and hashes of what a user takes away.
fn artifacts(context: &StageContext<'_>) -> Result<Vec<ArtifactFile>> {
    let what = |path: &str| match path {
        "data" => "items, schemas and measured overlap",
        "tokenizer" => "tokenizer",
        "model" => "Hugging Face folder, f32",
        _ if path.ends_with(".gguf") => "packaged model",
        _ if path.starts_with("checkpoints") => "last checkpoint",
        _ => "outputs and scores of every item",
    };
    let mut files = Vec::new();
    for (path, sha256) in context.finished().iter().flat_map(|report| &report.hashes) {
        let bytes = size_of(&context.run.path().join(path))?;
        files.push(ArtifactFile { path: path.clone(), what: what(path).to_owned(), bytes, sha256: sha256.clone() });
    }
    Ok(files)
}

fn size_of(path: &Path) -> Result<u64> {
    let failed = |e| Error::io(path, "read", &e);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(path).map_err(failed)? {
        bytes += size_of(&entry.map_err(failed)?.path())?;
    }
    Ok(bytes)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let broken = |e| Error::input(path.display(), format_args!("not as written: {e}"), "remove it and run again");
    serde_json::from_str(&files::read_text(path)?).map_err(broken)
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = files::read_text(path)?;
    let read = |(at, line): (usize, &str)| {
        let place = format!("{}:{}", path.display(), at + 1);
        serde_json::from_str(line)
            .map_err(|e| Error::input(place, format_args!("not as written: {e}"), "remove it and run again"))
    };
    text.lines().enumerate().map(read).collect()
}
