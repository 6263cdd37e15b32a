//! Every broken input gives exit code 2, one line that names place and remedy, and leaves nothing half-written.

mod command;

use std::path::{Path, PathBuf};

use command::{bantam, copy, files_under, refused, tiny_recipe, tiny_run};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn recipes() {
    let dir = folder();
    let missing = dir.path().join("missing.toml");
    refused(bantam(["run"]).arg(&missing), &["missing.toml", "check the path"]);
    let cases: [(&[u8], &[&str]); 8] = [
        (b"[train]\nstepz = 1\n", &["r.toml:2:1", "train.stepz", "did you mean `steps`?"]),
        (b"[trian]\nsteps = 1\n", &["r.toml:1:2", "trian", "did you mean `train`?"]),
        (b"[train]\nsteps = \"many\"\n", &["r.toml:2:9", "train.steps", "invalid type"]),
        (b"[train]\nsteps = -1\n", &["r.toml:2:9", "train.steps"]),
        (b"[train]\nlearning_rate = 0\n", &["r.toml:2:1", "train.learning_rate", "give a positive number"]),
        (b"[model]\nhidden_size = 100\nnum_attention_heads = 3\n", &["r.toml:3:1", "divide", "choose a divisor"]),
        (b"[train\nsteps = 1\n", &["r.toml:1:"]),
        (b"[run]\nname = \"\xff\"\n", &["r.toml", "UTF-8"]),
    ];
    for (text, told) in cases {
        let recipe = file(dir.path(), "r.toml", text);
        for verb in ["run", "train"] {
            refused(bantam([verb]).arg(&recipe).arg("--out").arg(dir.path().join("out")), told);
        }
    }
    for (set, told) in [
        ("train.steps", "no `=`"),
        ("train.stepz=1", "did you mean `steps`?"),
        ("train.steps=0", "--set train.steps=0"),
        ("train.steps=[1", "not a TOML value"),
    ] {
        let out = dir.path().join("out");
        refused(bantam(["run"]).arg(tiny_recipe()).args(["--set", set]).arg("--out").arg(out), &[told]);
    }
    assert_eq!(files_under(dir.path()), ["r.toml"], "nothing is made for a recipe that is wrong");
}

/// The device that no test build has.
#[cfg(not(feature = "cuda"))]
#[test]
fn devices() {
    let dir = folder();
    let out = dir.path().join("out");
    let train = |arguments: &[&str]| {
        let mut command = bantam(["train"]);
        command.arg(tiny_recipe()).arg("--out").arg(&out).args(arguments);
        command
    };
    refused(&mut train(&["--device", "cuda"]), &["train.device", "--features cuda"]);
    refused(&mut train(&["--set", "train.device='cuda'"]), &["train.device", "--features cuda"]);
    refused(&mut train(&["--device", "gpu"]), &["--device", "give cpu, vulkan, cuda, metal or auto"]);
    refused(&mut bantam(["bench", "train", "--device", "cuda"]), &["--device", "--features cuda"]);
    let bf16 = ["--set", "train.device='vulkan'", "--set", "train.precision='bf16'"];
    refused(&mut train(&bf16), &["bf16 is for the CPU"]);
    assert!(!out.exists());
}

#[test]
fn places_that_cannot_be_written() {
    let dir = folder();
    let blocking = file(dir.path(), "a-file", "");
    let under = blocking.join("run");
    for verb in ["run", "train"] {
        refused(bantam([verb]).arg(tiny_recipe()).arg("--out").arg(&under), &["a-file"]);
    }
    refused(bantam(["data", "generate", "--out"]).arg(&under), &["a-file"]);
    let (items, schemas) = (tiny_run().join("data/test.jsonl"), tiny_run().join("data/schemas"));
    let data = |command: &mut std::process::Command| {
        command.arg("--data").arg(&items).arg("--schemas").arg(&schemas);
    };
    let mut tokenizer = bantam(["tokenizer", "train"]);
    data(&mut tokenizer);
    refused(tokenizer.arg("--out").arg(&under), &["a-file"]);
    let mut eval = bantam(["eval", "edge-json"]);
    data(&mut eval);
    refused(eval.arg("--model").arg(tiny_run()).arg("--out").arg(&under), &["a-file"]);
    let thesis = file(dir.path(), "thesis.tex", "years of work");
    refused(bantam(["run"]).arg(tiny_recipe()).arg("--out").arg(dir.path()), &["not a run", "another --out"]);
    refused(bantam(["data", "generate", "--out"]).arg(dir.path()), &["no data folder"]);
    assert_eq!(std::fs::read_to_string(thesis).unwrap(), "years of work");
    assert_eq!(files_under(dir.path()), ["a-file", "thesis.tex"]);
}

