//! How does a model come from the Hugging Face hub into the local cache? Its config, tokenizer and safetensors, each
//! checked and then linked; the revision is written last, so that an unfinished download is not taken for a model.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files, hash};
use bantam_formats::hf;
use serde::Deserialize;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::hub_cache::{HubCache, HubName, is_plain};

const ENDPOINT: &str = "https://huggingface.co";
const INDEX: &str = "model.safetensors.index.json";
/// Connecting, and waiting for the next bytes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Times that a transfer is taken up again after it broke.
const ATTEMPTS: usize = 5;

/// A hub, and who asks it.
pub(crate) struct Hub {
    endpoint: String,
    token: Option<String>,
    agent: Agent,
}

/// What the hub says of a revision.
#[derive(Deserialize)]
struct Revision {
    /// The commit.
    sha: String,
    siblings: Vec<Sibling>,
}

/// One of its files.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    /// Git's hash, which is not that of the content alone.
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

/// A file that the repository only points to.
#[derive(Clone, Deserialize)]
struct LargeFile {
    sha256: String,
}

impl Sibling {
    /// The blob's name in the cache: what the hub sends as the file's etag.
    fn etag(&self) -> Option<&str> {
        self.lfs.as_ref().map(|l| l.sha256.as_str()).or(self.blob_id.as_deref()).filter(|id| is_plain(id))
    }
}

