//! Small matrix products inside other kernels: operands that fit in cache, any strides on the left, no packing.

use crate::multiversion::{mul_add, multiversion};

/// A matrix seen through strides: element (row, column) is `data[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// The storage.
    pub data: &'a [f32],
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

impl<'a> Strided<'a> {
    /// A row-major matrix whose rows are `width` apart.
    pub fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row_stride: width, column_stride: 1 }
    }

    /// The transpose of a row-major matrix whose rows are `width` apart.
    pub fn columns(data: &'a [f32], width: usize) -> Self {
        Self { data, row_stride: 1, column_stride: width }
    }
}

multiversion! {
    /// `c[m, n] = a[m, k] b[k, n]`, or `c += a b` if `accumulate`. `b` and `c` are row-major with rows `b_width` and
    /// `c_width` apart. Each element is summed over `k` in order.
    pub fn product(m: usize, n: usize, k: usize, a: Strided<'_>, b: &[f32], b_width: usize, c: &mut [f32], c_width: usize, accumulate: bool) = product_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn product_body<const FMA: bool, const LANES: usize>(
    m: usize,
    n: usize,
    k: usize,
    a: Strided<'_>,
    b: &[f32],
    b_width: usize,
    c: &mut [f32],
    c_width: usize,
    accumulate: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    if k > 0 {
        assert!((m - 1) * a.row_stride + (k - 1) * a.column_stride < a.data.len(), "left operand too short");
        assert!((k - 1) * b_width + n <= b.len(), "right operand too short");
    }
    assert!((m - 1) * c_width + n <= c.len(), "result too short");
    let mut j = 0;
    while j < n {
        if n - j >= LANES {
            column_block::<FMA, LANES>(m, k, a, &b[j.min(b.len())..], b_width, &mut c[j..], c_width, accumulate);
            j += LANES;
        } else if n - j >= 16 {
            column_block::<FMA, 16>(m, k, a, &b[j.min(b.len())..], b_width, &mut c[j..], c_width, accumulate);
            j += 16;
        } else if n - j >= 4 {
            column_block::<FMA, 4>(m, k, a, &b[j.min(b.len())..], b_width, &mut c[j..], c_width, accumulate);
            j += 4;
        } else {
            column_block::<FMA, 1>(m, k, a, &b[j.min(b.len())..], b_width, &mut c[j..], c_width, accumulate);
            j += 1;
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn column_block<const FMA: bool, const N: usize>(
    m: usize,
    k: usize,
    a: Strided<'_>,
    b: &[f32],
    b_width: usize,
    c: &mut [f32],
    c_width: usize,
    accumulate: bool,
) {
    let mut i = 0;
    while i < m {
        let rows = Strided { data: &a.data[(i * a.row_stride).min(a.data.len())..], ..a };
        let out = &mut c[i * c_width..];
        if m - i >= 6 {
            tile::<FMA, 6, N>(k, rows, b, b_width, out, c_width, accumulate);
            i += 6;
        } else if m - i >= 3 {
            tile::<FMA, 3, N>(k, rows, b, b_width, out, c_width, accumulate);
            i += 3;
        } else {
            tile::<FMA, 1, N>(k, rows, b, b_width, out, c_width, accumulate);
            i += 1;
        }
    }
}

/// An `M` x `N` tile held in registers over the whole of `k`.
#[inline(always)]
fn tile<const FMA: bool, const M: usize, const N: usize>(
    k: usize,
    a: Strided<'_>,
    b: &[f32],
    b_width: usize,
    c: &mut [f32],
    c_width: usize,
    accumulate: bool,
) {
    let mut sums = [[0f32; N]; M];
    for p in 0..k {
        // SAFETY: `product_body` has asserted that the last row and column of both operands are inside their slices,
        // and the tile never leaves the m x n result (M <= rows left, N <= columns left).
        let row: &[f32; N] = unsafe { &*b.as_ptr().add(p * b_width).cast::<[f32; N]>() };
        for (i, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above.
            let left = unsafe { *a.data.get_unchecked(i * a.row_stride + p * a.column_stride) };
            for (s, &right) in sum.iter_mut().zip(row) {
                *s = mul_add::<FMA>(left, right, *s);
            }
        }
    }
    for (i, sum) in sums.iter().enumerate() {
        let out = &mut c[i * c_width..i * c_width + N];
        if accumulate {
            for (o, s) in out.iter_mut().zip(sum) {
                *o += s;
            }
        } else {
            out.copy_from_slice(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_the_triple_loop(m in 0usize..20, n in 0usize..75, k in 0usize..33, transposed: bool, accumulate: bool, seed in 0u32..1000) {
            let value = |i: usize| (((i as u32).wrapping_mul(2654435761).wrapping_add(seed * 97)) >> 16) as f32 / 65536.0 - 0.5;
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let b: Vec<f32> = (0..k * (n + 3)).map(|i| value(i + 7)).collect();
            let start: Vec<f32> = (0..m * (n + 2)).map(|i| value(i + 13)).collect();
            let left = if transposed { Strided::columns(&a, m) } else { Strided::rows(&a, k) };
            let mut c = start.clone();
            product(m, n, k, left, &b, n + 3, &mut c, n + 2, accumulate);
            for i in 0..m {
                for j in 0..n + 2 {
                    let at = i * (n + 2) + j;
                    let want = if j >= n { start[at] as f64 } else {
                        let sum: f64 = (0..k).map(|p| a[i * left.row_stride + p * left.column_stride] as f64 * b[p * (n + 3) + j] as f64).sum();
                        sum + if accumulate { start[at] as f64 } else { 0.0 }
                    };
                    prop_assert!((c[at] as f64 - want).abs() < 1e-5);
                }
            }
        }
    }
}
