//! Broken and lying files: each is refused in one line that names it; none panics or takes memory by its word.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bantam_core::Error;
use bantam_formats::gguf::{self, GgufType, List, Value};
use bantam_formats::{Architecture, ModelArtifact, Tokenizer, tokenizer_training};
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

/// The error is the user's to mend, on one line, and says so much.
fn assert_refusal(error: &Error, says: &str) {
    let line = error.to_string();
    assert_eq!(error.exit_code(), 2, "{line}");
    assert!(!line.contains('\n') && line.len() < 600, "{line}");
    assert!(line.contains(says), "`{says}` is not in: {line}");
}

fn assert_refused(path: &Path, says: &str) {
    let error = ModelArtifact::open(path).err().unwrap_or_else(|| panic!("opened, but: {says}"));
    assert_refusal(&error, says);
    let place = path.file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(place), "{error}");
}

mod safetensors_files {
    use super::*;

    fn file(header: &Json, data: usize) -> Vec<u8> {
        let header = header.to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0u8; data]].concat()
    }

    #[test]
    fn lies_and_damage_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = fixtures::folder(dir.path(), Architecture::Llama);
        let path = folder.join("model.safetensors");
        let valid = std::fs::read(&path).unwrap();
        let length = |n: u64| [&n.to_le_bytes()[..], &valid[8..]].concat();
        let entry =
            |shape: Json, from: u64, to: u64| json!({"dtype": "F32", "shape": shape, "data_offsets": [from, to]});
        let two = |a: Json, b: Json, data: usize| file(&json!({"a": a, "b": b}), data);
        let huge = 1u64 << 63;
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (vec![], "too few"),
            (valid[..7].to_vec(), "too few"),
            (valid[..100].to_vec(), "claims"),
            (valid[..valid.len() - 1].to_vec(), "the file has"),
            ([&valid[..], b"x"].concat(), "the file has"),
            (length(u64::MAX), "claims 18446744073709551615 bytes"),
            (length(0), "header"),
            (length(1 << 40), "claims"),
            ([&4u64.to_le_bytes()[..], &[0xff; 4]].concat(), "header"),
            (file(&json!([]), 0), "header"),
            (file(&json!({"a": {"dtype": "F32", "shape": [1]}}), 4), "header"),
            (file(&json!({"a": entry(json!([1]), 0, 4)}), 0), "the file has 0"),
            (file(&json!({"a": entry(json!([2]), 0, 4)}), 4), "header"),
            (file(&json!({"a": entry(json!([huge, 4]), 0, 4)}), 4), "header"),
            (file(&json!({"a": entry(json!([huge / 4]), 0, u64::MAX)}), 4), "header"),
            (two(entry(json!([2]), 0, 8), entry(json!([2]), 4, 12), 12), "header"),
            (two(entry(json!([1]), 0, 4), entry(json!([1]), 8, 12), 12), "header"),
            (two(entry(json!([1]), 4, 0), entry(json!([1]), 4, 8), 8), "header"),
            (file(&json!({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}), 8), "I64"),
            (file(&json!({"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 8]}}), 8), "header"),
        ];
        for (bytes, says) in cases {
            std::fs::write(&path, bytes).unwrap();
            let error = ModelArtifact::open(&folder).err().unwrap_or_else(|| panic!("opened, but: {says}"));
            assert_refusal(&error, says);
            assert!(error.to_string().contains("model.safetensors"), "{error}");
        }
    }

    #[test]
    fn tensors_must_be_those_of_the_config() {
        let dir = tempfile::tempdir().unwrap();
        let folder = fixtures::folder(dir.path(), Architecture::Llama);
        let path = folder.join("config.json");
        let valid: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for (key, value, says) in [
            ("vocab_size", json!(1031), "model.embed_tokens.weight: shape [1030, 32]"),
            ("num_hidden_layers", json!(2), "model.layers.1.input_layernorm.weight: tensor missing"),
            ("num_hidden_layers", json!(4096), "4096 layers claimed"),
            ("intermediate_size", json!(48), "mlp.gate_proj.weight: shape"),
            ("attention_bias", json!(true), "q_proj.bias: tensor missing"),
            ("tie_word_embeddings", json!(false), "lm_head.weight: tensor missing"),
            ("head_dim", json!(16), "q_proj.weight: shape"),
            ("model_type", json!("qwen2"), "q_proj.bias: tensor missing"),
        ] {
            let mut config = valid.clone();
            config[key] = value;
            std::fs::write(&path, config.to_string()).unwrap();
            assert_refused(&folder, says);
        }
        // The other way round: tensors the config knows nothing of.
        let bias = fixtures::config(Architecture::Qwen2);
        bantam_formats::hf::write_folder(&folder, &bias, &fixtures::tensors(&bias), None).unwrap();
        std::fs::write(&path, valid.to_string()).unwrap();
        assert_refused(&folder, "k_proj.bias: a tensor that the config has no place for");
    }

    #[test]
    fn folders_that_lack_or_misname_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("nothing");
        assert_refused(&missing, "cannot read");
        assert_refused(dir.path(), "neither config.json");
        let folder = fixtures::folder(dir.path(), Architecture::Llama);
        std::fs::rename(folder.join("model.safetensors"), folder.join("other.safetensors")).unwrap();
        assert_refused(&folder, "neither model.safetensors");
        let index = |text: String| std::fs::write(folder.join("model.safetensors.index.json"), text).unwrap();
        for outside in ["../model/other.safetensors", "/etc/passwd", "..", "", "a/b"] {
            index(json!({"weight_map": {"model.norm.weight": outside}}).to_string());
            assert_refused(&folder, "not a plain file name");
        }
        index(json!({"weight_map": {"model.norm.weight": 3}}).to_string());
        assert_refused(&folder, "not a plain file name");
        index(json!({"weight_map": {"model.norm.weight": "gone.safetensors"}}).to_string());
        assert_refused(&folder, "gone.safetensors: cannot read");
        index("{".into());
        assert_refused(&folder, "not a JSON object");
        index("{}".into());
        assert_refused(&folder, "weight_map");
        index(json!({"weight_map": {"model.norm.weight": "other.safetensors"}}).to_string());
        ModelArtifact::open(&folder).unwrap();
        std::fs::write(folder.join("generation_config.json"), "[]").unwrap();
        assert_refused(&folder, "generation_config.json");
    }
}

