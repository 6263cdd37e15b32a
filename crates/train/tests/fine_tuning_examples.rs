//! Which tokens are learned: against transformers' masks (`tests/reference/chat_masks.py`), and at the edges.

use std::path::Path;

use bantam_data::{chat, completion};
use bantam_formats::Tokenizer;
use bantam_formats::hf;
use bantam_train::examples::fine_tuning::{TooLong, completions, conversations};
use serde_json::Value;

/// The formats crate's golden tokenizer, as part of a model so that its end token is known.
fn tokenizer() -> Tokenizer {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/data/tokenizer/tokenizer.json");
    let dir = tempfile::tempdir().unwrap();
    let config = bantam_train::bench::shape(16, 1, 2, 16, 1030, 64);
    let bundle = bantam_formats::TokenizerBundle {
        tokenizer_json: std::fs::read_to_string(formats).unwrap(),
        eos_token: Some("<|end|>".into()),
        ..Default::default()
    };
    let tensors: Vec<_> = config
        .tensor_specs()
        .into_iter()
        .map(|s| {
            let n = s.shape.iter().product();
            (s.name, s.shape, vec![0.0; n])
        })
        .collect();
    hf::write_folder(&dir.path().join("m"), &config, &tensors, Some(&bundle)).unwrap();
    bantam_formats::ModelArtifact::open(dir.path().join("m")).unwrap().tokenizer().unwrap()
}

#[test]
fn the_assistant_s_tokens_are_those_that_transformers_marks() {
    let golden: Vec<Value> = serde_json::from_str(include_str!("data/chat_masks.json")).unwrap();
    let tokenizer = tokenizer();
    for case in golden {
        let line = serde_json::json!({ "messages": case["messages"] }).to_string();
        let items = chat::parse_jsonl("f", line.as_bytes()).unwrap();
        let made = conversations(&items, &tokenizer, case["template"].as_str().unwrap(), 1000, "f").unwrap();
        let example = &made.examples[0];
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let mask: Vec<usize> = serde_json::from_value(case["mask"].clone()).unwrap();
        assert_eq!(example.tokens, ids, "{line}");
        let learned: Vec<usize> = example.answers.iter().cloned().flatten().collect();
        let marked: Vec<usize> = (0..mask.len()).filter(|&i| mask[i] == 1).collect();
        assert_eq!(learned, marked, "{line}");
    }
}

#[test]
fn a_template_that_rewrites_earlier_turns_is_refused() {
    let text = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}"#;
    let items = chat::parse_jsonl("f", text.as_bytes()).unwrap();
    // Drops the answers before the last, as templates of reasoning models drop their thoughts.
    let template = "{% for m in messages %}{% if m.role == 'user' or loop.last %}<|{{ m.role }}|>{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    let e = conversations(&items, &tokenizer(), template, 1000, "f").unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().starts_with("f:1: message 2: the chat template"), "{e}");
    let e = conversations(&items, &tokenizer(), "{{ raise_exception('no') }}", 1000, "f").unwrap_err();
    assert!(e.to_string().starts_with("f:1: chat template"), "{e}");
}

#[test]
fn completions_are_learned_with_their_end_and_long_ones_are_counted() {
    let text = "{\"prompt\":\"What is 2 + 2? \",\"completion\":\"4\"}\n{\"prompt\":\"\",\"completion\":\"once upon a time there was\"}\n";
    let items = completion::parse_jsonl("f", text.as_bytes()).unwrap();
    let tokenizer = tokenizer();
    let made = completions(&items, &tokenizer, 1000).unwrap();
    let first = &made.examples[0];
    let prompt = tokenizer.encode("What is 2 + 2? ", false);
    assert_eq!(first.targets().collect::<Vec<_>>(), [prompt.len(), prompt.len() + 1]);
    assert_eq!(first.tokens[prompt.len()..], [tokenizer.encode("4", false), vec![tokenizer.eos().unwrap()]].concat());
    assert_eq!(first.answer_bytes, 1);
    // Without a prompt nothing predicts the first token.
    assert_eq!(made.examples[1].answers[0].start, 1);
    let long = made.examples[1].tokens.len();
    let made = completions(&items, &tokenizer, long - 1).unwrap();
    assert_eq!((made.examples.len(), made.too_long), (1, vec![TooLong { line: 2, tokens: long }]));
}
