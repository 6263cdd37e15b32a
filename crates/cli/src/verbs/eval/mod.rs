//! Which code answers which suite of `bantam eval`?

mod asked;
mod audit;
mod baselines;
mod compare;
mod edge_funccall;
mod edge_intent;
mod edge_json;
mod gate;
mod perplexity;
mod speed;

use bantam_core::Result;
use bantam_core::progress::Progress;

use crate::arguments::EvalVerb;
use crate::output::Output;

/// Runs the suite that was chosen.
pub fn run(verb: &EvalVerb, progress: &dyn Progress, output: &Output) -> Result<()> {
    match verb {
        EvalVerb::EdgeJson(arguments) => edge_json::run(arguments, progress, output),
        EvalVerb::EdgeIntent(arguments) => edge_intent::run(arguments, progress, output),
        EvalVerb::Perplexity(arguments) => perplexity::run(arguments, progress, output),
        EvalVerb::Speed(arguments) => speed::run(arguments, progress, output),
        EvalVerb::Baselines(arguments) => baselines::run(arguments, progress, output),
        EvalVerb::EdgeFuncCall(arguments) => edge_funccall::run(arguments, progress, output),
        EvalVerb::Compare(arguments) => compare::run(arguments, output),
        EvalVerb::Audit(arguments) => audit::run(arguments, output),
        EvalVerb::Gate(arguments) => gate::run(arguments, output),
    }
}
