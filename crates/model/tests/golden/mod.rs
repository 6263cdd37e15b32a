//! Golden files of the mixers (`tests/reference/mixers.py`): read by the tests of the training code, and by those of the runtime.

use std::collections::HashMap;

use bantam_formats::MixerConfig;
use safetensors::SafeTensors;

/// A golden file.
pub struct Golden {
    /// The mixer, `rwkv7_first` being RWKV-7 in a model's first layer.
    pub name: String,
    /// Shapes and values by name.
    pub tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    sizes: HashMap<String, String>,
}

impl Golden {
    pub fn read(name: &str) -> Self {
        let path = format!("{}/../model/tests/data/mixers/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let sizes = metadata.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let values = |bytes: &[u8]| bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let tensors =
            file.tensors().into_iter().map(|(name, t)| (name, (t.shape().to_vec(), values(t.data())))).collect();
        Self { name: name.to_owned(), tensors, sizes }
    }

    pub fn values(&self, name: &str) -> &[f32] {
        &self.tensors.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.name)).1
    }

    pub fn dim(&self, parameter: &str, at: usize) -> usize {
        self.tensors[&format!("param.{parameter}")].0[at]
    }

    pub fn size(&self, key: &str) -> usize {
        self.sizes[key].parse().unwrap()
    }

    pub fn config(&self) -> MixerConfig {
        match self.name.as_str() {
            "lstm" => MixerConfig::Lstm { hidden_size: self.dim("weight_hh", 1) },
            "gru" => MixerConfig::Gru { hidden_size: self.dim("weight_hh_l0", 1), layers: 2 },
            "mamba2" => {
                let (inner_size, heads) = (self.dim("out_proj.weight", 1), self.dim("D", 0));
                let groups = self.size("groups");
                let state_size = (self.dim("conv1d.bias", 0) - inner_size) / 2 / groups;
                let conv_kernel = self.dim("conv1d.weight", 2);
                MixerConfig::Mamba2 { inner_size, head_dim: inner_size / heads, groups, state_size, conv_kernel }
            }
            "rwkv4" => MixerConfig::Rwkv4 { inner_size: self.dim("key.weight", 0) },
            "rwkv7" | "rwkv7_first" => {
                let first = self.name == "rwkv7_first";
                let rank = |letter: &str| self.dim(&format!("{letter}1"), 0);
                let ranks = [rank("w"), rank("a"), if first { 1 } else { rank("v") }, rank("g")];
                MixerConfig::Rwkv7 { head_dim: self.dim("r_k", 1), ranks, first }
            }
            "retnet" => MixerConfig::Retnet { heads: self.size("heads"), value_size: self.dim("v_proj.weight", 0) },
            "s4d" => MixerConfig::S4d { states: self.dim("A_imag", 1) },
            "hyena" => MixerConfig::Hyena {
                length: self.size("length"),
                filter_size: self.dim("filter.frequency", 0),
                features: self.dim("filter.in.weight", 1),
            },
            "performer" => MixerConfig::Performer { heads: self.size("heads"), features: self.dim("features", 0) },
            "linformer" => MixerConfig::Linformer {
                heads: self.size("heads"),
                length: self.size("length"),
                projected: self.dim("e_proj", 0),
            },
            "shortconv" => MixerConfig::Shortconv { kernel: self.dim("conv.weight", 2) },
            other => panic!("{other}"),
        }
    }
}

/// Swaps the two last of the dimensions `[outer, a, b]`.
pub fn turned(values: &[f32], a: usize, b: usize) -> Vec<f32> {
    let turn = |block: &[f32]| -> Vec<f32> { (0..a * b).map(|i| block[i % a * b + i / a]).collect() };
    values.chunks_exact(a * b).flat_map(turn).collect()
}
