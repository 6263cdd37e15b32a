//! Properties of the token model: fused operations against composed ones, causality, packing, chunks, gradients.

use std::sync::Arc;

use bantam_formats::{Architecture, MixerConfig, ModelConfig};
use bantam_kernels::training::attention::RotaryTable;
use bantam_model::context::{Precision, Span};
use bantam_model::ops::{self, AttentionSpec, GatedMaps, Map};
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, TokenModel, weights};
use burn::tensor::{Device, Int, Tensor, TensorData};

const TRAINED: [Architecture; 5] =
    [Architecture::Llama, Architecture::Qwen2, Architecture::Gpt2, Architecture::Rwkv4, Architecture::Rwkv7];

fn config(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size: 61,
        hidden_size: 32,
        intermediate_size: 48,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: if architecture == Architecture::Gpt2 { 4 } else { 2 },
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: architecture == Architecture::Llama,
        max_position_embeddings: 64,
        attention_bias: matches!(architecture, Architecture::Qwen2 | Architecture::Gpt2),
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: match architecture {
            Architecture::Rwkv4 => vec![MixerConfig::Rwkv4 { inner_size: 24 }],
            Architecture::Rwkv7 => vec![MixerConfig::Rwkv7 { head_dim: 8, ranks: [3, 2, 5, 4], first: false }],
            _ => Vec::new(),
        },
    }
}

fn model(config: &ModelConfig, device: &Device) -> TokenModel {
    let model = weights::initialize(TokenModel::new(config, device), config, 7);
    // Larger weights than training starts with, so that every path matters.
    weights::update(model, |_, _, v| v.iter_mut().for_each(|x| *x *= 6.0))
}

fn tokens(ids: &[i32], batch: usize, device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(ids.to_vec(), [batch, ids.len() / batch]), device)
}

fn noise(shape: [usize; 2], seed: u32) -> TensorData {
    let n = (shape[0] * shape[1]) as u32;
    let value = |i: u32| ((i.wrapping_add(seed * 7919).wrapping_mul(2654435761) >> 12) as f32 / 524288.0) - 1.0;
    TensorData::new((0..n).map(value).collect::<Vec<_>>(), shape)
}

fn close(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance * scale, "{x} {y} (scale {scale})");
    }
}

fn data<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.inner().into_data().try_into_vec().unwrap()
}

/// Values and input gradients of a fused and a composed operation agree.
fn same_gradients(
    inputs: &[TensorData],
    fused: impl Fn(&[Tensor<2>]) -> Tensor<2>,
    composed: impl Fn(&[Tensor<2>]) -> Tensor<2>,
) {
    let device = Device::flex().autodiff();
    let run = |f: &dyn Fn(&[Tensor<2>]) -> Tensor<2>| {
        let inputs: Vec<Tensor<2>> =
            inputs.iter().map(|d| Tensor::from_data(d.clone(), &device).require_grad()).collect();
        let y = f(&inputs);
        let upstream = Tensor::from_data(noise(y.dims(), 99), &device);
        let gradients = (y.clone() * upstream).sum().backward();
        let grads: Vec<Vec<f32>> = inputs.iter().map(|x| data(x.grad(&gradients).unwrap())).collect();
        (data(y), grads)
    };
    let (y, grads) = run(&fused);
    let (want_y, want_grads) = run(&composed);
    close(&y, &want_y, 2e-5);
    for (g, want) in grads.iter().zip(&want_grads) {
        close(g, want, 5e-5);
    }
}

