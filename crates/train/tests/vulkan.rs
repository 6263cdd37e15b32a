//! Does a Vulkan device compute what the processor does? Each operation with its gradients, and whole trainings.
//!
//! Needs the cargo feature `vulkan` and an adapter, of which a driver that computes on the processor (Mesa's llvmpipe) is
//! one; without an adapter the tests say so and pass.
#![cfg(feature = "vulkan")]

mod setup;

use std::sync::Arc;

use bantam_formats::peft::{AdapterConfig, TargetModules};
use bantam_kernels::training::attention::RotaryTable;
use bantam_model::adapters::{self, FrozenMatrix, frozen_linear};
use bantam_model::context::{Precision, Span};
use bantam_model::ops::{self, AttentionSpec, GatedMaps, Map};
use bantam_model::ports::Targets;
use bantam_model::{TokenModel, weights};
use bantam_train::distillation::{Direction, Distillation, DistillationConfig, Teacher};
use bantam_train::{DeviceChoice, Outcome, Start, TrainConfig, Training};
use burn::tensor::{Device, Tensor, TensorData};
use setup::{Recorder, config, run_with, weights_of};

/// The adapter, if there is one.
fn vulkan() -> Option<Device> {
    match DeviceChoice::Vulkan.open("test") {
        Ok(opened) => {
            eprintln!("on {opened}");
            Some(opened.device)
        }
        Err(e) => {
            eprintln!("skipped: {e}");
            None
        }
    }
}

fn noise(shape: [usize; 2], seed: usize) -> TensorData {
    let value = |i: usize| {
        let x = ((i + seed * 7919) as u32).wrapping_mul(2_654_435_761);
        let x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
        (x >> 16) as f32 / 65536.0 - 0.5
    };
    TensorData::new((0..shape[0] * shape[1]).map(value).collect::<Vec<f32>>(), shape)
}

/// Largest difference over the largest value.
fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0f32, |m, x| m.max(x.abs()));
    assert!(largest > 0.0 && got.iter().all(|x| x.is_finite()));
    got.iter().zip(want).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

/// The value of an operation and the gradients of its inputs agree with the processor's.
fn agrees(name: &str, device: &Device, shapes: &[[usize; 2]], f: impl Fn(&[Tensor<2>]) -> Tensor<2>) {
    let run = |device: Device| -> Vec<Vec<f32>> {
        let device = device.autodiff();
        let data = shapes.iter().enumerate().map(|(i, &shape)| noise(shape, i));
        let inputs: Vec<Tensor<2>> = data.map(|d| Tensor::from_data(d, &device).require_grad()).collect();
        let y = f(&inputs);
        let gradients = (y.clone() * Tensor::from_data(noise(y.dims(), 99), &device)).sum().backward();
        let values = |x: Tensor<2>| x.into_data().try_into_vec().unwrap();
        let of_inputs = inputs.iter().map(|x| values(x.grad(&gradients).unwrap()));
        [values(y.inner())].into_iter().chain(of_inputs).collect()
    };
    for (i, (got, want)) in run(device.clone()).iter().zip(run(Device::flex())).enumerate() {
        let apart = difference(got, &want);
        eprintln!("{name}, {}: {apart:.1e}", if i == 0 { "value".into() } else { format!("gradient {i}") });
        assert!(apart < 2e-5, "{name} {i}: {apart}");
    }
}

#[test]
fn every_operation_and_its_gradients() {
    let Some(device) = vulkan() else { return };
    let row = |x: &Tensor<2>| -> Tensor<1> { x.clone().squeeze_dim(0) };
    agrees("rms_norm", &device, &[[70, 24], [1, 24]], |x| ops::rms_norm(x[0].clone(), row(&x[1]), 1e-5));
    agrees("swiglu", &device, &[[33, 20], [33, 20]], |x| ops::swiglu(x[0].clone(), x[1].clone()));
    let targets = Targets { rows: Arc::new([0, 3, 4, 30]), tokens: Arc::new([5, 0, 16, 5]) };
    for smoothing in [0.0, 0.1] {
        agrees("linear_cross_entropy", &device, &[[33, 20], [17, 20]], |x| {
            ops::linear_cross_entropy(x[0].clone(), x[1].clone(), &targets, smoothing, Precision::F32).unsqueeze()
        });
    }
    let rotary = Arc::new(RotaryTable::new(&[1.0, 0.3, 0.1, 0.01], 64));
    let spec = AttentionSpec { heads: 4, kv_heads: 2, head_dim: 8, rotary, precision: Precision::F32 };
    let spans: Arc<[Span]> = [(0, 50), (52, 7), (60, 5)].map(|(start, len)| Span { start, len }).into();
    agrees("causal_attention", &device, &[[70, 64]], |x| {
        ops::causal_attention(x[0].clone(), spans.clone(), spec.clone())
    });
    agrees("linear", &device, &[[70, 24], [20, 24], [9, 24], [33, 24], [1, 9], [70, 62]], |x| {
        let of = |i: usize| Map { weight: x[i].clone(), bias: (i == 2).then(|| row(&x[4])) };
        ops::linear(x[0].clone(), &[of(1), of(2), of(3)], Some(x[5].clone()), Precision::F32)
    });
    agrees("feed_forward", &device, &[[70, 24], [70, 24], [1, 24], [40, 24], [40, 24], [24, 40]], |x| {
        let [x, mixed, norm, gate, up, down] = [0, 1, 2, 3, 4, 5].map(|i| x[i].clone());
        ops::feed_forward(x, mixed, row(&norm), GatedMaps { gate, up, down }, 1e-5, Precision::F32)
    });
    let matrix: Vec<f32> = noise([24, 40], 7).try_into_vec().unwrap();
    let matrix = Arc::new(FrozenMatrix::quantize(&matrix, [24, 40]));
    agrees("frozen_linear", &device, &[[33, 40]], |x| frozen_linear(x[0].clone(), &matrix));
}

