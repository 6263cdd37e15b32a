//! Adapters against PEFT's (`tests/reference/peft_lora.py`), and the base frozen in 4 bits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bantam_formats::ModelArtifact;
use bantam_formats::peft::{Adapter, AdapterConfig, TargetModules};
use bantam_kernels::codec::nf4::Nf4;
use bantam_model::adapters::{self, FrozenMatrix};
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, TokenModel, weights};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

fn base(name: &str) -> ModelArtifact {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/tests/data").join(name);
    ModelArtifact::open(path).unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/peft").join(name)
}

/// What PEFT computed.
struct Reference(Vec<u8>);

impl Reference {
    fn read(name: &str) -> Self {
        Self(std::fs::read(golden(name).join("reference.safetensors")).unwrap())
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let data = self.file().tensor(name).unwrap().data().to_vec();
        data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    /// Tokens `[2, 12]`.
    fn tokens(&self) -> Vec<i32> {
        let data = self.file().tensor("tokens").unwrap().data().to_vec();
        data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as i32).collect()
    }
}

fn tensor(ids: &[i32], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(ids.to_vec(), [2, 12]), device)
}

fn logits(model: &TokenModel, ids: &[i32], device: &Device) -> Vec<f32> {
    let context = SequenceContext::whole_rows(2, 12);
    model.logits(tensor(ids, device), &context).inner().into_data().try_into_vec().unwrap()
}

/// The mean cross-entropy of the shifted tokens, as the script takes it.
fn loss(model: &TokenModel, ids: &[i32], device: &Device) -> Tensor<1> {
    let rows: Vec<u32> = (0..2).flat_map(|b| (0..11).map(move |t| b * 12 + t)).collect();
    let tokens = rows.iter().map(|&r| ids[r as usize + 1] as u32).collect();
    model.mean_loss(
        tensor(ids, device),
        &SequenceContext::whole_rows(2, 12),
        &Targets { rows: rows.into(), tokens },
        0.0,
    )
}

fn close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= tolerance * scale, "{what}: {a} {b} (scale {scale})");
    }
}

#[test]
fn logits_gradients_and_merged_weights_equal_peft_s() {
    for name in ["smollm2", "qwen2"] {
        let (base, reference, device) = (base(name), Reference::read(name), Device::flex().autodiff());
        let config = base.config();
        let adapter = Adapter::read(&golden(name), config).unwrap();
        let plain = weights::load_artifact(&base, &device).unwrap();
        let model = adapters::attach(plain.clone(), &adapter, &device).unwrap();
        let trainable = adapters::parameter_names(&model);
        assert_eq!(trainable.len(), 2 * adapter.pairs.len());
        let model = weights::freeze(model, |n| trainable.contains(n));
        let ids = reference.tokens();
        close(&logits(&model, &ids, &device), &reference.floats("logits"), 1e-5, "logits");

        let loss = loss(&model, &ids, &device);
        close(&loss.clone().inner().into_data().try_into_vec().unwrap(), &reference.floats("loss"), 1e-6, "loss");
        let gradients = weights::take_gradients(&model, &mut loss.backward());
        assert_eq!(gradients.keys().cloned().collect::<std::collections::BTreeSet<_>>(), trainable);
        for (parameter, gradient) in &gradients {
            close(gradient, &reference.floats(&format!("grad.{parameter}")), 5e-5, parameter);
        }

        let mut merged = weights::read(&plain);
        adapters::merge(&mut merged, &adapter).unwrap();
        for matrix in ["model.layers.0.self_attn.v_proj.weight", "model.layers.1.mlp.down_proj.weight"] {
            let ours = &merged.iter().find(|t| t.0 == matrix).unwrap().2;
            close(ours, &reference.floats(&format!("merged.{matrix}")), 1e-6, matrix);
        }
        let merged = weights::load(plain, merged, "merged").unwrap();
        close(&logits(&merged, &ids, &device), &reference.floats("merged_logits"), 1e-5, "merged logits");

        let back = adapters::read(&model, config, &adapter.config).unwrap();
        assert_eq!(back, adapter);
    }
}

fn wanted(targets: TargetModules) -> AdapterConfig {
    AdapterConfig {
        rank: 4,
        alpha: 8.0,
        target_modules: targets,
        rank_stabilized: false,
        dropout: 0.0,
        base_model: None,
    }
}