#[test]
fn fused_operations_equal_composed_ones_with_their_gradients() {
    let row = |x: &Tensor<2>| -> Tensor<1> { x.clone().squeeze_dim(0) };
    same_gradients(
        &[noise([70, 24], 1), noise([1, 24], 2)],
        |x| ops::rms_norm(x[0].clone(), row(&x[1]), 1e-5),
        |x| ops::composed_rms_norm(x[0].clone(), row(&x[1]), 1e-5),
    );
    same_gradients(
        &[noise([33, 20], 1), noise([33, 20], 2)],
        |x| ops::swiglu(x[0].clone(), x[1].clone()),
        |x| ops::composed_swiglu(x[0].clone(), x[1].clone()),
    );
    let targets = Targets { rows: Arc::new([0, 3, 4, 30]), tokens: Arc::new([5, 0, 16, 5]) };
    for smoothing in [0.0, 0.1] {
        same_gradients(
            &[noise([33, 20], 1), noise([17, 20], 2)],
            |x| ops::linear_cross_entropy(x[0].clone(), x[1].clone(), &targets, smoothing, Precision::F32).unsqueeze(),
            |x| ops::composed_linear_cross_entropy(x[0].clone(), x[1].clone(), &targets, smoothing).unsqueeze(),
        );
    }
    let spec = AttentionSpec {
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        rotary: Arc::new(RotaryTable::new(&[1.0, 0.3, 0.1, 0.01], 64)),
        precision: Precision::F32,
    };
    // The composed form pads the last two to the same length.
    let spans: Arc<[Span]> = [(0, 50), (52, 7), (60, 5)].map(|(start, len)| Span { start, len }).into();
    same_gradients(
        &[noise([70, 64], 1)],
        |x| ops::causal_attention(x[0].clone(), spans.clone(), spec.clone()),
        |x| ops::composed_causal_attention(x[0].clone(), &spans, &spec),
    );
    same_gradients(
        &[noise([74, 48], 1), noise([5, 37], 2), noise([5, 37], 3)],
        |x| ops::projected_attention(x[0].clone(), x[1].clone(), x[2].clone(), 2),
        |x| ops::composed_projected_attention(x[0].clone(), x[1].clone(), x[2].clone(), 2),
    );
    let inputs = [noise([70, 24], 1), noise([20, 24], 2), noise([9, 24], 3), noise([33, 24], 4), noise([1, 9], 5)];
    let maps = |x: &[Tensor<2>]| -> Vec<Map> {
        let of = |i: usize| Map { weight: x[i].clone(), bias: (i == 2).then(|| row(&x[4])) };
        (1..4).map(of).collect()
    };
    same_gradients(
        &inputs,
        |x| ops::linear(x[0].clone(), &maps(x), None, Precision::F32),
        |x| ops::composed_linear(x[0].clone(), &maps(x), None),
    );
    let one = |x: &[Tensor<2>]| [Map { weight: x[1].clone(), bias: None }];
    same_gradients(
        &[noise([70, 24], 1), noise([20, 24], 2), noise([70, 20], 3)],
        |x| ops::linear(x[0].clone(), &one(x), Some(x[2].clone()), Precision::F32),
        |x| ops::composed_linear(x[0].clone(), &one(x), Some(x[2].clone())),
    );
    let shapes = [[70, 24], [70, 24], [1, 24], [40, 24], [40, 24], [24, 40]];
    let inputs: Vec<TensorData> = shapes.iter().enumerate().map(|(i, &s)| noise(s, i as u32)).collect();
    let operands = |t: &[Tensor<2>]| {
        let [x, mixed, norm, gate, up, down] = [0, 1, 2, 3, 4, 5].map(|i| t[i].clone());
        (x, mixed, row(&norm), GatedMaps { gate, up, down })
    };
    same_gradients(
        &inputs,
        |t| {
            let (x, mixed, norm, maps) = operands(t);
            ops::feed_forward(x, mixed, norm, maps, 1e-5, Precision::F32)
        },
        |t| {
            let (x, mixed, norm, maps) = operands(t);
            ops::composed_feed_forward(x, mixed, norm, maps, 1e-5)
        },
    );
}

#[test]
fn a_changed_future_token_leaves_the_past_exactly_alone() {
    let device = Device::flex();
    for architecture in TRAINED {
        let config = config(architecture);
        let model = model(&config, &device);
        let ids: Vec<i32> = (0..40).map(|i| i * 7 % 61).collect();
        let context = SequenceContext::whole_rows(1, 40);
        let before = data(model.logits(tokens(&ids, 1, &device), &context));
        for changed in [1, 17, 39] {
            let mut other = ids.clone();
            other[changed] = (other[changed] + 1) % 61;
            let after = data(model.logits(tokens(&other, 1, &device), &context));
            assert_eq!(before[..changed * 61], after[..changed * 61]);
            assert_ne!(before[changed * 61..], after[changed * 61..]);
        }
    }
}

#[test]
fn packing_and_padding_change_nothing() {
    let device = Device::flex();
    for architecture in TRAINED {
        let config = config(architecture);
        let model = model(&config, &device);
        let items: [Vec<i32>; 3] =
            [(0..13).collect(), (20..21).collect(), (0..30).map(|i| (i * 11 + 3) % 61).collect()];
        let mut packed = vec![60; 50];
        let spans = vec![Span { start: 0, len: 13 }, Span { start: 13, len: 1 }, Span { start: 17, len: 30 }];
        for (item, span) in items.iter().zip(&spans) {
            packed[span.start..span.start + span.len].copy_from_slice(item);
        }
        let context = SequenceContext::packed(1, 50, spans.clone());
        let together = data(model.logits(tokens(&packed, 1, &device), &context));
        for (item, span) in items.iter().zip(&spans) {
            let context = SequenceContext::whole_rows(1, item.len());
            let alone = data(model.logits(tokens(item, 1, &device), &context));
            close(&together[span.start * 61..(span.start + span.len) * 61], &alone, 1e-5);
        }
    }
}

