//! Products with ggml's block formats in panels, written once over "16 rows side by side": one block of 32 columns is taken apart
//! into registers, then multiplied with several tokens' inputs.
//!
//! The integer dot products are exact, and every sum runs over the blocks in order, whatever the number of tokens.

use std::marker::PhantomData;
use std::ops::Range;

use super::super::panel_blocks::{Planes, Scales};
use super::super::{Isa, PANEL};
use super::lanes::{Lanes, Output, store};
use crate::codec::PAIR;

/// A product with weights in blocks and inputs quantized to blocks of 32 signed bytes.
pub(super) struct Blocks {
    /// Planes, as `BlockLayout` says.
    pub weights: *const u8,
    /// Scales, as `BlockLayout` says.
    pub scales: *const u8,
    /// Blocks of 32 in a row.
    pub blocks: usize,
    /// `[tokens][blocks][32]`, as [`ProductInput`](super::ProductInput) keeps them.
    pub x: *const i8,
    /// Whether inputs are 16-bit numbers, not bytes.
    pub wide: bool,
    /// `[tokens][blocks]`
    pub x_scales: *const f32,
    /// `[tokens][blocks]`: minus the format's bias times the sums of the first sixteen and of all inputs.
    pub corrections: *const [i32; 2],
    /// `[tokens][blocks]`: the sum of the inputs times their scale.
    pub sums: *const f32,
    pub tokens: usize,
    pub out: Output,
}

impl Blocks {
    /// Where the `at`-th block of inputs is.
    #[inline(always)]
    unsafe fn input(&self, at: usize) -> *const i8 {
        // SAFETY: the caller gives a block of the job.
        unsafe { self.x.add(at * if self.wide { 2 * PAIR } else { PAIR }) }
    }
}

/// A way to keep 32 columns of quants.
pub(super) trait Quants {
    const PLANES: Planes;
    /// Bits of a quant.
    const BITS: u32;
    /// Whether inputs are 16-bit numbers, as [`ProductInput`](super::ProductInput) keeps them where that pays.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only AVX2 multiplies them"))]
    const WIDE: bool = false;
    /// Vector `g` (0 to 3) of the first half of the columns of the block at `from`, or of the `SECOND`; as unsafe as [`Lanes`]. Without closures: they would
    /// not have the instruction set.
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes;
    /// All four of a half; as unsafe.
    #[inline(always)]
    unsafe fn load_half<L: Lanes, const SECOND: bool>(from: *const u8) -> [L::Bytes; 4] {
        // SAFETY: the caller's contract.
        unsafe {
            [
                Self::vector::<L, SECOND>(from, 0),
                Self::vector::<L, SECOND>(from, 1),
                Self::vector::<L, SECOND>(from, 2),
                Self::vector::<L, SECOND>(from, 3),
            ]
        }
    }
}

struct Bytes;
/// [`Bytes`] with wide inputs.
struct WideBytes;
struct Nibbles;
struct Fifths;
struct Sixths;

impl Quants for Bytes {
    const PLANES: Planes = Planes::Bytes;
    const BITS: u32 = 8;

    #[inline(always)]
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe { L::load_bytes(from.add(64 * (g + 4 * usize::from(SECOND)))) }
    }
}

impl Quants for WideBytes {
    const PLANES: Planes = Planes::Bytes;
    const BITS: u32 = 8;
    const WIDE: bool = true;

    #[inline(always)]
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes {
        // SAFETY: the caller's contract.
        unsafe { Bytes::vector::<L, SECOND>(from, g) }
    }
}

impl Quants for Nibbles {
    const PLANES: Planes = Planes::Nibbles;
    const BITS: u32 = 4;

    #[inline(always)]
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let both = L::load_bytes(from.add(64 * g));
            if SECOND { L::high_nibbles(both) } else { L::low_nibbles(both) }
        }
    }
}

impl Quants for Fifths {
    const PLANES: Planes = Planes::Fifths;
    const BITS: u32 = 5;

