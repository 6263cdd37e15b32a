//! Fine-tuning and distillation by recipe: adapters and whole models, killed and resumed, merged, and told what cannot be.

mod command;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use command::{bantam, files_under, json, refused, tiny_recipe, tiny_run};
use serde_json::{Value, json};

/// Conversations that a tiny model can learn something of, the third too long for the recipe's limit.
fn chat_file(dir: &Path) -> PathBuf {
    let path = dir.join("chat.jsonl");
    let line = |i: usize| {
        let long = if i == 2 { "on and on ".repeat(200) } else { String::new() };
        let turns = json!([
            {"role": "user", "content": format!("Item {i} costs {} euros. {long}", i * 3 % 17)},
            {"role": "assistant", "content": format!("{{\"price\": {}}}", i * 3 % 17)},
        ]);
        json!({ "messages": turns }).to_string()
    };
    std::fs::write(&path, (0..40).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    path
}

fn completion_file(dir: &Path) -> PathBuf {
    let path = dir.join("completions.jsonl");
    let line = |i: usize| json!({"prompt": format!("{i} + 1 = "), "completion": (i + 1).to_string()}).to_string();
    std::fs::write(&path, (0..20).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    path
}

fn recipe(dir: &Path, method: &str) -> PathBuf {
    let (chat, completions) = (chat_file(dir), completion_file(dir));
    let text = format!(
        "[run]\nname = \"tuned\"\nseed = 3\n\n\
         [finetune]\nbase = {:?}\nmethod = \"{method}\"\nrank = 2\nalpha = 4\n\
         sources = [{{ file = {chat:?}, kind = \"chat\" }}, {{ file = {completions:?}, kind = \"completion\" }}]\n\
         validation = [{{ file = {completions:?}, kind = \"completion\" }}]\n\n\
         [train]\nsteps = 8\nwarmup_steps = 2\nlearning_rate = 1e-2\nweight_decay = 0\ncheckpoint_every = 3\n\
         validate_every = 4\nphases = [{{ share = 1, max_item_tokens = 120, batch_tokens = 300 }}]\n",
        tiny_run().join("model"),
    );
    let path = dir.join(format!("{method}.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

fn train(recipe: &Path, out: &Path) -> Value {
    json(bantam(["train"]).arg(recipe).arg("--out").arg(out))
}

#[test]
fn every_method_leaves_its_artifact_and_only_a_changed_value_trains_again() {
    let dir = tempfile::tempdir().unwrap();
    for (method, artifact) in [("lora", "adapter"), ("qlora", "adapter"), ("full", "model")] {
        let (recipe, out) = (recipe(dir.path(), method), dir.path().join(method));
        let first = train(&recipe, &out);
        assert!(first["artifacts"][artifact].is_string(), "{first}");
        assert!(first["results"]["train"]["valid_loss"].as_f64().unwrap() > 0.0);
        let weights = if artifact == "model" { "model.safetensors" } else { "adapter_model.safetensors" };
        assert!(out.join(artifact).join(weights).is_file(), "{:?}", files_under(&out));
        // Checkpoints of adapters hold nothing of the base.
        let checkpoint = std::fs::metadata(out.join("checkpoints/step-00000008/model.safetensors")).unwrap().len();
        let base = std::fs::metadata(tiny_run().join("model/model.safetensors")).unwrap().len();
        assert_eq!(checkpoint > base / 2, method == "full", "{checkpoint} {base}");
        let sources: Value = serde_json::from_slice(&std::fs::read(out.join("data/sources.json")).unwrap()).unwrap();
        let too_long = &sources["files"][0]["too_long"];
        assert_eq!((too_long.as_array().unwrap().len(), &too_long[0]["line"]), (1, &json!(3)));
        let again = train(&recipe, &out);
        assert!(again["stages"].as_array().unwrap().iter().all(|s| s["skipped"] == true), "{again}");
        assert_eq!(again["id"], first["id"]);
    }
}

#[test]
fn a_killed_adapter_training_ends_with_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    for method in ["lora", "qlora"] {
        let recipe = recipe(dir.path(), method);
        let command = |out: &Path| {
            let mut command = bantam(["train", "--set", "train.steps=40"]);
            command.arg(&recipe).arg("--out").arg(out);
            command
        };
        let (whole, cut) = (dir.path().join(format!("whole-{method}")), dir.path().join(format!("cut-{method}")));
        let wanted = json(&mut command(&whole));
        let mut kills = 0;
        for step in [3, 9, 21] {
            let mut child = command(&cut).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let checkpoint = cut.join(format!("checkpoints/step-{step:08}"));
            while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            kills += usize::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            child.wait().unwrap();
        }
        assert!(kills >= 2, "the training ended before it could be killed: {kills} kills");
        assert_eq!(json(&mut command(&cut))["artifacts"], wanted["artifacts"], "{method}");
    }
}

#[test]
fn a_trained_adapter_merges_once_and_the_merged_model_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (recipe, out) = (recipe(dir.path(), "lora"), dir.path().join("run"));
    train(&recipe, &out);
    let merged = dir.path().join("merged");
    let merge = |base: &Path, to: &Path| {
        let mut command = bantam(["merge", "--base"]);
        command.arg(base).arg("--adapter").arg(out.join("adapter")).arg("--out").arg(to);
        command
    };
    let base = tiny_run().join("model");
    let told = json(&mut merge(&base, &merged));
    assert!(told["matrices"] == 14 && told["difference"].as_f64().unwrap() < 1e-5, "{told}");
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let read = |dir: &Path| std::fs::read_to_string(dir.join(file)).unwrap();
        assert_eq!(read(&merged), read(&base));
    }
    json(
        bantam(["generate", "--chat", "--prompt", "Item 5 costs 15 euros.", "--max-new-tokens", "4", "--model"])
            .arg(&merged),
    );
    let again = dir.path().join("again");
    refused(&mut merge(&merged, &again), &["has this adapter in its weights already"]);
    refused(&mut merge(&base, &merged), &["is there already"]);
    // Into a packaged, quantized base: other weights than the adapter was trained on.
    refused(&mut merge(&tiny_run().join("model-q8_0.gguf"), &again), &["made for other weights"]);
    assert!(!again.exists());
}

#[test]
fn what_cannot_be_is_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe(dir.path(), "lora");
    let told = |set: &str, says: &[&str]| {
        refused(bantam(["train"]).arg(&recipe).arg("--out").arg(dir.path().join("x")).args(["--set", set]), says);
    };
    told("finetune.base=/no/such/place", &["/no/such/place", "no such file"]);
    told("finetune.base=nobody/nothing", &["nobody/nothing", "hf download"]);
    told("finetune.rank=0", &["finetune.rank", "not between 1"]);
    told("finetune.dropout=0.1", &["finetune.dropout", "without dropout"]);
    told("finetune.method=dora", &["unknown variant", "lora"]);
    told("finetune.target_modules=['c_attn']", &["target_modules"]);
    told("finetune.target_modules=q_proj", &["all-linear"]);
    told("finetune.sources=[]", &["finetune.sources"]);
    told("finetune.sources=[{file='/no/file',kind='chat'}]", &["/no/file"]);
    told("train.phases=[{share=1,max_item_tokens=5,batch_tokens=300}]", &["no item has at most 5 tokens"]);
    told("model.hidden_size=64", &["does not count beside [finetune]"]);
}

#[test]
fn a_student_learns_from_a_teacher_live_or_kept_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let teacher = format!("distill.teacher={:?}", tiny_run().join("model"));
    let distil = |out: &str, sets: &[&str]| {
        let mut command = bantam(["train", "--set", "model.num_hidden_layers=1", "--set", &teacher]);
        command.arg(tiny_recipe()).arg("--out").arg(dir.path().join(out));
        for set in sets {
            command.args(["--set", set]);
        }
        command
    };
    let loss = |summary: &Value| summary["results"]["train"]["valid_loss"].as_f64().unwrap();
    let live = json(&mut distil("live", &[]));
    let cached = json(&mut distil("cached", &["distill.cache_top_k=40"]));
    assert!((loss(&live) - loss(&cached)).abs() < 0.05, "{live} {cached}");
    let kept = files_under(&dir.path().join("cached/teacher"));
    assert!(kept.len() == 1 && kept[0].starts_with("teacher-"), "{kept:?}");
    assert_ne!(live["artifacts"], json(&mut distil("other", &["distill.weight=0.0"]))["artifacts"]);
    refused(&mut distil("x", &["tokenizer.vocab_size=390"]), &["a teacher must have the student's tokenizer"]);
    refused(&mut distil("x", &["distill.temperature=0"]), &["distill.temperature"]);
    refused(&mut distil("x", &["distill.weight=2"]), &["distill.weight"]);
    refused(&mut distil("x", &["distill.direction=sideways"]), &["unknown variant"]);
    // A fine-tuned model may have a teacher too.
    let tuned = dir.path().join("tuned");
    let recipe = recipe(dir.path(), "lora");
    json(
        bantam(["train", "--set", &teacher, "--set", "distill.direction=reverse"]).arg(recipe).arg("--out").arg(tuned),
    );
}
