//! Sessions: one pass and many give the same, forks and saved states go their own way, the past never sees the future.

mod random_model;

use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{ModelArtifact, ModelConfig};
use bantam_runtime::{LoadOptions, Model, Session};
use proptest::prelude::*;
use random_model::{llama, model, shapes, tensors, tokens};

fn assert_close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let size = b.iter().fold(1f32, |m, v| m.max(v.abs()));
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= tolerance * size, "{what}: element {i}: {x} and {y}");
    }
}

/// The model written as GGUF in `kind` and loaded back.
fn packaged(config: &ModelConfig, kind: GgufType, threads: usize) -> Model {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, config, &tensors(config, 5), None, kind).unwrap();
    Model::load(&ModelArtifact::open(&path).unwrap(), LoadOptions { threads, ..Default::default() }).unwrap()
}

#[test]
fn a_prefill_equals_every_split_into_prefill_and_steps() {
    for (name, config) in shapes() {
        let model = model(&config, 1);
        let tokens = tokens(&config, 23, 2);
        let all = Session::new(&model).prefill_all(&tokens).unwrap();
        for split in 0..tokens.len() {
            let mut session = Session::new(&model);
            let mut pieces = if split == 0 { Vec::new() } else { session.prefill_all(&tokens[..split]).unwrap() };
            for token in &tokens[split..] {
                pieces.extend_from_slice(session.step(*token).unwrap());
            }
            assert!(pieces == all, "{name}, split at {split}");
        }
    }
}

#[test]
fn prefills_longer_than_a_chunk_equal_their_pieces() {
    let config = llama();
    let model = model(&config, 1);
    let tokens = tokens(&config, 300, 3);
    let all = Session::new(&model).prefill_all(&tokens).unwrap();
    let vocab = config.vocab_size;
    for split in [1, 127, 128, 129, 256, 299] {
        let mut session = Session::new(&model);
        let first = session.prefill(&tokens[..split]).unwrap().to_vec();
        assert!(first == all[(split - 1) * vocab..split * vocab], "first piece to {split}");
        let second = session.prefill(&tokens[split..]).unwrap().to_vec();
        assert!(second == all[299 * vocab..], "second piece from {split}");
        let mut session = Session::new(&model);
        assert!(session.prefill_last(&tokens, split).unwrap() == &all[(300 - split) * vocab..], "last {split} rows");
    }
}

#[test]
fn packaged_formats_keep_prefill_and_steps_together_and_stay_near_f32() {
    let config = llama();
    let tokens = tokens(&config, 17, 4);
    let reference = Session::new(&model(&config, 5)).prefill_all(&tokens).unwrap();
    for (kind, tolerance) in [(GgufType::F32, 1e-5), (GgufType::F16, 5e-3), (GgufType::Q8_0, 5e-2)] {
        let model = packaged(&config, kind, 1);
        let all = Session::new(&model).prefill_all(&tokens).unwrap();
        assert_close(&all, &reference, tolerance, &format!("{kind:?} against f32"));
        let mut session = Session::new(&model);
        let mut steps = Vec::new();
        for token in &tokens {
            steps.extend_from_slice(session.step(*token).unwrap());
        }
        assert!(steps == all, "{kind:?} steps");
    }
}

#[test]
fn thread_counts_give_the_same_bits() {
    let config =
        ModelConfig { hidden_size: 256, intermediate_size: 512, num_attention_heads: 8, head_dim: 32, ..llama() };
    let tokens = tokens(&config, 100, 4);
    for kind in [GgufType::F32, GgufType::Q8_0] {
        let one = Session::new(&packaged(&config, kind, 1)).prefill_all(&tokens).unwrap();
        let three = Session::new(&packaged(&config, kind, 3)).prefill_all(&tokens).unwrap();
        assert!(one == three, "{kind:?}");
    }
}

#[test]
fn a_changed_future_token_leaves_past_logits_exactly_alone() {
    for (name, config) in shapes() {
        let model = model(&config, 6);
        let mut tokens = tokens(&config, 40, 7);
        let before = Session::new(&model).prefill_all(&tokens).unwrap();
        tokens[25] = (tokens[25] + 1) % config.vocab_size as u32;
        let after = Session::new(&model).prefill_all(&tokens).unwrap();
        let border = 25 * config.vocab_size;
        assert!(before[..border] == after[..border], "{name}: the past changed");
        assert!(before[border..] != after[border..], "{name}: the probe must be able to see a change");
    }
}

