//! Vector models: ports as torch computes them, and over every mixer what token models promise: nothing looks ahead, packed items never
//! meet, chunks continue each other, weights survive save and load.

use std::collections::HashMap;
use std::sync::Arc;

use bantam_formats::{Architecture, MIXER_NAMES, MixerConfig, ModelConfig, VectorConfig, VectorPorts};
use bantam_model::context::{SequenceContext, Span};
use bantam_model::diffusion::Sampling;
use bantam_model::mixers::{Mixer, Stepping};
use bantam_model::vectors::Vectors;
use bantam_model::{VectorModel, VectorState, weights};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

const SIZE: usize = 12;

/// Blocks of one mixer, or none at all.
fn blocks(width: usize, layers: usize) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 1,
        hidden_size: width,
        intermediate_size: 16,
        num_hidden_layers: layers,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        head_dim: width / 2,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 64,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![],
        pad_token_id: None,
        mixers: Vec::new(),
    }
}

/// A model over one mixer of the zoo that knows three domains.
fn config(mixer: &str, ports: VectorPorts) -> VectorConfig {
    let mut blocks = blocks(16, 2);
    blocks.mixers = vec![MixerConfig::usual(mixer, &blocks).unwrap()];
    let denoiser_layers = if ports == VectorPorts::Diffusion { 2 } else { 0 };
    VectorConfig { vector_size: SIZE, domains: 3, ports, denoiser_layers, blocks }
}

fn started(config: &VectorConfig, device: &Device) -> VectorModel {
    let model = VectorModel::new(config, Arc::new(Vectors::none(config.vector_size)), device);
    let groups = weights::vector_parameter_groups(&model, config, None);
    // Larger than they start, so that what the blocks do is seen in the output.
    weights::update(weights::start(model, groups, 3), |name, _, v| {
        let grows = ["projection", "domain", "denoiser"].iter().any(|part| name.contains(part));
        v.iter_mut().enumerate().for_each(|(i, x)| *x = if grows { *x * 4.0 + 0.1 * (i as f32).sin() } else { *x });
    })
}

fn noise(n: usize, salt: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 131 + salt * 17) as f32 * 0.37).sin() + ((i * 7 + salt) as f32 * 1.3).cos()).collect()
}

fn run(model: &VectorModel, x: &[f32], codes: &[u32], context: &SequenceContext, state: &mut VectorState) -> Vec<f32> {
    let shape = [context.batch(), context.time(), SIZE];
    let x = Tensor::from_data(TensorData::new(x.to_vec(), shape), &Device::flex());
    model.forward(x, codes, context, state).into_data().try_into_vec().unwrap()
}

fn apart(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f32::max)
}

fn codes(n: usize) -> Vec<u32> {
    (0..n as u32).map(|t| t % 3).collect()
}

#[test]
fn a_changed_future_leaves_the_past_alone_to_the_bit() {
    let (time, from) = (37, 20);
    let context = SequenceContext::whole_rows(1, time);
    let x = noise(time * SIZE, 1);
    let mut other = noise(time * SIZE, 2);
    other[..from * SIZE].copy_from_slice(&x[..from * SIZE]);
    for mixer in MIXER_NAMES.into_iter().filter(|m| *m != "linformer") {
        for ports in [VectorPorts::Residual, VectorPorts::Plain, VectorPorts::Concept] {
            let model = started(&config(mixer, ports), &Device::flex());
            let of = |x: &[f32]| run(&model, x, &codes(time), &context, &mut VectorState::default());
            let (y, z) = (of(&x), of(&other));
            assert_eq!(y[..from * SIZE], z[..from * SIZE], "{mixer} {ports:?}");
            assert!(apart(&y[from * SIZE..], &z[from * SIZE..]) > 1e-3, "{mixer} {ports:?}");
            // The domain is heard.
            let mut elsewhere = codes(time);
            elsewhere[time - 1] = 1 + elsewhere[time - 1] % 2;
            let heard = run(&model, &x, &elsewhere, &context, &mut VectorState::default());
            assert_eq!(heard[..(time - 1) * SIZE], y[..(time - 1) * SIZE]);
            assert_ne!(heard, y);
        }
    }
}