    #[inline(always)]
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let fifth_bits = from.add(256 + 8 * (g + 4 * usize::from(SECOND)));
            L::or_sixteen(Nibbles::vector::<L, SECOND>(from, g), fifth_bits)
        }
    }
}

impl Quants for Sixths {
    const PLANES: Planes = Planes::Sixths;
    const BITS: u32 = 6;

    #[inline(always)]
    unsafe fn vector<L: Lanes, const SECOND: bool>(from: *const u8, g: usize) -> L::Bytes {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let low = Nibbles::vector::<L, SECOND>(from, g);
            let top = L::load_bytes(from.add(256 + 64 * usize::from(SECOND)));
            match g {
                0 => L::or_top::<0>(low, top),
                1 => L::or_top::<1>(low, top),
                2 => L::or_top::<2>(low, top),
                _ => L::or_top::<3>(low, top),
            }
        }
    }
}

/// A panel's block of [`Sixths`], the `block`-th of all, with the input blocks of `M` tokens, the first of which is at `at`: dot products of the 16 rows
/// with the first and the second sixteen columns, biases taken off.
#[inline(always)]
unsafe fn halves<L: Lanes, const M: usize>(job: &Blocks, block: usize, at: usize) -> [[L::Ints; M]; 2] {
    // SAFETY: the caller gives blocks of the job, and the instruction set.
    unsafe {
        let (mut x, mut second_x, mut corrections, mut second_corrections) = ([job.x; M], [job.x; M], [0; M], [0; M]);
        for m in 0..M {
            let at = at + m * job.blocks;
            x[m] = job.input(at);
            second_x[m] = x[m].add(16);
            let [half, whole] = *job.corrections.add(at);
            (corrections[m], second_corrections[m]) = (half, whole - half);
        }
        let from = job.weights.add(block * Sixths::PLANES.byte_len());
        [
            L::half_dots::<Sixths, false, M>(from, x, corrections),
            L::half_dots::<Sixths, true, M>(from, second_x, second_corrections),
        ]
    }
}

/// A panel's block, the `block`-th of all, with the input blocks of `M` tokens, the first of which is at `at`: dot products of the 16 rows with all 32
/// columns, biases taken off.
#[inline(always)]
unsafe fn wholes<L: Lanes, Q: Quants, const M: usize>(job: &Blocks, block: usize, at: usize) -> [L::Ints; M] {
    // SAFETY: the caller gives blocks of the job, and the instruction set.
    unsafe {
        let (mut x, mut corrections) = ([job.x; M], [0; M]);
        for m in 0..M {
            let at = at + m * job.blocks;
            x[m] = job.input(at);
            corrections[m] = (*job.corrections.add(at))[1];
        }
        L::block_dots::<Q, M>(job.weights.add(block * Q::PLANES.byte_len()), x, corrections)
    }
}

/// Writes `M` tokens' sums of one panel.
#[inline(always)]
unsafe fn store_all<L: Lanes, const M: usize>(job: &Blocks, token: usize, panel: usize, sums: [L::F; M]) {
    for (m, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller gives tokens and a panel of the job, and the instruction set.
        unsafe { store::<L>(&job.out, token + m, panel, sum) };
    }
}

/// How quants become sums.
trait Tile {
    /// `M` tokens of one panel, into the result.
    ///
    /// # Safety
    /// As for [`product`]; `token + M` and `panel` are within the job.
    unsafe fn run<L: Lanes, const M: usize>(job: &Blocks, token: usize, panel: usize);
}

/// `d * q` or, with `MINIMUM`, `d * q + m`.
struct Simple<Q, const MINIMUM: bool>(PhantomData<Q>);
/// `d * scale * q - dmin * minimum`.
struct SuperMinimum<Q>(PhantomData<Q>);
/// [`Sixths`], `d * scale * q`, with a signed scale for each 16 columns.
struct SuperPlain;

