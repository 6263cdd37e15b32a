//! What can be said to `bantam eval`: one file for each suite.

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

use clap::Subcommand;

pub use asked::AskedArguments;
pub use audit::AuditArguments;
pub use baselines::BaselinesArguments;
pub use compare::CompareArguments;
pub use edge_funccall::{EdgeFuncCallArguments, SyntaxChoice};
pub use edge_intent::EdgeIntentArguments;
pub use edge_json::{EdgeJsonArguments, ToldArgument};
pub use gate::GateArguments;
pub use perplexity::PerplexityArguments;
pub use speed::{EnergyArgument, SpeedArguments};

/// What `eval` can do.
#[derive(Debug, Subcommand)]
pub enum EvalVerb {
    /// Extraction of a JSON object from text, by JSON Schema.
    EdgeJson(Box<EdgeJsonArguments>),
    /// Intents of texts: CLINC150, Banking77 or a file with a taxonomy.
    EdgeIntent(Box<EdgeIntentArguments>),
    /// Bits per byte of texts; choices and answers of published problems.
    Perplexity(PerplexityArguments),
    /// How fast a model answers items of edge-json, and what an answer costs.
    Speed(SpeedArguments),
    /// A list of models on a list of suites, as one table.
    Baselines(BaselinesArguments),
    /// Function calls: BFCL's single-turn categories, or the device set.
    #[command(name = "edge-funccall")]
    EdgeFuncCall(EdgeFuncCallArguments),
    /// Which of several systems is better on the same items, and how sure is that?
    Compare(CompareArguments),
    /// What is wrong with a data set before anything is measured on it?
    Audit(AuditArguments),
    /// Do results clear their bars? Exit code 1 when a bound of an interval does not.
    Gate(GateArguments),
}
