//! Every optimizer against torch's, and its state through save and restore.

use std::collections::BTreeMap;

use bantam_model::context::Precision;
use bantam_train::{AdamWConfig, LionConfig, Method, MuonConfig, MuonScale, Optimizer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    rate: f64,
    decay: f64,
    tensors: BTreeMap<String, Start>,
    cases: BTreeMap<String, BTreeMap<String, Vec<Vec<f32>>>>,
}

#[derive(Deserialize)]
struct Start {
    shape: Vec<usize>,
    start: Vec<f32>,
    gradients: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("data/optimizers.json")).unwrap()
}

fn method(case: &str) -> Method {
    let adamw = AdamWConfig { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };
    let muon = |scale, nesterov| {
        Method::Muon(MuonConfig { momentum: 0.95, nesterov, iterations: 5, scale, precision: Precision::F32 }, adamw)
    };
    match case {
        "adamw" => Method::AdamW(adamw),
        "lion" => Method::Lion(LionConfig { beta1: 0.9, beta2: 0.99 }),
        "muon original" => muon(MuonScale::Original, true),
        "muon plain" => muon(MuonScale::MatchRmsAdamw, false),
        _ => muon(MuonScale::MatchRmsAdamw, true),
    }
}

/// The largest difference from torch over all tensors and steps, relative to the largest change of a value.
fn difference(golden: &Golden, case: &str) -> f64 {
    let mut optimizer = Optimizer::new(method(case), golden.decay, Vec::new());
    let wanted = &golden.cases[case];
    let mut values: BTreeMap<&str, Vec<f32>> =
        wanted.keys().map(|n| (n.as_str(), golden.tensors[n].start.clone())).collect();
    let (mut worst, mut change) = (0f64, 0f64);
    for (step, _) in golden.tensors["wide"].gradients.iter().enumerate() {
        // What was saved and restored goes on as if it had not been.
        let mut restored = Optimizer::new(method(case), golden.decay, Vec::new());
        restored.restore(optimizer.state(), optimizer.steps()).unwrap();
        assert_eq!(restored.state(), optimizer.state());
        optimizer = restored;
        optimizer.begin_step();
        for (&name, values) in &mut values {
            let t = &golden.tensors[name];
            // Half of twice the gradient: the scale of clipping comes first.
            let doubled: Vec<f32> = t.gradients[step].iter().map(|g| g * 2.0).collect();
            optimizer.update(name, &t.shape, values, &doubled, golden.rate, 0.5);
            for ((got, want), start) in values.iter().zip(&wanted[name][step]).zip(&t.start) {
                worst = worst.max(f64::from((got - want).abs()));
                change = change.max(f64::from((want - start).abs()));
            }
        }
    }
    worst / change
}

#[test]
fn steps_are_those_of_torch() {
    let golden = golden();
    // Muon's iteration is steep: it enlarges what rounding leaves.
    let cases = [("adamw", 1e-5), ("lion", 1e-6), ("muon", 1e-4), ("muon original", 1e-4), ("muon plain", 1e-4)];
    for (case, most) in cases {
        let d = difference(&golden, case);
        assert!(d < most, "{case}: {d}");
    }
    // torch iterates in bf16, whose step is 0.4 %.
    let d = difference(&golden, "muon bf16");
    assert!((2e-4..0.03).contains(&d), "{d}");
}

#[test]
fn state_of_another_method_or_with_a_tensor_lost_is_refused() {
    let golden = golden();
    let t = &golden.tensors["wide"];
    let mut optimizer = Optimizer::new(method("adamw"), 0.0, Vec::new());
    optimizer.begin_step();
    optimizer.update("wide", &t.shape, &mut t.start.clone(), &t.gradients[0], 0.1, 1.0);
    let state = optimizer.state();
    assert_eq!(state.len(), 2);
    assert!(Optimizer::new(method("lion"), 0.0, Vec::new()).restore(state.clone(), 1).is_none());
    assert!(Optimizer::new(method("adamw"), 0.0, Vec::new()).restore(state[..1].to_vec(), 1).is_none());
    let mut short = state;
    short[0].2.pop();
    assert!(Optimizer::new(method("adamw"), 0.0, Vec::new()).restore(short, 1).is_none());
}

#[test]
fn muon_leaves_embedding_and_head_to_adamw() {
    let slots = |name: &str, shape: &[usize]| {
        let mut optimizer = Optimizer::new(method("muon"), 0.0, Vec::new());
        optimizer.begin_step();
        optimizer.update(name, shape, &mut [1.0; 4], &[1.0; 4], 0.1, 1.0);
        optimizer.state().len()
    };
    assert_eq!(slots("model.layers.0.mlp.up_proj.weight", &[2, 2]), 1);
    assert_eq!(slots("model.embed_tokens.weight", &[2, 2]), 2);
    assert_eq!(slots("lm_head.weight", &[2, 2]), 2);
    assert_eq!(slots("model.norm.weight", &[4]), 2);
}
