//! What each verb prints with `--json`, and that the numbers are about what was asked.

mod command;

use std::path::{Path, PathBuf};

use command::{bantam, json, tiny_recipe, tiny_run};
use serde_json::Value;

#[test]
fn generate_tells_text_tokens_and_speed() {
    for model in [tiny_run().to_owned(), tiny_run().join("model"), tiny_run().join("model-q8_0.gguf")] {
        let made = json(bantam(["generate", "--prompt", "Order 17:", "--max-new-tokens", "5", "--model"]).arg(&model));
        assert_eq!(made["tokens"].as_array().unwrap().len() as u64, made["generated_tokens"].as_u64().unwrap());
        assert!(made["prompt_tokens"].as_u64().unwrap() >= 3 && made["text"].is_string());
        assert!(["stop", "length"].contains(&made["finish_reason"].as_str().unwrap()), "{made}");
        assert!(made["prefill_tokens_per_s"].as_f64().unwrap() > 0.0 && made["decode_tokens_per_s"].is_number());
        assert!(made["artifact"].as_str().unwrap().contains("model"), "{made}");
    }
}

#[test]
fn a_schema_makes_even_an_untrained_model_write_an_instance() {
    let dir = tempfile::tempdir().unwrap();
    let schema = dir.path().join("flag.json");
    let text = r#"{"type":"object","properties":{"paid":{"type":"boolean"},"kind":{"enum":["a","b"]}},
                   "required":["paid","kind"],"additionalProperties":false}"#;
    std::fs::write(&schema, text).unwrap();
    for chat in [&[][..], &["--chat"]] {
        let mut command = bantam(["generate", "--prompt", "it is paid", "--max-new-tokens", "60", "--model"]);
        let made = json(command.arg(tiny_run()).arg("--schema").arg(&schema).args(chat));
        let value: Value = serde_json::from_str(made["text"].as_str().unwrap()).unwrap();
        assert!(value["paid"].is_boolean() && ["a", "b"].contains(&value["kind"].as_str().unwrap()), "{made}");
    }
}

#[test]
fn pack_tells_every_tensor_s_format_and_what_it_writes_runs() {
    let dir = tempfile::tempdir().unwrap();
    let model = tiny_run().join("model");
    let generated = |model: &Path| {
        let arguments = ["generate", "--prompt", "Order 17:", "--max-new-tokens", "4", "--model"];
        json(bantam(arguments).arg(model))["tokens"].clone()
    };
    for kind in ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k_m", "q5_k_m", "q6_k"] {
        let [plain, package] = ["gguf", "gguf.zst"].map(|end| dir.path().join(format!("{kind}.{end}")));
        let packed = json(bantam(["compress", "pack", "--to", kind, "-o"]).arg(&plain).arg(&model));
        let (mut weights, mut bits) = (0.0, 0.0);
        for tensor in packed["tensors"].as_array().unwrap() {
            weights += tensor["elements"].as_f64().unwrap();
            bits += tensor["elements"].as_f64().unwrap() * tensor["bits_per_weight"].as_f64().unwrap();
        }
        assert_eq!(packed["weights"].as_f64().unwrap(), weights);
        assert!((packed["bits_per_weight"].as_f64().unwrap() - bits / weights).abs() < 1e-9);
        assert_eq!(packed["file_bytes"].as_u64().unwrap(), std::fs::metadata(&plain).unwrap().len());
        let again = json(bantam(["compress", "pack", "-o"]).arg(&package).arg(&plain));
        assert!(again["file_bytes"].as_u64().unwrap() < packed["file_bytes"].as_u64().unwrap());
        assert_eq!(again["bits_per_weight"], packed["bits_per_weight"]);
        assert_eq!(generated(&package), generated(&plain), "{kind}");
        if kind == "f32" {
            assert_eq!(generated(&plain), generated(&model));
        }
    }
}

#[test]
fn the_same_seed_draws_the_same_tokens() {
    let draw = |seed: &str| {
        let arguments = ["generate", "--prompt", "a", "--max-new-tokens", "12", "--temperature", "1.5", "--seed", seed];
        json(bantam(arguments).arg("--model").arg(tiny_run()))["tokens"].clone()
    };
    assert_eq!(draw("3"), draw("3"));
    assert_ne!(draw("3"), draw("4"));
}

