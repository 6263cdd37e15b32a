//! `bantam eval perplexity`: how well does a model predict texts, choices and answers?

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_eval::harness::{EvaluationOf, Keep, Source, Stale};
use bantam_eval::local_model::{LocalModel, ModelOptions};
use bantam_eval::perplexity::problems::Tables;
use bantam_eval::perplexity::text::{self, Window};
use bantam_eval::perplexity::{Format, Problems, Scoring};
use bantam_eval::result::SuiteResult;
use bantam_eval::statistics::Difference;
use bantam_pipeline::evaluation;
use serde::Serialize;

use crate::arguments::PerplexityArguments;
use crate::output::Output;
use crate::verbs::thread_count;

type ResultOf = SuiteResult<Tables, std::collections::BTreeMap<String, Difference>>;

#[derive(Serialize)]
struct Evaluated {
    #[serde(flatten)]
    result: ResultOf,
    result_file: PathBuf,
    samples_file: PathBuf,
}

#[derive(Serialize)]
struct All<'a> {
    results: &'a [Evaluated],
}

/// Evaluates every file, choices both ways, and prints a table.
pub fn run(arguments: &PerplexityArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let format = arguments.format.format();
    let wrong = |flag: &str, of: &str| Err(Error::input(flag, format_args!("it is for {of}"), "leave it out"));
    if format != Format::Text && (arguments.context.is_some() || arguments.stride.is_some()) {
        return wrong("--context, --stride", "texts; problems have the model's whole context");
    }
    if format == Format::Text && arguments.limit.is_some() {
        return wrong("--limit", "problems");
    }
    files::create_dir(&arguments.out)?;
    let threads = match thread_count(arguments.threads)? {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    };
    let options = ModelOptions { constrained: false, max_new_tokens: 1, threads };
    let mut results = Vec::new();
    if format == Format::Text {
        let model = LocalModel::open(&arguments.model, options)?;
        for file in &arguments.files {
            results.push(text(arguments, &model, file)?);
        }
    } else {
        let source = Source::Model { path: arguments.model.clone(), options };
        for file in &arguments.files {
            for scoring in Scoring::of(format) {
                let suite = Problems::load(file, format, *scoring, arguments.limit)?;
                let keep = Keep { dir: &arguments.out, stale: Stale::Refuse };
                let written = evaluation::evaluate(&suite, &source, keep, progress, summary)?;
                let (result_file, samples_file) = (written.result_file, written.samples_file);
                results.push(Evaluated { result: written.evaluation.result, result_file, samples_file });
            }
        }
    }
    output.text(&results.iter().map(for_people).collect::<String>())?;
    output.object(&All { results: &results })
}

fn text(arguments: &PerplexityArguments, model: &LocalModel, file: &Path) -> Result<Evaluated> {
    let window = Window { context: arguments.context, stride: arguments.stride };
    let evaluation = text::evaluate(model, file, window)?;
    let (result_file, samples_file) = evaluation.write(&arguments.out)?;
    Ok(Evaluated { result: evaluation.result, result_file, samples_file })
}

fn summary(evaluation: &EvaluationOf<Problems>) -> String {
    let overall = evaluation.result.tables.overall.iter();
    let scores: Vec<String> = overall.map(|(name, e)| format!("{name} {:.4}", e.value)).collect();
    format!("{} problems: {}", evaluation.result.n, scores.join(", "))
}

/// The scores of one result, the floors below.
fn for_people(evaluated: &Evaluated) -> String {
    let result = &evaluated.result;
    let track = result.protocol.track.as_deref().unwrap_or_default();
    let mut text = format!("{} ({track}), {}\n", result.protocol.data.name, result.model);
    let mut rows = |name: &str, tables: &Tables| {
        for (metric, e) in &tables.overall {
            let _ =
                writeln!(text, "  {name:<18} {metric:<27} {:.4} [{:.4}, {:.4}]  n = {}", e.value, e.low, e.high, e.n);
        }
    };
    rows("model", &result.tables);
    result.floors.iter().for_each(|(name, floor)| rows(&format!("floor: {name}"), floor));
    text + &format!("{}\n", evaluated.result_file.display())
}
