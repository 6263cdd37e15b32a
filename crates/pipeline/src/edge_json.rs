//! The graph from nothing to a measured extraction model: data, tokenizer, training, packages, evaluation, report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bantam_core::lineage::Lineage;
use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files};
use bantam_data::item;
use bantam_data::prompt::SchemaInPrompt;
use bantam_data::schemas::SchemaSet;
use serde::Serialize;
use serde_json::{Value, json};

use crate::recipe::{DecodingMode, Recipe, SourceSection};
use crate::stage::{self, Options, Output, Stage, StageContext, StageReport};
use crate::tokenizer::Texts;
use crate::{base, evaluation, items, objective, package, report, tokenizer, training};

/// How a recipe is gone through.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The last stage wanted; `None` goes to the report.
    pub until: Option<&'static str>,
    /// Begin a training anew that was cut off, instead of continuing it.
    pub restart: bool,
    /// The command line, for the lineage.
    pub command: Vec<String>,
    /// What of Bantam is running: version and source revision, for the lineage.
    pub source: String,
}

/// The stage after which a trained model can be used.
pub const UNTIL_MODEL: &str = "package";

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The run folder.
    pub run: PathBuf,
    /// The lineage's id.
    pub id: String,
    /// Each stage, in order.
    pub stages: Vec<StageSummary>,
    /// SHA-256 of each artifact, by its path in the run folder.
    pub artifacts: BTreeMap<String, String>,
    /// Overall scores by evaluation, and the last validation.
    pub results: BTreeMap<String, Value>,
}

/// One stage of a [`Summary`].
#[derive(Clone, Debug, Serialize)]
pub struct StageSummary {
    /// The stage's name.
    pub name: &'static str,
    /// Whether an earlier execution had made its outputs.
    pub skipped: bool,
    /// Seconds of the execution that made them.
    pub seconds: f64,
}

/// Builds what the recipe says, skipping what is there already.
pub fn execute(recipe: &Recipe, request: &Request, progress: &dyn Progress) -> Result<Summary> {
    let run = RunFolder::create(&recipe.folder())?;
    let _lock = run.lock()?;
    let resolved = recipe.to_toml()?;
    if !run.recipe().is_file() || files::read_text(&run.recipe())? != resolved {
        files::write(&run.recipe(), resolved.as_bytes())?;
    }
    let options = Options { until: request.until, restart: request.restart };
    let finished = stage::run(&mut stages(recipe, request, progress)?, &run, progress, options)?;
    summarize(recipe, request, &run, &finished)
}

/// What the stages that were gone through came to.
pub(crate) fn summarize(
    recipe: &Recipe,
    request: &Request,
    run: &RunFolder,
    finished: &[StageReport],
) -> Result<Summary> {
    let reported = finished.iter().any(|r| r.name == "report");
    let lineage =
        if reported { Lineage::read(&run.lineage())? } else { partial_lineage(recipe, request, run, finished)? };
    let summary = |r: &StageReport| StageSummary { name: r.name, skipped: r.skipped, seconds: r.seconds };
    Ok(Summary {
        run: run.path().to_owned(),
        id: lineage.id,
        stages: finished.iter().map(summary).collect(),
        artifacts: lineage.made.data.into_iter().chain(lineage.made.artifacts).collect(),
        results: lineage.made.results,
    })
}

/// A run that stops before its report has a lineage all the same.
fn partial_lineage(recipe: &Recipe, request: &Request, run: &RunFolder, finished: &[StageReport]) -> Result<Lineage> {
    let lineage = report::lineage(recipe, request, run, finished)?;
    if finished.iter().any(|r| !r.skipped) || !run.lineage().is_file() {
        lineage.write(&run.lineage())?;
    }
    Ok(lineage)
}

/// A recipe section as a stage's key sees it.
pub(crate) fn part(section: &impl Serialize) -> Result<Value> {
    serde_json::to_value(section).map_err(|e| Error::internal("recipe", e))
}

