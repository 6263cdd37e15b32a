//! The loop as a whole: it learns, it resumes to the same bits, it refuses what it cannot stand behind.

use std::collections::BTreeSet;
use std::path::Path;

use bantam_core::Result;
use bantam_data::packing::{Batch, Example};
use bantam_formats::{Architecture, ModelConfig};
use bantam_model::TokenModel;
use bantam_model::weights::{self, NamedTensor};
use bantam_train::{
    Checkpoint, Control, Inputs, NextToken, Observer, OptimizerKind, Outcome, Phase, Start, StepReport, TrainConfig,
    Training, Validation, accumulate, train,
};
use burn::tensor::Device;

fn model() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 40,
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
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
    }
}

fn config() -> TrainConfig {
    TrainConfig {
        steps: 14,
        warmup_steps: 3,
        checkpoint_every: 4,
        validate_every: 5,
        phases: vec![
            Phase { share: 1.0, max_item_tokens: 12, batch_tokens: 60 },
            Phase { share: 1.0, max_item_tokens: 40, batch_tokens: 90 },
        ],
        ..TrainConfig::default()
    }
}

/// Items whose answer repeats their prompt.
fn examples() -> Vec<Example> {
    (0..60u32)
        .map(|i| {
            let prompt: Vec<u32> = (0..3 + i % 9).map(|t| 1 + (i * 7 + t * 5) % 38).collect();
            let mut tokens = prompt.clone();
            tokens.push(39);
            tokens.extend(&prompt);
            tokens.push(0);
            Example::with_answer(tokens, prompt.len() + 1, prompt.len())
        })
        .collect()
}

#[derive(Default)]
struct Recorder {
    losses: Vec<f64>,
    validations: usize,
    started_at: u64,
    stop_after: Option<u64>,
}

impl Observer for Recorder {
    fn started(&mut self, steps: u64) -> Result<()> {
        self.started_at = steps;
        Ok(())
    }
    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control> {
        self.losses.push(report.loss);
        Ok(if self.stop_after == Some(step) { Control::Stop } else { Control::Continue })
    }
    fn validated(&mut self, _: u64, _: &Validation) -> Result<()> {
        self.validations += 1;
        Ok(())
    }
}

/// A training of `config` with everything else as most tests want it, changed by `change`.
fn run_with(
    config: &TrainConfig,
    dir: &Path,
    recorder: &mut Recorder,
    change: impl FnOnce(&mut Training<'_>),
) -> Result<Outcome> {
    let (model, examples) = (model(), examples());
    let mut training = Training {
        model: &model,
        config,
        seed: 3,
        device: &Device::flex().autodiff(),
        start: Start::Random,
        trainable: None,
        objective: &NextToken { label_smoothing: config.label_smoothing },
        examples: &examples,
        validation: &examples[..10],
        checkpoints: dir,
        resume: false,
    };
    change(&mut training);
    train(training, recorder)
}

fn run(config: &TrainConfig, dir: &Path, resume: bool, recorder: &mut Recorder) -> Result<Outcome> {
    run_with(config, dir, recorder, |t| t.resume = resume)
}

fn weights_of(outcome: &Outcome) -> Vec<NamedTensor> {
    weights::read(&outcome.model)
}

#[test]
fn a_stopped_and_resumed_run_ends_with_the_same_bits_with_every_optimizer() {
    for optimizer in [OptimizerKind::AdamW, OptimizerKind::Muon, OptimizerKind::Lion] {
        resumes_exactly(&TrainConfig { optimizer, ..config() });
        resumes_exactly(&TrainConfig { optimizer, accumulate: 3, ..config() });
    }
}

/// Stops after six steps, loses the checkpoint made on stopping, and resumes from that of step four.
fn resumes_exactly(config: &TrainConfig) {
    let dir = tempfile::tempdir().unwrap();
    let (mut whole, mut first, mut second) = (Recorder::default(), Recorder::default(), Recorder::default());
    let wanted = run(config, &dir.path().join("whole"), false, &mut whole).unwrap();
    first.stop_after = Some(6);
    let stopped = run(config, &dir.path().join("cut"), false, &mut first).unwrap();
    assert!(stopped.stopped && stopped.steps == 6);
    // A kill loses the steps since the last periodic checkpoint: drop the one written on stopping.
    std::fs::remove_dir_all(dir.path().join("cut/step-00000006")).unwrap();
    let got = run(config, &dir.path().join("cut"), true, &mut second).unwrap();
    assert_eq!(second.started_at, 4);
    assert_eq!(weights_of(&got), weights_of(&wanted));
    assert_eq!(second.losses, whole.losses[4..]);
    assert_eq!(got.validation, wanted.validation);
    // Another seed of the same shape must not give the same weights.
    let other = run_with(config, &dir.path().join("o"), &mut first, |t| t.seed = 4).unwrap();
    assert_ne!(weights_of(&other), weights_of(&wanted));
}

#[test]
fn it_learns_and_validates_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::default();
    let config = TrainConfig { steps: 120, learning_rate: 5e-3, warmup_steps: 10, validate_every: 50, ..config() };
    let outcome = run(&config, dir.path(), false, &mut recorder).unwrap();
    assert!(recorder.losses[0] > 3.4, "a fresh model knows nothing: {}", recorder.losses[0]);
    assert!(*recorder.losses.last().unwrap() < 2.8, "{:?}", recorder.losses.last());
    assert_eq!(recorder.validations, 3);
    let v = outcome.validation.unwrap();
    assert_eq!((v.items, v.tokens), (10, examples()[..10].iter().map(|e| e.answer_bytes + 1).sum()));
    assert!((v.bits_per_byte - v.loss * v.tokens as f64 / v.bytes as f64 / std::f64::consts::LN_2).abs() < 1e-9);
}

