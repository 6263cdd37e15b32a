//! Models with any mixers: folders and GGUFs read back as written, in formats that suit each tensor.

use std::path::Path;

use bantam_formats::gguf::{self, GgufType, Value, repackage, write_model};
use bantam_formats::{Architecture, DType, MixerConfig, ModelArtifact, ModelConfig, hf};

use crate::fixtures;
use crate::memory;

/// A model with every mixer that there is, in 32 and 64 columns where sizes are free.
fn config() -> ModelConfig {
    let mixers = vec![
        MixerConfig::Mamba2 { inner_size: 64, head_dim: 8, groups: 2, state_size: 3, conv_kernel: 4 },
        MixerConfig::Attention,
        MixerConfig::Lstm { hidden_size: 32 },
        MixerConfig::Gru { hidden_size: 20, layers: 2 },
        MixerConfig::Rwkv4 { inner_size: 32 },
        MixerConfig::Rwkv7 { head_dim: 8, ranks: [2, 3, 4, 5], first: false },
        MixerConfig::Retnet { heads: 2, value_size: 64 },
        MixerConfig::S4d { states: 4 },
        MixerConfig::Hyena { length: 64, filter_size: 32, features: 5 },
        MixerConfig::Performer { heads: 2, features: 16 },
        MixerConfig::Rwkv7 { head_dim: 8, ranks: [2, 3, 4, 5], first: false },
        MixerConfig::Shortconv { kernel: 3 },
        MixerConfig::Linformer { heads: 2, length: 64, projected: 32 },
    ];
    ModelConfig { num_hidden_layers: mixers.len(), mixers, ..fixtures::config(Architecture::Llama) }
}

#[test]
fn a_model_with_every_mixer_reads_back_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let (config, tensors) = (config(), fixtures::tensors(&config()));
    let folder = dir.path().join("model");
    hf::write_folder(&folder, &config, &tensors, Some(&fixtures::bundle())).unwrap();
    let artifact = ModelArtifact::open(&folder).unwrap();
    assert_eq!(artifact.config(), &config);
    for kind in [GgufType::F32, GgufType::F16, GgufType::Q8_0, GgufType::Q4KM] {
        for name in ["model.gguf", "model.gguf.zst"] {
            let path = dir.path().join(name);
            let summary = repackage(&artifact, &path, kind).unwrap();
            let back = ModelArtifact::open(&path).unwrap();
            assert_eq!(back.config(), &config, "{kind:?}");
            assert_eq!(back.tokenizer_bundle().unwrap().eos_token.as_deref(), Some("<|end|>"));
            for (tensor, shape, data) in &tensors {
                let read = back.tensor(tensor).unwrap();
                assert_eq!(&read.shape, shape, "{tensor}");
                let largest = data.iter().fold(0f32, |m, v| m.max(v.abs()));
                let tolerance = match read.dtype.bits_per_value() {
                    32.0 => 0.0,
                    16.0 => largest / 2048.0,
                    8.5 => largest / 127.0,
                    _ => largest / 15.0,
                };
                let worst = read.to_f32().iter().zip(data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst <= tolerance, "{tensor} as {kind:?}: {worst}");
            }
            if kind != GgufType::Q8_0 {
                continue;
            }
            for (tensor, elements, dtype) in &summary.tensors {
                let Some((_, part)) = tensor.split_once(".mixer.") else { continue };
                let kept = match part {
                    "in_proj.weight" | "out_proj.weight" | "output.weight" => false,
                    "key.weight" | "value.weight" | "receptance.weight" => false,
                    part => !part.contains("_proj.weight") && !part.starts_with("weight_"),
                };
                // Rows of 20 are no whole blocks.
                let shape = &tensors.iter().find(|(n, ..)| n.ends_with(&tensor[4..])).unwrap().1;
                let expected = match (kept, shape.last()) {
                    (true, _) => DType::F32,
                    (false, Some(20)) => DType::F16,
                    _ => DType::Q8_0,
                };
                assert_eq!(*dtype, expected, "{tensor}");
                assert!(*elements <= 32 * 64 || !kept, "{tensor} of {elements} stays F32");
            }
        }
    }
}

