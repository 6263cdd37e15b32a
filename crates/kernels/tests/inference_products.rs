//! Every instruction set's products against the definition in f64, in every weight format, token count and thread count.

use bantam_kernels::codec::DType;
use bantam_kernels::inference::{Isa, PackedMatrix, PackedRows, Pool, ProductInput, WeightMemory, multiply};
use half::f16;
use proptest::prelude::*;

/// A matrix as stored bytes, and what those bytes mean.
struct Stored {
    bytes: Vec<u8>,
    values: Vec<f64>,
}

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Random bits as blocks, with scales and minimums below 2^-6; floats between -1 and 1.
fn stored(format: DType, rows: usize, cols: usize, seed: u64) -> Stored {
    let mut bytes = vec![0; format.bytes_for(&[rows, cols]).unwrap()];
    if format.is_blocks() {
        // Quants over their whole range, -128 of Q8_0 too.
        bytes.iter_mut().zip(noise(rows * cols * 2, seed)).for_each(|(b, v)| *b = (v * 128.0).floor() as i8 as u8);
        let halves: &[usize] = match format {
            DType::Q4_1 | DType::Q5_1 | DType::Q4K | DType::Q5K => &[0, 2],
            DType::Q6K => &[208],
            _ => &[0],
        };
        for block in bytes.chunks_exact_mut(format.block().1) {
            for &at in halves {
                block[at + 1] &= 0xa3;
            }
        }
    } else {
        format.quantize(&noise(rows * cols, seed), &mut bytes);
    }
    let mut values = vec![0f32; rows * cols];
    format.dequantize(&bytes, &mut values);
    Stored { bytes, values: values.into_iter().map(f64::from).collect() }
}

/// What a product with blocks sees of its input: blocks of 32 rounded to 127ths of their largest magnitude, the scale in f16.
fn as_quantized(x: &[f32]) -> Vec<f64> {
    let block = |b: &[f32]| {
        let largest = b.iter().fold(0f32, |m, v| m.max(v.abs()));
        let scale = largest / 127.0;
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        b.iter()
            .map(|v| f64::from(f16::from_f32(scale)) * f64::from((v * inverse).round_ties_even()))
            .collect::<Vec<_>>()
    };
    x.chunks(32).flat_map(block).collect()
}

/// The matrix of stored rows.
fn packed(format: DType, rows: usize, cols: usize, bytes: &[u8]) -> PackedMatrix {
    PackedMatrix::pack(format, cols, &[PackedRows { rows, bytes }], &WeightMemory::new(0)).unwrap()
}

