//! What a vector model is on disk: its shape, its tensors' names, and the folder that holds both.
//!
//! A vector model reads and writes vectors where a token model reads and writes tokens: the same blocks between other ports.
//! The folder is Bantam's own (`model_type` `bantam-vectors`); the blocks in it are described, and their tensors named, as in a
//! token model's.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Architecture, ModelConfig};
use crate::hf::safetensors;
use crate::tensor::{EMBEDDING, TensorSpec, check_to_write};
use crate::weights::MappedFile;

/// How vectors enter the blocks and how the blocks answer with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorPorts {
    /// In: an RMS norm and a linear map. Out: a linear map, added to the mean of the vectors seen so far.
    #[default]
    Residual,
    /// The same without the mean.
    Plain,
    /// In: a linear map of vectors from which a median was taken and which were divided by an interquartile range, component by
    /// component (the PreNet of Meta's Large Concept Model, arXiv 2412.08821). Out: a linear map and the same in reverse
    /// (PostNet).
    Concept,
    /// In: as `Concept`. Out: a second stack of blocks, the denoiser, draws the vector from noise (the same paper's two-tower diffusion).
    Diffusion,
}

impl VectorPorts {
    /// Whether vectors are normalized by medians and interquartile ranges.
    pub fn is_scaled(self) -> bool {
        matches!(self, Self::Concept | Self::Diffusion)
    }
}

/// A vector model's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorConfig {
    /// Components of a vector, those read and those written.
    pub vector_size: usize,
    /// Domain codes `0..domains` that condition the input; 0: none.
    pub domains: usize,
    /// The ports.
    pub ports: VectorPorts,
    /// Blocks of the denoiser; 0 where the ports have none.
    pub denoiser_layers: usize,
    /// The blocks. What it says of tokens does not count: its vocabulary is 1, and tied.
    pub blocks: ModelConfig,
}

/// `config.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    model_type: String,
    vector_size: usize,
    domains: usize,
    ports: VectorPorts,
    denoiser_layers: usize,
    blocks: Value,
}

/// The `model_type`.
const TYPE: &str = "bantam-vectors";
/// Largest vector and most domain codes.
const MOST: usize = 1 << 16;
/// Most layers of a denoiser.
const MOST_LAYERS: usize = 256;
/// Sines and cosines that a denoiser is told a step by.
pub const STEP_FEATURES: usize = 256;
/// Values that modulate a denoiser's block, for each of its width: shift, scale and gate of its three parts.
pub const MODULATIONS: usize = 9;
const REMEDY: &str = "give a folder that a recipe with [vectors] made";

impl VectorConfig {
    /// Checks that the sizes are possible. `place` names the file in the error.
    pub fn validate(&self, place: &str) -> Result<()> {
        let wrong = |key: &str, n: usize| {
            Err(Error::input(format!("{place}: {key}"), format!("{n} is impossible"), format!("stay within {MOST}")))
        };
        if self.vector_size == 0 || self.vector_size > MOST {
            return wrong("vector_size", self.vector_size);
        }
        if self.domains > MOST {
            return wrong("domains", self.domains);
        }
        let layers = self.denoiser_layers;
        if layers > MOST_LAYERS || (layers > 0) != (self.ports == VectorPorts::Diffusion) {
            let what = format!("{layers} layers of a denoiser with {:?} ports", self.ports);
            return Err(Error::input(
                format!("{place}: denoiser_layers"),
                what,
                "only diffusion ports have some, 1 to 256",
            ));
        }
        self.blocks.validate(place)?;
        if self.blocks.architecture != Architecture::Llama {
            let what = format!("blocks of {}", self.blocks.architecture.name());
            return Err(Error::input(
                format!("{place}: architecture"),
                what,
                "vector models have Llama's blocks, with any mixers",
            ));
        }
        let (width, heads) = (self.blocks.hidden_size, self.blocks.num_attention_heads);
        if layers > 0 && (!width.is_multiple_of(2 * heads) || self.blocks.intermediate_size == 0) {
            let what = format!("{heads} heads in a width of {width}");
            return Err(Error::input(
                format!("{place}: num_attention_heads"),
                what,
                "a denoiser needs heads of an even width",
            ));
        }
        Ok(())
    }

