//! Valid files damaged at random: the readers refuse or accept, but never panic. `PROPTEST_CASES=20000 cargo test -p bantam-formats never_panics`
//! for a long run.

use std::path::{Path, PathBuf};

use bantam_formats::gguf::{self, GgufType};
use bantam_formats::{Architecture, ModelArtifact, Tokenizer};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::fixtures;

/// Uses everything that an opened model offers.
fn use_up(artifact: &ModelArtifact) {
    for spec in artifact.config().tensor_specs() {
        assert_eq!(artifact.tensor(&spec.name).unwrap().to_f32().len(), spec.shape.iter().product::<usize>());
    }
    if let Ok(tokenizer) = artifact.tokenizer() {
        use_tokenizer(&tokenizer);
    }
}

fn use_tokenizer(tokenizer: &Tokenizer) {
    let ids = tokenizer.encode("It's 12 <|end|> é\n\n日本", true);
    tokenizer.decode(&ids, true);
    assert!((0..64).map(|id| tokenizer.token_bytes(id).len()).sum::<usize>() < 1 << 20);
}

/// A change to a file's bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Long(usize, u64),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
}

/// Damage to the first `reach` bytes.
fn damage(reach: usize) -> impl Strategy<Value = Damage> {
    let long = prop_oneof![Just(u64::MAX), Just(1 << 63), Just(1 << 32), Just(0), any::<u64>(), 0u64..64];
    prop_oneof![
        4 => (0..reach, any::<u8>()).prop_map(|(at, v)| Damage::Set(at, v)),
        3 => (0..reach, long).prop_map(|(at, v)| Damage::Long(at, v)),
        1 => (0..reach).prop_map(Damage::Cut),
        1 => (0..reach, proptest::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, v)| Damage::Insert(at, v)),
        1 => (0..reach, 1usize..9).prop_map(|(at, n)| Damage::Remove(at, n)),
    ]
}

fn damaged(valid: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut out = valid.to_vec();
    for d in damages {
        match d {
            Damage::Set(at, v) if *at < out.len() => out[*at] = *v,
            Damage::Long(at, v) if *at + 8 <= out.len() => out[*at..*at + 8].copy_from_slice(&v.to_le_bytes()),
            Damage::Cut(at) => out.truncate(*at),
            Damage::Insert(at, v) if *at <= out.len() => drop(out.splice(*at..*at, v.iter().copied())),
            Damage::Remove(at, n) if *at + n <= out.len() => drop(out.drain(*at..*at + n)),
            _ => {}
        }
    }
    out
}

/// Opens a folder or file after damage to one of its files.
fn open_damaged(model: &Path, file: &Path, damages: &[Damage]) {
    let valid = std::fs::read(file).unwrap();
    std::fs::write(file, damaged(&valid, damages)).unwrap();
    match ModelArtifact::open(model) {
        Ok(artifact) => use_up(&artifact),
        Err(e) => assert!(e.exit_code() == 2 && !e.to_string().contains('\n'), "{e}"),
    }
    std::fs::write(file, valid).unwrap();
}

struct Models {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    gguf: PathBuf,
    mixed: PathBuf,
    package: PathBuf,
}

// One copy for each test's thread: damage must not reach what another test has open.
thread_local! {
    static MODELS: Models = {
        let dir = tempfile::tempdir().unwrap();
        let folder = fixtures::folder(dir.path(), Architecture::Qwen2);
        let gguf = fixtures::gguf(dir.path(), Architecture::Llama, GgufType::Q8_0);
        let other = |name: &str, architecture, kind| {
            let at = dir.path().join(name);
            std::fs::create_dir(&at).unwrap();
            fixtures::gguf(&at, architecture, kind)
        };
        let mixed = other("mixed", Architecture::Gpt2, GgufType::Q5KM);
        let package = dir.path().join("model.gguf.zst");
        gguf::package::write(&package, &std::fs::read(&mixed).unwrap()).unwrap();
        Models { folder, gguf, mixed, package, _dir: dir }
    };
}

