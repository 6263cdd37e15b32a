//! The forward pass against `transformers`: models and logits written by tests/reference/transformers_models.py.

use std::path::{Path, PathBuf};

use bantam_formats::ModelArtifact;
use bantam_formats::gguf::{GgufType, write_model};
use bantam_runtime::{LoadOptions, Model, Session};
use safetensors::SafeTensors;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Input ids and logits of a reference file.
fn reference(name: &str) -> (Vec<u32>, Vec<f32>) {
    let bytes = std::fs::read(folder(name).join("reference.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let ids = file.tensor("input_ids").unwrap();
    let ids = ids.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as u32).collect();
    let logits = file.tensor("logits").unwrap();
    (ids, logits.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

fn largest_difference(model: &Model, ids: &[u32], expected: &[f32]) -> f32 {
    let logits = Session::new(model).prefill_all(ids).unwrap();
    assert_eq!(logits.len(), expected.len());
    logits.iter().zip(expected).fold(0f32, |m, (a, b)| m.max((a - b).abs()))
}

const MODELS: [&str; 8] =
    ["llama", "smollm2", "llama3_bias", "llama_linear", "qwen2", "qwen2_untied", "qwen2_bf16", "qwen2_f16"];

#[test]
fn logits_agree_to_one_part_in_ten_thousand() {
    for name in MODELS {
        let (ids, expected) = reference(name);
        let model = Model::load(&ModelArtifact::open(folder(name)).unwrap(), LoadOptions { threads: 1 }).unwrap();
        let difference = largest_difference(&model, &ids, &expected);
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");
    }
}

#[test]
fn logits_of_the_same_weights_as_gguf_agree_too() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["llama", "smollm2", "llama3_bias", "qwen2", "qwen2_untied"] {
        let (ids, expected) = reference(name);
        let artifact = ModelArtifact::open(folder(name)).unwrap();
        let tensors: Vec<_> = artifact
            .config()
            .tensor_specs()
            .into_iter()
            .map(|spec| {
                let values = artifact.tensor(&spec.name).unwrap().to_f32();
                (spec.name, spec.shape, values)
            })
            .collect();
        let path = dir.path().join(format!("{name}.gguf"));
        write_model(&path, artifact.config(), &tensors, None, GgufType::F32).unwrap();
        let model = Model::load(&ModelArtifact::open(&path).unwrap(), LoadOptions { threads: 1 }).unwrap();
        let difference = largest_difference(&model, &ids, &expected);
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");
    }
}
