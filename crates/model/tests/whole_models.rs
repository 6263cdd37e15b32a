//! Whole models of other mixers as `transformers` saved them (`tests/reference/mixer_models.py`): logits, gradients, and the folder
//! written again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bantam_formats::{ModelArtifact, hf};
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, weights};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

const MODELS: [&str; 5] = ["mamba2", "mamba2_groups", "bamba", "gpt2", "rwkv4"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mixer_models").join(name)
}

/// The f32 tensors of a safetensors file.
fn tensors(path: &Path) -> HashMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let f32s = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let read = file.tensors().into_iter().filter(|(_, t)| t.dtype() == safetensors::Dtype::F32);
    read.map(|(name, t)| (name, (t.shape().to_vec(), f32s(t.data())))).collect()
}

/// Two rows of token ids.
fn input_ids(name: &str) -> (Vec<i32>, usize) {
    let bytes = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let ids = file.tensor("input_ids").unwrap();
    let values = ids.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as i32).collect();
    (values, ids.shape()[1])
}

fn apart(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f32::max)
}

#[test]
fn logits_and_gradients_are_those_of_transformers() {
    let device = Device::flex().autodiff();
    for name in MODELS {
        let artifact = ModelArtifact::open_to_train(folder(name)).unwrap();
        let model = weights::load_artifact(&artifact, &device).unwrap();
        let expected = tensors(&folder(name).join("expected.safetensors"));
        let (ids, time) = input_ids(name);
        let context = SequenceContext::whole_rows(2, time);
        let tokens: Tensor<2, Int> = Tensor::from_data(TensorData::new(ids.clone(), [2, time]), &device);
        let logits: Vec<f32> = model.logits(tokens.clone(), &context).inner().into_data().try_into_vec().unwrap();
        let off = apart(&logits, &expected["logits"].1);
        assert!(off < 1e-4, "{name}: logits off by {off}");

        let rows: Vec<u32> = (0..2 * time as u32).filter(|row| (row + 1) % time as u32 != 0).collect();
        let next = rows.iter().map(|row| ids[*row as usize + 1] as u32).collect();
        let targets = Targets { rows: Arc::from(rows), tokens: next };
        let loss = model.mean_loss(tokens, &context, &targets, 0.0);
        let value: Vec<f32> = loss.clone().inner().into_data().try_into_vec().unwrap();
        assert!(apart(&value, &expected["loss"].1) < 1e-5, "{name}: {value:?}");
        let gradients = weights::take_gradients(&model, &mut loss.backward());
        // Written as weights are, they have the names and the order of rows of the other side.
        let specs = artifact.config().tensor_specs().into_iter();
        let named: Vec<_> = specs.map(|s| (s.name.clone(), s.shape, gradients[&s.name].clone())).collect();
        let dir = tempfile::tempdir().unwrap();
        hf::write_folder(&dir.path().join("gradients"), artifact.config(), &named, None).unwrap();
        let written = tensors(&dir.path().join("gradients/model.safetensors"));
        assert_eq!(written.len(), expected.len() - 2);
        for (parameter, (shape, values)) in written {
            let (want_shape, want) = &expected[&format!("grad.{parameter}")];
            let off = apart(&values, want);
            assert!(shape == *want_shape && off < 1e-3, "{name}: gradient of {parameter} off by {off}");
        }
    }
}

#[test]
fn a_folder_is_written_as_it_was_read() {
    for name in MODELS {
        let artifact = ModelArtifact::open(folder(name)).unwrap();
        let config = artifact.config();
        let values = |name: &str| artifact.tensor(name).unwrap().to_f32();
        let specs = config.tensor_specs().into_iter();
        let named: Vec<_> = specs.map(|s| (s.name.clone(), s.shape, values(&s.name))).collect();
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("again");
        hf::write_folder(&out, config, &named, None).unwrap();
        assert_eq!(tensors(&out.join("model.safetensors")), tensors(&folder(name).join("model.safetensors")), "{name}");
        assert_eq!(ModelArtifact::open(&out).unwrap().config(), config, "{name}");
        let kind = |path: &Path| -> serde_json::Value {
            serde_json::from_str(&std::fs::read_to_string(path.join("config.json")).unwrap()).unwrap()
        };
        let (ours, theirs) = (kind(&out), kind(&folder(name)));
        for (key, value) in ours.as_object().unwrap() {
            // GPT-2's `n_inner` is null where it follows from the width.
            let other = theirs.get(key).filter(|v| !v.is_null()).unwrap_or(value);
            assert!(other == value || key == "eos_token_id", "{name}: {key}: {value} {other}");
        }
    }
}
