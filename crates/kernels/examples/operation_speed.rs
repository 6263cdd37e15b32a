//! Speed of the training operations at the shape of a small model, all threads: milliseconds and GFLOP/s of the products.
//!
//! `cargo run --release -p bantam-kernels --example operation_speed [width inner vocabulary rows heads]`

use std::time::Instant;

use bantam_kernels::training::attention::{self, RotaryTable, Saved, Shape, Span};
use bantam_kernels::training::cross_entropy::{Problem, mean_loss};
use bantam_kernels::training::feed_forward::{self, Weights};
use bantam_kernels::training::linear::{self, Stacked};
use bantam_kernels::training::panels::Precision;
use bantam_kernels::training::rms_norm;

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

fn report(name: &str, multiplications: usize, mut work: impl FnMut()) {
    if std::env::var("ONLY").is_ok_and(|o| !name.starts_with(&o)) {
        return;
    }
    work();
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[times.len() / 2]);
    let speed = 2.0 * multiplications as f64 / best / 1e9;
    println!("{name:24} best {:9.3} ms  median {:9.3} ms {speed:9.0} GFLOP/s", best * 1e3, median * 1e3);
}

fn run([width, inner, vocabulary, rows, heads]: [usize; 5]) {
    let p = Precision::F32;
    let (x, residual, d) = (values(rows * width), values(rows * width), values(rows * width));
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
    let (_, saved) = feed_forward::forward(&x, w, &residual, p);
    let products = rows * width * 3 * inner;
    report("feed-forward", products, || drop(feed_forward::forward(&x, w, &residual, p)));
    report("feed-forward, backward", 2 * products, || drop(feed_forward::backward(&x, w, &saved, &d, true, p)));
    let rotary = RotaryTable::new(&vec![0.1; width / heads / 2], 256);
    let spans: Vec<Span> = (0..rows / 256).map(|i| Span { start: i * 256, len: 256 }).collect();
    let shape = Shape { heads, kv_heads: heads, head_dim: width / heads, spans: &spans, rotary: &rotary };
    let (out, log_sum_exp) = attention::forward(&shape, &qkv);
    let products = rows * 2 * 152 * width;
    report("attention", products, || drop(attention::forward(&shape, &qkv)));
    let saved = Saved { qkv: &qkv, out: &out, log_sum_exp: &log_sum_exp };
    report("attention, backward", products / 2 * 5, || drop(attention::backward(&shape, saved, &d)));
    let scale = vec![1.0; width];
    let (_, inverse) = rms_norm::forward(&x, &scale, 1e-5);
    report("norm", 0, || drop(rms_norm::forward(&x, &scale, 1e-5)));
    report("norm, backward", 0, || drop(rms_norm::backward(&x, &scale, &inverse, &d)));
    let weight = values(vocabulary * width);
    let (all, targets): (Vec<u32>, Vec<u32>) = (0..rows as u32).map(|r| (r, r % vocabulary as u32)).unzip();
    let problem = Problem { hidden: &x, weight: &weight, width, rows: &all, targets: &targets };
    report("cross-entropy, both", 3 * rows * width * vocabulary, || drop(mean_loss(problem, 0.0, true, p)));
}
