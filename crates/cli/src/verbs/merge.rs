//! `bantam merge`: a model and its adapter become one model.

use std::path::PathBuf;

use bantam_core::Result;
use bantam_pipeline::merge::{self, Merged};
use serde::Serialize;

use crate::arguments::MergeArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Done {
    out: PathBuf,
    #[serde(flatten)]
    merged: Merged,
}

/// Merges, checks and writes.
pub fn run(arguments: &MergeArguments, output: &Output) -> Result<()> {
    let merged = merge::merge(&arguments.base, &arguments.adapter, &arguments.out)?;
    output.text(&format!(
        "{}: {} matrices changed\non {} random tokens adapted and merged logits differ by at most {:.1e} of the largest \
         (allowed {:.0e})",
        arguments.out.display(),
        merged.matrices,
        merged.probe_tokens,
        merged.difference,
        merged.tolerance,
    ))?;
    output.object(&Done { out: arguments.out.clone(), merged })
}
