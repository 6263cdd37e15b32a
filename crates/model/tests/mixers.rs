//! Every mixer: values, states and gradients of the independent reference (`tests/reference/mixers.py`), and what every one that is
//! causal promises: chunks continue each other, packed items never meet, nothing looks ahead.

use std::collections::HashMap;
use std::sync::Arc;

use bantam_formats::{Architecture, MIXER_NAMES, MixerConfig, ModelConfig};
use bantam_kernels::training::attention::RotaryTable;
use bantam_model::context::{SequenceContext, Span};
use bantam_model::mixers::{AnyMixer, Capabilities, Crossing, Mixer, MixerState, ParameterGroup, Stepping};
use bantam_model::weights;
use burn::tensor::{Device, Tensor, TensorData};
use golden::{Golden, turned};

mod golden;

const WIDTH: usize = 16;

fn model_config(rms_norm_eps: f64) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 32,
        hidden_size: WIDTH,
        intermediate_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        head_dim: 8,
        rms_norm_eps,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 64,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: Vec::new(),
    }
}

fn mixer(config: &MixerConfig, device: &Device) -> AnyMixer {
    let model = model_config(1e-5);
    let rotary = Arc::new(RotaryTable::new(&model.rope_inverse_frequencies(), 64));
    AnyMixer::new(config, &model, rotary, device)
}

fn golden_tensor<const D: usize>(golden: &Golden, name: &str, device: &Device) -> Tensor<D> {
    let (shape, values) = &golden.tensors[name];
    Tensor::from_data(TensorData::new(values.clone(), shape.clone()), device)
}

fn golden_parameters(golden: &Golden) -> Vec<weights::NamedTensor> {
    let named = |(name, (shape, values)): (&String, &(Vec<usize>, Vec<f32>))| {
        name.strip_prefix("param.").map(|name| (name.to_owned(), shape.clone(), values.clone()))
    };
    golden.tensors.iter().filter_map(named).collect()
}

fn data<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.inner().into_data().try_into_vec().unwrap()
}

fn close(got: &[f32], want: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance * scale, "{what}: off by {worst} (scale {scale})");
}

/// The blocks `[outer, widths]` of a state whose rows hold several things.
fn split(values: &[f32], widths: &[usize]) -> Vec<Vec<f32>> {
    let row: usize = widths.iter().sum();
    let mut first = 0;
    widths
        .iter()
        .map(|&width| {
            let part = values.chunks_exact(row).flat_map(|r| &r[first..first + width]).copied().collect();
            first += width;
            part
        })
        .collect()
}

/// A state in the order and layout of the contract.
fn by_contract(config: &MixerConfig, state: MixerState, golden: &Golden) -> Vec<Vec<f32>> {
    let parts: Vec<Vec<f32>> = match &state {
        MixerState::Carried(parts) | MixerState::Growing(_, parts) => parts.iter().map(|p| p.to_vec()).collect(),
        MixerState::Attention(_) => panic!("attention has no golden state"),
    };
    match (config, state) {
        (MixerConfig::Lstm { hidden_size: h }, _) => split(&parts[0], &[*h, *h]),
        (MixerConfig::Mamba2 { head_dim, state_size, .. }, _) => {
            vec![parts[0].clone(), turned(&parts[1], *state_size, *head_dim)]
        }
        (MixerConfig::Rwkv4 { inner_size: a }, _) => [vec![parts[0].clone()], split(&parts[1], &[*a, *a, *a])].concat(),
        (MixerConfig::Rwkv7 { head_dim, .. }, _) => vec![parts[0].clone(), turned(&parts[1], *head_dim, *head_dim)],
        (MixerConfig::Retnet { heads, value_size }, _) => {
            let mut split = split(&parts[0], &[WIDTH * value_size / heads, 1]);
            split.reverse();
            split
        }
        (MixerConfig::Performer { heads, features }, _) => split(&parts[0], &[features * WIDTH / heads, *features]),
        (MixerConfig::S4d { states }, _) => vec![scaled_by_input(&parts[0], *states, golden)],
        (_, MixerState::Growing(u, _)) => [vec![data(u)], parts].concat(),
        _ => parts,
    }
}

