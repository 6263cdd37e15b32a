//! Models that transformers wrote, and our own packages read back.

use bantam_formats::gguf::{GgufType, repackage, write_model};
use bantam_formats::{Architecture, ArtifactKind, DType, ModelArtifact, ModelConfig, OUTPUT, RopeScaling, hf};
use safetensors::SafeTensors;

use crate::fixtures::{self, Tensors, golden_model};

const GOLDEN: [&str; 9] =
    ["llama", "smollm2", "llama3_bias", "llama_linear", "qwen2", "qwen2_untied", "qwen3", "gpt2", "gpt2_untied"];

fn all(artifact: &ModelArtifact) -> Tensors {
    let specs = artifact.config().tensor_specs();
    specs.into_iter().map(|s| (s.name.clone(), s.shape, artifact.tensor(&s.name).unwrap().to_f32())).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn folders_of_transformers_open_with_config_and_tensors() {
    for name in GOLDEN {
        let path = golden_model(name);
        let artifact = ModelArtifact::open(&path).unwrap();
        assert_eq!(artifact.kind(), ArtifactKind::HuggingFace);
        let file = std::fs::read(path.join("model.safetensors")).unwrap();
        assert_eq!(artifact.bytes_on_disk(), file.len() as u64);
        let stored = SafeTensors::deserialize(&file).unwrap();
        assert_eq!(stored.len(), artifact.config().tensor_specs().len(), "{name}");
        for (tensor, shape, data) in all(&artifact) {
            let theirs = stored.tensor(&hf::folder_name(artifact.config(), &tensor)).unwrap();
            let mut values = floats(theirs.data());
            if artifact.config().architecture == Architecture::Gpt2 && tensor.ends_with("_proj.weight") {
                // Stored as [in, out].
                let (out, into) = (shape[0], shape[1]);
                assert_eq!(theirs.shape(), [into, out]);
                values = (0..out * into).map(|i| values[i % into * out + i / into]).collect();
            } else {
                assert_eq!(theirs.shape(), shape);
            }
            assert_eq!(values, data, "{name} {tensor}");
        }
        let error = artifact.tokenizer().err().unwrap().to_string();
        assert!(error.contains("tokenizer.json"), "{error}");
        if artifact.config().architecture == Architecture::Gpt2 {
            continue;
        }
        let v4 = std::fs::read_to_string(path.join("config.v4.json")).unwrap();
        assert_eq!(&ModelConfig::from_hf_json(&v4, "config.v4.json").unwrap(), artifact.config(), "{name}");
    }
}

#[test]
fn configs_say_what_transformers_was_told() {
    let config = |name| ModelArtifact::open(golden_model(name)).unwrap().config().clone();
    let c = config("smollm2");
    assert_eq!(
        (c.architecture, c.num_attention_heads, c.num_key_value_heads, c.head_dim),
        (Architecture::Llama, 9, 3, 4)
    );
    assert!(c.tie_word_embeddings && !c.attention_bias);
    assert_eq!((c.rms_norm_eps, c.rope_theta), (1e-5, 100_000.0));
    assert_eq!((c.bos_token_id, c.eos_token_ids), (None, vec![0]));
    let c = config("qwen2");
    assert_eq!((c.architecture, c.rope_theta, c.attention_bias), (Architecture::Qwen2, 1e6, true));
    let c = config("qwen3");
    assert_eq!((c.architecture, c.hidden_size, c.num_attention_heads, c.head_dim), (Architecture::Qwen3, 16, 4, 8));
    let c = config("gpt2");
    assert_eq!((c.architecture, c.intermediate_size, c.max_position_embeddings), (Architecture::Gpt2, 64, 80));
    assert!(c.tie_word_embeddings && !config("gpt2_untied").tie_word_embeddings);
    assert!(!config("llama").tie_word_embeddings);
    assert_eq!(config("llama_linear").rope_scaling, Some(RopeScaling::Linear { factor: 4.0 }));
    let c = config("llama3_bias");
    assert!(c.attention_bias && matches!(c.rope_scaling, Some(RopeScaling::Llama3 { .. })));
}

#[test]
fn rotary_frequencies_are_those_of_transformers() {
    for name in GOLDEN.into_iter().filter(|n| !n.starts_with("gpt2")) {
        let reference = std::fs::read(golden_model(name).join("reference.safetensors")).unwrap();
        let theirs = floats(SafeTensors::deserialize(&reference).unwrap().tensor("inv_freq").unwrap().data());
        let ours = ModelArtifact::open(golden_model(name)).unwrap().config().rope_inverse_frequencies();
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() <= 2.0 * f32::EPSILON * b, "{name}: {a} {b}");
        }
    }
}

