//! Vector models in the loop: losses as torch computes them, training that learns, resumes to the same bits and checks the same things.

mod setup;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bantam_core::{Result, seed};
use bantam_data::packing::{Batch, Example, Source};
use bantam_formats::{MixerConfig, ModelConfig, VectorConfig, VectorPorts};
use bantam_model::diffusion::Sampling;
use bantam_model::vectors::Vectors;
use bantam_model::{VectorModel, weights};
use bantam_train::{
    Inputs, LossKind, Outcome, PassRule, Phase, Start, TrainConfig, Trainable, Training, VectorLoss, VectorSetup,
    accumulate, cosine, info_nce, predictions, squared_error, train,
};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;
use serde::Deserialize;
use setup::Recorder;

#[derive(Deserialize)]
struct Golden {
    rows: usize,
    size: usize,
    predicted: Vec<f32>,
    wanted: Vec<f32>,
    negatives: Vec<f32>,
    temperature: f32,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    loss: f64,
    gradient: Vec<f32>,
}

#[test]
fn losses_and_their_gradients_are_torch_s() {
    let golden: Golden = serde_json::from_str(include_str!("data/vector_losses.json")).unwrap();
    let device = Device::flex().autodiff();
    let tensor = |v: &[f32]| -> Tensor<2> {
        Tensor::from_data(TensorData::new(v.to_vec(), [v.len() / golden.size, golden.size]), &device)
    };
    let wanted = || tensor(&golden.wanted);
    for (name, case) in &golden.cases {
        let x = tensor(&golden.predicted).require_grad();
        let loss = match name.as_str() {
            "squared" => squared_error(x.clone(), wanted()),
            "cosine" => cosine(x.clone(), wanted()),
            "info_nce" => info_nce(x.clone(), wanted(), None, golden.temperature),
            _ => info_nce(x.clone(), wanted(), Some(tensor(&golden.negatives)), golden.temperature),
        };
        let gradients = loss.backward();
        let value = loss.into_data().iter::<f64>().next().unwrap();
        assert!((value - case.loss).abs() < 1e-5, "{name}: {value} {}", case.loss);
        let gradient: Vec<f32> = x.grad(&gradients).unwrap().into_data().try_into_vec().unwrap();
        assert_eq!(gradient.len(), golden.rows * golden.size);
        for (got, wanted) in gradient.iter().zip(&case.gradient) {
            assert!((got - wanted).abs() < 1e-5, "{name}: {got} {wanted}");
        }
    }
}

const SIZE: usize = 6;
const LENGTH: usize = 9;
/// Of [`a_denoiser_draws_what_may_come_where_a_regression_gives_the_mean`]: so many that none can be learned by heart.
const DOCUMENTS: usize = 150;

/// Documents whose vectors turn by the same angle from one to the next, in planes of their own: the next follows from the last.
fn documents() -> (Arc<Vectors>, Vec<Example>) {
    let (mut values, mut examples) = (Vec::new(), Vec::new());
    for document in 0..40usize {
        let first = document * LENGTH;
        for t in 0..LENGTH {
            for plane in 0..SIZE / 2 {
                let (length, speed) = (1.0 + 0.1 * (document % 7) as f32, 0.5 + 0.6 * plane as f32);
                let angle = (document * (plane + 3)) as f32 + t as f32 * speed;
                values.extend([length * angle.cos(), length * angle.sin()]);
            }
        }
        let numbers = (first..first + LENGTH).map(|n| n as u32).collect();
        examples.push(Example::with_answer(numbers, 1, 0));
    }
    let domains = (0..values.len() / SIZE).map(|n| (n / LENGTH % 2) as u32).collect();
    (Arc::new(Vectors::new(SIZE, values, domains)), examples)
}

fn setup(vectors: &Arc<Vectors>, ports: VectorPorts) -> VectorSetup {
    let blocks = ModelConfig {
        vocab_size: 1,
        hidden_size: 16,
        intermediate_size: 32,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        num_hidden_layers: 2,
        mixers: vec![MixerConfig::Lstm { hidden_size: 16 }, MixerConfig::Attention],
        ..setup::model()
    };
    let denoiser_layers = if ports == VectorPorts::Diffusion { 2 } else { 0 };
    let config = VectorConfig { vector_size: SIZE, domains: 2, ports, denoiser_layers, blocks };
    let scaler = ports.is_scaled().then(|| [vec![0.1; SIZE], vec![1.5; SIZE]]);
    VectorSetup { config, vectors: vectors.clone(), scaler }
}

fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        steps,
        warmup_steps: 5,
        learning_rate: 5e-3,
        dropout: 0.05,
        checkpoint_every: 4,
        validate_every: steps,
        phases: vec![Phase { share: 1.0, max_item_tokens: LENGTH, batch_tokens: 8 * LENGTH, levels: vec![] }],
        ..TrainConfig::default()
    }
}

fn run(
    ports: VectorPorts,
    loss: VectorLoss,
    config: &TrainConfig,
    dir: &Path,
    recorder: &mut Recorder,
    resume: bool,
) -> Result<Outcome<VectorModel>> {
    let (vectors, examples) = documents();
    let training = Training {
        model: &setup(&vectors, ports),
        config,
        seed: 3,
        device: &Device::flex().autodiff(),
        start: Start::Random,
        trainable: None,
        objective: &loss,
        sources: &[Source { examples: &examples[..30], weight: 1.0 }],
        validation: &examples[30..],
        checkpoints: dir,
        resume,
    };
    train(training, recorder)
}

#[test]
fn every_loss_and_port_learns_what_follows() {
    for (ports, kind) in [
        (VectorPorts::Residual, LossKind::Squared),
        (VectorPorts::Plain, LossKind::InfoNce),
        (VectorPorts::Concept, LossKind::Cosine),
        (VectorPorts::Diffusion, LossKind::Diffusion),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::default();
        let loss = VectorLoss { negatives: 10, of: 30 * LENGTH, ..VectorLoss::of(kind) };
        let outcome = run(ports, loss, &config(150), dir.path(), &mut recorder, false).unwrap();
        let v = outcome.validation.unwrap();
        assert_eq!((v.items, v.tokens, v.bits_per_byte), (10, 10 * (LENGTH - 1), None));
        assert!(v.loss < 0.5 * recorder.losses[0], "{kind:?}: {} of {}", v.loss, recorder.losses[0]);
        assert!(v.accuracy > 0.5, "{kind:?}: {}", v.accuracy);
    }
}

#[test]
fn a_stopped_and_resumed_run_ends_with_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let loss = VectorLoss { negatives: 4, of: 30 * LENGTH, ..VectorLoss::of(LossKind::InfoNce) };
    let config = TrainConfig { accumulate: 2, ..config(14) };
    let run = |name: &str, recorder: &mut Recorder, resume| {
        run(VectorPorts::Residual, loss, &config, &dir.path().join(name), recorder, resume).unwrap()
    };
    let (mut whole, mut first, mut second) = (Recorder::default(), Recorder::default(), Recorder::default());
    let wanted = run("whole", &mut whole, false);
    first.stop_after = Some(6);
    assert!(run("cut", &mut first, false).stopped);
    std::fs::remove_dir_all(dir.path().join("cut/step-00000006")).unwrap();
    let got = run("cut", &mut second, true);
    assert_eq!(second.started_at, 4);
    assert_eq!(weights::read(&got.model), weights::read(&wanted.model));
    assert_eq!(second.losses, whole.losses[4..]);
    assert_eq!(got.validation, wanted.validation);
}

#[test]
fn gradient_checkpointing_and_micro_batches_give_the_same_gradient() {
    let (vectors, examples) = documents();
    let device = Device::flex().autodiff();
    let model = VectorModel::random(&setup(&vectors, VectorPorts::Residual), 5, &device);
    let batch = |examples: &[Example]| {
        let mut batch = Batch::default();
        examples.iter().for_each(|e| batch.push(e));
        Inputs::new(&batch, &device)
    };
    let loss = VectorLoss::of(LossKind::Squared);
    let of = |batches: &[Inputs], recompute| {
        accumulate(&model, &loss, batches, &PassRule { recompute, ..PassRule::default() }).unwrap()
    };
    let whole = [batch(&examples)];
    let (kept, again) = (of(&whole, false), of(&whole, true));
    assert_eq!((kept.loss, kept.gradients), (again.loss, again.gradients.clone()));
    let parts = of(&[batch(&examples[..7]), batch(&examples[7..])], false);
    assert!((parts.loss - again.loss).abs() < 1e-6 * again.loss);
    for (name, wanted) in &again.gradients {
        let scale = wanted.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
        assert!(wanted.iter().zip(&parts.gradients[name]).all(|(a, b)| (a - b).abs() < 1e-4 * scale), "{name}");
    }
}