#[test]
fn score_counts_every_token_but_the_first_and_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.txt");
    std::fs::write(&text, "Order 4711 for Zoë: 3 × bolts, paid.").unwrap();
    let logits = dir.path().join("logits.safetensors");
    let mut command = bantam(["score", "--model"]);
    let scored = json(command.arg(tiny_run()).arg("--text-file").arg(&text).arg("--logits").arg(&logits));
    let tokens = scored["tokens"].as_u64().unwrap();
    assert_eq!(scored["bytes"].as_u64().unwrap(), std::fs::metadata(&text).unwrap().len());
    let nll = scored["nll"].as_f64().unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs();
    assert!(close(scored["perplexity"].as_f64().unwrap(), (nll / (tokens - 1) as f64).exp()));
    let bits = nll / std::f64::consts::LN_2 / scored["bytes"].as_f64().unwrap();
    assert!(close(scored["bits_per_byte"].as_f64().unwrap(), bits));
    assert!(scored["context"].is_u64() && scored["stride"].is_u64());

    let bytes = std::fs::read(&logits).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("logits").unwrap();
    assert_eq!(view.shape(), [tokens as usize, 400]);
    assert_eq!(view.dtype(), safetensors::Dtype::F32);
}

/// Evaluates a set's golds as if a model had said them.
fn golds_against_themselves(items: &Path, schemas: &Path) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let lines = std::fs::read_to_string(items).unwrap();
    let predictions: String = lines
        .lines()
        .map(|line| {
            let item: Gold<'_> = serde_json::from_str(line).unwrap();
            // Letter for letter: numbers keep their digits.
            format!("{}\n", serde_json::json!({"id": item.id, "output": item.expected_output.get()}))
        })
        .collect();
    let path = dir.path().join("golds.jsonl");
    std::fs::write(&path, predictions).unwrap();
    let mut command = bantam(["eval", "edge-json", "--predictions"]);
    command.arg(&path).arg("--data").arg(items).arg("--schemas").arg(schemas);
    let result = json(command.arg("--out").arg(dir.path().join("results")));
    assert_eq!(result["n"], lines.lines().count());
    for file in ["result_file", "samples_file"] {
        assert!(Path::new(result[file].as_str().unwrap()).is_file());
    }
    result
}

#[derive(serde::Deserialize)]
struct Gold<'a> {
    id: String,
    #[serde(borrow)]
    expected_output: &'a serde_json::value::RawValue,
}

#[test]
fn golds_scored_against_themselves_are_perfect() {
    let data = tiny_run().join("data");
    let result = golds_against_themselves(&data.join("test.jsonl"), &data.join("schemas"));
    for metric in ["json_exact", "field_f1", "schema_compliance"] {
        assert_eq!(result["overall"][metric]["value"], 1.0, "{metric}");
        assert!(result["overall"][metric]["low"].is_number() && result["overall"][metric]["n"].is_number());
    }
    assert_eq!(result["overall"]["wrong_valid"]["value"], 0.0);
    assert!(result["by_level"]["simple"].is_object() && result["floors"]["rule"].is_object());
    assert!(result["protocol"]["data"]["sha256"].is_string());
}

/// The public sets kept beside the repository; tests on them are skipped where they are absent.
fn shared_data(set: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let dir = std::env::var_os("BANTAM_SHARED_DATA").map_or(here, PathBuf::from).join(set);
    if !dir.is_dir() {
        println!("skipped: no {}", dir.display());
    }
    dir.is_dir().then_some(dir)
}

#[test]
fn the_golds_of_public_sets_are_perfect_too() {
    for (set, schemas) in [("edgejson_v3", "schemas"), ("snips", "schema.json"), ("e2e", "schema.json")] {
        let Some(dir) = shared_data(set) else { continue };
        let result = golds_against_themselves(&dir.join("train.jsonl"), &dir.join(schemas));
        for metric in ["json_exact", "field_f1", "schema_compliance"] {
            assert_eq!(result["overall"][metric]["value"], 1.0, "{set}: {metric}");
        }
        assert_eq!(result["overall"]["wrong_valid"]["value"], 0.0, "{set}");
    }
}

