//! `bantam eval compare`: which of several systems is better, and how sure is that?

use std::path::PathBuf;

use bantam_core::{Error, Result, files};
use bantam_eval::compare::{Report, compare, read};
use bantam_site::comparison;
use serde::Serialize;

use crate::arguments::CompareArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Compared<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Markdown, JSON and HTML, where they were written.
    files: Vec<PathBuf>,
}

/// Reads, compares, writes, prints.
pub fn run(arguments: &CompareArguments, output: &Output) -> Result<()> {
    let report = compare(&read(&arguments.results, arguments.floors)?)?;
    let markdown = comparison::markdown(&report);
    let mut written = Vec::new();
    if let Some(dir) = &arguments.out {
        files::create_dir(dir)?;
        let json = serde_json::to_string_pretty(&report).map_err(|e| Error::internal("compare", e))? + "\n";
        let html = comparison::html(&report);
        for (end, content) in [("md", &markdown), ("json", &json), ("html", &html)] {
            let path = dir.join(format!("{}.{end}", report.file_stem()));
            files::write(&path, content.as_bytes())?;
            written.push(path);
        }
    }
    let named: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
    output.text(&format!("{markdown}{named}"))?;
    output.object(&Compared { report: &report, files: written })
}
