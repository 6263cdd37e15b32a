//! Every mixer: outputs and states of the independent reference (`tests/reference/mixers.py`), and what every one promises: chunks, steps,
//! batches, forks and saved states are all the same sequence.

use bantam_core::{Error, Result};
use bantam_formats::{Architecture, MixerConfig, ModelConfig, TensorData};
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{Isa, Pool, WeightMemory};
use golden::{Golden, turned};

use crate::linear::from_f32;
use crate::mixers::{self, AnyMixer, AnyState, MixerTensors, Scratch, StepContext};
use crate::random_model::{llama, model, tensors, tokens};
use crate::{Batch, LoadOptions, Model, Session};

#[path = "../../model/tests/golden/mod.rs"]
mod golden;

/// The golden models' width.
const WIDTH: usize = 16;

impl Golden {
    fn mixer(&self) -> Box<dyn AnyMixer> {
        let config = ModelConfig { hidden_size: WIDTH, max_position_embeddings: 29, ..llama() };
        let lookup = |name: &str| -> Result<TensorData<'_>> {
            let found = self.tensors.get(&format!("param.{name}"));
            found.map(|(shape, values)| from_f32(shape, values)).ok_or_else(|| Error::internal(&self.name, name))
        };
        mixers::build(&self.config(), &config, &MixerTensors(&lookup, &WeightMemory::new(0))).unwrap()
    }

    /// The state of item `item` in the order and layout of `docs/mixers.md`, from what a mixer saves.
    fn by_contract(&self, state: &dyn AnyState) -> Vec<Vec<f32>> {
        let mut bytes = Vec::new();
        state.save(&mut bytes);
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        match self.config() {
            MixerConfig::Mamba2 { head_dim, state_size, conv_kernel, .. } => {
                let channels = self.dim("conv1d.bias", 0);
                let (past, memory) = values.split_at(channels * (conv_kernel - 1));
                vec![turned(past, conv_kernel - 1, channels), turned(memory, state_size, head_dim)]
            }
            MixerConfig::Shortconv { kernel } => vec![turned(&values, kernel - 1, WIDTH)],
            MixerConfig::Lstm { hidden_size } | MixerConfig::Gru { hidden_size, .. } => {
                values.chunks(hidden_size).map(<[f32]>::to_vec).collect()
            }
            MixerConfig::Rwkv4 { inner_size } => {
                let (last, sums) = values.split_at(WIDTH);
                std::iter::once(last).chain(sums.chunks(inner_size)).map(<[f32]>::to_vec).collect()
            }
            MixerConfig::Rwkv7 { head_dim, .. } => {
                let (last, memory) = values.split_at(WIDTH);
                vec![last.to_vec(), turned(memory, head_dim, head_dim)]
            }
            // The next position is the sequence's.
            MixerConfig::Retnet { .. } => vec![vec![self.tensors["x"].0[1] as f32], values],
            MixerConfig::S4d { states } => vec![self.scaled_by_input(&values, states)],
            MixerConfig::Hyena { .. } => {
                let (inputs, past) = values.split_at(values.len() - 2 * 3 * WIDTH);
                vec![inputs.to_vec(), turned(past, 2, 3 * WIDTH)]
            }
            MixerConfig::Performer { heads, features } => {
                let (sums, total) = values.split_at(features * WIDTH);
                assert_eq!(total.len(), heads * features);
                vec![sums.to_vec(), total.to_vec()]
            }
            other => panic!("{other:?}"),
        }
    }

    /// `Bbar g` `[D, N/2, 2]`: the contract's state of S4D from the one that is held, `g` `[N/2, 2, D]`.
    fn scaled_by_input(&self, g: &[f32], states: usize) -> Vec<f32> {
        let of = |name: &str, i: usize| f64::from(self.values(&format!("param.{name}"))[i]);
        let pair = |i: usize| {
            let (channel, state) = (i / states, i % states);
            let (re, im, dt) = (-of("log_A_real", i).exp(), of("A_imag", i), of("log_dt", channel).exp());
            // (Abar - 1) / A
            let (a, b) = ((dt * re).exp() * (dt * im).cos() - 1.0, (dt * re).exp() * (dt * im).sin());
            let square = re * re + im * im;
            let (b_re, b_im) = ((a * re + b * im) / square, (b * re - a * im) / square);
            let [g_re, g_im] = [0, 1].map(|part| f64::from(g[(2 * state + part) * WIDTH + channel]));
            [(b_re * g_re - b_im * g_im) as f32, (b_re * g_im + b_im * g_re) as f32]
        };
        (0..WIDTH * states).flat_map(pair).collect()
    }
}

