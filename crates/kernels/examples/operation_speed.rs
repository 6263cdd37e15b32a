//! Speed of the training operations at the shape of a small model, all threads: milliseconds, and the products' speed as a
//! share of what the processor does at that moment on a product in its nearest cache.
//!
//! `cargo run --release -p bantam-kernels --example operation_speed [width inner vocabulary rows heads]`; `LENGTH=n` has attention's spans that long, with `BF16=1` in
//! that precision, with `ONLY=name` the operations whose names begin so.

use std::time::Instant;

use bantam_kernels::training::attention::{self, RotaryTable, Saved, Shape, Span};
use bantam_kernels::training::cross_entropy::{Problem, mean_loss};
use bantam_kernels::training::feed_forward::{self, Norm, Weights};
use bantam_kernels::training::left::{LeftRoom, Strided};
use bantam_kernels::training::linear::{self, Stacked};
use bantam_kernels::training::panels::{Onto, Panels, Precision, multiply};
use bantam_kernels::training::projected_attention;
use bantam_kernels::training::rms_norm;
use bantam_kernels::training::sequence::{Favor, Items, Kept, Lstm, Retention, SequenceOperation};

#[global_allocator]
static ALLOCATOR: bantam_kernels::memory::CacheLines = bantam_kernels::memory::CacheLines::of_system();

fn main() {
    bantam_kernels::memory::keep_freed_memory();
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [width, inner, vocabulary, rows, heads] = *given.as_slice() else {
        return run([128, 344, 2048, 4096, 4]);
    };
    run([width, inner, vocabulary, rows, heads]);
}

fn values(n: usize) -> Vec<f32> {
    (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5).collect()
}

/// GFLOP/s of all threads together on a product that stays in the nearest cache, in about half a millisecond. What the
/// operations are compared with, just before and just after: where two threads share a core at times, it halves.
fn ceiling() -> f64 {
    let (rows, k, n) = (6, 128, 64);
    let (left, right) = (values(rows * k), values(k * n));
    let columns: Vec<&[f32]> = right.chunks(k).collect();
    let panels = Panels::of_columns(Precision::F32, &columns);
    let repeats = 1000;
    let speeds = rayon::broadcast(|_| {
        let (mut out, mut room) = (vec![0.0; rows * n], LeftRoom::default());
        let start = Instant::now();
        for _ in 0..repeats {
            multiply(rows, Strided::rows(&left, k), panels.all(), &mut out, n, Onto::Replace, &mut room);
        }
        2.0 * (repeats * rows * k * n) as f64 / start.elapsed().as_secs_f64() / 1e9
    });
    speeds.iter().sum()
}

