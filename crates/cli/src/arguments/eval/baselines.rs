//! What can be said to `eval baselines`.

use std::path::PathBuf;

use clap::Args;

/// `eval baselines`.
#[derive(Args, Debug)]
pub struct BaselinesArguments {
    /// The models and suites (TOML).
    #[arg(value_name = "LIST.toml")]
    pub list: PathBuf,
    /// The folder for the table, the results and what is unfinished.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}