#[test]
fn any_split_into_chunks_gives_the_same() {
    let device = Device::flex();
    for architecture in TRAINED {
        let seeded = model(&config(architecture), &device);
        let backbone = seeded.backbone();
        let x = Tensor::<3>::from_data(
            TensorData::new(noise([46, 32], 5).try_into_vec::<f32>().unwrap(), [2, 23, 32]),
            &device,
        );
        let whole = data(backbone.forward(x.clone(), &SequenceContext::whole_rows(2, 23), &mut Vec::new()));
        for cuts in [vec![1, 22], vec![7, 7, 9], vec![22, 1], vec![5, 1, 1, 16]] {
            let (mut states, mut at, mut parts) = (Vec::new(), 0, Vec::new());
            for len in cuts {
                let chunk = x.clone().narrow(1, at, len);
                parts.push(backbone.forward(chunk, &SequenceContext::whole_rows(2, len), &mut states));
                at += len;
            }
            close(&data(Tensor::cat(parts, 1)), &whole, 1e-5);
        }
    }
}

#[test]
fn the_loss_gradient_matches_finite_differences_and_no_gradient_reaches_the_future() {
    let config = config(Architecture::Llama);
    let device = Device::flex().autodiff();
    let model = model(&config, &device);
    let ids: Vec<i32> = (0..24).map(|i| (i * 5 + 2) % 61).collect();
    let context = SequenceContext::whole_rows(1, 24);
    let targets = Targets { rows: Arc::new([3, 10, 11]), tokens: Arc::new([4, 9, 60]) };
    let loss = |model: &TokenModel| model.mean_loss(tokens(&ids, 1, &device), &context, &targets, 0.0);
    let mut gradients = loss(&model).backward();
    let by_name = weights::take_gradients(&model, &mut gradients);
    assert_eq!(by_name.len(), config.tensor_specs().len());
    for (name, shape) in config.tensor_specs().iter().map(|s| (s.name.clone(), s.shape.clone())) {
        let n: usize = shape.iter().product();
        let at = n / 3;
        let moved = |d: f32| {
            let changed = weights::update(model.clone(), |other, _, v| {
                if other == name {
                    v[at] += d;
                }
            });
            data(loss(&changed))[0] as f64
        };
        let numeric = (moved(2e-3) - moved(-2e-3)) / 4e-3;
        let analytic = by_name[&name][at] as f64;
        assert!((numeric - analytic).abs() < 2e-3 * (1.0 + numeric.abs()), "{name}: {numeric} {analytic}");
    }
    // Tokens that stand only after the last target have no gradient but through the tied output matrix.
    let (sum, _) = model.summed_loss(tokens(&ids, 1, &device), &context, &targets);
    assert!((sum / 3.0 - data(loss(&model))[0] as f64).abs() < 1e-5);
}

/// `mean_loss` says which rows it wants; the pass that it is compared with gives them all.
#[test]
fn leaving_out_what_no_target_needs_changes_neither_the_loss_nor_gradients() {
    let device = Device::flex().autodiff();
    for architecture in TRAINED {
        let config = config(architecture);
        let model = model(&config, &device);
        let ids: Vec<i32> = (0..20).map(|i| (i * 13 + 5) % 61).collect();
        let spans = vec![Span { start: 0, len: 9 }, Span { start: 9, len: 11 }];
        let context = SequenceContext::packed(1, 20, spans);
        for rows in [vec![3, 4, 8, 15, 18], vec![19], Vec::new()] {
            let targets = Targets { tokens: rows.iter().map(|r| r * 3 % 61).collect(), rows: Arc::from(rows) };
            let tokens = || tokens(&ids, 1, &device);
            let all = model.mean_loss_of(model.hidden(tokens(), &context), &targets, 0.1, Precision::F32);
            let wanted = model.mean_loss(tokens(), &context, &targets, 0.1);
            close(&data(wanted.clone()), &data(all.clone()), 1e-6);
            let gradients = |loss: Tensor<1>| weights::take_gradients(&model, &mut loss.backward());
            let (wanted, all) = (gradients(wanted), gradients(all));
            assert_eq!(wanted.len(), all.len(), "{architecture:?}");
            for (name, gradient) in all {
                close(&wanted[&name], &gradient, 1e-5);
            }
        }
    }
}

#[test]
fn weights_survive_reading_and_loading() {
    let device = Device::flex();
    for architecture in TRAINED {
        let config = config(architecture);
        let seeded = model(&config, &device);
        let tensors = weights::read(&seeded);
        let names: Vec<_> = tensors.iter().map(|t| (t.0.clone(), t.1.clone())).collect();
        let mut wanted: Vec<_> = config.tensor_specs().into_iter().map(|s| (s.name, s.shape)).collect();
        let mut sorted = names.clone();
        sorted.sort();
        wanted.sort();
        assert_eq!(sorted, wanted);
        let loaded = weights::load(TokenModel::new(&config, &device), tensors.clone(), "test").unwrap();
        assert_eq!(weights::read(&loaded), tensors);
        let missing = weights::load(TokenModel::new(&config, &device), tensors[1..].to_vec(), "test").unwrap_err();
        assert!(missing.to_string().contains("is missing"), "{missing}");
    }
}
