//! `bantam run`, and what it shares with `bantam train`: go through a recipe's stages.

use std::fmt::Write;

use bantam_core::Result;
use bantam_core::progress::Progress;
use bantam_pipeline::edge_json::{self, Request, Summary};
use bantam_pipeline::fine_tune;
use bantam_pipeline::recipe::Recipe;
use bantam_pipeline::training::open_device;
use bantam_pipeline::vectors;
use bantam_train::DeviceChoice;
use serde_json::Value;

use crate::arguments::RecipeArguments;
use crate::output::Output;

/// Runs the recipe up to the stage `until`, or to its end.
pub fn run(
    arguments: &RecipeArguments,
    until: Option<&'static str>,
    progress: &dyn Progress,
    output: &Output,
) -> Result<()> {
    let (recipe, request) = wanted(arguments, until, progress)?;
    let summary = match (&recipe.finetune, &recipe.vectors) {
        (Some(section), _) => fine_tune::execute(&recipe, section, &request, progress)?,
        (None, Some(section)) => vectors::execute(&recipe, section, &request, progress)?,
        (None, None) => edge_json::execute(&recipe, &request, progress)?,
    };
    output.text(&for_people(&summary))?;
    output.object(&summary)
}

/// The recipe with what the command line says of it. Also readies the process for training: its memory and the device.
pub fn wanted(
    arguments: &RecipeArguments,
    until: Option<&'static str>,
    progress: &dyn Progress,
) -> Result<(Recipe, Request)> {
    bantam_kernels::memory::keep_freed_memory();
    let mut recipe = Recipe::load(&arguments.recipe, &arguments.overrides)?;
    if let Some(out) = &arguments.out {
        recipe.run.out = Some(out.clone());
    }
    recipe.train.device = arguments.device.unwrap_or(recipe.train.device);
    let device = open_device(&recipe)?;
    if recipe.train.device != DeviceChoice::Cpu {
        progress.note(&format!("{:>16} {device}", "device"));
    }
    // `auto` is not written down: the run's weights depend on what was found.
    recipe.train.device = device.choice;
    recipe.train.precision = recipe.train.precision.resolved(device.choice);
    let request = Request { until, restart: arguments.restart, command: command(), source: source() };
    Ok((recipe, request))
}

/// The command line, with the program's name: where it lies on this machine explains nothing.
fn command() -> Vec<String> {
    std::iter::once("bantam".to_owned()).chain(std::env::args().skip(1)).collect()
}

/// Version, and the revision where the build could tell it.
fn source() -> String {
    let version = concat!("bantam ", env!("CARGO_PKG_VERSION"));
    option_env!("BANTAM_REVISION").map_or(version.to_owned(), |revision| format!("{version} ({revision})"))
}

fn for_people(summary: &Summary) -> String {
    let mut text = format!("{}\n", summary.run.display());
    for stage in &summary.stages {
        let skipped = if stage.skipped { "  (was there)" } else { "" };
        let _ = writeln!(text, "  {:<17} {:>9.1} s{skipped}", stage.name, stage.seconds);
    }
    for (name, result) in &summary.results {
        let number = |pointer: &str| result.pointer(pointer).and_then(Value::as_f64);
        let metric = |name: &str, digits: usize| {
            let of = |what: &str| number(&format!("/overall/{name}/{what}")).unwrap_or(f64::NAN);
            format!("{:.digits$} [{:.digits$}, {:.digits$}]", of("value"), of("low"), of("high"))
        };
        if result.pointer("/overall/squared_error").is_some() {
            // What an error is of depends on the vectors' scale.
            let (error, cosine, nearest) = (metric("squared_error", 5), metric("cosine", 3), metric("nearest", 3));
            let _ = writeln!(text, "  {name:<17} squared error {error}, cosine {cosine}, nearest {nearest}");
            for (floor, _) in result["floors"].as_object().into_iter().flatten() {
                let of = |m: &str| number(&format!("/floors/{floor}/overall/{m}/value")).unwrap_or(f64::NAN);
                let (error, cosine, nearest) = (of("squared_error"), of("cosine"), of("nearest"));
                let _ = writeln!(
                    text,
                    "    floor {floor:<13} squared error {error:.5}, cosine {cosine:.3}, nearest {nearest:.3}"
                );
            }
        } else if result.get("overall").is_some() {
            let (exact, f1) = (metric("json_exact", 3), metric("field_f1", 3));
            let _ = writeln!(text, "  {name:<17} JSONExact {exact}, FieldF1 {f1}");
        } else if let (Some(loss), Some(bits)) = (number("/valid_loss"), number("/bits_per_byte")) {
            let _ = writeln!(text, "  {name:<17} validation {loss:.4} nats a token, {bits:.4} bits per byte");
        } else if let (Some(loss), Some(nearest)) = (number("/valid_loss"), number("/nearest")) {
            let _ = writeln!(text, "  {name:<17} validation loss {loss:.4}, nearest {nearest:.4}");
        }
    }
    if summary.run.join("report.html").is_file() && summary.stages.iter().any(|s| s.name == "report") {
        let _ = writeln!(text, "  report            {}", summary.run.join("report.html").display());
    }
    text
}