#[test]
fn vectors_are_drawn_from_the_past_alone_in_any_chunks_and_packing() {
    let (time, from) = (21, 12);
    let sampling = Sampling { steps: 5, ..Sampling::default() };
    for mixer in ["attention", "gru"] {
        let model = started(&config(mixer, VectorPorts::Diffusion), &Device::flex()).with_sampling(sampling);
        let (x, codes) = (noise(time * SIZE, 1), codes(time));
        let context = SequenceContext::whole_rows(1, time);
        let of = |x: &[f32]| run(&model, x, &codes, &context, &mut VectorState::default());
        let y = of(&x);
        let mut other = noise(time * SIZE, 2);
        other[..from * SIZE].copy_from_slice(&x[..from * SIZE]);
        let changed = of(&other);
        assert_eq!(y[..from * SIZE], changed[..from * SIZE], "{mixer}");
        assert!(apart(&y[from * SIZE..], &changed[from * SIZE..]) > 1e-3, "{mixer}");
        let (mut state, mut chunks) = (VectorState::default(), Vec::new());
        for (start, len) in [(0, 1), (1, 11), (12, 9)] {
            let (x, codes) = (&x[start * SIZE..(start + len) * SIZE], &codes[start..start + len]);
            chunks.extend(run(&model, x, codes, &SequenceContext::whole_rows(1, len), &mut state));
        }
        assert!(apart(&chunks, &y) < 1e-4, "{mixer}: {}", apart(&chunks, &y));
        let spans = vec![Span { start: 0, len: from }, Span { start: from, len: time - from }];
        let packed = run(&model, &x, &codes, &SequenceContext::packed(1, time, spans), &mut VectorState::default());
        assert!(apart(&packed[..from * SIZE], &y[..from * SIZE]) < 1e-4, "{mixer}");
        // Another seed draws others.
        let again = model.with_sampling(Sampling { seed: 1, ..sampling });
        assert!(apart(&run(&again, &x, &codes, &context, &mut VectorState::default()), &y) > 1e-2);
    }
}

#[test]
fn packed_items_never_meet() {
    let spans = [(1, 1), (2, 16), (18, 30), (50, 7)].map(|(start, len)| Span { start, len });
    let time = 58;
    let (x, codes) = (noise(time * SIZE, 5), codes(time));
    for mixer in MIXER_NAMES.into_iter().filter(|m| *m != "linformer") {
        let model = started(&config(mixer, VectorPorts::Residual), &Device::flex());
        let context = SequenceContext::packed(1, time, spans.to_vec());
        let packed = run(&model, &x, &codes, &context, &mut VectorState::default());
        for span in spans {
            let rows = span.start * SIZE..(span.start + span.len) * SIZE;
            let alone = SequenceContext::whole_rows(1, span.len);
            let codes = &codes[span.start..span.start + span.len];
            let alone = run(&model, &x[rows.clone()], codes, &alone, &mut VectorState::default());
            assert!(apart(&packed[rows], &alone) < 5e-6, "{mixer}");
        }
    }
}

#[test]
fn chunks_continue_each_other() {
    let (batch, time) = (3, 37);
    let (x, codes) = (noise(batch * time * SIZE, 3), codes(batch * time));
    for mixer in MIXER_NAMES {
        let model = started(&config(mixer, VectorPorts::Residual), &Device::flex());
        if model.backbone().blocks()[0].mixer().capabilities().stepping == Stepping::None {
            continue;
        }
        let context = SequenceContext::whole_rows(batch, time);
        let whole = run(&model, &x, &codes, &context, &mut VectorState::default());
        for cuts in [vec![1, 1, 35], vec![16, 21], vec![17, 16, 4]] {
            let (mut state, mut start) = (VectorState::default(), 0);
            for len in cuts {
                let rows = |values: &[f32]| -> Vec<f32> {
                    (0..batch).flat_map(|b| values[(b * time + start) * SIZE..][..len * SIZE].to_vec()).collect()
                };
                let codes: Vec<u32> = (0..batch).flat_map(|b| codes[b * time + start..][..len].to_vec()).collect();
                let y = run(&model, &rows(&x), &codes, &SequenceContext::whole_rows(batch, len), &mut state);
                assert!(apart(&y, &rows(&whole)) < 2e-5, "{mixer}: {}", apart(&y, &rows(&whole)));
                start += len;
            }
        }
    }
}