fn report(name: &str, multiplications: usize, mut work: impl FnMut()) {
    if std::env::var("ONLY").is_ok_and(|o| !name.starts_with(&o)) {
        return;
    }
    work();
    let begin = Instant::now();
    let (mut times, mut shares) = (Vec::new(), Vec::new());
    let mut before = ceiling();
    while begin.elapsed().as_secs_f64() < 1.0 {
        let start = Instant::now();
        work();
        let seconds = start.elapsed().as_secs_f64();
        let after = ceiling();
        // Where the ceiling itself moved, the state changed in between.
        if (after / before - 1.0).abs() < 0.1 {
            shares.push(200.0 * 2.0 * multiplications as f64 / seconds / 1e9 / (before + after));
        }
        times.push(seconds);
        before = after;
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let (share, time) = (median(&mut shares), median(&mut times));
    println!("{name:24} {:9.3} ms, {share:5.1} % of the ceiling", time * 1e3);
}

fn run([width, inner, vocabulary, rows, heads]: [usize; 5]) {
    let p = if std::env::var_os("BF16").is_some() { Precision::Bf16 } else { Precision::F32 };
    let (x, mixed, d) = (values(rows * width), values(rows * width), values(rows * width));
    let [q, k, v] = [1, 2, 3].map(|_| values(width * width));
    let joined = Stacked::plain(width, vec![&q, &k, &v]);
    let qkv = linear::forward(&x, &joined, None, p);
    let products = rows * width * 3 * width;
    report("joined linear", products, || drop(linear::forward(&x, &joined, None, p)));
    report("joined linear, backward", 2 * products, || drop(linear::backward(&x, &joined, &qkv, true, p)));
    let single = Stacked::plain(width, vec![&q]);
    report("linear", products / 3, || drop(linear::forward(&x, &single, None, p)));
    report("linear, backward", 2 * products / 3, || drop(linear::backward(&x, &single, &d, true, p)));
    let [gate, up, down] = [1, 2, 3].map(|_| values(width * inner));
    let w = Weights { gate: &gate, up: &up, down: &down, width };
    let scale = vec![1.0; width];
    let norm = Norm { weight: &scale, epsilon: 1e-5 };
    let (_, saved) = feed_forward::forward(&x, &mixed, norm, w, p);
    let products = rows * width * 3 * inner;
    report("feed-forward", products, || drop(feed_forward::forward(&x, &mixed, norm, w, p)));
    report("feed-forward, backward", 2 * products, || drop(feed_forward::backward(&saved, norm, w, &d, true, p)));
    let length = std::env::var("LENGTH").ok().and_then(|length| length.parse().ok()).unwrap_or(256);
    let rotary = RotaryTable::new(&vec![0.1; width / heads / 2], length);
    let spans: Vec<Span> = (0..rows / length).map(|i| Span { start: i * length, len: length }).collect();
    let shape = Shape { heads, kv_heads: heads, head_dim: width / heads, spans: &spans, rotary: &rotary, precision: p };
    let (out, log_sum_exp) = attention::forward(&shape, &qkv);
    let products = rows * (length + 48) * width;
    report("attention", products, || drop(attention::forward(&shape, &qkv)));
    let saved = Saved { qkv: &qkv, out: &out, log_sum_exp: &log_sum_exp };
    report("attention, backward", products / 2 * 5, || drop(attention::backward(&shape, saved, &d)));
    let (_, inverse) = rms_norm::forward(&x, &scale, 1e-5);
    report("norm", 0, || drop(rms_norm::forward(&x, &scale, 1e-5)));
    report("norm, backward", 0, || drop(rms_norm::backward(&x, &scale, &inverse, &d)));
    sequences(width, heads, &spans);
    let weight = values(vocabulary * width);
    let (all, targets): (Vec<u32>, Vec<u32>) = (0..rows as u32).map(|r| (r, r % vocabulary as u32)).unzip();
    let problem = Problem { hidden: &x, weight: &weight, width, rows: &all, targets: &targets };
    report("cross-entropy, both", 3 * rows * width * vocabulary, || drop(mean_loss(problem, 0.0, true, p)));
}

/// The mixers' own operations, at the sizes that the zoo has them.
fn sequences(width: usize, heads: usize, spans: &[Span]) {
    let (rows, head) = (spans.iter().map(|s| s.len).sum(), width / heads);
    let items = Items { rows, spans, initial: None };
    let run = |name: &str, operation: &dyn SequenceOperation, inputs: &[Vec<f32>], products: [usize; 2]| {
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let done = operation.forward(&inputs, items);
        let kept = Kept { out: &done.out, saved: &done.saved };
        let d = values(done.out.len());
        report(name, products[0] * rows, || drop(operation.forward(&inputs, items)));
        let backward = || drop(operation.backward(&inputs, kept, &d, items));
        report(&format!("{name}, backward"), products[1] * rows, backward);
    };
    // Multiplications a row, as if the recurrence were computed as it stands.
    let features = 4 * head;
    let memory = 2 * features * width;
    let favor = Favor { heads, width: head, features };
    run("favor", &favor, &[values(rows * 3 * width), values(features * head)], [2 * memory, 5 * memory]);
    let retention = Retention { heads, key: head, value: 2 * head, epsilon: 1e-6 };
    let memory = 2 * head * 2 * width;
    run("retention", &retention, &[values(rows * 2 * width), values(rows * 4 * width)], [memory, 3 * memory]);
    let (product, lstm) = (4 * width * width, Lstm { hidden: width });
    let inputs = [values(rows * 4 * width), values(product), values(4 * width)];
    run("lstm", &lstm, &inputs, [product, 2 * product]);
    let shape = projected_attention::Shape { heads, width: head, length: 256, projected: 64 };
    let [qkv, e, f] = [rows * 3 * width, 64 * 256, 64 * 256].map(values);
    let (out, saved) = projected_attention::forward(&shape, &qkv, &e, &f);
    let products = 4 * rows * 64 * width;
    report("projected attention", products, || drop(projected_attention::forward(&shape, &qkv, &e, &f)));
    report("projected attention, backward", products / 4 * 9, || {
        drop(projected_attention::backward(&shape, &qkv, [&e, &f], &out, &saved, &out));
    });
}