fn run(isa: Isa, pool: &Pool, matrix: &PackedMatrix, x: &[f32], tokens: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; tokens * matrix.rows()];
    multiply(isa, pool, matrix, x, tokens, &mut ProductInput::default(), &mut out, matrix.rows());
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_match_the_definition(rows in 1usize..150, blocks in 1usize..5, ragged in 0usize..32, tokens in 1usize..10, seed: u64) {
        for format in DType::ALL {
            let cols = if format.is_blocks() { blocks * format.block().0 } else { blocks * 32 - ragged };
            let w = stored(format, rows, cols, seed);
            let matrix = packed(format, rows, cols, &w.bytes);
            let x = noise(tokens * cols, seed ^ 1);
            let seen: Vec<f64> =
                if format.is_blocks() { as_quantized(&x) } else { x.iter().map(|v| f64::from(*v)).collect() };
            for isa in Isa::available() {
                let out = run(isa, &Pool::new(1), &matrix, &x, tokens);
                for (token, seen) in seen.chunks(cols).enumerate() {
                    for (row, w) in w.values.chunks(cols).enumerate() {
                        let expected: f64 = w.iter().zip(seen).map(|(w, x)| w * x).sum();
                        let size: f64 = w.iter().zip(seen).map(|(w, x)| (w * x).abs()).sum();
                        let got = f64::from(out[token * rows + row]);
                        prop_assert!(
                            (got - expected).abs() <= 1e-6 * size + 1e-12,
                            "{isa:?} {format:?} token {token} row {row}: {got} is not {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_batch_gives_the_bits_of_single_tokens() {
    let (rows, cols, tokens) = (77, 256, 7);
    for format in DType::ALL {
        let w = stored(format, rows, cols, 5);
        let matrix = packed(format, rows, cols, &w.bytes);
        let x = noise(tokens * cols, 6);
        for isa in Isa::available() {
            let pool = Pool::new(1);
            let batch = run(isa, &pool, &matrix, &x, tokens);
            let single: Vec<f32> = x.chunks(cols).flat_map(|x| run(isa, &pool, &matrix, x, 1)).collect();
            assert_eq!(batch, single, "{isa:?} {format:?}");
        }
    }
}

#[test]
fn threads_give_the_bits_of_one_thread() {
    let (rows, cols, tokens) = (1000, 512, 3);
    for format in DType::ALL {
        let w = stored(format, rows, cols, 7);
        let matrix = packed(format, rows, cols, &w.bytes);
        let x = noise(tokens * cols, 8);
        let one = run(Isa::best(), &Pool::new(1), &matrix, &x, tokens);
        for threads in [2, 3] {
            assert_eq!(run(Isa::best(), &Pool::new(threads), &matrix, &x, tokens), one, "{format:?}");
        }
    }
}

#[test]
fn a_nan_input_reaches_the_result_in_every_format() {
    for format in DType::ALL {
        let w = stored(format, 16, 256, 9);
        let matrix = packed(format, 16, 256, &w.bytes);
        let mut x = noise(256, 10);
        x[33] = f32::NAN;
        for isa in Isa::available() {
            assert!(run(isa, &Pool::new(1), &matrix, &x, 1).iter().all(|v| v.is_nan()), "{isa:?} {format:?}");
        }
    }
}

/// Blocks and inputs at the ends of what they can hold: each makes sums that a narrower step would overflow, or leaves the scale at an end.
fn extremes(format: DType, rows: usize, cols: usize) -> Vec<(Vec<u8>, Vec<f32>)> {
    let bytes = format.bytes_for(&[rows, cols]).unwrap();
    let size = format.block().1;
    // Halves of the block that are scales and minimums.
    let halves: &[usize] = match format {
        DType::Q4_1 | DType::Q5_1 | DType::Q4K | DType::Q5K => &[0, 2],
        DType::Q6K => &[208],
        _ => &[0],
    };
    let quants = |of: &dyn Fn(usize) -> u8| (0..bytes).map(of).collect::<Vec<u8>>();
    let patterns = [
        quants(&|_| 0),
        quants(&|_| 0xff),
        quants(&|_| 0x80),
        quants(&|_| 0x7f),
        quants(&|i| if i % 2 == 0 { 0x7f } else { 0x80 }),
        quants(&|i| (i * 37) as u8),
        quants(&|i| if i % size == size - 1 { 0x80 } else { 0 }),
    ];
    // One, zero, the smallest denormal, the largest, one that is negative, infinity.
    let scales = [0x3c00u16, 0, 1, 0x7bff, 0xb800, 0x7c00];
    let input = |of: &dyn Fn(usize) -> f32| (0..cols).map(of).collect::<Vec<f32>>();
    let inputs = [
        input(&|_| 127.0),
        input(&|_| -127.0),
        input(&|i| if i % 2 == 0 { 1e6 } else { -1e6 }),
        input(&|_| 0.0),
        input(&|i| if i == 17 { 1e5 } else { 1e-3 }),
        input(&|i| (i as f32 - 15.5) * 1e-7),
        input(&|_| 1e-40),
    ];
    let mut all = Vec::new();
    for pattern in &patterns {
        for scale in scales {
            let mut bytes = pattern.clone();
            for block in bytes.chunks_exact_mut(size) {
                halves.iter().for_each(|&at| block[at..at + 2].copy_from_slice(&scale.to_le_bytes()));
            }
            inputs.iter().for_each(|x| all.push((bytes.clone(), x.clone())));
        }
    }
    all
}

#[test]
fn blocks_at_the_ends_of_their_range_agree_with_the_scalar_path() {
    let rows = 17;
    for format in DType::ALL.into_iter().filter(|f| f.is_blocks()) {
        let cols = format.block().0;
        for (bytes, x) in extremes(format, rows, cols) {
            let matrix = packed(format, rows, cols, &bytes);
            let pool = Pool::new(1);
            let scalar = run(Isa::Scalar, &pool, &matrix, &x, 1);
            let largest = x.iter().fold(0f32, |m, v| m.max(v.abs()));
            for isa in Isa::available() {
                // Three tokens too: whole batches and what is left of them.
                let out = run(isa, &pool, &matrix, &x.repeat(3), 3);
                for (row, (got, expected)) in out.iter().zip(scalar.iter().cycle()).enumerate() {
                    // Of one block of 32 without a minimum there is one product to round, the same everywhere.
                    let exact = matches!(format, DType::Q8_0 | DType::Q4_0 | DType::Q5_0);
                    let near =
                        !exact && (got - expected).abs() <= 1e-6 * expected.abs() + 1e-6 * largest * got.abs().min(1.0);
                    assert!(
                        got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan() || near,
                        "{isa:?} {format:?} row {row}: {got} is not {expected}; block {:02x?}, x {:?}",
                        &bytes[..4],
                        &x[..2]
                    );
                }
            }
        }
    }
}
