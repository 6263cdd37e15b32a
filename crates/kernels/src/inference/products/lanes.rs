//! The products, written once over "16 rows side by side": tiles of tokens by panels.

use std::ops::Range;

use super::super::PANEL;
use super::blocks::Quants;

/// 16 numbers of one instruction set. Every method is `unsafe` because it may only run where the instruction set is:
/// the methods must be inlined into a function that enables it. Pointers are to 16 readable (or writable) elements.
pub(super) trait Lanes: Sized {
    /// Whether there are products of bytes with 16-bit inputs.
    const WIDE: bool = false;

    /// 16 f32.
    type F: Copy;
    unsafe fn splat(value: f32) -> Self::F;
    unsafe fn load_f32(from: *const f32) -> Self::F;
    /// 16 IEEE halves.
    unsafe fn load_f16(from: *const u16) -> Self::F;
    /// 16 bfloat16.
    unsafe fn load_bf16(from: *const u16) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`.
    unsafe fn mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn store(to: *mut f32, value: Self::F);
    /// 16 unsigned bytes.
    unsafe fn load_u8(from: *const u8) -> Self::F;
    /// 16 signed bytes.
    unsafe fn load_i8(from: *const u8) -> Self::F;

    /// Four quants of each of 16 rows, `[16][4]` unsigned bytes.
    type Bytes: Copy;
    /// Loads 64 bytes.
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes;
    /// The low four bits of every byte.
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes;
    /// The high four bits of every byte.
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes;
    /// Sets bit 4 of every byte, which is not set yet, whose bit is set in the little-endian u64 at `mask`.
    unsafe fn or_sixteen(bytes: Self::Bytes, mask: *const u8) -> Self::Bytes;
    /// Sets bits 4 and 5 of every byte to bits `2 K` and `2 K + 1` of `top`'s byte.
    unsafe fn or_top<const K: usize>(bytes: Self::Bytes, top: Self::Bytes) -> Self::Bytes;

    /// Sums of dot products: 16 i32, in any order until [`float`](Self::float) puts them into that of the rows.
    type Ints: Copy;
    /// Sums before the first product. `correction` takes off what the bias of the quants adds to them. An implementation that
    /// multiplies quants of eight bits as signed bytes may take their bias off itself instead.
    unsafe fn start<Q: Quants>(correction: i32) -> Self::Ints;
    /// Adds the dot products of the 16 rows' quants in 16 columns with the 16 inputs at `x`, exact. Inputs are signed bytes of at least -127.
    unsafe fn dots<Q: Quants>(sums: Self::Ints, weights: &[Self::Bytes; 4], x: *const i8) -> Self::Ints;
    /// As [`block_dots`](Self::block_dots), of the first half of the columns alone or of the `SECOND`; every `x` is at that half's inputs.
    #[inline(always)]
    unsafe fn half_dots<Q: Quants, const SECOND: bool, const M: usize>(
        from: *const u8,
        x: [*const i8; M],
        corrections: [i32; M],
    ) -> [Self::Ints; M] {
        // SAFETY: the trait's contract; `from` is at a block of `Q` and every `x` has 16 elements.
        unsafe {
            let w = &Q::load_half::<Self, SECOND>(from);
            let mut all = [Self::start::<Q>(0); M];
            for ((sums, x), correction) in all.iter_mut().zip(x).zip(corrections) {
                *sums = Self::dots::<Q>(Self::start::<Q>(correction), w, x);
            }
            all
        }
    }
    /// The dot products of the 16 rows' quants in the 32 columns of the block at `from` with the inputs of `M` tokens, `corrections` as for
    /// [`start`](Self::start). Inputs lie as `ProductInput::quantize` puts them for this instruction set.
    #[inline(always)]
    unsafe fn block_dots<Q: Quants, const M: usize>(
        from: *const u8,
        x: [*const i8; M],
        corrections: [i32; M],
    ) -> [Self::Ints; M] {
        // SAFETY: the trait's contract; `from` is at a block of `Q` and every `x` has 32 elements.
        unsafe {
            let (first, second) = (&Q::load_half::<Self, false>(from), &Q::load_half::<Self, true>(from));
            let mut all = [Self::start::<Q>(0); M];
            for ((sums, x), correction) in all.iter_mut().zip(x).zip(corrections) {
                // Two sums, so that one addition need not wait for the other.
                let (a, b) = (Self::start::<Q>(correction), Self::start::<Q>(0));
                *sums = Self::add_ints(Self::dots::<Q>(a, first, x), Self::dots::<Q>(b, second, x.add(16)));
            }
            all
        }
    }
    unsafe fn add_ints(a: Self::Ints, b: Self::Ints) -> Self::Ints;
    unsafe fn float(sums: Self::Ints) -> Self::F;
}

/// A floating-point number format of weights.
pub(super) trait Element {
    type Stored: Copy;
    /// Loads 16 of them as f32; as unsafe as [`Lanes`].
    unsafe fn load<L: Lanes>(from: *const Self::Stored) -> L::F;
}

pub(super) struct Single;
pub(super) struct Half;
pub(super) struct Brain;
/// Signed bytes.
pub(super) struct Byte;

impl Element for Single {
    type Stored = f32;
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const f32) -> L::F {
        // SAFETY: the caller keeps this method's contract, which is that of the method called.
        unsafe { L::load_f32(from) }
    }
}

impl Element for Half {
    type Stored = u16;
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u16) -> L::F {
        // SAFETY: the caller keeps this method's contract, which is that of the method called.
        unsafe { L::load_f16(from) }
    }
}

impl Element for Brain {
    type Stored = u16;
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u16) -> L::F {
        // SAFETY: the caller keeps this method's contract, which is that of the method called.
        unsafe { L::load_bf16(from) }
    }
}

impl Element for Byte {
    type Stored = i8;
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const i8) -> L::F {
        // SAFETY: the caller keeps this method's contract, which is that of the method called.
        unsafe { L::load_i8(from.cast()) }
    }
}

/// Where results go: `out[token * stride + row]`, written by several threads in disjoint rows.
#[derive(Clone, Copy)]
pub(in crate::inference) struct Output {
    pub to: *mut f32,
    pub stride: usize,
    pub rows: usize,
}

/// A product with floating-point weights: panel `p`, column `c`, row `r` of the panel lie at
/// `weights[p * panel_stride + c * column_stride + r]`.
pub(in crate::inference) struct Dense<T> {
    pub weights: *const T,
    pub panel_stride: usize,
    pub column_stride: usize,
    pub cols: usize,
    pub x: *const f32,
    pub x_stride: usize,
    pub tokens: usize,
    pub out: Output,
}

/// Stores the lanes of a panel that are rows of the matrix.
#[inline(always)]
pub(super) unsafe fn store<L: Lanes>(out: &Output, token: usize, panel: usize, value: L::F) {
    let row = panel * PANEL;
    // SAFETY: the caller vouches for `tokens x rows` writable elements and for the instruction set.
    unsafe {
        let to = out.to.add(token * out.stride + row);
        if row + PANEL <= out.rows {
            L::store(to, value);
        } else {
            let mut all = [0.0; PANEL];
            L::store(all.as_mut_ptr(), value);
            std::ptr::copy_nonoverlapping(all.as_ptr(), to, out.rows - row);
        }
    }
}

/// M tokens by N panels. Column c is added to sum c % S of each result, in order, whatever M and N are.
#[inline(always)]
unsafe fn tile<L: Lanes, E: Element, const M: usize, const N: usize, const S: usize>(
    job: &Dense<E::Stored>,
    token: usize,
    panel: usize,
) {
    // SAFETY: the caller of `dense` vouches for the instruction set and for all of `job`'s pointers and sizes;
    // `token + M` and `panel + N` are within them.
    unsafe {
        let zero = L::splat(0.0);
        let mut sums = [[[zero; N]; M]; S];
        let x = job.x.add(token * job.x_stride);
        let weights = job.weights.add(panel * job.panel_stride);
        let whole = job.cols / S * S;
        for first in (0..whole).step_by(S) {
            for (s, sums) in sums.iter_mut().enumerate() {
                accumulate::<L, E, M, N>(job, x, weights, first + s, sums);
            }
        }
        for (s, sums) in sums.iter_mut().enumerate().take(job.cols - whole) {
            accumulate::<L, E, M, N>(job, x, weights, whole + s, sums);
        }
        for m in 0..M {
            for n in 0..N {
                let mut total = sums[0][m][n];
                for more in &sums[1..] {
                    total = L::add(total, more[m][n]);
                }
                store::<L>(&job.out, token + m, panel + n, total);
            }
        }
    }
}

/// Adds one column's products to the sums of M tokens by N panels.
#[inline(always)]
unsafe fn accumulate<L: Lanes, E: Element, const M: usize, const N: usize>(
    job: &Dense<E::Stored>,
    x: *const f32,
    weights: *const E::Stored,
    column: usize,
    sums: &mut [[L::F; N]; M],
) {
    // SAFETY: as in `tile`, which gives a column of the job and pointers within it.
    unsafe {
        let mut w = [L::splat(0.0); N];
        for (n, w) in w.iter_mut().enumerate() {
            *w = E::load::<L>(weights.add(n * job.panel_stride + column * job.column_stride));
        }
        for (m, sums) in sums.iter_mut().enumerate() {
            let value = L::splat(*x.add(m * job.x_stride + column));
            for (sum, w) in sums.iter_mut().zip(w) {
                *sum = L::mul_add(w, value, *sum);
            }
        }
    }
}

/// All tokens against N panels.
#[inline(always)]
unsafe fn column<L: Lanes, E: Element, const M: usize, const N: usize>(job: &Dense<E::Stored>, panel: usize) {
    let mut token = 0;
    // SAFETY: as in `dense`.
    unsafe {
        while token + M <= job.tokens {
            tile::<L, E, M, N, 1>(job, token, panel);
            token += M;
        }
        while token < job.tokens {
            tile::<L, E, 1, N, 1>(job, token, panel);
            token += 1;
        }
    }
}

/// The product for a range of panels: BATCH tokens by WIDE panels at a time where there are several tokens, one token by
/// SINGLE panels (enough independent sums to hide the latency of an addition) where there is one.
///
/// # Safety
/// Inlined into a function with `L`'s instruction set, on a machine that has it; every pointer of `job` valid for its sizes.
#[inline(always)]
pub(super) unsafe fn dense<L: Lanes, E: Element, const BATCH: usize, const WIDE: usize, const SINGLE: usize>(
    job: &Dense<E::Stored>,
    panels: Range<usize>,
) {
    let mut panel = panels.start;
    // SAFETY: the caller's contract is that of the functions called.
    unsafe {
        if job.tokens == 1 {
            while panel + SINGLE <= panels.end {
                tile::<L, E, 1, SINGLE, 1>(job, 0, panel);
                panel += SINGLE;
            }
            while panel + 2 <= panels.end {
                tile::<L, E, 1, 2, 1>(job, 0, panel);
                panel += 2;
            }
        }
        while panel + WIDE <= panels.end {
            column::<L, E, BATCH, WIDE>(job, panel);
            panel += WIDE;
        }
        while panel < panels.end {
            column::<L, E, BATCH, 1>(job, panel);
            panel += 1;
        }
    }
}

/// The product for all panels with few tokens and any shape, as attention needs it: where there are few results, each is
/// made of several sums, so that one addition need not wait for the other. Which sums a result is made of depends on the job's
/// shape only. WIDE instruction sets hold eight sums of 16, others four.
///
/// # Safety
/// As for [`dense`].
#[inline(always)]
pub(super) unsafe fn view<L: Lanes, E: Element, const WIDE: bool>(job: &Dense<E::Stored>, panels: usize) {
    let mut panel = 0;
    // SAFETY: the caller's contract is that of the functions called.
    unsafe {
        while panel + 4 <= panels {
            let mut token = 0;
            while WIDE && token + 2 <= job.tokens {
                tile::<L, E, 2, 4, 1>(job, token, panel);
                token += 2;
            }
            while token < job.tokens {
                if WIDE {
                    tile::<L, E, 1, 4, 2>(job, token, panel)
                } else {
                    tile::<L, E, 1, 4, 1>(job, token, panel)
                }
                token += 1;
            }
            panel += 4;
        }
        while panel + 2 <= panels {
            let mut token = 0;
            while token + 2 <= job.tokens {
                if WIDE {
                    tile::<L, E, 2, 2, 2>(job, token, panel)
                } else {
                    tile::<L, E, 2, 2, 1>(job, token, panel)
                }
                token += 2;
            }
            while token < job.tokens {
                if WIDE {
                    tile::<L, E, 1, 2, 4>(job, token, panel)
                } else {
                    tile::<L, E, 1, 2, 2>(job, token, panel)
                }
                token += 1;
            }
            panel += 2;
        }
        while panel < panels {
            for token in 0..job.tokens {
                if WIDE { tile::<L, E, 1, 1, 8>(job, token, panel) } else { tile::<L, E, 1, 1, 4>(job, token, panel) }
            }
            panel += 1;
        }
    }
}

/// Defines a module's products with floating-point weights for one implementation of [`Lanes`], its instruction set enabled.
macro_rules! dense_products {
    ($lanes:ty, [$($features:literal)?], batch $batch:literal, wide $wide:literal, single $single:literal, view $view:literal) => {
        dense_products!(@view view_f32, $lanes, Single, f32, [$($features)?], $view);
        dense_products!(@view view_f16, $lanes, Half, u16, [$($features)?], $view);
        dense_products!(@view view_i8, $lanes, Byte, i8, [$($features)?], $view);
        dense_products!(@one dense_f32, $lanes, Single, f32, [$($features)?], $batch, $wide, $single);
        dense_products!(@one dense_f16, $lanes, Half, u16, [$($features)?], $batch, $wide, $single);
        dense_products!(@one dense_bf16, $lanes, Brain, u16, [$($features)?], $batch, $wide, $single);
    };
    (@view $name:ident, $lanes:ty, $element:ident, $stored:ty, [$($features:literal)?], $wide:literal) => {
        /// # Safety
        /// The machine has the instruction set; every pointer of `job` is valid for its sizes.
        $(#[target_feature(enable = $features)])?
        pub(in crate::inference::products) unsafe fn $name(
            job: &$crate::inference::products::lanes::Dense<$stored>,
            panels: usize,
        ) {
            use $crate::inference::products::lanes;
            // SAFETY: the caller's contract is that of the generic product.
            unsafe { lanes::view::<$lanes, lanes::$element, $wide>(job, panels) }
        }
    };
    (@one $name:ident, $lanes:ty, $element:ident, $stored:ty, [$($features:literal)?], $batch:literal, $wide:literal, $single:literal) => {
        /// # Safety
        /// The machine has the instruction set; every pointer of `job` is valid for its sizes.
        $(#[target_feature(enable = $features)])?
        pub(in crate::inference::products) unsafe fn $name(
            job: &$crate::inference::products::lanes::Dense<$stored>,
            panels: std::ops::Range<usize>,
        ) {
            use $crate::inference::products::lanes;
            // SAFETY: the caller's contract is that of the generic product.
            unsafe { lanes::dense::<$lanes, lanes::$element, $batch, $wide, $single>(job, panels) }
        }
    };
}
pub(super) use dense_products;
