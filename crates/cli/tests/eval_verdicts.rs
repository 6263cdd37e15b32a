//! From results to verdicts, through the binary: compare, gate, audit; and what perplexity and speed write.

mod command;

use std::path::{Path, PathBuf};

use command::{bantam, json, refused, tiny_run};
use serde_json::Value;

/// 30 items of one schema, and a result for each list of answers that are wrong.
fn results(dir: &Path, wrong: [std::ops::Range<usize>; 2]) -> [PathBuf; 2] {
    std::fs::create_dir_all(dir.join("schemas")).unwrap();
    std::fs::write(dir.join("schemas/n.json"), r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let items = (0..30).map(|i| {
        format!(
            r#"{{"id":"i{i}","schema_id":"n","complexity":"simple","prompt":"N: {i}","expected_output":{{"n":{i}}}}}"#
        )
    });
    std::fs::write(dir.join("data.jsonl"), items.collect::<Vec<_>>().join("\n")).unwrap();
    wrong.map(|wrong| {
        let name = format!("system{}", wrong.len());
        let line =
            |i: usize| format!(r#"{{"id":"i{i}","output":"{{\"n\":{}}}"}}"#, if wrong.contains(&i) { 99 } else { i });
        let predictions = dir.join(format!("{name}.jsonl"));
        std::fs::write(&predictions, (0..30).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let mut command = bantam(["eval", "edge-json", "--predictions"]);
        command.arg(&predictions).arg("--data").arg(dir.join("data.jsonl"));
        let result = json(command.arg("--schemas").arg(dir.join("schemas")).arg("--out").arg(dir.join("out")));
        PathBuf::from(result["result_file"].as_str().unwrap())
    })
}

#[test]
fn two_systems_are_compared_and_the_files_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = results(dir.path(), [0..2, 0..15]);
    let compared = json(bantam(["eval", "compare", "--floors", "--out"]).arg(dir.path().join("cmp")).args([&a, &b]));
    assert_eq!((compared["n"].as_u64(), compared["groups"].as_u64()), (Some(30), Some(1)));
    let exact = &compared["metrics"][0];
    assert_eq!((exact["name"].as_str(), exact["pairs"].as_array().map(Vec::len)), (Some("json_exact"), Some(6)));
    let pair = &exact["pairs"][0];
    assert_eq!(pair["first_higher"].as_array().unwrap().len(), 13);
    assert!((pair["p"].as_f64().unwrap() - 2f64.powi(-12)).abs() < 1e-12 && pair["separated"] == true, "{pair}");
    for end in ["md", "json", "html"] {
        let path = compared["files"].as_array().unwrap().iter().find(|f| f.as_str().unwrap().ends_with(end)).unwrap();
        let text = std::fs::read_to_string(path.as_str().unwrap()).unwrap();
        assert!(text.contains("system15") && text.contains("McNemar"), "{text}");
    }
    // Another set of items is refused, and so is a result without its samples.
    let other = tempfile::tempdir().unwrap();
    let [c, _] = results(other.path(), [0..1, 0..3]);
    let text = std::fs::read_to_string(&c).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["protocol"]["data"]["sha256"] = "f".repeat(64).into();
    std::fs::write(&c, changed.to_string()).unwrap();
    refused(bantam(["eval", "compare"]).args([&a, &c]), &["its data is ffffffff", "other items"]);
    changed["protocol"]["metric_version"] = 99.into();
    std::fs::write(&c, changed.to_string()).unwrap();
    refused(bantam(["eval", "compare"]).args([&a, &c]), &["metric version 99"]);
    std::fs::remove_file(c.with_extension("samples.jsonl")).unwrap();
    refused(bantam(["eval", "compare"]).args([&a, &c]), &["samples.jsonl", "cannot read"]);
}

#[test]
fn a_gate_that_is_missed_ends_with_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = results(dir.path(), [0..2, 0..15]);
    let gates = dir.path().join("gates.toml");
    // 28 of 30: the interval is 0.787 to 0.982. The score would pass 0.9, its lower end does not.
    std::fs::write(&gates, "[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.7\nmodel = 'system2'\n").unwrap();
    let held = json(bantam(["eval", "gate"]).arg(&gates).args([&a, &b]));
    assert!(held["passed"] == true && held["gates"].as_array().unwrap().len() == 1, "{held}");
    std::fs::write(&gates, "[[gate]]\nmetric = 'overall.json_exact'\nat_least = 0.9\n").unwrap();
    let output = bantam(["eval", "gate"]).arg(&gates).args([&a, &b]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.lines().count() == 2 && lines.lines().all(|l| l.starts_with("FAIL overall.json_exact: ")), "{lines}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("2 of 2 gates not passed"));
    std::fs::write(&gates, "[[gate]]\nmetric = 'overall.json_exakt'\nat_least = 0.9\n").unwrap();
    refused(bantam(["eval", "gate"]).arg(&gates).arg(&a), &["no metric `overall.json_exakt`", "overall.json_exact"]);
}

#[test]
fn an_audit_reads_what_suites_read() {
    let dir = tempfile::tempdir().unwrap();
    results(dir.path(), [0..1, 0..2]);
    let data = dir.path().join("data.jsonl");
    let mut audit = bantam(["eval", "audit"]);
    audit.arg(&data).arg("--train").arg(&data).arg("--schemas").arg(dir.path().join("schemas"));
    let report = json(audit.arg("--out").arg(dir.path().join("audit.json")));
    assert_eq!((report["n"].as_u64(), report["train"]["duplicate_texts"]["rate"].as_f64()), (Some(30), Some(1.0)));
    assert_eq!(
        (report["rules"]["copy"]["exact"]["value"].as_f64(), report["golds"]["invalid"]["count"].as_u64()),
        (Some(1.0), Some(0))
    );
    // The report can be held to bars.
    let gates = dir.path().join("gates.toml");
    std::fs::write(&gates, "[[gate]]\nmetric = 'train.duplicate_texts.rate'\nat_most = 0.01\n").unwrap();
    assert_eq!(
        bantam(["eval", "gate"]).arg(&gates).arg(dir.path().join("audit.json")).output().unwrap().status.code(),
        Some(1)
    );
    refused(bantam(["eval", "audit"]).arg(dir.path().join("nothing.jsonl")), &["nothing.jsonl"]);
}

#[test]
fn perplexity_weighs_texts_choices_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let run = |format: &str, file: &Path| {
        let mut command = bantam(["eval", "perplexity", "--format", format, "--out"]);
        json(command.arg(dir.path().join("out")).arg("--model").arg(tiny_run()).arg(file))["results"].clone()
    };
    let text = "Order 4711 for Zoë: 3 × bolts, paid. ".repeat(40);
    let of_text = run("text", &file("t.txt", &text));
    let bits = of_text[0]["overall"]["bits_per_byte"]["value"].as_f64().unwrap();
    let mut score = bantam(["score", "--model"]);
    let scored = json(score.arg(tiny_run()).arg("--text-file").arg(dir.path().join("t.txt")));
    assert!((bits - scored["bits_per_byte"].as_f64().unwrap()).abs() < 1e-6, "{bits} {scored}");
    assert!(of_text[0]["floors"]["byte_ngram"]["overall"]["bits_per_byte"]["value"].as_f64().unwrap() < 2.0);
    let settings = &of_text[0]["protocol"]["settings"];
    assert!(settings["stride"].is_u64() && settings["tokenizer_sha256"].as_str().unwrap().len() == 64);

    let questions = "What is it?,red,a large dog,blue,4,B\nHow many?,1,2,3,4,D\nWhich?,\"x, y\",y,z,w,A\n";
    let of_choices = run("mmlu", &file("general_knowledge_test.csv", questions));
    let tracks: Vec<&str> =
        of_choices.as_array().unwrap().iter().map(|r| r["protocol"]["track"].as_str().unwrap()).collect();
    assert_eq!(tracks, ["mmlu_cloze", "mmlu_letter"]);
    assert!(
        of_choices[0]["overall"]["cloze_accuracy_normalized"]["n"] == 3
            && of_choices[0]["overall"]["bits_per_byte"]["value"].as_f64().unwrap() > 0.0
    );
    assert!(
        of_choices[1]["overall"]["letter_accuracy"]["n"] == 3 && of_choices[1]["overall"]["bits_per_byte"].is_null()
    );
    let samples = std::fs::read_to_string(of_choices[0]["samples_file"].as_str().unwrap()).unwrap();
    let first: Value = serde_json::from_str(samples.lines().next().unwrap()).unwrap();
    assert!(first["log_probabilities"].as_array().unwrap().len() == 4 && first["right"] == 1, "{first}");

    let code = file("h.jsonl", r#"{"task_id":"h/0","prompt":"def f():\n","canonical_solution":"    return 1\n"}"#);
    let of_code = run("humaneval", &code);
    assert_eq!(of_code[0]["overall"]["bits_per_byte"]["n"], 1);
    let mut wrong = bantam(["eval", "perplexity", "--format", "drop", "--out"]);
    refused(wrong.arg(dir.path().join("out")).arg("--model").arg(tiny_run()).arg(&code), &["not DROP"]);
    let mut wrong = bantam(["eval", "perplexity", "--stride", "9", "--format", "math", "--out"]);
    refused(wrong.arg(dir.path().join("out")).arg("--model").arg(tiny_run()).arg(&code), &["--stride"]);
}

#[test]
fn speed_counts_tokens_and_says_what_it_did_not_measure() {
    let dir = tempfile::tempdir().unwrap();
    results(dir.path(), [0..1, 0..2]);
    let mut speed = bantam([
        "eval",
        "speed",
        "--limit",
        "4",
        "--max-new-tokens",
        "8",
        "--min-seconds",
        "0",
        "--energy",
        "none",
        "--model",
    ]);
    speed.arg(tiny_run()).arg("--data").arg(dir.path().join("data.jsonl"));
    let report = json(speed.arg("--schemas").arg(dir.path().join("schemas")).arg("--out").arg(dir.path().join("out")));
    for scenario in ["single_stream", "offline"] {
        let s = &report[scenario];
        assert_eq!(
            (s["requests"].as_u64(), s["failed"].as_u64(), s["latency_ms"]["n"].as_u64()),
            (Some(4), Some(0), Some(4)),
            "{s}"
        );
        assert!(s["generated_tokens"].as_u64().unwrap() <= 32 && s["tokens_per_s"].as_f64().unwrap() > 0.0);
        assert!(s["latency_ms"]["p99"].as_f64().unwrap() >= s["latency_ms"]["p50"].as_f64().unwrap());
        assert_eq!(s["energy"]["method"], "not measured: not asked for");
        assert!(s["energy"]["gross_joules"].is_null() && s["energy"]["joules_per_correct_answer"].is_null());
    }
    let file = report["result_file"].as_str().unwrap();
    assert!(file.contains("speed-") && Path::new(file).is_file(), "{file}");
    let mut wrong = bantam(["eval", "speed", "--min-seconds", "nan", "--model"]);
    let wrong = wrong.arg(tiny_run()).arg("--data").arg(dir.path().join("data.jsonl"));
    refused(wrong.arg("--schemas").arg(dir.path()).arg("--out").arg(dir.path()), &["min-seconds"]);
}
