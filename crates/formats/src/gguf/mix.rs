//! Which number format each tensor of a packaged model gets: llama.cpp's file types, with its exceptions tensor by tensor.
//!
//! The rules are those of llama.cpp's `llama-quant.cpp` without importance matrix, for the architectures that Bantam writes; that the
//! outcome is the same is checked against llama.cpp itself (`tests/reference/gguf_mixes.py`).

use serde::{Deserialize, Serialize};

use crate::tensor::DType;

/// What a model is packaged as. Vectors (norms, biases), learned positions and what is no linear map in a mixer are always F32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum GgufType {
    /// 32-bit float.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    BF16,
    /// 8.5 bits a weight.
    Q8_0,
    /// 4.5 bits a weight; the output matrix in Q6_K.
    Q4_0,
    /// 5 bits a weight; the output matrix in Q6_K.
    Q4_1,
    /// 5.5 bits a weight; the output matrix in Q6_K.
    Q5_0,
    /// 6 bits a weight; the output matrix in Q6_K.
    Q5_1,
    /// Q4_K, with Q6_K for the output matrix and for v and down projections of some layers. About 4.9 bits a weight.
    Q4KM,
    /// Q5_K, with Q6_K for the same. About 5.7 bits a weight.
    Q5KM,
    /// 6.6 bits a weight.
    Q6K,
}

impl GgufType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q8_0,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q4KM,
        Self::Q5KM,
        Self::Q6K,
    ];

    /// The name in file names and on the command line, such as `q4_k_m`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
            Self::Q4_1 => "q4_1",
            Self::Q5_0 => "q5_0",
            Self::Q5_1 => "q5_1",
            Self::Q4KM => "q4_k_m",
            Self::Q5KM => "q5_k_m",
            Self::Q6K => "q6_k",
        }
    }

    /// The inverse of [`name`](Self::name), in either case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name().eq_ignore_ascii_case(name))
    }

    /// The number of `general.file_type`.
    pub(super) fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 7,
            Self::Q5_0 => 8,
            Self::Q5_1 => 9,
            Self::Q4KM => 15,
            Self::Q5KM => 17,
            Self::Q6K => 18,
            Self::BF16 => 32,
        }
    }

    /// What most matrices get.
    fn base(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::BF16 => DType::BF16,
            Self::Q8_0 => DType::Q8_0,
            Self::Q4_0 => DType::Q4_0,
            Self::Q4_1 => DType::Q4_1,
            Self::Q5_0 => DType::Q5_0,
            Self::Q5_1 => DType::Q5_1,
            Self::Q4KM => DType::Q4K,
            Self::Q5KM => DType::Q5K,
            Self::Q6K => DType::Q6K,
        }
    }

    /// The format of one tensor, by its GGUF name and its shape (outermost first). `tied`: the output matrix is the embedding.
    pub(super) fn dtype_for(self, gguf_name: &str, shape: &[usize], layers: usize, tied: bool) -> DType {
        let [_, row] = *shape else { return DType::F32 };
        if gguf_name == "position_embd.weight" {
            return DType::F32;
        }
        let base = self.base();
        if !base.is_blocks() {
            return base;
        }
        let is_output = gguf_name == "output.weight" || tied && gguf_name == "token_embd.weight";
        let mixed = matches!(self, Self::Q4KM | Self::Q5KM);
        let part = gguf_name.strip_prefix("blk.").and_then(|n| n.split_once('.'));
        let wanted = match part {
            _ if is_output && self == Self::Q8_0 => DType::Q8_0,
            _ if is_output && !row.is_multiple_of(base.block().0) => DType::Q8_0,
            _ if is_output => DType::Q6K,
            Some((layer, "attn_v.weight" | "attn_qkv.weight" | "ffn_down.weight")) if mixed => {
                let more = layer.parse().is_ok_and(|layer| gets_more_bits(layer, layers));
                if more { DType::Q6K } else { base }
            }
            _ => base,
        };
        fitting(wanted, row)
    }
}

impl From<GgufType> for &'static str {
    fn from(kind: GgufType) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for GgufType {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name).ok_or_else(|| format!("`{name}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// llama.cpp's choice of layers whose v (or fused q, k and v) and down projections are kept finer: the first and last eighth, and every third between.
fn gets_more_bits(layer: usize, layers: usize) -> bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
}

/// The format itself where rows of `row` values are whole blocks; else the next one with shorter blocks, or F16.
fn fitting(dtype: DType, row: usize) -> DType {
    if row.is_multiple_of(dtype.block().0) {
        return dtype;
    }
    let shorter = match dtype {
        DType::Q4K => DType::Q5_0,
        DType::Q5K => DType::Q5_1,
        DType::Q6K => DType::Q8_0,
        _ => DType::F16,
    };
    if row.is_multiple_of(shorter.block().0) { shorter } else { DType::F16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for kind in GgufType::ALL {
            assert_eq!(GgufType::from_name(&kind.name().to_uppercase()), Some(kind));
        }
        assert_eq!(GgufType::from_name("q4_k"), None);
    }

    #[test]
    fn every_tensor_gets_what_llama_cpp_gives_it() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../../tests/data/gguf_mixes.json")).unwrap();
        for (case, model) in golden.as_object().unwrap() {
            let layers = model["layers"].as_u64().unwrap() as usize;
            let tied = model["tied"].as_bool().unwrap();
            for (kind, types) in model["types"].as_object().unwrap() {
                let names_it =
                    |list: &serde_json::Value, name| list.as_array().is_some_and(|l| l.iter().any(|n| n == name));
                for (name, shape) in model["shapes"].as_object().unwrap() {
                    let types = types.as_object().unwrap();
                    let listed = types.iter().find(|(_, list)| names_it(list, name));
                    let expected = listed.or_else(|| types.iter().find(|(_, list)| *list == "others")).unwrap().0;
                    let shape: Vec<usize> =
                        shape.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
                    let ours = GgufType::from_name(kind).unwrap().dtype_for(name, &shape, layers, tied);
                    assert_eq!(ours.name(), expected, "{case} {kind} {name}");
                }
            }
        }
    }

    #[test]
    fn rows_that_are_no_whole_blocks_get_shorter_blocks() {
        let of = |kind: GgufType, name: &str, row| kind.dtype_for(name, &[8, row], 8, true);
        assert_eq!(of(GgufType::Q4KM, "blk.1.attn_q.weight", 512), DType::Q4K);
        assert_eq!(of(GgufType::Q4KM, "blk.1.attn_q.weight", 96), DType::Q5_0);
        assert_eq!(of(GgufType::Q5KM, "blk.1.attn_q.weight", 96), DType::Q5_1);
        assert_eq!(of(GgufType::Q4KM, "blk.0.attn_v.weight", 96), DType::Q8_0);
        assert_eq!(of(GgufType::Q4KM, "blk.1.attn_q.weight", 40), DType::F16);
        assert_eq!(of(GgufType::Q4_0, "token_embd.weight", 96), DType::Q8_0);
        assert_eq!(of(GgufType::Q4_0, "token_embd.weight", 40), DType::F16);
        assert_eq!(GgufType::Q4_0.dtype_for("blk.1.attn_q.bias", &[96], 8, true), DType::F32);
        assert_eq!(of(GgufType::Q4_0, "position_embd.weight", 96), DType::F32);
    }
}
