//! `bantam eval speed`: how fast does a model answer items, and what does an answer cost?

use std::path::{Path, PathBuf};
use std::time::Duration;

use bantam_core::host::Host;
use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_eval::edge_json::{Inputs, Suite, Track, absent_fields};
use bantam_eval::energy::{Counter, Meter, NotMeasured, POWERCAP};
use bantam_eval::harness::{Output as Answer, Source, Suite as _};
use bantam_eval::local_model::{LocalModel, ModelOptions};
use bantam_eval::result::{Mode, Protocol, file_stem};
use bantam_eval::speed::{self, Instruments, Load, Percentiles, Report, Scenario};
use bantam_runtime::measure::{Clock, WallClock};
use serde::Serialize;
use serde_json::json;

use crate::arguments::{EnergyArgument, SpeedArguments};
use crate::output::Output;
use crate::verbs::thread_count;

#[derive(Serialize)]
struct Measured<'a> {
    #[serde(flatten)]
    report: &'a Report,
    result_file: PathBuf,
}

/// Measures both scenarios, writes, prints.
pub fn run(arguments: &SpeedArguments, progress: &dyn Progress, output: &Output) -> Result<()> {
    let [least, idle] =
        [("--min-seconds", arguments.min_seconds), ("--idle-seconds", arguments.idle_seconds)].map(seconds);
    let (least, idle) = (least?, idle?);
    files::create_dir(&arguments.out)?;
    let threads = match thread_count(arguments.threads)? {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    };
    let inputs = Inputs { data: &arguments.data, schemas: &arguments.schemas, limit: arguments.limit };
    let options =
        ModelOptions { constrained: arguments.constrained, max_new_tokens: arguments.max_new_tokens, threads };
    let asked = Source::Model { path: arguments.model.clone(), options };
    let suite = Suite::load(inputs)?.on(Track { absent: absent_fields(&asked)?, ..Track::default() })?;
    let counter = counter(arguments.energy)?;
    let clock = WallClock::start();
    let idle_watts = idle_watts(&*counter, &clock, idle);
    let instruments = Instruments { clock: &clock, counter: &*counter, idle_watts };
    let load = Load { constrained: arguments.constrained, least, threads };
    let correct = |outputs: &[Answer]| Ok(suite.score(outputs)?.samples.iter().map(|sample| sample.exact).collect());

    let mut model = LocalModel::open_with_threads(&arguments.model, options, threads)?;
    let (name, made_by) = (model.name().to_owned(), model.made_by(&suite.prompt()));
    progress.start("single stream", None);
    let told = |done: usize| progress.update(done as u64, "");
    let single_stream = speed::single_stream(&suite, &mut model, load, &instruments, &correct, &told)?;
    progress.finish(&line("single stream", &single_stream));
    drop(model);
    let mut model = LocalModel::open(&arguments.model, options)?;
    progress.start("offline", Some(suite.ids().len() as u64));
    let told = |done: usize, _: usize| progress.update(done as u64, "");
    let offline = speed::offline(&suite, &mut model, load, &instruments, &correct, &told)?;
    progress.finish(&line("offline", &offline));

    let mode = if load.constrained { Mode::Constrained } else { Mode::Free };
    let asked = suite.protocol();
    let mut protocol = Protocol {
        metrics: speed::WORDS.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect(),
        schemas: asked.schemas,
        limit: asked.limit,
        track: asked.track,
        settings: asked.settings,
        ..Protocol::new(speed::METRIC_VERSION, asked.data)
    }
    .made(mode, made_by);
    protocol.settings.insert("min_seconds".to_owned(), json!(arguments.min_seconds));
    protocol.settings.insert("idle_seconds".to_owned(), json!(arguments.idle_seconds));
    let (items_of, n) = (suite.name().to_owned(), suite.ids().len());
    let report = Report {
        suite: speed::NAME.to_owned(),
        items_of,
        model: name,
        n,
        single_stream,
        offline,
        host: Host::detect(),
        protocol,
    };
    let result_file = arguments.out.join(format!("{}.json", file_stem(speed::NAME, &report.model, &report.protocol)));
    let json = serde_json::to_string_pretty(&report).map_err(|e| Error::internal("speed", e))? + "\n";
    files::write(&result_file, json.as_bytes())?;
    output.text(&format!("{}{}", for_people(&report), result_file.display()))?;
    output.object(&Measured { report: &report, result_file })
}

fn seconds((flag, seconds): (&str, f64)) -> Result<Duration> {
    let fits = (0.0..=86_400.0).contains(&seconds);
    let wrong = || Error::input(flag, format_args!("{seconds} seconds"), "give a number between 0 and 86400");
    if fits { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

/// The counter asked for. With `auto`, a missing one is said in the result.
fn counter(asked: EnergyArgument) -> Result<Box<dyn Counter>> {
    let found = match asked {
        EnergyArgument::None => Err("not asked for".to_owned()),
        EnergyArgument::Auto | EnergyArgument::Rapl => Meter::rapl(Path::new(POWERCAP)),
        EnergyArgument::NvidiaSmi => Meter::nvidia_smi(),
    };
    match found {
        Ok(meter) => Ok(Box::new(meter)),
        Err(why) if matches!(asked, EnergyArgument::Auto | EnergyArgument::None) => Ok(Box::new(NotMeasured(why))),
        Err(why) => {
            Err(Error::input("--energy", why, "leave it out: energy is then not measured, and the result says so"))
        }
    }
}

/// Watts while this process does nothing.
fn idle_watts(counter: &dyn Counter, clock: &WallClock, idle: Duration) -> Option<f64> {
    if idle.is_zero() {
        return None;
    }
    let (before, begin) = (counter.joules()?, clock.now());
    std::thread::sleep(idle);
    let (after, end) = (counter.joules()?, clock.now());
    Some((after - before) / end.saturating_sub(begin).as_secs_f64().max(1e-3))
}

fn line(name: &str, s: &Scenario) -> String {
    format!("{name}: {} requests, {:.2} a second", s.requests, s.requests_per_s)
}

fn for_people(report: &Report) -> String {
    let mut text = format!("{} on {} items of {}, {}\n", report.model, report.n, report.items_of, report.host.cpu);
    for (name, s) in [("single stream", &report.single_stream), ("offline", &report.offline)] {
        let times = |p: &Option<Percentiles>| {
            p.map_or("none".to_owned(), |p| format!("p50 {:.2}, p90 {:.2}, p99 {:.2} ms", p.p50, p.p90, p.p99))
        };
        text += &format!(
            "{name}, {} threads: {} requests ({} right, {} failed) in {:.2} s: {:.2} a second, {:.1} tokens/s\n",
            s.threads, s.requests, s.correct, s.failed, s.wall_s, s.requests_per_s, s.tokens_per_s
        );
        text += &format!("  answer: {}\n  first text: {}\n", times(&s.latency_ms), times(&s.first_token_ms));
        let memory = s.peak_memory_bytes.map_or("not measured".to_owned(), |b| format!("{:.1} MB", b as f64 / 1e6));
        let joules = |j: Option<f64>| j.map_or("not measured".to_owned(), |j| format!("{j:.4} J"));
        let e = &s.energy;
        text += &format!(
            "  peak memory: {memory}\n  energy: {}, a correct answer {} ({})\n",
            joules(e.net_joules.or(e.gross_joules)),
            joules(e.joules_per_correct_answer),
            e.method
        );
    }
    text
}
