//! Token ids against transformers and llama.cpp (`tests/reference/tokenizer_strings.py`), and training.

use bantam_formats::gguf::{self, List, Value};
use bantam_formats::{Architecture, ModelArtifact, Tokenizer, tokenizer_training};
use proptest::prelude::*;

use crate::fixtures::{self, data};

/// The golden strings with each peer's ids by pre-tokenizer.
fn strings() -> Vec<serde_json::Value> {
    let lines = std::fs::read_to_string(data("tokenizer/strings.jsonl")).unwrap();
    lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn golden() -> Tokenizer {
    Tokenizer::from_json(fixtures::bundle().tokenizer_json.as_bytes(), "tokenizer.json").unwrap()
}

/// The golden vocabulary as the only content of interest of a GGUF that names `pre`.
fn from_gguf(pre: &str, more: &[(&str, Value)]) -> bantam_core::Result<Tokenizer> {
    from_gguf_without(&[], pre, more)
}

/// As [`from_gguf`], some keys left out.
fn from_gguf_without(missing: &[&str], pre: &str, more: &[(&str, Value)]) -> bantam_core::Result<Tokenizer> {
    let dir = tempfile::tempdir().unwrap();
    let path = fixtures::gguf(dir.path(), Architecture::Llama, gguf::GgufType::F16);
    let file = std::fs::read(&path).unwrap();
    let contents = gguf::parse(&file, "x").unwrap();
    let bytes = &file;
    let mut keys = contents.keys;
    missing.iter().for_each(|k| drop(keys.remove(&format!("tokenizer.ggml.{k}"))));
    keys.insert("tokenizer.ggml.pre".into(), Value::Text(pre.into()));
    keys.extend(more.iter().map(|(k, v)| (format!("tokenizer.ggml.{k}"), v.clone())));
    let tensors: Vec<_> = contents
        .tensors
        .into_iter()
        .map(|t| gguf::Tensor {
            name: t.name,
            shape: t.shape,
            dtype: t.dtype,
            bytes: Box::new(move || Ok(bytes[t.range.clone()].to_vec())),
        })
        .collect();
    gguf::write(&path, &keys.into_iter().collect::<Vec<_>>(), &tensors)?;
    ModelArtifact::open(&path).unwrap().tokenizer()
}

#[test]
fn ids_are_those_of_transformers_and_llama_cpp() {
    let tokenizer = golden();
    for row in strings() {
        let text = row["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text, true), ids(&row["smollm"]), "{text:?}");
    }
}

#[test]
fn tokenizers_rebuilt_from_gguf_agree_with_llama_cpp() {
    for pre in ["smollm", "gpt-2", "llama-bpe", "qwen2", "default"] {
        let tokenizer = from_gguf(pre, &[]).unwrap();
        for row in strings() {
            let text = row["text"].as_str().unwrap();
            assert_eq!(tokenizer.encode(text, true), ids(&row[pre]), "{pre} {text:?}");
        }
    }
}

#[test]
fn every_pre_tokenizer_draws_the_borders_that_llama_cpp_draws() {
    // `tests/reference/tokenizer_strings.py kinds`
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data("tokenizer/kinds.json")).unwrap()).unwrap();
    let mut tokens: Vec<(u64, String)> =
        json["model"]["vocab"].as_object().unwrap().iter().map(|(t, id)| (id.as_u64().unwrap(), t.clone())).collect();
    tokens.sort();
    let types = List::i32s(tokens.iter().map(|(id, _)| if *id < 5 { 3 } else { 1 }));
    let merges = json["model"]["merges"].as_array().unwrap().iter();
    let merges = merges.map(|m| format!("{} {}", m[0].as_str().unwrap(), m[1].as_str().unwrap())).collect();
    let own = [
        ("tokens", List::texts(tokens.into_iter().map(|t| t.1).collect())),
        ("token_type", types),
        ("merges", List::texts(merges)),
        ("add_bos_token", Value::Bool(false)),
    ];
    let golden = std::fs::read_to_string(data("tokenizer/kinds.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> = golden.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut differing = std::collections::HashSet::new();
    for pre in [
        "smollm",
        "gpt-2",
        "llama-bpe",
        "dbrx",
        "glm4",
        "qwen2",
        "qwen35",
        "deepseek-llm",
        "deepseek-coder",
        "deepseek-v3",
        "falcon",
        "bloom",
        "viking",
        "tekken",
        "gpt-4o",
        "seed-coder",
        "default",
    ] {
        let tokenizer = from_gguf(pre, &own).unwrap();
        let mut all = Vec::new();
        for row in &rows {
            let text = row["text"].as_str().unwrap();
            let got = tokenizer.encode(text, true);
            let expected = row.get(pre).unwrap_or(&row["most"]);
            if !expected.is_null() {
                assert_eq!(got, ids(expected), "{pre} {text:?}");
            }
            assert_eq!(tokenizer.encode(&tokenizer.decode(&got, false), true), got);
            all.push(got);
        }
        differing.insert(all);
    }
    // The three with Llama 3's pattern are one here; all others are told apart.
    assert_eq!(differing.len(), 15);
    for (name, same) in [
        ("command-r", "smollm"),
        ("olmo", "gpt-2"),
        ("lfm2", "llama-bpe"),
        ("stablelm2", "qwen2"),
        ("llama4", "gpt-4o"),
    ] {
        assert_eq!(from_gguf(name, &own).unwrap().json(), from_gguf(same, &own).unwrap().json());
    }
}

#[test]
fn whole_words_and_the_bos_that_a_name_implies() {
    // A word that no merge leads to, and no word on whether a BOS is added, as in llama.cpp.
    let mut tokens: Vec<String> = vec!["<|end|>".into(), "<s>".into()];
    tokens.extend(["z", "q", "zq"].map(String::from));
    let own = [
        ("token_type", List::i32s([3, 3, 1, 1, 1])),
        ("tokens", List::texts(tokens)),
        ("merges", List::texts(Vec::new())),
        ("bos_token_id", Value::U32(1)),
        ("eos_token_id", Value::U32(0)),
        ("padding_token_id", Value::U32(0)),
    ];
    for (pre, expected) in [
        ("llama-bpe", &[1, 4][..]),
        ("tekken", &[1, 4]),
        ("pixtral", &[1, 4]),
        ("glm4", &[4]),
        ("dbrx", &[2, 3]),
        ("gpt-4o", &[2, 3]),
        ("deepseek-coder", &[2, 3]),
    ] {
        assert_eq!(from_gguf_without(&["add_bos_token"], pre, &own).unwrap().encode("zq", true), expected, "{pre}");
    }
}

#[test]
fn sentence_piece_from_gguf_agrees_with_llama_cpp_and_sentence_piece() {
    // `tests/reference/sentence_piece_gguf.py`
    let file = std::fs::read(data("sentence_piece/vocabulary.gguf")).unwrap();
    let keys = gguf::parse(&file, "vocabulary.gguf").unwrap().keys;
    let own: Vec<(&str, Value)> =
        keys.iter().filter_map(|(k, v)| Some((k.strip_prefix("tokenizer.ggml.")?, v.clone()))).collect();
    let tokenizer = from_gguf("default", &own).unwrap();
    let lines = std::fs::read_to_string(data("sentence_piece/gguf_strings.jsonl")).unwrap();
    for row in lines.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()) {
        let text = row["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text, false), ids(&row["ids"]), "{text:?}");
        let with_bos = tokenizer.encode(text, true);
        assert_eq!((with_bos[0], &with_bos[1..]), (tokenizer.bos().unwrap(), &ids(&row["ids"])[..]));
        // A mark of the format eats the space that the next piece of text begins with.
        if !text.contains("<|") {
            assert_eq!(tokenizer.decode(&with_bos, true), text);
        }
    }
    for (key, value) in [
        ("scores", Value::List(List::Floats { kind: 6, values: vec![0.0; 3] })),
        ("scores", Value::List(List::Floats { kind: 6, values: vec![f64::NAN; 1000] })),
        ("tokens", List::texts(vec!["a".into(); 1000])),
    ] {
        let mut broken = own.clone();
        broken.retain(|(k, _)| *k != key);
        broken.push((key, value));
        let error = from_gguf("default", &broken).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().contains("tokenizer.ggml."), "{error}");
    }
}

#[test]
fn sentence_piece_is_written_as_it_was_read() {
    let file = std::fs::read(data("sentence_piece/vocabulary.gguf")).unwrap();
    let keys = gguf::parse(&file, "vocabulary.gguf").unwrap().keys;
    let own: Vec<(&str, Value)> =
        keys.iter().filter_map(|(k, v)| Some((k.strip_prefix("tokenizer.ggml.")?, v.clone()))).collect();
    let read = from_gguf("default", &own).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = fixtures::config(Architecture::Llama);
    let write = |json: &str| {
        let bundle = bantam_formats::TokenizerBundle { tokenizer_json: json.into(), ..fixtures::bundle() };
        let path = dir.path().join("written.gguf");
        gguf::write_model(&path, &config, &fixtures::tensors(&config), Some(&bundle), gguf::GgufType::F16).map(|_| path)
    };
    let path = write(read.json()).unwrap();
    let written = gguf::parse(&std::fs::read(&path).unwrap(), "x").unwrap().keys;
    // Rows without a token are filled; texts and kinds are what they were.
    for key in ["tokenizer.ggml.tokens", "tokenizer.ggml.token_type"] {
        let (Value::List(before), Value::List(after)) = (&keys[key], &written[key]) else { panic!("{key}") };
        match (before, after) {
            (List::Texts(a), List::Texts(b)) => assert_eq!(a[..], b[..a.len()]),
            (List::Integers { values: a, .. }, List::Integers { values: b, .. }) => assert_eq!(a[..], b[..a.len()]),
            other => panic!("{other:?}"),
        }
    }
    let again = ModelArtifact::open(&path).unwrap().tokenizer().unwrap();
    assert_eq!(again.bos(), read.bos());
    let lines = std::fs::read_to_string(data("sentence_piece/gguf_strings.jsonl")).unwrap();
    for row in lines.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()) {
        let text = row["text"].as_str().unwrap();
        assert_eq!(again.encode(text, false), ids(&row["ids"]), "{text:?}");
        assert_eq!(again.encode(text, true), read.encode(text, true));
    }
    // A BOS and the EOS around a text have a place in a GGUF, nothing else has.
    let around = |before: &[u32], after: &[u32]| {
        let mut json: serde_json::Value = serde_json::from_str(read.json()).unwrap();
        let mark = |id: &u32| serde_json::json!({"SpecialToken": {"id": id.to_string(), "type_id": 0}});
        let special =
            |id: &u32| (id.to_string(), serde_json::json!({"id": id.to_string(), "ids": [id], "tokens": ["x"]}));
        let special: serde_json::Map<_, _> = before.iter().chain(after).map(special).collect();
        let text = serde_json::json!({"Sequence": {"id": "A", "type_id": 0}});
        let single: Vec<_> = before.iter().map(mark).chain([text]).chain(after.iter().map(mark)).collect();
        json["post_processor"] = serde_json::json!({"type": "TemplateProcessing", "single": single, "pair": [],
            "special_tokens": special});
        write(&json.to_string())
    };
    let eos = read.token_to_id("<|end|>").unwrap_or(0);
    let both = ModelArtifact::open(around(&[1], &[eos]).unwrap()).unwrap().tokenizer().unwrap().encode("", true);
    assert_eq!(both, [1, eos]);
    for (before, after) in [(&[1, 2][..], &[][..]), (&[], &[eos + 1]), (&[1], &[eos, eos])] {
        assert!(around(before, after).unwrap_err().to_string().contains("before a text"));
    }
    // One merge a token, as other trainers leave it, says less than scores do.
    let trained = std::fs::read_to_string(data("sentence_piece/tokenizer.json")).unwrap();
    let error = write(&trained).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("every way"), "{error}");
}

