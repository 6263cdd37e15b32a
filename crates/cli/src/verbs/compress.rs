//! `bantam compress`: a model becomes a smaller one.

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use bantam_formats::gguf::{self, GgufSummary, GgufType, package};
use bantam_formats::{ArtifactKind, ModelArtifact};
use serde::Serialize;

use crate::arguments::{CompressVerb, PackArguments};
use crate::output::Output;

/// Runs the verb that was chosen.
pub fn run(verb: &CompressVerb, output: &Output) -> Result<()> {
    match verb {
        CompressVerb::Pack(arguments) => pack(arguments, output),
    }
}

#[derive(Serialize)]
struct Packed {
    out: PathBuf,
    to: Option<&'static str>,
    file_bytes: u64,
    source_bytes: u64,
    weights: usize,
    /// Bits of tensor data per weight, before any compression of the file.
    bits_per_weight: f64,
    /// Bits of the file per weight: metadata, vocabulary and compression included.
    file_bits_per_weight: f64,
    tensors: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    elements: usize,
    format: &'static str,
    bits_per_weight: f64,
}

fn pack(arguments: &PackArguments, output: &Output) -> Result<()> {
    let PackArguments { model, to, out, force } = arguments;
    if out.exists() && !force {
        return Err(Error::input(out.display(), "is there already", "choose another -o, or give --force"));
    }
    let plain = if package::is_package(out) { Path::new(out.file_stem().unwrap_or_default()) } else { out };
    if plain.extension().is_none_or(|e| e != "gguf") {
        return Err(Error::input(
            out.display(),
            "ends neither in .gguf nor in .gguf.zst",
            "name the file for its format",
        ));
    }
    let artifact = ModelArtifact::open(model)?;
    let summary = match to.as_deref() {
        Some(name) => {
            let Some(kind) = GgufType::from_name(name) else {
                let known = GgufType::ALL.map(GgufType::name).join(", ");
                return Err(Error::input(
                    "--to",
                    format!("`{name}` is not a file type"),
                    format!("give one of {known}"),
                ));
            };
            gguf::repackage(&artifact, out, kind)?
        }
        None if artifact.kind() == ArtifactKind::Gguf && package::is_package(out) => {
            compressed_as_it_is(&artifact, out)?
        }
        None => return Err(Error::input("--to", "missing", "say what to package as, such as --to q8_0")),
    };
    let weights: usize = summary.tensors.iter().map(|t| t.1).sum();
    let packed = Packed {
        out: out.clone(),
        to: to.as_deref().and_then(GgufType::from_name).map(GgufType::name),
        file_bytes: summary.file_bytes,
        source_bytes: artifact.bytes_on_disk(),
        weights,
        bits_per_weight: summary.bits_per_weight,
        file_bits_per_weight: 8.0 * summary.file_bytes as f64 / weights as f64,
        tensors: summary
            .tensors
            .into_iter()
            .map(|(name, elements, dtype)| Listed {
                name,
                elements,
                format: dtype.name(),
                bits_per_weight: dtype.bits_per_value(),
            })
            .collect(),
    };
    output.text(&told(&packed))?;
    output.object(&packed)
}

/// A GGUF put into a package byte by byte.
fn compressed_as_it_is(artifact: &ModelArtifact, out: &Path) -> Result<GgufSummary> {
    let bytes = files::read(artifact.path())?;
    let contents = gguf::parse(&bytes, &artifact.path().display().to_string())?;
    package::write(out, &bytes)?;
    let tensors: Vec<_> =
        contents.tensors.iter().map(|t| (t.name.clone(), t.shape.iter().product::<usize>(), t.dtype)).collect();
    let weights: usize = tensors.iter().map(|t| t.1).sum();
    let tensor_bytes: usize = contents.tensors.iter().map(|t| t.range.len()).sum();
    Ok(GgufSummary {
        tensors,
        file_bytes: std::fs::metadata(out).map_err(|e| Error::io(out, "read", &e))?.len(),
        bits_per_weight: 8.0 * tensor_bytes as f64 / weights as f64,
    })
}

fn told(packed: &Packed) -> String {
    let mut lines: Vec<String> = packed
        .tensors
        .iter()
        .map(|t| format!("{:32} {:>11} {:>5} {:7.4} bits a weight", t.name, t.elements, t.format, t.bits_per_weight))
        .collect();
    lines.push(format!(
        "{}: {:.3} MB from {:.3} MB, {} weights, {:.3} bits a weight ({:.3} with everything in the file)",
        packed.out.display(),
        packed.file_bytes as f64 / 1e6,
        packed.source_bytes as f64 / 1e6,
        packed.weights,
        packed.bits_per_weight,
        packed.file_bits_per_weight,
    ));
    lines.join("\n")
}
