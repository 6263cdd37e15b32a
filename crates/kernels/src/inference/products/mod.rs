//! Products of packed weights with one or many inputs, on one or many threads.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod quantize;
mod scalar;

use std::ops::Range;

use super::panel_blocks::BlockLayout;
use super::{Isa, PANEL, PackedMatrix, Pool};
use crate::codec::{DType, PAIR};
use blocks::Blocks;
use lanes::{Dense, Output};
pub use quantize::ProductInput;
pub(super) use scalar::f16_to_f32;

/// Bytes of weights read, times tokens, below which a product stays on the calling thread: handing out the parts and
/// waiting for them takes about half a microsecond.
const WORTH_DIVIDING: usize = 100_000;

/// Numbers read as panels of 16 rows: panel `p`, column `c`, row `r` lie at
/// `values[p * panel_stride + c * column_stride + r]`.
pub(super) struct PanelView<'a, T> {
    pub values: &'a [T],
    pub panel_stride: usize,
    pub column_stride: usize,
    pub cols: usize,
    pub rows: usize,
}

/// A pointer that several threads write through, each in rows of its own.
struct Shared<T>(T);
// SAFETY: the jobs hold pointers into slices borrowed for the whole call; threads read the inputs and write disjoint rows.
unsafe impl<T> Sync for Shared<T> {}

/// `out[token * out_stride + row] = sum over columns of matrix[row, column] * x[token, column]` for every token.
///
/// `x` is `[tokens, cols]`. With weights in blocks the inputs are quantized to blocks of 32 signed bytes first, as ggml does
/// for Q8_0, and multiplied exactly. Divided over `pool` where that pays. Panics on sizes that do not fit.
#[allow(clippy::too_many_arguments)]
pub fn multiply(
    isa: Isa,
    pool: &Pool,
    matrix: &PackedMatrix,
    x: &[f32],
    tokens: usize,
    input: &mut ProductInput,
    out: &mut [f32],
    out_stride: usize,
) {
    isa.require();
    let (cols, panels) = (matrix.cols(), matrix.panels());
    let output = checked_output(out, out_stride, matrix.rows(), tokens);
    assert_eq!(x.len(), tokens * cols, "inputs");
    match matrix.format() {
        DType::F32 => {
            let job = Shared(packed_job(matrix.weights::<f32>(), panels, cols, x, tokens, output));
            let job = &job;
            // SAFETY: as above; `packed_job` checked the sizes.
            divide(pool, panels, matrix.byte_len() * tokens, &|part| unsafe { dense_f32(isa, &job.0, part) });
        }
        DType::F16 | DType::BF16 => {
            let half = matrix.format() == DType::F16;
            let job = Shared(packed_job(matrix.weights::<u16>(), panels, cols, x, tokens, output));
            let job = &job;
            // SAFETY: as above.
            divide(pool, panels, matrix.byte_len() * tokens, &|part| unsafe { dense_16(isa, half, &job.0, part) });
        }
        format => {
            let Some(layout) = BlockLayout::of(format) else { unreachable!("floats have products of their own") };
            let (planes, scales) = (matrix.weights(), matrix.scales());
            let job =
                Shared(block_job(isa, Some(pool), &layout, planes, scales, panels, cols, x, tokens, input, output));
            let (job, kind) = (&job, (layout.planes, layout.scales));
            // SAFETY: `divide` gives disjoint ranges within `panels`; sizes were checked above and by `quantize`.
            divide(pool, panels, matrix.byte_len() * tokens, &|part| unsafe {
                blocks::multiply(isa, kind, &job.0, part)
            });
        }
    }
}

/// A number that a [`PanelView`] may hold.
pub(super) trait Viewed: Sized {
    /// The product for all panels.
    ///
    /// # Safety
    /// `isa` is on this machine; the job's pointers fit its sizes.
    unsafe fn view(isa: Isa, job: &Dense<Self>, panels: usize);
}

macro_rules! viewed {
    ($stored:ty, $view:ident) => {
        impl Viewed for $stored {
            unsafe fn view(isa: Isa, job: &Dense<Self>, panels: usize) {
                // SAFETY: the caller's contract.
                unsafe {
                    match isa {
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx512Vnni | Isa::Avx512 => avx512::$view(job, panels),
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx2 => avx2::$view(job, panels),
                        #[cfg(target_arch = "aarch64")]
                        Isa::NeonDot | Isa::Neon => neon::$view(job, panels),
                        _ => scalar::$view(job, panels),
                    }
                }
            }
        }
    };
}
viewed!(f32, view_f32);
// Bits of IEEE halves.
viewed!(u16, view_f16);
viewed!(i8, view_i8);

/// The product of a panel view with `tokens` inputs `x[token * x_stride ..][..cols]`, on the calling thread.
/// `out[token * out_stride + row]`. Panics on sizes that do not fit.
pub(super) fn multiply_view<T: Viewed>(
    isa: Isa,
    view: &PanelView<'_, T>,
    x: &[f32],
    x_stride: usize,
    tokens: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    isa.require();
    if view.rows == 0 || tokens == 0 {
        return;
    }
    let output = checked_output(out, out_stride, view.rows, tokens);
    let panels = view.rows.div_ceil(PANEL);
    if view.cols > 0 {
        assert!(
            view.values.len() >= (panels - 1) * view.panel_stride + (view.cols - 1) * view.column_stride + PANEL,
            "weights"
        );
        assert!(x.len() >= (tokens - 1) * x_stride + view.cols, "inputs");
    }
    let job = Dense {
        weights: view.values.as_ptr(),
        panel_stride: view.panel_stride,
        column_stride: view.column_stride,
        cols: view.cols,
        x: x.as_ptr(),
        x_stride,
        tokens,
        out: output,
    };
    // SAFETY: the instruction set and every size were checked above.
    unsafe { T::view(isa, &job, panels) }
}

