//! How fast does a model answer a suite's items, and what does an answer cost? After MLPerf Inference's single-stream and offline
//! scenarios (Reddi et al., ISCA 2020): one request after the other, and all of them at once.

use std::time::Duration;

use bantam_core::host::{self, Host};
use bantam_core::{Error, Result};
use bantam_runtime::measure::{Clock, per_second};
use serde::{Deserialize, Serialize};

use crate::energy::{Counter, Energy};
use crate::harness::{Answerer, Output, Suite, ask};
use crate::result::Protocol;

/// The suite's name in results.
pub const NAME: &str = "speed";
/// Raised whenever a definition below changes.
pub const METRIC_VERSION: u32 = 1;

/// The measures in words.
pub const WORDS: [(&str, &str); 6] = [
    (
        "single_stream",
        "one request after the other, each on all threads, the items in order and again until the least time has passed; one \
        request before that does not count",
    ),
    ("offline", "every item once, as many at a time as there are threads, one thread each"),
    ("percentiles", "nearest rank: the smallest time that so many percent of the requests did not exceed"),
    ("first_token", "from asking to the first piece of text that can be shown"),
    ("tokens_per_s", "tokens produced over the whole time, reading prompts included; never from an assumed length"),
    (
        "energy",
        "a counter's joules over the run, less the idle power measured before it times the run's time; per correct answer: over \
        the answers that are exactly right",
    ),
];

/// Times of many requests, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of the requests took no longer.
    pub p50: f64,
    /// 90 % took no longer.
    pub p90: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// Requests.
    pub n: usize,
}

impl Percentiles {
    /// Of times in seconds; `None` for none.
    pub fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let n = seconds.len();
        let rank = |percent: usize| 1e3 * seconds[(n * percent).div_ceil(100).max(1) - 1];
        (n > 0).then(|| Self { p50: rank(50), p90: rank(90), p99: rank(99), n })
    }
}

/// What one scenario measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Requests answered.
    pub requests: usize,
    /// Of these, answers that are exactly right.
    pub correct: usize,
    /// Requests that got no text (a prompt that is too long).
    pub failed: usize,
    /// Seconds in all.
    pub wall_s: f64,
    /// Threads.
    pub threads: usize,
    /// Requests a second.
    pub requests_per_s: f64,
    /// From asking to the whole answer, milliseconds.
    pub latency_ms: Option<Percentiles>,
    /// From asking to the first text, milliseconds.
    pub first_token_ms: Option<Percentiles>,
    /// Prompt tokens read.
    pub prompt_tokens: u64,
    /// Tokens produced.
    pub generated_tokens: u64,
    /// Tokens produced a second.
    pub tokens_per_s: f64,
    /// The most memory the process has held so far, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Joules, or that they were not measured.
    pub energy: Energy,
}

/// A speed result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `speed`.
    pub suite: String,
    /// The suite whose items were asked.
    pub items_of: String,
    /// The model.
    pub model: String,
    /// Items.
    pub n: usize,
    /// One request after the other.
    pub single_stream: Scenario,
    /// All at once.
    pub offline: Scenario,
    /// The machine.
    pub host: Host,
    /// How it was done.
    pub protocol: Protocol,
}

/// What measures: a clock and an energy counter.
pub struct Instruments<'a> {
    /// The clock.
    pub clock: &'a (dyn Clock + Sync),
    /// The counter.
    pub counter: &'a dyn Counter,
    /// Watts of the idle machine, where they were measured.
    pub idle_watts: Option<f64>,
}

/// How the items are asked.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Whether answers have to fit the items' constraints.
    pub constrained: bool,
    /// The least time of the single stream.
    pub least: Duration,
    /// Items at a time in the offline scenario; threads of each request in the single stream.
    pub threads: usize,
}

/// Asks one item after the other, in order, and again from the start until `load.least` has passed and each was asked once.
///
/// `correct` says which outputs of all items, in order, are exactly right.
///
/// # Errors
/// The answerer's, and those of `correct`.
pub fn single_stream<S: Suite>(
    suite: &S,
    answerer: &mut dyn Answerer,
    load: Load,
    instruments: &Instruments<'_>,
    correct: &dyn Fn(&[Output]) -> Result<Vec<bool>>,
    progress: &dyn Fn(usize),
) -> Result<Scenario> {
    let n = suite.ids().len();
    prepare(suite, answerer, load)?;
    answerer.answer(&suite.request(0, load.constrained))?;
    let (begin, energy) = (instruments.clock.now(), instruments.counter.joules());
    let (mut first, mut asked) = (Vec::with_capacity(n), Vec::new());
    loop {
        let item = asked.len() % n;
        let before = instruments.clock.now();
        let output = answerer.answer(&suite.request(item, load.constrained))?;
        let after = instruments.clock.now();
        asked.push(Asked::of(&output, item, after.saturating_sub(before)));
        if first.len() < n {
            first.push(output);
        }
        progress(asked.len());
        if asked.len() >= n && after.saturating_sub(begin) >= load.least {
            break;
        }
    }
    let wall = instruments.clock.now().saturating_sub(begin);
    let right = correct(&first)?;
    Ok(scenario(&asked, &right, wall, load.threads, energy, instruments))
}

