//! How does a model begin as a shallower one? By block expansion (Wu et al. 2024, "LLaMA Pro"): after each of the shallow model's
//! groups of blocks come copies of it whose projections back into the residual stream are zero, so that the deep model computes at first
//! exactly what the shallow one does.
//!
//! A group is one turn of the pattern of mixers. What the copies learn, and how they are trained, is not decided here.

use bantam_formats::{MixerConfig, ModelConfig};

/// What a layer of the deep model begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The layer of the shallow model.
    pub layer: usize,
    /// Whether it adds nothing to the residual stream yet.
    pub silent: bool,
}

/// The origin of each layer of `deep`, whose number of layers is a multiple of that of `shallow` (once, where nothing grows); none where it is
/// not, or where the mixers do not go together.
pub(crate) fn origins(shallow: &ModelConfig, deep: &ModelConfig) -> Option<Vec<Origin>> {
    let mixers = |config: &ModelConfig| -> Vec<MixerConfig> {
        (0..config.num_hidden_layers).map(|layer| config.mixer(layer)).collect()
    };
    let (from, to) = (mixers(shallow), mixers(deep));
    if from.is_empty() || !to.len().is_multiple_of(from.len()) {
        return None;
    }
    let times = to.len() / from.len();
    let turns =
        |group: &usize| from.len().is_multiple_of(*group) && from.chunks(*group).all(|turn| turn == &from[..*group]);
    let group = (1..=from.len()).find(turns)?;
    let origin = |layer: usize| {
        let (turn, place) = (layer / group, layer % group);
        Origin { layer: turn / times * group + place, silent: turn % times > 0 }
    };
    let origins: Vec<Origin> = (0..to.len()).map(origin).collect();
    origins.iter().zip(&to).all(|(origin, mixer)| from[origin.layer] == *mixer).then_some(origins)
}

/// Whether a model of `deep`'s layers and mixers can begin as one of `shallow`'s. Nothing else of the two is compared.
pub fn grows_into(shallow: &ModelConfig, deep: &ModelConfig) -> bool {
    origins(shallow, deep).is_some()
}

/// The layer in a tensor's name, and what stands after it.
pub(crate) fn layer_of(name: &str) -> Option<(usize, &str)> {
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    Some((layer.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_formats::Architecture;

    fn layers(mixers: &[&str], count: usize) -> ModelConfig {
        let plain = ModelConfig {
            architecture: Architecture::Llama,
            vocab_size: 16,
            hidden_size: 8,
            intermediate_size: 8,
            num_hidden_layers: count,
            num_attention_heads: 2,
            num_key_value_heads: 2,
            head_dim: 4,
            rms_norm_eps: 1e-5,
            rope_theta: 1e4,
            rope_scaling: None,
            tie_word_embeddings: true,
            max_position_embeddings: 8,
            attention_bias: false,
            bos_token_id: None,
            eos_token_ids: vec![],
            pad_token_id: None,
            mixers: vec![],
        };
        let mixers = mixers.iter().map(|name| MixerConfig::usual(name, &plain).unwrap()).collect();
        ModelConfig { mixers, ..plain }
    }

    #[test]
    fn copies_follow_each_turn_of_the_pattern() {
        let pattern = ["shortconv", "attention"];
        let origins = |from, to| -> Option<Vec<(usize, bool)>> {
            super::origins(&from, &to).map(|all| all.iter().map(|o| (o.layer, o.silent)).collect())
        };
        let six = || layers(&pattern, 6);
        let same: Vec<(usize, bool)> = (0..6).map(|layer| (layer, false)).collect();
        assert_eq!(origins(six(), six()), Some(same));
        let grown = [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5].into_iter().enumerate().map(|(i, layer)| (layer, i % 4 > 1));
        assert_eq!(origins(six(), layers(&pattern, 12)), Some(grown.collect()));
        assert_eq!(origins(six(), layers(&pattern, 8)), None);
        assert_eq!(origins(six(), layers(&["attention"], 12)), None);
        assert_eq!(origins(six(), layers(&["attention", "shortconv"], 6)), None);
        let written_out = ["shortconv", "attention", "shortconv", "attention", "shortconv", "attention"];
        assert_eq!(origins(layers(&written_out, 6), layers(&pattern, 12)), origins(six(), layers(&pattern, 12)));
        assert_eq!(origins(layers(&["attention"], 1), layers(&["attention"], 2)), Some(vec![(0, false), (0, true)]));
    }
}
