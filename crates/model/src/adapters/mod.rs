//! Adapters of a token model: attach, start, read back, merge; and the frozen base held in 4 bits.
//!
//! Attach before training: `Start::Model` of the crate `train` takes a model whose adapters are in place, and
//! [`parameter_names`] says what is trained. Dropout is not applied, whatever an adapter's config says.

mod frozen;
mod low_rank;

use std::collections::{BTreeSet, HashMap};

use bantam_core::{Error, Result, hash, seed};
use bantam_formats::peft::{Adapter, AdapterConfig, LowRankPair};
use bantam_formats::{ModelArtifact, ModelConfig};
use burn::tensor::Device;
use rand::RngExt;

pub use frozen::{FrozenMatrix, frozen_linear};
pub use low_rank::LowRank;

use crate::token_model::TokenModel;
use crate::weights::{self, NamedTensor};

/// An adapter as training starts with it: `A` uniform in `±1 / sqrt(inputs)` (Kaiming's rule with a = sqrt(5), as PEFT
/// does), each from its own stream of `seed`, and `B` zero, so that the adapted model first computes what its base does.
///
/// # Errors
/// If the model has none of the modules that the config names, or is of an architecture that adapters are not put on.
pub fn start(model: &ModelConfig, config: &AdapterConfig, seed: u64) -> Result<Adapter> {
    let pair = |module: bantam_formats::peft::LinearModule| {
        let bound = 1.0 / (module.inputs as f32).sqrt();
        let mut rng = seed::rng(seed, &format!("adapter/{}", module.name));
        let a = (0..config.rank * module.inputs).map(|_| rng.random_range(-bound..bound)).collect();
        LowRankPair { a, b: vec![0.0; module.outputs * config.rank], module }
    };
    if model.linear_modules().is_empty() {
        let what = format!("adapters are not put on {} models", model.architecture.name());
        return Err(Error::input("finetune.method", what, "choose full"));
    }
    let wanted = |m: &bantam_formats::peft::LinearModule| config.target_modules.matches(&m.name);
    let pairs: Vec<LowRankPair> = model.linear_modules().into_iter().filter(wanted).map(pair).collect();
    if pairs.is_empty() {
        return Err(Error::input(
            "target_modules",
            "no linear map of the model has such a name",
            "name some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or give \"all-linear\"",
        ));
    }
    Ok(Adapter { config: config.clone(), pairs, base_sha256: None })
}

/// Puts an adapter's pairs on a model's linear maps; they replace those that are there.
pub fn attach(mut model: TokenModel, adapter: &Adapter, device: &Device) -> Result<TokenModel> {
    let mut pairs: HashMap<&str, &LowRankPair> = adapter.pairs.iter().map(|p| (p.module.name.as_str(), p)).collect();
    for (name, linear) in model.linears_mut() {
        if let Some(pair) = pairs.remove(name.as_str()) {
            if linear.shape() != [pair.module.outputs, pair.module.inputs] {
                return Err(Error::internal("adapters", format!("{name} has another shape than its adapter")));
            }
            linear.adapter = Some(LowRank::new(pair, adapter.config.rank, adapter.config.scale(), device));
        }
    }
    match pairs.keys().min() {
        Some(name) => Err(Error::internal("adapters", format!("the model has no {name}"))),
        None => Ok(model),
    }
}

/// The parameters of all attached adapters: what is trained.
pub fn parameter_names(model: &TokenModel) -> BTreeSet<String> {
    weights::names(model).into_iter().filter(|n| is_adapter(n)).collect()
}

fn is_adapter(name: &str) -> bool {
    name.ends_with(".lora_A.weight") || name.ends_with(".lora_B.weight")
}

/// The attached adapters as they are now, under the config they were attached with.
pub fn read(model: &TokenModel, config: &ModelConfig, adapter: &AdapterConfig) -> Result<Adapter> {
    from_tensors(weights::read_some(model, is_adapter), config, adapter)
}