/// `Bbar g`: the contract's state of S4D from the one that is held.
fn scaled_by_input(g: &[f32], states: usize, golden: &Golden) -> Vec<f32> {
    let at = |name: &str, i: usize| f64::from(golden.values(&format!("param.{name}"))[i]);
    let pair = |(i, g): (usize, &[f32])| {
        let i = i % (WIDTH * states);
        let (re, im, dt) = (-at("log_A_real", i).exp(), at("A_imag", i), at("log_dt", i / states).exp());
        let size = (dt * re).exp();
        let (over_re, over_im) = (size * (dt * im).cos() - 1.0, size * (dt * im).sin());
        let square = re * re + im * im;
        let (b_re, b_im) = ((over_re * re + over_im * im) / square, (over_im * re - over_re * im) / square);
        let (g_re, g_im) = (f64::from(g[0]), f64::from(g[1]));
        [(b_re * g_re - b_im * g_im) as f32, (b_re * g_im + b_im * g_re) as f32]
    };
    g.chunks_exact(2).enumerate().flat_map(pair).collect()
}

#[test]
fn values_states_and_gradients_are_the_reference_s() {
    let device = Device::flex().autodiff();
    for name in MIXER_NAMES.into_iter().filter(|name| *name != "attention").chain(["rwkv7_first"]) {
        let golden = Golden::read(name);
        let config = golden.config();
        config.validate(WIDTH, "golden").unwrap();
        let mixer = weights::load_some(mixer(&config, &device), golden_parameters(&golden), name, |_| true).unwrap();
        let x = golden_tensor::<3>(&golden, "x", &device).require_grad();
        let [batch, time, _] = x.dims();
        let first_values = (name == "rwkv7")
            .then(|| golden_tensor::<3>(&golden, "v_first", &device).reshape([batch * time, WIDTH]).require_grad());
        let mut crossing = Crossing { first_values: first_values.clone() };
        let context = SequenceContext::whole_rows(batch, time);
        let (y, state) = mixer.forward(x.clone(), &context, None, &mut crossing);
        close(&data(y.clone()), golden.values("y"), 1e-4, &format!("{name}: y"));
        if name == "rwkv7_first" {
            close(&data(crossing.first_values.unwrap()), golden.values("v_first"), 1e-4, "rwkv7_first: v_first");
        }
        if let Some(state) = state {
            for (i, part) in by_contract(&config, state, &golden).iter().enumerate() {
                close(part, golden.values(&format!("state.{i}")), 1e-4, &format!("{name}: state {i}"));
            }
        }
        let mut gradients = (y * golden_tensor(&golden, "dy", &device)).sum().backward();
        close(&data(x.grad(&gradients).unwrap()), golden.values("dx"), 1e-3, &format!("{name}: dx"));
        if let Some(first) = first_values {
            let d = data(first.grad(&gradients).unwrap());
            close(&d, golden.values("d_v_first"), 1e-3, "rwkv7: d_v_first");
        }
        let found = weights::take_gradients(&mixer, &mut gradients);
        let mut compared = 0;
        for (parameter, ..) in golden_parameters(&golden) {
            if let Some((_, want)) = golden.tensors.get(&format!("grad.{parameter}")) {
                close(&found[&parameter], want, 1e-3, &format!("{name}: gradient of {parameter}"));
                compared += 1;
            }
        }
        let names = config.tensors(WIDTH).into_iter().map(|(name, _)| name);
        let trained = names.filter(|n| !["filter.decay", "features"].contains(&n.as_str())).count();
        assert_eq!(compared, trained, "{name}");
    }
}

/// One of each, with sizes that are no multiples of anything.
fn zoo() -> Vec<MixerConfig> {
    vec![
        MixerConfig::Attention,
        MixerConfig::Lstm { hidden_size: 19 },
        MixerConfig::Gru { hidden_size: 11, layers: 2 },
        MixerConfig::Mamba2 { inner_size: 30, head_dim: 5, groups: 3, state_size: 7, conv_kernel: 3 },
        MixerConfig::Rwkv4 { inner_size: 21 },
        MixerConfig::Rwkv7 { head_dim: 4, ranks: [3, 2, 5, 4], first: true },
        MixerConfig::Retnet { heads: 4, value_size: 20 },
        MixerConfig::S4d { states: 5 },
        MixerConfig::Hyena { length: 53, filter_size: 9, features: 5 },
        MixerConfig::Performer { heads: 2, features: 11 },
        MixerConfig::Linformer { heads: 2, length: 37, projected: 5 },
        MixerConfig::Shortconv { kernel: 4 },
    ]
}

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut value = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| value()).collect()
}

