//! `bantam train`: a recipe's stages up to the packaged model, or only what can be said before.

use std::fmt::Write;

use bantam_core::Result;
use bantam_core::progress::Progress;
use bantam_pipeline::edge_json::UNTIL_MODEL;
use bantam_pipeline::training::trial::{self, Prediction};

use crate::arguments::TrainArguments;
use crate::output::Output;

/// Runs the verb.
pub fn run(arguments: &TrainArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    if arguments.preflight {
        let (recipe, request) = super::run::wanted(&arguments.recipe, None, progress)?;
        let prediction = trial::preflight(&recipe, &request, progress)?;
        output.text(&for_people(&prediction))?;
        return output.object(&prediction);
    }
    if arguments.find_lr {
        let (recipe, request) = super::run::wanted(&arguments.recipe, None, progress)?;
        let (sweep, path) = trial::find_learning_rate(&recipe, &request, progress)?;
        output.text(&format!(
            "suggested learning rate {:.2e} (a tenth of {:.2e}, where the loss was lowest; it fell fastest at {:.2e})\n{}",
            sweep.suggested,
            sweep.lowest,
            sweep.steepest,
            path.display()
        ))?;
        return output.object(&sweep);
    }
    super::run::run(&arguments.recipe, Some(UNTIL_MODEL), progress, output)
}

fn for_people(prediction: &Prediction) -> String {
    let seconds = prediction.seconds.ceil() as u64;
    let time = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", prediction.seconds),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    };
    let memory = prediction.peak_memory_bytes;
    let memory = memory.map_or("not measured".to_owned(), |bytes| format!("{:.2} GB", bytes as f64 / 1e9));
    let mut text = format!(
        "time         {time}\npeak memory  {memory}\ntokens       {:.3e}\nparameters   {}\n",
        prediction.tokens, prediction.parameters
    );
    for (i, phase) in prediction.measured.phases.iter().enumerate() {
        let _ = writeln!(
            text,
            "phase {i}      {} steps of {:.1} ms and {:.0} tokens ({} measured)",
            phase.steps,
            phase.seconds_per_step * 1e3,
            phase.tokens_per_step,
            phase.measured_steps
        );
    }
    text
}
