//! Texts: stop strings, pieces, log-probabilities, and what the session has read when a text has ended.

mod random_model;

use std::ops::ControlFlow;

use bantam_formats::ModelConfig;
use bantam_runtime::measure::WallClock;
use bantam_runtime::{
    ConstraintCompiler, FinishReason, GenerateOptions, Generation, Generator, Model, SamplingOptions, Session, generate,
};
use random_model::{llama, model, tokenizer};
use serde_json::json;

fn config() -> ModelConfig {
    ModelConfig { vocab_size: 410, ..llama() }
}

/// Sampled text of a model with random weights, hot enough to hold broken UTF-8.
fn hot(seed: u64, max_new_tokens: usize) -> GenerateOptions {
    let sampling = SamplingOptions { temperature: 3.0, seed, ..Default::default() };
    GenerateOptions { max_new_tokens, sampling, end_tokens: vec![0], ..Default::default() }
}

/// The text and the pieces it came in.
fn listen(model: &Model, options: &GenerateOptions) -> (Generation, Vec<String>) {
    let (tokenizer, _) = tokenizer();
    let mut pieces = Vec::new();
    let mut session = Session::new(model);
    let made = Generator::new(&tokenizer, options)
        .run(
            &mut session,
            &[7, 8, 9],
            &mut |piece| {
                pieces.push(piece.to_owned());
                ControlFlow::Continue(())
            },
            &WallClock::start(),
        )
        .unwrap();
    (made, pieces)
}

#[test]
fn pieces_make_the_text_that_the_tokenizer_decodes() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    let mut broken = 0;
    for seed in 0..40 {
        let (made, pieces) = listen(&model, &hot(seed, 60));
        assert_eq!(pieces.concat(), made.text);
        assert_eq!(made.text, tokenizer.decode(&made.tokens, true));
        assert!(pieces.iter().all(|p| !p.is_empty()));
        broken += usize::from(made.text.contains('\u{fffd}'));
    }
    assert!(broken > 10, "{broken} texts with broken UTF-8: too few to show anything");
}

#[test]
fn a_stop_string_ends_the_text_wherever_tokens_end() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    for seed in 0..30 {
        let (free, _) = listen(&model, &hot(seed, 60));
        // A stretch of the text itself, from the middle of some token on.
        let chars: Vec<char> = free.text.chars().collect();
        let middle = chars.len() / 2;
        let stop: String = chars[middle..(middle + 4).min(chars.len())].iter().collect();
        let expected = &free.text[..free.text.find(&stop).unwrap()];
        let options = GenerateOptions { stop: vec![stop.clone(), "never\u{1}".into()], ..hot(seed, 60) };
        let (made, pieces) = listen(&model, &options);
        assert_eq!(made.text, expected);
        assert_eq!(pieces.concat(), expected);
        assert_eq!((made.finish_reason, made.stop_string.as_deref()), (FinishReason::Stop, Some(stop.as_str())));
        // The tokens end with the one that completed it.
        assert!(free.tokens.starts_with(&made.tokens) && tokenizer.decode(&made.tokens, true).contains(&stop));
        let before = &made.tokens[..made.tokens.len() - 1];
        let undecided = stop.ends_with('\u{fffd}');
        assert!(undecided || !tokenizer.decode(before, true).contains(&stop));
    }
    let error = GenerateOptions { stop: vec![String::new()], ..hot(0, 5) }.validate().unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn log_probabilities_are_the_models_own_for_chosen_and_forced_tokens() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 2);
    let schema = json!({"type": "object", "properties": {"order_id": {"enum": ["A-1", "B-22"]}, "paid": {"type": "boolean"}},
        "required": ["order_id", "paid"], "additionalProperties": false});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("s", &schema).unwrap();
    let prompt = [7, 8, 9];
    for constraint in [None, Some(&constraint)] {
        let sampling = SamplingOptions { temperature: 0.7, top_k: 5, presence_penalty: 0.4, ..Default::default() };
        let options = GenerateOptions { sampling, log_probabilities: Some(3), ..GenerateOptions::greedy(40, &[0]) };
        let clock = WallClock::start();
        let made = generate(&mut Session::new(&model), &tokenizer, &prompt, &options, constraint, &clock).unwrap();
        let quiet = GenerateOptions { log_probabilities: None, ..options.clone() };
        let same = generate(&mut Session::new(&model), &tokenizer, &prompt, &quiet, constraint, &clock).unwrap();
        assert_eq!(made.tokens, same.tokens);
        assert!(same.log_probabilities.is_empty());
        assert_eq!(made.log_probabilities.len(), made.tokens.len());
        let all = Session::new(&model).prefill_all(&[&prompt[..], &made.tokens].concat()).unwrap();
        let rows = all.chunks(410).skip(prompt.len() - 1);
        for ((row, token), told) in rows.zip(&made.tokens).zip(&made.log_probabilities) {
            let sum: f64 = row.iter().map(|l| f64::from(*l).exp()).sum();
            assert_eq!(told.token, *token);
            assert!((told.log_probability - (f64::from(row[*token as usize]) - sum.ln())).abs() < 1e-9);
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!(told.top.len() == 3 && row[told.top[0].0 as usize] == most);
            assert!(told.top.is_sorted_by(|a, b| a.1 >= b.1));
        }
    }
}

#[test]
fn a_listener_may_break_off() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    let options = hot(3, 60);
    let mut pieces = 0;
    let made = Generator::new(&tokenizer, &options)
        .run(
            &mut Session::new(&model),
            &[7],
            &mut |_| {
                pieces += 1;
                if pieces == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
            &WallClock::start(),
        )
        .unwrap();
    assert_eq!((made.finish_reason, pieces), (FinishReason::Interrupted, 5));
    assert!(made.generated_tokens < 60);
}

#[test]
fn the_session_has_read_what_its_position_says() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    let prompt = [7, 8, 9];
    for stop in [vec![], vec!["e".to_owned()]] {
        let options = GenerateOptions { stop, ..hot(5, 20) };
        let mut session = Session::new(&model);
        let made = generate(&mut session, &tokenizer, &prompt, &options, None, &WallClock::start()).unwrap();
        let read = &[&prompt[..], &made.tokens].concat()[..session.position()];
        let mut fresh = Session::new(&model);
        fresh.prefill(read).unwrap();
        assert!(fresh.save_state() == session.save_state());
        assert!(made.tokens.len() + 3 - session.position() <= 1);
    }
}

#[test]
fn bias_forbids_and_forces() {
    let (tokenizer, _) = tokenizer();
    let model = model(&config(), 1);
    let write = |logit_bias: Vec<(u32, f32)>| {
        let sampling = SamplingOptions { logit_bias, ..Default::default() };
        let options = GenerateOptions { sampling, ..GenerateOptions::greedy(10, &[0]) };
        generate(&mut Session::new(&model), &tokenizer, &[7], &options, None, &WallClock::start())
    };
    let free = write(vec![]).unwrap().tokens;
    let without = write(vec![(free[0], f32::NEG_INFINITY)]).unwrap().tokens;
    assert!(!without.contains(&free[0]));
    assert_eq!(write(vec![(99, 100.0)]).unwrap().tokens, [99; 10]);
    let nothing = write((0..410).map(|t| (t, f32::NEG_INFINITY)).collect()).unwrap_err();
    assert!(nothing.exit_code() == 2 && nothing.to_string().contains("no token is possible"));
}
