//! What does a mixer cost at a given number of parameters? Its state, a training step, a step of one token, and what it can do.

use bantam_core::Result;
use bantam_formats::ModelConfig;
use bantam_model::context::Precision;
use bantam_model::mixers::{Capabilities, Mixer as _, Stepping};
use bantam_model::{TokenModel, weights};
use bantam_runtime::bench::{BenchOptions, bench_model};
use bantam_runtime::measure::{Clock, median, per_second, timed};
use bantam_runtime::{LoadOptions, Model, Session};
use bantam_site::zoo::Costs;
use bantam_train::bench::{Batches, Bench};
use burn::tensor::Device;

use super::Pattern;

/// How costs are measured.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Parameters of every model, as nearly as width and depth allow.
    pub parameters: u64,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Tokens of a sequence.
    pub context: usize,
    /// Sequences of a training step.
    pub batch: usize,
    /// Training steps that are timed, after one that is not; 0 times nothing.
    pub steps: usize,
}

/// Measures one pattern of mixers. The weights are random: time and memory do not depend on them.
///
/// # Errors
/// Sizes that make no model.
pub fn costs(pattern: &Pattern, request: &Request, clock: &dyn Clock) -> Result<Costs> {
    let Request { parameters, vocabulary, context, batch, steps } = *request;
    let config = pattern.model_of_size(parameters, vocabulary, context)?;
    let model = random(&config, &Device::flex());
    let all: Vec<Capabilities> = model.backbone().blocks().iter().map(|b| b.mixer().capabilities()).collect();
    Ok(Costs {
        mixers: pattern.to_string(),
        width: config.hidden_size,
        layers: config.num_hidden_layers,
        parameters: config.parameter_count(),
        causal: all.iter().all(|c| c.causal),
        stepping: slowest(&all).to_owned(),
        fixed_length: all.iter().find_map(|c| c.fixed_length),
        state_bytes: state_bytes(&config, context)?,
        train_tokens_per_s: match steps {
            0 => None,
            _ => Some(training_speed(&config, Batches::random(steps + 1, batch, context, vocabulary), clock)?),
        },
        step_ms: match steps {
            0 => None,
            _ => step_ms(&config, context, clock)?,
        },
    })
}

/// The stepping of a whole model: as its most demanding layer's.
fn slowest(all: &[Capabilities]) -> &'static str {
    let has = |stepping| all.iter().any(|c| c.stepping == stepping);
    match () {
        () if has(Stepping::None) => "none",
        () if has(Stepping::Growing) => "growing",
        () if has(Stepping::Windowed) => "windowed",
        () => "constant",
    }
}

/// Tokens a second of forward, backward, clipping and AdamW: the median step.
fn training_speed(config: &ModelConfig, batches: Batches, clock: &dyn Clock) -> Result<f64> {
    let steps = batches.steps.len();
    let tokens = batches.batch * (batches.columns - 1);
    let mut bench = Bench::new(config, None, batches, 1e-3, Precision::F32, &Device::flex())?;
    // The first step also finds memory and picks kernels.
    bench.step();
    let times = (1..steps).map(|_| timed(clock, || bench.step()).1);
    let speeds: Vec<f64> = times.map(|time| per_second(tokens, time)).collect();
    Ok(median(speeds))
}

/// Milliseconds for one token after half a context of others, on one thread; `None` for what has no step.
///
/// # Errors
/// Sizes that make no model.
pub fn step_ms(config: &ModelConfig, context: usize, clock: &dyn Clock) -> Result<Option<f64>> {
    let Some(model) = runtime(config)? else { return Ok(None) };
    let options = BenchOptions { prompt_tokens: context / 2, gen_tokens: context - context / 2, repetitions: 3 };
    Ok(Some(1e3 / bench_model(&model, options, clock)?.decode_tokens_per_s))
}

/// Bytes of a model's state after `positions` tokens, in 32-bit floats, from the runtime's buffers. `None` for what has no step.
///
/// # Errors
/// Sizes that make no model.
pub fn state_bytes(config: &ModelConfig, positions: usize) -> Result<Option<u64>> {
    let Some(model) = runtime(config)? else { return Ok(None) };
    let mut session = Session::new(&model);
    session.prefill(&vec![0; positions])?;
    Ok(Some(session.state_bytes() as u64))
}

fn random(config: &ModelConfig, device: &Device) -> TokenModel {
    weights::initialize(TokenModel::new(config, device), config, 0)
}

/// A random model in the runtime, on one thread with a cache of 32-bit floats; `None` for what has no step.
fn runtime(config: &ModelConfig) -> Result<Option<Model>> {
    let model = random(config, &Device::flex());
    if model.backbone().blocks().iter().any(|b| b.mixer().capabilities().stepping == Stepping::None) {
        return Ok(None);
    }
    Model::from_tensors(config, &weights::read(&model), LoadOptions { threads: 1, cache: None }).map(Some)
}

#[cfg(test)]
mod tests {
    use bantam_runtime::measure::WallClock;

    use super::*;

    fn measured(pattern: &str) -> Costs {
        let request = Request { parameters: 300_000, vocabulary: 300, context: 32, batch: 2, steps: 1 };
        costs(&pattern.parse().unwrap(), &request, &WallClock::start()).unwrap()
    }

    #[test]
    fn every_mixer_is_measured_and_says_what_it_can() {
        for pattern in Pattern::all() {
            let found = measured(&pattern.to_string());
            assert!((found.parameters as f64 / 3e5 - 1.0).abs() < 0.1, "{found:?}");
            assert!(found.train_tokens_per_s.is_some_and(|speed| speed > 0.0), "{found:?}");
            assert_eq!(found.causal, found.mixers != "linformer");
            let steps = found.stepping != "none";
            assert_eq!((found.state_bytes.is_some(), found.step_ms.is_some()), (steps, steps), "{found:?}");
        }
    }

    #[test]
    fn state_bytes_are_those_of_the_buffers() {
        let attention = measured("attention");
        let floats = |costs: &Costs| costs.state_bytes.unwrap() as usize / 4;
        // Keys and values of 32 positions at least.
        assert!(floats(&attention) >= attention.layers * 2 * attention.width * 32, "{attention:?}");
        assert_eq!(attention.stepping, "growing");
        let lstm = measured("lstm");
        assert_eq!((floats(&lstm), lstm.stepping.as_str()), (lstm.layers * 2 * lstm.width, "constant"));
        let hybrid = measured("lstm+attention");
        assert_eq!(hybrid.stepping, "growing");
        assert!(floats(&hybrid) > hybrid.layers / 2 * 2 * hybrid.width * 32);
    }
}
