//! Adapters in PEFT's format: what PEFT wrote is read and comes out the same, and broken ones are refused in one line.

use std::path::{Path, PathBuf};

use bantam_formats::ModelArtifact;
use bantam_formats::peft::{Adapter, AdapterConfig, TargetModules};
use serde_json::{Value, json};

use crate::fixtures::golden_model;

/// An adapter that PEFT wrote (`tests/reference/peft_lora.py`).
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/peft").join(name)
}

fn read(dir: &Path, base: &str) -> bantam_core::Result<Adapter> {
    Adapter::read(dir, ModelArtifact::open(golden_model(base)).unwrap().config())
}

#[test]
fn what_peft_wrote_survives_reading_and_writing() {
    let adapter = read(&golden("smollm2"), "smollm2").unwrap();
    assert_eq!(adapter.pairs.len(), 14);
    assert_eq!(adapter.config.scale(), 2.0);
    let other = read(&golden("qwen2"), "qwen2").unwrap();
    assert_eq!(other.pairs.len(), 6);
    assert!((other.config.scale() - 5.0 / 3f32.sqrt()).abs() < 1e-6);
    let dir = tempfile::tempdir().unwrap();
    for (adapter, base) in [(adapter, "smollm2"), (other, "qwen2")] {
        let to = dir.path().join(base);
        let noted = Adapter { base_sha256: Some("0f".into()), ..adapter };
        noted.write(&to).unwrap();
        assert_eq!(read(&to, base).unwrap(), noted);
    }
}

#[test]
fn targets_are_names_or_their_ends() {
    let named = TargetModules::Named(vec!["q_proj".into(), "layers.1.mlp.up_proj".into()]);
    assert!(named.matches("model.layers.0.self_attn.q_proj") && named.matches("model.layers.1.mlp.up_proj"));
    assert!(!named.matches("model.layers.0.mlp.up_proj") && !named.matches("model.layers.0.self_attn.xq_proj"));
}

#[test]
fn an_adapter_of_another_model_is_refused() {
    for (adapter, base) in [("smollm2", "qwen2"), ("qwen2", "smollm2"), ("smollm2", "llama")] {
        let e = read(&golden(adapter), base).unwrap_err();
        assert_eq!(e.exit_code(), 2, "{e}");
    }
}

#[test]
fn configs_that_are_not_plain_lora_are_refused() {
    let text = std::fs::read_to_string(golden("qwen2").join("adapter_config.json")).unwrap();
    let valid: Value = serde_json::from_str(&text).unwrap();
    AdapterConfig::from_json(&text, "c").unwrap();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("peft_type", json!("LOHA"), "LOHA"),
        ("peft_type", Value::Null, "nothing"),
        ("use_dora", json!(true), "use_dora"),
        ("modules_to_save", json!(["lm_head"]), "modules_to_save"),
        ("rank_pattern", json!({"q_proj": 2}), "rank_pattern"),
        ("alpha_pattern", json!({"q_proj": 2}), "alpha_pattern"),
        ("bias", json!("all"), "bias"),
        ("lora_bias", json!(true), "lora_bias"),
        ("init_lora_weights", json!("pissa"), "base weights"),
        ("a_key_of_next_year", json!(1), "a_key_of_next_year"),
        ("r", json!(0), "r: "),
        ("r", json!(-1), "r: "),
        ("r", json!(2.5), "r: "),
        ("r", json!(u64::MAX), "r: "),
        ("lora_alpha", Value::Null, "missing"),
        ("lora_alpha", json!("8"), "not a number"),
        ("lora_alpha", json!(1e300), "too large"),
        ("lora_dropout", json!(1.0), "not in 0..1"),
        ("target_modules", json!(".*q_proj"), "pattern"),
        ("target_modules", json!([]), "no module"),
        ("target_modules", json!([1]), "names"),
        ("base_model_name_or_path", json!(3), "not a string"),
    ];
    for (key, value, says) in cases {
        let mut broken = valid.clone();
        broken[key] = value.clone();
        let e = AdapterConfig::from_json(&broken.to_string(), "c").err().unwrap_or_else(|| panic!("{key}={value}"));
        assert!(e.exit_code() == 2 && e.to_string().contains(says), "{key}={value}: {e}");
    }
    for text in ["", "[]", "{", &text.replace("\"lora_alpha\": 5", "\"lora_alpha\": NaN")] {
        assert_eq!(AdapterConfig::from_json(text, "c").unwrap_err().exit_code(), 2, "{text}");
    }
}

#[test]
fn damaged_tensors_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        std::fs::copy(golden("qwen2").join(file), dir.path().join(file)).unwrap();
    }
    let path = dir.path().join("adapter_model.safetensors");
    let valid = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8], says: &str| {
        std::fs::write(&path, bytes).unwrap();
        let e = read(dir.path(), "qwen2").err().unwrap_or_else(|| panic!("read, but: {says}"));
        assert!(e.exit_code() == 2 && e.to_string().contains(says), "`{says}` is not in: {e}");
    };
    let header = u64::from_le_bytes(valid[..8].try_into().unwrap()) as usize;
    let renamed = |from: &str, to: &str| {
        let text = String::from_utf8(valid[8..8 + header].to_vec()).unwrap();
        assert!(text.contains(from) && from.len() == to.len());
        [&valid[..8], text.replacen(from, to, 1).as_bytes(), &valid[8 + header..]].concat()
    };
    refused(&valid[..valid.len() - 4], "the file has");
    refused(&valid[..20], "claims");
    refused(&[], "too few");
    refused(
        &renamed("layers.0.mlp.down_proj.lora_A", "layers.0.mlp.down_proj.lora_C"),
        "lora_A.weight: tensor missing",
    );
    refused(
        &renamed("layers.0.mlp.down_proj.lora_B", "layers.9.mlp.down_proj.lora_B"),
        "lora_B.weight: tensor missing",
    );
    let mut not_a_number = valid.clone();
    let at = valid.len() - 4;
    not_a_number[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    refused(&not_a_number, "NaN");
    // Another rank than the tensors have.
    std::fs::write(&path, &valid).unwrap();
    let config = dir.path().join("adapter_config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"r\": 3", "\"r\": 4")).unwrap();
    refused(&valid, "shape");
    std::fs::write(&config, text.replace("\"v_proj\"", "\"k_proj\"")).unwrap();
    refused(&valid, "k_proj.lora_A.weight: tensor missing");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(dir.path().join("adapter_model.bin"), b"x").unwrap();
    assert!(read(dir.path(), "qwen2").unwrap_err().to_string().contains("pickle"));
}