#[test]
fn a_model_is_evaluated_on_edgejson_v3() {
    let Some(dir) = shared_data("edgejson_v3") else { return };
    let out = tempfile::tempdir().unwrap();
    for flags in [&[][..], &["--constrained"]] {
        let mut command = bantam(["eval", "edge-json", "--max-new-tokens", "8", "--model"]);
        command.arg(tiny_run()).args(flags).arg("--data").arg(dir.join("train.jsonl"));
        let result = json(command.arg("--schemas").arg(dir.join("schemas")).arg("--out").arg(out.path()));
        assert_eq!(result["n"], 629);
        assert_eq!(result["by_level"]["unknown"]["json_exact"]["n"], 72);
    }
}

#[test]
fn eval_decodes_with_a_model_in_both_modes() {
    let dir = tempfile::tempdir().unwrap();
    let data = tiny_run().join("data");
    for (mode, flags) in [("free", &[][..]), ("constrained", &["--constrained"])] {
        let mut command = bantam(["eval", "edge-json", "--limit", "2", "--max-new-tokens", "16", "--model"]);
        command.arg(tiny_run().join("model-q8_0.gguf")).args(flags);
        command.arg("--data").arg(data.join("test.jsonl")).arg("--schemas").arg(data.join("schemas"));
        let result = json(command.arg("--out").arg(dir.path()));
        assert_eq!((result["n"].as_u64(), result["protocol"]["mode"].as_str()), (Some(2), Some(mode)));
        assert!(result["protocol"]["artifact"]["path"].as_str().unwrap().ends_with("model-q8_0.gguf"));
    }
}

#[test]
fn data_and_tokenizer_stand_alone_and_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = command::tiny_recipe();
    let generate = |name: &str, seed: &str| {
        let mut command = bantam(["data", "generate", "--seed", seed, "--recipe"]);
        json(command.arg(&recipe).arg("--out").arg(dir.path().join(name)))
    };
    let (one, two, other) = (generate("one", "1"), generate("two", "1"), generate("other", "2"));
    assert_eq!(one["sha256"], two["sha256"]);
    assert_ne!(one["sha256"], other["sha256"]);
    let fresh = ["data", "generate", "--fresh-test", "2", "--recipe"];
    let fresh = json(bantam(fresh).arg(&recipe).arg("--out").arg(dir.path().join("fresh")));
    assert_eq!(fresh["test"], one["test"]);
    assert!(dir.path().join("fresh/test.jsonl").is_file() && !dir.path().join("fresh/train.jsonl").exists());
    // The run's own data stage makes the same bytes.
    assert_eq!(one["sha256"], json(bantam(["runs", "show"]).arg(tiny_run()))["lineage"]["made"]["data"]["data"]);
    let train = |name: &str| {
        let mut command = bantam(["tokenizer", "train", "--vocab-size", "400", "--data"]);
        command.arg(dir.path().join("one/train.jsonl")).arg("--schemas").arg(dir.path().join("one/schemas"));
        json(command.arg("--out").arg(dir.path().join(name)))
    };
    let (first, second) = (train("tokenizer"), train("tokenizer-again"));
    assert_eq!(first["sha256"], second["sha256"]);
    assert_eq!(first["vocab_size"], 400);
    assert!(first["bytes_per_token"].as_f64().unwrap() > 1.0);
}