#[test]
fn foreign_checkpoints_and_unasked_resumes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(&config(), dir.path(), false, &mut Recorder::default()).unwrap();
    let e = run(&config(), dir.path(), false, &mut Recorder::default()).unwrap_err();
    assert!(e.to_string().contains("--resume") && e.exit_code() == 2, "{e}");
    let other = TrainConfig { learning_rate: 1e-4, ..config() };
    let e = run(&other, dir.path(), true, &mut Recorder::default()).unwrap_err();
    assert!(e.to_string().contains("another configuration") && e.exit_code() == 2, "{e}");
}

#[test]
fn a_diverging_run_stops_with_a_check() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { learning_rate: 1e30, clip_norm: 0.0, warmup_steps: 0, ..config() };
    let e = run(&config, dir.path(), false, &mut Recorder::default()).unwrap_err();
    assert_eq!(e.exit_code(), 1);
    assert!(e.to_string().contains("not finite"), "{e}");
}

#[test]
fn fine_tuning_starts_from_given_weights_and_leaves_frozen_ones_alone() {
    let dir = tempfile::tempdir().unwrap();
    let before = run(&config(), &dir.path().join("base"), false, &mut Recorder::default()).unwrap();
    let names: BTreeSet<String> =
        weights_of(&before).into_iter().map(|t| t.0).filter(|n| n.contains("layers.1.")).collect();
    let mut recorder = Recorder::default();
    let tune = |dir: &Path, recorder: &mut Recorder, resume| {
        run_with(&config(), dir, recorder, |t| {
            t.start = Start::Model(Box::new(before.model.clone()));
            t.trainable = Some(names.clone());
            t.resume = resume;
        })
    };
    let path = dir.path().join("tuned");
    let after = tune(&path, &mut recorder, false).unwrap();
    for (old, new) in weights_of(&before).into_iter().zip(weights_of(&after)) {
        assert_eq!(old.2 != new.2, names.contains(&old.0), "{}", old.0);
    }
    let saved = Checkpoint::read(&path.join("step-00000014")).unwrap();
    assert!(saved.weights.iter().all(|t| names.contains(&t.0)) && saved.weights.len() == names.len());
    assert_eq!(saved.optimizer.len(), 2 * names.len());
    // From the checkpoint before: the same bits; from other weights: refused.
    std::fs::remove_dir_all(path.join("step-00000014")).unwrap();
    let resumed = tune(&path, &mut Recorder::default(), true).unwrap();
    assert_eq!(weights_of(&resumed), weights_of(&after));
    let e = run_with(&config(), &path, &mut Recorder::default(), |t| {
        (t.resume, t.trainable) = (true, Some(names.clone()));
    });
    assert!(e.unwrap_err().to_string().contains("another configuration"));
    let e = run_with(&config(), &dir.path().join("x"), &mut recorder, |t| t.trainable = Some(["lost".into()].into()));
    assert!(e.unwrap_err().to_string().contains("the model has no lost"));
}

#[test]
fn any_number_of_micro_batches_gives_the_same_gradient() {
    let (config, device) = (model(), Device::flex().autodiff());
    let model = weights::initialize(TokenModel::new(&config, &device), &config, 5);
    // Parts of very different numbers of targets: the mean of their means would be something else.
    let mut items = examples();
    items.truncate(48);
    items.sort_by_key(|e| e.tokens.len());
    let objective = NextToken { label_smoothing: 0.1 };
    let of = |parts: usize| {
        let batch = |items: &[Example]| {
            let mut batch = Batch::default();
            items.iter().for_each(|e| batch.push(e));
            Inputs::new(&batch, &device)
        };
        let batches: Vec<Inputs> = items.chunks(items.len() / parts).map(batch).collect();
        assert_eq!(batches.len(), parts);
        accumulate(&model, &objective, &batches).unwrap()
    };
    let whole = of(1);
    let norm = |g: &[f32]| g.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    for parts in [2, 4, 8] {
        let split = of(parts);
        assert_eq!((split.tokens, split.target_tokens), (whole.tokens, whole.target_tokens));
        assert!((split.loss / whole.loss - 1.0).abs() < 1e-6, "{parts}: {} {}", split.loss, whole.loss);
        assert_eq!(split.gradients.len(), whole.gradients.len());
        for (name, gradient) in &whole.gradients {
            let difference: Vec<f32> = gradient.iter().zip(&split.gradients[name]).map(|(a, b)| a - b).collect();
            let relative = norm(&difference) / norm(gradient);
            assert!(relative < 1e-6, "{parts} parts, {name}: {relative}");
        }
    }
}
