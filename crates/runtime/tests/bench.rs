//! The benchmark runs without a tokenizer and counts what it did.

mod random_model;

use std::cell::Cell;
use std::time::Duration;

use bantam_formats::gguf::{GgufType, write_model};
use bantam_runtime::LoadOptions;
use bantam_runtime::bench::{BenchOptions, bench};
use bantam_runtime::measure::Clock;
use random_model::{llama, tensors};

/// A clock that moves one millisecond at every look.
struct Ticks(Cell<u32>);

impl Clock for Ticks {
    fn now(&self) -> Duration {
        self.0.set(self.0.get() + 1);
        Duration::from_millis(self.0.get().into())
    }
}

#[test]
fn a_gguf_without_vocabulary_is_measured_from_the_tokens_produced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, &llama(), &tensors(&llama(), 1), None, GgufType::Q8_0).unwrap();
    let options = BenchOptions { prompt_tokens: 30, gen_tokens: 7, repetitions: 3 };
    let report = bench(&path, LoadOptions { threads: 1, ..Default::default() }, options, &Ticks(Cell::new(0))).unwrap();
    // Every measured stretch lasts one or two ticks of this clock.
    assert!((report.prefill_tokens_per_s - 30_000.0).abs() < 1e-3);
    assert!((report.decode_tokens_per_s - 7_000.0).abs() < 1e-3);
    assert!((report.time_to_first_token_ms - 2.0).abs() < 1e-9);
    assert!((report.load_ms - 1.0).abs() < 1e-9);
    assert_eq!((report.model_bytes, report.threads), (std::fs::metadata(&path).unwrap().len(), 1));
}

#[test]
fn what_does_not_fit_is_an_input_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    write_model(&path, &llama(), &tensors(&llama(), 1), None, GgufType::F32).unwrap();
    for (prompt_tokens, gen_tokens, repetitions) in [(500, 13, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (usize::MAX, 1, 1)]
    {
        let options = BenchOptions { prompt_tokens, gen_tokens, repetitions };
        let error =
            bench(&path, LoadOptions { threads: 1, ..Default::default() }, options, &Ticks(Cell::new(0))).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
