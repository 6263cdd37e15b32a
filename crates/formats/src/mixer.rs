//! Which mixers there are, their hyper-parameters, and the tensors each one has: `docs/mixers.md` in types.

use bantam_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::{Architecture, ModelConfig};

/// A mixer of one layer. Sizes are counts of elements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum MixerConfig {
    /// Causal softmax attention, by the sizes of the [model](crate::ModelConfig).
    Attention,
    /// Long short-term memory.
    Lstm {
        /// Width of the state.
        hidden_size: usize,
    },
    /// Gated recurrent units, stacked.
    Gru {
        /// Width of the state.
        hidden_size: usize,
        /// Units on top of each other.
        layers: usize,
    },
    /// Mamba-2.
    Mamba2 {
        /// Inner width; a multiple of `head_dim`.
        inner_size: usize,
        /// Width of a head.
        head_dim: usize,
        /// Groups of heads that share B and C; divides the heads.
        groups: usize,
        /// States for each inner value.
        state_size: usize,
        /// Positions that the convolution reaches.
        conv_kernel: usize,
    },
    /// RWKV-4's time mixing.
    Rwkv4 {
        /// Inner width.
        inner_size: usize,
    },
    /// RWKV-7's time mixing.
    Rwkv7 {
        /// Width of a head; divides the width of the model.
        head_dim: usize,
        /// Ranks of the maps that make decay, in-context learning rate, value residual and gate.
        ranks: [usize; 4],
        /// Whether it is the first of its kind in the model: it then has no value residual. Follows from its place
        /// ([`ModelConfig::mixer`](crate::ModelConfig::mixer)), and is not written.
        #[serde(skip)]
        first: bool,
    },
    /// Retention.
    Retnet {
        /// Heads; they divide the width of the model and `value_size`.
        heads: usize,
        /// Width of all values.
        value_size: usize,
    },
    /// A diagonal state space.
    S4d {
        /// Complex states of each channel, conjugate pairs counted once.
        states: usize,
    },
    /// Hyena of order two.
    Hyena {
        /// The longest length.
        length: usize,
        /// Width of the network that makes the filters.
        filter_size: usize,
        /// Features of a position; odd, 3 or more.
        features: usize,
    },
    /// FAVOR+ attention.
    Performer {
        /// Heads; they divide the width of the model.
        heads: usize,
        /// Random features of a head.
        features: usize,
    },
    /// Attention to projected positions; not causal.
    Linformer {
        /// Heads; they divide the width of the model.
        heads: usize,
        /// The only length.
        length: usize,
        /// Positions after the projection.
        projected: usize,
    },
    /// A gated short convolution.
    Shortconv {
        /// Positions that the convolution reaches.
        kernel: usize,
    },
}

/// Names of the mixers, as a recipe has them.
pub const NAMES: [&str; 12] = [
    "attention",
    "lstm",
    "gru",
    "mamba2",
    "rwkv4",
    "rwkv7",
    "retnet",
    "s4d",
    "hyena",
    "performer",
    "linformer",
    "shortconv",
];

impl MixerConfig {
    /// The mixer of this name with the sizes that are usual in a model of these sizes; `None` if there is no such mixer.
    pub fn usual(name: &str, model: &ModelConfig) -> Option<Self> {
        let (width, heads) = (model.hidden_size, model.num_attention_heads.max(1));
        // The widest usual head that divides.
        let head = |whole: usize| [64, 32, 16, 8, 4, 2].into_iter().find(|h| whole.is_multiple_of(*h)).unwrap_or(1);
        let narrow = (width / 8).max(8);
        Some(match name {
            "attention" => Self::Attention,
            "lstm" => Self::Lstm { hidden_size: width },
            "gru" => Self::Gru { hidden_size: width, layers: 1 },
            "mamba2" => Self::Mamba2 {
                inner_size: 2 * width,
                head_dim: head(2 * width).min(32),
                groups: 1,
                state_size: 64,
                conv_kernel: 4,
            },
            "rwkv4" => Self::Rwkv4 { inner_size: width },
            "rwkv7" => {
                // A whole RWKV-7 has its authors' heads of 64, which llama.cpp asks for.
                let widest = if model.architecture == Architecture::Rwkv7 { 64 } else { 32 };
                Self::Rwkv7 { head_dim: head(width).min(widest), ranks: [narrow; 4], first: false }
            }
            "retnet" => Self::Retnet { heads, value_size: 2 * width },
            "s4d" => Self::S4d { states: 32 },
            "hyena" => Self::Hyena { length: model.max_position_embeddings, filter_size: 64, features: 33 },
            "performer" => Self::Performer { heads, features: 4 * (width / heads) },
            "linformer" => Self::Linformer { heads, length: model.max_position_embeddings, projected: 64 },
            "shortconv" => Self::Shortconv { kernel: 3 },
            _ => return None,
        })
    }