#[test]
fn a_model_that_sees_the_future_and_other_vectors_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, examples) = documents();
    let mut seeing = setup(&vectors, VectorPorts::Plain);
    seeing.config.blocks.mixers = vec![MixerConfig::Linformer { heads: 2, length: 64, projected: 8 }];
    let attempt = |model: &VectorSetup, dir: &Path, resume| {
        let training = Training {
            model,
            config: &config(8),
            seed: 3,
            device: &Device::flex().autodiff(),
            start: Start::Random,
            trainable: None,
            objective: &VectorLoss::of(LossKind::Squared),
            sources: &[Source { examples: &examples, weight: 1.0 }],
            validation: &[],
            checkpoints: dir,
            resume,
        };
        train(training, &mut Recorder::default())
    };
    let e = attempt(&seeing, &dir.path().join("seeing"), false).unwrap_err();
    assert!(e.exit_code() == 1 && e.to_string().contains("sees the future"), "{e}");
    // Checkpoints belong to the vectors that they were trained on.
    let honest = setup(&vectors, VectorPorts::Plain);
    attempt(&honest, &dir.path().join("run"), false).unwrap();
    let others: Vec<f32> = vectors.gather(0..vectors.len()).iter().map(|v| v * 2.0).collect();
    let domains = (0..vectors.len()).map(|n| (n / LENGTH % 2) as u32).collect();
    let other = setup(&Arc::new(Vectors::new(SIZE, others, domains)), VectorPorts::Plain);
    let e = attempt(&other, &dir.path().join("run"), true).unwrap_err();
    assert!(e.to_string().contains("another configuration"), "{e}");
}

#[test]
fn a_denoiser_draws_what_may_come_where_a_regression_gives_the_mean() {
    // Each vector is one of two opposite ones, whatever came before: the mean is 0, and never comes.
    let mut rng = seed::rng(1, "sides");
    let sides: Vec<f32> = (0..DOCUMENTS * LENGTH).map(|_| if rng.random() { 1.0 } else { -1.0 }).collect();
    let ends = [1.5f32, -0.5, 0.8, 1.0, -1.2, 0.3];
    let values: Vec<f32> = sides.iter().flat_map(|side| ends.map(|v| v * side)).collect();
    let vectors = Arc::new(Vectors::new(SIZE, values, Vec::new()));
    let of = |document: usize| (document * LENGTH..(document + 1) * LENGTH).map(|n| n as u32).collect();
    let examples: Vec<Example> = (0..DOCUMENTS).map(|d| Example::with_answer(of(d), 1, 0)).collect();
    let (trained, other) = examples.split_at(DOCUMENTS - 1);
    let drawn = |ports, kind| {
        let mut setup = setup(&vectors, ports);
        setup.config.domains = 0;
        setup.scaler = ports.is_scaled().then(|| [vec![0.0; SIZE], vec![1.0; SIZE]]);
        let dir = tempfile::tempdir().unwrap();
        let training = Training {
            model: &setup,
            config: &TrainConfig { checkpoint_every: 0, ..config(200) },
            seed: 3,
            device: &Device::flex().autodiff(),
            start: Start::Random,
            trainable: None,
            objective: &VectorLoss::of(kind),
            sources: &[Source { examples: trained, weight: 1.0 }],
            validation: other,
            checkpoints: dir.path(),
            resume: false,
        };
        let model = train(training, &mut Recorder::default()).unwrap().model;
        // At each place of an item the noise is another: what is drawn there, in other seeds.
        let mut all = Vec::new();
        for seed in 0..4 {
            let sampling = Sampling { seed, initial_noise: 1.0, guidance: 1.0, ..Sampling::default() };
            all.extend(predictions(&model.clone().with_sampling(sampling), other, 64).concat());
        }
        let length = ends.iter().map(|v| v * v).sum::<f32>();
        let along = |y: &[f32]| y.iter().zip(ends).map(|(y, e)| y * e).sum::<f32>() / length;
        all.chunks_exact(SIZE).map(along).collect::<Vec<f32>>()
    };
    let near =
        |along: &[f32]| along.iter().filter(|a| (a.abs() - 1.0).abs() < 0.35).count() as f64 / along.len() as f64;
    let diffused = drawn(VectorPorts::Diffusion, LossKind::Diffusion);
    let both = diffused.iter().filter(|a| **a > 0.0).count();
    assert!(near(&diffused) > 0.7 && (4..diffused.len() - 4).contains(&both), "{diffused:?}");
    assert!(near(&drawn(VectorPorts::Concept, LossKind::Squared)) < 0.3);
}
