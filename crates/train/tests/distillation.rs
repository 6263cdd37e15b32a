//! Distillation: against torch (`tests/reference/distillation.py`), live against cached, and what it teaches.

mod setup;

use bantam_data::packing::{Batch, Example};
use bantam_model::{TokenModel, weights};
use bantam_train::distillation::{
    Cache, CacheIdentity, Direction, Distillation, DistillationConfig, Teacher, divergence,
};
use bantam_train::{Inputs, NextToken, Objective};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde_json::Value;

use setup::{examples, model};

fn floats(v: &Value) -> Vec<f32> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn one(x: Tensor<1>) -> f64 {
    x.into_data().iter::<f64>().next().unwrap()
}

/// The classes of a cache, made here from whole distributions: the likeliest by the first, and the rest.
fn lumped(log_q: Tensor<2>, ids: &Tensor<2, Int>) -> Tensor<2> {
    let top = log_q.gather(1, ids.clone());
    let rest = (top.clone().exp().sum_dim(1).neg() + 1.0).log();
    Tensor::cat(vec![top, rest], 1)
}

#[test]
fn divergences_and_gradients_are_torch_s() {
    let golden: Value = serde_json::from_str(include_str!("data/distillation.json")).unwrap();
    let device = Device::flex().autodiff();
    let tensor = |v: &Value| Tensor::<2>::from_data(TensorData::new(floats(v), [6, 9]), &device);
    for case in golden["cases"].as_array().unwrap() {
        let student = tensor(&golden["student"]).require_grad();
        let (t, k) = (case["temperature"].as_f64().unwrap() as f32, case["top_k"].as_u64().unwrap() as usize);
        let direction: Direction = serde_json::from_value(case["direction"].clone()).unwrap();
        let (mut q, mut p) = (
            activation::log_softmax(student.clone() / t, 1),
            activation::log_softmax(tensor(&golden["teacher"]) / t, 1),
        );
        if k > 0 {
            let (_, ids) = p.clone().topk_with_indices(k, 1);
            (q, p) = (lumped(q, &ids), lumped(p, &ids));
        }
        let loss = divergence(q, p, direction) * (t * t);
        let gradient = student.grad(&loss.backward()).unwrap().into_data();
        assert!((one(loss.inner()) / case["loss"].as_f64().unwrap() - 1.0).abs() < 1e-5, "{case}");
        for (ours, theirs) in gradient.iter::<f32>().zip(floats(&case["gradient"])) {
            assert!((ours - theirs).abs() < 2e-6, "{ours} {theirs} {case}");
        }
    }
}

fn seeded(seed: u64, device: &Device) -> TokenModel {
    let fresh = weights::initialize(TokenModel::new(&model(), device), &model(), seed);
    weights::update(fresh, |_, _, v| v.iter_mut().for_each(|x| *x *= 4.0))
}

fn distillation(teacher: Teacher, config: DistillationConfig) -> Distillation {
    Distillation { config, label_smoothing: 0.0, teacher, teacher_sha256: "t".into() }
}

fn batch(examples: &[Example], device: &Device) -> Inputs {
    let mut batch = Batch::default();
    examples.iter().for_each(|e| batch.push(e));
    Inputs::new(&batch, device)
}

#[test]
fn a_cache_says_what_the_teacher_says() {
    let (plain, device, dir) = (Device::flex(), Device::flex().autodiff(), tempfile::tempdir().unwrap());
    let items = examples();
    let (teacher, student) = (seeded(1, &plain), seeded(2, &device));
    let inputs = batch(&[items[7].clone(), items[0].clone(), items[31].clone()], &device);
    for direction in [Direction::Forward, Direction::Reverse] {
        let config = DistillationConfig { direction, ..Default::default() };
        let live = distillation(Teacher::Live(Box::new(teacher.clone())), config);
        let live = one(live.mean_loss(&student, &inputs).unwrap().inner());
        let mut last = f64::INFINITY;
        for top_k in [40, 12, 4] {
            let identity = CacheIdentity { teacher_sha256: "t".into(), temperature: 2.0, top_k, vocabulary: 40 };
            let path = dir.path().join(identity.file_name(&items));
            Cache::write(&path, &identity, &teacher, &plain, &items, 100).unwrap();
            let cache = Cache::read(&path, &identity, &items).unwrap();
            let cached = distillation(Teacher::Cached(cache), config).mean_loss(&student, &inputs).unwrap();
            let cached = one(cached.inner());
            // The whole vocabulary is the teacher itself; fewer classes can only hide differences.
            assert!(top_k < 40 || (cached / live - 1.0).abs() < 1e-5, "{cached} {live}");
            assert!(cached <= last + 1e-6, "{cached} {last}");
            last = cached;
        }
    }
}

#[test]
fn caches_of_anything_else_are_refused() {
    let (plain, dir) = (Device::flex(), tempfile::tempdir().unwrap());
    let items = examples();
    let identity = CacheIdentity { teacher_sha256: "t".into(), temperature: 2.0, top_k: 4, vocabulary: 40 };
    let path = dir.path().join("cache");
    Cache::write(&path, &identity, &seeded(1, &plain), &plain, &items, 100).unwrap();
    let refused = |identity: &CacheIdentity, items: &[Example]| {
        assert_eq!(Cache::read(&path, identity, items).unwrap_err().exit_code(), 2);
    };
    refused(&CacheIdentity { teacher_sha256: "u".into(), ..identity.clone() }, &items);
    refused(&CacheIdentity { temperature: 1.0, ..identity.clone() }, &items);
    refused(&CacheIdentity { top_k: 3, ..identity.clone() }, &items);
    refused(&identity, &items[1..]);
    let valid = std::fs::read(&path).unwrap();
    for cut in [0, 7, 100, valid.len() - 1] {
        std::fs::write(&path, &valid[..cut]).unwrap();
        refused(&identity, &items);
    }
    // An item that it was not made of.
    std::fs::write(&path, &valid).unwrap();
    let cache = Cache::read(&path, &identity, &items).unwrap();
    let stranger = batch(&[Example::with_answer(vec![1, 2, 3], 1, 2)], &plain);
    assert!(cache.look_up(&stranger, &plain).is_err());
}

#[test]
fn the_weight_mixes_the_data_s_loss_in_and_a_teacher_agrees_with_itself() {
    let (plain, device) = (Device::flex(), Device::flex().autodiff());
    let inputs = batch(&examples()[..4], &device);
    let (teacher, same, student) = (seeded(1, &plain), seeded(1, &device), seeded(2, &device));
    let loss = |weight: f64, student: &TokenModel| {
        let config = DistillationConfig { weight, ..Default::default() };
        one(distillation(Teacher::Live(Box::new(teacher.clone())), config).mean_loss(student, &inputs).unwrap().inner())
    };
    assert!(loss(1.0, &same).abs() < 1e-6);
    let data = one(NextToken::default().mean_loss(&student, &inputs).unwrap().inner());
    assert!((loss(0.0, &student) / data - 1.0).abs() < 1e-5);
    let (all, half) = (loss(1.0, &student), loss(0.5, &student));
    assert!((half - (all + data) / 2.0).abs() < 1e-5 && all > 0.01, "{all} {half} {data}");
}
