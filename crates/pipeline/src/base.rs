//! Where is the model that a recipe names? A path, or a name of the Hugging Face hub whose files are in the local cache or,
//! with the cargo feature `hub`, are downloaded into it.

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result};
use bantam_formats::{MixerConfig, ModelArtifact, ModelConfig};
use bantam_model::growth;

use crate::hub_cache::{HubCache, HubName};
use crate::recipe::Recipe;

/// The model that the recipe's training starts from, of the recipe's shape or [growing](growth) into it; none where it starts from random weights.
///
/// # Errors
/// A model that is not there, cannot be trained, or has another shape than the recipe.
pub(crate) fn started_from(recipe: &Recipe, progress: &dyn Progress) -> Result<Option<ModelArtifact>> {
    let Some(name) = &recipe.model.start else { return Ok(None) };
    let artifact = ModelArtifact::open_to_train(locate(name, progress)?)?;
    let wanted = by_layer(recipe.model_config(artifact.config().vocab_size)?);
    let mut found = by_layer(artifact.config().clone());
    if !found.mixers.contains(&MixerConfig::Attention) {
        // Nothing of attention is written with such a model.
        found = ModelConfig {
            num_attention_heads: wanted.num_attention_heads,
            num_key_value_heads: wanted.num_key_value_heads,
            head_dim: wanted.head_dim,
            rope_theta: wanted.rope_theta,
            max_position_embeddings: wanted.max_position_embeddings,
            ..found
        };
    }
    if !wanted.architecture.learns_positions() {
        // Positions that are computed go as far as one likes; what lies beyond the old end is learned from here on.
        found.max_position_embeddings = found.max_position_embeddings.max(wanted.max_position_embeddings);
    }
    if growth::grows_into(&found, &wanted) {
        (found.num_hidden_layers, found.mixers) = (wanted.num_hidden_layers, wanted.mixers.clone());
    }
    if found != wanted {
        let (found, wanted) = (format!("{found:#?}"), format!("{wanted:#?}"));
        let differs = found.lines().zip(wanted.lines()).find(|(a, b)| a != b);
        let (found, wanted) = differs.map_or(("", ""), |(a, b)| (a.trim(), b.trim()));
        let what = format!("{name} has `{found}`, the recipe `{wanted}`");
        return Err(Error::input(
            "model.start",
            what,
            "give [model] the shape of the model to start from, or its layers several times",
        ));
    }
    Ok(Some(artifact))
}

/// With a mixer for each layer, in place of the pattern.
fn by_layer(config: ModelConfig) -> ModelConfig {
    ModelConfig { mixers: (0..config.num_hidden_layers).map(|layer| config.mixer(layer)).collect(), ..config }
}

/// The folder or file of `name`: itself where it exists, else the snapshot of `owner/name` or `owner/name@revision` in the
/// Hugging Face cache. What is in the cache is used as it is; whether the hub has something newer is not asked.
///
/// # Errors
/// An input error that says how to fetch the model where it is not there.
pub fn locate(name: &str, progress: &dyn Progress) -> Result<PathBuf> {
    let path = Path::new(name);
    if path.exists() {
        return Ok(path.to_owned());
    }
    let Some(model) = HubName::parse(name) else {
        return Err(Error::input(name, "no such file or folder", "check the path"));
    };
    let Some(cache) = HubCache::from_environment() else {
        return Err(Error::input(
            name,
            "no such file, and there is no cache of the hub",
            "set HF_HUB_CACHE or give a path",
        ));
    };
    match cache.find(&model) {
        Some(snapshot) => Ok(snapshot),
        None => fetch(name, &model, &cache, progress),
    }
}

#[cfg(feature = "hub")]
fn fetch(_: &str, model: &HubName, cache: &HubCache, progress: &dyn Progress) -> Result<PathBuf> {
    crate::hub::Hub::from_environment()?.fetch(model, cache, progress)
}

#[cfg(not(feature = "hub"))]
fn fetch(name: &str, model: &HubName, _: &HubCache, _: &dyn Progress) -> Result<PathBuf> {
    let remedy = format!(
        "fetch it with `hf download {} --revision {}`, build with `--features hub`, or give a path",
        model.id(),
        model.revision
    );
    Err(Error::input(
        name,
        "neither a path nor whole in the Hugging Face cache, and this build does not download",
        remedy,
    ))
}