#[test]
fn a_folder_gives_the_same_model_back_and_a_damaged_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config("mamba2", VectorPorts::Diffusion);
    config.blocks.mixers.push(MixerConfig::Attention);
    let tensors = weights::read(&started(&config, &Device::flex()));
    let names = |t: &[weights::NamedTensor]| t.iter().map(|t| (t.0.clone(), t.1.clone())).collect::<HashMap<_, _>>();
    let declared: HashMap<_, _> = config.tensor_specs().into_iter().map(|s| (s.name, s.shape)).collect();
    assert_eq!(names(&tensors), declared);
    let folder = dir.path().join("run/model");
    std::fs::create_dir(dir.path().join("run")).unwrap();
    config.write_folder(&folder, &tensors).unwrap();
    for path in [folder.as_path(), &dir.path().join("run")] {
        let (read, stored) = VectorConfig::read_folder(path).unwrap();
        assert_eq!(read, config);
        let empty = VectorModel::new(&read, Arc::new(Vectors::none(SIZE)), &Device::flex());
        assert_eq!(weights::read(&weights::load(empty, stored, "test").unwrap()), tensors);
    }
    assert!(config.write_folder(&dir.path().join("short"), &tensors[1..]).is_err());
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
    for (what, with) in
        [("\"domains\": 3", "\"domains\": 4"), ("\"diffusion\"", "\"plain\""), ("\"vector_size\": 12", "\"x\": 1")]
    {
        std::fs::write(folder.join("config.json"), text.replace(what, with)).unwrap();
        assert_eq!(VectorConfig::read_folder(&folder).unwrap_err().exit_code(), 2, "{what}");
    }
}

#[derive(Deserialize)]
struct Case {
    ports: VectorPorts,
    size: usize,
    width: usize,
    domains: usize,
    spans: Vec<(usize, usize)>,
    codes: Vec<u32>,
    x: Vec<f32>,
    y: Vec<f32>,
    weights: Vec<f32>,
    parameters: HashMap<String, (Vec<usize>, Vec<f32>)>,
    gradients: HashMap<String, Vec<f32>>,
}

#[test]
fn ports_are_torch_s() {
    let text = include_str!("data/vector_ports.json");
    let device = Device::flex().autodiff();
    for case in serde_json::from_str::<Vec<Case>>(text).unwrap() {
        let config = VectorConfig {
            vector_size: case.size,
            domains: case.domains,
            ports: case.ports,
            denoiser_layers: 0,
            blocks: ModelConfig { intermediate_size: 0, ..blocks(case.width, 0) },
        };
        let model = VectorModel::new(&config, Arc::new(Vectors::none(case.size)), &device);
        let named = case.parameters.into_iter().map(|(name, (shape, values))| (name, shape, values)).collect();
        let model = weights::load(model, named, "golden").unwrap();
        let rows = case.x.len() / case.size;
        let spans = case.spans.iter().map(|&(start, len)| Span { start, len }).collect();
        let context = SequenceContext::packed(1, rows, spans);
        let tensor = |v: Vec<f32>| Tensor::<3>::from_data(TensorData::new(v, [1, rows, case.size]), &device);
        let y = model.forward(tensor(case.x), &case.codes, &context, &mut VectorState::default());
        let values: Vec<f32> = y.clone().inner().into_data().try_into_vec().unwrap();
        assert!(apart(&values, &case.y) < 1e-5, "{:?}: {}", case.ports, apart(&values, &case.y));
        let mut gradients = (y * tensor(case.weights)).sum().backward();
        let found = weights::take_gradients(&model, &mut gradients);
        assert_eq!(found.len(), case.gradients.len(), "{:?}", found.keys());
        for (name, wanted) in &case.gradients {
            assert!(apart(&found[name], wanted) < 1e-5, "{:?} {name}", case.ports);
        }
    }
}