fn close(got: &[f32], want: &[f32], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!((a - b).abs() <= 1e-4 * scale, "{what} {i}: {a} {b} (scale {scale})");
    }
}

#[test]
fn outputs_and_states_are_the_reference_s_in_chunks_of_any_size() {
    let (pool, rotary) = (Pool::new(1), RotaryTable::default());
    let names =
        ["mamba2", "shortconv", "lstm", "gru", "rwkv4", "rwkv7_first", "rwkv7", "retnet", "s4d", "hyena", "performer"];
    for (name, isa) in names.into_iter().flat_map(|name| Isa::available().into_iter().map(move |isa| (name, isa))) {
        let golden = Golden::read(name);
        let mixer = golden.mixer();
        let shape = &golden.tensors["x"].0;
        let (items, time, item) = (shape[0], shape[1], shape[1] * WIDTH);
        let context = StepContext { isa, pool: &pool, rotary: &rotary };
        for size in [time, 1, 5] {
            let mut states: Vec<Vec<f32>> = Vec::new();
            for i in 0..items {
                let (x, y) = (&golden.values("x")[i * item..][..item], &golden.values("y")[i * item..][..item]);
                let (mut state, mut scratch, mut out) = (mixer.new_state(), Scratch::default(), vec![f32::NAN; item]);
                for (n, (x, out)) in x.chunks(size * WIDTH).zip(out.chunks_mut(size * WIDTH)).enumerate() {
                    let first = i * item + n * size * WIDTH;
                    if name == "rwkv7" {
                        scratch.first_values = golden.values("v_first")[first..first + x.len()].to_vec();
                    }
                    mixer.run(&context, n * size, x, x.len() / WIDTH, state.as_mut(), &mut scratch, out);
                    if name == "rwkv7_first" {
                        let made = &scratch.first_values[..x.len()];
                        close(made, &golden.values("v_first")[first..first + x.len()], "rwkv7_first: v_first");
                    }
                }
                close(&out, y, &format!("{name} by {size}, {isa:?}: y"));
                let parts = golden.by_contract(state.as_ref());
                states.resize(parts.len(), Vec::new());
                states.iter_mut().zip(parts).for_each(|(all, part)| all.extend(part));
            }
            for (i, state) in states.iter().enumerate() {
                close(state, golden.values(&format!("state.{i}")), &format!("{name} by {size}, {isa:?}: state {i}"));
            }
            assert!(!golden.tensors.contains_key(&format!("state.{}", states.len())), "{name}: a state more");
        }
    }
}

/// One of each, with sizes that are no multiples of anything, in models of two layers; patterns of several; and whole RWKVs.
fn zoo() -> Vec<(String, Model)> {
    let mamba2 = MixerConfig::Mamba2 { inner_size: 30, head_dim: 5, groups: 3, state_size: 7, conv_kernel: 3 };
    let shortconv = MixerConfig::Shortconv { kernel: 4 };
    let rwkv7 = MixerConfig::Rwkv7 { head_dim: 4, ranks: [3, 2, 5, 4], first: false };
    let one = [
        mamba2.clone(),
        shortconv.clone(),
        MixerConfig::Lstm { hidden_size: 19 },
        MixerConfig::Gru { hidden_size: 11, layers: 2 },
        MixerConfig::Rwkv4 { inner_size: 21 },
        rwkv7.clone(),
        MixerConfig::Retnet { heads: 4, value_size: 20 },
        MixerConfig::S4d { states: 5 },
        MixerConfig::Hyena { length: 512, filter_size: 9, features: 5 },
        MixerConfig::Performer { heads: 2, features: 11 },
    ];
    let mut patterns: Vec<Vec<MixerConfig>> = one.map(|m| vec![m]).into();
    patterns.push(vec![mamba2, MixerConfig::Attention, shortconv]);
    patterns.push(vec![rwkv7.clone(), MixerConfig::Rwkv4 { inner_size: 32 }, rwkv7.clone()]);
    let whole = [(Architecture::Rwkv4, MixerConfig::Rwkv4 { inner_size: 21 }), (Architecture::Rwkv7, rwkv7)];
    let whole = whole.map(|(architecture, mixer)| {
        let config = ModelConfig { architecture, mixers: vec![mixer], intermediate_size: 41, ..llama() };
        (format!("{} whole", architecture.name()), model(&config, 7))
    });
    let named = |mixers: Vec<MixerConfig>| {
        let name = mixers.iter().map(MixerConfig::name).collect::<Vec<_>>().join(", ");
        let config = ModelConfig { num_hidden_layers: mixers.len().max(2), mixers, ..llama() };
        (name, model(&config, 7))
    };
    patterns.into_iter().map(named).chain(whole).collect()
}

