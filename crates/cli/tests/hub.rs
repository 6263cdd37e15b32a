//! Base models by the hub's name: downloaded from a server inside the test, checked, resumed, refused, and not asked for
//! twice. Run with `cargo test --workspace --features hub --test hub`.
#![cfg(feature = "hub")]

mod command;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use command::{bantam, files_under, json, refused, tiny_run};
use safetensors::SafeTensors;
use serde_json::{Value, json};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the server behaves.
#[derive(Clone, Default)]
struct Behaviour {
    /// Asked of every request.
    token: Option<&'static str>,
    /// Bytes of a large file after which the connection is closed, as often as said.
    cut: Arc<Mutex<Vec<usize>>>,
    /// A large file's content is not what its hash says.
    forged: bool,
}

/// A hub with one repository, `a/b`, and large files at another place.
struct Server {
    port: u16,
    /// Method, path, and the headers `range` and `authorization` of each request.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: BTreeMap<String, Vec<u8>>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that went away is not the server's trouble.
                let _ = answer(stream.unwrap(), port, &files, &behaviour, &requests);
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors")
}

fn answer(
    mut stream: TcpStream,
    port: u16,
    files: &BTreeMap<String, Vec<u8>>,
    behaviour: &Behaviour,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut headers = BTreeMap::new();
    for line in lines.by_ref() {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(format!("{path} {} {}", header("range"), header("authorization")));
    let mut reply = |status: &str, more: &str, body: &[u8], sent: usize| {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body[..sent])
    };
    let elsewhere = path.strip_prefix("/cdn/");
    let wanted = behaviour.token.map(|t| format!("Bearer {t}"));
    if elsewhere.is_none() && wanted.is_some_and(|w| header("authorization") != w) {
        return reply("401 Unauthorized", "", b"", 0);
    }
    if path.starts_with("/api/models/a/b/revision/main?") {
        let sibling = |(name, content): (&String, &Vec<u8>)| {
            let hash = bantam_core::hash::bytes(content);
            let lfs = is_large(name).then(|| json!({"sha256": hash, "size": content.len(), "pointerSize": 130}));
            json!({"rfilename": name, "size": content.len(), "blobId": &hash[..40], "lfs": lfs})
        };
        let body = json!({"id": "a/b", "sha": COMMIT, "siblings": files.iter().map(sibling).collect::<Vec<Value>>()});
        let body = body.to_string();
        return reply("200 OK", "content-type: application/json\r\n", body.as_bytes(), body.len());
    }
    if let Some(name) = path.strip_prefix(&format!("/a/b/resolve/{COMMIT}/")) {
        match files.get(name) {
            // To what is another host by its name.
            Some(_) if is_large(name) => {
                return reply("302 Found", &format!("location: http://localhost:{port}/cdn/{name}\r\n"), b"", 0);
            }
            Some(content) => return reply("200 OK", "", content, content.len()),
            None => {}
        }
    }
    let Some((name, content)) = elsewhere.and_then(|name| files.get_key_value(name)) else {
        return reply("404 Not Found", "", b"", 0);
    };
    let mut content = content.clone();
    if behaviour.forged && is_large(name) {
        *content.last_mut().unwrap() ^= 1;
    }
    let from: usize = header("range").trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0);
    if from >= content.len() {
        return reply("416 Range Not Satisfiable", "", b"", 0);
    }
    let body = &content[from..];
    let sent = behaviour.cut.lock().unwrap().pop().unwrap_or(body.len());
    match from {
        0 => reply("200 OK", "", body, sent),
        _ => {
            let range = format!("content-range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len());
            reply("206 Partial Content", &range, body, sent)
        }
    }
}

/// The files of a tiny model, and some that nobody needs.
fn model() -> BTreeMap<String, Vec<u8>> {
    let folder = tiny_run().join("model");
    let mut files: BTreeMap<String, Vec<u8>> = files_under(&folder)
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect();
    files.insert("README.md".into(), b"read me".to_vec());
    files.insert("pytorch_model.bin".into(), b"no".to_vec());
    files
}

