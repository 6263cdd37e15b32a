//! `bantam zoo`, `bantam zoo recall` and `bantam zoo texts`: what do the mixers cost, what do they recall, how well do they learn a
//! text?

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::recall::{Settings, Task};
use bantam_pipeline::recipe::{MOST_BATCH_TOKENS, parameters};
use bantam_pipeline::zoo::recall::Plan;
use bantam_pipeline::zoo::{self, Pattern, Summary, costs, read_all, standings, text_standings, texts};
use bantam_runtime::measure::WallClock;
use bantam_site::zoo::Zoo;
use serde_json::json;

use crate::arguments::{
    RecallSetting, ZooArguments, ZooRecallArguments, ZooTableArguments, ZooTextsArguments, ZooVerb,
};
use crate::output::Output;

/// Runs recall tasks, or shows the table.
pub fn run(arguments: &ZooArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    bantam_kernels::memory::keep_freed_memory();
    match &arguments.what {
        Some(ZooVerb::Recall(recall)) => self::recall(recall, progress, output),
        Some(ZooVerb::Texts(texts)) => self::texts(texts, progress, output),
        None => table(&arguments.table, progress, output),
    }
}

fn recall(arguments: &ZooRecallArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let plan = Plan {
        settings: settings(arguments)?,
        mixers: arguments.mixers.clone(),
        learning_rates: arguments.learning_rates.clone(),
        seeds: arguments.seeds,
        width: arguments.width,
        layers: arguments.layers,
        heads: arguments.heads,
        batch: arguments.batch,
        steps: arguments.steps,
        enough: arguments.enough,
    };
    let summary = zoo::recall::run(&plan, &arguments.out, progress)?;
    let recall = standings(&read_all(&arguments.out)?.recall);
    let table = Zoo { recall, ..Zoo::default() };
    show(&summary, &table, output)?;
    output.object(&json!({ "runs": summary, "recall": table.recall }))
}

fn texts(arguments: &ZooTextsArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let plan = texts::Plan {
        text: arguments.text.clone(),
        extension: arguments.extension.clone(),
        mixers: arguments.mixers.clone(),
        parameters: parameters(&arguments.budget, "--budget")?,
        vocabulary: arguments.vocab,
        context: arguments.context,
        batch: arguments.batch,
        steps: arguments.steps,
        learning_rates: arguments.learning_rates.clone(),
        seeds: arguments.seeds,
    };
    let summary = texts::run(&plan, &arguments.out, progress)?;
    let texts = text_standings(&read_all(&arguments.out)?.texts);
    let table = Zoo { texts, ..Zoo::default() };
    show(&summary, &table, output)?;
    output.object(&json!({ "runs": summary, "texts": table.texts }))
}

/// The tables of a sweep, and what of it is still to come.
fn show(summary: &Summary, table: &Zoo, output: &Output) -> Result<()> {
    let elsewhere = match summary.elsewhere {
        0 => String::new(),
        n => format!("{n} runs are under way in another process: run this again for them.\n"),
    };
    output.text(&format!("{elsewhere}{}", bantam_site::zoo::markdown(table).trim_start()))
}

/// The task's sizes with what was asked otherwise.
fn settings(arguments: &ZooRecallArguments) -> Result<Settings> {
    let name = arguments.task.name();
    let found = match arguments.setting {
        RecallSetting::Scaled => Settings::scaled(name),
        RecallSetting::Published => Settings::published(name),
    };
    let mut settings = found.ok_or_else(|| Error::internal("zoo recall", format!("no task {name}")))?;
    settings.train = arguments.items.unwrap_or(settings.train);
    let (length, pairs) = match &mut settings.task {
        Task::Mqar(task) => (&mut task.length, Some(&mut task.pairs)),
        Task::VectorMqar(task) => (&mut task.length, Some(&mut task.pairs)),
        Task::Induction(task) => (&mut task.length, None),
        Task::Copy(task) => (&mut task.length, Some(&mut task.memorized)),
    };
    *length = arguments.length.unwrap_or(*length);
    match (pairs, arguments.pairs) {
        (Some(pairs), Some(asked)) => *pairs = asked,
        (None, Some(_)) => {
            return Err(Error::input("--pairs", "induction heads ask for one token", "leave it out"));
        }
        (_, None) => {}
    }
    Ok(settings)
}

fn table(arguments: &ZooTableArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let ZooTableArguments { vocab, context, batch, steps, .. } = *arguments;
    let wrong = |flag: &str, what: String, remedy: &str| Err(Error::input(flag, what, remedy));
    let tokens = context.saturating_mul(batch);
    if context < 2 || tokens == 0 || tokens > MOST_BATCH_TOKENS {
        return wrong("--context", format!("{batch} sequences of {context} tokens"), "usual are 8 of 256");
    }
    if !(2..=1 << 20).contains(&vocab) || steps > 10_000 {
        return wrong("--vocab", format!("{vocab} tokens and {steps} steps"), "usual are 1024 and 3");
    }
    let request = costs::Request {
        parameters: parameters(&arguments.budget, "--budget")?,
        vocabulary: vocab,
        context,
        batch,
        steps,
    };
    // Read first: what is wrong with it should be known before minutes of measuring.
    let results = arguments.results.as_deref().map(read_all).transpose()?.unwrap_or_default();
    let mixers = if arguments.mixers.is_empty() { Pattern::all() } else { arguments.mixers.clone() };
    progress.start("zoo", Some(mixers.len() as u64));
    let clock = WallClock::start();
    let mut rows = Vec::new();
    for pattern in &mixers {
        progress.update(rows.len() as u64, &pattern.to_string());
        rows.push(costs::costs(pattern, &request, &clock)?);
    }
    progress.finish(&format!("{} models measured", rows.len()));
    let timed = match steps {
        0 => String::new(),
        _ => format!(
            " Training: the median of {steps} steps of {batch} sequences of {context} tokens in F32. One step: a token in the \
             runtime, on one thread, behind {} others.",
            context / 2
        ),
    };
    let zoo = Zoo {
        measured: format!(
            "Models of about {} parameters, vocabulary {vocab}. State: bytes after {context} tokens, in 32-bit floats.{timed}",
            arguments.budget
        ),
        costs: rows,
        recall: standings(&results.recall),
        texts: text_standings(&results.texts),
    };
    if let Some(path) = &arguments.svg {
        let Some(picture) = bantam_site::zoo::svg(&zoo) else {
            return wrong("--svg", "there are no results to draw".into(), "make some with `bantam zoo recall`");
        };
        files::write(path, picture.as_bytes())?;
    }
    output.text(&bantam_site::zoo::markdown(&zoo))?;
    output.object(&zoo)
}
