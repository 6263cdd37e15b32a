//! `bantam bench` and `bantam bench train`: how fast is inference, how fast a training step?

use std::time::Instant;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, host};
use bantam_formats::ModelArtifact;
use bantam_pipeline::recipe::{MOST_BATCH_TOKENS, check_trainable};
use bantam_runtime::LoadOptions;
use bantam_runtime::bench::{BenchOptions, BenchReport, bench};
use bantam_runtime::measure::{WallClock, median};
use bantam_train::ComputePrecision;
use bantam_train::bench::{Batches, Bench, shape};
use serde::Serialize;

use super::{artifact_path, load_options};
use crate::arguments::{BenchArguments, BenchInferenceArguments, BenchTrainArguments, BenchVerb};
use crate::output::Output;

/// Measures what was asked for.
pub fn run(arguments: &BenchArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    match (&arguments.what, &arguments.inference) {
        (Some(BenchVerb::Train(train)), _) => training(train, progress, output),
        (None, Some(inference)) => self::inference(inference, load_options(&arguments.load)?, output),
        (None, None) => Err(Error::input("bench", "nothing to measure", "give --model M, or `bench train`")),
    }
}

#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    report: BenchReport,
    artifact: String,
}

fn inference(arguments: &BenchInferenceArguments, load: LoadOptions, output: &Output) -> Result<()> {
    let options = BenchOptions {
        prompt_tokens: arguments.prompt_tokens,
        gen_tokens: arguments.gen_tokens,
        repetitions: arguments.repetitions,
    };
    // Opened here first for its name: a run folder stands for the model in it.
    let artifact = artifact_path(&ModelArtifact::open(&arguments.model)?);
    let report = bench(&arguments.model, load, options, &WallClock::start())?;
    output.text(&format!(
        "{artifact}: {:.1} MB, {} threads\nprefill {:.0} tok/s, decode {:.0} tok/s, first token {:.2} ms, load {:.2} ms \
         (medians of {})",
        report.model_bytes as f64 / 1e6,
        report.threads,
        report.prefill_tokens_per_s,
        report.decode_tokens_per_s,
        report.time_to_first_token_ms,
        report.load_ms,
        arguments.repetitions,
    ))?;
    output.object(&Measured { report, artifact })
}

#[derive(Serialize)]
struct TrainingMeasured {
    tokens_per_s: f64,
    step_ms: f64,
    peak_rss_bytes: Option<u64>,
    losses: Vec<f64>,
    parameters: u64,
    device: String,
}

fn training(arguments: &BenchTrainArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let wrong = |flag: &str, what: String, remedy: &str| Err(Error::input(flag, what, remedy));
    let precision = match arguments.precision.as_str() {
        "f32" => ComputePrecision::F32,
        "bf16" => ComputePrecision::Bf16,
        other => return wrong("--precision", format!("`{other}` is unknown"), "give f32 or bf16"),
    };
    let device = arguments.device.open("--device")?;
    precision.check(device.choice, "--precision")?;
    if arguments.steps == 0 || arguments.batch == 0 || arguments.context == 0 {
        return wrong("bench train", "0 steps, sequences or tokens measure nothing".into(), "give at least 1");
    }
    if arguments.batch.saturating_mul(arguments.context) > MOST_BATCH_TOKENS || arguments.steps > 1 << 20 {
        return wrong("bench train", "more than fits a measurement".into(), "give fewer steps, sequences or tokens");
    }
    if !(arguments.lr.is_finite() && arguments.lr >= 0.0) {
        return wrong("--lr", format!("{} is impossible", arguments.lr), "give 0 or more");
    }
    if arguments.heads == 0 || !arguments.width.is_multiple_of(arguments.heads) {
        let what = format!("{} heads do not divide a width of {}", arguments.heads, arguments.width);
        return wrong("--heads", what, "choose a divisor");
    }
    let init = arguments.init.as_deref().map(ModelArtifact::open_to_train).transpose()?;
    let BenchTrainArguments { width, layers, heads, ffn, vocab, batch, context, steps, .. } = *arguments;
    let config = init.as_ref().map_or_else(|| shape(width, layers, heads, ffn, vocab, context), |a| a.config().clone());
    config.validate("bench train")?;
    check_trainable(&config).map_err(|e| e.at("bench train"))?;
    let batches = match &arguments.batches {
        Some(path) => Batches::read(path, config.vocab_size)?,
        None => Batches::random(steps, batch, context, config.vocab_size),
    };
    bantam_kernels::memory::keep_freed_memory();
    let mut measured = Bench::new(&config, init.as_ref(), batches, arguments.lr, precision.into(), &device.device)?;
    progress.start("bench train", Some(steps as u64));
    let (mut losses, mut times, mut tokens) = (Vec::new(), Vec::new(), 0);
    for step in 0..steps {
        let start = Instant::now();
        let report = measured.step();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        losses.push(report.loss);
        tokens = report.tokens;
        progress.update(step as u64 + 1, &format!("loss {:.3}", report.loss));
    }
    // The first step also finds memory and picks kernels.
    let warm = if times.len() > 1 { times.split_off(1) } else { times };
    let step_ms = median(warm);
    let result = TrainingMeasured {
        tokens_per_s: tokens as f64 / step_ms * 1e3,
        step_ms,
        peak_rss_bytes: host::peak_memory_bytes(),
        losses,
        parameters: config.parameter_count(),
        device: device.to_string(),
    };
    progress.finish(&format!("{steps} steps"));
    output.text(&format!(
        "{} parameters on {}: {:.0} tok/s, {:.1} ms a step, peak memory {}",
        result.parameters,
        result.device,
        result.tokens_per_s,
        result.step_ms,
        result.peak_rss_bytes.map_or("unknown".to_owned(), |b| format!("{:.0} MB", b as f64 / 1e6)),
    ))?;
    output.object(&result)
}