#[test]
fn bytes_of_tokens_are_the_text_s() {
    let tokenizer = golden();
    for row in strings() {
        let text = row["text"].as_str().unwrap();
        let ids = tokenizer.encode(text, false);
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.token_bytes(id)).collect();
        assert_eq!(bytes, text.as_bytes());
        assert_eq!(tokenizer.decode(&ids, false), text);
    }
    assert_eq!(tokenizer.token_bytes(5_000_000), b"");
    assert_eq!(tokenizer.decode(&[0, 5_000_000], true), "");
    // Half a character is shown as such, not lost and not a panic.
    let half = (0..1024).find(|&id| tokenizer.token_bytes(id) == [0xc3]).unwrap();
    assert_eq!(tokenizer.decode(&[half], true), "\u{fffd}");
}

#[test]
fn sentence_piece_vocabularies_encode_and_decode_as_in_transformers() {
    let json = std::fs::read(data("sentence_piece/tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::from_json(&json, "tokenizer.json").unwrap();
    assert!(tokenizer.adds_bos());
    assert_eq!(tokenizer.bos(), Some(1));
    let golden = std::fs::read_to_string(data("sentence_piece/strings.jsonl")).unwrap();
    for line in golden.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let (text, expected) = (row["text"].as_str().unwrap(), ids(&row["ids"]));
        assert_eq!(tokenizer.encode(text, true), expected, "{text:?}");
        let decoded = row["decoded"].as_str().unwrap();
        assert_eq!(tokenizer.decode(&expected, true), decoded);
        // Token by token the bytes are the same, but for the space that stands for the text's beginning.
        let plain = expected.iter().filter(|&&id| !tokenizer.is_special(id));
        let bytes: Vec<u8> = plain.flat_map(|&id| tokenizer.token_bytes(id)).collect();
        assert_eq!(String::from_utf8(bytes).unwrap().strip_prefix(' ').unwrap_or_default(), decoded);
    }
}

#[test]
fn special_tokens_are_known_in_text_and_left_out_on_demand() {
    let tokenizer = golden();
    assert_eq!(tokenizer.encode("<|user|><|end|>", false), [2, 0]);
    assert!(tokenizer.is_special(4) && !tokenizer.is_special(5));
    assert_eq!(tokenizer.decode(&[2, 0], false), "<|user|><|end|>");
    assert_eq!(tokenizer.decode(&[2, 0], true), "");
    assert_eq!(tokenizer.token_to_id("<|pad|>"), Some(4));
    // No id in between is without a token.
    assert!((0..tokenizer.vocab_size() as u32).all(|id| !tokenizer.token_bytes(id).is_empty()));
    assert!(!tokenizer.adds_bos());
}

#[test]
fn a_gguf_may_ask_for_bos_and_eos() {
    let yes = Value::Bool(true);
    let tokenizer = from_gguf("smollm", &[("add_bos_token", yes.clone()), ("bos_token_id", Value::U32(1))]).unwrap();
    assert!(tokenizer.adds_bos());
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.pad()), (Some(1), Some(0), Some(4)));
    let bare = tokenizer.encode("ab", false);
    assert_eq!(tokenizer.encode("ab", true), [&[1][..], &bare].concat());
    let tokenizer = from_gguf("smollm", &[("add_eos_token", yes.clone())]).unwrap();
    assert!(!tokenizer.adds_bos());
    assert_eq!(tokenizer.encode("ab", true), [&bare[..], &[0]].concat());
    let error = from_gguf("smollm", &[("add_bos_token", yes), ("bos_token_id", Value::U32(99_999))]).err().unwrap();
    assert!(error.to_string().contains("bos_token_id"), "{error}");
}

