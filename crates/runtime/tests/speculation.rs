//! Guessing ahead changes nothing but the time: the same tokens as without, and draws that follow the model's distribution.

mod random_model;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

use bantam_core::seed;
use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{ModelArtifact, ModelConfig, Tokenizer, TokenizerBundle, tokenizer_training};
use bantam_runtime::measure::{Clock, WallClock};
use bantam_runtime::{
    Constraint, ConstraintCompiler, DraftModel, GenerateOptions, Generation, Generator, LoadOptions, Model,
    SamplingOptions, Session, Speculation,
};
use rand::RngExt as _;
use random_model::{llama, model, tensors, tokenizer};
use serde_json::json;

/// Wide enough for 8-bit weights, and a text of it soon repeats itself.
fn config() -> ModelConfig {
    ModelConfig { vocab_size: 410, ..llama() }
}

/// The same weights in 8 bits: nearly the same model.
fn rounded(config: &ModelConfig, seed: u64) -> Model {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, config, &tensors(config, seed), None, GgufType::Q4_0).unwrap();
    Model::load(&ModelArtifact::open(&path).unwrap(), LoadOptions { threads: 1, ..Default::default() }).unwrap()
}

/// Time that passes at random, so that guessing is taken up and dropped at random.
struct Moody(Cell<u64>);

impl Clock for Moody {
    fn now(&self) -> Duration {
        let step = seed::rng(self.0.get(), "time").random_range(1..9);
        self.0.set(self.0.get() + step);
        Duration::from_millis(self.0.get())
    }
}

/// Time that stands still: guessing always pays.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

struct Writer<'a> {
    model: &'a Model,
    tokenizer: &'a Tokenizer,
    constraint: Option<&'a Constraint>,
}

impl Writer<'_> {
    fn write(
        &self,
        prompt: &[u32],
        options: &GenerateOptions,
        speculation: Speculation<'_>,
        clock: &dyn Clock,
    ) -> Generation {
        let mut session = Session::new(self.model);
        let generator = Generator::new(self.tokenizer, options).constraint(self.constraint).speculation(speculation);
        let made = generator.run(&mut session, prompt, &mut |_| ControlFlow::Continue(()), clock).unwrap();
        // Whatever was guessed, the session has read the text and nothing else. (Some texts are enough to see it.)
        if prompt.len().is_multiple_of(4) {
            let read = &[prompt, &made.tokens].concat()[..session.position()];
            let mut fresh = Session::new(self.model);
            fresh.prefill(read).unwrap();
            assert!(fresh.save_state() == session.save_state());
        }
        made
    }
}

fn prompts(n: usize) -> impl Iterator<Item = Vec<u32>> {
    (0..n as u64).map(|i| {
        let mut rng = seed::rng(i, "prompt");
        let length = rng.random_range(1..24);
        (0..length).map(|_| rng.random_range(5..410)).collect()
    })
}

#[test]
fn greedy_text_of_five_hundred_prompts_is_the_same() {
    let (tokenizer, _) = tokenizer();
    let (model, small) = (model(&config(), 1), rounded(&config(), 1));
    let draft = DraftModel::new(&small, &tokenizer, &tokenizer).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: None };
    let (mut looked_up, mut drafted) = ((0, 0), (0, 0));
    for prompt in prompts(500) {
        let options = GenerateOptions::greedy(40, &[0]);
        let plain = writer.write(&prompt, &options, Speculation::Off, &Still);
        assert_eq!(plain.speculation, Default::default());
        let found = writer.write(&prompt, &options, Speculation::PromptLookup, &Still);
        assert_eq!(found.tokens, plain.tokens);
        looked_up = (looked_up.0 + found.speculation.proposed, looked_up.1 + found.speculation.accepted);
        let found = writer.write(&prompt, &options, Speculation::Draft(&draft), &Still);
        assert_eq!(found.tokens, plain.tokens);
        drafted = (drafted.0 + found.speculation.proposed, drafted.1 + found.speculation.accepted);
    }
    // Both kinds guess right and wrong often enough to have been tried.
    for (proposed, accepted) in [looked_up, drafted] {
        assert!(accepted > 1000 && accepted + 1000 < proposed, "{accepted} of {proposed}");
    }
}

