//! Where is the model that a recipe names? A path, or a name of the Hugging Face hub whose files are in the local cache or,
//! with the cargo feature `hub`, are downloaded into it.

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result};

use crate::hub_cache::{HubCache, HubName};

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