impl Hub {
    /// `HF_ENDPOINT` and `HF_TOKEN`.
    ///
    /// # Errors
    /// `HF_HUB_OFFLINE`, or an endpoint that is no address.
    pub(crate) fn from_environment() -> Result<Self> {
        let set = |name| std::env::var(name).ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let offline = set("HF_HUB_OFFLINE").map(|v| v.to_ascii_lowercase());
        if offline.is_some_and(|v| ["1", "true", "yes", "on"].contains(&v.as_str())) {
            let what = "the model is not whole in the Hugging Face cache, and HF_HUB_OFFLINE forbids to download it";
            return Err(Error::input("HF_HUB_OFFLINE", what, "unset it, or give a path"));
        }
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        if !(endpoint.starts_with("https://") || endpoint.starts_with("http://")) {
            return Err(Error::input("HF_ENDPOINT", format_args!("`{endpoint}` is no address"), "give https://..."));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .accept_encoding("identity")
            // What the hub sends elsewhere must not see the token.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build()
            .new_agent();
        Ok(Self { endpoint: endpoint.trim_end_matches('/').to_owned(), token: set("HF_TOKEN"), agent })
    }

    /// Downloads what is not in the cache yet and returns the snapshot's folder.
    pub(crate) fn fetch(&self, name: &HubName, cache: &HubCache, progress: &dyn Progress) -> Result<PathBuf> {
        let folder = cache.folder(name);
        let revision = self.revision(name)?;
        let snapshot = folder.join("snapshots").join(&revision.sha);
        let (mut wanted, weights): (Vec<Sibling>, Vec<Sibling>) =
            revision.siblings.iter().filter(|s| is_wanted(&s.rfilename)).cloned().partition(|s| !is_weights(s));
        let one = weights.iter().find(|s| s.rfilename == "model.safetensors");
        let index = weights.iter().find(|s| s.rfilename == INDEX);
        progress.start("download", None);
        let transfer = |file: &Sibling| self.transfer(name, &revision.sha, file, &folder, &snapshot, progress);
        match (one, index) {
            (Some(one), _) => wanted.push(one.clone()),
            (None, Some(index)) => {
                transfer(index)?;
                for shard in hf::weight_files(&snapshot)? {
                    let found = weights.iter().find(|s| s.rfilename == shard);
                    wanted.push(found.cloned().ok_or_else(|| {
                        let what = format!("{INDEX} names {shard}, which the repository does not have");
                        Error::input(name.id(), what, "choose another revision")
                    })?);
                }
            }
            (None, None) => {
                let what = "the repository has no weights as safetensors";
                return Err(Error::input(name.id(), what, "choose another revision or model"));
            }
        }
        let bytes: u64 = wanted.iter().filter_map(|s| s.size).sum();
        wanted.iter().try_for_each(transfer)?;
        let reference = folder.join("refs").join(&name.revision);
        // A commit needs no name besides its own.
        if name.revision != revision.sha {
            files::create_dir(&folder.join("refs"))?;
            files::write(&reference, revision.sha.as_bytes())?;
        }
        progress.finish(&format!("{} ({} files, {:.1} MB)", name.id(), wanted.len(), bytes as f64 / 1e6));
        Ok(snapshot)
    }

    /// What a branch, tag or commit stands for.
    fn revision(&self, name: &HubName) -> Result<Revision> {
        let url = format!("{}/api/models/{}/revision/{}?blobs=true", self.endpoint, name.id(), name.revision);
        let mut response = self.get(&url, 0, name)?;
        let text = response.body_mut().read_to_string().map_err(|e| self.unreachable(&e))?;
        let odd =
            |what: &str| Error::input(&self.endpoint, format_args!("not a hub's answer: {what}"), "check HF_ENDPOINT");
        let revision: Revision = serde_json::from_str(&text).map_err(|e| odd(&e.to_string()))?;
        if is_plain(&revision.sha) { Ok(revision) } else { Err(odd("the commit is no name")) }
    }

    /// Brings one file into the cache and links it in the snapshot.
    fn transfer(
        &self,
        name: &HubName,
        commit: &str,
        file: &Sibling,
        folder: &Path,
        snapshot: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let Some(etag) = file.etag() else {
            return Err(Error::input(
                &self.endpoint,
                format_args!("no hash of {}", file.rfilename),
                "check HF_ENDPOINT",
            ));
        };
        let blobs = folder.join("blobs");
        files::create_dir(&blobs)?;
        files::create_dir(snapshot)?;
        let blob = blobs.join(etag);
        let url = format!("{}/{}/resolve/{commit}/{}", self.endpoint, name.id(), file.rfilename);
        let _lock = lock(folder, etag)?;
        if !blob.is_file() {
            self.download(&url, file, &blob, name, progress)?;
        }
        link(&blob, &snapshot.join(&file.rfilename))
    }

    /// Downloads to `<blob>.incomplete`, going on where an earlier transfer broke, and renames it once it is right.
    fn download(&self, url: &str, file: &Sibling, blob: &Path, name: &HubName, progress: &dyn Progress) -> Result<()> {
        let part =
            blob.with_file_name(format!("{}.incomplete", blob.file_name().unwrap_or_default().to_string_lossy()));
        let sha256 = file.lfs.as_ref().map(|l| &l.sha256);
        let remove = || match fs::remove_file(&part) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&part, "remove", &e)),
            _ => Ok(()),
        };
        // Only a hash of the content can tell whether two halves belong together.
        if sha256.is_none() {
            remove()?;
        }
        let (mut broken, mut anew) = (0, false);
        loop {
            let had = fs::metadata(&part).map_or(0, |m| m.len());
            if file.size != Some(had) || had == 0 {
                let failed = match self.receive(url, had, file, &part, name, progress) {
                    Ok(()) => None,
                    Err(e) => Some(e),
                };
                let got = fs::metadata(&part).map_or(0, |m| m.len());
                if let Some(e) = failed {
                    broken += 1;
                    let went_on = sha256.is_some() && got > had;
                    if broken < ATTEMPTS && went_on { continue } else { return Err(e) }
                }
            }
            let got = fs::metadata(&part).map_or(0, |m| m.len());
            let what = match (file.size, sha256) {
                (Some(size), _) if size != got => format!("{} has {got} bytes instead of {size}", file.rfilename),
                (_, Some(wanted)) if hash::file(&part)? != *wanted => {
                    format!("{} does not have the SHA-256 that the hub names", file.rfilename)
                }
                _ => return fs::rename(&part, blob).map_err(|e| Error::io(blob, "write", &e)),
            };
            remove()?;
            // What was there from before may have been of something else: one more time from the beginning.
            if had == 0 || anew {
                return Err(Error::input(url, what, "nothing was kept of it; try again later"));
            }
            anew = true;
        }
    }

    /// Appends what comes after the first `had` bytes to `part`.
    fn receive(
        &self,
        url: &str,
        had: u64,
        file: &Sibling,
        part: &Path,
        name: &HubName,
        progress: &dyn Progress,
    ) -> Result<()> {
        let response = self.get(url, had, name)?;
        let continued = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response, had);
        let mut out = OpenOptions::new().create(true).append(continued).write(true).truncate(!continued).open(part);
        let out = out.as_mut().map_err(|e| Error::io(part, "write", e))?;
        let mut done = if continued { had } else { 0 };
        let (mut body, mut buffer) = (response.into_body().into_reader(), vec![0; 1 << 16]);
        let all = file.size.map_or("?".into(), |size| format!("{:.1}", size as f64 / 1e6));
        loop {
            let n = body.read(&mut buffer).map_err(|e| {
                let what = format!("the transfer of {} broke off after {done} bytes: {e}", file.rfilename);
                Error::input(url, what, "try again: what came is kept where it can be continued")
            })?;
            if n == 0 {
                return out.sync_all().map_err(|e| Error::io(part, "write", &e));
            }
            out.write_all(&buffer[..n]).map_err(|e| Error::io(part, "write", &e))?;
            done += n as u64;
            progress.update(done, &format!("{} {:.1} of {all} MB", file.rfilename, done as f64 / 1e6));
        }
    }

    /// Asks for what comes after the first `had` bytes of a file, or for all of it.
    fn get(&self, url: &str, had: u64, name: &HubName) -> Result<Response<Body>> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if had > 0 {
            request = request.header("range", format!("bytes={had}-"));
        }
        let response = request.call().map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        let wrong = |what: String, remedy: &str| Err(Error::input(url, what, remedy));
        match status.as_u16() {
            200 | 206 => Ok(response),
            // What is there is as long as the file or longer: all of it again.
            416 if had > 0 => self.get(url, 0, name),
            401 | 403 => {
                let what = format!("{} is not there or not open to everyone (HTTP {})", name.id(), status.as_u16());
                wrong(what, "check the name, or set HF_TOKEN to a token that may read it")
            }
            404 => wrong(
                format!("{} or its revision `{}` is not there (HTTP 404)", name.id(), name.revision),
                "check the name",
            ),
            other => wrong(format!("HTTP {other}"), "try again later"),
        }
    }

    fn unreachable(&self, e: &ureq::Error) -> Error {
        let remedy = "check the network, or fetch the model elsewhere and give its path";
        Error::input(&self.endpoint, format_args!("cannot be reached: {e}"), remedy)
    }
}

