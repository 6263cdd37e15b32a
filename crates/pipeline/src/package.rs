//! How do trained weights become a model that others load?

use std::path::PathBuf;

use bantam_core::{Error, Result};
use bantam_formats::gguf::{self, GgufSummary};
use bantam_formats::{ModelConfig, TokenizerBundle, hf};

use crate::recipe::Recipe;
use crate::stage::{Output, StageContext};
use crate::tokenizer;

/// What the training ended with, ready for the writers.
struct Trained {
    config: ModelConfig,
    weights: Vec<(String, Vec<usize>, Vec<f32>)>,
    tokenizer: TokenizerBundle,
}

impl Trained {
    fn read(recipe: &Recipe, context: &StageContext<'_>) -> Result<Self> {
        let weights = bantam_train::final_weights(&context.run.checkpoints())?;
        let vocab_size = tokenizer::read(&context.run.tokenizer())?.vocab_size();
        Ok(Self {
            config: recipe.model_config(vocab_size)?,
            weights: weights.ok_or_else(|| Error::internal("package", "training left no checkpoint"))?,
            tokenizer: tokenizer::read_bundle(&context.run.tokenizer(), &recipe.tokenizer)?,
        })
    }
}

/// Writes `model/`.
pub(crate) fn folder(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let trained = Trained::read(recipe, context)?;
    context.progress.start("package", None);
    hf::write_folder(&context.run.model(), &trained.config, &trained.weights, Some(&trained.tokenizer))?;
    context.progress.finish(&format!("model/, {} parameters", trained.config.parameter_count()));
    Ok(vec![Output::Content("model".into())])
}

/// Writes the GGUF files.
pub(crate) fn gguf_files(recipe: &Recipe, context: &StageContext<'_>) -> Result<Vec<Output>> {
    let trained = Trained::read(recipe, context)?;
    context.progress.start("gguf", None);
    let (mut outputs, mut told) = (Vec::new(), Vec::new());
    for &tensor_type in &recipe.package.gguf {
        let path = context.run.gguf(tensor_type.name());
        let written: GgufSummary =
            gguf::write_model(&path, &trained.config, &trained.weights, Some(&trained.tokenizer), tensor_type)?;
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let size = written.file_bytes as f64 / 1e6;
        told.push(format!("{} {size:.2} MB ({:.2} bits a weight)", name.display(), written.bits_per_weight));
        outputs.push(Output::Content(name));
    }
    context.progress.finish(&told.join(", "));
    Ok(outputs)
}