    /// Its name in a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Lstm { .. } => "lstm",
            Self::Gru { .. } => "gru",
            Self::Mamba2 { .. } => "mamba2",
            Self::Rwkv4 { .. } => "rwkv4",
            Self::Rwkv7 { .. } => "rwkv7",
            Self::Retnet { .. } => "retnet",
            Self::S4d { .. } => "s4d",
            Self::Hyena { .. } => "hyena",
            Self::Performer { .. } => "performer",
            Self::Linformer { .. } => "linformer",
            Self::Shortconv { .. } => "shortconv",
        }
    }

    /// Whether the tensor of this name is the matrix of a linear map over the model's or the mixer's width, which packaging quantizes. Vectors,
    /// convolutions, the networks of filters and the narrow maps inside RWKV-7 are not.
    pub fn is_linear_map(name: &str) -> bool {
        let recurrent = name.starts_with("weight_ih") || name.starts_with("weight_hh");
        let other = name.ends_with(".weight") && !name.starts_with("filter.") && !name.starts_with("short_filter.");
        recurrent || other && !name.starts_with("conv") && !name.starts_with("norm.") && !name.starts_with("ln_x.")
    }

    /// Checks that the sizes are possible and fit a model of this width. `place` names the section in the error.
    ///
    /// # Errors
    /// A size of zero or beyond 2^26, heads that do not divide what they are to divide.
    pub fn validate(&self, width: usize, place: &str) -> Result<()> {
        const MOST: usize = 1 << 26;
        let wrong = |key: &str, what: String| {
            Err(Error::input(format!("{place}.{key}"), what, format!("see docs/mixers.md, {}", self.name())))
        };
        let sizes: Vec<(&str, usize)> = match *self {
            Self::Attention => vec![],
            Self::Lstm { hidden_size } => vec![("hidden_size", hidden_size)],
            Self::Gru { hidden_size, layers } => vec![("hidden_size", hidden_size), ("layers", layers)],
            Self::Mamba2 { inner_size, head_dim, groups, state_size, conv_kernel } => vec![
                ("inner_size", inner_size),
                ("head_dim", head_dim),
                ("groups", groups),
                ("state_size", state_size),
                ("conv_kernel", conv_kernel),
            ],
            Self::Rwkv4 { inner_size } => vec![("inner_size", inner_size)],
            Self::Rwkv7 { head_dim, ranks: [w, a, v, g], .. } => {
                vec![("head_dim", head_dim), ("ranks", w), ("ranks", a), ("ranks", v), ("ranks", g)]
            }
            Self::Retnet { heads, value_size } => vec![("heads", heads), ("value_size", value_size)],
            Self::S4d { states } => vec![("states", states)],
            Self::Hyena { length, filter_size, features } => {
                vec![("length", length), ("filter_size", filter_size), ("features", features)]
            }
            Self::Performer { heads, features } => vec![("heads", heads), ("features", features)],
            Self::Linformer { heads, length, projected } => {
                vec![("heads", heads), ("length", length), ("projected", projected)]
            }
            Self::Shortconv { kernel } => vec![("kernel", kernel)],
        };
        if let Some((key, size)) = sizes.iter().find(|(_, size)| !(1..=MOST).contains(size)) {
            return wrong(key, format!("{size} is not between 1 and {MOST}"));
        }
        let divides = |key: &str, part: usize, whole: usize, of: &str| {
            if whole.is_multiple_of(part) {
                Ok(())
            } else {
                wrong(key, format!("{part} does not divide {whole}, {of}"))
            }
        };
        match *self {
            Self::Mamba2 { inner_size, head_dim, groups, conv_kernel, .. } => {
                divides("head_dim", head_dim, inner_size, "inner_size")?;
                divides("groups", groups, inner_size / head_dim, "the heads")?;
                if conv_kernel < 2 {
                    return wrong("conv_kernel", "1 reaches no other position".into());
                }
            }
            Self::Shortconv { kernel: 1 } => return wrong("kernel", "1 reaches no other position".into()),
            Self::Rwkv7 { head_dim, .. } => divides("head_dim", head_dim, width, "the width")?,
            Self::Retnet { heads, value_size } => {
                divides("heads", 2 * heads, width, "the width (a head's width is even)")?;
                divides("heads", heads, value_size, "value_size")?;
            }
            Self::Hyena { length, features, .. } if features < 3 || features.is_multiple_of(2) || length < 2 => {
                return wrong("features", format!("{features} features of {length} positions"));
            }
            Self::Performer { heads, .. } | Self::Linformer { heads, .. } => {
                divides("heads", heads, width, "the width")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Its tensors in a model of this width, by their names within the mixer; none for attention, whose tensors the
    /// [model](crate::ModelConfig::tensor_specs) names.
    pub fn tensors(&self, width: usize) -> Vec<(String, Vec<usize>)> {
        let mut all = Vec::new();
        let mut add = |name: &str, shape: &[usize]| all.push((name.to_owned(), shape.to_vec()));
        let d = width;
        match *self {
            Self::Attention => {}
            Self::Lstm { hidden_size: h } => {
                add("weight_ih", &[4 * h, d]);
                add("weight_hh", &[4 * h, h]);
                add("bias_ih", &[4 * h]);
                add("bias_hh", &[4 * h]);
                add("out_proj.weight", &[d, h]);
            }
            Self::Gru { hidden_size: h, layers } => {
                for layer in 0..layers {
                    add(&format!("weight_ih_l{layer}"), &[3 * h, if layer == 0 { d } else { h }]);
                    add(&format!("weight_hh_l{layer}"), &[3 * h, h]);
                    add(&format!("bias_ih_l{layer}"), &[3 * h]);
                    add(&format!("bias_hh_l{layer}"), &[3 * h]);
                }
                add("out_proj.weight", &[d, h]);
            }
            Self::Mamba2 { inner_size: e, head_dim, groups, state_size, conv_kernel } => {
                let (heads, convolved) = (e / head_dim, e + 2 * groups * state_size);
                add("in_proj.weight", &[e + convolved + heads, d]);
                add("conv1d.weight", &[convolved, 1, conv_kernel]);
                add("conv1d.bias", &[convolved]);
                for name in ["dt_bias", "A_log", "D"] {
                    add(name, &[heads]);
                }
                add("norm.weight", &[e]);
                add("out_proj.weight", &[d, e]);
            }
            Self::Rwkv4 { inner_size: a } => {
                add("time_decay", &[a]);
                add("time_first", &[a]);
                for name in ["time_mix_key", "time_mix_value", "time_mix_receptance"] {
                    add(name, &[d]);
                }
                for name in ["key.weight", "value.weight", "receptance.weight"] {
                    add(name, &[a, d]);
                }
                add("output.weight", &[d, a]);
            }
            Self::Rwkv7 { head_dim, ranks: [w, a, v, g], first } => {
                for name in ["x_r", "x_w", "x_k", "x_v", "x_a", "x_g"] {
                    add(name, &[d]);
                }
                for (letter, rank) in [("w", w), ("a", a), ("v", v)].into_iter().filter(|&(l, _)| !(first && l == "v"))
                {
                    add(&format!("{letter}0"), &[d]);
                    add(&format!("{letter}1"), &[rank, d]);
                    add(&format!("{letter}2"), &[d, rank]);
                }
                add("g1", &[g, d]);
                add("g2", &[d, g]);
                add("k_k", &[d]);
                add("k_a", &[d]);
                add("r_k", &[d / head_dim, head_dim]);
                for name in ["receptance.weight", "key.weight", "value.weight", "output.weight"] {
                    add(name, &[d, d]);
                }
                add("ln_x.weight", &[d]);
                add("ln_x.bias", &[d]);
            }
            Self::Retnet { value_size: v, .. } => {
                add("q_proj.weight", &[d, d]);
                add("k_proj.weight", &[d, d]);
                add("v_proj.weight", &[v, d]);
                add("g_proj.weight", &[v, d]);
                add("out_proj.weight", &[d, v]);
            }
            Self::S4d { states } => {
                add("log_dt", &[d]);
                add("D", &[d]);
                add("log_A_real", &[d, states]);
                add("A_imag", &[d, states]);
                add("C", &[d, states, 2]);
                add("out_proj.weight", &[2 * d, d]);
                add("out_proj.bias", &[2 * d]);
            }
            Self::Hyena { filter_size: f, features, .. } => {
                add("in_proj.weight", &[3 * d, d]);
                add("in_proj.bias", &[3 * d]);
                add("short_filter.weight", &[3 * d, 1, 3]);
                add("short_filter.bias", &[3 * d]);
                add("filter.in.weight", &[f, features]);
                add("filter.in.bias", &[f]);
                add("filter.hidden.weight", &[f, f]);
                add("filter.hidden.bias", &[f]);
                add("filter.out.weight", &[d, f]);
                add("filter.frequency", &[f]);
                add("filter.decay", &[d]);
                add("bias", &[d]);
                add("out_proj.weight", &[d, d]);
                add("out_proj.bias", &[d]);
            }
            Self::Performer { heads, features } => {
                for name in ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"] {
                    add(name, &[d, d]);
                }
                add("features", &[features, d / heads]);
            }
            Self::Linformer { length, projected, .. } => {
                for name in ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"] {
                    add(name, &[d, d]);
                }
                add("e_proj", &[projected, length]);
                add("f_proj", &[projected, length]);
            }
            Self::Shortconv { kernel } => {
                add("in_proj.weight", &[3 * d, d]);
                add("conv.weight", &[d, 1, kernel]);
                add("out_proj.weight", &[d, d]);
            }
        }
        all
    }
}

