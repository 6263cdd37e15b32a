//! Scores against their definition, window by window.

mod random_model;

use bantam_formats::ModelConfig;
use bantam_runtime::{Model, ScoreOptions, Session, score_text, score_tokens, token_log_probabilities};
use random_model::{llama, model, tokenizer, tokens};

/// -ln p(target) from logits, in f64.
fn nats(logits: &[f32], target: u32) -> f64 {
    let sum: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
    sum.ln() - f64::from(logits[target as usize])
}

/// The protocol spelled out: each window counts the targets that no earlier one covered.
fn reference(model: &Model, tokens: &[u32], context: usize, stride: usize) -> (f64, usize) {
    let (mut sum, mut count, mut covered, mut begin) = (0.0, 0, 0, 0);
    loop {
        let end = (begin + context).min(tokens.len());
        let logits = Session::new(model).prefill_all(&tokens[begin..end]).unwrap();
        let vocab = model.vocab_size();
        for target in (begin + 1).max(covered)..end {
            sum += nats(&logits[(target - 1 - begin) * vocab..][..vocab], tokens[target]);
            count += 1;
        }
        covered = end;
        if end == tokens.len() {
            return (sum, count);
        }
        begin += stride;
    }
}

#[test]
fn windows_count_every_target_once() {
    let config = llama();
    let model = model(&config, 1);
    for n in [2, 9, 10, 11, 25, 40] {
        let tokens = tokens(&config, n, 2);
        for (context, stride) in [(10, 5), (10, 1), (10, 9), (10, 10), (64, 32), (2, 1)] {
            let mut logits = Vec::new();
            let options = ScoreOptions { context, stride };
            let score = score_tokens(&model, &tokens, 3 * n, options, Some(&mut logits)).unwrap();
            let (nll, count) = reference(&model, &tokens, context, stride);
            assert!((score.nll - nll).abs() < 1e-6 * nll, "{n} {context} {stride}");
            assert_eq!((score.scored_tokens, score.tokens, score.bytes), (count, n, 3 * n));
            let each = token_log_probabilities(&model, &tokens, 3 * n, options).unwrap();
            assert_eq!((each.len(), each[0], each.iter().flatten().count()), (n, None, count));
            assert!((each.iter().flatten().sum::<f64>() + nll).abs() < 1e-6 * nll);
            if stride < context {
                assert_eq!(count, n - 1);
                // The logits file alone gives the score again.
                let rows: Vec<&[f32]> = logits.chunks(config.vocab_size).collect();
                let again: f64 = (1..n).map(|i| nats(rows[i - 1], tokens[i])).sum();
                assert!((again - nll).abs() < 1e-6 * nll);
            }
            assert_eq!(logits.len(), n * config.vocab_size);
            assert!((score.perplexity - (nll / count as f64).exp()).abs() < 1e-6 * score.perplexity);
            assert!((score.bits_per_byte - nll / 2f64.ln() / (3 * n) as f64).abs() < 1e-9);
        }
    }
}

#[test]
fn one_window_gives_the_logits_of_one_pass() {
    let config = llama();
    let model = model(&config, 1);
    let tokens = tokens(&config, 30, 3);
    let mut logits = Vec::new();
    score_tokens(&model, &tokens, 30, ScoreOptions { context: 64, stride: 32 }, Some(&mut logits)).unwrap();
    assert!(logits == Session::new(&model).prefill_all(&tokens).unwrap());
}

#[test]
fn bytes_are_the_raw_bytes_of_the_text() {
    let (tokenizer, _) = tokenizer();
    let model = model(&ModelConfig { vocab_size: 410, ..llama() }, 1);
    let options = ScoreOptions::for_model(&model, None, None).unwrap();
    let score = score_text(&model, &tokenizer, "naïve \u{2603}".as_bytes(), "a.txt", options, None).unwrap();
    assert_eq!(score.bytes, 10);
    assert_eq!(score.scored_tokens, score.tokens - 1);
}

#[test]
fn what_cannot_be_scored_is_an_input_error() {
    let (tokenizer, _) = tokenizer();
    let model = model(&ModelConfig { vocab_size: 410, ..llama() }, 1);
    let options = ScoreOptions::for_model(&model, Some(16), Some(8)).unwrap();
    for (text, says) in [(&b"ab\xffcd"[..], "a.txt: byte 2"), (b"", "nothing to score"), (b"x", "nothing to score")] {
        let error = score_text(&model, &tokenizer, text, "a.txt", options, None).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(says), "{error}");
    }
    for (context, stride) in [(Some(1), None), (Some(513), None), (Some(8), Some(9)), (Some(8), Some(0))] {
        assert_eq!(ScoreOptions::for_model(&model, context, stride).unwrap_err().exit_code(), 2);
    }
}