/// A mixer as training starts it, with matrices large enough to matter.
fn started(config: &MixerConfig, device: &Device) -> AnyMixer {
    let mixer = mixer(config, device);
    let groups = mixer.parameter_groups();
    let start: HashMap<String, _> = groups.iter().map(|g| (g.path.clone(), g)).collect();
    assert_eq!(start.len(), groups.len(), "{}: a path twice", config.name());
    let declared: Vec<String> = config.tensors(WIDTH).into_iter().map(|(name, _)| name).collect();
    if *config != MixerConfig::Attention {
        assert_eq!(groups.len(), declared.len(), "{}: a rule for every tensor", config.name());
    }
    let mut at = 0;
    weights::update_some(
        mixer,
        |_| true,
        |name, _, values| {
            at += 1;
            let seed = at + name.len() as u64;
            if name.ends_with("weight") || values.iter().all(|&v| v == 0.0) {
                values.copy_from_slice(&noise(values.len(), seed));
                values.iter_mut().for_each(|v| *v *= 0.4);
            }
        },
    )
}

fn run(
    mixer: &dyn Mixer,
    x: &[f32],
    context: &SequenceContext,
    state: Option<MixerState>,
) -> (Vec<f32>, Option<MixerState>) {
    let shape = [context.batch(), context.time(), WIDTH];
    let x = Tensor::from_data(TensorData::new(x.to_vec(), shape), &Device::flex());
    let (y, state) = mixer.forward(x, context, state, &mut Crossing::default());
    (y.into_data().try_into_vec().unwrap(), state)
}

/// The largest difference, as a share of the largest value.
fn apart(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f32::max)
}

/// How far a sequence in chunks is from the whole, at worst.
fn apart_in_chunks(mixer: &dyn Mixer) -> f32 {
    let (batch, time) = (3, 37);
    let x = noise(batch * time * WIDTH, 3);
    let (whole, _) = run(mixer, &x, &SequenceContext::whole_rows(batch, time), None);
    let mut worst = 0f32;
    for cuts in [vec![1, 1, 35], vec![16, 21], vec![36, 1], vec![17, 16, 4]] {
        let (mut state, mut start) = (None, 0);
        for len in cuts {
            let rows = |values: &[f32]| -> Vec<f32> {
                let item = |b: usize| values[(b * time + start) * WIDTH..][..len * WIDTH].to_vec();
                (0..batch).flat_map(item).collect()
            };
            let (y, after) = run(mixer, &rows(&x), &SequenceContext::whole_rows(batch, len), state);
            worst = worst.max(apart(&y, &rows(&whole)));
            assert!(after.is_some());
            (state, start) = (after, start + len);
        }
    }
    worst
}

/// How far packed items are from what they are alone, at worst.
fn apart_when_packed(mixer: &dyn Mixer) -> f32 {
    let spans = [(1, 1), (2, 16), (18, 30), (50, 7)].map(|(start, len)| Span { start, len });
    let time = 58;
    let x = noise(time * WIDTH, 5);
    let (packed, state) = run(mixer, &x, &SequenceContext::packed(1, time, spans.to_vec()), None);
    assert!(state.is_none());
    let of = |span: Span| {
        let rows = |values: &[f32]| values[span.start * WIDTH..][..span.len * WIDTH].to_vec();
        let (alone, _) = run(mixer, &rows(&x), &SequenceContext::whole_rows(1, span.len), None);
        apart(&rows(&packed), &alone)
    };
    spans.into_iter().map(of).fold(0.0, f32::max)
}

/// Whether another future leaves the past alone to the bit, and the past has no gradient to the future.
fn is_causal(mixer: &dyn Mixer, device: &Device) -> bool {
    let (time, from) = (37, 20);
    let context = SequenceContext::whole_rows(1, time);
    let x = noise(time * WIDTH, 7);
    let mut other = noise(time * WIDTH, 8);
    other[..from * WIDTH].copy_from_slice(&x[..from * WIDTH]);
    let leaf = |x: &[f32]| Tensor::<3>::from_data(TensorData::new(x.to_vec(), [1, time, WIDTH]), device).require_grad();
    let forward = |x: &Tensor<3>| mixer.forward(x.clone(), &context, None, &mut Crossing::default()).0;
    let (input, changed) = (leaf(&x), leaf(&other));
    let (y, z) = (forward(&input), forward(&changed));
    let past = |y: &Tensor<3>| data(y.clone())[..from * WIDTH].to_vec();
    let gradients = y.clone().narrow(1, 0, from).sum().backward();
    let d_future = data(input.grad(&gradients).unwrap())[from * WIDTH..].to_vec();
    assert_ne!(data(y.clone()), data(z.clone()));
    past(&y) == past(&z) && d_future.iter().all(|&d| d == 0.0)
}