/// A full disk is a write that fails midway: forced here by the largest file a process may make.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full() {
    let dir = folder();
    // In the first stage; and in training, whose first checkpoint is larger than anything before it.
    let larger = ["model.hidden_size=96", "model.intermediate_size=192", "data.train={simple=30,medium=8,complex=4}"];
    for (name, blocks, sets) in [("early", 16, &[][..]), ("late", 400, &larger)] {
        let out = dir.path().join(name);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f \"$1\" || exit 99; shift; exec \"$@\"", "sh"]);
        // POSIX counts blocks of 512 bytes and some shells of 1024: both limits hold either way.
        limited.arg(blocks.to_string()).arg(env!("CARGO_BIN_EXE_bantam")).args(["--quiet", "run"]);
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        limited.arg(tiny_recipe()).arg("--out").arg(&out).args(&sets);
        let stderr = refused(&mut limited, &["cannot write", name, "free space"]);
        assert_eq!(stderr.contains("checkpoints"), name == "late", "{stderr}");
        let left = files_under(&out);
        assert!(!left.iter().any(|f| f.ends_with(".tmp")), "{left:?}");
        assert!(!out.join("model").exists() && !out.join("report.md").exists());
        // The same command goes on when there is space again.
        let resumed = bantam(["train"]).arg(tiny_recipe()).arg("--out").arg(&out).args(&sets).output().unwrap();
        assert!(resumed.status.success());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_is_full_or_closed() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bantam(["doctor"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: standard output: "));
    // A reader that has seen enough is no error.
    let mut child = bantam(["doctor"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn models() {
    let dir = folder();
    let generate = |model: &Path| {
        let mut command = bantam(["generate", "--prompt", "x", "--max-new-tokens", "1", "--model"]);
        command.arg(model);
        command
    };
    refused(&mut generate(&dir.path().join("nowhere")), &["nowhere", "check the path"]);
    refused(&mut generate(dir.path()), &["config.json", "give a Hugging Face folder"]);

    let gguf = std::fs::read(tiny_run().join("model-f16.gguf")).unwrap();
    for keep in [0, 3, 24, 200, gguf.len() / 2, gguf.len() - 1] {
        let cut = file(dir.path(), "cut.gguf", &gguf[..keep]);
        refused(&mut generate(&cut), &["cut.gguf"]);
        refused(bantam(["bench", "--model"]).arg(&cut), &["cut.gguf"]);
    }
    let mut lying = gguf.clone();
    lying[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    refused(&mut generate(&file(dir.path(), "lying.gguf", &lying)), &["lying.gguf"]);

    let broken = dir.path().join("broken");
    let with = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let _ = std::fs::remove_dir_all(&broken);
        copy(&tiny_run().join("model"), &broken);
        let content = change(std::fs::read(broken.join(name)).unwrap());
        std::fs::write(broken.join(name), content).unwrap();
        refused(&mut generate(&broken), &[name]);
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    with("model.safetensors", &half);
    with("model.safetensors", &|_| Vec::new());
    with("model.safetensors", &|mut bytes| {
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        bytes
    });
    with("tokenizer.json", &half);
    with("config.json", &half);
    with("config.json", &|bytes| {
        String::from_utf8(bytes).unwrap().replace("\"hidden_size\": 32", "\"hidden_size\": 0").into_bytes()
    });
    std::fs::remove_file(broken.join("model.safetensors")).unwrap();
    refused(&mut generate(&broken), &["broken"]);
}

#[test]
fn packages() {
    let dir = folder();
    let model = tiny_run().join("model");
    let out = dir.path().join("m.gguf");
    let pack = |more: &[&str]| {
        let mut command = bantam(["compress", "pack"]);
        command.arg(&model).args(more);
        command
    };
    let to = |name: &str| dir.path().join(name).display().to_string();
    refused(pack(&["--to", "q4_k", "-o", &to("m.gguf")]).arg("--json"), &["--to", "`q4_k`", "q4_k_m"]);
    refused(&mut pack(&["-o", &to("m.gguf")]), &["--to", "missing"]);
    refused(&mut pack(&["-o", &to("m.gguf.zst")]), &["--to", "missing"]);
    refused(&mut pack(&["--to", "q8_0", "-o", &to("m.bin")]), &["m.bin", ".gguf.zst"]);
    refused(&mut pack(&["--to", "q8_0", "-o", &to("m.zst")]), &["m.zst", ".gguf.zst"]);
    refused(&mut pack(&["--to", "q8_0", "-o", &to("no/such/m.gguf")]), &["m.gguf"]);
    let quantized = tiny_run().join("model-q8_0.gguf");
    let mut again = bantam(["compress", "pack", "--to", "q4_0", "-o"]);
    refused(again.arg(&out).arg(quantized), &["quantized already (Q8_0)"]);
    assert_eq!(files_under(dir.path()), [""; 0]);
    let there = file(dir.path(), "m.gguf", "x");
    refused(&mut pack(&["--to", "q8_0", "-o", &to("m.gguf")]), &["m.gguf", "is there already", "--force"]);
    assert_eq!(std::fs::read(there).unwrap(), b"x");
    // A frame that is cut off, and one that is none.
    file(dir.path(), "cut.gguf.zst", [0x28, 0xb5, 0x2f, 0xfd, 0x00]);
    refused(bantam(["bench", "--model"]).arg(dir.path().join("cut.gguf.zst")), &["cut.gguf.zst", "damaged"]);
}

#[test]
fn prompts_and_schemas() {
    let dir = folder();
    let generate = || {
        let mut command = bantam(["generate", "--max-new-tokens", "4", "--model"]);
        command.arg(tiny_run());
        command
    };
    refused(generate().args(["--prompt-file", "/no/such/prompt"]), &["/no/such/prompt", "check the path"]);
    refused(generate().args(["--prompt", "x", "--temperature=-1"]), &["temperature"]);
    refused(generate().args(["--prompt", "x", "--threads", "0"]), &["--threads"]);
    refused(&mut bantam(["generate", "--prompt", "x"]), &["--model"]);
    for (content, told) in [
        ("{\"type\": \"object\"", "not JSON"),
        ("{\"type\": 7}", "schema.json"),
        ("{\"type\": \"object\", \"properties\": 3}", "schema.json"),
        ("{\"$ref\": \"#/nowhere\"}", "schema.json"),
        // Impossible to satisfy, and impossible to express as a grammar.
        ("false", "schema.json"),
        ("{\"type\": \"array\", \"uniqueItems\": true}", "schema.json"),
    ] {
        let schema = file(dir.path(), "schema.json", content);
        refused(generate().args(["--prompt", "x", "--schema"]).arg(schema), &[told]);
    }
}

#[test]
fn data_and_predictions() {
    let dir = folder();
    let (data, schemas) = (tiny_run().join("data"), tiny_run().join("data/schemas"));
    let test = data.join("test.jsonl");
    let lines = std::fs::read_to_string(&test).unwrap();
    let first = lines.lines().next().unwrap();
    let id = serde_json::from_str::<serde_json::Value>(first).unwrap()["id"].as_str().unwrap().to_owned();
    let out = dir.path().join("out");
    let eval = |data: &Path, schemas: &Path, predictions: &Path| {
        let mut command = bantam(["eval", "edge-json", "--data"]);
        command.arg(data).arg("--schemas").arg(schemas).arg("--out").arg(&out);
        command.arg("--predictions").arg(predictions);
        command
    };
    let good = file(dir.path(), "good.jsonl", serde_json::json!({"id": id, "output": "{}"}).to_string());
    for (content, told) in [
        (format!("{first}\nnot JSON\n"), "items.jsonl:2"),
        (format!("{first}\n{first}\n"), "items.jsonl:2"),
        (format!("{first}\n{{\"id\": \"b\"}}\n"), "items.jsonl:2"),
        (first.replace("schema_id\":\"", "schema_id\":\"not_"), "no schema file"),
        (String::new(), "no items"),
    ] {
        let items = file(dir.path(), "items.jsonl", content);
        refused(&mut eval(&items, &schemas, &good), &[told]);
    }
    refused(&mut eval(&dir.path().join("none.jsonl"), &schemas, &good), &["none.jsonl", "check the path"]);
    refused(&mut eval(&test, &dir.path().join("none"), &good), &["none"]);
    for (content, told) in [
        ("{\"id\": \"nobody\", \"output\": \"{}\"}".to_owned(), "nobody"),
        (serde_json::json!({"id": id, "output": 3}).to_string(), "p.jsonl:1"),
        (format!("{0}\n{0}\n", serde_json::json!({"id": id, "output": "{}"})), "p.jsonl:2"),
    ] {
        let predictions = file(dir.path(), "p.jsonl", content);
        refused(&mut eval(&test, &schemas, &predictions), &[told]);
    }
    assert!(!out.exists() || files_under(&out).is_empty(), "no result of an evaluation that was refused");
    let bad = dir.path().join("schemas");
    std::fs::create_dir(&bad).unwrap();
    file(&bad, "s.json", "{\"type\": \"objekt\"}");
    let items = file(dir.path(), "items.jsonl", r#"{"id":"a","schema_id":"s","prompt":"x","expected_output":{}}"#);
    let predictions = file(dir.path(), "p.jsonl", r#"{"id":"a","output":"{}"}"#);
    refused(&mut eval(&items, &bad, &predictions), &["s.json"]);
}

#[test]
fn texts_runs_and_flags() {
    let dir = folder();
    let score = |text: &Path| {
        let mut command = bantam(["score", "--model"]);
        command.arg(tiny_run()).arg("--text-file").arg(text);
        command
    };
    refused(&mut score(&dir.path().join("none")), &["none", "check the path"]);
    refused(&mut score(&file(dir.path(), "empty.txt", "")), &["empty.txt"]);
    refused(&mut score(&file(dir.path(), "latin.txt", b"caf\xe9 and more")), &["latin.txt", "UTF-8"]);
    let text = file(dir.path(), "text.txt", "some text to score");
    refused(score(&text).args(["--context", "1"]), &["context"]);
    refused(score(&text).args(["--stride", "0"]), &["stride"]);
    refused(score(&text).arg("--logits").arg(text.join("under-a-file")), &["text.txt"]);
    refused(bantam(["runs", "show", "nobody", "--dir"]).arg(dir.path()), &["nobody", "runs list"]);
    refused(bantam(["runs", "show"]).arg(dir.path()), &["not a run folder"]);
    refused(&mut bantam(["generat"]), &["generat"]);
    refused(&mut bantam(["bench"]), &["--model"]);
    refused(&mut bantam(["bench", "train", "--heads", "3", "--width", "128"]), &["--heads"]);
    refused(&mut bantam(["bench", "train", "--precision", "fp4"]), &["--precision"]);
    refused(&mut bantam(["bench", "train", "--batch", "18446744073709551615"]), &["bench train"]);
    refused(&mut bantam(["bench", "train", "--ffn", "60000000", "--width", "60000000"]), &["parameters"]);
    refused(bantam(["bench", "--prompt-tokens", "100000", "--model"]).arg(tiny_run()), &["context"]);
}
