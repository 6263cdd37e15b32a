//! `bantam score`: how well a model predicts a text.

use std::path::Path;

use bantam_core::{Error, Result, files};
use bantam_formats::ModelArtifact;
use bantam_runtime::{Model, Score, ScoreOptions, score_text};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;

use super::{artifact_path, load_options};
use crate::arguments::ScoreArguments;
use crate::output::Output;

#[derive(Serialize)]
struct Scored {
    #[serde(flatten)]
    score: Score,
    artifact: String,
}

/// Loads, scores, prints.
pub fn run(arguments: &ScoreArguments, output: &Output) -> Result<()> {
    let text = files::read(&arguments.text_file)?;
    let artifact = ModelArtifact::open(&arguments.model)?;
    let tokenizer = artifact.tokenizer()?;
    let model = Model::load(&artifact, load_options(&arguments.load)?)?;
    let options = ScoreOptions::for_model(&model, arguments.context, arguments.stride)?;
    let mut logits = arguments.logits.as_ref().map(|_| Vec::new());
    let place = arguments.text_file.display().to_string();
    let score = score_text(&model, &tokenizer, &text, &place, options, logits.as_mut())?;
    if let (Some(path), Some(logits)) = (&arguments.logits, &logits) {
        write_logits(path, logits, score.tokens)?;
    }
    output.text(&format!(
        "{} tokens, {} bytes: {:.4} nats in all, perplexity {:.4}, {:.4} bits per byte (context {}, stride {})",
        score.tokens, score.bytes, score.nll, score.perplexity, score.bits_per_byte, score.context, score.stride,
    ))?;
    output.object(&Scored { score, artifact: artifact_path(&artifact) })
}

/// `logits`, f32 [tokens, vocabulary].
fn write_logits(path: &Path, logits: &[f32], tokens: usize) -> Result<()> {
    let bytes: Vec<u8> = logits.iter().flat_map(|l| l.to_le_bytes()).collect();
    let shape = vec![tokens, logits.len() / tokens.max(1)];
    let view = TensorView::new(Dtype::F32, shape, &bytes).map_err(|e| Error::internal("logits", e))?;
    let file = safetensors::serialize([("logits", view)], None).map_err(|e| Error::internal("logits", e))?;
    files::write(path, &file)
}
