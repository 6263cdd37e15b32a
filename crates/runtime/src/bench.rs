//! How fast a model runs: medians over repetitions.

use std::path::Path;
use std::time::Duration;

use bantam_core::{Error, Result, seed};
use bantam_formats::ModelArtifact;
use bantam_kernels::inference::Lines;
use bantam_kernels::inference::bandwidth::read_all;
use rand::RngExt as _;
use serde::Serialize;

use crate::measure::{Clock, median, per_second, timed};
use crate::model::{LoadOptions, Model};
use crate::sampling::argmax;
use crate::session::Session;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens written after it.
    pub gen_tokens: usize,
    /// How often, after one run that does not count.
    pub repetitions: usize,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { prompt_tokens: 256, gen_tokens: 128, repetitions: 5 }
    }
}

/// Medians.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Prompt tokens read per second.
    pub prefill_tokens_per_s: f64,
    /// Tokens written per second, each through the whole model and the choice of the next.
    pub decode_tokens_per_s: f64,
    /// Reading the prompt and choosing the first token.
    pub time_to_first_token_ms: f64,
    /// Opening, checking and packing the model; the median of as many loads as repetitions.
    pub load_ms: f64,
    /// Bytes of the weight files.
    pub model_bytes: u64,
    /// Bytes of weights that every written token reads: all but an embedding that is not the output too.
    pub bytes_per_token: usize,
    /// Bytes read per second, by all threads, from memory of that size: the limit of decoding, caches included.
    pub read_bytes_per_s: f64,
    /// Threads that large products are divided among.
    pub threads: usize,
}

/// Loads the artifact at `path` and measures it. Needs no tokenizer. Input errors as opening the artifact gives them, or when the
/// tokens asked for do not fit the model's context.
pub fn bench(path: &Path, load: LoadOptions, options: BenchOptions, clock: &dyn Clock) -> Result<BenchReport> {
    if options.prompt_tokens == 0 || options.gen_tokens == 0 || options.repetitions == 0 {
        return Err(Error::input("bench", "nothing to measure", "give at least one token and one repetition"));
    }
    let mut loads = Vec::new();
    let mut loaded = None;
    for _ in 0..options.repetitions {
        let (result, time) = timed(clock, || {
            let artifact = ModelArtifact::open(path)?;
            Model::load(&artifact, load).map(|model| (artifact.bytes_on_disk(), model))
        });
        loaded = Some(result?);
        loads.push(time.as_secs_f64() * 1e3);
    }
    let (model_bytes, model) = loaded.ok_or_else(|| Error::internal("runtime::bench", "no load"))?;
    let measured = bench_model(&model, options, clock)?;
    Ok(BenchReport { load_ms: median(loads), model_bytes, ..measured })
}

/// Measures a loaded model; `load_ms` and `model_bytes` are those of nothing (0).
pub fn bench_model(model: &Model, options: BenchOptions, clock: &dyn Clock) -> Result<BenchReport> {
    let total = options.prompt_tokens.saturating_add(options.gen_tokens);
    if total > model.context_length() {
        return Err(Error::input(
            "bench",
            format!("{total} tokens do not fit the model's context of {}", model.context_length()),
            "ask for fewer prompt or generated tokens",
        ));
    }
    let mut rng = seed::rng(0, "bench/prompt");
    let prompt: Vec<u32> = (0..options.prompt_tokens).map(|_| rng.random_range(0..model.vocab_size() as u32)).collect();
    let (mut prefills, mut decodes, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    for repetition in 0..=options.repetitions {
        let mut session = Session::new(model);
        session.reserve(total);
        let start = clock.now();
        let logits = session.prefill(&prompt)?;
        let prefilled = clock.now();
        let mut token = most_likely(logits);
        let first = clock.now();
        for _ in 0..options.gen_tokens {
            token = most_likely(session.step(token)?);
        }
        let done = clock.now();
        if repetition > 0 {
            prefills.push(per_second(prompt.len(), prefilled.saturating_sub(start)));
            firsts.push(first.saturating_sub(start).as_secs_f64() * 1e3);
            decodes.push(per_second(options.gen_tokens, done.saturating_sub(first)));
        }
    }
    Ok(BenchReport {
        prefill_tokens_per_s: median(prefills),
        decode_tokens_per_s: median(decodes),
        time_to_first_token_ms: median(firsts),
        load_ms: 0.0,
        model_bytes: 0,
        bytes_per_token: model.bytes_per_token(),
        read_bytes_per_s: read_speed(model, clock),
        threads: model.threads(),
    })
}

/// Reads memory of the size of the weights that a token reads, over and over for at least a twentieth of a second; the median.
fn read_speed(model: &Model, clock: &dyn Clock) -> f64 {
    let mut lines = Lines::zeroed(model.bytes_per_token());
    // Written to, so that no page is the system's page of zeros.
    lines.as_mut_slice::<u64>().fill(1);
    let (begin, mut speeds) = (clock.now(), Vec::new());
    while speeds.len() < 5 || (clock.now().saturating_sub(begin) < READING && speeds.len() < 10_000) {
        let (sum, time) = timed(clock, || read_all(model.isa, model.pool(1), &lines));
        std::hint::black_box(sum);
        speeds.push(per_second(lines.byte_len(), time));
    }
    median(speeds)
}

/// How long [`read_speed`] reads.
const READING: Duration = Duration::from_millis(50);

/// The token with the largest logit; 0 when none is a number (the speed of damaged weights is still a speed).
fn most_likely(logits: &[f32]) -> u32 {
    argmax(logits).unwrap_or(0)
}
