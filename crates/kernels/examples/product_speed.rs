//! Speed of the training products on one thread, GFLOP/s: 128 rows against packed panels, and the packing itself.
//!
//! `cargo run --release -p bantam-kernels --example product_speed`

use std::hint::black_box;
use std::time::Instant;

use bantam_kernels::training::left::{LeftRoom, Strided};
use bantam_kernels::training::panels::{Onto, Panels, Precision, multiply};

#[global_allocator]
static ALLOCATOR: bantam_kernels::memory::CacheLines = bantam_kernels::memory::CacheLines::of_system();

fn main() {
    let m = 128;
    println!("{:>6}{:>6}{:>10}{:>10}{:>12}{:>12}", "k", "n", "f32", "bf16", "transposed", "pack GB/s");
    for (k, n) in [(128, 384), (128, 128), (128, 688), (344, 128), (512, 1536), (512, 2752), (1376, 512), (128, 2048)] {
        let (a, b) = (vec![0.5; m * k], vec![0.25; k * n]);
        let columns: Vec<&[f32]> = b.chunks(k).collect();
        let mut out = vec![0.0; m * n];
        let mut room = LeftRoom::default();
        let mut speed = |precision, left| {
            let right = Panels::of_columns(precision, &columns);
            let seconds = best(|| multiply(m, left, right.all(), black_box(&mut out), n, Onto::Replace, &mut room));
            2.0 * (m * n * k) as f64 / seconds / 1e9
        };
        let f32 = speed(Precision::F32, Strided::rows(&a, k));
        let bf16 = speed(Precision::Bf16, Strided::rows(&a, k));
        let transposed = speed(Precision::F32, Strided::columns(&a, m));
        let mut panels = Panels::empty(Precision::F32);
        let pack = (k * n * 4) as f64 / best(|| panels.set_columns(black_box(&columns))) / 1e9;
        println!("{k:6}{n:6}{f32:10.1}{bf16:10.1}{transposed:12.1}{pack:12.1}");
    }
}

fn best(mut work: impl FnMut()) -> f64 {
    (0..200)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}