#[test]
fn forks_go_on_independently() {
    let config = llama();
    let model = model(&config, 8);
    let start = tokens(&config, 20, 9);
    let (left, right) = (tokens(&config, 10, 10), tokens(&config, 10, 11));
    let alone = |tail: &[u32]| {
        let mut session = Session::new(&model);
        session.prefill(&start).unwrap();
        session.prefill_all(tail).unwrap()
    };
    let mut a = Session::new(&model);
    a.prefill(&start).unwrap();
    let mut b = a.fork();
    let (mut from_a, mut from_b) = (Vec::new(), Vec::new());
    for (l, r) in left.iter().zip(&right) {
        from_a.extend_from_slice(a.step(*l).unwrap());
        from_b.extend_from_slice(b.step(*r).unwrap());
    }
    assert!(from_a == alone(&left) && from_b == alone(&right));
}

#[test]
fn a_saved_state_goes_on_as_if_never_saved() {
    for (name, config) in shapes() {
        let model = model(&config, 12);
        let (start, tail) = (tokens(&config, 33, 13), tokens(&config, 5, 14));
        let mut session = Session::new(&model);
        session.prefill(&start).unwrap();
        let state = session.save_state();
        assert!(state.len() as u64 >= 33 * 2 * (config.num_hidden_layers * config.key_value_width() * 4) as u64);
        let mut loaded = Session::new(&model);
        loaded.prefill(&[1, 2, 3]).unwrap();
        loaded.load_state(&state).unwrap();
        assert_eq!(loaded.position(), 33);
        assert!(loaded.prefill_all(&tail).unwrap() == session.prefill_all(&tail).unwrap(), "{name}");
    }
}

#[test]
fn a_truncated_sequence_goes_on_as_if_the_rest_had_never_been_read() {
    for (name, config) in shapes() {
        let model = model(&config, 15);
        let (tokens, other) = (tokens(&config, 40, 16), tokens(&config, 3, 17));
        for position in 0..=40 {
            let mut session = Session::new(&model);
            session.prefill(&tokens).unwrap();
            assert!(session.truncate(position) && session.position() == position);
            let mut fresh = Session::new(&model);
            if position > 0 {
                fresh.prefill(&tokens[..position]).unwrap();
            }
            assert!(session.save_state() == fresh.save_state(), "{name} at {position}");
            assert!(session.prefill_all(&other).unwrap() == fresh.prefill_all(&other).unwrap(), "{name} at {position}");
        }
        let mut session = Session::new(&model);
        session.prefill(&tokens[..5]).unwrap();
        assert!(!session.truncate(6) && session.position() == 5, "nothing ahead can be kept");
    }
}

/// What may be done to a sequence without changing what it holds.
#[derive(Clone, Debug)]
enum Move {
    Read(usize),
    Wrong(usize),
    Fork,
    SaveAndLoad,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_way_through_a_sequence_ends_with_the_same_bits(
        kind in prop::sample::select(vec![GgufType::F32, GgufType::F16, GgufType::Q8_0, GgufType::Q4_0]),
        moves in prop::collection::vec(
            prop_oneof![
                (1usize..40).prop_map(Move::Read),
                (1usize..20).prop_map(Move::Wrong),
                Just(Move::Fork),
                Just(Move::SaveAndLoad)
            ],
            1..12,
        ),
    ) {
        let config = llama();
        let model = packaged(&config, kind, 1);
        let tokens = tokens(&config, 300, 3);
        let mut session = Session::new(&model);
        let mut given = Vec::new();
        for step in moves {
            let at = session.position();
            match step {
                Move::Read(n) if at + n <= 300 => given.extend(session.prefill_all(&tokens[at..at + n]).unwrap()),
                Move::Read(_) => {}
                Move::Wrong(n) => {
                    session.prefill(&tokens[..n]).unwrap();
                    prop_assert!(session.truncate(at));
                }
                Move::Fork => session = session.fork(),
                Move::SaveAndLoad => {
                    let state = session.save_state();
                    session = Session::new(&model);
                    session.load_state(&state).unwrap();
                }
            }
        }
        if session.position() > 0 {
            let once = Session::new(&model).prefill_all(&tokens[..session.position()]).unwrap();
            prop_assert!(given == once);
        }
    }
}