#[test]
fn shards_and_half_precisions_hold_the_same_model() {
    let whole = ModelArtifact::open(golden_model("qwen2_untied")).unwrap();
    let sharded = ModelArtifact::open(golden_model("qwen2_sharded")).unwrap();
    assert_eq!(all(&whole), all(&sharded));
    for (name, dtype, relative) in [("qwen2_bf16", DType::BF16, 1.0 / 256.0), ("qwen2_f16", DType::F16, 1.0 / 2048.0)] {
        let half = ModelArtifact::open(golden_model(name)).unwrap();
        assert_eq!(half.dtype("model.norm.weight"), Some(dtype));
        for ((tensor, _, ours), (_, _, full)) in all(&half).iter().zip(&all(&whole)) {
            for (a, b) in ours.iter().zip(full) {
                assert!((a - b).abs() <= relative * b.abs() + 1e-7, "{name} {tensor}: {a} {b}");
            }
        }
    }
}

#[test]
fn a_folder_reads_back_as_written() {
    let dir = tempfile::tempdir().unwrap();
    for architecture in Architecture::ALL {
        let path = fixtures::folder(dir.path(), architecture);
        for open in [path.as_path(), dir.path()] {
            let artifact = ModelArtifact::open(open).unwrap();
            assert_eq!(artifact.path(), path, "a run folder stands for its model/");
            assert_eq!(artifact.config(), &fixtures::config(architecture));
            assert_eq!(all(&artifact), fixtures::tensors(artifact.config()));
            assert_eq!(artifact.tokenizer_bundle().unwrap().eos_token.as_deref(), Some("<|end|>"));
            assert_eq!(artifact.chat_template(), fixtures::bundle().chat_template.as_deref());
            // Tied: the output matrix is the embedding.
            assert_eq!(artifact.tensor(OUTPUT).unwrap().shape, [1030, 32]);
        }
    }
}