/// What a model is made of here and in `transformers`.
fn is_wanted(file: &str) -> bool {
    let names = ["config.json", "generation_config.json", "special_tokens_map.json", "added_tokens.json", INDEX];
    let tokenizer = file.starts_with("tokenizer") && file.ends_with(".json");
    let known = names.contains(&file) || file == "chat_template.jinja" || tokenizer || file.ends_with(".safetensors");
    known && is_plain(file)
}

fn is_weights(file: &Sibling) -> bool {
    file.rfilename == INDEX || file.rfilename.ends_with(".safetensors")
}

/// Whether a partial answer begins after `had` bytes.
fn starts_at(response: &Response<Body>, had: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|v| v.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {had}-")))
}

/// No two processes, the hub's own client included, write one blob at a time.
fn lock(folder: &Path, etag: &str) -> Result<File> {
    let place = folder.parent().unwrap_or(folder).join(".locks").join(folder.file_name().unwrap_or_default());
    files::create_dir(&place)?;
    let path = place.join(format!("{etag}.lock"));
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|e| Error::io(&path, "write", &e))?;
    file.lock().map_err(|e| Error::io(&path, "lock", &e))?;
    Ok(file)
}

/// Puts a link to a blob in place, as the hub's client does.
#[cfg(unix)]
fn link(blob: &Path, to: &Path) -> Result<()> {
    let target = Path::new("../../blobs").join(blob.file_name().unwrap_or_default());
    if fs::read_link(to).is_ok_and(|present| present == target) {
        return Ok(());
    }
    let temporary = to.with_file_name(format!(".{}.tmp", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let linked = std::os::unix::fs::symlink(&target, &temporary).and_then(|()| fs::rename(&temporary, to));
    linked.map_err(|e| Error::io(to, "link", &e))
}

/// Without links the content is there twice.
#[cfg(not(unix))]
fn link(blob: &Path, to: &Path) -> Result<()> {
    files::write_with(to, |out| std::io::copy(&mut File::open(blob)?, out).map(|_| ()))
}
