//! Products with ggml's block formats as they lie on disk: every block is taken apart, then multiplied with all tokens' inputs.
//!
//! The integer dot products are exact and every other operation has one order, so all instruction sets give the same bits.

use std::ops::Range;

use super::lanes::Output;
use crate::codec::{BlockFormat, DType, GROUP, MAX_BLOCK, PAIR, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
use crate::inference::Isa;

/// A product with weights in one block format and inputs quantized to blocks of [`PAIR`] signed bytes.
pub(super) struct Blocks<'a> {
    /// All rows' blocks, one after another.
    pub rows: &'a [u8],
    pub cols: usize,
    /// `[tokens][cols]`
    pub x: &'a [i8],
    /// `[tokens][cols / 32]`
    pub x_scales: &'a [f32],
    /// `[tokens][cols / 32]`: -128 times the sum of the block.
    pub corrections: &'a [i32],
    pub tokens: usize,
}

/// The product for a range of rows. Panics if the job's slices are too short, or on a format of floats.
///
/// # Safety
/// `isa` is on this machine; `to` has room for every token and row of `rows`; no other thread writes these rows.
pub(super) unsafe fn multiply(isa: Isa, format: DType, job: &Blocks<'_>, rows: Range<usize>, to: &Output) {
    // SAFETY: the caller's contract.
    unsafe {
        match format {
            DType::Q4_0 => on::<Q4_0>(isa, job, rows, to),
            DType::Q4_1 => on::<Q4_1>(isa, job, rows, to),
            DType::Q5_0 => on::<Q5_0>(isa, job, rows, to),
            DType::Q5_1 => on::<Q5_1>(isa, job, rows, to),
            DType::Q8_0 => on::<Q8_0>(isa, job, rows, to),
            DType::Q4K => on::<Q4K>(isa, job, rows, to),
            DType::Q5K => on::<Q5K>(isa, job, rows, to),
            DType::Q6K => on::<Q6K>(isa, job, rows, to),
            DType::F32 | DType::F16 | DType::BF16 => unreachable!("floats have products of their own"),
        }
    }
}

/// # Safety
/// As for [`multiply`].
unsafe fn on<B: BlockFormat>(isa: Isa, job: &Blocks<'_>, rows: Range<usize>, to: &Output) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
    unsafe fn avx512<B: BlockFormat>(job: &Blocks<'_>, rows: Range<usize>, to: &Output) {
        // SAFETY: the contract of `multiply`.
        unsafe { body::<B>(job, rows, to) }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn avx2<B: BlockFormat>(job: &Blocks<'_>, rows: Range<usize>, to: &Output) {
        // SAFETY: the contract of `multiply`.
        unsafe { body::<B>(job, rows, to) }
    }
    // SAFETY: the contract of `multiply`.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Vnni => avx512::<B>(job, rows, to),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::<B>(job, rows, to),
            _ => body::<B>(job, rows, to),
        }
    }
}

/// # Safety
/// As for [`multiply`], but for the instruction set.
#[inline(always)]
unsafe fn body<B: BlockFormat>(job: &Blocks<'_>, rows: Range<usize>, to: &Output) {
    let pairs = job.cols / PAIR;
    let row_bytes = job.cols / B::LEN * B::BYTES;
    let (mut quants, mut scales, mut offsets) = ([0i8; MAX_BLOCK], [0f32; MAX_BLOCK / GROUP], [0f32; MAX_BLOCK / PAIR]);
    let (quants, scales, offsets) =
        (&mut quants[..B::LEN], &mut scales[..B::LEN / GROUP], &mut offsets[..B::LEN / PAIR]);
    for row in rows {
        // SAFETY: the caller vouches for room for every token and this row.
        let out = |token: usize| unsafe { to.to.add(token * to.stride + row) };
        for token in 0..job.tokens {
            // SAFETY: as above.
            unsafe { out(token).write(0.0) };
        }
        let blocks = job.rows[row * row_bytes..][..row_bytes].chunks_exact(B::BYTES);
        for (block, bytes) in blocks.enumerate() {
            B::unpack(bytes, quants, scales, offsets);
            for token in 0..job.tokens {
                let first = token * pairs + block * (B::LEN / PAIR);
                let x = job.x[first * PAIR..][..B::LEN].as_chunks::<PAIR>().0;
                let x_scales = &job.x_scales[first..][..B::LEN / PAIR];
                let corrections = &job.corrections[first..][..B::LEN / PAIR];
                // SAFETY: as above; written before.
                let mut sum = unsafe { out(token).read() };
                for (pair, (x, quants)) in x.iter().zip(quants.as_chunks::<PAIR>().0).enumerate() {
                    let mut value = scales[2 * pair] * dot(&quants[..GROUP], &x[..GROUP])
                        + scales[2 * pair + 1] * dot(&quants[GROUP..], &x[GROUP..]);
                    if B::OFFSET {
                        value += offsets[pair] * (corrections[pair] / -128) as f32;
                    }
                    sum += value * x_scales[pair];
                }
                // SAFETY: as above.
                unsafe { out(token).write(sum) };
            }
        }
    }
}

/// The exact dot product of sixteen signed bytes.
#[inline(always)]
fn dot(a: &[i8], b: &[i8]) -> f32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>() as f32
}