/// Asks every item once, `load.threads` at a time.
///
/// # Errors
/// As [`single_stream`].
pub fn offline<S: Suite>(
    suite: &S,
    answerer: &mut dyn Answerer,
    load: Load,
    instruments: &Instruments<'_>,
    correct: &dyn Fn(&[Output]) -> Result<Vec<bool>>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Scenario> {
    prepare(suite, answerer, load)?;
    let request = |item: usize| suite.request(item, load.constrained);
    let (begin, energy) = (instruments.clock.now(), instruments.counter.joules());
    let outputs = ask(&suite.ids(), &request, answerer, load.threads, None, progress)?;
    let wall = instruments.clock.now().saturating_sub(begin);
    let time = |output: &Output| Duration::from_secs_f64(output.seconds.unwrap_or(0.0).max(0.0));
    let asked: Vec<Asked> = outputs.iter().enumerate().map(|(i, o)| Asked::of(o, i, time(o))).collect();
    let right = correct(&outputs)?;
    Ok(scenario(&asked, &right, wall, load.threads, energy, instruments))
}

fn prepare<S: Suite>(suite: &S, answerer: &mut dyn Answerer, load: Load) -> Result<()> {
    if suite.ids().is_empty() {
        return Err(Error::input("speed", "no items to ask", "choose a file with items, or a limit above 0"));
    }
    let constraints = if load.constrained { suite.constraints() } else { Vec::new() };
    constraints.iter().try_for_each(|constraint| answerer.prepare(constraint))
}

/// One request as it was answered.
struct Asked {
    item: usize,
    seconds: f64,
    first_token: Option<f64>,
    prompt_tokens: u64,
    generated_tokens: u64,
    failed: bool,
}

impl Asked {
    fn of(output: &Output, item: usize, time: Duration) -> Self {
        Self {
            item,
            seconds: time.as_secs_f64(),
            first_token: output.first_token_seconds,
            prompt_tokens: output.prompt_tokens as u64,
            generated_tokens: output.generated_tokens as u64,
            failed: output.text.is_none(),
        }
    }
}

fn scenario(
    asked: &[Asked],
    right: &[bool],
    wall: Duration,
    threads: usize,
    energy_before: Option<f64>,
    instruments: &Instruments<'_>,
) -> Scenario {
    let correct = asked.iter().filter(|a| right.get(a.item) == Some(&true)).count();
    let generated_tokens = asked.iter().map(|a| a.generated_tokens).sum();
    let gross = instruments.counter.joules().zip(energy_before).map(|(after, before)| after - before);
    // A request that failed at once says nothing of speed.
    let answered: Vec<&Asked> = asked.iter().filter(|a| !a.failed).collect();
    Scenario {
        requests: asked.len(),
        correct,
        failed: asked.len() - answered.len(),
        wall_s: wall.as_secs_f64(),
        threads,
        requests_per_s: per_second(asked.len(), wall),
        latency_ms: Percentiles::of(answered.iter().map(|a| a.seconds).collect()),
        first_token_ms: Percentiles::of(answered.iter().filter_map(|a| a.first_token).collect()),
        prompt_tokens: asked.iter().map(|a| a.prompt_tokens).sum(),
        generated_tokens,
        tokens_per_s: per_second(generated_tokens as usize, wall),
        peak_memory_bytes: host::peak_memory_bytes(),
        energy: Energy::account(
            &instruments.counter.method(),
            gross,
            instruments.idle_watts,
            wall.as_secs_f64(),
            asked.len(),
            correct,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let times = (1..=200).rev().map(|i| f64::from(i) / 1e3).collect();
        let found = Percentiles::of(times).unwrap();
        assert_eq!([found.p50, found.p90, found.p99].map(f64::round), [100.0, 180.0, 198.0]);
        let one = Percentiles::of(vec![0.5]).unwrap();
        assert_eq!((one.p50, one.p99, one.n), (500.0, 500.0, 1));
        assert_eq!(Percentiles::of(vec![]), None);
        let three = Percentiles::of(vec![0.003, 0.001, 0.002]).unwrap();
        assert_eq!((three.p50, three.p90), (2.0, 3.0));
    }
}
