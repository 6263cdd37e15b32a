//! Perplexity with a model of random weights against the definition, and speed with a clock and a counter that a test can read.

mod random_model;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bantam_core::Result;
use bantam_eval::compare;
use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::energy::Counter;
use bantam_eval::harness::{self, Answerer, Constraint, Output, Request, Source, Suite as _};
use bantam_eval::local_model::{LocalModel, ModelOptions};
use bantam_eval::perplexity::text::{self, Window};
use bantam_eval::perplexity::{Format, Problems, Scoring};
use bantam_eval::speed::{self, Instruments, Load};
use bantam_runtime::measure::Clock;
use bantam_runtime::{ScoreOptions, score_text, score_tokens};
use random_model::RandomModel;

const TEXT: &str = "Zoë paid 3 × 12 € for bolts; the rest follows on Monday.\n";

/// A small Llama with random weights; `seed` tells two of them apart.
fn write_model(dir: &Path, name: &str, seed: u64) -> PathBuf {
    let path = dir.join(name);
    let texts = [TEXT, "What is it? red a large dog blue"];
    RandomModel { texts: &texts, vocab_size: 290, layers: 1, context: 256, chat_template: None, seed }.write(&path);
    path
}

const OPTIONS: ModelOptions = ModelOptions { constrained: false, max_new_tokens: 1, threads: 2 };

#[test]
fn bits_per_byte_of_a_text_are_those_of_score_and_two_models_can_be_compared() {
    let dir = tempfile::tempdir().unwrap();
    let text_file = dir.path().join("t.txt");
    let text = TEXT.repeat(60);
    std::fs::write(&text_file, &text).unwrap();
    let results: Vec<PathBuf> = [("a", 1), ("b", 2)]
        .iter()
        .map(|(name, seed)| {
            let model = LocalModel::open(&write_model(dir.path(), name, *seed), OPTIONS).unwrap();
            let window = Window { context: Some(64), stride: Some(48) };
            let evaluation = text::evaluate(&model, &text_file, window).unwrap();
            let options = ScoreOptions { context: 64, stride: 48 };
            let score = score_text(model.model(), model.tokenizer(), text.as_bytes(), "t", options, None).unwrap();
            let bits = evaluation.result.tables.overall["bits_per_byte"];
            assert!((bits.value - score.bits_per_byte).abs() < 1e-9, "{bits:?} {score:?}");
            assert!(bits.low <= bits.value && bits.value <= bits.high && bits.n == evaluation.samples.len());
            assert_eq!(evaluation.samples.iter().map(|s| s.bytes).sum::<usize>(), text.len());
            // What repeats 60 times is learned by the floor, and not by noise.
            assert!(evaluation.result.floors["byte_ngram"].overall["bits_per_byte"].value < 1.0 && bits.value > 2.0);
            let whole = Window { context: Some(64), stride: Some(64) };
            assert_eq!(text::evaluate(&model, &text_file, whole).unwrap_err().exit_code(), 2);
            evaluation.write(dir.path()).unwrap().0
        })
        .collect();
    let report = compare::compare(&compare::read(&results, true).unwrap()).unwrap();
    assert_eq!(
        (report.suite.as_str(), report.metrics[0].name.as_str(), report.systems.len()),
        ("perplexity", "bits_per_byte", 3)
    );
    // Less is better, and the floor is far ahead of noise.
    assert_eq!(report.metrics[0].standings[2].place.rank, 1);
    assert!(!report.metrics[0].more_is_better && report.metrics[0].standings[0].place.rank > 1);
    std::fs::write(&text_file, b"a\xff").unwrap();
    let model = LocalModel::open(&dir.path().join("a"), OPTIONS).unwrap();
    assert!(text::evaluate(&model, &text_file, Window::default()).unwrap_err().to_string().contains("byte 1"));
}

#[test]
fn choices_are_weighed_as_continuations_of_the_question() {
    let dir = tempfile::tempdir().unwrap();
    let model = write_model(dir.path(), "a", 1);
    let file = dir.path().join("art_test.csv");
    let long = "very ".repeat(300);
    std::fs::write(&file, format!("What is it?,red,a large dog,blue,dog,B\nWhat is {long}?,a,b,c,d,A\n")).unwrap();
    let source = Source::Model { path: model.clone(), options: OPTIONS };
    let evaluate = |scoring: Scoring| {
        let suite = Problems::load(&file, Format::Mmlu, scoring, None).unwrap();
        harness::evaluate(&suite, &source, None, &|_, _| {}).unwrap().0
    };
    let cloze = evaluate(Scoring::Cloze);
    let opened = LocalModel::open(&model, OPTIONS).unwrap();
    let nll = |text: &str| {
        let tokens = opened.tokenizer().encode(text, true);
        score_tokens(opened.model(), &tokens, 1, ScoreOptions { context: 96, stride: 95 }, None).unwrap().nll
    };
    let given = "Question: What is it?\nAnswer:";
    for (choice, weighed) in ["red", "a large dog", "blue", "dog"].iter().zip(&cloze.samples[0].log_probabilities) {
        let expected = nll(given) - nll(&format!("{given} {choice}"));
        assert!((weighed - expected).abs() < 1e-4, "{choice}: {weighed}, not {expected}");
    }
    // The second does not fit the context: it counts as wrong, and has no bits.
    assert!(cloze.samples[1].error.as_ref().is_some_and(|e| e.contains("context")), "{:?}", cloze.samples[1]);
    let overall = &cloze.result.tables.overall;
    assert_eq!((overall["cloze_accuracy"].n, overall["bits_per_byte"].n), (2, 1));
    let bits = -cloze.samples[0].log_probabilities[1] / std::f64::consts::LN_2 / " a large dog".len() as f64;
    assert!((overall["bits_per_byte"].value - bits).abs() < 1e-12);
    let letter = evaluate(Scoring::Letter);
    assert_eq!(letter.result.protocol.track.as_deref(), Some("mmlu_letter"));
    assert_eq!(letter.samples[0].log_probabilities.len(), 4);
    assert!(Problems::load(&file, Format::Mmlu, Scoring::Answer, None).is_err());
}

