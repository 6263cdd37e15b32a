//! What do the tests of the loop train, and how are they told what happens?

#![allow(dead_code)] // Each test file uses its own part.

use std::ops::Range;
use std::path::Path;

use bantam_core::Result;
use bantam_data::item::Level;
use bantam_data::packing::{Example, Source};
use bantam_formats::{Architecture, ModelConfig};
use bantam_model::weights::{self, NamedTensor};
use bantam_train::guards::plausibility::Explained;
use bantam_train::{
    Control, NextToken, Observer, Outcome, Phase, Start, StepReport, TrainConfig, Training, Validation, Weights, train,
};
use burn::tensor::Device;

/// A small Llama.
pub fn model() -> ModelConfig {
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
        mixers: Vec::new(),
    }
}

pub fn config() -> TrainConfig {
    TrainConfig {
        steps: 14,
        warmup_steps: 3,
        checkpoint_every: 4,
        validate_every: 5,
        phases: vec![
            Phase { share: 1.0, max_item_tokens: 12, batch_tokens: 60, levels: vec![] },
            Phase { share: 1.0, max_item_tokens: 40, batch_tokens: 90, levels: vec![] },
        ],
        ..TrainConfig::default()
    }
}

/// Items whose answer repeats their prompt.
pub fn examples() -> Vec<Example> {
    (0..60u32)
        .map(|i| {
            let prompt: Vec<u32> = (0..3 + i % 9).map(|t| 1 + (i * 7 + t * 5) % 38).collect();
            let mut tokens = prompt.clone();
            tokens.push(39);
            tokens.extend(&prompt);
            tokens.push(0);
            let level = Level::ALL.get(i as usize % 3).copied();
            Example { level, ..Example::with_answer(tokens, prompt.len() + 1, prompt.len()) }
        })
        .collect()
}

#[derive(Default)]
pub struct Recorder {
    pub losses: Vec<f64>,
    pub validations: Vec<(u64, f64, Weights)>,
    pub explained: Option<Explained>,
    pub started_at: u64,
    pub stop_after: Option<u64>,
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
    fn validated(&mut self, step: u64, validation: &Validation, of: Weights) -> Result<()> {
        self.validations.push((step, validation.loss, of));
        Ok(())
    }
    fn explained(&mut self, _: u64, explained: &Explained) -> Result<()> {
        self.explained = Some(*explained);
        Ok(())
    }
}

/// A training of `config` with everything else as most tests want it, changed by `change`.
pub fn run_with(
    config: &TrainConfig,
    dir: &Path,
    recorder: &mut Recorder,
    change: impl FnOnce(&mut Training<'_>),
) -> Result<Outcome> {
    run_on(config, dir, recorder, &[(0..60, 1.0)], 0..10, change)
}

/// [`run_with`] on other parts of the examples: each source's and its weight, and the validation's.
pub fn run_on(
    config: &TrainConfig,
    dir: &Path,
    recorder: &mut Recorder,
    sources: &[(Range<usize>, f64)],
    validation: Range<usize>,
    change: impl FnOnce(&mut Training<'_>),
) -> Result<Outcome> {
    let (model, examples) = (model(), examples());
    let source = |(part, weight): &(Range<usize>, f64)| Source { examples: &examples[part.clone()], weight: *weight };
    let sources: Vec<Source<'_>> = sources.iter().map(source).collect();
    let mut training = Training {
        model: &model,
        config,
        seed: 3,
        device: &Device::flex().autodiff(),
        start: Start::Random,
        trainable: None,
        objective: &NextToken { label_smoothing: config.label_smoothing },
        sources: &sources,
        validation: &examples[validation],
        checkpoints: dir,
        resume: false,
    };
    change(&mut training);
    train(training, recorder)
}

pub fn run(config: &TrainConfig, dir: &Path, resume: bool, recorder: &mut Recorder) -> Result<Outcome> {
    run_with(config, dir, recorder, |t| t.resume = resume)
}

pub fn weights_of(outcome: &Outcome) -> Vec<NamedTensor> {
    weights::read(&outcome.model)
}

/// Stops after six steps, loses the checkpoint made on stopping, and resumes from that of step four.
pub fn resumes_exactly(config: &TrainConfig) {
    resumes_exactly_on(config, &[(0..60, 1.0)]);
}

/// [`resumes_exactly`] on these sources.
pub fn resumes_exactly_on(config: &TrainConfig, sources: &[(Range<usize>, f64)]) {
    let dir = tempfile::tempdir().unwrap();
    let (mut whole, mut first, mut second) = (Recorder::default(), Recorder::default(), Recorder::default());
    let run = |name: &str, resume: bool, seed: u64, recorder: &mut Recorder| {
        let change = |t: &mut Training<'_>| (t.resume, t.seed) = (resume, seed);
        run_on(config, &dir.path().join(name), recorder, sources, 0..10, change).unwrap()
    };
    let wanted = run("whole", false, 3, &mut whole);
    first.stop_after = Some(6);
    let stopped = run("cut", false, 3, &mut first);
    assert!(stopped.stopped && stopped.steps == 6);
    // A kill loses the steps since the last periodic checkpoint: drop the one written on stopping.
    std::fs::remove_dir_all(dir.path().join("cut/step-00000006")).unwrap();
    let got = run("cut", true, 3, &mut second);
    assert_eq!(second.started_at, 4);
    assert_eq!(weights_of(&got), weights_of(&wanted));
    assert_eq!(second.losses, whole.losses[4..]);
    assert_eq!(got.validation, wanted.validation);
    // Another seed of the same shape must not give the same weights.
    assert_ne!(weights_of(&run("other", false, 4, &mut first)), weights_of(&wanted));
}