/// An adapter from its parameters by name, as checkpoints hold them.
pub fn from_tensors(tensors: Vec<NamedTensor>, config: &ModelConfig, adapter: &AdapterConfig) -> Result<Adapter> {
    let mut by_name: HashMap<String, Vec<f32>> = tensors.into_iter().map(|(name, _, values)| (name, values)).collect();
    let mut pairs = Vec::new();
    for module in config.linear_modules() {
        let mut take = |part, n: usize| {
            let values = by_name.remove(&format!("{}.lora_{part}.weight", module.name));
            values.filter(|v| v.len() == n * adapter.rank)
        };
        if let (Some(a), Some(b)) = (take("A", module.inputs), take("B", module.outputs)) {
            pairs.push(LowRankPair { module, a, b });
        }
    }
    if pairs.is_empty() {
        return Err(Error::internal("adapters", "there is no adapter among the parameters"));
    }
    Ok(Adapter { config: adapter.clone(), pairs, base_sha256: None })
}

/// Adds an adapter to the weights it was made for, in f32: `W + scale * B A`.
pub fn merge(weights: &mut [NamedTensor], adapter: &Adapter) -> Result<()> {
    let mut by_name: HashMap<&str, (&[usize], &mut Vec<f32>)> =
        weights.iter_mut().map(|(name, shape, values)| (name.as_str(), (shape.as_slice(), values))).collect();
    let (rank, scale) = (adapter.config.rank, adapter.config.scale());
    for LowRankPair { module, a, b } in &adapter.pairs {
        let name = format!("{}.weight", module.name);
        let Some((shape, values)) = by_name.get_mut(name.as_str()) else {
            return Err(Error::internal("adapters::merge", format!("no tensor {name}")));
        };
        if *shape != [module.outputs, module.inputs] {
            return Err(Error::internal("adapters::merge", format!("{name} has shape {shape:?}")));
        }
        for (row, b) in values.chunks_exact_mut(module.inputs).zip(b.chunks_exact(rank)) {
            for (column, value) in row.iter_mut().enumerate() {
                let product: f32 = b.iter().enumerate().map(|(k, b)| b * a[k * module.inputs + column]).sum();
                *value += product * scale;
            }
        }
    }
    Ok(())
}

/// Reads an artifact with the linear maps of its blocks frozen in 4-bit NF4 with double quantization; embeddings, norms,
/// biases and the output matrix stay f32. One matrix at a time is in memory as f32.
pub fn load_quantized(artifact: &ModelArtifact, device: &Device) -> Result<TokenModel> {
    let config = artifact.config();
    let mut model = TokenModel::new(config, device);
    for (name, linear) in model.linears_mut() {
        let values = artifact.tensor(&format!("{name}.weight"))?.to_f32();
        linear.freeze(FrozenMatrix::quantize(&values, linear.shape()), device);
    }
    let held: BTreeSet<String> = weights::names(&model).into_iter().collect();
    let mut tensors = Vec::new();
    for spec in config.tensor_specs().into_iter().filter(|s| held.contains(&s.name)) {
        let values = artifact.tensor(&spec.name)?.to_f32();
        tensors.push((spec.name, spec.shape, values));
    }
    weights::load(model, tensors, &artifact.path().display().to_string())
}

/// Bytes of all matrices held in 4 bits.
pub fn frozen_bytes(model: &TokenModel) -> usize {
    // A clone shares the tensors.
    model.clone().linears_mut().iter().filter_map(|(_, linear)| linear.frozen()).map(FrozenMatrix::bytes).sum()
}

/// A hash of the matrices held in 4 bits, which [`weights::read`] does not give; `None` where there are none.
pub fn frozen_hash(model: &TokenModel) -> Option<String> {
    let mut lines = String::new();
    for (name, linear) in model.clone().linears_mut() {
        if let Some(matrix) = linear.frozen() {
            let bytes: Vec<u8> = matrix.to_f32().iter().flat_map(|v| v.to_le_bytes()).collect();
            lines += &format!("{name} {}\n", hash::bytes(&bytes));
        }
    }
    (!lines.is_empty()).then(|| hash::bytes(lines.as_bytes()))
}
