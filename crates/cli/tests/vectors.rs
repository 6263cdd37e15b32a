//! A recipe with `[vectors]`, from a file of documents to a scored model: stages, floors, resuming, and mistakes.

mod command;

use std::path::Path;

use command::{bantam, json, refused};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

const SIZE: usize = 6;

/// Documents of 3 to 9 vectors that turn by constant angles, of two domains.
fn file(path: &Path) {
    let (mut vectors, mut documents, mut domains) = (Vec::new(), Vec::new(), Vec::new());
    for document in 0..60i64 {
        for t in 0..3 + document % 7 {
            for plane in 0..SIZE / 2 {
                let angle = document as f32 * 1.7 + (0.4 + 0.5 * plane as f32) * t as f32;
                vectors.extend([angle.cos(), angle.sin()].map(f32::to_le_bytes));
            }
            documents.push(document.to_le_bytes());
            domains.push((document % 2).to_le_bytes());
        }
    }
    let n = documents.len();
    let (vectors, documents, domains) = (vectors.concat(), documents.concat(), domains.concat());
    let tensors = [
        ("vectors", TensorView::new(Dtype::F32, vec![n, SIZE], &vectors).unwrap()),
        ("documents", TensorView::new(Dtype::I64, vec![n], &documents).unwrap()),
        ("domains", TensorView::new(Dtype::I64, vec![n], &domains).unwrap()),
    ];
    std::fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

fn recipe(file: &Path, vectors: &str) -> String {
    format!(
        "[run]\nname = \"v\"\n[vectors]\nfile = {:?}\nwindow = 6\nvalidation = 0.2\ntest = 0.2\n{vectors}\n[model]\nhidden_size = 16\n\
         num_hidden_layers = 1\nnum_attention_heads = 2\nnum_key_value_heads = 2\nintermediate_size = 32\nmixers = [\"gru\"]\n[train]\n\
         steps = 200\nwarmup_steps = 10\nlearning_rate = 0.01\nvalidate_every = 50\n\
         phases = [{{ share = 1, max_item_tokens = 6, batch_tokens = 96 }}]\n",
        file.display().to_string()
    )
}

fn run(recipe: &Path, out: &Path) -> Value {
    json(bantam(["run"]).arg(recipe).arg("--out").arg(out))
}

#[test]
fn a_recipe_becomes_a_model_that_is_scored_beside_its_floors() {
    let dir = tempfile::tempdir().unwrap();
    let (data, path, out) = (dir.path().join("v.safetensors"), dir.path().join("r.toml"), dir.path().join("run"));
    file(&data);
    std::fs::write(&path, recipe(&data, "domains = true\n")).unwrap();
    let trained = json(bantam(["train"]).arg(&path).arg("--out").arg(&out));
    let names = |summary: &Value| -> Vec<String> {
        summary["stages"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&trained), ["data", "train", "package"]);
    assert!(trained["results"]["train"]["nearest"].as_f64().unwrap() > 0.3, "{trained}");
    let summary = run(&path, &out);
    assert_eq!(names(&summary), ["data", "train", "package", "eval-vectors"]);
    assert!(summary["stages"][1]["skipped"].as_bool().unwrap());
    let scores = &summary["results"]["eval-vectors"];
    let error = |scores: &Value| scores["overall"]["squared_error"]["value"].as_f64().unwrap();
    assert_eq!(scores["floors"].as_object().unwrap().len(), 4);
    assert!(error(scores) < error(&scores["floors"]["copy_last"]), "{scores}");
    assert!(error(scores) < error(&scores["floors"]["mean"]), "{scores}");
    let interval = &scores["overall"]["cosine"];
    assert!(interval["low"].as_f64() < interval["high"].as_f64() && interval["n"].as_u64() > scores["n"].as_u64());
    // Made again: nothing has to run, and the same comes out.
    assert_eq!(run(&path, &out)["results"], summary["results"]);
    let found: Value = serde_json::from_slice(&std::fs::read(out.join("data/documents.json")).unwrap()).unwrap();
    assert_eq!((&found["test"]["documents"], &found["vectors_also_in_training"]["test"]), (&12.into(), &0.0.into()));
    // What it is filed as fits every suite's schema, and can be compared.
    let results: Vec<_> = std::fs::read_dir(out.join("results")).unwrap().map(|e| e.unwrap().path()).collect();
    let result = results.iter().find(|p| !p.to_string_lossy().contains("samples")).unwrap();
    let schema =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let value: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let compared = json(bantam(["eval", "compare", "--floors"]).arg(result));
    assert!(compared.to_string().contains("floor: ridge"), "{compared}");
    // What can be said before, too.
    let measured = json(bantam(["train", "--preflight"]).arg(&path).arg("--out").arg(&out));
    assert!(measured["parameters"].as_u64().unwrap() > 1000, "{measured}");
}

#[test]
fn a_budget_and_a_denoiser_are_a_recipe_too() {
    let dir = tempfile::tempdir().unwrap();
    let (data, path, out) = (dir.path().join("v.safetensors"), dir.path().join("r.toml"), dir.path().join("run"));
    file(&data);
    let text = recipe(&data, "ports = \"diffusion\"\nloss = \"diffusion\"\ndenoiser_layers = 1\n");
    let text = text.replace("[model]", "[model]\nbudget = \"68k\"").replace("steps = 200", "steps = 12");
    std::fs::write(&path, text).unwrap();
    let summary = run(&path, &out);
    let config: Value = serde_json::from_slice(&std::fs::read(out.join("model/config.json")).unwrap()).unwrap();
    assert_eq!((&config["ports"], &config["denoiser_layers"]), (&"diffusion".into(), &1.into()));
    let results: Vec<_> = std::fs::read_dir(out.join("results")).unwrap().map(|e| e.unwrap().path()).collect();
    let result = results.iter().find(|p| !p.to_string_lossy().contains("samples")).unwrap();
    let result: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let parameters = result["protocol"]["artifact"]["parameters"].as_f64().unwrap();
    assert!((parameters / 6.8e4 - 1.0).abs() < 0.1, "{parameters}");
    assert!(summary["results"]["eval-vectors"]["overall"]["cosine"]["value"].is_f64(), "{summary}");
}

#[test]
fn impossible_recipes_are_refused_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let (data, path) = (dir.path().join("v.safetensors"), dir.path().join("r.toml"));
    file(&data);
    let refuses = |text: &str, told: &[&str]| {
        std::fs::write(&path, text).unwrap();
        refused(bantam(["run"]).arg(&path).arg("--out").arg(dir.path().join("out")), told);
    };
    refuses(&recipe(&dir.path().join("none"), ""), &["none"]);
    refuses(&recipe(&data, "loss = \"l1\"\n"), &["vectors.loss"]);
    refuses(&recipe(&data, "negatives = 5\n"), &["vectors.negatives", "infonce"]);
    refuses(&recipe(&data, "loss = \"infonce\"\ntemperature = 0.0\n"), &["vectors.temperature"]);
    refuses(&recipe(&data, "").replace("window = 6", "window = 1"), &["vectors.window"]);
    refuses(&recipe(&data, "").replace("test = 0.2", "test = 0.9"), &["leave none to train on"]);
    refuses(&recipe(&data, "[tokenizer]\nvocab_size = 512\n"), &["tokenizer", "there are no tokens"]);
    refuses(&recipe(&data, "").replace("\"gru\"", "\"linformer\""), &["sees the future"]);
    refuses(&recipe(&data, "").replace("[model]", "[model]\nbudget = \"2k\""), &["model.budget", "no width and depth"]);
    refuses(&recipe(&data, "").replace("[model]", "[model]\nstart = \"x\""), &["model.start"]);
    refuses(&recipe(&data, "ports = \"diffusion\"\n"), &["vectors.loss", "belong together"]);
    refuses("[vectors]\nwindow = 8\n", &["vectors.file"]);
    let other = dir.path().join("x.safetensors");
    std::fs::write(&other, b"no file of vectors").unwrap();
    refuses(&recipe(&other, ""), &["x.safetensors"]);
}
