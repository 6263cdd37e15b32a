//! The inner loops of [`super::panels`]: tiles of the result in registers, over words of f32 or of bfloat16 pairs.

use crate::multiversion::{mul_add, multiversion};

use super::panels::PANEL;

/// Steps over the inner dimension between two visits of the result: a panel's block then stays in the nearest cache.
const STEPS: usize = 256;

/// Rows of the left operand between two visits of a panel: they then stay in the core's second cache while all panels
/// pass through the first.
const ROWS: usize = 256;

/// A product whose operands are words; the caller has checked that every index is inside its slice.
pub(super) struct Product<'a> {
    /// Rows of the result.
    pub rows: usize,
    /// Words of the inner dimension.
    pub steps: usize,
    /// Columns of the result.
    pub columns: usize,
    /// The left operand.
    pub left: &'a [u32],
    /// Whether words of neighbouring rows are neighbours: word (row, step) is at `row + step * stride`, else at
    /// `row * stride + step`.
    pub adjacent_rows: bool,
    pub stride: usize,
    /// Panels `panel_stride` apart, `[steps][32]` each.
    pub right: &'a [u32],
    pub panel_stride: usize,
    /// Distance between the result's rows.
    pub out_width: usize,
    /// Whether to add to the result.
    pub add: bool,
}

impl Product<'_> {
    /// Where a word of the left operand is.
    #[inline(always)]
    fn at(&self, row: usize, step: usize) -> usize {
        if self.adjacent_rows { row + step * self.stride } else { row * self.stride + step }
    }

    fn check(&self, out: &[f32]) {
        let last = self.at(self.rows - 1, self.steps - 1);
        let panels = self.columns.div_ceil(PANEL);
        assert!(last < self.left.len(), "left operand too short");
        assert!((panels - 1) * self.panel_stride + self.steps * PANEL <= self.right.len(), "panels too short");
        assert!((self.rows - 1) * self.out_width + self.columns <= out.len(), "result too short");
    }
}

/// How one instruction set multiplies words.
trait Multiply {
    /// `sums` plus `left[row][step] * right[step][..N]` over `steps`.
    ///
    /// # Safety
    /// All `M` rows and `steps` steps of the left operand, and all `steps` rows of `N` words of the right one (32
    /// apart), are readable; the processor has the instructions.
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(
        steps: usize,
        left: *const u32,
        stride: usize,
        right: *const u32,
        sums: [[f32; N]; M],
    ) -> [[f32; N]; M];
}

/// The first word of each row. With these the compiler needs no arithmetic on addresses but the step's own: where another
/// thread shares the core's front end, every instruction beside the multiplications is lost time.
#[inline(always)]
fn rows_of<const M: usize, const ADJACENT: bool>(left: *const u32, stride: usize) -> [*const u32; M] {
    std::array::from_fn(|i| left.wrapping_add(if ADJACENT { i } else { i * stride }))
}

struct F32<const FMA: bool>;

impl<const FMA: bool> Multiply for F32<FMA> {
    #[inline(always)]
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(
        steps: usize,
        left: *const u32,
        stride: usize,
        right: *const u32,
        mut sums: [[f32; N]; M],
    ) -> [[f32; N]; M] {
        let rows = rows_of::<M, ADJACENT>(left, stride);
        for p in 0..steps {
            // SAFETY: inside the operands by the caller's promise; f32 and u32 have the same size and alignment.
            let row: &[f32; N] = unsafe { &*right.add(p * PANEL).cast::<[f32; N]>() };
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let x = f32::from_bits(unsafe { *rows[i].add(if ADJACENT { p * stride } else { p }) });
                for (s, &y) in sum.iter_mut().zip(row) {
                    *s = mul_add::<FMA>(x, y, *s);
                }
            }
        }
        sums
    }
}

