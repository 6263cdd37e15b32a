//! Where is the model that a recipe names? A path, or a name of the Hugging Face hub whose files are in the local cache.
//!
//! Nothing is downloaded here: that takes TLS, and every implementation of it compiles C.

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};

/// The folder or file of `name`: itself where it exists, else the newest snapshot of `models--<owner>--<name>` in the
/// Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME/hub` or `~/.cache/huggingface/hub`).
///
/// # Errors
/// An input error that says how to fetch the model where it is not there.
pub fn locate(name: &str) -> Result<PathBuf> {
    let cache = std::env::var_os("HF_HUB_CACHE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|h| h.join(".cache").join("huggingface")));
        home.map(|h| h.join("hub"))
    });
    locate_in(name, cache.as_deref())
}

fn locate_in(name: &str, cache: Option<&Path>) -> Result<PathBuf> {
    let path = Path::new(name);
    if path.exists() {
        return Ok(path.to_owned());
    }
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(fits)
    };
    let Some((owner, model)) = name.split_once('/').filter(|(owner, model)| plain(owner) && plain(model)) else {
        return Err(Error::input(name, "no such file or folder", "check the path"));
    };
    let remedy = format!("fetch it with `hf download {owner}/{model}`, or give a path");
    let not_there = || Error::input(name, "neither a path nor in the Hugging Face cache", &remedy);
    let folder = cache.ok_or_else(not_there)?.join(format!("models--{owner}--{model}"));
    let revision = files::read_text(&folder.join("refs").join("main")).map_err(|_| not_there())?;
    let snapshot = folder.join("snapshots").join(revision.trim());
    if plain(revision.trim()) && snapshot.is_dir() { Ok(snapshot) } else { Err(not_there()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_first_and_the_cache_after_them() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Some(dir.path());
        assert_eq!(locate_in(dir.path().to_str().unwrap(), None).unwrap(), dir.path());
        let model = dir.path().join("models--a--b.c");
        std::fs::create_dir_all(model.join("snapshots/0f")).unwrap();
        for wrong in ["a/b.c", "a/../b", "/no/such/place", "nothing", "a/"] {
            let e = locate_in(wrong, cache).unwrap_err();
            assert_eq!(e.exit_code(), 2, "{e}");
        }
        std::fs::create_dir(model.join("refs")).unwrap();
        std::fs::write(model.join("refs/main"), "0f\n").unwrap();
        assert_eq!(locate_in("a/b.c", cache).unwrap(), model.join("snapshots/0f"));
        std::fs::write(model.join("refs/main"), "../..").unwrap();
        assert!(locate_in("a/b.c", cache).unwrap_err().to_string().contains("hf download a/b.c"));
    }
}
