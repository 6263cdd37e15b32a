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

const MODELS: [&str; 11] = [
    "llama",
    "smollm2",
    "llama3_bias",
    "llama_linear",
    "qwen2",
    "qwen2_untied",
    "qwen2_bf16",
    "qwen2_f16",
    "qwen3",
    "gpt2",
    "gpt2_untied",
];

fn from_folder(path: &Path) -> Model {
    Model::load(&ModelArtifact::open(path).unwrap(), LoadOptions { threads: 1, ..Default::default() }).unwrap()
}

/// The model of a folder in F32 as a GGUF.
fn packaged(folder: &Path, dir: &Path) -> Model {
    let artifact = ModelArtifact::open(folder).unwrap();
    let tensor = |spec: bantam_formats::TensorSpec| {
        let values = artifact.tensor(&spec.name).unwrap().to_f32();
        (spec.name, spec.shape, values)
    };
    let tensors: Vec<_> = artifact.config().tensor_specs().into_iter().map(tensor).collect();
    let path = dir.join("model.gguf");
    write_model(&path, artifact.config(), &tensors, None, GgufType::F32).unwrap();
    from_folder(&path)
}

#[test]
fn logits_agree_to_one_part_in_ten_thousand() {
    for name in MODELS {
        let (ids, expected) = reference(name);
        let difference = largest_difference(&from_folder(&folder(name)), &ids, &expected);
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");
    }
}

#[test]
fn logits_of_the_same_weights_as_gguf_agree_too() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["llama", "smollm2", "llama3_bias", "qwen2", "qwen2_untied", "qwen3", "gpt2", "gpt2_untied"] {
        let (ids, expected) = reference(name);
        let difference = largest_difference(&packaged(&folder(name), dir.path()), &ids, &expected);
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");
    }
}

#[test]
fn logits_of_other_mixers_agree_from_a_folder_and_from_a_gguf() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["mamba2", "mamba2_groups", "bamba"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/mixer_models").join(name);
        let bytes = std::fs::read(folder.join("expected.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |name: &str| file.tensor(name).unwrap();
        let ids = tensor("input_ids");
        let ids: Vec<u32> = ids.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as u32).collect();
        let logits = tensor("logits");
        let logits: Vec<f32> = logits.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let scale = logits.iter().fold(1f32, |m, x| m.max(x.abs()));
        for model in [from_folder(&folder), packaged(&folder, dir.path())] {
            let rows = ids.chunks(ids.len() / 2).zip(logits.chunks(logits.len() / 2));
            for (ids, expected) in rows {
                let difference = largest_difference(&model, ids, expected);
                assert!(difference < 1e-4 * scale, "{name}: logits differ by {difference}");
            }
        }
    }
}

#[test]
fn greedy_tokens_are_those_of_transformers() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["llama", "qwen2", "qwen3", "gpt2"] {
        let bytes = std::fs::read(folder(name).join("reference.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let greedy = file.tensor("greedy").unwrap();
        let greedy = greedy.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as u32);
        let margins = file.tensor("margins").unwrap();
        let margins = margins.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let expected: Vec<u32> =
            greedy.zip(margins).take_while(|(_, margin)| *margin >= 1e-3).map(|(id, _)| id).collect();
        assert_eq!(expected.len(), 64, "the golden models are never in doubt");
        let prompt = &reference(name).0[..8];
        for model in [from_folder(&folder(name)), packaged(&folder(name), dir.path())] {
            let mut session = Session::new(&model);
            let best =
                |logits: &[f32]| (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as u32;
            let mut next = best(session.prefill(prompt).unwrap());
            for (i, expected) in expected.iter().enumerate() {
                assert_eq!(next, *expected, "{name}, token {i}");
                next = best(session.step(next).unwrap());
            }
        }
    }
}
