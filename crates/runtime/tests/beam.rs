//! Beam search against transformers': texts and scores written by tests/reference/beam_search.py.

mod random_model;

use std::path::Path;

use bantam_formats::{ModelArtifact, ModelConfig};
use bantam_runtime::{
    BeamOptions, ConstraintCompiler, FinishReason, GenerateOptions, LoadOptions, Model, Session, beam_search, generate,
    measure::WallClock,
};
use random_model::{llama, model, tokenizer, tokens};
use serde_json::Value;

#[test]
fn texts_and_scores_are_those_of_transformers() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/beam_search.json")).unwrap();
    let (tokenizer, _) = tokenizer();
    let (mut ended, mut cut) = (0, 0);
    for case in &cases {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(case["model"].as_str().unwrap());
        let model =
            Model::load(&ModelArtifact::open(folder).unwrap(), LoadOptions { threads: 1, ..Default::default() })
                .unwrap();
        let prompt: Vec<u32> = serde_json::from_value(case["prompt"].clone()).unwrap();
        let options = BeamOptions {
            width: case["num_beams"].as_u64().unwrap() as usize,
            length_penalty: case["length_penalty"].as_f64().unwrap(),
            max_new_tokens: case["max_new_tokens"].as_u64().unwrap() as usize,
            end_tokens: serde_json::from_value(case["ends"].clone()).unwrap(),
        };
        let found = beam_search(Session::new(&model), &tokenizer, &prompt, &options, None).unwrap();
        let expected = case["texts"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let mut tokens: Vec<u32> = serde_json::from_value(expected["tokens"].clone()).unwrap();
            match found.finish_reason {
                FinishReason::Stop => {
                    ended += 1;
                    assert!(options.end_tokens.contains(&tokens.pop().unwrap()), "{case}");
                }
                _ => cut += 1,
            }
            assert_eq!(found.tokens, tokens, "{case}");
            let score = expected["score"].as_f64().unwrap();
            // Sums of f32 logits: how far they round apart grows with the score, and every instruction set rounds its own way.
            assert!((found.score - score).abs() < 1e-6 * score.abs().max(20.0), "{}: {expected}", found.score);
        }
    }
    assert!(ended > 10 && cut > 5, "{ended} ended, {cut} cut off");
}

#[test]
fn one_beam_is_greedy_and_more_find_no_less_likely_texts() {
    let (tokenizer, _) = tokenizer();
    let config = ModelConfig { vocab_size: 410, ..llama() };
    let model = model(&config, 1);
    for seed in 0..10 {
        let prompt = tokens(&config, 8, seed);
        let options = |width| BeamOptions { width, length_penalty: 0.0, max_new_tokens: 8, end_tokens: vec![] };
        let plain = GenerateOptions::greedy(8, &[]);
        let greedy =
            generate(&mut Session::new(&model), &tokenizer, &prompt, &plain, None, &WallClock::start()).unwrap();
        let one = beam_search(Session::new(&model), &tokenizer, &prompt, &options(1), None).unwrap();
        assert_eq!((&one[0].tokens, &one[0].text), (&greedy.tokens, &greedy.text));
        let wide = beam_search(Session::new(&model), &tokenizer, &prompt, &options(64), None).unwrap();
        assert!(wide[0].score >= one[0].score - 1e-9 && wide.is_sorted_by(|a, b| a.score >= b.score));
    }
}

#[test]
fn beams_follow_a_constraint() {
    let (tokenizer, _) = tokenizer();
    let config = ModelConfig { vocab_size: 410, ..llama() };
    let model = model(&config, 2);
    let constraint =
        ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile_regex("--regex", "(yes|no|ab{1,3})!").unwrap();
    let options = BeamOptions { width: 5, length_penalty: 0.0, max_new_tokens: 20, end_tokens: vec![0] };
    let found = beam_search(Session::new(&model), &tokenizer, &[7, 8], &options, Some(&constraint)).unwrap();
    for text in &found {
        assert_eq!(text.finish_reason, FinishReason::ConstraintComplete);
        assert!(["yes!", "no!", "ab!", "abb!", "abbb!"].contains(&text.text.as_str()), "{}", text.text);
    }
}

#[test]
fn the_context_ends_beams_and_impossible_options_are_refused() {
    let (tokenizer, _) = tokenizer();
    let config = ModelConfig { max_position_embeddings: 12, ..llama() };
    let model = model(&config, 2);
    let options = BeamOptions { width: 3, length_penalty: 1.0, max_new_tokens: 50, end_tokens: vec![] };
    let found = beam_search(Session::new(&model), &tokenizer, &[1; 8], &options, None).unwrap();
    assert!(found.iter().all(|t| t.finish_reason == FinishReason::Context && t.tokens.len() == 5));
    for bad in [
        BeamOptions { width: 0, ..options.clone() },
        BeamOptions { length_penalty: f64::NAN, ..options.clone() },
        BeamOptions { max_new_tokens: 0, ..options.clone() },
    ] {
        let error = beam_search(Session::new(&model), &tokenizer, &[1], &bad, None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