fn split_by(pattern: Json) -> impl Strategy<Value = Json> {
    let behavior =
        prop::sample::select(vec!["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]);
    (behavior, any::<bool>())
        .prop_map(move |(b, invert)| json!({"type": "Split", "pattern": pattern, "behavior": b, "invert": invert}))
}

fn some_json() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!("é")),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        any::<bool>().prop_map(Json::from),
        (0u32..300).prop_map(Json::from),
        Just(json!({"type": "Sequence", "pretokenizers": [], "normalizers": [], "decoders": [], "processors": []})),
        Just(json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true})),
        Just(json!({"type": "Replace", "pattern": {"String": ""}, "content": "x"})),
        Just(json!({"type": "Replace", "pattern": {"Regex": "x*"}, "content": "x"})),
        Just(json!({"type": "Replace", "pattern": {"String": "t"}, "content": ""})),
        Just(json!({"type": "Prepend", "prepend": ""})),
        Just(json!({"type": "Prepend", "prepend": "\u{2581}"})),
        Just(json!({"type": "NFKD"})),
        Just(json!({"type": "Strip", "strip_left": true, "strip_right": true})),
        Just(json!({"type": "ByteFallback"})),
        Just(json!({"type": "Fuse"})),
        split_by(json!({"Regex": "x*"})),
        split_by(json!({"Regex": "(?=t)|$"})),
        split_by(json!({"String": ""})),
        Just(json!({"type": "Strip", "content": " ", "start": 9, "stop": 9})),
        Just(
            json!({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}], "pair": [], "special_tokens": {}})
        ),
        Just(
            json!([{"id": 0, "content": "", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true, "special": true}])
        ),
        Just(
            json!([{"id": 9, "content": "t's", "single_word": false, "lstrip": true, "rstrip": true, "normalized": true, "special": false}])
        ),
    ]
}

/// Every place in a JSON value, shallow ones first.
fn pointers(value: &Json, at: &str, into: &mut Vec<String>) {
    let mut below = |key: &str, child: &Json| {
        let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        into.push(path.clone());
        pointers(child, &path, into);
    };
    match value {
        Json::Object(keys) => keys.iter().for_each(|(k, v)| below(k, v)),
        Json::Array(items) => items.iter().enumerate().for_each(|(i, v)| below(&i.to_string(), v)),
        _ => {}
    }
}

/// 64, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_damaged_gguf_never_panics(damages in proptest::collection::vec(damage(40_000), 1..4)) {
        MODELS.with(|m| open_damaged(&m.gguf, &m.gguf, &damages));
    }

    #[test]
    fn a_gguf_with_a_damaged_beginning_never_panics(damages in proptest::collection::vec(damage(900), 1..4)) {
        MODELS.with(|m| open_damaged(&m.gguf, &m.gguf, &damages));
    }

    #[test]
    fn a_damaged_mixed_gguf_never_panics(damages in proptest::collection::vec(damage(3_000), 1..4)) {
        MODELS.with(|m| open_damaged(&m.mixed, &m.mixed, &damages));
    }

    #[test]
    fn a_damaged_package_never_panics(damages in proptest::collection::vec(damage(60_000), 1..4)) {
        MODELS.with(|m| open_damaged(&m.package, &m.package, &damages));
    }

    #[test]
    fn a_damaged_safetensors_never_panics(damages in proptest::collection::vec(damage(1600), 1..4)) {
        MODELS.with(|m| open_damaged(&m.folder, &m.folder.join("model.safetensors"), &damages));
    }

    #[test]
    fn a_damaged_config_never_panics(damages in proptest::collection::vec(damage(700), 1..4)) {
        MODELS.with(|m| open_damaged(&m.folder, &m.folder.join("config.json"), &damages));
    }

    #[test]
    fn a_tokenizer_with_a_damaged_part_never_panics(place in any::<prop::sample::Index>(), shallow in any::<bool>(), value in some_json()) {
        let mut json = fixtures::small_tokenizer();
        let mut places = Vec::new();
        pointers(&json, "", &mut places);
        if shallow {
            places.retain(|p| !p.starts_with("/model/vocab/") && !p.starts_with("/model/merges/"));
        }
        *json.pointer_mut(place.get::<String>(&places)).unwrap() = value;
        match Tokenizer::from_json(json.to_string().as_bytes(), "x") {
            Ok(tokenizer) => use_tokenizer(&tokenizer),
            Err(e) => prop_assert_eq!(e.exit_code(), 2),
        }
    }
}
