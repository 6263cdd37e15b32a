//! The sampler against transformers' logits processors: cases written by tests/reference/logits_processors.py.

use bantam_runtime::{History, Sampler, SamplingOptions};
use serde_json::Value;

#[test]
fn distributions_are_those_of_transformers_processors() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/logits_processors.json")).unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let given = &case["options"];
        let number = |key: &str, default: f32| given[key].as_f64().map_or(default, |v| v as f32);
        let bias = given["bias"].as_object().into_iter().flatten();
        let options = SamplingOptions {
            temperature: number("temperature", 1.0),
            top_k: number("top_k", 0.0) as usize,
            top_p: number("top_p", 1.0),
            min_p: number("min_p", 0.0),
            repetition_penalty: number("repetition_penalty", 1.0),
            logit_bias: bias.map(|(t, b)| (t.parse().unwrap(), b.as_f64().unwrap() as f32)).collect(),
            ..SamplingOptions::default()
        };
        let mut logits: Vec<f32> = serde_json::from_value(case["logits"].clone()).unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let expected: Vec<(u32, f64)> = serde_json::from_value(case["kept"].clone()).unwrap();
        let (prompt, generated) = ids.split_at(4);
        let mut sampler = Sampler::new(options).unwrap();
        let mut found = sampler.distribution(&mut logits, History { prompt, generated }).unwrap();
        found.sort_by_key(|f| f.0);
        let tokens = |kept: &[(u32, f64)]| kept.iter().map(|k| k.0).collect::<Vec<_>>();
        assert_eq!(tokens(&found), tokens(&expected), "{given}");
        for (f, e) in found.iter().zip(&expected) {
            assert!((f.1 - e.1).abs() < 1e-6, "{given}: {f:?} and {e:?}");
        }
    }
}