#[test]
fn bench_measures_inference_and_training() {
    let mut command =
        bantam(["bench", "--prompt-tokens", "16", "--gen-tokens", "4", "--repetitions", "2", "--threads", "1"]);
    let speed = json(command.arg("--model").arg(tiny_run().join("model-q8_0.gguf")));
    for key in ["prefill_tokens_per_s", "decode_tokens_per_s", "time_to_first_token_ms", "load_ms"] {
        assert!(speed[key].as_f64().unwrap() > 0.0, "{key}: {speed}");
    }
    assert_eq!(speed["threads"], 1);
    let size = std::fs::metadata(tiny_run().join("model-q8_0.gguf")).unwrap().len();
    assert_eq!(speed["model_bytes"].as_u64(), Some(size));

    let shape = ["--width", "32", "--layers", "1", "--heads", "2", "--ffn", "48", "--vocab", "64"];
    let step =
        json(bantam(["bench", "train", "--batch", "2", "--context", "16", "--steps", "6", "--lr", "0.01"]).args(shape));
    let losses: Vec<f64> = serde_json::from_value(step["losses"].clone()).unwrap();
    assert_eq!(losses.len(), 6);
    // Random weights know nothing: ln 64 nats.
    assert!((losses[0] - 64f64.ln()).abs() < 0.2, "{losses:?}");
    assert!(step["tokens_per_s"].as_f64().unwrap() > 0.0 && step["step_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn runs_are_listed_and_shown() {
    let dir = tiny_run().parent().unwrap();
    let list = json(bantam(["runs", "list", "--dir"]).arg(dir));
    assert_eq!(list["runs"][0]["name"], "tiny");
    assert_eq!(list["runs"][0]["state"], "finished");
    let shown = json(bantam(["runs", "show", "tiny", "--dir"]).arg(dir));
    assert_eq!(shown["lineage"]["id"], list["runs"][0]["id"]);
    assert!(shown["recipe"].as_str().unwrap().contains("[train]"));
    assert!(shown["lineage"]["circumstances"]["host"]["cores"].as_u64().unwrap() >= 1);
    assert_eq!(shown["lineage"]["circumstances"]["device"], "cpu");
    let none = json(bantam(["runs", "list", "--dir"]).arg(dir.join("tiny/nothing-here")));
    assert_eq!(none["runs"], serde_json::json!([]));
}

#[test]
fn two_runs_are_compared_key_by_key_and_item_by_item() {
    let dir = tempfile::tempdir().unwrap();
    let diff = |b: &std::path::Path| json(bantam(["runs", "diff"]).arg(tiny_run()).arg(b));
    let copied = dir.path().join("copied");
    command::copy(tiny_run(), &copied);
    let same = diff(&copied);
    assert_eq!((&same["recipe"], &same["lineage"]), (&serde_json::json!([]), &serde_json::json!([])));
    let metric = |all: &serde_json::Value, name: &str| {
        all["metrics"].as_array().unwrap().iter().find(|m| m["name"] == name).cloned().unwrap_or_default()
    };
    let exact = metric(&same, "eval-free json_exact");
    assert_eq!(exact["a"], exact["b"]);
    assert!(exact["a"]["interval"].is_array() && exact["difference"]["value"] == 0.0, "{exact}");
    assert_eq!(exact["difference"]["verdict"], "no significant difference");

    let other = dir.path().join("other");
    json(bantam(["train"]).arg(tiny_recipe()).args(["--set", "train.steps=4"]).arg("--out").arg(&other));
    let told = diff(&other);
    let keys: Vec<&str> = told["recipe"].as_array().unwrap().iter().map(|c| c["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"train.steps") && !keys.contains(&"train.learning_rate"), "{keys:?}");
    let changed = told["lineage"].as_array().unwrap();
    assert!(changed.iter().any(|c| c["key"] == "artifacts.model"), "{changed:?}");
    assert!(!changed.iter().any(|c| c["key"] == "data.data" || c["key"] == "device"), "{changed:?}");
    let loss = metric(&told, "train valid_loss");
    assert!(loss["a"]["value"].is_f64() && loss["b"]["value"].is_f64() && loss["a"] != loss["b"]);
    assert!(metric(&told, "eval-free json_exact")["b"].is_null());
    let text = bantam(["runs", "diff"]).arg(tiny_run()).arg(&copied).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("recipe: the same") && text.contains("no significant difference"), "{text}");
    command::refused(bantam(["runs", "diff"]).arg(tiny_run()).arg(dir.path()), &["not a run folder"]);
}

#[test]
fn doctor_tells_what_the_machine_offers() {
    let facts = json(&mut bantam(["doctor"]));
    assert!(facts["cores"].as_u64().unwrap() >= 1);
    assert!(facts["kernels_available"].as_array().unwrap().contains(&facts["kernels"]));
    let names: Vec<&str> = facts["devices"].as_array().unwrap().iter().map(|d| d["device"].as_str().unwrap()).collect();
    assert_eq!(names, ["cuda", "metal", "vulkan"]);
    assert!(["amx", "avx512-bf16", "f32"].contains(&facts["bf16_products"].as_str().unwrap()));
    let text = bantam(["doctor"]).output().unwrap();
    assert!(command::succeeded(&text) && String::from_utf8_lossy(&text.stdout).contains("kernels"));
}
