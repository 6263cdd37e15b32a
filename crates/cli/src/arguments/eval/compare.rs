//! What can be said to `bantam eval compare`?

use std::path::PathBuf;

use clap::Args;

/// `eval compare`.
#[derive(Args, Debug)]
pub struct CompareArguments {
    /// Results of one suite on the same data; each has its samples beside it.
    #[arg(value_name = "RESULT.json", required = true)]
    pub results: Vec<PathBuf>,
    /// Take the floors of the first result as systems too.
    #[arg(long)]
    pub floors: bool,
    /// The folder for the comparison as Markdown, JSON and HTML; without it, it is only printed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