#[test]
fn llama_cpp_s_own_architectures_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    let config = ModelConfig { mixers: vec![MixerConfig::Attention], ..fixtures::config(Architecture::Llama) };
    write_model(&path, &config, &fixtures::tensors(&config), None, GgufType::F32).unwrap();
    let file = std::fs::read(&path).unwrap();
    let contents = gguf::parse(&file, "x").unwrap();
    assert_eq!(contents.keys["general.architecture"], Value::Text("llama".into()));
    assert!(!contents.keys.keys().any(|k| k.contains("mixers")));
}

/// Writes the model with one key changed, or without it.
fn with_key(path: &Path, key: &str, value: Option<Value>) {
    write_model(path, &config(), &fixtures::tensors(&config()), None, GgufType::F32).unwrap();
    let file = std::fs::read(path).unwrap();
    let gguf::Contents { mut keys, tensors } = gguf::parse(&file, "x").unwrap();
    keys.remove(key);
    keys.extend(value.map(|v| (key.to_owned(), v)));
    let bytes = &file;
    let copied = tensors.into_iter().map(|t| gguf::Tensor {
        name: t.name,
        shape: t.shape,
        dtype: t.dtype,
        bytes: Box::new(move || Ok(bytes[t.range.clone()].to_vec())),
    });
    gguf::write(path, &keys.into_iter().collect::<Vec<_>>(), &copied.collect::<Vec<_>>()).unwrap();
}