/// The setup's closure sees a training whose lifetime it cannot name.
fn kept<T>(x: T) -> &'static T {
    Box::leak(Box::new(x))
}

fn trained(config: &TrainConfig, device: &Device, recorder: &mut Recorder) -> Outcome {
    let (dir, device) = (tempfile::tempdir().unwrap(), kept(device.clone().autodiff()));
    run_with(config, dir.path(), recorder, |t| t.device = device).unwrap()
}

/// Largest relative difference.
fn relative(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).fold(0f64, |m, (a, b)| m.max((a / b - 1.0).abs()))
}

#[test]
fn thirty_steps_have_the_same_losses_and_repeat() {
    let Some(device) = vulkan() else { return };
    let config = TrainConfig { steps: 30, average: 2, accumulate: 2, ..config() };
    let (mut there, mut again, mut here) = (Recorder::default(), Recorder::default(), Recorder::default());
    let outcome = trained(&config, &device, &mut there);
    let reference = trained(&config, &Device::flex(), &mut here);
    assert!(here.losses[29] < here.losses[0] - 0.5, "nothing was learned: {:?}", here.losses);
    let losses = relative(&there.losses, &here.losses);
    let valid = |r: &Recorder| r.validations.iter().map(|v| v.1).collect::<Vec<f64>>();
    let validations = relative(&valid(&there), &valid(&here));
    eprintln!("30 losses differ by {losses:.1e}, {} validations by {validations:.1e}", here.validations.len());
    assert!(losses < 1e-3 && validations < 1e-3);
    assert_eq!(outcome.weights, reference.weights);
    // The same bits a second time, and with blocks run again in the backward pass the same losses.
    assert_eq!(weights_of(&trained(&config, &device, &mut again)), weights_of(&outcome));
    assert_eq!(again.losses, there.losses);
    let mut recomputed = Recorder::default();
    trained(&TrainConfig { gradient_checkpointing: true, ..config }, &device, &mut recomputed);
    assert!(relative(&recomputed.losses, &there.losses) < 1e-5);
}

#[test]
fn a_stopped_and_resumed_run_ends_with_the_same_bits() {
    let Some(device) = vulkan() else { return };
    let device = kept(device.autodiff());
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, resume: bool, recorder: &mut Recorder| {
        let change = |t: &mut Training<'_>| (t.device, t.resume) = (device, resume);
        run_with(&config(), &dir.path().join(name), recorder, change).unwrap()
    };
    let whole = run("whole", false, &mut Recorder::default());
    let stopped = run("cut", false, &mut Recorder { stop_after: Some(6), ..Recorder::default() });
    assert!(stopped.stopped);
    std::fs::remove_dir_all(dir.path().join("cut/step-00000006")).unwrap();
    assert_eq!(weights_of(&run("cut", true, &mut Recorder::default())), weights_of(&whole));
}

fn seeded(seed: u64, device: &Device) -> TokenModel {
    let model = setup::model();
    weights::initialize(TokenModel::new(&model, device), &model, seed)
}

#[test]
fn adapters_and_a_live_teacher() {
    let Some(device) = vulkan() else { return };
    let losses = |device: &Device| {
        let adapter = AdapterConfig {
            rank: 4,
            alpha: 8.0,
            target_modules: TargetModules::AllLinear,
            rank_stabilized: false,
            dropout: 0.0,
            base_model: None,
        };
        let tracked = kept(device.clone().autodiff());
        let adapter = adapters::start(&setup::model(), &adapter, 5).unwrap();
        let model = adapters::attach(seeded(2, tracked), &adapter, tracked).unwrap();
        let names = adapters::parameter_names(&model);
        let teacher = Teacher::Live(Box::new(seeded(1, device)));
        let objective = kept(Distillation {
            config: DistillationConfig { direction: Direction::Forward, ..DistillationConfig::default() },
            label_smoothing: 0.1,
            teacher,
            teacher_sha256: String::new(),
        });
        let (mut recorder, dir) = (Recorder::default(), tempfile::tempdir().unwrap());
        let outcome = run_with(&config(), dir.path(), &mut recorder, |t| {
            (t.device, t.objective, t.trainable) = (tracked, objective, Some(names));
            t.start = Start::Model(Box::new(model));
        });
        outcome.unwrap();
        recorder.losses
    };
    let (there, here) = (losses(&device), losses(&Device::flex()));
    assert!(here[13] < here[0], "nothing was learned: {here:?}");
    let apart = relative(&there, &here);
    eprintln!("14 losses differ by {apart:.1e}");
    assert!(apart < 1e-3);
}