#[test]
fn sampled_text_is_the_same_with_penalties_log_probabilities_and_any_clock() {
    let (tokenizer, _) = tokenizer();
    let (model, small) = (model(&config(), 1), rounded(&config(), 1));
    let draft = DraftModel::new(&small, &tokenizer, &tokenizer).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: None };
    let (mut accepted, mut paused) = (0, 0);
    for (i, prompt) in prompts(60).enumerate() {
        let sampling = SamplingOptions {
            temperature: 0.8,
            top_p: 0.9,
            presence_penalty: if i % 2 == 0 { 0.3 } else { 0.0 },
            seed: i as u64,
            ..Default::default()
        };
        let log_probabilities = (i % 3 == 0).then_some(2);
        let options = GenerateOptions { sampling, log_probabilities, ..GenerateOptions::greedy(80, &[0]) };
        let plain = writer.write(&prompt, &options, Speculation::Off, &Still);
        for speculation in [Speculation::PromptLookup, Speculation::Draft(&draft)] {
            let made = writer.write(&prompt, &options, speculation, &Moody(Cell::new(i as u64)));
            assert_eq!((&made.tokens, &made.log_probabilities), (&plain.tokens, &plain.log_probabilities));
            assert_eq!((&made.text, made.finish_reason), (&plain.text, plain.finish_reason));
            accepted += made.speculation.accepted;
            paused += made.speculation.plain_rounds;
        }
    }
    assert!(accepted > 300 && paused > 300, "{accepted} {paused}");
}

#[test]
fn constrained_text_is_the_same() {
    let (tokenizer, _) = tokenizer();
    let (model, small) = (model(&config(), 1), rounded(&config(), 1));
    let draft = DraftModel::new(&small, &tokenizer, &tokenizer).unwrap();
    let schema = json!({"type": "array", "minItems": 2, "maxItems": 4, "items": {"type": "object",
        "properties": {"sku": {"type": "string", "maxLength": 6}, "qty": {"type": "integer", "minimum": 0, "maximum": 50}},
        "required": ["sku", "qty"], "additionalProperties": false}});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("s", &schema).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: Some(&constraint) };
    let mut accepted = 0;
    for (i, prompt) in prompts(25).enumerate() {
        let temperature = if i % 2 == 0 { 0.0 } else { 0.7 };
        let sampling = SamplingOptions { temperature, seed: i as u64, ..Default::default() };
        let options = GenerateOptions { sampling, ..GenerateOptions::greedy(90, &[0]) };
        let plain = writer.write(&prompt, &options, Speculation::Off, &Still);
        for speculation in [Speculation::PromptLookup, Speculation::Draft(&draft)] {
            let made = writer.write(&prompt, &options, speculation, &Still);
            assert_eq!((made.tokens, made.finish_reason), (plain.tokens.clone(), plain.finish_reason));
            accepted += made.speculation.accepted;
        }
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn the_context_fills_up_at_the_same_token() {
    let (tokenizer, _) = tokenizer();
    let config = ModelConfig { max_position_embeddings: 30, ..config() };
    let (model, small) = (model(&config, 1), rounded(&config, 1));
    let draft = DraftModel::new(&small, &tokenizer, &tokenizer).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: None };
    for prompt in prompts(60) {
        let options = GenerateOptions::greedy(60, &[]);
        let plain = writer.write(&prompt, &options, Speculation::Off, &Still);
        for speculation in [Speculation::PromptLookup, Speculation::Draft(&draft)] {
            let made = writer.write(&prompt, &options, speculation, &Still);
            assert_eq!((made.tokens, made.finish_reason), (plain.tokens.clone(), plain.finish_reason));
        }
    }
}

