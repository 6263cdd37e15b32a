//! `bantam eval` through the binary: a killed evaluation goes on, tracks and endpoints are told apart, the published scoring and
//! the contamination gap stand beside the scores, a list of models becomes a table, and results fit their published schema.

mod command;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::{bantam, files_under, json, refused, tiny_run};
use serde_json::{Value, json};

/// `eval edge-json` on the tiny run's test items.
fn eval(out: &Path, flags: &[&str]) -> Command {
    let data = tiny_run().join("data");
    let mut command = bantam(["eval", "edge-json", "--data"]);
    command.arg(data.join("test.jsonl")).arg("--schemas").arg(data.join("schemas")).arg("--out").arg(out).args(flags);
    command
}

fn on_model(out: &Path, flags: &[&str]) -> Command {
    let mut command = eval(out, flags);
    command.arg("--model").arg(tiny_run().join("model-q8_0.gguf"));
    command
}

fn fits_schema(result: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let result: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&result).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut without = result.clone();
    without["protocol"].as_object_mut().unwrap().remove("metric_version");
    assert!(!validator.is_valid(&without));
}

fn partial(out: &Path) -> Option<PathBuf> {
    let name = files_under(out).into_iter().find(|name| name.ends_with(".partial.jsonl"))?;
    Some(out.join(name))
}

/// Kills after each number of finished items, mid-line where the operating system had it so, and lastly tears the line itself.
#[test]
fn a_killed_evaluation_goes_on_and_ends_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    let flags = ["--max-new-tokens", "48", "--threads", "1"];
    let expected = json(&mut on_model(&whole, &flags));
    let lines = |out: &Path| {
        partial(out).map_or(0, |path| std::fs::read(path).unwrap_or_default().iter().filter(|b| **b == b'\n').count())
    };
    let mut kills = 0;
    for finished in [0, 1, 3, 4] {
        std::fs::create_dir_all(&broken).unwrap();
        let mut child = on_model(&broken, &flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while lines(&broken) <= finished && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills >= 3, "it ended before it could be killed");
    let path = partial(&broken).unwrap();
    let had = lines(&broken) - 1;
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"id\":\"to").unwrap();
    // Another protocol's work is not touched.
    let other = ["--max-new-tokens", "47", "--threads", "1"];
    refused(&mut on_model(&broken, &other), &["partial.jsonl", "/protocol/decoding/max_new_tokens: 48 there, 47 here"]);
    let resumed = json(&mut on_model(&broken, &flags));
    assert_eq!(resumed["timing"]["resumed_items"].as_u64(), Some(had as u64));
    let samples = |result: &Value| std::fs::read(result["samples_file"].as_str().unwrap()).unwrap();
    assert!(samples(&resumed) == samples(&expected), "the samples repeat bit for bit");
    for part in ["overall", "by_level", "floors", "protocol", "n"] {
        assert_eq!(resumed[part], expected[part], "{part}");
    }
    assert!(partial(&broken).is_none());
    fits_schema(resumed["result_file"].as_str().unwrap());
}

#[test]
fn tracks_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let train = tiny_run().join("data/train.jsonl");
    let short = ["--limit", "2", "--max-new-tokens", "4"];
    let mut files = Vec::new();
    for (flags, track) in [
        (&[][..], Value::Null),
        (&["--schema-in-prompt", "name"], json!("name")),
        (&["--schema-in-prompt", "none", "--constrained"], json!("no_schema")),
        (&["--shots", "1"], json!("1shot")),
        (&["--schema-in-prompt", "name", "--shots", "2", "--shots-seed", "3"], json!("name_2shot")),
    ] {
        let mut command = on_model(dir.path(), &short);
        command.args(flags);
        if flags.contains(&"--shots") {
            command.arg("--shots-from").arg(&train);
        }
        let result = json(&mut command);
        assert_eq!(result["protocol"]["track"], track);
        files.push(result["result_file"].as_str().unwrap().to_owned());
        fits_schema(&files[files.len() - 1]);
    }
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 5, "no result overwrites another");
    let shots = json(on_model(dir.path(), &short).args(["--shots", "1", "--shots-from"]).arg(&train));
    assert_eq!(shots["protocol"]["settings"]["shots"], 1);
    assert!(shots["protocol"]["decoding"]["prompt"].as_str().unwrap().contains("1 items of the same schema"));
    refused(on_model(dir.path(), &short).args(["--shots", "0", "--shots-from"]).arg(&train), &["--shots"]);
    refused(on_model(dir.path(), &short).args(["--shots", "2"]), &["--shots-from"]);
    refused(&mut eval(dir.path(), &["--predictions", "p", "--shots", "2", "--shots-from", "t"]), &["--predictions"]);
}