mod gguf_files {
    use super::*;

    /// Little-endian bytes, piece by piece.
    #[derive(Clone, Default)]
    struct Bytes(Vec<u8>);

    impl Bytes {
        fn head(version: u32, tensors: u64, keys: u64) -> Self {
            Self(b"GGUF".to_vec()).u32(version).u64(tensors).u64(keys)
        }
        fn u8(mut self, v: u8) -> Self {
            self.0.push(v);
            self
        }
        fn u32(mut self, v: u32) -> Self {
            self.0.extend(v.to_le_bytes());
            self
        }
        fn u64(mut self, v: u64) -> Self {
            self.0.extend(v.to_le_bytes());
            self
        }
        fn text(self, text: &[u8]) -> Self {
            let mut out = self.u64(text.len() as u64);
            out.0.extend(text);
            out
        }
        fn tensor(self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
            let out = self.text(name.as_bytes()).u32(dimensions.len() as u32);
            dimensions.iter().fold(out, |out, &d| out.u64(d)).u32(kind).u64(offset)
        }
        fn zeros(mut self, n: usize) -> Self {
            self.0.resize(self.0.len() + n, 0);
            self
        }
    }

    #[test]
    fn lies_and_damage_are_refused() {
        let one_key = || Bytes::head(3, 0, 1);
        let one_tensor = || Bytes::head(3, 1, 0);
        let list = || one_key().text(b"k").u32(9);
        let cases: Vec<(Bytes, &str)> = vec![
            (Bytes::default(), "ends here"),
            (Bytes(b"GGML".to_vec()).zeros(40), "does not begin with GGUF"),
            (Bytes(b"GGUF".to_vec()), "ends here"),
            (Bytes::head(1, 0, 0), "version 1"),
            (Bytes::head(99, 0, 0), "version 99"),
            (Bytes::head(3u32.swap_bytes(), 0, 0), "big-endian"),
            (Bytes::head(3, u64::MAX, 0), "18446744073709551615 tensors are claimed"),
            (Bytes::head(3, 0, u64::MAX), "18446744073709551615 keys are claimed"),
            (Bytes::head(3, 0, 1 << 40), "keys are claimed"),
            (Bytes::head(3, 0, 2).text(b"k").u32(4).u32(1).zeros(12), "(in key ``): the file ends here"),
            (one_key().u64(u64::MAX).zeros(64), "a key of 18446744073709551615 bytes"),
            (one_key().text(&[0xff, 0xfe]).u32(4).u32(1), "key is not UTF-8"),
            (one_key().text(b"k").u32(13).zeros(8), "(in key `k`): value kind 13"),
            (one_key().text(b"k").u32(7).u8(2), "boolean of 2"),
            (one_key().text(b"k").u32(8).u64(1 << 60).zeros(8), "a text of"),
            (one_key().text(b"k").u32(8).text(&[0x80]), "text is not UTF-8"),
            (list().u32(9).u64(1).zeros(64), "list of kind 9"),
            (list().u32(99).u64(1).zeros(64), "list of kind 99"),
            (list().u32(4).u64(1 << 62).zeros(64), "list entries are claimed"),
            (list().u32(8).u64(8).zeros(63), "list entries are claimed"),
            (list().u32(8).u64(2).u64(0).u64(9).zeros(3), "a text of 9 bytes"),
            (Bytes::head(3, 0, 2).text(b"k").u32(4).u32(1).text(b"k").u32(4).u32(1), "`k` stands twice"),
            (one_key().text(b"general.alignment").u32(4).u32(0), "power of two"),
            (one_key().text(b"general.alignment").u32(4).u32(48), "power of two"),
            (one_key().text(b"general.alignment").u32(8).text(b"32"), "power of two"),
            (one_tensor().tensor("t", &[], 0, 0).zeros(64), "0 dimensions"),
            (one_tensor().tensor("t", &[1; 5], 0, 0).zeros(64), "5 dimensions"),
            (one_tensor().text(b"t").u32(u32::MAX).zeros(64), "4294967295 dimensions"),
            (one_tensor().tensor("t", &[4, 0], 0, 0).zeros(64), "dimension of 0"),
            (one_tensor().tensor("t", &[1 << 62, 1 << 62], 0, 0).zeros(64), "does not fit"),
            (one_tensor().tensor("t", &[u64::MAX], 0, 0).zeros(64), "does not fit"),
            (one_tensor().tensor("t", &[33], 8, 0).zeros(64), "does not fit Q8_0"),
            (one_tensor().tensor("t", &[32], 2, 0).zeros(64), "Q4_0 is not supported"),
            (one_tensor().tensor("t", &[32], 77, 0).zeros(64), "number 77"),
            (one_tensor().tensor("t", &[4], 0, 8).zeros(64), "offset is 8"),
            (one_tensor().tensor("t", &[4], 0, u64::MAX).zeros(64), "offset"),
            (one_tensor().tensor("t", &[40], 0, 0).zeros(64), "the file holds"),
            (one_tensor().tensor("t", &[1 << 40], 0, 0).zeros(64), "the file holds"),
            (Bytes::head(3, 2, 0).tensor("t", &[4], 0, 0).tensor("t", &[4], 0, 32).zeros(96), "`t` stands twice"),
            (Bytes::head(3, 2, 0).tensor("t", &[4], 0, 0).tensor("u", &[4], 0, 0).zeros(96), "32 is due"),
            (Bytes::head(3, 0, 0), "general.architecture"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf");
        for (bytes, says) in cases {
            std::fs::write(&path, bytes.0).unwrap();
            assert_refused(&path, says);
        }
    }

    type Keys = HashMap<String, Value>;

    /// A valid file with its keys changed.
    fn with_keys(dir: &Path, change: impl FnOnce(&mut Keys)) -> PathBuf {
        let path = fixtures::gguf(dir, Architecture::Llama, GgufType::Q8_0);
        let file = std::fs::read(&path).unwrap();
        let gguf::Contents { mut keys, tensors } = gguf::parse(&file, "x").unwrap();
        change(&mut keys);
        let bytes = &file;
        let copied = tensors.into_iter().map(|t| gguf::Tensor {
            name: t.name,
            shape: t.shape,
            dtype: t.dtype,
            bytes: Box::new(move || bytes[t.range.clone()].to_vec()),
        });
        gguf::write(&path, &keys.into_iter().collect::<Vec<_>>(), &copied.collect::<Vec<_>>()).unwrap();
        path
    }

    #[test]
    fn keys_that_do_not_make_a_model_are_refused() {
        let u32 = Value::U32;
        let text = |t: &str| Value::Text(t.into());
        let cases: Vec<(&str, Option<Value>, &str)> = vec![
            ("general.architecture", None, "general.architecture"),
            ("general.architecture", Some(text("mamba")), "`mamba`"),
            ("general.architecture", Some(u32(3)), "general.architecture"),
            ("llama.block_count", None, "llama.block_count: missing"),
            ("llama.block_count", Some(u32(2)), "tensor missing"),
            ("llama.block_count", Some(u32(u32::MAX)), "num_hidden_layers"),
            ("llama.block_count", Some(text("1")), "a text where a size is due"),
            ("llama.embedding_length", Some(u32(0)), "hidden_size"),
            ("llama.embedding_length", Some(Value::I64(-32)), "llama.embedding_length"),
            ("llama.embedding_length", Some(u32(64)), "shape"),
            ("llama.embedding_length", Some(Value::U64(u64::MAX)), "hidden_size"),
            ("llama.attention.head_count", Some(u32(0)), "num_attention_heads"),
            ("llama.attention.head_count", Some(List::i32s([4])), "a list where a size is due"),
            ("llama.attention.head_count_kv", Some(u32(3)), "num_key_value_heads"),
            ("llama.attention.head_count_kv", Some(u32(0)), "num_key_value_heads"),
            ("llama.attention.key_length", Some(u32(16)), "differs from the head's width 16"),
            ("llama.attention.value_length", Some(u32(16)), "differs from the head's width"),
            ("llama.rope.dimension_count", Some(u32(4)), "differs from the head's width"),
            ("llama.rope.freq_base", Some(Value::F32(f32::NAN)), "rope_theta"),
            ("llama.rope.freq_base", Some(u32(10_000)), "where a float is due"),
            ("llama.rope.scaling.type", Some(text("yarn")), "`yarn`"),
            ("llama.rope.scaling.type", Some(text("linear")), "factor: missing"),
            ("llama.attention.layer_norm_rms_epsilon", None, "epsilon: missing"),
            ("llama.attention.layer_norm_rms_epsilon", Some(Value::F32(-1.0)), "rms_norm_eps"),
            ("llama.context_length", Some(u32(0)), "max_position_embeddings"),
            ("llama.expert_count", Some(u32(8)), "expert_count"),
            ("llama.attention.sliding_window", Some(u32(8)), "sliding_window"),
            ("tokenizer.ggml.tokens", Some(text("a")), "tokenizer.ggml.tokens: a text"),
            ("tokenizer.ggml.tokens", Some(List::texts(vec!["a".into(); 2000])), "2000 tokens for 1030 rows"),
            ("tokenizer.ggml.token_type", Some(text("a")), "token_type"),
            ("tokenizer.ggml.merges", Some(List::i32s([1])), "merges"),
            ("tokenizer.ggml.eos_token_id", Some(Value::I32(-1)), "eos_token_id"),
            ("tokenizer.ggml.add_bos_token", Some(u32(1)), "add_bos_token"),
        ];
        for (key, value, says) in cases {
            let dir = tempfile::tempdir().unwrap();
            let path = with_keys(dir.path(), |keys| {
                keys.remove(key);
                keys.extend(value.map(|v| (key.to_owned(), v)));
            });
            assert_refused(&path, says);
        }
    }

    #[test]
    fn tensors_that_do_not_make_a_model_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = fixtures::gguf(dir.path(), Architecture::Llama, GgufType::F32);
        let valid = std::fs::read(&path).unwrap();
        let renamed = |from: &str, to: &str| {
            let at = valid.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            let mut bytes = valid.clone();
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            bytes
        };
        for (from, to, says) in [
            ("token_embd.weight", "token_embd.wéght", "token_embd.wéght: a tensor that Bantam has no place for"),
            ("blk.0.attn_q.weight", "blk.7.attn_q.weight", "q_proj.weight: tensor missing"),
            ("blk.0.attn_q.weight", "rope_freqs.weight\0\0", "rope_freqs.weight"),
        ] {
            std::fs::write(&path, renamed(from, to)).unwrap();
            assert_refused(&path, says);
        }
    }
}

mod tokenizer_files {
    use super::*;

