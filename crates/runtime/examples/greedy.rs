//! Writes greedy continuations as token ids, with how near the runner-up was, for comparison with other engines.
//!
//! `greedy MODEL PROMPTS NEW_TOKENS`: PROMPTS has a text on every line. One JSON line for each prompt:
//! `{"prompt": ids, "tokens": ids, "margins": best logit less second best, for each token}`.

use std::path::Path;

use bantam_core::{Error, Result, files};
use bantam_formats::ModelArtifact;
use bantam_runtime::{LoadOptions, Model, Session};

fn main() {
    if let Err(error) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("{error}");
        std::process::exit(error.exit_code().into());
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let usage = || Error::input("arguments", "not three", "greedy MODEL PROMPTS NEW_TOKENS");
    let [model, prompts, new_tokens] = arguments else { return Err(usage()) };
    let new_tokens: usize = new_tokens.parse().map_err(|_| usage())?;
    let artifact = ModelArtifact::open(model)?;
    let (model, tokenizer) = (Model::load(&artifact, LoadOptions::default())?, artifact.tokenizer()?);
    for prompt in files::read_text(Path::new(prompts))?.lines().filter(|l| !l.is_empty()) {
        let prompt = tokenizer.encode(prompt, true);
        let mut session = Session::new(&model);
        let mut logits = session.prefill(&prompt)?;
        let (mut tokens, mut margins) = (Vec::new(), Vec::new());
        loop {
            let (token, margin) = best_two(logits);
            tokens.push(token);
            margins.push(margin);
            if tokens.len() == new_tokens {
                break;
            }
            logits = session.step(token)?;
        }
        println!("{}", serde_json::json!({"prompt": prompt, "tokens": tokens, "margins": margins}));
    }
    Ok(())
}

/// The most likely token and by how much its logit beats the next.
fn best_two(logits: &[f32]) -> (u32, f32) {
    let (mut best, mut second) = ((f32::NEG_INFINITY, 0), f32::NEG_INFINITY);
    for (id, logit) in logits.iter().enumerate() {
        if *logit > best.0 {
            second = best.0;
            best = (*logit, id as u32);
        } else if *logit > second {
            second = *logit;
        }
    }
    (best.1, best.0 - second)
}