#[test]
fn sampled_pairs_follow_the_models_distribution() {
    // 18 tokens: 324 pairs, of which those expected five times or more are counted one by one, the others together.
    let config = ModelConfig { vocab_size: 18, ..llama() };
    let (model, small) = (model(&config, 3), self::model(&ModelConfig { num_hidden_layers: 1, ..config }, 3));
    let (tokenizer, _) = tokenizer();
    let draft = DraftModel::new(&small, &tokenizer, &tokenizer).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: None };
    // Whatever comes first, the prompt has it after a 9, and another 9 follows there.
    let prompt: Vec<u32> = (0..18).flat_map(|a| [9, a]).chain([9]).collect();
    let temperature = 1.3f32;
    let softmax = |logits: &[f32]| {
        let weights: Vec<f64> = logits.iter().map(|l| f64::from(l / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / total).collect::<Vec<f64>>()
    };
    let mut session = Session::new(&model);
    let first = softmax(session.prefill(&prompt).unwrap());
    let pairs: Vec<f64> = (0..18u32)
        .flat_map(|a| {
            let then = softmax(session.fork().step(a).unwrap());
            then.into_iter().map(|p| p * first[a as usize]).collect::<Vec<_>>()
        })
        .collect();
    for speculation in [Speculation::PromptLookup, Speculation::Draft(&draft)] {
        let n = 6000;
        let mut counts = vec![0f64; pairs.len()];
        let mut accepted = 0;
        for seed in 0..n {
            let sampling = SamplingOptions { temperature, seed, ..Default::default() };
            let options = GenerateOptions { max_new_tokens: 3, sampling, ..Default::default() };
            let made = writer.write(&prompt, &options, speculation, &Still);
            if let [a, b, ..] = made.tokens[..] {
                counts[(a * 18 + b) as usize] += 1.0;
            }
            accepted += made.speculation.accepted;
        }
        let (mut square, mut cells) = (0.0, 0.0);
        let (mut rare, mut rare_expected) = (0.0, 0.0);
        for (count, p) in counts.iter().zip(&pairs) {
            let expected = p * counts.iter().sum::<f64>();
            if expected >= 5.0 {
                square += (count - expected).powi(2) / expected;
                cells += 1.0;
            } else {
                rare += count;
                rare_expected += expected;
            }
        }
        square += (rare - rare_expected).powi(2) / rare_expected.max(1e-9);
        // Five standard deviations of chi-square above its mean; the seeds are fixed.
        assert!(square < cells + 5.0 * (2.0f64 * cells).sqrt(), "{square} for {cells} cells");
        assert!(accepted > 100 && cells > 50.0, "{accepted} {cells}");
    }
}

#[test]
fn a_draft_model_with_another_tokenizer_is_refused() {
    let (ours, _) = tokenizer();
    let json =
        tokenizer_training::train((0..50).map(|i| format!("quite other text {i}")), 400, 17, &["<|end|>"]).unwrap();
    let bundle = TokenizerBundle { tokenizer_json: json, ..Default::default() };
    let other = Tokenizer::from_json(bundle.tokenizer_json.as_bytes(), "other").unwrap();
    let model = model(&config(), 1);
    let error = DraftModel::new(&model, &other, &ours).err().unwrap();
    assert!(error.exit_code() == 2 && error.to_string().contains("tokenizer"), "{error}");
}

#[test]
fn a_draft_model_that_is_the_model_itself_is_always_right() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    let draft = DraftModel::new(&model, &tokenizer, &tokenizer).unwrap();
    let writer = Writer { model: &model, tokenizer: &tokenizer, constraint: None };
    let sampling = SamplingOptions { temperature: 2.0, ..Default::default() };
    let options = GenerateOptions { sampling, ..GenerateOptions::greedy(100, &[]) };
    let made = writer.write(&[5, 6], &options, Speculation::Draft(&draft), &WallClock::start());
    assert!(made.speculation.proposed > 0);
    assert_eq!(made.speculation.accepted, made.speculation.proposed);
}
