//! Broken and lying files: each is refused in one line that names it; none panics or takes memory by its word.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bantam_core::Error;
use bantam_formats::gguf::{self, GgufType, List, Value};
use bantam_formats::{Architecture, ModelArtifact, Tokenizer};
use serde_json::{Value as Json, json};

use crate::{fixtures, memory};

/// Most bytes that refusing a file may have in use at once, beside twice the file's own: the error's text, short names and the tables of the entries
/// that are really there.
const REFUSAL_MEMORY: usize = 64 << 10;

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
        let (_, valid_peak) = memory::peak_of(|| ModelArtifact::open(&folder).map(drop));
        for (bytes, says) in cases {
            std::fs::write(&path, bytes).unwrap();
            let (error, peak) = memory::peak_of(|| ModelArtifact::open(&folder).err());
            let error = error.unwrap_or_else(|| panic!("opened, but: {says}"));
            assert_refusal(&error, says);
            assert!(peak <= 2 * valid_peak, "{peak} bytes, {valid_peak} for the valid file: {says}");
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
    fn lies_and_damage_are_refused_before_memory_is_taken() {
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
            (one_tensor().tensor("t", &[33], 2, 0).zeros(64), "does not fit Q4_0"),
            (one_tensor().tensor("t", &[128], 12, 0).zeros(96), "does not fit Q4_K"),
            (one_tensor().tensor("t", &[256, 1 << 55], 14, 0).zeros(256), "the file holds"),
            (one_tensor().tensor("t", &[256, 1 << 60], 14, 0).zeros(256), "does not fit Q6_K"),
            (one_tensor().tensor("t", &[256, 2], 13, 0).zeros(300), "the file holds"),
            (one_tensor().tensor("t", &[256], 10, 0).zeros(96), "Q2_K is not supported"),
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
            let allowed = 2 * bytes.0.len() + REFUSAL_MEMORY;
            std::fs::write(&path, bytes.0).unwrap();
            let ((), peak) = memory::peak_of(|| assert_refused(&path, says));
            assert!(peak <= allowed, "{peak} bytes were in use at once, {allowed} are allowed: {says}");
        }
    }

    #[test]
    fn sizes_claimed_by_keys_are_refused_before_memory_is_taken() {
        // A valid file whose keys claim a model of up to 10^19 values a matrix: what it takes to read the file itself, and no more.
        let dir = tempfile::tempdir().unwrap();
        let path = fixtures::gguf(dir.path(), Architecture::Llama, GgufType::Q8_0);
        let (opened, valid_peak) = memory::peak_of(|| ModelArtifact::open(&path).is_ok());
        assert!(opened);
        let sizes =
            ["block_count", "embedding_length", "feed_forward_length", "context_length", "attention.head_count"];
        for size in sizes {
            for claim in [Value::U32(u32::MAX), Value::U64(u64::MAX), Value::U64(1 << 62), Value::U32(1 << 24)] {
                let path = with_keys(dir.path(), |keys| {
                    keys.insert(format!("llama.{size}"), claim.clone());
                });
                let (refused, peak) = memory::peak_of(|| ModelArtifact::open(&path).is_err());
                // The context is a limit of use; nothing is laid out for it when a model is opened.
                assert!(refused || size == "context_length", "{size} {claim:?}");
                assert!(peak <= 2 * valid_peak, "{size} {claim:?}: {peak} bytes, {valid_peak} for the valid file");
            }
        }
    }

    #[test]
    fn a_package_that_claims_much_is_refused_before_memory_is_taken() {
        // A Zstandard frame (RFC 8878, 3.1.1): a descriptor byte, a window descriptor unless the frame is one segment, the content's size in 8 bytes.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf.zst");
        for (descriptor, window, claim) in
            [(0xe0, None, u64::MAX), (0xe0, None, 1 << 40), (0xc0, Some(0xff), 1 << 20), (0xc0, Some(0xf8), u64::MAX)]
        {
            let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, descriptor];
            frame.extend(window);
            frame.extend(u64::to_le_bytes(claim));
            frame.extend([0; 64]);
            std::fs::write(&path, &frame).unwrap();
            let (refused, peak) = memory::peak_of(|| ModelArtifact::open(&path).is_err());
            assert!(refused, "{descriptor:x} {window:?} {claim}");
            // The largest claim that is believed is what the smallest package may become.
            assert!(peak <= (16 << 20) + REFUSAL_MEMORY, "{descriptor:x} {window:?} {claim}: {peak} bytes");
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
            bytes: Box::new(move || Ok(bytes[t.range.clone()].to_vec())),
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

    static VALID: LazyLock<Json> = LazyLock::new(fixtures::small_tokenizer);

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
            (
                with(
                    "/pre_tokenizer",
                    json!({"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated",
                "invert": false}),
                ),
                "repeats a group",
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