#[test]
fn a_damaged_or_foreign_state_is_an_input_error_and_changes_nothing() {
    let config = llama();
    let model_a = model(&config, 12);
    let mut session = Session::new(&model_a);
    session.prefill(&tokens(&config, 9, 1)).unwrap();
    let state = session.save_state();
    let foreign = model(&ModelConfig { num_hidden_layers: 3, ..llama() }, 12);
    assert_eq!(Session::new(&foreign).load_state(&state).unwrap_err().exit_code(), 2);
    let mut long = state.clone();
    long.push(0);
    let mut lying = state.clone();
    lying[16 + 40] = 200;
    let mut huge = state.clone();
    huge[16 + 40..16 + 48].copy_from_slice(&u64::MAX.to_le_bytes());
    let cut = (0..state.len()).step_by(37).map(|n| state[..n].to_vec());
    for bad in cut.chain([long, lying, huge]) {
        assert_eq!(session.load_state(&bad).unwrap_err().exit_code(), 2);
    }
    assert_eq!(session.position(), 9);
    assert!(session.save_state() == state);
}

#[test]
fn impossible_inputs_are_input_errors_and_read_nothing() {
    let config = ModelConfig { max_position_embeddings: 10, ..llama() };
    let model = model(&config, 1);
    let mut session = Session::new(&model);
    for (tokens, says) in [(vec![], "no tokens"), (vec![1, 61], "token 61 is outside"), (vec![1; 11], "context of 10")]
    {
        let error = session.prefill(&tokens).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(session.position(), 0);
    }
    session.prefill(&[1; 10]).unwrap();
    assert_eq!(session.remaining(), 0);
    assert_eq!(session.step(1).unwrap_err().exit_code(), 2);
}

#[test]
fn state_bytes_come_from_the_buffers() {
    let config = llama();
    let model = model(&config, 1);
    let mut session = Session::new(&model);
    assert_eq!(session.state_bytes(), 0);
    session.prefill(&tokens(&config, 16, 1)).unwrap();
    // Keys as they are, values padded from 8 to 16, for 16 positions.
    assert_eq!(session.state_bytes(), config.num_hidden_layers * config.num_key_value_heads * 16 * (8 + 16) * 4);
}

#[test]
fn weights_of_another_shape_are_refused() {
    let config = llama();
    let mut weights = tensors(&config, 1);
    weights[1].2.pop();
    assert!(Model::from_tensors(&config, &weights, LoadOptions::default()).is_err());
    weights.remove(1);
    assert!(Model::from_tensors(&config, &weights, LoadOptions::default()).is_err());
}

#[test]
fn models_sessions_and_constraints_cross_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Model>();
    shared::<Session<'_>>();
    shared::<bantam_runtime::Constraint>();
    shared::<bantam_runtime::ConstraintCompiler>();
    fn sent<T: Send>() {}
    sent::<bantam_runtime::ConstraintState>();
    sent::<bantam_runtime::Sampler>();
}

#[test]
fn eight_bit_products_err_little_against_their_own_weights_in_f32() {
    let config =
        ModelConfig { hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, head_dim: 16, ..llama() };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, &config, &tensors(&config, 5), None, GgufType::Q8_0).unwrap();
    let artifact = ModelArtifact::open(&path).unwrap();
    let widened: Vec<_> = config
        .tensor_specs()
        .into_iter()
        .map(|s| {
            let values = artifact.tensor(&s.name).unwrap().to_f32();
            (s.name, s.shape, values)
        })
        .collect();
    let exact = Model::from_tensors(&config, &widened, LoadOptions { threads: 1, ..Default::default() }).unwrap();
    let model = Model::load(&artifact, LoadOptions { threads: 1, ..Default::default() }).unwrap();
    let tokens = tokens(&config, 60, 6);
    let exact = Session::new(&exact).prefill_all(&tokens).unwrap();
    let rounded = Session::new(&model).prefill_all(&tokens).unwrap();
    let energy = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
    let error = energy(&mut exact.iter().zip(&rounded).map(|(a, b)| a - b)) / energy(&mut exact.iter().copied());
    // Inputs rounded to 8 bits in blocks of 32 err by about 0.5 % a product.
    assert!(error.sqrt() < 0.02 && error > 0.0, "relative error {}", error.sqrt());
}
