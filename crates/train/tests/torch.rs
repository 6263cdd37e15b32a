//! Training beside PyTorch: from the same weights and batches, the same gradients and the same 50 losses.
//!
//! `tests/reference/torch_training.py` wrote the golden file and computes weights and batches by the same formulas.

use bantam_formats::ModelConfig;
use bantam_model::context::Precision;
use bantam_model::{TokenModel, weights};
use bantam_train::bench::{Batches, Bench, shape};
use burn::tensor::Device;
use serde::Deserialize;
use std::collections::BTreeMap;

const BATCH: usize = 4;
const CONTEXT: usize = 48;
const VOCABULARY: usize = 128;
const STEPS: usize = 50;

#[derive(Deserialize)]
struct Golden {
    losses: Vec<f64>,
    /// By parameter, the norm of the first step's gradient and its dot product with noise.
    gradients: BTreeMap<String, [f64; 2]>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("data/torch_training.json")).unwrap()
}

fn noise(count: usize, seed: usize) -> Vec<f32> {
    let value = |i: usize| {
        let x = ((i + seed * 7919) as u32).wrapping_mul(2_654_435_761);
        let x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
        (x >> 16) as f32 / 65536.0 - 0.5
    };
    (0..count).map(value).collect()
}

fn config() -> ModelConfig {
    shape(64, 2, 4, 96, VOCABULARY, CONTEXT)
}

/// The parameters' names in the order that numbers their noise.
fn names() -> Vec<String> {
    let mut names: Vec<String> = config().tensor_specs().into_iter().map(|s| s.name).collect();
    names.sort();
    names
}

fn model() -> TokenModel {
    let names = names();
    weights::update(TokenModel::new(&config(), &Device::flex().autodiff()), |name, shape, values| {
        let seed = names.iter().position(|n| n == name).unwrap();
        let (scale, middle) = if shape.len() == 2 { (0.25, 0.0) } else { (0.5, 1.0) };
        values.iter_mut().zip(noise(shape.iter().product(), seed)).for_each(|(v, x)| *v = x * scale + middle);
    })
}

fn batches() -> Batches {
    let columns = CONTEXT + 1;
    let token = |step: usize, i: usize| (i % columns).pow(2) * (1 + i / columns) % 31 * 4 % VOCABULARY + step % 3;
    let step = |s: usize| (0..BATCH * columns).map(|i| token(s, i) as u32).collect();
    Batches { steps: (0..STEPS).map(step).collect(), batch: BATCH, columns }
}

fn losses(precision: Precision) -> Vec<f64> {
    let mut bench = Bench::of_model(model(), &config(), batches(), 1e-3, precision).unwrap();
    (0..STEPS).map(|_| bench.step().loss).collect()
}

#[test]
fn fifty_losses_are_those_of_pytorch() {
    let golden = golden().losses;
    assert!(golden[STEPS - 1] < golden[0] - 1.0, "the golden run learned");
    for (step, (got, want)) in losses(Precision::F32).iter().zip(&golden).enumerate() {
        assert!((got - want).abs() < 1e-4 * want, "step {step}: {got}, PyTorch {want}");
    }
}

#[test]
fn every_parameters_gradient_is_that_of_pytorch() {
    let names = names();
    let gradients = Bench::of_model(model(), &config(), batches(), 1e-3, Precision::F32).unwrap().gradients();
    let golden = golden().gradients;
    assert_eq!(gradients.len(), golden.len());
    for (name, [norm, dot]) in golden {
        let gradient = &gradients[&name];
        let seed = 1000 + names.iter().position(|n| *n == name).unwrap();
        let got_norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let products = gradient.iter().zip(noise(gradient.len(), seed)).map(|(&g, x)| f64::from(g) * f64::from(x));
        let got_dot: f64 = products.sum();
        assert!((got_norm - norm).abs() < 2e-5 * norm, "{name}: norm {got_norm}, PyTorch {norm}");
        assert!((got_dot - dot).abs() < 2e-5 * norm, "{name}: {got_dot}, PyTorch {dot}");
    }
}

#[test]
fn bfloat16_products_stay_near() {
    let (exact, rounded) = (losses(Precision::F32), losses(Precision::Bf16));
    assert_ne!(exact, rounded);
    for (step, (exact, rounded)) in exact.iter().zip(&rounded).enumerate() {
        assert!((exact - rounded).abs() < 0.02 * exact, "step {step}: {exact} in f32, {rounded} in bf16");
    }
}
