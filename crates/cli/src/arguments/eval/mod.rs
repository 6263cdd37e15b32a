//! What can be said to `bantam eval`: one file for each suite.

mod asked;
mod compare;
mod edge_funccall;
mod edge_json;
mod gate;

use clap::Subcommand;

pub use asked::AskedArguments;
pub use compare::CompareArguments;
pub use edge_funccall::{EdgeFuncCallArguments, SyntaxChoice};
pub use edge_json::EdgeJsonArguments;
pub use gate::GateArguments;

/// What `eval` can do.
#[derive(Debug, Subcommand)]
pub enum EvalVerb {
    /// Extraction of a JSON object from text, by JSON Schema.
    EdgeJson(EdgeJsonArguments),
    /// Function calls: BFCL's single-turn categories, or the device set.
    #[command(name = "edge-funccall")]
    EdgeFuncCall(EdgeFuncCallArguments),
    /// Which of several systems is better on the same items, and how sure is that?
    Compare(CompareArguments),
    /// Do results clear their bars? Exit code 1 when a bound of an interval does not.
    Gate(GateArguments),
}