impl<Q: Quants, const MINIMUM: bool> Tile for Simple<Q, MINIMUM> {
    #[inline(always)]
    unsafe fn run<L: Lanes, const M: usize>(job: &Blocks, token: usize, panel: usize) {
        // SAFETY: the caller's contract.
        unsafe {
            let scale_len = if MINIMUM { 4 * PANEL } else { 2 * PANEL };
            let mut sums = [L::splat(0.0); M];
            for block in 0..job.blocks {
                let at = panel * job.blocks + block;
                let scales = job.scales.add(at * scale_len).cast::<u16>();
                let d = L::load_f16(scales);
                let dots = wholes::<L, Q, M>(job, at, token * job.blocks + block);
                for (m, sum) in sums.iter_mut().enumerate() {
                    let x = (token + m) * job.blocks + block;
                    let dot = L::mul(L::float(dots[m]), d);
                    *sum = L::mul_add(dot, L::splat(*job.x_scales.add(x)), *sum);
                    if MINIMUM {
                        *sum = L::mul_add(L::load_f16(scales.add(PANEL)), L::splat(*job.sums.add(x)), *sum);
                    }
                }
            }
            store_all::<L, M>(job, token, panel, sums);
        }
    }
}
impl<Q: Quants> Tile for SuperMinimum<Q> {
    #[inline(always)]
    unsafe fn run<L: Lanes, const M: usize>(job: &Blocks, token: usize, panel: usize) {
        // SAFETY: the caller's contract.
        unsafe {
            let supers = job.blocks / 8;
            let mut sums = [L::splat(0.0); M];
            for block in 0..supers {
                let scales = job.scales.add((panel * supers + block) * 20 * PANEL);
                let (mut products, mut minimums) = ([L::splat(0.0); M], [L::splat(0.0); M]);
                for pair in 0..8 {
                    let at = panel * job.blocks + block * 8 + pair;
                    let scale = L::load_u8(scales.add((4 + 2 * pair) * PANEL));
                    let minimum = L::load_u8(scales.add((5 + 2 * pair) * PANEL));
                    let dots = wholes::<L, Q, M>(job, at, token * job.blocks + block * 8 + pair);
                    for m in 0..M {
                        let x = (token + m) * job.blocks + block * 8 + pair;
                        let dot = L::mul(L::float(dots[m]), scale);
                        products[m] = L::mul_add(dot, L::splat(*job.x_scales.add(x)), products[m]);
                        minimums[m] = L::mul_add(minimum, L::splat(-*job.sums.add(x)), minimums[m]);
                    }
                }
                let d = L::load_f16(scales.cast());
                let dmin = L::load_f16(scales.cast::<u16>().add(PANEL));
                for (m, sum) in sums.iter_mut().enumerate() {
                    *sum = L::mul_add(dmin, minimums[m], L::mul_add(d, products[m], *sum));
                }
            }
            store_all::<L, M>(job, token, panel, sums);
        }
    }
}
impl Tile for SuperPlain {
    #[inline(always)]
    unsafe fn run<L: Lanes, const M: usize>(job: &Blocks, token: usize, panel: usize) {
        // SAFETY: the caller's contract.
        unsafe {
            let supers = job.blocks / 8;
            let mut sums = [L::splat(0.0); M];
            for block in 0..supers {
                let scales = job.scales.add((panel * supers + block) * 18 * PANEL);
                let mut products = [L::splat(0.0); M];
                for pair in 0..8 {
                    let at = panel * job.blocks + block * 8 + pair;
                    let first = L::load_i8(scales.add((2 + 2 * pair) * PANEL));
                    let second = L::load_i8(scales.add((3 + 2 * pair) * PANEL));
                    let [a, b] = halves::<L, M>(job, at, token * job.blocks + block * 8 + pair);
                    for (m, product) in products.iter_mut().enumerate() {
                        let x = (token + m) * job.blocks + block * 8 + pair;
                        let dot = L::mul_add(L::float(a[m]), first, L::mul(L::float(b[m]), second));
                        *product = L::mul_add(dot, L::splat(*job.x_scales.add(x)), *product);
                    }
                }
                let d = L::load_f16(scales.cast());
                for (sum, product) in sums.iter_mut().zip(products) {
                    *sum = L::mul_add(d, product, *sum);
                }
            }
            store_all::<L, M>(job, token, panel, sums);
        }
    }
}

