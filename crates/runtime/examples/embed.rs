//! The runtime in another program: load, read, write under a constraint, fork, save. `embed MODEL`.

use std::ops::ControlFlow;
use std::path::Path;

use bantam_core::Result;
use bantam_formats::ModelArtifact;
use bantam_runtime::measure::WallClock;
use bantam_runtime::{ConstraintCompiler, GenerateOptions, Generator, LoadOptions, Model, Session, Speculation};

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "model.gguf".to_owned());
    if let Err(error) = run(Path::new(&path)) {
        eprintln!("{error}");
        std::process::exit(error.exit_code().into());
    }
}

fn run(path: &Path) -> Result<()> {
    // A Hugging Face folder, a GGUF file, a package or a run folder.
    let artifact = ModelArtifact::open(path)?;
    let tokenizer = artifact.tokenizer()?;
    let model = Model::load(&artifact, LoadOptions { threads: 2, ..Default::default() })?;

    // What many texts begin with is read once; a fork goes on from there.
    let mut start = Session::new(&model);
    let prompt = tokenizer.encode("The answer is", true);
    start.prefill(&prompt)?;
    let mut session = start.fork();

    // Text as it comes, within a regular expression, with guesses from the text itself where they pay.
    let ends = &artifact.config().eos_token_ids;
    let options = GenerateOptions { stop: vec!["\n".into()], ..GenerateOptions::greedy(64, ends) };
    let constraint = ConstraintCompiler::new(&tokenizer, ends)?.compile_regex("answer", " (yes|no|[0-9]{1,4})")?;
    let question = [prompt.as_slice(), &tokenizer.encode(" therefore", false)].concat();
    let made = Generator::new(&tokenizer, &options)
        .constraint(Some(&constraint))
        .speculation(Speculation::PromptLookup)
        .already_read(session.position())
        .run(
            &mut session,
            &question,
            &mut |piece| {
                print!("{piece}");
                ControlFlow::Continue(())
            },
            &WallClock::start(),
        )?;
    println!("\n{:?}, {:.0} tokens/s", made.finish_reason, made.decode_tokens_per_s());

    // One token at a time, by hand: the logits are yours.
    let logits = start.step(prompt[0])?;
    println!("{} logits", logits.len());

    // The state outlives the process.
    let state = start.save_state();
    let mut later = Session::new(&model);
    later.load_state(&state)?;
    assert_eq!(later.position(), start.position());
    Ok(())
}
