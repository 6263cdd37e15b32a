//! Low-rank adapters as PEFT stores them: `adapter_config.json` beside `adapter_model.safetensors`, both ways.
//!
//! An adapter of a linear map is a pair: `A [rank, in]` and `B [out, rank]`; the adapted map is
//! `y = x W^T + scale * (x A^T) B^T` (Hu et al. 2021). The tensors of the map `M` are called
//! `base_model.model.M.lora_A.weight` and `base_model.model.M.lora_B.weight`.

mod config;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bantam_core::{Error, Result, files, hash};

use crate::config::{Architecture, ModelConfig};
use crate::hf::safetensors::{self, Place};
use crate::tensor::TensorData;

pub use config::{AdapterConfig, TargetModules};

/// File with the hyper-parameters.
pub const CONFIG_FILE: &str = "adapter_config.json";
/// File with the tensors.
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";
/// Bantam's own note beside them, which PEFT does not read: of which base weights the adapter was made.
pub const ORIGIN_FILE: &str = "bantam_adapter.json";

const PREFIX: &str = "base_model.model.";
const REMEDY: &str = "restore the adapter from its origin";

/// A linear map that can carry an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearModule {
    /// Hugging Face's name without `.weight`, such as `model.layers.0.self_attn.q_proj`.
    pub name: String,
    /// Width of the input.
    pub inputs: usize,
    /// Width of the output.
    pub outputs: usize,
}

impl ModelConfig {
    /// The linear maps inside the blocks, in the order of the forward pass: PEFT's "all-linear" (which leaves out the
    /// output matrix). None for GPT-2, whose adapters PEFT keeps otherwise.
    pub fn linear_modules(&self) -> Vec<LinearModule> {
        if self.architecture == Architecture::Gpt2 {
            return Vec::new();
        }
        let module = |spec: crate::TensorSpec| {
            let name = spec.name.strip_suffix("_proj.weight").map(|n| format!("{n}_proj"))?;
            Some(LinearModule { name, inputs: spec.shape[1], outputs: spec.shape[0] })
        };
        self.tensor_specs().into_iter().filter_map(module).collect()
    }
}

/// The pair of one linear map.
#[derive(Clone, Debug, PartialEq)]
pub struct LowRankPair {
    /// The map.
    pub module: LinearModule,
    /// `[rank, inputs]`, row-major.
    pub a: Vec<f32>,
    /// `[outputs, rank]`, row-major.
    pub b: Vec<f32>,
}

/// A LoRA adapter of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    /// Hyper-parameters.
    pub config: AdapterConfig,
    /// One pair for each adapted map, in the order of [`ModelConfig::linear_modules`].
    pub pairs: Vec<LowRankPair>,
    /// [`weights_hash`] of the base it was made on, where that is known.
    pub base_sha256: Option<String>,
}

/// The name of a pair's tensor in PEFT's file; `part` is `A` or `B`.
fn tensor_name(module: &str, part: &str) -> String {
    format!("{PREFIX}{module}.lora_{part}.weight")
}