/// All tokens of a range of panels, `BATCH` at a time while there are so many.
///
/// # Safety
/// Inlined into a function with `L`'s instruction set, on a machine that has it; every pointer of `job` valid for its sizes.
#[inline(always)]
unsafe fn tiles<L: Lanes, T: Tile, const BATCH: usize>(job: &Blocks, panels: Range<usize>) {
    for panel in panels {
        let mut token = 0;
        // SAFETY: the caller's contract; tokens and panels are the job's.
        unsafe {
            while token + BATCH <= job.tokens {
                T::run::<L, BATCH>(job, token, panel);
                token += BATCH;
            }
            while token < job.tokens {
                T::run::<L, 1>(job, token, panel);
                token += 1;
            }
        }
    }
}

/// The product for a range of panels of weights in these planes with these scales; `BATCH` tokens at a time, where scales have
/// one level, else `SUPER`.
///
/// # Safety
/// As for [`tiles`]. The planes and scales are those of a format.
#[inline(always)]
pub(super) unsafe fn product<L: Lanes, const BATCH: usize, const SUPER: usize>(
    kind: (Planes, Scales),
    job: &Blocks,
    panels: Range<usize>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match kind {
            (Planes::Bytes, _) if L::WIDE && job.wide => tiles::<L, Simple<WideBytes, false>, BATCH>(job, panels),
            (Planes::Bytes, _) => tiles::<L, Simple<Bytes, false>, BATCH>(job, panels),
            (Planes::Nibbles, Scales::Plain) => tiles::<L, Simple<Nibbles, false>, BATCH>(job, panels),
            (Planes::Nibbles, Scales::Minimum) => tiles::<L, Simple<Nibbles, true>, BATCH>(job, panels),
            (Planes::Nibbles, _) => tiles::<L, SuperMinimum<Nibbles>, SUPER>(job, panels),
            (Planes::Fifths, Scales::Plain) => tiles::<L, Simple<Fifths, false>, BATCH>(job, panels),
            (Planes::Fifths, Scales::Minimum) => tiles::<L, Simple<Fifths, true>, BATCH>(job, panels),
            (Planes::Fifths, _) => tiles::<L, SuperMinimum<Fifths>, SUPER>(job, panels),
            (Planes::Sixths, _) => tiles::<L, SuperPlain, SUPER>(job, panels),
        }
    }
}

/// Defines a module's product with weights in blocks for one implementation of [`Lanes`], its instruction set enabled.
macro_rules! block_product {
    ($lanes:ty, [$($features:literal)?], batch $batch:literal, super $super:literal) => {
        /// # Safety
        /// The machine has the instruction set; every pointer of `job` is valid for its sizes.
        $(#[target_feature(enable = $features)])?
        pub(in crate::inference::products) unsafe fn blocks(
            kind: ($crate::inference::panel_blocks::Planes, $crate::inference::panel_blocks::Scales),
            job: &$crate::inference::products::blocks::Blocks,
            panels: std::ops::Range<usize>,
        ) {
            // SAFETY: the caller's contract is that of the generic product.
            unsafe { $crate::inference::products::blocks::product::<$lanes, $batch, $super>(kind, job, panels) }
        }
    };
}
pub(super) use block_product;

/// The product for a range of panels.
///
/// # Safety
/// `isa` is on this machine; the job's pointers fit its sizes; no other thread writes these panels' rows.
pub(super) unsafe fn multiply(isa: Isa, kind: (Planes, Scales), job: &Blocks, panels: Range<usize>) {
    // SAFETY: the caller's contract.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => super::avx512::vnni::blocks(kind, job, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::avx512::blocks(kind, job, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::avx2::blocks(kind, job, panels),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => super::neon::dot::blocks(kind, job, panels),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => super::neon::blocks(kind, job, panels),
            _ => super::scalar::blocks(kind, job, panels),
        }
    }
}