/// Answers every chat with the same text and gives the bodies back when dropped.
fn serve(requests: usize, text: &'static str) -> (String, std::thread::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            bodies.push(serde_json::from_slice(&body).unwrap());
            let said = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", said.len());
            stream.write_all(format!("{head}{said}").as_bytes()).unwrap();
        }
        bodies
    });
    (address, thread)
}

#[test]
fn a_server_is_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    let (address, served) = serve(3, "{\"no\": \"such key\"}");
    let flags =
        ["--limit", "3", "--constrained", "--threads", "1", "--endpoint-model", "small", "--endpoint", &address];
    let result = json(&mut eval(dir.path(), &flags));
    assert_eq!(result["protocol"]["server"]["model"], "small");
    assert_eq!(result["overall"]["json_exact"]["value"], 0.0);
    fits_schema(result["result_file"].as_str().unwrap());
    let bodies = served.join().unwrap();
    assert_eq!(bodies[0]["response_format"]["type"], "json_schema");
    // Nobody listens: every item has failed, and is told so.
    let flags = ["--limit", "2", "--attempts", "1", "--endpoint-model", "gone", "--endpoint", "http://127.0.0.1:1"];
    let result = json(&mut eval(dir.path(), &flags));
    let samples = std::fs::read_to_string(result["samples_file"].as_str().unwrap()).unwrap();
    assert_eq!(samples.matches("\"error\":\"failed 1 times, at last: ").count(), 2, "{samples}");
    let flags = ["--endpoint-model", "m", "--endpoint", "http://h", "--api-key-env", "BANTAM_TEST_NO_SUCH_KEY"];
    refused(&mut eval(dir.path(), &flags), &["BANTAM_TEST_NO_SUCH_KEY", "is not set"]);
    refused(&mut eval(dir.path(), &["--endpoint-model", "m", "--endpoint", "ftp://h"]), &["no address"]);
    refused(&mut eval(dir.path(), &["--endpoint", "http://h"]), &["--endpoint-model"]);
    refused(&mut eval(dir.path(), &[]), &["--model"]);
}

#[test]
fn the_published_scoring_stands_beside_the_corrected_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("schemas")).unwrap();
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]});
    std::fs::write(at("schemas/s.json"), schema.to_string()).unwrap();
    let golds = [json!({"n": 1}), json!({"n": 1}), json!({"a": {"b": {"c": {"d": 1}}}, "n": 2}), json!({"n": 3})];
    let outputs = ["{\"n\":true}", "{\"n\":9}", "It is {\"a\":{\"b\":{\"c\":{\"d\":1}}},\"n\":2}.", "{\"n\":3}"];
    let (mut items, mut predictions) = (String::new(), String::new());
    for (i, (gold, output)) in golds.iter().zip(outputs).enumerate() {
        let id = format!("i{i}");
        items += &format!(
            "{}\n",
            json!({"id": id, "schema_id": "s", "complexity": "simple", "prompt": "p", "expected_output": gold})
        );
        predictions += &format!("{}\n", json!({"id": id, "output": output}));
    }
    std::fs::write(at("items.jsonl"), items).unwrap();
    std::fs::write(at("p.jsonl"), predictions).unwrap();
    let mut command = bantam(["eval", "edge-json", "--legacy-v3", "--data"]);
    command.arg(at("items.jsonl")).arg("--schemas").arg(at("schemas")).arg("--predictions").arg(at("p.jsonl"));
    let result = json(command.arg("--out").arg(at("out")));
    let legacy = &result["legacy_v3"];
    assert_eq!((&legacy["published"]["json_exact"], &legacy["corrected"]["json_exact"]), (&json!(0.5), &json!(0.5)));
    // The published extraction reads {"c":{"d":1}} out of the third.
    let flips: Vec<_> = legacy["flips"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["id"].as_str().unwrap(), f["metric"].as_str().unwrap()))
        .collect();
    assert_eq!(
        flips,
        [("i0", "json_exact"), ("i1", "schema_compliance"), ("i2", "json_exact"), ("i2", "schema_compliance")]
    );
    assert!(legacy["flips"][1]["why"].as_str().unwrap().contains("not valid by the schema"));
    assert!(files_under(&at("out")).iter().any(|name| name.ends_with(".legacy-v3.json")));
    fits_schema(result["result_file"].as_str().unwrap());
}