/// The first `rows` rows of Q8_0 panels (planes and scales as `BlockLayout` has them), `blocks` blocks of 32 columns, with `tokens` inputs, on the
/// calling thread. Panics on sizes that do not fit.
#[allow(clippy::too_many_arguments)]
pub(super) fn multiply_bytes(
    isa: Isa,
    planes: &[u8],
    scales: &[u8],
    rows: usize,
    blocks: usize,
    x: &[f32],
    tokens: usize,
    input: &mut ProductInput,
    out: &mut [f32],
    out_stride: usize,
) {
    isa.require();
    let Some(layout) = BlockLayout::of(DType::Q8_0) else { unreachable!("Q8_0 is a block format") };
    let output = checked_output(out, out_stride, rows, tokens);
    let panels = rows.div_ceil(PANEL);
    let job = block_job(isa, None, &layout, planes, scales, panels, blocks * PAIR, x, tokens, input, output);
    // SAFETY: `block_job` has checked the sizes; this thread alone writes the result.
    unsafe { blocks::multiply(isa, (layout.planes, layout.scales), &job, 0..panels) }
}

fn checked_output(out: &mut [f32], stride: usize, rows: usize, tokens: usize) -> Output {
    assert!(tokens > 0 && rows <= stride && out.len() >= (tokens - 1) * stride + rows, "outputs");
    Output { to: out.as_mut_ptr(), stride, rows }
}

/// A product with `panels` panels of blocks, its inputs `[tokens, cols]` quantized into `input`. Panics on sizes that do not fit.
#[allow(clippy::too_many_arguments)]
fn block_job(
    isa: Isa,
    pool: Option<&Pool>,
    layout: &BlockLayout,
    planes: &[u8],
    scales: &[u8],
    panels: usize,
    cols: usize,
    x: &[f32],
    tokens: usize,
    input: &mut ProductInput,
    out: Output,
) -> Blocks {
    let lengths = layout.panel_len(cols);
    assert!(planes.len() >= panels * lengths.0 && scales.len() >= panels * lengths.1, "weights");
    assert_eq!(x.len(), tokens * cols, "inputs");
    input.quantize(isa, pool, x, tokens, layout);
    input.job(planes.as_ptr(), scales.as_ptr(), cols / PAIR, tokens, out)
}

fn packed_job<T>(weights: &[T], panels: usize, cols: usize, x: &[f32], tokens: usize, out: Output) -> Dense<T> {
    assert!(weights.len() >= panels * cols * PANEL && x.len() == tokens * cols, "weights");
    Dense {
        weights: weights.as_ptr(),
        panel_stride: cols * PANEL,
        column_stride: PANEL,
        cols,
        x: x.as_ptr(),
        x_stride: cols,
        tokens,
        out,
    }
}

/// Runs `part` over all panels, divided among the pool's threads when there is enough to do.
fn divide(pool: &Pool, panels: usize, work: usize, part: &(dyn Fn(Range<usize>) + Sync)) {
    let threads = pool.threads();
    if threads < 2 || work < WORTH_DIVIDING {
        return part(0..panels);
    }
    // Some parts for each thread where there is much to do, so that a late one is no loss; as many panels in each as a single token
    // takes at once.
    let parts = if work < 20 * WORTH_DIVIDING { threads } else { 4 * threads };
    let size = panels.div_ceil(parts).next_multiple_of(if panels > 8 * parts { 8 } else { 1 });
    let parts = panels.div_ceil(size);
    pool.run(parts, &|index| part(size * index..(size * (index + 1)).min(panels)));
}

/// # Safety
/// `isa` is on this machine; the job's pointers fit its sizes; no other thread writes these panels' rows.
unsafe fn dense_f32(isa: Isa, job: &Dense<f32>, panels: Range<usize>) {
    // SAFETY: the caller's contract.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni | Isa::Avx512 => avx512::dense_f32(job, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::dense_f32(job, panels),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot | Isa::Neon => neon::dense_f32(job, panels),
            _ => scalar::dense_f32(job, panels),
        }
    }
}

/// Halves where `half`, else bfloat16.
///
/// # Safety
/// As for [`dense_f32`].
unsafe fn dense_16(isa: Isa, half: bool, job: &Dense<u16>, panels: Range<usize>) {
    // SAFETY: the caller's contract.
    unsafe {
        match (isa, half) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512Vnni | Isa::Avx512, true) => avx512::dense_f16(job, panels),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512Vnni | Isa::Avx512, false) => avx512::dense_bf16(job, panels),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, true) => avx2::dense_f16(job, panels),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, false) => avx2::dense_bf16(job, panels),
            #[cfg(target_arch = "aarch64")]
            (Isa::NeonDot | Isa::Neon, true) => neon::dense_f16(job, panels),
            #[cfg(target_arch = "aarch64")]
            (Isa::NeonDot | Isa::Neon, false) => neon::dense_bf16(job, panels),
            (_, true) => scalar::dense_f16(job, panels),
            (_, false) => scalar::dense_bf16(job, panels),
        }
    }
}