#[inline(always)]
fn product_body<K: Multiply, const LARGE: bool>(p: &Product<'_>, out: &mut [f32]) {
    p.check(out);
    if p.adjacent_rows { blocks::<K, LARGE, true>(p, out) } else { blocks::<K, LARGE, false>(p, out) }
}

#[inline(always)]
fn blocks<K: Multiply, const LARGE: bool, const ADJACENT: bool>(p: &Product<'_>, out: &mut [f32]) {
    for from in (0..p.steps).step_by(STEPS) {
        let steps = STEPS.min(p.steps - from);
        let add = p.add || from > 0;
        for top in (0..p.rows).step_by(ROWS) {
            let rows = ROWS.min(p.rows - top);
            let left = &p.left[p.at(top, from)..];
            for first in (0..p.columns).step_by(PANEL) {
                let panel = &p.right[first / PANEL * p.panel_stride + from * PANEL..];
                let columns = PANEL.min(p.columns - first);
                let out = &mut out[top * p.out_width + first..];
                if LARGE {
                    columns_of::<K, 8, 32, ADJACENT>(p, rows, steps, left, panel, out, columns, add);
                } else {
                    columns_of::<K, 6, 16, ADJACENT>(p, rows, steps, left, panel, out, columns.min(16), add);
                    if columns > 16 {
                        columns_of::<K, 6, 16, ADJACENT>(
                            p,
                            rows,
                            steps,
                            left,
                            &panel[16..],
                            &mut out[16..],
                            columns - 16,
                            add,
                        );
                    }
                }
            }
        }
    }
}

/// `rows` rows of at most `N` columns, `M` rows at a time.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn columns_of<K: Multiply, const M: usize, const N: usize, const ADJACENT: bool>(
    p: &Product<'_>,
    rows: usize,
    steps: usize,
    left: &[u32],
    panel: &[u32],
    out: &mut [f32],
    columns: usize,
    add: bool,
) {
    let mut i = 0;
    while i < rows {
        let (left, out) = (&left[p.at(i, 0)..], &mut out[i * p.out_width..]);
        let rows = rows - i;
        if rows >= M {
            store::<K, M, N, ADJACENT>(p, steps, left, panel, out, columns, add);
            i += M;
        } else if rows >= 4 {
            store::<K, 4, N, ADJACENT>(p, steps, left, panel, out, columns, add);
            i += 4;
        } else if rows >= 2 {
            store::<K, 2, N, ADJACENT>(p, steps, left, panel, out, columns, add);
            i += 2;
        } else {
            store::<K, 1, N, ADJACENT>(p, steps, left, panel, out, columns, add);
            i += 1;
        }
    }
}

#[inline(always)]
fn store<K: Multiply, const M: usize, const N: usize, const ADJACENT: bool>(
    p: &Product<'_>,
    steps: usize,
    left: &[u32],
    panel: &[u32],
    out: &mut [f32],
    columns: usize,
    add: bool,
) {
    assert!((M - 1) * p.out_width + columns <= out.len(), "result too short");
    // Whole tiles go straight from registers to the result: slices of a variable length would force them through memory.
    if columns == N {
        let zeros = [[0f32; N]; M];
        // SAFETY: `Product::check` has seen the last word of both operands inside their slices; the rows and steps here
        // are a part of them, and the panel's slice begins at its first step and column. `product_body` runs only where
        // its instructions exist.
        let sums = unsafe { K::tile::<M, N, ADJACENT>(steps, left.as_ptr(), p.stride, panel.as_ptr(), zeros) };
        for (i, mut sum) in sums.into_iter().enumerate() {
            // SAFETY: row i's N values are inside `out` by the assertion.
            let row = unsafe { &mut *out.as_mut_ptr().add(i * p.out_width).cast::<[f32; N]>() };
            if add {
                sum.iter_mut().zip(row.iter()).for_each(|(s, o)| *s += o);
            }
            *row = sum;
        }
    } else {
        let mut sums = [[0f32; N]; M];
        if add {
            for (i, sum) in sums.iter_mut().enumerate() {
                sum[..columns].copy_from_slice(&out[i * p.out_width..][..columns]);
            }
        }
        // SAFETY: as above; a panel's words are there beyond its last column, too.
        let sums = unsafe { K::tile::<M, N, ADJACENT>(steps, left.as_ptr(), p.stride, panel.as_ptr(), sums) };
        for (i, sum) in sums.iter().enumerate() {
            out[i * p.out_width..][..columns].copy_from_slice(&sum[..columns]);
        }
    }
}

