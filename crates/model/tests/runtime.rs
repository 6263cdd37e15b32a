//! Training code and runtime are two implementations of every mixer: their logits and greedy texts are the same, in F32; in F16 and Q8_0 the
//! runtime stays near.

use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{Architecture, MIXER_NAMES, MixerConfig, ModelArtifact, ModelConfig};
use bantam_model::{SequenceContext, TokenModel, growth, weights};
use bantam_runtime::{LoadOptions, Model, Session};
use burn::tensor::{Device, Tensor, TensorData};

const VOCABULARY: usize = 61;

fn config(mixers: Vec<MixerConfig>) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: VOCABULARY,
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: mixers.len().max(2),
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 64,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers,
    }
}

/// Every causal mixer with its usual sizes, patterns of several, and the architectures that are not Llama's.
fn models() -> Vec<(String, ModelConfig)> {
    let plain = config(Vec::new());
    let usual = |name: &str| MixerConfig::usual(name, &plain).unwrap();
    let mut patterns: Vec<_> =
        MIXER_NAMES.iter().filter(|name| **name != "linformer").map(|name| vec![usual(name)]).collect();
    patterns.push(["mamba2", "mamba2", "attention"].map(usual).into());
    patterns.push(["rwkv7", "gru", "rwkv7", "shortconv"].map(usual).into());
    let name = |mixers: &[MixerConfig]| mixers.iter().map(MixerConfig::name).collect::<Vec<_>>().join(", ");
    let mut models: Vec<_> = patterns.into_iter().map(|mixers| (name(&mixers), config(mixers))).collect();
    let gpt2 = ModelConfig {
        architecture: Architecture::Gpt2,
        num_key_value_heads: 4,
        attention_bias: true,
        ..config(Vec::new())
    };
    models.push(("gpt2".into(), gpt2));
    for architecture in [Architecture::Rwkv4, Architecture::Rwkv7] {
        let mixers = vec![usual(architecture.name())];
        let rwkv = ModelConfig { architecture, tie_word_embeddings: false, num_hidden_layers: 3, ..config(mixers) };
        models.push((format!("{} whole", architecture.name()), rwkv));
    }
    models
}

/// As training starts, with larger matrices and no zeros, so that every path matters.
fn model(config: &ModelConfig, device: &Device) -> TokenModel {
    let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 12) as f32 / 524_288.0 - 1.0;
    weights::update(weights::initialize(TokenModel::new(config, device), config, 7), |_, shape, values| {
        if values.iter().all(|v| *v == 0.0) {
            values.iter_mut().enumerate().for_each(|(i, v)| *v = 0.3 * noise(i + 1));
        } else if shape.len() == 2 && values.iter().all(|v| v.abs() < 0.5) {
            values.iter_mut().for_each(|v| *v *= 4.0);
        }
    })
}

fn trained_logits(model: &TokenModel, ids: &[u32], device: &Device) -> Vec<f32> {
    let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
    let context = SequenceContext::whole_rows(1, ids.len());
    let tokens = Tensor::from_data(TensorData::new(ids.clone(), [1, ids.len()]), device);
    model.logits(tokens, &context).into_data().try_into_vec().unwrap()
}

fn most_probable(logits: &[f32]) -> u32 {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32
}

/// The divergence of what `logits` predicts from what `wanted` does, in nats, at the worst position.
fn divergence(logits: &[f32], wanted: &[f32]) -> f64 {
    let log_softmax = |row: &[f32]| -> Vec<f64> {
        let total = row.iter().map(|v| f64::from(*v).exp()).sum::<f64>().ln();
        row.iter().map(|v| f64::from(*v) - total).collect()
    };
    let rows = logits.chunks(VOCABULARY).zip(wanted.chunks(VOCABULARY));
    rows.map(|(row, wanted)| {
        let (q, p) = (log_softmax(row), log_softmax(wanted));
        p.iter().zip(q).map(|(p, q)| p.exp() * (p - q)).sum()
    })
    .fold(0.0, f64::max)
}

#[test]
fn every_mixer_is_run_as_it_is_trained() {
    let (device, dir) = (Device::flex(), tempfile::tempdir().unwrap());
    let prompt: Vec<u32> = (0..23u32).map(|i| (i * i * 7 + i * 3 + 1) % VOCABULARY as u32).collect();
    for (name, config) in models() {
        let trained = model(&config, &device);
        let wanted = trained_logits(&trained, &prompt, &device);
        let tensors = weights::read(&trained);
        let options = LoadOptions { threads: 1, ..Default::default() };
        let run = Model::from_tensors(&config, &tensors, options).unwrap();

        let logits = Session::new(&run).prefill_all(&prompt).unwrap();
        let scale = wanted.iter().fold(0f32, |m, v| m.max(v.abs()));
        let worst = logits.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-4 * scale, "{name}: off by {worst} (scale {scale})");
        assert!(divergence(&vec![0.0; wanted.len()], &wanted) > 0.05, "{name}: it says too little to compare");

        let mut session = Session::new(&run);
        let mut text = prompt[..3].to_vec();
        let mut next = most_probable(session.prefill(&text).unwrap());
        for _ in 0..20 {
            let logits = trained_logits(&trained, &text, &device);
            assert_eq!(next, most_probable(&logits[logits.len() - VOCABULARY..]), "{name} after {text:?}");
            text.push(next);
            next = most_probable(session.step(next).unwrap());
        }

        for (kind, limit) in [(GgufType::F32, 1e-7), (GgufType::F16, 1e-4), (GgufType::Q8_0, 0.02)] {
            let path = dir.path().join("model.gguf");
            write_model(&path, &config, &tensors, None, kind).unwrap();
            let packaged = Model::load(&ModelArtifact::open(&path).unwrap(), options).unwrap();
            let logits = Session::new(&packaged).prefill_all(&prompt).unwrap();
            let apart = divergence(&logits, &wanted);
            assert!(apart < limit, "{name} as {kind:?}: {apart} nats");
        }
    }
}

#[test]
fn a_deeper_model_begins_as_the_shallower_one() {
    let (device, dir) = (Device::flex(), tempfile::tempdir().unwrap());
    let prompt: Vec<u32> = (0..23u32).map(|i| (i * i * 7 + i * 3 + 1) % VOCABULARY as u32).collect();
    for (name, config) in models() {
        let deep = ModelConfig { num_hidden_layers: 3 * config.num_hidden_layers, ..config.clone() };
        if name.contains("rwkv7") {
            // Its first layer is of another kind than all others.
            assert!(!growth::grows_into(&config, &deep), "{name}");
            continue;
        }
        let shallow = model(&config, &device);
        let path = dir.path().join("model.gguf");
        write_model(&path, &config, &weights::read(&shallow), None, GgufType::F32).unwrap();
        let artifact = ModelArtifact::open(&path).unwrap();
        let grown = weights::load_artifact_as(&artifact, &deep, &device).unwrap();
        let wanted = trained_logits(&shallow, &prompt, &device);
        assert_eq!(trained_logits(&grown, &prompt, &device), wanted, "{name}");
        // Its copies are silent, not empty.
        let blocks = |name: &str| name.contains(".layers.") && name.ends_with("weight");
        let tensors = weights::read_some(&grown, blocks);
        let silent = tensors.iter().filter(|(_, _, values)| values.iter().all(|v| *v == 0.0)).count();
        assert!(silent > 0 && 2 * silent < tensors.len(), "{name}: {silent} of {}", tensors.len());
    }
}