    pub(super) static VALID: LazyLock<Json> = LazyLock::new(|| {
        let json = tokenizer_training::train(["it's an order of 12 apples"; 4], 280, &["<|end|>"]).unwrap();
        serde_json::from_str(&json).unwrap()
    });

    #[test]
    fn malformed_tokenizers_are_refused() {
        let with = |pointer: &str, value: Json| {
            let mut json = VALID.clone();
            *json.pointer_mut(pointer).unwrap() = value;
            json.to_string()
        };
        let template = json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}],
            "pair": [], "special_tokens": {}});
        let split = json!({"type": "Split", "pattern": {"Regex": "(["}, "behavior": "Isolated", "invert": false});
        let cases = [
            (String::new(), "not JSON"),
            ("[]".into(), "`model`"),
            ("{}".into(), "`model`"),
            ("[".repeat(100_000), "not JSON"),
            (with("/version", json!("9.0")), "not a tokenizer"),
            (with("/model", Json::Null), "`model`"),
            (with("/model/type", json!("Unigram")), "not BPE"),
            (with("/model/vocab", json!([])), "not a tokenizer"),
            (with("/model/vocab", json!({})), "not a tokenizer"),
            (with("/model/vocab/!", json!(u32::MAX)), "token ids"),
            (with("/model/vocab/!", json!(-1)), "not a tokenizer"),
            (with("/model/merges", json!(["a"])), "not a tokenizer"),
            (with("/model/merges", json!([["a", "zzz"]])), "not a tokenizer"),
            (with("/model/unk_token", json!("<unk>")), "unk_token"),
            (with("/model/continuing_subword_prefix", json!("##########")), "continuing_subword_prefix"),
            (with("/model/dropout", json!(7)), "not a tokenizer"),
            (with("/pre_tokenizer", split), "not a tokenizer"),
            (with("/post_processor", template), "does not list `[CLS]`"),
            (
                with("/post_processor", json!({"type": "BertProcessing", "sep": ["x", 9999], "cls": ["y", 0]})),
                "id 9999",
            ),
            (with("/normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"})), "`Precompiled`"),
            (with("/decoder", json!({"type": "Strip", "content": " ", "start": 0, "stop": 3})), "Strip"),
            (with("/normalizer", json!({"type": "Replace", "pattern": {"String": ""}, "content": "x"})), "Replace"),
            (with("/pre_tokenizer", json!({"type": "FixedLength", "length": 0})), "`FixedLength`"),
            (with("/added_tokens", json!([{"content": "x"}])), "not a tokenizer"),
        ];
        for (text, says) in cases {
            let error =
                Tokenizer::from_json(text.as_bytes(), "x/tokenizer.json").err().unwrap_or_else(|| panic!("{says}"));
            assert_refusal(&error, says);
            assert!(error.to_string().starts_with("x/tokenizer.json: "), "{error}");
        }
    }

    #[test]
    fn padding_and_truncation_in_the_file_change_nothing() {
        let plain = Tokenizer::from_json(VALID.to_string().as_bytes(), "x").unwrap();
        let mut json = VALID.clone();
        json["truncation"] = json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
        json["padding"] = json!({"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "<|end|>"});
        let dressed = Tokenizer::from_json(json.to_string().as_bytes(), "x").unwrap();
        assert_eq!(dressed.encode("it's an order", true), plain.encode("it's an order", true));
    }

    #[test]
    fn a_tokenizer_larger_than_the_model_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = fixtures::folder(dir.path(), Architecture::Llama);
        let path = folder.join("tokenizer.json");
        let mut json: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        json["model"]["vocab"]["zzzzzz"] = json!(1030);
        std::fs::write(&path, json.to_string()).unwrap();
        let error = ModelArtifact::open(&folder).unwrap().tokenizer().err().unwrap();
        assert_refusal(&error, "the tokenizer has 1031 ids, the model 1030");
    }
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
}

// One copy for each test's thread: damage must not reach what another test has open.
thread_local! {
    static MODELS: Models = {
        let dir = tempfile::tempdir().unwrap();
        let folder = fixtures::folder(dir.path(), Architecture::Qwen2);
        Models { folder, gguf: fixtures::gguf(dir.path(), Architecture::Llama, GgufType::Q8_0), _dir: dir }
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
    fn a_damaged_safetensors_never_panics(damages in proptest::collection::vec(damage(1600), 1..4)) {
        MODELS.with(|m| open_damaged(&m.folder, &m.folder.join("model.safetensors"), &damages));
    }

    #[test]
    fn a_damaged_config_never_panics(damages in proptest::collection::vec(damage(700), 1..4)) {
        MODELS.with(|m| open_damaged(&m.folder, &m.folder.join("config.json"), &damages));
    }

    #[test]
    fn a_tokenizer_with_a_damaged_part_never_panics(place in any::<prop::sample::Index>(), shallow in any::<bool>(), value in some_json()) {
        let mut json = tokenizer_files::VALID.clone();
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
