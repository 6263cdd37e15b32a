//! The two-tower model's denoiser as torch computes it: values and gradients, with and without the context.

use std::collections::HashMap;

use bantam_formats::{Architecture, ModelConfig, VectorConfig, VectorPorts};
use bantam_model::context::{SequenceContext, Span};
use bantam_model::diffusion::{Denoiser, Denoising};
use bantam_model::weights;
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    size: usize,
    width: usize,
    inner: usize,
    heads: usize,
    layers: usize,
    spans: Vec<(usize, usize)>,
    steps: Vec<usize>,
    sees: Vec<f32>,
    noisy: Vec<f32>,
    hidden: Vec<f32>,
    weights: Vec<f32>,
    y: Vec<f32>,
    parameters: HashMap<String, (Vec<usize>, Vec<f32>)>,
    gradients: HashMap<String, Vec<f32>>,
    gradient_norms: HashMap<String, f64>,
}

/// The largest difference, as a share of the largest value.
fn apart(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f32::max)
}

#[test]
fn values_and_gradients_are_torch_s() {
    let golden: Golden = serde_json::from_str(include_str!("data/denoiser.json")).unwrap();
    let device = Device::flex().autodiff();
    let blocks = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 1,
        hidden_size: golden.width,
        intermediate_size: golden.inner,
        num_hidden_layers: 1,
        num_attention_heads: golden.heads,
        num_key_value_heads: golden.heads,
        head_dim: golden.width / golden.heads,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 8,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![],
        pad_token_id: None,
        mixers: Vec::new(),
    };
    let config = VectorConfig {
        vector_size: golden.size,
        domains: 0,
        ports: VectorPorts::Diffusion,
        denoiser_layers: golden.layers,
        blocks,
    };
    let declared = config.tensor_specs().into_iter().filter(|s| s.name.starts_with("denoiser."));
    let declared: HashMap<String, Vec<usize>> = declared.map(|s| (s.name, s.shape)).collect();
    let given: HashMap<String, Vec<usize>> =
        golden.parameters.iter().map(|(n, (s, _))| (n.clone(), s.clone())).collect();
    assert_eq!(declared, given);
    let own = |name: &str| name.strip_prefix("denoiser.").unwrap().to_owned();
    let named = golden.parameters.iter().map(|(n, (s, v))| (own(n), s.clone(), v.clone())).collect();
    let denoiser = weights::load(Denoiser::new(&config, &device), named, "golden").unwrap();

    let rows = golden.steps.len();
    let spans: Vec<Span> = golden.spans.iter().map(|&(start, len)| Span { start, len }).collect();
    let context = SequenceContext::packed(1, rows, spans);
    let tensor = |v: &[f32], width: usize| Tensor::<2>::from_data(TensorData::new(v.to_vec(), [rows, width]), &device);
    let denoising = Denoising {
        noisy: tensor(&golden.noisy, golden.size),
        steps: &golden.steps,
        sees: Some(tensor(&golden.sees, 1)),
    };
    let y = denoiser.forward(&denoising, tensor(&golden.hidden, golden.width), 0, &context);
    let values: Vec<f32> = y.clone().inner().into_data().try_into_vec().unwrap();
    assert!(apart(&values, &golden.y) < 1e-5, "{}", apart(&values, &golden.y));
    let mut gradients = (y * tensor(&golden.weights, golden.width)).sum().backward();
    let found = weights::take_gradients(&denoiser, &mut gradients);
    assert_eq!(found.len(), golden.gradients.len());
    for (name, wanted) in &golden.gradients {
        let gradient = &found[&own(name)];
        let norm = gradient.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let off = norm / golden.gradient_norms[name] - 1.0;
        assert!(off.abs() < 1e-4, "{name}: {off}");
        assert!(wanted.is_empty() || apart(gradient, wanted) < 1e-4, "{name}: {}", apart(gradient, wanted));
    }
}
