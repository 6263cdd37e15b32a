//! What can be said to `bantam eval gate`?

use std::path::PathBuf;

use clap::Args;

/// `eval gate`.
#[derive(Args, Debug)]
pub struct GateArguments {
    /// The bars: TOML, a table [[gate]] for each.
    #[arg(value_name = "GATES.toml")]
    pub gates: PathBuf,
    /// Results to hold to them.
    #[arg(value_name = "RESULT.json", required = true)]
    pub results: Vec<PathBuf>,
}