#[test]
fn patterns_that_do_not_make_a_model_are_refused_before_memory_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    with_key(&path, "no.key", None);
    let (opened, valid_peak) = memory::peak_of(|| ModelArtifact::open(&path).is_ok());
    assert!(opened);
    let text = |t: &str| Some(Value::Text(t.into()));
    let cases = [
        ("bantam.mixers", None, "bantam.mixers: missing"),
        ("bantam.mixers", Some(Value::U32(3)), "an unsigned integer where a text is due"),
        ("bantam.mixers", text("mamba2"), "bantam.mixers: expected"),
        ("bantam.mixers", text("[]"), "an empty pattern"),
        ("bantam.mixers", text(&"[".repeat(10_000)), "bantam.mixers"),
        ("bantam.mixers", text(r#"[{"type":"mamba3"}]"#), "mamba3"),
        ("bantam.mixers", text(r#"[{"type":"lstm"}]"#), "hidden_size"),
        ("bantam.mixers", text(r#"[{"type":"lstm","hidden_size":0}]"#), "hidden_size"),
        ("bantam.mixers", text(r#"[{"type":"lstm","hidden_size":-1}]"#), "bantam.mixers"),
        ("bantam.mixers", text(r#"[{"type":"lstm","hidden_size":67108864}]"#), "tensor missing"),
        ("bantam.mixers", text(r#"[{"type":"gru","hidden_size":8,"layers":67108864}]"#), "layers of gru"),
        ("bantam.mixers", text(r#"[{"type":"attention"}]"#), "tensor missing"),
        ("bantam.block_count", Some(Value::U32(4096)), "num_hidden_layers"),
        ("general.architecture", text("llama"), "a tensor that Bantam has no place for"),
        ("general.architecture", text("qwen2"), "a tensor that Bantam has no place for"),
    ];
    for (key, value, says) in cases {
        with_key(&path, key, value);
        let (error, peak) = memory::peak_of(|| ModelArtifact::open(&path).err());
        let error = error.unwrap_or_else(|| panic!("opened, but: {says}"));
        let line = error.to_string();
        assert!(error.exit_code() == 2 && line.contains(says) && !line.contains('\n'), "`{says}`: {line}");
        assert!(peak <= 2 * valid_peak + (64 << 10), "{says}: {peak} bytes against {valid_peak}");
    }
}

#[test]
fn mamba2_alone_has_llama_cpp_s_names_and_layout() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/mixer_models/mamba2_groups");
    let artifact = ModelArtifact::open(&folder).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    gguf::repackage(&artifact, &path, GgufType::Q8_0).unwrap();
    let file = std::fs::read(&path).unwrap();
    let gguf::Contents { keys, tensors } = gguf::parse(&file, "x").unwrap();
    let sizes = [("conv_kernel", 4), ("inner_size", 32), ("state_size", 5), ("time_step_rank", 4), ("group_count", 2)];
    for (key, size) in sizes {
        assert_eq!(keys[&format!("mamba2.ssm.{key}")], Value::U32(size), "{key}");
    }
    let shape = |name: &str| tensors.iter().find(|t| t.name == format!("blk.1.{name}")).unwrap().shape.clone();
    assert_eq!(
        [shape("ssm_a"), shape("ssm_d"), shape("ssm_norm.weight"), shape("ssm_conv1d.weight")],
        [[4, 1], [4, 1], [2, 16], [52, 4]]
    );
    let decays = tensors.iter().find(|t| t.name == "blk.1.ssm_a").unwrap();
    let stored = file[decays.range.clone()].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    let a_log = artifact.tensor("model.layers.1.mixer.A_log").unwrap().to_f32();
    assert!(stored.eq(a_log.iter().map(|a| -a.exp())));
    // Read back it is the same model.
    let again = ModelArtifact::open(&path).unwrap();
    assert_eq!(again.config().mixers, artifact.config().mixers);
    let back = again.tensor("model.layers.1.mixer.A_log").unwrap().to_f32();
    assert!(back.iter().zip(&a_log).all(|(a, b)| (a - b).abs() < 1e-6));
    let contents = gguf::Contents { keys, tensors };
    for (key, value) in [("mamba2.ssm.time_step_rank", Value::U32(0)), ("mamba2.ssm.group_count", Value::U32(3))] {
        refused_with(&contents, &file, dir.path(), key, value);
    }
}

/// The models that Bantam alone has a format for.
#[test]
fn rwkv_reads_back_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    let wide = rwkv7_with_heads_of_64();
    for (config, name) in [
        (fixtures::config(Architecture::Rwkv4), "bantam"),
        (ModelConfig { tie_word_embeddings: false, ..fixtures::config(Architecture::Rwkv4) }, "bantam"),
        (ModelConfig { tie_word_embeddings: false, ..fixtures::config(Architecture::Rwkv7) }, "bantam"),
        (ModelConfig { tie_word_embeddings: true, ..wide.clone() }, "bantam"),
        (wide, "rwkv7"),
    ] {
        let config = ModelConfig { num_hidden_layers: 2, ..config };
        let tensors = fixtures::tensors(&config);
        write_model(&path, &config, &tensors, Some(&fixtures::bundle()), GgufType::F32).unwrap();
        let file = std::fs::read(&path).unwrap();
        assert_eq!(gguf::parse(&file, "x").unwrap().keys["general.architecture"], Value::Text(name.into()));
        let back = ModelArtifact::open(&path).unwrap();
        assert_eq!(back.config(), &config);
        for (tensor, shape, data) in &tensors {
            let read = back.tensor(tensor).unwrap();
            assert_eq!((&read.shape, &read.to_f32()), (shape, data), "{tensor}");
        }
    }
}

fn rwkv7_with_heads_of_64() -> ModelConfig {
    let mixers = vec![MixerConfig::Rwkv7 { head_dim: 64, ranks: [3, 2, 5, 4], first: false }];
    ModelConfig { hidden_size: 64, mixers, tie_word_embeddings: false, ..fixtures::config(Architecture::Rwkv7) }
}

#[test]
fn rwkv7_has_llama_cpp_s_names_and_layout() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    let config = rwkv7_with_heads_of_64();
    write_model(&path, &config, &fixtures::tensors(&config), None, GgufType::Q8_0).unwrap();
    let file = std::fs::read(&path).unwrap();
    let contents = gguf::parse(&file, "x").unwrap();
    for (key, size) in [
        ("attention.head_count", 0),
        ("wkv.head_size", 64),
        ("attention.decay_lora_rank", 3),
        ("attention.iclr_lora_rank", 2),
        ("attention.value_residual_mix_lora_rank", 5),
        ("attention.gate_lora_rank", 4),
        ("feed_forward_length", 40),
    ] {
        assert_eq!(contents.keys[&format!("rwkv7.{key}")], Value::U32(size), "{key}");
    }
    assert!(contents.keys.contains_key("rwkv7.attention.layer_norm_epsilon"));
    // Also the value residual that the first layer does not have.
    let expected: [(&str, &[usize], DType); 12] = [
        ("token_embd_norm.bias", &[64], DType::F32),
        ("output.weight", &[1030, 64], DType::Q8_0),
        ("blk.0.attn_norm_2.weight", &[64], DType::F32),
        ("blk.0.time_mix_lerp_fused.weight", &[6, 1, 1, 64], DType::F32),
        ("blk.0.time_mix_r_k.weight", &[64], DType::F32),
        ("blk.0.time_mix_w1.weight", &[3, 64], DType::F32),
        ("blk.0.time_mix_v0.weight", &[64], DType::F32),
        ("blk.0.time_mix_v1.weight", &[2, 64], DType::F32),
        ("blk.0.time_mix_v2.weight", &[64, 2], DType::F32),
        ("blk.0.time_mix_ln.bias", &[64], DType::F32),
        ("blk.0.time_mix_value.weight", &[64, 64], DType::Q8_0),
        ("blk.0.channel_mix_key.weight", &[40, 64], DType::Q8_0),
    ];
    for (name, shape, dtype) in expected {
        let found = contents.tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!((found.shape.as_slice(), found.dtype), (shape, dtype), "{name}");
    }
    let fused = contents.tensors.iter().find(|t| t.name == "blk.0.time_mix_lerp_fused.weight").unwrap();
    let stored: Vec<f32> =
        file[fused.range.clone()].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let tensors = fixtures::tensors(&config);
    let share = |of: char| &tensors.iter().find(|t| t.0 == format!("model.layers.0.mixer.x_{of}")).unwrap().2;
    let in_order: Vec<f32> = ['r', 'w', 'k', 'v', 'a', 'g'].into_iter().flat_map(share).copied().collect();
    assert_eq!(stored, in_order);
    let damages: [(&str, Value); 3] = [
        ("rwkv7.wkv.head_size", Value::U32(5)),
        ("rwkv7.attention.gate_lora_rank", Value::U32(7)),
        ("rwkv7.feed_forward_length", Value::U32(0)),
    ];
    for (key, value) in damages {
        refused_with(&contents, &file, dir.path(), key, value);
    }
}

/// The file with another value of one key is the user's mistake.
fn refused_with(contents: &gguf::Contents, file: &[u8], dir: &Path, key: &str, value: Value) {
    let mut keys = contents.keys.clone();
    keys.insert(key.into(), value);
    let copied = contents.tensors.iter().map(|t| gguf::Tensor {
        name: t.name.clone(),
        shape: t.shape.clone(),
        dtype: t.dtype,
        bytes: Box::new(move || Ok(file[t.range.clone()].to_vec())),
    });
    let damaged = dir.join("damaged.gguf");
    gguf::write(&damaged, &keys.into_iter().collect::<Vec<_>>(), &copied.collect::<Vec<_>>()).unwrap();
    let e = ModelArtifact::open(&damaged).err().unwrap();
    assert!(e.exit_code() == 2, "{key}: {e}");
}