/// A pattern of mixers as JSON gave it. `place` names where it stood, in errors.
///
/// # Errors
/// JSON that is no pattern, and one without a mixer.
pub(crate) fn pattern(read: serde_json::Result<Vec<MixerConfig>>, place: &str) -> Result<Vec<MixerConfig>> {
    let mixers = read.map_err(|e| Error::input(place, e, "see docs/mixers.md"))?;
    if mixers.is_empty() {
        return Err(Error::input(place, "an empty pattern", "name at least one mixer"));
    }
    Ok(mixers)
}

impl ModelConfig {
    /// The pattern of mixers as JSON.
    pub(crate) fn mixers_json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(&self.mixers).map_err(|e| Error::internal("formats::mixer", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<MixerConfig> {
        vec![
            MixerConfig::Attention,
            MixerConfig::Lstm { hidden_size: 24 },
            MixerConfig::Gru { hidden_size: 24, layers: 2 },
            MixerConfig::Mamba2 { inner_size: 32, head_dim: 8, groups: 2, state_size: 4, conv_kernel: 4 },
            MixerConfig::Rwkv4 { inner_size: 16 },
            MixerConfig::Rwkv7 { head_dim: 8, ranks: [2, 2, 2, 2], first: false },
            MixerConfig::Retnet { heads: 2, value_size: 32 },
            MixerConfig::S4d { states: 4 },
            MixerConfig::Hyena { length: 64, filter_size: 8, features: 5 },
            MixerConfig::Performer { heads: 2, features: 16 },
            MixerConfig::Linformer { heads: 2, length: 64, projected: 8 },
            MixerConfig::Shortconv { kernel: 3 },
        ]
    }

    #[test]
    fn every_mixer_is_written_and_read_under_its_name() {
        for (config, name) in examples().into_iter().zip(NAMES) {
            config.validate(16, "m").unwrap();
            let text = serde_json::to_string(&config).unwrap();
            assert!(text.contains(&format!(r#""type":"{name}""#)), "{text}");
            assert_eq!(serde_json::from_str::<MixerConfig>(&text).unwrap(), config);
            assert_eq!(config.tensors(16).is_empty(), name == "attention");
        }
    }

    #[test]
    fn what_is_no_linear_map_is_not_quantized() {
        for matrix in ["in_proj.weight", "weight_hh_l1", "key.weight"] {
            assert!(MixerConfig::is_linear_map(matrix), "{matrix}");
        }
        for kept in ["features", "w1", "A_imag", "r_k", "filter.hidden.weight", "conv1d.weight", "ln_x.weight"] {
            assert!(!MixerConfig::is_linear_map(kept), "{kept}");
        }
    }

    #[test]
    fn impossible_sizes_name_their_key() {
        let bad = [
            (MixerConfig::Lstm { hidden_size: 0 }, "hidden_size"),
            (MixerConfig::Gru { hidden_size: 8, layers: 1 << 40 }, "layers"),
            (MixerConfig::Mamba2 { inner_size: 30, head_dim: 8, groups: 1, state_size: 4, conv_kernel: 4 }, "head_dim"),
            (MixerConfig::Mamba2 { inner_size: 32, head_dim: 8, groups: 3, state_size: 4, conv_kernel: 4 }, "groups"),
            (MixerConfig::Rwkv7 { head_dim: 5, ranks: [1; 4], first: true }, "head_dim"),
            (MixerConfig::Retnet { heads: 16, value_size: 16 }, "heads"),
            (MixerConfig::Hyena { length: 64, filter_size: 8, features: 4 }, "features"),
            (MixerConfig::Performer { heads: 3, features: 8 }, "heads"),
            (MixerConfig::Shortconv { kernel: 1 }, "kernel"),
        ];
        for (config, key) in bad {
            let e = config.validate(16, "m").unwrap_err();
            assert!(e.to_string().starts_with(&format!("m.{key}")) && e.exit_code() == 2, "{e}");
        }
    }
}
