//! What every ggml block format is: so many values in so many bytes, read back as `scale * quant + offset`.

use rayon::prelude::*;

/// Values that share a scale at least, in every format.
pub const GROUP: usize = 16;
/// Values that share an offset at least, in every format: two groups.
pub const PAIR: usize = 32;
/// Values of the longest block.
pub const MAX_BLOCK: usize = 256;

/// Blocks that a thread quantizes at a time.
const RUN: usize = 64;

/// One of ggml's block formats. Bytes are bit for bit those of ggml's reference (`quantize_row_*_ref`, `dequantize_row_*`).
pub trait BlockFormat {
    /// Values per block, a multiple of [`PAIR`] and at most [`MAX_BLOCK`].
    const LEN: usize;
    /// Bytes per block.
    const BYTES: usize;
    /// Whether values have an offset beside their scale.
    const OFFSET: bool;

    /// Quantizes [`LEN`](Self::LEN) values into [`BYTES`](Self::BYTES) bytes. Values should be finite: others give bytes that mean
    /// nothing, as in ggml, but never a panic.
    fn quantize(values: &[f32], bytes: &mut [u8]);

    /// Takes a block apart: `LEN` quants, a scale for each [`GROUP`], an offset for each [`PAIR`] (zero without [`OFFSET`](Self::OFFSET)).
    /// Value `i` is `scales[i / GROUP] * quants[i] + offsets[i / PAIR]`, each operation rounded. Any bytes are a block.
    fn unpack(bytes: &[u8], quants: &mut [i8], scales: &mut [f32], offsets: &mut [f32]);
}

/// Quantizes a row of whole blocks. Panics if the lengths do not fit.
pub fn quantize<B: BlockFormat>(values: &[f32], bytes: &mut [u8]) {
    assert!(values.len().is_multiple_of(B::LEN) && bytes.len() == values.len() / B::LEN * B::BYTES);
    // The K-quants' searches take some hundred operations a value: blocks are shared among threads.
    let (run, run_bytes) = (RUN * B::LEN, RUN * B::BYTES);
    values.par_chunks(run).zip(bytes.par_chunks_mut(run_bytes)).for_each(|(values, bytes)| {
        for (values, bytes) in values.chunks_exact(B::LEN).zip(bytes.chunks_exact_mut(B::BYTES)) {
            B::quantize(values, bytes);
        }
    });
}

/// Reads a row of whole blocks as f32. Panics if the lengths do not fit.
pub fn dequantize<B: BlockFormat>(bytes: &[u8], values: &mut [f32]) {
    assert!(values.len().is_multiple_of(B::LEN) && bytes.len() == values.len() / B::LEN * B::BYTES);
    let (mut quants, mut scales, mut offsets) = ([0i8; MAX_BLOCK], [0f32; MAX_BLOCK / GROUP], [0f32; MAX_BLOCK / PAIR]);
    let (quants, scales, offsets) =
        (&mut quants[..B::LEN], &mut scales[..B::LEN / GROUP], &mut offsets[..B::LEN / PAIR]);
    for (bytes, values) in bytes.chunks_exact(B::BYTES).zip(values.chunks_exact_mut(B::LEN)) {
        B::unpack(bytes, quants, scales, offsets);
        let groups = values.chunks_exact_mut(GROUP).zip(quants.chunks_exact(GROUP)).zip(&*scales);
        for (i, ((values, quants), &scale)) in groups.enumerate() {
            for (v, &q) in values.iter_mut().zip(quants) {
                // Without an offset nothing is added, so that a negative zero stays one.
                *v = if B::OFFSET { scale * f32::from(q) + offsets[i / 2] } else { scale * f32::from(q) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::DType;

    fn block_formats() -> impl Iterator<Item = DType> {
        DType::ALL.into_iter().filter(|d| d.is_blocks())
    }

    #[test]
    fn a_zero_row_reads_back_as_zeros() {
        for dtype in block_formats() {
            let mut bytes = vec![1u8; dtype.row_bytes(256).unwrap()];
            dtype.quantize(&[0.0; 256], &mut bytes);
            let mut back = [1f32; 256];
            dtype.dequantize(&bytes, &mut back);
            assert!(back.iter().all(|v| *v == 0.0), "{}", dtype.name());
        }
    }

    #[test]
    fn no_value_makes_a_panic() {
        let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e-45, -1e-45, 0.0, -0.0];
        for dtype in block_formats() {
            for first in bad {
                for second in bad {
                    let values: Vec<f32> = (0..256).map(|i| if i % 37 == 5 { first } else { second }).collect();
                    let mut bytes = vec![0u8; dtype.row_bytes(256).unwrap()];
                    dtype.quantize(&values, &mut bytes);
                    dtype.dequantize(&bytes, &mut values.clone());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_are_blocks(seed in proptest::collection::vec(any::<u8>(), 512)) {
            for dtype in block_formats() {
                dtype.dequantize(&seed[..dtype.row_bytes(256).unwrap()], &mut [0f32; 256]);
            }
        }

        #[test]
        fn the_error_is_a_few_steps_of_the_format(values in proptest::collection::vec(-3f32..3.0, 256)) {
            // Largest error found, in units of the range over the number of levels; scales are themselves rounded.
            for (dtype, step) in [(DType::Q4_0, 8.0), (DType::Q4_1, 15.0), (DType::Q5_0, 16.0), (DType::Q5_1, 31.0), (DType::Q8_0, 127.0),
                (DType::Q4K, 15.0), (DType::Q5K, 31.0), (DType::Q6K, 32.0)] {
                let mut bytes = vec![0u8; dtype.row_bytes(256).unwrap()];
                dtype.quantize(&values, &mut bytes);
                let mut back = [0f32; 256];
                dtype.dequantize(&bytes, &mut back);
                let worst = values.iter().zip(back).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                prop_assert!(worst <= 1.6 * 6.0 / step, "{} {worst}", dtype.name());
            }
        }
    }
}
