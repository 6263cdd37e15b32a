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
    /// `[tokens][blocks][32]`
    pub x: *const i8,
    /// `[tokens][blocks]`
    pub x_scales: *const f32,
    /// `[tokens][blocks]`: minus the format's bias times the sums of the first and of the second sixteen inputs.
    pub corrections: *const [i32; 2],
    /// `[tokens][blocks]`: the sum of the inputs times their scale.
    pub sums: *const f32,
    pub tokens: usize,
    pub out: Output,
}

/// A way to keep 32 columns of quants.
trait Quants {
    const PLANES: Planes;
    /// Bits of a quant.
    const BITS: u32;
    /// The eight vectors of a block; as unsafe as [`Lanes`]. Without closures: they would not have the instruction set.
    unsafe fn load<L: Lanes>(from: *const u8) -> [L::Bytes; 8];
}

struct Bytes;
struct Nibbles;
struct Fifths;
struct Sixths;

impl Quants for Bytes {
    const PLANES: Planes = Planes::Bytes;
    const BITS: u32 = 8;

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u8) -> [L::Bytes; 8] {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let mut all = [L::load_bytes(from); 8];
            for (g, bytes) in all.iter_mut().enumerate() {
                *bytes = L::load_bytes(from.add(64 * g));
            }
            all
        }
    }
}

impl Quants for Nibbles {
    const PLANES: Planes = Planes::Nibbles;
    const BITS: u32 = 4;

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u8) -> [L::Bytes; 8] {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let mut all = [L::load_bytes(from); 8];
            for g in 0..4 {
                let both = L::load_bytes(from.add(64 * g));
                (all[g], all[g + 4]) = (L::low_nibbles(both), L::high_nibbles(both));
            }
            all
        }
    }
}

impl Quants for Fifths {
    const PLANES: Planes = Planes::Fifths;
    const BITS: u32 = 5;

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u8) -> [L::Bytes; 8] {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let mut all = Nibbles::load::<L>(from);
            for (g, bytes) in all.iter_mut().enumerate() {
                *bytes = L::or_sixteen(*bytes, from.add(256 + 8 * g));
            }
            all
        }
    }
}

impl Quants for Sixths {
    const PLANES: Planes = Planes::Sixths;
    const BITS: u32 = 6;

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const u8) -> [L::Bytes; 8] {
        // SAFETY: the caller gives the planes of a block, and the instruction set.
        unsafe {
            let low = Nibbles::load::<L>(from);
            let top = [L::load_bytes(from.add(256)), L::load_bytes(from.add(320))];
            [
                L::or_top::<0>(low[0], top[0]),
                L::or_top::<1>(low[1], top[0]),
                L::or_top::<2>(low[2], top[0]),
                L::or_top::<3>(low[3], top[0]),
                L::or_top::<0>(low[4], top[1]),
                L::or_top::<1>(low[5], top[1]),
                L::or_top::<2>(low[6], top[1]),
                L::or_top::<3>(low[7], top[1]),
            ]
        }
    }
}

/// One panel's block of [`Sixths`] with one token's input block: dot products of the 16 rows with the first and the second sixteen columns,
/// biases taken off.
#[inline(always)]
unsafe fn halves<L: Lanes>(job: &Blocks, w: &[L::Bytes; 8], at: usize) -> [L::Ints; 2] {
    // SAFETY: the caller gives a block of the job, and the instruction set.
    unsafe {
        let x = job.x.add(at * PAIR);
        let correction = *job.corrections.add(at);
        let (first, second) = (&[w[0], w[1], w[2], w[3]], &[w[4], w[5], w[6], w[7]]);
        [
            L::dots::<6>(L::start::<true>(correction[0]), first, x),
            L::dots::<6>(L::start::<true>(correction[1]), second, x.add(16)),
        ]
    }
}

/// One panel's block with the input blocks of `M` tokens, the first of which is at `at`: dot products of the 16 rows with all 32 columns, biases taken off.
#[inline(always)]
unsafe fn wholes<L: Lanes, Q: Quants, const M: usize>(job: &Blocks, w: &[L::Bytes; 8], at: usize) -> [L::Ints; M] {
    // SAFETY: the caller gives blocks of the job, and the instruction set.
    unsafe {
        let (mut x, mut corrections) = ([job.x; M], [[0; 2]; M]);
        for m in 0..M {
            let at = at + m * job.blocks;
            x[m] = job.x.add(at * PAIR);
            corrections[m] = *job.corrections.add(at);
        }
        // A trait's constant cannot be the argument of a function's.
        match Q::BITS {
            4 => L::block_dots::<4, M>(w, x, corrections),
            5 => L::block_dots::<5, M>(w, x, corrections),
            6 => L::block_dots::<6, M>(w, x, corrections),
            _ => L::block_dots::<8, M>(w, x, corrections),
        }
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
                let w = Q::load::<L>(job.weights.add(at * Q::PLANES.byte_len()));
                let scales = job.scales.add(at * scale_len).cast::<u16>();
                let d = L::load_f16(scales);
                let dots = wholes::<L, Q, M>(job, &w, token * job.blocks + block);
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
                    let w = Q::load::<L>(job.weights.add(at * Q::PLANES.byte_len()));
                    let scale = L::load_u8(scales.add((4 + 2 * pair) * PANEL));
                    let minimum = L::load_u8(scales.add((5 + 2 * pair) * PANEL));
                    let dots = wholes::<L, Q, M>(job, &w, token * job.blocks + block * 8 + pair);
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
                    let w = Sixths::load::<L>(job.weights.add(at * Sixths::PLANES.byte_len()));
                    let first = L::load_i8(scales.add((2 + 2 * pair) * PANEL));
                    let second = L::load_i8(scales.add((3 + 2 * pair) * PANEL));
                    for (m, product) in products.iter_mut().enumerate() {
                        let x = (token + m) * job.blocks + block * 8 + pair;
                        let [a, b] = halves::<L>(job, &w, x);
                        let dot = L::mul_add(L::float(a), first, L::mul(L::float(b), second));
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