impl Adapter {
    /// Reads an adapter's folder and checks it against the model that it is meant for.
    ///
    /// # Errors
    /// Input errors for anything that is missing, damaged, of another shape than the model's, not finite, or a method
    /// beyond plain LoRA on the linear maps of the blocks.
    pub fn read(dir: &Path, model: &ModelConfig) -> Result<Self> {
        let config_path = dir.join(CONFIG_FILE);
        let config = AdapterConfig::from_json(&files::read_text(&config_path)?, &config_path.display().to_string())?;
        let path = dir.join(WEIGHTS_FILE);
        if !path.exists() && dir.join("adapter_model.bin").exists() {
            let remedy = "save the adapter again with a current PEFT, which writes adapter_model.safetensors";
            return Err(Error::input(dir.join("adapter_model.bin").display(), "a pickle is not read", remedy));
        }
        let bytes = files::read(&path)?;
        let place = path.display().to_string();
        let mut tensors: HashMap<String, Place> = HashMap::new();
        for tensor in safetensors::read_header(&bytes, &path)? {
            tensors.insert(tensor.name.clone(), tensor);
        }
        let mut take = |module: &LinearModule, part: &str, shape: [usize; 2]| -> Result<Option<Vec<f32>>> {
            let name = tensor_name(&module.name, part);
            let Some(tensor) = tensors.remove(&name) else { return Ok(None) };
            let at = format!("{place}: {name}");
            if tensor.shape != shape {
                let what = format!("shape {:?} where rank and model ask for {shape:?}", tensor.shape);
                return Err(Error::input(at, what, "adapter and base model do not belong together"));
            }
            let data = TensorData { dtype: tensor.dtype, shape: tensor.shape, bytes: bytes[tensor.range].into() };
            let values = data.to_f32();
            match values.iter().find(|v| !v.is_finite()) {
                Some(bad) => Err(Error::input(at, format!("holds the value {bad}"), REMEDY)),
                None => Ok(Some(values)),
            }
        };
        let mut pairs = Vec::new();
        for module in model.linear_modules() {
            let a = take(&module, "A", [config.rank, module.inputs])?;
            let b = take(&module, "B", [module.outputs, config.rank])?;
            match (a, b) {
                (Some(a), Some(b)) if config.target_modules.matches(&module.name) => {
                    pairs.push(LowRankPair { module, a, b });
                }
                (None, None) if !config.target_modules.matches(&module.name) => {}
                (Some(_), Some(_)) => {
                    let what = format!("{} has an adapter and is not among target_modules", module.name);
                    return Err(Error::input(place, what, REMEDY));
                }
                (a, _) => {
                    let name = tensor_name(&module.name, if a.is_none() { "A" } else { "B" });
                    return Err(Error::input(format!("{place}: {name}"), "tensor missing", REMEDY));
                }
            }
        }
        if let Some(name) = tensors.keys().min() {
            return Err(Error::input(
                format!("{place}: {name}"),
                "a tensor that has no place in this model",
                "give the adapter's own base model; adapters of embeddings and output matrices are not supported",
            ));
        }
        if pairs.is_empty() {
            return Err(Error::input(place, "the adapter adapts nothing of this model", "check target_modules"));
        }
        let base_sha256 = read_origin(&dir.join(ORIGIN_FILE))?;
        Ok(Self { config, pairs, base_sha256 })
    }

    /// Writes the folder that PEFT's `PeftModel.from_pretrained` loads. It appears whole or not at all.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let mut tensors = Vec::new();
        for LowRankPair { module, a, b } in &self.pairs {
            if let Some(bad) = a.iter().chain(b).find(|v| !v.is_finite()) {
                return Err(Error::check(&module.name, format!("the adapter holds {bad}"), "lower the learning rate"));
            }
            tensors.push((tensor_name(&module.name, "A"), vec![self.config.rank, module.inputs], a.clone()));
            tensors.push((tensor_name(&module.name, "B"), vec![module.outputs, self.config.rank], b.clone()));
        }
        files::write_dir(dir, |dir| {
            files::write(&dir.join(CONFIG_FILE), self.config.to_json().as_bytes())?;
            if let Some(hash) = &self.base_sha256 {
                let note = serde_json::json!({ "base_sha256": hash });
                files::write(&dir.join(ORIGIN_FILE), format!("{note:#}\n").as_bytes())?;
            }
            safetensors::write(&dir.join(WEIGHTS_FILE), &tensors)
        })
    }

    /// SHA-256 over scale, names and values: two adapters with the same hash change a model alike.
    pub fn sha256(&self) -> String {
        let mut text = format!("{:?} {}\n", self.config.scale(), self.config.rank).into_bytes();
        for pair in &self.pairs {
            text.extend_from_slice(pair.module.name.as_bytes());
            text.extend_from_slice(&crate::tensor::f32_bytes(&pair.a));
            text.extend_from_slice(&crate::tensor::f32_bytes(&pair.b));
        }
        hash::bytes(&text)
    }
}

fn read_origin(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    let wrong = |what: String| Error::input(path.display(), what, REMEDY);
    let value: BTreeMap<String, String> =
        serde_json::from_slice(&files::read(path)?).map_err(|e| wrong(format!("not the expected JSON: {e}")))?;
    Ok(value.get("base_sha256").cloned())
}

/// SHA-256 of a model's weights as f32 under their names: the same for every number format that holds the same values.
pub fn weights_hash(model: &crate::ModelArtifact) -> Result<String> {
    let mut lines = String::new();
    for spec in model.config().tensor_specs() {
        let values = model.tensor(&spec.name)?.to_f32();
        lines += &format!("{} {:?} {}\n", spec.name, spec.shape, hash::bytes(&crate::tensor::f32_bytes(&values)));
    }
    Ok(hash::bytes(lines.as_bytes()))
}