/// The same with its weights in two shards.
fn sharded() -> BTreeMap<String, Vec<u8>> {
    let mut files = model();
    let whole = files.remove("model.safetensors").unwrap();
    let whole = SafeTensors::deserialize(&whole).unwrap();
    let mut map = serde_json::Map::new();
    for shard in 0..2 {
        let file = format!("model-0000{}-of-00002.safetensors", shard + 1);
        let part: Vec<_> = whole.tensors().into_iter().enumerate().filter(|(i, _)| i % 2 == shard).collect();
        map.extend(part.iter().map(|(_, (name, _))| (name.clone(), json!(file))));
        let bytes = safetensors::serialize(part.into_iter().map(|(_, tensor)| tensor), None).unwrap();
        files.insert(file, bytes);
    }
    let index = json!({"metadata": {"total_size": 1}, "weight_map": map});
    files.insert("model.safetensors.index.json".into(), index.to_string().into_bytes());
    files
}

/// One step of fine-tuning from `base`, with the hub at `port` and the cache in `dir`.
fn train(base: &str, port: u16, dir: &Path) -> Command {
    let items = dir.join("items.jsonl");
    let line = |i: usize| json!({"prompt": format!("{i} + 1 = "), "completion": (i + 1).to_string()}).to_string();
    std::fs::write(&items, (0..20).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let recipe = dir.join("recipe.toml");
    let text = format!(
        "[finetune]\nbase = {base:?}\nrank = 2\nsources = [{{ file = {items:?}, kind = \"completion\" }}]\n\
         [train]\nsteps = 1\nwarmup_steps = 0\nphases = [{{ share = 1, max_item_tokens = 120, batch_tokens = 300 }}]\n"
    );
    std::fs::write(&recipe, text).unwrap();
    let mut command = bantam(["train"]);
    command.arg(recipe).arg("--out").arg(dir.join("run"));
    for name in ["HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.env("HF_HUB_CACHE", dir.join("cache")).env("HF_ENDPOINT", format!("http://127.0.0.1:{port}/"));
    command
}

fn repository(dir: &Path) -> PathBuf {
    dir.join("cache/models--a--b")
}

/// Nothing in the cache may pass for a model.
fn nothing_finished(dir: &Path) {
    assert!(!repository(dir).join("refs").exists());
    let found = files_under(&dir.join("cache"));
    let large = |f: &String| f.ends_with("model.safetensors") && f.contains("snapshots");
    assert!(!found.iter().any(large), "{found:?}");
}

#[test]
fn a_model_is_downloaded_once_into_the_hubs_own_layout() {
    for (files, shards) in [(model(), 1), (sharded(), 2)] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(files.clone(), Behaviour { token: Some("s3cret"), ..Behaviour::default() });
        refused(&mut train("a/b", server.port, dir.path()), &["HTTP 401", "set HF_TOKEN"]);
        json(train("a/b", server.port, dir.path()).env("HF_TOKEN", "s3cret"));
        let repository = repository(dir.path());
        assert_eq!(std::fs::read_to_string(repository.join("refs/main")).unwrap(), COMMIT);
        let snapshot = repository.join("snapshots").join(COMMIT);
        let mut weights = 0;
        for name in files_under(&snapshot) {
            assert_eq!(std::fs::read(snapshot.join(&name)).unwrap(), files[&name], "{name}");
            let blob = std::fs::read_link(snapshot.join(&name)).unwrap();
            assert!(blob.starts_with("../../blobs") && blob.components().count() == 4, "{blob:?}");
            if is_large(&name) {
                assert!(blob.ends_with(bantam_core::hash::bytes(&files[&name])));
                weights += 1;
            }
        }
        assert_eq!(weights, shards);
        assert!(snapshot.join("config.json").exists() && snapshot.join("tokenizer.json").exists());
        assert!(!snapshot.join("README.md").exists() && !snapshot.join("pytorch_model.bin").exists());
        assert!(!files_under(&repository).iter().any(|f| f.ends_with(".incomplete") || f.ends_with(".tmp")));
        // The token stays with the hub, and what is there is not asked for again.
        let seen = server.seen();
        let elsewhere: Vec<&String> = seen.iter().filter(|r| r.starts_with("/cdn/")).collect();
        assert!(elsewhere.len() == shards && elsewhere.iter().all(|r| !r.contains("s3cret")), "{seen:?}");
        let again = json(train("a/b", server.port, dir.path()).env("HF_HUB_OFFLINE", "1"));
        assert!(again["stages"].as_array().unwrap().iter().all(|s| s["skipped"] == true));
        assert_eq!(server.seen(), seen);
    }
}

#[test]
fn a_broken_transfer_goes_on_where_it_broke() {
    let dir = tempfile::tempdir().unwrap();
    // From the end: the first answer breaks after 1000 bytes, the second after 500 more.
    let cut = Arc::new(Mutex::new(vec![500, 1000]));
    let server = Server::start(model(), Behaviour { cut, ..Behaviour::default() });
    json(&mut train("a/b", server.port, dir.path()));
    let ranges: Vec<String> = server.seen().into_iter().filter(|r| r.starts_with("/cdn/")).collect();
    let asked =
        ["/cdn/model.safetensors  ", "/cdn/model.safetensors bytes=1000- ", "/cdn/model.safetensors bytes=1500- "];
    assert_eq!(ranges, asked);

    // One that never gets on ends with one line; another process takes it up.
    let dir = tempfile::tempdir().unwrap();
    let cut = Arc::new(Mutex::new(vec![0, 700]));
    let server = Server::start(model(), Behaviour { cut, ..Behaviour::default() });
    refused(&mut train("a/b", server.port, dir.path()), &["broke off after 700 bytes", "try again"]);
    nothing_finished(dir.path());
    json(&mut train("a/b", server.port, dir.path()));
    assert!(server.seen().last().unwrap().contains("bytes=700-"), "{:?}", server.seen());
}

#[test]
fn what_was_left_of_other_content_is_fetched_anew() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(model(), Behaviour::default());
    let blobs = repository(dir.path()).join("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let hash = bantam_core::hash::bytes(&model()["model.safetensors"]);
    for left in [b"other".to_vec(), vec![7; model()["model.safetensors"].len()], vec![7; 10_000_000]] {
        std::fs::write(blobs.join(format!("{hash}.incomplete")), left).unwrap();
        json(&mut train("a/b", server.port, dir.path()));
        assert_eq!(bantam_core::hash::file(&blobs.join(&hash)).unwrap(), hash);
        std::fs::remove_file(blobs.join(&hash)).unwrap();
    }
}

#[test]
fn what_is_wrong_is_one_line_and_leaves_no_model() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(model(), Behaviour { forged: true, ..Behaviour::default() });
    refused(&mut train("a/b", server.port, dir.path()), &["model.safetensors does not have the SHA-256"]);
    nothing_finished(dir.path());
    assert!(!files_under(&repository(dir.path())).iter().any(|f| f.ends_with(".incomplete")));

    let server = Server::start(model(), Behaviour::default());
    refused(&mut train("a/c", server.port, dir.path()), &["a/c or its revision `main` is not there", "HTTP 404"]);
    refused(&mut train("a/b@v9", server.port, dir.path()), &["revision `v9` is not there"]);
    refused(train("a/b", server.port, dir.path()).env("HF_HUB_OFFLINE", "true"), &["HF_HUB_OFFLINE"]);
    refused(train("a/b", 1, dir.path()).env("HF_ENDPOINT", "ftp://x"), &["HF_ENDPOINT", "is no address"]);
    refused(&mut train("a/b", 1, dir.path()), &["cannot be reached"]);
    let mut unsafe_files = model();
    unsafe_files.remove("model.safetensors");
    let server = Server::start(unsafe_files, Behaviour::default());
    refused(&mut train("a/b", server.port, dir.path()), &["no weights as safetensors"]);
    nothing_finished(dir.path());
}
