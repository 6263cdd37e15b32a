//! What `bantam train` says before it trains: `--preflight` and `--find-lr`, of which nothing is kept.

mod command;

use command::{bantam, files_under, json, refused, tiny_recipe, tiny_run};

#[test]
fn a_preflight_foretells_tokens_and_leaves_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let told = json(bantam(["train", "--preflight"]).arg(tiny_recipe()).arg("--out").arg(&out));
    let metrics = std::fs::read_to_string(tiny_run().join("metrics.jsonl")).unwrap();
    let tokens = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["tokens"].as_f64();
    let read: f64 = metrics.lines().filter_map(tokens).sum();
    let ratio = told["tokens"].as_f64().unwrap() / read;
    assert!((0.75..1.25).contains(&ratio), "{told}: {read}");
    assert!(told["seconds"].as_f64().unwrap() > 0.0 && told["parameters"].as_u64().unwrap() > 1000);
    assert_eq!(told["measured"]["phases"][0]["steps"], 12);
    let left = files_under(&out);
    assert!(!left.iter().any(|f| f.contains("checkpoints") || f.contains("preflight")), "{left:?}");
    // In a finished run it changes nothing.
    let run = dir.path().join("finished");
    command::copy(tiny_run(), &run);
    let before = files_under(&run);
    json(bantam(["train", "--preflight"]).arg(tiny_recipe()).arg("--out").arg(&run));
    assert_eq!(files_under(&run), before);
}

#[test]
fn a_sweep_suggests_a_rate_and_writes_it_down() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let sweep = json(bantam(["train", "--find-lr"]).arg(tiny_recipe()).arg("--out").arg(&out));
    let rate = sweep["suggested"].as_f64().unwrap();
    assert!((1e-6..0.2).contains(&rate), "{rate}");
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("lr_finder.json")).unwrap()).unwrap();
    assert_eq!(written, sweep);
    assert!(written["points"].as_array().unwrap().len() > 20);
    refused(bantam(["train", "--find-lr", "--preflight"]).arg(tiny_recipe()), &["cannot be used with"]);
}
