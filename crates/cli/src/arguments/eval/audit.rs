//! What can be said to `bantam eval audit`?

use std::path::PathBuf;

use clap::Args;

/// `eval audit`.
#[derive(Args, Debug)]
pub struct AuditArguments {
    /// Items or intents: JSONL, a CLINC150 file (JSON) or a Banking77 file (CSV).
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Take only this split of DATA.
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
    /// What a model would be trained on.
    #[arg(long, value_name = "TRAIN")]
    pub train: Option<PathBuf>,
    /// Take only this split of TRAIN.
    #[arg(long, value_name = "NAME", requires = "train")]
    pub train_split: Option<String>,
    /// The folder with `<schema_id>.json` files of both.
    #[arg(long, value_name = "DIR")]
    pub schemas: Option<PathBuf>,
    /// Write the report as JSON.
    #[arg(long, value_name = "REPORT.json")]
    pub out: Option<PathBuf>,
}
