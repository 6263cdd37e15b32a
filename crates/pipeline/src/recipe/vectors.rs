//! `[vectors]`: which documents of vectors a vector model is trained on, and how it reads, writes and is judged.

use std::path::PathBuf;

use bantam_core::{Error, Result};
use bantam_formats::{VectorConfig, VectorPorts};
use bantam_train::{LossKind, TrainConfig, VectorLoss};
use serde::{Deserialize, Serialize};

use super::{ModelSection, Recipe, RunSection};

/// `[vectors]`. With this section a recipe trains a model that predicts the next vector of a document; its blocks are `[model]`'s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VectorSection {
    /// A safetensors file: `vectors` `[N, size]`, `documents` `[N]`, perhaps `domains` `[N]`.
    pub file: PathBuf,
    /// How vectors enter the blocks and leave them.
    pub ports: VectorPorts,
    /// Blocks of the denoiser, where the ports are `diffusion`.
    pub denoiser_layers: usize,
    /// Most vectors of a window.
    pub window: usize,
    /// Share of the documents that is validated on.
    pub validation: f64,
    /// Share of the documents that is scored on.
    pub test: f64,
    /// What is minimized.
    pub loss: LossKind,
    /// InfoNCE's temperature.
    pub temperature: f64,
    /// InfoNCE's negatives beside the batch's own targets, drawn from the training documents for every batch.
    pub negatives: usize,
    /// Whether the file's domain codes condition the input.
    pub domains: bool,
}

/// A recipe with `[vectors]` as it is written out: the sections that count.
#[derive(Serialize)]
pub(super) struct VectorRecipe<'a> {
    pub(super) run: &'a RunSection,
    pub(super) model: &'a ModelSection,
    pub(super) train: &'a TrainConfig,
    pub(super) vectors: &'a VectorSection,
}

impl Default for VectorSection {
    fn default() -> Self {
        let usual = VectorLoss::of(LossKind::Squared);
        Self {
            file: PathBuf::new(),
            ports: VectorPorts::Residual,
            denoiser_layers: 4,
            window: 64,
            validation: 0.1,
            test: 0.1,
            loss: usual.kind,
            temperature: usual.temperature,
            negatives: usual.negatives,
            domains: false,
        }
    }
}

/// Most negatives of a batch.
const MOST_NEGATIVES: usize = 1 << 16;

impl VectorSection {
    /// Values that are of the right type and impossible; errors name their key as `vectors.window`.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |key: &str, what: String, remedy: &str| Err(Error::input(format!("vectors.{key}"), what, remedy));
        if self.file.as_os_str().is_empty() {
            return wrong("file", "there is none".into(), "give the safetensors file with the vectors");
        }
        if !(2..=1 << 16).contains(&self.window) {
            return wrong("window", format!("{} vectors", self.window), "give 2 to 65536; usual are 16 to 256");
        }
        for (key, share) in [("validation", self.validation), ("test", self.test)] {
            if !(share > 0.0 && share < 1.0) {
                return wrong(key, format!("{share} is no share"), "give more than 0 and less than 1");
            }
        }
        if self.negatives > MOST_NEGATIVES {
            return wrong("negatives", format!("{} a batch", self.negatives), "usual are 0 to 1000");
        }
        if self.negatives > 0 && self.loss != LossKind::InfoNce {
            return wrong("negatives", "only infonce has negatives".into(), "set vectors.loss = \"infonce\"");
        }
        if (self.loss == LossKind::Diffusion) != (self.ports == VectorPorts::Diffusion) {
            let what = "diffusion ports and the diffusion loss belong together".into();
            return wrong("loss", what, "give both or none");
        }
        self.loss(0).validate("vectors")
    }

    /// The objective, over a file whose first `trained` vectors are trained on.
    pub fn loss(&self, trained: usize) -> VectorLoss {
        VectorLoss { kind: self.loss, temperature: self.temperature, negatives: self.negatives, of: trained }
    }

    /// The shape of the recipe's model for vectors of `size` components with codes below `domains`.
    ///
    /// # Errors
    /// A mixer that there is not.
    pub fn model_config(&self, recipe: &Recipe, size: usize, domains: usize) -> Result<VectorConfig> {
        let model =
            ModelSection { max_position_embeddings: self.window, tie_word_embeddings: true, ..recipe.model.clone() };
        let mut blocks = Recipe { model, ..recipe.clone() }.model_config(1)?;
        (blocks.eos_token_ids, blocks.pad_token_id) = (Vec::new(), None);
        let denoiser_layers = if self.ports == VectorPorts::Diffusion { self.denoiser_layers } else { 0 };
        Ok(VectorConfig { vector_size: size, domains, ports: self.ports, denoiser_layers, blocks })
    }
}