#[test]
fn a_gguf_reads_back_as_written_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    for name in GOLDEN {
        let artifact = ModelArtifact::open(golden_model(name)).unwrap();
        let tensors = all(&artifact);
        for kind in GgufType::ALL {
            let path = dir.path().join("model.gguf");
            let summary = write_model(&path, artifact.config(), &tensors, None, kind).unwrap();
            let back = ModelArtifact::open(&path).unwrap();
            assert_eq!(back.kind(), ArtifactKind::Gguf);
            assert_eq!((back.bytes_on_disk(), back.path()), (summary.file_bytes, path.as_path()));
            let mut config = artifact.config().clone();
            // A file without a vocabulary holds no token ids, and Llama 3's rule becomes divisors.
            config.eos_token_ids.clear();
            config.bos_token_id = None;
            let frequencies = config.rope_inverse_frequencies();
            assert_eq!(back.config().rope_inverse_frequencies().len(), frequencies.len());
            for (a, b) in back.config().rope_inverse_frequencies().iter().zip(&frequencies) {
                assert!((a - b).abs() <= 2.0 * f32::EPSILON * b, "{name}: {a} {b}");
            }
            config.rope_scaling = back.config().rope_scaling.clone();
            assert_eq!(back.config(), &config, "{name}");
            for (tensor, shape, data) in &tensors {
                let read = back.tensor(tensor).unwrap();
                assert_eq!(&read.shape, shape);
                // Which one it is, `gguf/mix.rs` checks.
                assert_eq!(back.dtype(tensor), Some(read.dtype));
                assert!(shape.len() == 2 || read.dtype == DType::F32);
                let largest = data.iter().fold(0f32, |m, v| m.max(v.abs()));
                let tolerance = match read.dtype.bits_per_value() {
                    32.0 => 0.0,
                    16.0 if read.dtype == DType::F16 => largest / 2048.0,
                    16.0 => largest / 256.0,
                    8.5 => largest / 127.0,
                    5.5.. => largest / 15.0,
                    _ => largest / 7.0,
                };
                for (a, b) in read.to_f32().iter().zip(data) {
                    assert!((a - b).abs() <= tolerance, "{name} {tensor} as {kind:?}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn a_package_is_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    let artifact = ModelArtifact::open(golden_model("qwen3")).unwrap();
    let (plain, package) = (dir.path().join("m.gguf"), dir.path().join("m.gguf.zst"));
    repackage(&artifact, &plain, GgufType::F16).unwrap();
    let summary = repackage(&artifact, &package, GgufType::F16).unwrap();
    let (plain, package) = (ModelArtifact::open(plain).unwrap(), ModelArtifact::open(package).unwrap());
    assert_eq!((plain.config(), all(&plain)), (package.config(), all(&package)));
    assert_eq!(package.bytes_on_disk(), summary.file_bytes);
    assert!(package.bytes_on_disk() < plain.bytes_on_disk());
    // What is quantized is not quantized again.
    repackage(&plain, &dir.path().join("q.gguf"), GgufType::Q8_0).unwrap();
    let quantized = ModelArtifact::open(golden_model("qwen2")).unwrap();
    repackage(&quantized, &dir.path().join("q.gguf"), GgufType::Q8_0).unwrap();
    let quantized = ModelArtifact::open(dir.path().join("q.gguf")).unwrap();
    let error = repackage(&quantized, &dir.path().join("r.gguf"), GgufType::Q4_0).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("quantized already (Q8_0)"), "{error}");
}

#[test]
fn gpt2_folders_without_the_class_s_prefix_and_with_masks_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = golden_model("gpt2");
    let bytes = std::fs::read(path.join("model.safetensors")).unwrap();
    let stored = SafeTensors::deserialize(&bytes).unwrap();
    let mask = vec![0u8; 4 * 80 * 80];
    let mut views: Vec<(String, safetensors::tensor::TensorView<'_>)> =
        stored.tensors().into_iter().map(|(name, view)| (name.replace("transformer.", ""), view)).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1, 1, 80, 80], &mask).unwrap();
    views.push(("h.0.attn.bias".into(), view));
    std::fs::write(dir.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    std::fs::copy(path.join("config.json"), dir.path().join("config.json")).unwrap();
    assert_eq!(all(&ModelArtifact::open(dir.path()).unwrap()), all(&ModelArtifact::open(&path).unwrap()));
}

#[test]
fn what_is_only_run_is_not_opened_to_train() {
    for name in GOLDEN {
        let trained = name != "qwen3";
        assert_eq!(ModelArtifact::open_to_train(golden_model(name)).is_ok(), trained, "{name}");
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let at = dir.path().join(name);
        std::fs::create_dir(&at).unwrap();
        let folder = fixtures::folder(&at, Architecture::Llama);
        fixtures::gguf(&at, Architecture::Llama, GgufType::Q8_0);
        (bantam_core::hash::tree(&folder).unwrap(), bantam_core::hash::file(&at.join("model.gguf")).unwrap())
    };
    assert_eq!(write("a"), write("b"));
}

#[test]
fn tensors_that_must_not_be_packaged_are_refused_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let config = fixtures::config(Architecture::Llama);
    let mut tensors = fixtures::tensors(&config);
    tensors[1].2[3] = f32::NAN;
    let gguf = dir.path().join("m.gguf");
    let e = write_model(&gguf, &config, &tensors, None, GgufType::F32).unwrap_err();
    assert_eq!(e.exit_code(), 1);
    assert!(e.to_string().contains("input_layernorm.weight[3]"), "{e}");
    hf::write_folder(&dir.path().join("m"), &config, &tensors, None).unwrap_err();
    tensors[1].2[3] = 0.0;
    tensors[0].2[7] = 1e5;
    let e = write_model(&gguf, &config, &tensors, None, GgufType::F16).unwrap_err();
    assert!(e.to_string().contains("model.embed_tokens.weight[7]"), "{e}");
    tensors.pop();
    write_model(&gguf, &config, &tensors, None, GgufType::F32).unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
