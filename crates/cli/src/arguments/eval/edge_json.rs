//! What can be said to `eval edge-json`.

use std::path::PathBuf;

use clap::Args;

use super::AskedArguments;

/// `eval edge-json`.
#[derive(Args, Debug)]
pub struct EdgeJsonArguments {
    /// What answers, and where results go.
    #[command(flatten)]
    pub asked: AskedArguments,
    /// Items (JSONL).
    #[arg(long, value_name = "F.jsonl")]
    pub data: PathBuf,
    /// The folder with `<schema_id>.json` files.
    #[arg(long, value_name = "DIR")]
    pub schemas: PathBuf,
}
