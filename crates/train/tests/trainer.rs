//! The loop as a whole: it learns, it resumes to the same bits, it refuses what it cannot stand behind.

mod setup;

use std::collections::BTreeSet;
use std::path::Path;

use bantam_data::item::Level;
use bantam_data::packing::{Batch, Example};
use bantam_formats::ModelConfig;
use bantam_model::TokenModel;
use bantam_model::dropout::Dropout;
use bantam_model::weights;
use bantam_train::{Checkpoint, Inputs, NextToken, OptimizerKind, PassRule, Start, TrainConfig, accumulate};
use burn::tensor::Device;
use setup::{Recorder, config, examples, model, resumes_exactly, resumes_exactly_on, run, run_with, weights_of};

#[test]
fn a_stopped_and_resumed_run_ends_with_the_same_bits_with_every_optimizer() {
    for optimizer in [OptimizerKind::AdamW, OptimizerKind::Muon, OptimizerKind::Lion] {
        resumes_exactly(&TrainConfig { optimizer, ..config() });
        resumes_exactly(&TrainConfig { optimizer, accumulate: 3, dropout: 0.1, ..config() });
    }
}

#[test]
fn resuming_is_exact_with_several_sources_and_a_curriculum_by_level() {
    let mut config = TrainConfig { accumulate: 2, ..config() };
    config.phases[0].levels = vec![Level::Simple, Level::Medium];
    resumes_exactly_on(&config, &[(0..20, 2.0), (20..45, 1.0), (45..60, 0.5)]);
}

#[test]
fn it_learns_and_validates_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::default();
    let config = TrainConfig { steps: 120, learning_rate: 5e-3, warmup_steps: 10, validate_every: 50, ..config() };
    let outcome = run(&config, dir.path(), false, &mut recorder).unwrap();
    assert!(recorder.losses[0] > 3.4, "a fresh model knows nothing: {}", recorder.losses[0]);
    assert!(*recorder.losses.last().unwrap() < 2.8, "{:?}", recorder.losses.last());
    assert_eq!(recorder.validations.len(), 3);
    let v = outcome.validation.unwrap();
    assert_eq!((v.items, v.tokens), (10, examples()[..10].iter().map(|e| e.answer_bytes + 1).sum()));
    assert!(
        (v.bits_per_byte.unwrap() - v.loss * v.tokens as f64 / v.bytes as f64 / std::f64::consts::LN_2).abs() < 1e-9
    );
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
        accumulate(&model, &objective, &batches, &PassRule::default()).unwrap()
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

#[test]
fn gradient_checkpointing_gives_the_same_bits() {
    let device = Device::flex().autodiff();
    for tied in [true, false] {
        let config = ModelConfig { tie_word_embeddings: tied, num_hidden_layers: 3, ..model() };
        let model = weights::initialize(TokenModel::new(&config, &device), &config, 5);
        let mut batch = Batch::default();
        examples().iter().take(12).for_each(|e| batch.push(e));
        let inputs = [Inputs::new(&batch, &device)];
        let objective = NextToken { label_smoothing: 0.1 };
        let frozen = weights::freeze(model.clone(), |name| name.contains("layers.1."));
        let dropout = Some(Dropout { rate: 0.2, seed: 3 });
        for (model, dropout) in [(model, None), (frozen.clone(), None), (frozen, dropout)] {
            let of = |recompute| {
                let rule = PassRule { recompute, dropout: dropout.clone(), ..PassRule::default() };
                accumulate(&model, &objective, &inputs, &rule).unwrap()
            };
            let (kept, again) = (of(false), of(true));
            assert_eq!(again.loss, kept.loss);
            assert!(!kept.gradients.is_empty());
            assert_eq!(again.gradients, kept.gradients);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let losses = [false, true].map(|gradient_checkpointing| {
        let mut recorder = Recorder::default();
        let config = TrainConfig { gradient_checkpointing, accumulate: 2, ..config() };
        run(&config, &dir.path().join(gradient_checkpointing.to_string()), false, &mut recorder).unwrap();
        recorder.losses
    });
    assert_eq!(losses[0].len(), 14);
    assert_eq!(losses[0], losses[1]);
}
