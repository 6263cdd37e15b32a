//! What a run made, as a report that stands alone: `report.md` with its pictures, and one `report.html`.
//!
//! [`render`] is a function of [`ReportInput`] alone: it reads no file, no clock and no network, so that the same run
//! gives the same report. Every number it prints comes from a result, a metrics point or the lineage; it adds no score
//! of its own. [`scores`] and [`samples`] decide what is shown, [`page`] and [`markdown`] how. [`comparison`] is the same for what
//! `bantam eval compare` found, [`zoo`] for `bantam zoo`.

pub mod comparison;
mod curves;
mod html;
mod input;
mod intervals;
mod markdown;
mod numbers;
mod page;
mod samples;
mod scatter;
mod scores;
mod values;
pub mod zoo;
pub mod zoo_texts;

pub use input::{ArtifactFile, Evaluated, FactTable, ReportInput, TrainingPoint};

/// A rendered report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `report.md`. Refers to the pictures by their names below, relative to itself.
    pub markdown: String,
    /// `report.html`: one file without scripts or anything from outside.
    pub html: String,
    /// SVG files for the Markdown: path relative to `report.md`, content.
    pub pictures: Vec<(String, String)>,
}

/// Renders the report in all its forms.
pub fn render(input: &ReportInput) -> Report {
    let pictures = curves::pictures(input);
    Report { markdown: markdown::render(input, &pictures), html: page::render(input), pictures }
}
