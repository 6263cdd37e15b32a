//! Sequences in a batch get what they get alone, bit for bit, whoever joins and leaves.

mod random_model;

use std::collections::BTreeMap;

use bantam_core::seed;
use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{ModelArtifact, ModelConfig};
use bantam_runtime::measure::WallClock;
use bantam_runtime::{
    Batch, BatchRequest, ConstraintCompiler, GenerateOptions, LoadOptions, Model, SamplingOptions, Session, generate,
    generate_batch,
};
use rand::RngExt as _;
use random_model::{llama, model, shapes, tensors, tokenizer, tokens};
use serde_json::json;

fn packaged(config: &ModelConfig, kind: GgufType, threads: usize) -> Model {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, config, &tensors(config, 5), None, kind).unwrap();
    Model::load(&ModelArtifact::open(&path).unwrap(), LoadOptions { threads, ..Default::default() }).unwrap()
}

/// Sequences join, read one or many tokens, and leave at random; every row is compared with the sequence alone.
fn mingle(model: &Model, seed: u64) {
    let config = model.config();
    let mut rng = seed::rng(seed, "batch");
    let mut prefix = Session::new(model);
    prefix.prefill(&tokens(config, 20, seed)).unwrap();
    let mut batch = Batch::new(model);
    let mut alone = BTreeMap::new();
    let vocab = config.vocab_size;
    for step in 0..25u64 {
        if alone.len() < 6 && (alone.is_empty() || rng.random_range(0..2) == 0) {
            let start = if rng.random_range(0..3) == 0 { Session::new(model) } else { prefix.fork() };
            alone.insert(batch.join(start.fork()).unwrap(), start);
        }
        if alone.len() > 1 && rng.random_range(0..4) == 0 {
            let id = *alone.keys().nth(rng.random_range(0..alone.len())).unwrap();
            let (left, kept) = (batch.leave(id).unwrap(), alone.remove(&id).unwrap());
            assert!(left.save_state() == kept.save_state());
        }
        // Some stay away from this step; some read a whole prompt while others step.
        let mut given = Vec::new();
        for id in alone.keys() {
            let n = if rng.random_range(0..5) == 0 { rng.random_range(2..60) } else { 1 };
            if rng.random_range(0..6) > 0 && alone[id].remaining() > n {
                given.push((*id, tokens(config, n, step * 100 + given.len() as u64)));
            }
        }
        if rng.random_range(0..2) == 0 {
            given.reverse();
        }
        let parts: Vec<_> = given.iter().map(|(id, tokens)| (*id, tokens.as_slice())).collect();
        let rows = batch.read(&parts).unwrap();
        assert_eq!(rows.len(), given.len() * vocab);
        for ((id, tokens), row) in given.iter().zip(rows.chunks(vocab)) {
            assert!(alone.get_mut(id).unwrap().prefill(tokens).unwrap() == row, "step {step}, {id:?}");
        }
    }
    assert_eq!(batch.len(), alone.len());
}

#[test]
fn every_architecture_in_a_batch_gives_the_bits_it_gives_alone() {
    for (i, (_, config)) in shapes().into_iter().enumerate() {
        mingle(&model(&config, 1), i as u64);
    }
}

#[test]
fn every_number_format_and_thread_count_does_too() {
    let wide =
        ModelConfig { hidden_size: 256, intermediate_size: 512, num_attention_heads: 8, head_dim: 32, ..llama() };
    for kind in [GgufType::F32, GgufType::F16, GgufType::Q8_0, GgufType::Q4_0, GgufType::Q4KM] {
        mingle(&packaged(&wide, kind, 1), 3);
        mingle(&packaged(&wide, kind, 3), 4);
    }
}

#[test]
fn what_is_not_in_the_batch_is_an_input_error_and_nothing_is_read() {
    let (one, other) = (model(&llama(), 1), model(&llama(), 1));
    let mut batch = Batch::new(&one);
    assert_eq!(batch.join(Session::new(&other)).unwrap_err().exit_code(), 2);
    let id = batch.join(Session::new(&one)).unwrap();
    let gone = batch.join(Session::new(&one)).unwrap();
    batch.leave(gone);
    assert!(batch.leave(gone).is_none());
    for parts in [vec![(gone, &[1u32][..])], vec![(id, &[1][..]), (id, &[2])], vec![(id, &[])], vec![(id, &[999])]] {
        assert_eq!(batch.read(&parts).unwrap_err().exit_code(), 2);
    }
    assert_eq!(batch.session(id).unwrap().position(), 0);
    assert!(batch.read(&[]).unwrap().is_empty());
}

#[test]
fn texts_written_together_are_those_written_alone() {
    let (tokenizer, _) = tokenizer();
    let config = ModelConfig { vocab_size: 410, max_position_embeddings: 64, ..llama() };
    let model = model(&config, 1);
    let schema = json!({"type": "array", "maxItems": 3, "items": {"enum": ["order_id", "sku", "Ann Lee", 12]}});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("s", &schema).unwrap();
    let start = tokens(&config, 15, 8);
    let prompts: Vec<Vec<u32>> =
        (0..12).map(|i| [start.clone(), tokens(&config, 1 + i % 4, i as u64)].concat()).collect();
    let options: Vec<GenerateOptions> = (0..12u64)
        .map(|i| {
            let temperature = if i % 3 == 0 { 0.0 } else { 0.9 };
            let sampling = SamplingOptions { temperature, seed: i, ..Default::default() };
            let stop = if i % 4 == 1 { vec!["e".to_owned()] } else { vec![] };
            GenerateOptions { sampling, stop, ..GenerateOptions::greedy(if i == 7 { 100 } else { 30 }, &[0]) }
        })
        .collect();
    let request = |i: usize| BatchRequest {
        prompt: &prompts[i],
        options: &options[i],
        constraint: (i % 5 == 2).then_some(&constraint),
    };
    let mut requests: Vec<BatchRequest<'_>> = (0..12).map(request).collect();
    let clock = WallClock::start();
    for width in [1, 3, 50] {
        let together = generate_batch(&model, &tokenizer, &requests, width, &clock);
        for (request, made) in requests.iter().zip(together) {
            let made = made.unwrap();
            let mut session = Session::new(&model);
            let alone = generate(&mut session, &tokenizer, request.prompt, request.options, request.constraint, &clock)
                .unwrap();
            assert_eq!((&made.tokens, &made.text), (&alone.tokens, &alone.text));
            assert_eq!((made.finish_reason, made.prompt_tokens), (alone.finish_reason, alone.prompt_tokens));
            assert_eq!(made.stop_string, alone.stop_string);
        }
    }
    // One text's error is its own.
    requests[4].prompt = &[];
    let together = generate_batch(&model, &tokenizer, &requests, 4, &clock);
    for (i, made) in together.into_iter().enumerate() {
        assert_eq!(made.is_err(), i == 4);
    }
    assert!(generate_batch(&model, &tokenizer, &[], 4, &clock).is_empty());
}