#[test]
fn chunks_continue_each_other() {
    for config in zoo() {
        let mixer = started(&config, &Device::flex());
        if mixer.capabilities().stepping != Stepping::None {
            let worst = apart_in_chunks(&mixer);
            assert!(worst < 1e-5, "{}: {worst}", config.name());
        }
    }
}

#[test]
fn packed_items_never_meet() {
    for config in zoo() {
        let mixer = started(&config, &Device::flex());
        if mixer.capabilities().fixed_length.is_none() {
            let worst = apart_when_packed(&mixer);
            assert!(worst < 2e-6, "{}: {worst}", config.name());
        }
    }
}

#[test]
fn those_that_say_so_are_causal_to_the_bit_and_the_other_is_not() {
    let device = Device::flex().autodiff();
    for config in zoo() {
        let mixer = started(&config, &device);
        assert_eq!(is_causal(&mixer, &device), mixer.capabilities().causal, "{}", config.name());
    }
}

/// An LSTM with a fault.
#[derive(Debug)]
struct Broken {
    lstm: AnyMixer,
    fault: Fault,
}

#[derive(Debug, PartialEq)]
enum Fault {
    /// A thousandth of the next position's input is in the output.
    SeesTheNext,
    /// The state that it hands on is that of a sequence half as large.
    WrongState,
    /// Packed items are run as one.
    IgnoresBorders,
}

impl Mixer for Broken {
    fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: Option<MixerState>,
        crossing: &mut Crossing,
    ) -> (Tensor<3>, Option<MixerState>) {
        let [batch, time, width] = x.dims();
        let whole = SequenceContext::whole_rows(batch, time);
        let seen = if self.fault == Fault::IgnoresBorders { &whole } else { context };
        let (mut y, state) = self.lstm.forward(x.clone(), seen, state, crossing);
        if self.fault == Fault::SeesTheNext && time > 1 {
            let last = Tensor::zeros([batch, 1, width], &x.device());
            y = y + Tensor::cat(vec![x.narrow(1, 1, time - 1), last], 1) * 1e-3;
        }
        let halved = |parts: Vec<Arc<Vec<f32>>>| {
            parts.into_iter().map(|p| Arc::new(p.iter().map(|v| v * 0.5).collect::<Vec<f32>>())).collect()
        };
        let state = match state {
            Some(MixerState::Carried(parts)) if self.fault == Fault::WrongState => {
                Some(MixerState::Carried(halved(parts)))
            }
            state => state.filter(|_| context.is_whole_rows()),
        };
        (y, state)
    }

    fn capabilities(&self) -> Capabilities {
        self.lstm.capabilities()
    }

    fn cost(&self, time: usize) -> u64 {
        self.lstm.cost(time)
    }

    fn parameter_groups(&self) -> Vec<ParameterGroup> {
        self.lstm.parameter_groups()
    }
}

#[test]
fn broken_mixers_fail_these_tests() {
    let device = Device::flex().autodiff();
    let broken = |fault, device: &Device| Broken { lstm: started(&zoo()[1], device), fault };
    assert!(!is_causal(&broken(Fault::SeesTheNext, &device), &device));
    assert!(apart_in_chunks(&broken(Fault::WrongState, &Device::flex())) > 1e-3);
    assert!(apart_when_packed(&broken(Fault::IgnoresBorders, &Device::flex())) > 1e-3);
}

#[test]
fn every_mixer_has_its_name_and_its_tensors() {
    for (config, name) in zoo().into_iter().zip(MIXER_NAMES) {
        assert_eq!(config.name(), name);
        let mixer = mixer(&config, &Device::flex());
        let found: HashMap<String, Vec<usize>> =
            weights::read_some(&mixer, |_| true).into_iter().map(|(name, shape, _)| (name, shape)).collect();
        let declared: HashMap<String, Vec<usize>> = config.tensors(WIDTH).into_iter().collect();
        if config != MixerConfig::Attention {
            assert_eq!(found, declared, "{name}");
        }
        assert!(mixer.cost(10) > 0);
    }
}