#[test]
fn a_fresh_adapter_changes_nothing_and_repeats_by_its_seed() {
    let (base, device) = (base("smollm2"), Device::flex());
    let config = base.config();
    let adapter = adapters::start(config, &wanted(TargetModules::AllLinear), 5).unwrap();
    assert_eq!(adapter, adapters::start(config, &wanted(TargetModules::AllLinear), 5).unwrap());
    assert_ne!(adapter, adapters::start(config, &wanted(TargetModules::AllLinear), 6).unwrap());
    // Kaiming's bound, nearly reached.
    let largest = adapter.pairs[0].a.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert!(largest <= 1.0 / 6.0 && largest > 0.15, "{largest}");
    let plain = weights::load_artifact(&base, &device).unwrap();
    let ids = Reference::read("smollm2").tokens();
    let before = logits(&plain, &ids, &device);
    let model = adapters::attach(plain, &adapter, &device).unwrap();
    // Maps with adapters are not joined into one product, which sums in another order.
    close(&logits(&model, &ids, &device), &before, 1e-6, "logits");
    let e = adapters::start(config, &wanted(TargetModules::Named(vec!["c_attn".into()])), 5).unwrap_err();
    assert_eq!(e.exit_code(), 2);
}

#[test]
fn a_frozen_map_gives_the_product_and_gradient_of_the_matrix_it_reads_back() {
    let values: Vec<f32> = (0..24 * 40).map(|i| (i as f32 * 1.7).sin() * 0.1).collect();
    let matrix = Arc::new(FrozenMatrix::quantize(&values, [24, 40]));
    let device = Device::flex().autodiff();
    let x = Tensor::<2>::from_data(
        TensorData::new((0..120).map(|i| (i as f32).sin()).collect::<Vec<_>>(), [3, 40]),
        &device,
    );
    let run = |f: &dyn Fn(Tensor<2>) -> Tensor<2>| -> [Vec<f32>; 2] {
        let x = x.clone().require_grad();
        let y = f(x.clone());
        let gradients = y.clone().powi_scalar(2).sum().backward();
        [y.inner(), x.grad(&gradients).unwrap()].map(|t| t.into_data().try_into_vec().unwrap())
    };
    let dense = Tensor::<2>::from_data(TensorData::new(matrix.to_f32(), [24, 40]), &device);
    let [y, d_x] = run(&|x| adapters::frozen_linear(x, &matrix));
    let [want_y, want_d_x] = run(&|x| x.matmul(dense.clone().transpose()));
    close(&y, &want_y, 1e-6, "product");
    close(&d_x, &want_d_x, 1e-6, "gradient");
}

#[test]
fn a_quantized_base_is_held_in_4_bits_and_its_adapters_learn() {
    for name in ["smollm2", "qwen2"] {
        let (base, device) = (base(name), Device::flex().autodiff());
        let config = base.config();
        let model = adapters::load_quantized(&base, &device).unwrap();
        // What is left as f32: embedding, norms, biases.
        let left = weights::names(&model);
        assert!(left.iter().all(|n| !n.ends_with("_proj.weight")) && left.len() > 4);
        assert_eq!(
            adapters::frozen_bytes(&model),
            config
                .linear_modules()
                .iter()
                .map(|m| { Nf4::quantize(&vec![0.0; m.inputs * m.outputs]).bytes() })
                .sum::<usize>()
        );
        // The same as a dense model with the values that the 4 bits stand for.
        let mut tensors = weights::read(&weights::load_artifact(&base, &device).unwrap());
        for (tensor, shape, values) in &mut tensors {
            if tensor.ends_with("_proj.weight") {
                *values = FrozenMatrix::quantize(values, [shape[0], shape[1]]).to_f32();
            }
        }
        let dense = weights::load(TokenModel::new(config, &device), tensors, "test").unwrap();
        let ids = Reference::read(name).tokens();
        close(&logits(&model, &ids, &device), &logits(&dense, &ids, &device), 1e-5, "logits");
        let adapter = Adapter::read(&golden(name), config).unwrap();
        let gradients = |model: TokenModel| {
            let model = adapters::attach(model, &adapter, &device).unwrap();
            let trainable = adapters::parameter_names(&model);
            let model = weights::freeze(model, |n| trainable.contains(n));
            weights::take_gradients(&model, &mut loss(&model, &ids, &device).backward())
        };
        let (ours, wanted) = (gradients(model), gradients(dense));
        assert_eq!(ours.len(), wanted.len());
        for (parameter, gradient) in &ours {
            close(gradient, &wanted[parameter], 1e-5, parameter);
        }
    }
}