fn stages<'a>(recipe: &'a Recipe, request: &'a Request, progress: &dyn Progress) -> Result<Vec<Stage<'a>>> {
    let start: Vec<PathBuf> = base::started_from(recipe, progress)?.iter().map(|a| a.path().to_owned()).collect();
    let mut stages = vec![
        Stage {
            version: items::VERSION,
            inputs: items::inputs(recipe),
            ..Stage::new(
                "data",
                items::configuration(recipe)?,
                &[],
                Box::new(|c: &StageContext<'_>| items::run(recipe, c)) as stage::Body<'a>,
            )
        },
        Stage {
            version: 2,
            inputs: start.clone(),
            ..Stage::new(
                "tokenizer",
                json!([part(&recipe.tokenizer)?, recipe.model.max_position_embeddings]),
                &["data"],
                Box::new(|c| make_tokenizer(recipe, c)),
            )
        },
        Stage {
            version: 3,
            inputs: objective::inputs(recipe, progress)?.into_iter().chain(start).collect(),
            ..Stage::new(
                "train",
                json!([
                    part(&recipe.model)?,
                    part(&recipe.train)?,
                    recipe.run.seed,
                    training::mixture(recipe),
                    part(&recipe.distill)?
                ]),
                &["data", "tokenizer"],
                Box::new(|c| training::run(recipe, c)),
            )
        },
        Stage::new("package", part(&recipe.model)?, &["tokenizer", "train"], Box::new(|c| package::folder(recipe, c))),
        Stage::new(
            "gguf",
            json!([part(&recipe.model)?, part(&recipe.package)?]),
            &["tokenizer", "train"],
            Box::new(|c| package::gguf_files(recipe, c)),
        ),
    ];
    let mut before_report = vec!["data", "tokenizer", "train", "package", "gguf"];
    for mode in &recipe.eval.modes {
        let name = evaluation_stage(*mode);
        let config = json!([recipe.eval.limit, recipe.eval.max_new_tokens]);
        let body = Box::new(|c: &StageContext<'_>| evaluation::run(recipe, *mode, c));
        stages.push(Stage::new(name, config, &["data", "package"], body));
        before_report.push(name);
    }
    let body = Box::new(|c: &StageContext<'_>| report::run(recipe, request, c));
    stages.push(Stage::new("report", part(&recipe.without_place())?, &before_report, body));
    Ok(stages)
}

/// The stage that evaluates in one mode.
pub(crate) fn evaluation_stage(mode: DecodingMode) -> &'static str {
    match mode {
        DecodingMode::Free => "eval-free",
        DecodingMode::Constrained => "eval-constrained",
    }
}

/// The tokenizer of the model that training starts from, or a new one.
fn make_tokenizer(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    context.progress.start("tokenizer", None);
    let data = context.run.data();
    let valid = item::read_jsonl(&data.join("valid.jsonl"))?;
    let schemas = SchemaSet::load(&data.join("schemas"))?;
    let signature = SchemaInPrompt::Signature;
    let learned = if recipe.sources.is_empty() {
        vec![(items::of_source(&data, Path::new(""), "train")?, signature)]
    } else {
        let read = |(at, source): (usize, &SourceSection)| {
            Ok((items::of_source(&data, &source.folder(at), "train")?, source.schema_in_prompt))
        };
        recipe.sources.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?
    };
    let absent_fields = recipe.tokenizer.absent_fields;
    let texts: Vec<Texts<'_>> = learned
        .iter()
        .map(|((items, schemas), told)| Texts { items, schemas, schema_in_prompt: *told, absent_fields })
        .collect();
    let measured = Texts { items: &valid, schemas: &schemas, schema_in_prompt: signature, absent_fields };
    let (section, longest, dir) = (&recipe.tokenizer, recipe.model.max_position_embeddings, context.run.tokenizer());
    let made = match base::started_from(recipe, context.progress)? {
        Some(start) => tokenizer::write(start.tokenizer_bundle()?.tokenizer_json, &measured, section, longest, &dir)?,
        None => tokenizer::train(&texts, &measured, section, longest, &dir)?,
    };
    let told = format!("{} tokens, {:.3} bytes per token", made.vocab_size, made.bytes_per_token);
    context.progress.finish(&told);
    Ok(vec![Output::Content("tokenizer".into())])
}