    /// Every tensor, in the order of the forward pass.
    pub fn tensor_specs(&self) -> Vec<TensorSpec> {
        let (size, width) = (self.vector_size, self.blocks.hidden_size);
        let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.to_owned(), shape: shape.to_vec() };
        let mut specs = match self.ports.is_scaled() {
            false => vec![spec("in_port.norm.weight", &[size])],
            true => vec![spec("in_port.scaler.median", &[size]), spec("in_port.scaler.spread", &[size])],
        };
        specs.extend([spec("in_port.projection.weight", &[width, size]), spec("in_port.projection.bias", &[width])]);
        if self.domains > 0 {
            specs
                .extend(["scale", "shift"].map(|part| spec(&format!("in_port.domain.{part}"), &[self.domains, width])));
        }
        specs.extend(self.blocks.tensor_specs().into_iter().filter(|s| s.name != EMBEDDING));
        if self.denoiser_layers > 0 {
            specs.push(spec("denoiser.context_norm.weight", &[width]));
            for (part, inputs) in [("input", size), ("first", STEP_FEATURES), ("second", width)] {
                let part = format!("denoiser.{part}");
                specs.extend([
                    spec(&format!("{part}.weight"), &[width, inputs]),
                    spec(&format!("{part}.bias"), &[width]),
                ]);
            }
        }
        for layer in 0..self.denoiser_layers {
            let at = |part: &str| format!("denoiser.blocks.{layer}.{part}");
            let (all, inner) = (MODULATIONS * width, self.blocks.intermediate_size);
            specs.extend([spec(&at("modulation.weight"), &[all, width]), spec(&at("modulation.bias"), &[all])]);
            for part in ["value_proj", "own_proj", "q_proj", "k_proj", "v_proj", "o_proj"] {
                specs.push(spec(&at(&format!("{part}.weight")), &[width, width]));
            }
            specs.extend(["gate_proj", "up_proj"].map(|p| spec(&at(&format!("{p}.weight")), &[inner, width])));
            specs.push(spec(&at("down_proj.weight"), &[width, inner]));
        }
        specs.extend([spec("out_port.projection.weight", &[size, width]), spec("out_port.projection.bias", &[size])]);
        specs
    }

    /// Number of parameters, those that are given and not learned included.
    pub fn parameter_count(&self) -> u64 {
        self.tensor_specs().iter().map(|s| s.shape.iter().map(|&d| d as u64).product::<u64>()).sum()
    }

    /// The text of its `config.json`.
    pub fn to_json(&self) -> Result<String> {
        let description = Description {
            model_type: TYPE.to_owned(),
            vector_size: self.vector_size,
            domains: self.domains,
            ports: self.ports,
            denoiser_layers: self.denoiser_layers,
            blocks: serde_json::from_str(&self.blocks.to_hf_json()?).map_err(|e| Error::internal("config.json", e))?,
        };
        let text = serde_json::to_string_pretty(&description).map_err(|e| Error::internal("config.json", e))?;
        Ok(text + "\n")
    }

    /// Reads the text of a `config.json`; `place` names the file in errors.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let read: Description = serde_json::from_str(text)
            .map_err(|e| Error::input(place, format_args!("not a vector model's config: {e}"), REMEDY))?;
        if read.model_type != TYPE {
            return Err(Error::input(place, format_args!("its model_type is not {TYPE}"), REMEDY));
        }
        let config = Self {
            vector_size: read.vector_size,
            domains: read.domains,
            ports: read.ports,
            denoiser_layers: read.denoiser_layers,
            blocks: ModelConfig::from_hf_json(&read.blocks.to_string(), &format!("{place}: blocks"))?,
        };
        config.validate(place)?;
        Ok(config)
    }

    /// Writes `config.json` and `model.safetensors` (f32). `tensors` are (name, shape, elements), exactly those of
    /// [`tensor_specs`](Self::tensor_specs), in any order. The folder appears whole or not at all.
    pub fn write_folder(&self, dir: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Result<()> {
        self.validate("model")?;
        check_to_write(self.tensor_specs(), tensors)?;
        let config = self.to_json()?;
        files::write_dir(dir, |dir| {
            files::write(&dir.join("config.json"), config.as_bytes())?;
            safetensors::write(&dir.join("model.safetensors"), tensors)
        })
    }

    /// Reads a folder, or a run folder's `model/`: the shape, and every tensor as f32.
    ///
    /// # Errors
    /// No such folder, a config that is none, tensors that are missing, of other shapes or more than the model's.
    #[allow(clippy::type_complexity)]
    pub fn read_folder(dir: &Path) -> Result<(Self, Vec<(String, Vec<usize>, Vec<f32>)>)> {
        let inner = dir.join("model");
        let dir = if inner.join("config.json").exists() { inner.as_path() } else { dir };
        let place = dir.join("config.json");
        let config = Self::from_json(&files::read_text(&place)?, &place.display().to_string())?;
        let path = dir.join("model.safetensors");
        let file = MappedFile::open(&path)?;
        let mut tensors = Vec::new();
        for found in safetensors::read_header(file.bytes(), &path)? {
            let mut values = vec![0f32; found.shape.iter().product()];
            found.dtype.dequantize(&file.bytes()[found.range], &mut values);
            tensors.push((found.name, found.shape, values));
        }
        let mut given: Vec<TensorSpec> =
            tensors.iter().map(|(name, shape, _)| TensorSpec { name: name.clone(), shape: shape.clone() }).collect();
        let mut wanted = config.tensor_specs();
        let by_name = |a: &TensorSpec, b: &TensorSpec| a.name.cmp(&b.name);
        given.sort_by(by_name);
        wanted.sort_by(by_name);
        match wanted.iter().zip(&given).find(|(a, b)| a != b) {
            Some((wanted, _)) => {
                let what = format!("{} is missing, of another shape, or stands beside unknown tensors", wanted.name);
                Err(Error::input(path.display(), what, REMEDY))
            }
            None if wanted.len() != given.len() => {
                Err(Error::input(path.display(), format!("{} tensors of {}", given.len(), wanted.len()), REMEDY))
            }
            None => Ok((config, tensors)),
        }
    }
}