multiversion! { pub(super) fn f32(product: &Product<'_>, out: &mut [f32]) = f32_body }

#[inline(always)]
fn f32_body<const FMA: bool, const LANES: usize>(product: &Product<'_>, out: &mut [f32]) {
    if LANES == 32 {
        product_body::<F32<FMA>, true>(product, out);
    } else {
        product_body::<F32<FMA>, false>(product, out);
    }
}

/// Whether the processor multiplies pairs of bfloat16.
pub(super) fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::multiversion::{Level, level};
        std::arch::is_x86_feature_detected!("avx512bf16") && level() == Level::Avx512
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The product of words of bfloat16 pairs.
///
/// # Panics
/// Where [`has_bf16`] is false: no one packs pairs there.
#[cfg(target_arch = "x86_64")]
pub(super) fn bf16_pairs(product: &Product<'_>, out: &mut [f32]) {
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };

    struct Pairs;
    impl Multiply for Pairs {
        #[inline(always)]
        unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(
            steps: usize,
            left: *const u32,
            stride: usize,
            right: *const u32,
            mut sums: [[f32; N]; M],
        ) -> [[f32; N]; M] {
            let rows = rows_of::<M, ADJACENT>(left, stride);
            // SAFETY: the operands are readable by the caller's promise, the sums are N values a row (a multiple of 16),
            // and the caller runs on a processor with AVX-512 F and BF16; a vector of 32-bit words is a vector of
            // bfloat16 pairs.
            unsafe {
                let mut s = [[_mm512_setzero_ps(); 2]; M];
                for (s, sum) in s.iter_mut().zip(sums.iter()) {
                    for (v, s) in s.iter_mut().take(N / 16).enumerate() {
                        *s = _mm512_loadu_ps(sum.as_ptr().add(16 * v));
                    }
                }
                for p in 0..steps {
                    let row = right.add(p * PANEL);
                    let y: [__m512bh; 2] = std::array::from_fn(|v| match v < N / 16 {
                        true => std::mem::transmute::<__m512i, __m512bh>(_mm512_loadu_si512(row.add(16 * v).cast())),
                        false => std::mem::transmute::<__m512, __m512bh>(_mm512_setzero_ps()),
                    });
                    for (i, s) in s.iter_mut().enumerate() {
                        let x = *rows[i].add(if ADJACENT { p * stride } else { p });
                        let x = _mm512_set1_epi32(x as i32);
                        let x = std::mem::transmute::<__m512i, __m512bh>(x);
                        for (s, &y) in s.iter_mut().zip(&y).take(N / 16) {
                            *s = _mm512_dpbf16_ps(*s, x, y);
                        }
                    }
                }
                for (sum, s) in sums.iter_mut().zip(s) {
                    for (v, s) in s.into_iter().take(N / 16).enumerate() {
                        _mm512_storeu_ps(sum.as_mut_ptr().add(16 * v), s);
                    }
                }
                sums
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
    fn body(product: &Product<'_>, out: &mut [f32]) {
        product_body::<Pairs, true>(product, out);
    }
    assert!(has_bf16(), "pairs were packed without the instructions to multiply them");
    // SAFETY: the assertion has just seen every feature that the function enables.
    unsafe { body(product, out) }
}

/// Pairs are packed on x86-64 alone.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn bf16_pairs(_: &Product<'_>, _: &mut [f32]) {
    unreachable!("pairs are packed on x86-64 only");
}
