//! What can be said to `eval edge-funccall`.

use std::path::PathBuf;

use bantam_eval::function_call::suite::Syntax;
use clap::{ArgGroup, Args, ValueEnum};

use super::AskedArguments;

/// `eval edge-funccall`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("set").required(true))]
pub struct EdgeFuncCallArguments {
    /// What answers, and where results go.
    #[command(flatten)]
    pub asked: AskedArguments,
    /// A BFCL file of a single-turn category, or the folder of all of them, `possible_answer/` beside the files.
    #[arg(long, value_name = "PATH", group = "set")]
    pub bfcl: Option<PathBuf>,
    /// Items of the device set (JSONL).
    #[arg(long, value_name = "F.jsonl", group = "set", requires = "schemas")]
    pub data: Option<PathBuf>,
    /// The folder with the schema of each set of functions offered.
    #[arg(long, value_name = "DIR", requires = "data")]
    pub schemas: Option<PathBuf>,
    /// How calls are written.
    #[arg(long, value_enum, default_value_t = SyntaxChoice::Json)]
    pub syntax: SyntaxChoice,
    /// BFCL: functions are called with `_` for each dot of their names, as some endpoints demand.
    #[arg(long, requires = "bfcl")]
    pub dots_as_underscores: bool,
}

/// Ways to write calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SyntaxChoice {
    /// [{"name": "f", "arguments": {"a": 1}}]
    Json,
    /// [f(a=1)]
    Python,
}

impl SyntaxChoice {
    /// The suite's.
    pub fn syntax(self) -> Syntax {
        match self {
            Self::Json => Syntax::Json,
            Self::Python => Syntax::Python,
        }
    }
}
