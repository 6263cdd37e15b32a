//! Speed of the inference products on one thread in every weight format: GB/s of packed weights for one token, and
//! billions of multiply-adds a second for one token and for 64.
//!
//! `cargo run --release -p bantam-kernels --example inference_product_speed [ROWS COLUMNS]`

use std::hint::black_box;
use std::time::Instant;

use bantam_kernels::codec::DType;
use bantam_kernels::inference::{Isa, PackedMatrix, PackedRows, Pool, ProductInput, WeightMemory, multiply};

#[global_allocator]
static ALLOCATOR: bantam_kernels::memory::CacheLines = bantam_kernels::memory::CacheLines::of_system();

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (rows, cols) = if let [rows, cols] = sizes[..] { (rows, cols) } else { (1536, 512) };
    let pool = Pool::new(1);
    println!("{:>12}{:>7}{:>8}{:>10}{:>10}{:>10}", "set", "format", "MB", "GB/s", "1 token", "64 tokens");
    for isa in Isa::available() {
        for format in DType::ALL {
            let values: Vec<f32> = (0..rows * cols).map(|i| ((i * 7919) % 1009) as f32 / 504.0 - 1.0).collect();
            let mut bytes = vec![0; format.bytes_for(&[rows, cols]).unwrap_or_default()];
            format.quantize(&values, &mut bytes);
            let Some(matrix) =
                PackedMatrix::pack(format, cols, &[PackedRows { rows, bytes: &bytes }], &WeightMemory::new(0))
            else {
                continue;
            };
            let mut input = ProductInput::default();
            let mut seconds = |tokens: usize| {
                let x: Vec<f32> = values.iter().cycle().take(tokens * cols).copied().collect();
                let mut out = vec![0.0; tokens * rows];
                best(|| multiply(isa, &pool, black_box(&matrix), &x, tokens, &mut input, &mut out, rows))
            };
            let (one, many) = (seconds(1), seconds(64));
            let size = matrix.byte_len() as f64;
            let products = (rows * cols) as f64;
            let (read, one, many) = (size / one / 1e9, products / one / 1e9, 64.0 * products / many / 1e9);
            println!("{:>12}{:>7}{:8.2}{read:10.1}{one:10.1}{many:10.1}", isa.name(), format.name(), size / 1e6);
        }
    }
}

fn best(mut work: impl FnMut()) -> f64 {
    (0..100)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}
