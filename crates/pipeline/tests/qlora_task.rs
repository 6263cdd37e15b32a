//! QLoRA against LoRA on a real task: a base trained on simple extraction items, adapters on longer ones.

use std::path::Path;

use bantam_core::progress::Silent;
use bantam_data::absent_fields::AbsentFields;
use bantam_data::schemas::SchemaSet;
use bantam_data::{item, prompt};
use bantam_pipeline::edge_json::{self, Request, Summary, UNTIL_MODEL};
use bantam_pipeline::fine_tune;
use bantam_pipeline::recipe::Recipe;
use serde_json::json;

const BASE: &str = r#"
[data]
drills = 1500
train = { simple = 4000, medium = 0, complex = 0 }
valid = { simple = 40, medium = 0, complex = 0 }
test = { simple = 4, medium = 0, complex = 0 }
[tokenizer]
vocab_size = 512
[model]
hidden_size = 128
num_hidden_layers = 3
num_attention_heads = 4
num_key_value_heads = 2
intermediate_size = 344
max_position_embeddings = 1024
[train]
steps = 500
warmup_steps = 50
learning_rate = 3e-3
validate_every = 0
phases = [{ share = 1, max_item_tokens = 260, batch_tokens = 1600 }]
[package]
gguf = []
"#;

const LONGER: &str = r#"
[data]
seed = 2
drills = 0
train = { simple = 0, medium = 1500, complex = 0 }
valid = { simple = 0, medium = 80, complex = 0 }
test = { simple = 0, medium = 4, complex = 0 }
"#;

fn recipe(text: &str, out: &Path) -> Recipe {
    Recipe::parse(Path::new("r.toml"), text, &[format!("run.out='{}'", out.display())]).unwrap()
}

fn chat_lines(items: &Path, schemas: &SchemaSet, to: &Path) {
    let line = |item: &item::Item| {
        let schema = schemas.get(&item.schema_id).unwrap();
        let mut turns: Vec<_> = prompt::messages(item, schema)
            .into_iter()
            .map(|(role, text)| json!({"role": role, "content": text}))
            .collect();
        let answer = prompt::canonical_answer(&item.expected_output, schema, AbsentFields::Omitted);
        turns.push(json!({"role": "assistant", "content": answer}));
        json!({ "messages": turns }).to_string()
    };
    let lines: Vec<String> = item::read_jsonl(items).unwrap().iter().map(line).collect();
    std::fs::write(to, lines.join("\n")).unwrap();
}

fn validation_loss(summary: &Summary) -> f64 {
    summary.results["train"]["valid_loss"].as_f64().unwrap()
}

#[test]
#[ignore = "minutes; run with `cargo test --workspace --test qlora_task -- --ignored --nocapture`"]
fn qlora_s_loss_is_within_2_percent_of_lora_s() {
    let dir = tempfile::tempdir().unwrap();
    let (base, data) = (dir.path().join("base"), dir.path().join("data"));
    let until_model = Request { until: Some(UNTIL_MODEL), ..Request::default() };
    let trained = edge_json::execute(&recipe(BASE, &base), &until_model, &Silent).unwrap();
    let only_data = Request { until: Some("data"), ..Request::default() };
    edge_json::execute(&recipe(LONGER, &data), &only_data, &Silent).unwrap();
    let schemas = SchemaSet::load(&data.join("data/schemas")).unwrap();
    for split in ["train", "valid"] {
        chat_lines(&data.join(format!("data/{split}.jsonl")), &schemas, &dir.path().join(format!("{split}.jsonl")));
    }
    println!("base: {:.4} nats a token on its own (simple) items", validation_loss(&trained));
    let loss = |method: &str, steps: usize| {
        let text = format!(
            "[run]\nseed = 5\n[finetune]\nbase = {:?}\nmethod = \"{method}\"\nrank = 8\nalpha = 16\n\
             sources = [{{ file = {:?}, kind = \"chat\" }}]\nvalidation = [{{ file = {:?}, kind = \"chat\" }}]\n\
             [train]\nsteps = {steps}\nwarmup_steps = 1\nlearning_rate = {}\nweight_decay = 0\nvalidate_every = 0\n\
             phases = [{{ share = 1, max_item_tokens = 900, batch_tokens = 2000 }}]\n",
            base.join("model"),
            dir.path().join("train.jsonl"),
            dir.path().join("valid.jsonl"),
            if steps == 1 { 1e-12 } else { 3e-3 },
        );
        let recipe = recipe(&text, &dir.path().join(format!("{method}-{steps}")));
        let section = recipe.finetune.clone().unwrap();
        validation_loss(&fine_tune::execute(&recipe, &section, &Request::default(), &Silent).unwrap())
    };
    // One step of no size: what each starts from.
    let (start, start_4_bit) = (loss("lora", 1), loss("qlora", 1));
    let (lora, qlora) = (loss("lora", 250), loss("qlora", 250));
    println!(
        "before: {start:.4} (f32), {start_4_bit:.4} (4 bits); LoRA {lora:.4}, QLoRA {qlora:.4}, {:+.2} %",
        (qlora / lora - 1.0) * 100.0
    );
    assert!(lora < 0.9 * start, "the adapters learned little: {start} to {lora}");
    assert!(start_4_bit != start, "the base is not quantized");
    assert!((qlora / lora - 1.0).abs() < 0.02, "LoRA {lora}, QLoRA {qlora}");
}