#[test]
fn a_gguf_without_a_tokenizer_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    let config = fixtures::config(Architecture::Llama);
    gguf::write_model(&path, &config, &fixtures::tensors(&config), None, gguf::GgufType::F16).unwrap();
    let artifact = ModelArtifact::open(&path).unwrap();
    assert_eq!(artifact.config().vocab_size, 1030);
    let error = artifact.tokenizer().err().unwrap();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("no tokenizer"), "{error}");
}

#[test]
fn vocabularies_we_cannot_read_are_refused_by_name() {
    let refused = |key: &str, value: Value, says: &str| {
        let error = from_gguf("smollm", &[(key, value)]).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(says), "{error}");
    };
    refused("model", Value::Text("bert".into()), "`bert`");
    refused("model", Value::Text("llama".into()), "0 scores for 1030 tokens");
    refused("pre", Value::Text("superbpe".into()), "`superbpe`");
    refused("merges", List::texts(vec!["ab".into()]), "not a pair");
    refused("merges", List::texts(vec!["zz qq".into()]), "tokenizer.ggml");
    refused("tokens", List::texts(vec!["a".into(), "a".into()]), "1030 types for 2 tokens");
    refused("token_type", List::i32s([1]), "1 types");
}

const SPECIAL: [&str; 2] = ["<|end|>", "<|pad|>"];

