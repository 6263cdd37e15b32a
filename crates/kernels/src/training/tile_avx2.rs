//! The inner loops of [`super`] for AVX2 with FMA: tiles of six rows by two vectors of eight f32.
//!
//! By intrinsics: from the same loops in plain Rust the compiler makes code whose sums live on the stack.

use std::arch::x86_64::{
    _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

use super::{Multiply, Operands, Product, Room, product_body, rows_of};

/// Values of a vector.
const LANES: usize = 8;

#[target_feature(enable = "avx2,fma")]
pub(super) fn f32(product: &Product<'_>, out: &mut [f32], room: &mut Room) {
    product_body::<Tiles, false>(product, out, room);
}

struct Tiles;

impl Multiply for Tiles {
    #[inline(always)]
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(operands: Operands) {
        let Operands { steps, left, stride, right, pitch, ahead: _, out, out_width, add } = operands;
        assert!(N == 2 * LANES, "only whole panels have wider tiles");
        let rows = rows_of::<M, ADJACENT>(left, stride);
        // SAFETY: the operands and the result are there by the caller's promise, who runs on a processor with the
        // instructions; asking ahead reads nothing.
        unsafe {
            for i in 0..if add { M } else { 0 } {
                _mm_prefetch::<_MM_HINT_T0>(out.add(i * out_width).cast());
            }
            let mut sums = [[_mm256_setzero_ps(); 2]; M];
            for p in 0..steps {
                let row = right.add(p * pitch).cast::<f32>();
                let (low, high) = (_mm256_loadu_ps(row), _mm256_loadu_ps(row.add(LANES)));
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let x = _mm256_broadcast_ss(&*row.add(if ADJACENT { p * stride } else { p }).cast::<f32>());
                    sums[0] = _mm256_fmadd_ps(x, low, sums[0]);
                    sums[1] = _mm256_fmadd_ps(x, high, sums[1]);
                }
            }
            for (i, &[low, high]) in sums.iter().enumerate() {
                let out = out.add(i * out_width);
                let (mut low, mut high) = (low, high);
                if add {
                    low = _mm256_add_ps(low, _mm256_loadu_ps(out));
                    high = _mm256_add_ps(high, _mm256_loadu_ps(out.add(LANES)));
                }
                _mm256_storeu_ps(out, low);
                _mm256_storeu_ps(out.add(LANES), high);
            }
        }
    }
}
