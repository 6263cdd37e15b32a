//! `bantam eval gate`: do results clear their bars?

use bantam_core::{Error, Result};
use bantam_eval::gate::{Gates, Verdict};
use serde::Serialize;

use crate::arguments::GateArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Held<'a> {
    passed: bool,
    gates: &'a [Verdict],
}

/// Prints a line for each gate and result; an unmet one is a failed check.
pub fn run(arguments: &GateArguments, output: &Output) -> Result<()> {
    let place = arguments.gates.display().to_string();
    let verdicts = Gates::read(&arguments.gates)?.hold(&place, &arguments.results)?;
    let failed = verdicts.iter().filter(|v| !v.passed).count();
    output.text(&verdicts.iter().map(|v| v.line() + "\n").collect::<String>())?;
    output.object(&Held { passed: failed == 0, gates: &verdicts })?;
    if failed == 0 {
        return Ok(());
    }
    let what = format!("{failed} of {} gates not passed", verdicts.len());
    Err(Error::check(place, what, "the score may be too low or its interval too wide for the bar"))
}