/// Time passes only when somebody works.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Ten watts, always.
struct TenWatts<'a>(&'a Hand);

impl Counter for TenWatts<'_> {
    fn joules(&self) -> Option<f64> {
        Some(10.0 * self.0.now().as_secs_f64())
    }

    fn method(&self) -> String {
        "a hand".to_owned()
    }
}

/// Answers after 100 ms times the number of its call in the round, and is right on the first and third item.
struct Slow<'a> {
    hand: &'a Hand,
    calls: AtomicUsize,
}

impl Answerer for Slow<'_> {
    fn prepare(&mut self, _: &Constraint) -> Result<()> {
        Ok(())
    }

    fn answer(&self, request: &Request) -> Result<Output> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let text = request.prompt.plain();
        let item = (1..=4).find(|i| text.contains(&format!("N: {i}"))).unwrap();
        self.hand.0.fetch_add(100 * item, Ordering::SeqCst);
        if item == 4 {
            return Ok(Output::missing("too long"));
        }
        let n = if item == 2 { 99 } else { item };
        Ok(Output {
            prompt_tokens: 7,
            generated_tokens: 10,
            seconds: Some(0.1 * item as f64),
            first_token_seconds: Some(0.02),
            ..Output::text(format!("{{\"n\":{n}}}"))
        })
    }
}

#[test]
fn speed_and_energy_are_counted_from_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("s.json"), r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let item = |i: usize| format!(r#"{{"id":"i{i}","schema_id":"s","prompt":"N: {i}","expected_output":{{"n":{i}}}}}"#);
    std::fs::write(dir.path().join("d.jsonl"), (1..=4).map(item).collect::<Vec<_>>().join("\n")).unwrap();
    let inputs = Inputs { data: &dir.path().join("d.jsonl"), schemas: &dir.path().join("s.json"), limit: None };
    let suite = Suite::load(inputs).unwrap();
    let correct = |outputs: &[Output]| Ok(suite.score(outputs)?.samples.iter().map(|s| s.exact).collect());
    let hand = Hand::default();
    let (mut slow, counter) = (Slow { hand: &hand, calls: AtomicUsize::new(0) }, TenWatts(&hand));
    let instruments = Instruments { clock: &hand, counter: &counter, idle_watts: Some(4.0) };
    // A round takes 1 s; 1.5 s are asked for, so that the second round is broken off after its third item.
    let load = Load { constrained: false, least: Duration::from_millis(1_500), threads: 1 };
    let found = speed::single_stream(&suite, &mut slow, load, &instruments, &correct, &|_| {}).unwrap();
    assert_eq!(slow.calls.load(Ordering::SeqCst), 8, "one to warm up, seven that count");
    assert_eq!((found.requests, found.correct, found.failed), (7, 4, 1));
    assert!((found.wall_s - 1.6).abs() < 1e-9 && (found.requests_per_s - 7.0 / 1.6).abs() < 1e-9);
    assert_eq!((found.prompt_tokens, found.generated_tokens), (42, 60));
    assert!((found.tokens_per_s - 60.0 / 1.6).abs() < 1e-9);
    // 100, 100, 200, 200, 300, 300: what failed has no time.
    let latency = found.latency_ms.unwrap();
    assert_eq!((latency.n, latency.p50.round(), latency.p90.round()), (6, 200.0, 300.0));
    assert_eq!(found.first_token_ms.unwrap().p99.round(), 20.0);
    let energy = found.energy;
    assert!((energy.gross_joules.unwrap() - 16.0).abs() < 1e-9 && (energy.net_joules.unwrap() - 9.6).abs() < 1e-9);
    assert!((energy.joules_per_correct_answer.unwrap() - 2.4).abs() < 1e-9, "{energy:?}");
    let found = speed::offline(&suite, &mut slow, load, &instruments, &correct, &|_, _| {}).unwrap();
    assert_eq!((found.requests, found.correct, found.failed, found.latency_ms.unwrap().n), (4, 2, 1, 3));
    assert!((found.wall_s - 1.0).abs() < 1e-9);
}