#[test]
fn trained_ids_are_special_tokens_then_bytes_then_merges() {
    let json = tokenizer_training::train(["a b a b 2024", "é日本 ab"], 300, 5, &SPECIAL).unwrap();
    let tokenizer = Tokenizer::from_json(json.as_bytes(), "x").unwrap();
    assert_eq!((tokenizer.token_to_id("<|end|>"), tokenizer.token_to_id("<|pad|>")), (Some(0), Some(1)));
    let mut bytes: Vec<Vec<u8>> = (2..258).map(|id| tokenizer.token_bytes(id)).collect();
    bytes.sort();
    assert_eq!(bytes, (0..=255u8).map(|b| vec![b]).collect::<Vec<_>>());
    assert!(tokenizer.vocab_size() > 258);
    // Digits never join.
    assert_eq!(tokenizer.encode("2024", false).len(), 4);
}

#[test]
fn impossible_sizes_and_special_tokens_are_refused() {
    for (size, special) in [(257, &SPECIAL[..]), (usize::MAX, &SPECIAL), (1000, &["a", "a"]), (1000, &[""])] {
        assert_eq!(tokenizer_training::train(["text"], size, 0, special).unwrap_err().exit_code(), 2);
    }
    // No text at all leaves the bytes.
    let json = tokenizer_training::train(Vec::<String>::new(), 1000, 90, &SPECIAL).unwrap();
    assert_eq!(Tokenizer::from_json(json.as_bytes(), "x").unwrap().vocab_size(), 258);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // Few letters and many merges: all counts tie, and the same text is reached by several merges.
    #[test]
    fn the_same_texts_train_the_same_tokenizer(texts in proptest::collection::vec("[abAB ]{0,24}", 1..24), more in 1usize..200) {
        let train = || tokenizer_training::train(&texts, 258 + more, more / 8, &SPECIAL).unwrap();
        let first = train();
        for _ in 0..3 {
            prop_assert_eq!(&train(), &first);
        }
    }

    #[test]
    fn every_text_survives_encoding(text in "\\PC*") {
        let tokenizer = golden();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text, false), false), text);
    }
}
