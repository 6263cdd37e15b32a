//! Prints how fast a model runs, as JSON: `speed MODEL [THREADS [PROMPT_TOKENS [GEN_TOKENS [REPETITIONS]]]]`.

use std::path::Path;

use bantam_core::{Error, Result};
use bantam_runtime::LoadOptions;
use bantam_runtime::bench::{BenchOptions, bench};
use bantam_runtime::measure::WallClock;

fn main() {
    if let Err(error) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("{error}");
        std::process::exit(error.exit_code().into());
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let usage = || Error::input("arguments", "not a number", "speed MODEL [THREADS [PROMPT [GEN [REPETITIONS]]]]");
    let [model, numbers @ ..] = arguments else { return Err(usage()) };
    let numbers = numbers.iter().map(|s| s.parse().map_err(|_| usage())).collect::<Result<Vec<usize>>>()?;
    let or = |i: usize, default: usize| numbers.get(i).copied().unwrap_or(default);
    let default = BenchOptions::default();
    let options = BenchOptions {
        prompt_tokens: or(1, default.prompt_tokens),
        gen_tokens: or(2, default.gen_tokens),
        repetitions: or(3, default.repetitions),
    };
    let report =
        bench(Path::new(model), LoadOptions { threads: or(0, 0), ..Default::default() }, options, &WallClock::start())?;
    println!("{}", serde_json::json!(report));
    Ok(())
}
