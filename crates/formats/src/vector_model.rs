//! What a vector model is on disk: its shape, its tensors' names, and the folder that holds both.
//!
//! A vector model reads and writes vectors where a token model reads and writes tokens: the same blocks between other ports.
//! The folder is Bantam's own (`model_type` `bantam-vectors`); the blocks in it are described, and their tensors named, as in a
//! token model's.

use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ModelConfig;
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
    blocks: Value,
}

/// The `model_type`.
const TYPE: &str = "bantam-vectors";
/// Largest vector and most domain codes.
const MOST: usize = 1 << 16;
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
        self.blocks.validate(place)
    }

    /// Every tensor, in the order of the forward pass.
    pub fn tensor_specs(&self) -> Vec<TensorSpec> {
        let (size, width) = (self.vector_size, self.blocks.hidden_size);
        let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.to_owned(), shape: shape.to_vec() };
        let mut specs = match self.ports {
            VectorPorts::Residual | VectorPorts::Plain => vec![spec("in_port.norm.weight", &[size])],
            VectorPorts::Concept => {
                vec![spec("in_port.scaler.median", &[size]), spec("in_port.scaler.spread", &[size])]
            }
        };
        specs.extend([spec("in_port.projection.weight", &[width, size]), spec("in_port.projection.bias", &[width])]);
        if self.domains > 0 {
            specs
                .extend(["scale", "shift"].map(|part| spec(&format!("in_port.domain.{part}"), &[self.domains, width])));
        }
        specs.extend(self.blocks.tensor_specs().into_iter().filter(|s| s.name != EMBEDDING));
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