#[test]
fn a_contamination_gap_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let data = tiny_run().join("data");
    let short = ["--limit", "3", "--max-new-tokens", "4"];
    let result = json(on_model(dir.path(), &short).arg("--fresh-data").arg(data.join("valid.jsonl")));
    let gap = &result["contamination"];
    assert_eq!((gap["published"]["n"].as_u64(), gap["fresh"]["n"].as_u64()), (Some(3), Some(3)));
    assert!(gap["gap"]["json_exact"]["verdict"].is_string());
    let names = files_under(dir.path());
    assert!(names.iter().any(|name| name.ends_with(".contamination.json")));
    assert_eq!(names.iter().filter(|name| name.ends_with(".samples.jsonl")).count(), 2, "{names:?}");
    let mut same = on_model(dir.path(), &short);
    refused(same.arg("--fresh-data").arg(data.join("test.jsonl")), &["the fresh items are the published ones"]);
}

#[test]
fn a_list_becomes_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let run = tiny_run().display();
    let list = dir.path().join("list.toml");
    let suite = format!(
        "[[suite]]\nname = 'edge-json'\ndata = '{run}/data/test.jsonl'\nschemas = '{run}/data/schemas'\nlimit = 2\nmax_new_tokens = 4\n"
    );
    let models = format!("[[model]]\npath = '{run}/model-q8_0.gguf'\n[[model]]\npath = '{run}/model-f16.gguf'\n");
    std::fs::write(&list, format!("{suite}{models}")).unwrap();
    let out = dir.path().join("out");
    let command = || {
        let mut command = bantam(["eval", "baselines"]);
        command.arg(&list).arg("--out").arg(&out);
        command
    };
    let table = json(&mut command());
    let rows = table["rows"].as_array().unwrap();
    let modes: Vec<_> = rows.iter().map(|row| row["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["free", "constrained", "free", "constrained", "floor", "floor"]);
    assert!(std::fs::read_to_string(out.join("baselines.md")).unwrap().contains("| json_exact |"));
    // What is there is not made again.
    let times = |out: &Path| -> Vec<_> {
        let results = files_under(out).into_iter().filter(|name| name.ends_with(".samples.jsonl"));
        results.map(|name| std::fs::metadata(out.join(name)).unwrap().modified().unwrap()).collect()
    };
    let before = times(&out);
    assert_eq!(before.len(), 4);
    assert_eq!(json(&mut command()), table);
    assert_eq!(times(&out), before);
    for (text, told) in [
        (models.clone(), "suite"),
        (suite.replace("edge-json", "edge-jason") + &models, "edge-jason"),
        (suite.replace("limit", "limitt") + &models, "limitt"),
        (suite.clone() + "[[model]]\npath = 'none'\n", "none"),
        (suite.clone() + "[[model]]\n", "list.toml:"),
        (suite.clone() + "shots = 1\n" + &models, "shots_from"),
    ] {
        std::fs::write(&list, text).unwrap();
        refused(&mut command(), &[told]);
    }
}
