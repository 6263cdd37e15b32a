//! Where in the local Hugging Face cache are a hub model's files? The layout is the hub client's own, so that it and
//! `transformers` see what is put there: `models--<owner>--<name>/` with `blobs/<etag>`, `snapshots/<commit>/<file>`
//! (links to blobs) and `refs/<revision>` (a commit).

use std::path::{Path, PathBuf};

use bantam_core::files;
use bantam_formats::hf;

/// A model of the hub: `owner/name` or `owner/name@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubName {
    pub(crate) owner: String,
    pub(crate) model: String,
    /// A branch, a tag or a commit.
    pub(crate) revision: String,
}

impl HubName {
    /// `None` for what cannot be such a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (name, revision) = name.split_once('@').unwrap_or((name, "main"));
        let (owner, model) = name.split_once('/')?;
        let all = [owner, model, revision];
        all.iter().all(|part| is_plain(part)).then(|| {
            let [owner, model, revision] = all.map(str::to_owned);
            Self { owner, model, revision }
        })
    }

    /// `owner/name`.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.owner, self.model)
    }
}

/// Whether a name from outside can be a file's: it reaches nowhere else, and hides nothing.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
}

/// The cache of one machine.
#[derive(Clone, Debug)]
pub(crate) struct HubCache {
    root: PathBuf,
}

impl HubCache {
    /// `HF_HUB_CACHE`, `HF_HOME/hub` or `~/.cache/huggingface/hub`; `None` where there is not even a home.
    pub(crate) fn from_environment() -> Option<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = set("HF_HUB_CACHE").or_else(|| {
            let home = set("HF_HOME").or_else(|| std::env::home_dir().map(|h| h.join(".cache").join("huggingface")));
            home.map(|h| h.join("hub"))
        });
        root.map(|root| Self { root })
    }

    /// The model's folder.
    pub(crate) fn folder(&self, name: &HubName) -> PathBuf {
        self.root.join(format!("models--{}--{}", name.owner, name.model))
    }

    /// The snapshot of a revision, where config and weights are all there.
    pub(crate) fn find(&self, name: &HubName) -> Option<PathBuf> {
        let folder = self.folder(name);
        let commit = files::read_text(&folder.join("refs").join(&name.revision));
        let commit = commit.map_or_else(|_| name.revision.clone(), |text| text.trim().to_owned());
        let snapshot = folder.join("snapshots").join(&commit);
        (is_plain(&commit) && is_complete(&snapshot)).then_some(snapshot)
    }
}

/// A link whose blob is missing is not there either.
fn is_complete(snapshot: &Path) -> bool {
    let weights = hf::weight_files(snapshot);
    snapshot.join("config.json").is_file() && weights.is_ok_and(|w| w.iter().all(|file| snapshot.join(file).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_an_owner_and_perhaps_a_revision() {
        let parsed = HubName::parse("a-b/c.d_1@v2").unwrap();
        assert_eq!((parsed.id().as_str(), parsed.revision.as_str()), ("a-b/c.d_1", "v2"));
        assert_eq!(HubName::parse("a/b").unwrap().revision, "main");
        for wrong in ["a", "a/", "/b", "a/../b", "a/b/c", "../b", "a/.b", "a/b@", "a/b@../x", "a b/c"] {
            assert_eq!(HubName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_snapshot_counts_when_config_and_every_shard_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, name) = (HubCache { root: dir.path().to_owned() }, HubName::parse("a/b.c").unwrap());
        let snapshot = cache.folder(&name).join("snapshots/0f");
        files::create_dir(&snapshot).unwrap();
        files::create_dir(&cache.folder(&name).join("refs")).unwrap();
        let write = |file: &str, text: &str| files::write(&cache.folder(&name).join(file), text.as_bytes()).unwrap();
        write("refs/main", "0f\n");
        write("snapshots/0f/config.json", "{}");
        assert_eq!(cache.find(&name), None);
        let index = r#"{"weight_map": {"x": "model-1.safetensors", "y": "model-2.safetensors"}}"#;
        write("snapshots/0f/model.safetensors.index.json", index);
        write("snapshots/0f/model-1.safetensors", "");
        assert_eq!(cache.find(&name), None);
        write("snapshots/0f/model-2.safetensors", "");
        assert_eq!(cache.find(&name), Some(snapshot.clone()));
        // By commit, and not by a reference that leads elsewhere.
        assert_eq!(cache.find(&HubName::parse("a/b.c@0f").unwrap()), Some(snapshot));
        write("refs/main", "../..");
        assert_eq!(cache.find(&name), None);
    }
}