#[test]
fn chunks_forks_and_saved_states_go_on_as_if_nothing_had_been() {
    for (name, model) in zoo() {
        let all = tokens(model.config(), 41, 3);
        let whole = Session::new(&model).prefill_all(&all).unwrap();
        assert!(whole.iter().all(|v| v.is_finite()) && whole.iter().any(|v| v.abs() > 0.1), "{name}");
        for cuts in [vec![1; 41], vec![40, 1], vec![3, 17, 1, 20]] {
            let mut session = Session::new(&model);
            let mut found = Vec::new();
            for size in cuts {
                let at = session.position();
                found.extend(session.prefill_all(&all[at..at + size]).unwrap());
                let saved = session.save_state();
                let mut loaded = Session::new(&model);
                loaded.load_state(&saved).unwrap();
                assert!(loaded.save_state() == saved, "{name}");
                let fork = session.fork();
                // What the first reads is nothing to the fork.
                if session.remaining() > 0 {
                    session.prefill(&[1]).unwrap();
                }
                session = if at.is_multiple_of(2) { fork } else { loaded };
            }
            assert!(found == whole, "{name}");
        }
    }
}

#[test]
fn batches_give_every_sequence_what_it_gets_alone() {
    for (name, model) in zoo() {
        let mut batch = Batch::new(&model);
        let mut alone: Vec<Session<'_>> = (0..3).map(|_| Session::new(&model)).collect();
        let ids: Vec<_> = (0..3).map(|_| batch.join(Session::new(&model)).unwrap()).collect();
        for step in 0..6u64 {
            let given: Vec<Vec<u32>> =
                (0..3).map(|i| tokens(model.config(), 1 + (step as usize + i) % 3, step)).collect();
            let parts: Vec<_> = ids.iter().zip(&given).map(|(id, tokens)| (*id, tokens.as_slice())).collect();
            let rows = batch.read(&parts).unwrap();
            for ((row, session), tokens) in rows.chunks(model.vocab_size()).zip(&mut alone).zip(&given) {
                assert!(session.prefill(tokens).unwrap() == row, "{name}");
            }
        }
    }
}

#[test]
fn states_are_constant_where_they_can_be_and_fit_their_own_model_only() {
    let models = zoo();
    for (name, model) in &models {
        let mut session = Session::new(model);
        session.prefill(&[1, 2]).unwrap();
        let (early, saved) = (session.state_bytes(), session.save_state());
        session.prefill(&tokens(model.config(), 100, 1)).unwrap();
        let grows = ["attention", "hyena"].iter().any(|grows| name.contains(grows));
        assert!(early > 0 && (session.state_bytes() > early) == grows, "{name}");
        assert!(!session.can_truncate(50) && !session.truncate(50), "{name}");
        for (other, model) in &models {
            let mut session = Session::new(model);
            assert_eq!(session.load_state(&saved).is_ok(), name == other, "{name} into {other}");
        }
        for cut in [1, saved.len() / 2, saved.len() - 1] {
            assert_eq!(Session::new(model).load_state(&saved[..cut]).unwrap_err().exit_code(), 2, "{name}");
        }
    }
}

#[test]
fn what_cannot_write_text_is_refused() {
    let linformer = MixerConfig::Linformer { heads: 2, length: 512, projected: 5 };
    let short = MixerConfig::Hyena { length: 511, filter_size: 9, features: 5 };
    for (mixer, says) in [(linformer, "sees the future"), (short, "reach 511 of 512")] {
        let config = ModelConfig { mixers: vec![mixer], ..llama() };
        let error = Model::from_tensors(&config, &tensors(&config, 1), LoadOptions::default()).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().contains(says), "{error}");
    }
}
