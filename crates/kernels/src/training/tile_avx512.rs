//! The inner loops of [`super`] for AVX-512: tiles of 16 words a vector, words being f32 or pairs of bfloat16.

use std::arch::asm;
use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_castsi512_ps, _mm512_dpbf16_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{Multiply, Operands, PANEL, Product, Room, TILE, product_body, rows_of};

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
pub(super) fn f32(product: &Product<'_>, out: &mut [f32], room: &mut Room) {
    product_body::<Tiles<Single>, true>(product, out, room);
}

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
pub(super) fn bf16_pairs(product: &Product<'_>, out: &mut [f32], room: &mut Room) {
    product_body::<Tiles<Pair>, true>(product, out, room);
}

/// What a word is.
trait Word {
    /// `sum + x y`, word by word.
    ///
    /// # Safety
    /// The processor has the instruction.
    unsafe fn multiply_add(x: __m512i, y: __m512i, sum: __m512) -> __m512;

    /// [`Multiply::tile`] for a whole tile of a whole panel.
    ///
    /// # Safety
    /// As there, with rows of `right` a panel's width apart.
    unsafe fn whole<const ADJACENT: bool>(operands: Operands);
}

/// The word at `$address` times a panel's row (zmm24 to 27), added to a row of sums.
macro_rules! row {
    ($multiply:literal, $x:literal, $address:expr, $($sum:literal $y:literal)*) => {
        concat!(
            "vbroadcastss ", $x, ", dword ptr [", $address, "]\n",
            $($multiply, " ", $sum, ", ", $x, ", ", $y, "\n",)*
        )
    };
}

/// One step of a whole tile: the panel's row at byte `$right`, the words of the left operand at six addresses.
macro_rules! step {
    ($multiply:literal, $right:literal, $a0:expr, $a1:expr, $a2:expr, $a3:expr, $a4:expr, $a5:expr) => {
        concat!(
            "vmovups zmm24, [{right} + ", $right, "]\n",
            "vmovups zmm25, [{right} + ", $right, " + 64]\n",
            "vmovups zmm26, [{right} + ", $right, " + 128]\n",
            "vmovups zmm27, [{right} + ", $right, " + 192]\n",
            row!($multiply, "zmm28", $a0, "zmm0" "zmm24" "zmm1" "zmm25" "zmm2" "zmm26" "zmm3" "zmm27"),
            row!($multiply, "zmm29", $a1, "zmm4" "zmm24" "zmm5" "zmm25" "zmm6" "zmm26" "zmm7" "zmm27"),
            row!($multiply, "zmm30", $a2, "zmm8" "zmm24" "zmm9" "zmm25" "zmm10" "zmm26" "zmm11" "zmm27"),
            row!($multiply, "zmm31", $a3, "zmm12" "zmm24" "zmm13" "zmm25" "zmm14" "zmm26" "zmm15" "zmm27"),
            row!($multiply, "zmm28", $a4, "zmm16" "zmm24" "zmm17" "zmm25" "zmm18" "zmm26" "zmm19" "zmm27"),
            row!($multiply, "zmm29", $a5, "zmm20" "zmm24" "zmm21" "zmm25" "zmm22" "zmm26" "zmm23" "zmm27"),
        )
    };
}

/// A step at byte `$at` of rows that are `{stride}` bytes apart; `{half}` is the fourth row.
macro_rules! step_of_rows {
    ($multiply:literal, $right:literal, $at:literal) => {
        step!(
            $multiply,
            $right,
            concat!("{left} + ", $at),
            concat!("{left} + {stride} + ", $at),
            concat!("{left} + {stride}*2 + ", $at),
            concat!("{half} + ", $at),
            concat!("{half} + {stride} + ", $at),
            concat!("{half} + {stride}*2 + ", $at)
        )
    };
}

/// A step at `$at` whose six words are neighbours.
macro_rules! step_of_neighbours {
    ($multiply:literal, $right:literal, $at:literal) => {
        step!(
            $multiply,
            $right,
            $at,
            concat!($at, " + 4"),
            concat!($at, " + 8"),
            concat!($at, " + 12"),
            concat!($at, " + 16"),
            concat!($at, " + 20")
        )
    };
}

/// All sums of a tile set to zero.
macro_rules! zero {
    ($($($sum:literal)*),*) => {
        concat!($($("vpxord ", $sum, ", ", $sum, ", ", $sum, "\n",)*)*)
    };
}

/// The sums written to the result row by row, each vector perhaps added to what is there.
macro_rules! write {
    (replace $($s0:literal $s1:literal $s2:literal $s3:literal),*) => {
        concat!($(
            "vmovups [{out}], ", $s0, "\n",
            "vmovups [{out} + 64], ", $s1, "\n",
            "vmovups [{out} + 128], ", $s2, "\n",
            "vmovups [{out} + 192], ", $s3, "\n",
            "add {out}, {out_width}\n",
        )*)
    };
    (add $($s0:literal $s1:literal $s2:literal $s3:literal),*) => {
        concat!($(
            "vaddps ", $s0, ", ", $s0, ", [{out}]\n",
            "vaddps ", $s1, ", ", $s1, ", [{out} + 64]\n",
            "vaddps ", $s2, ", ", $s2, ", [{out} + 128]\n",
            "vaddps ", $s3, ", ", $s3, ", [{out} + 192]\n",
            write!(replace $s0 $s1 $s2 $s3),
        )*)
    };
}

/// The sums of a tile, for a macro.
macro_rules! with_sums {
    ($macro:ident $($how:ident)?) => {
        $macro!(
            $($how)? "zmm0" "zmm1" "zmm2" "zmm3", "zmm4" "zmm5" "zmm6" "zmm7", "zmm8" "zmm9" "zmm10" "zmm11",
            "zmm12" "zmm13" "zmm14" "zmm15", "zmm16" "zmm17" "zmm18" "zmm19", "zmm20" "zmm21" "zmm22" "zmm23"
        )
    };
}

/// [`Word::whole`] with an instruction, the loop over the steps given. In assembly, since what counts is the number of
/// instructions (34 for 24 multiplications) and the compiler keeps more addresses than there are registers.
macro_rules! tile {
    ([$($loop:expr),* $(,)?] $left:ident $stride:ident $right:ident $steps:ident $out:ident $out_width:ident $add:ident $($operand:tt)*) => {
        asm!(
            with_sums!(zero),
            $($loop,)*
            "test {add}, {add}",
            "jnz 6f",
            with_sums!(write replace),
            "jmp 7f",
            "6:",
            with_sums!(write add),
            "7:",
            left = inout(reg) $left => _,
            stride = in(reg) $stride * 4,
            right = inout(reg) $right => _,
            steps = inout(reg) $steps => _,
            out = inout(reg) $out => _,
            out_width = in(reg) $out_width * 4,
            add = in(reg) usize::from($add),
            $($operand)*
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _, out("zmm6") _, out("zmm7") _,
            out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _, out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _,
            out("zmm16") _, out("zmm17") _, out("zmm18") _, out("zmm19") _, out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _,
            out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _, out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
            options(nostack),
        )
    };
}

macro_rules! whole {
    ($multiply:literal) => {
        #[inline(always)]
        unsafe fn whole<const ADJACENT: bool>(operands: Operands) {
            let Operands { steps, left, stride, right, pitch: _, ahead, out, out_width, add } = operands;
            // Asked for now, the result is in the nearest cache when the sums are ready.
            for i in 0..if add { TILE } else { 0 } {
                for line in 0..PANEL / 16 {
                    // SAFETY: asking reads nothing; SSE is a part of x86-64.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(out.wrapping_add(i * out_width + 16 * line).cast()) };
                }
            }
            if ADJACENT {
                // SAFETY: reads `steps` steps of both operands and reads and writes a tile of the result, which are there
                // by the caller's promise.
                unsafe {
                    tile!(
                        [
                            "sub {steps}, 2",
                            "jb 3f",
                            "2:",
                            step_of_neighbours!($multiply, "0", "{left}"),
                            step_of_neighbours!($multiply, "256", "{left} + {stride}"),
                            "lea {left}, [{left} + {stride}*2]",
                            "add {right}, 512",
                            "sub {steps}, 2",
                            "jae 2b",
                            "3:",
                            "test {steps}, 1",
                            "jz 4f",
                            step_of_neighbours!($multiply, "0", "{left}"),
                            "4:",
                        ]
                        left stride right steps out out_width add
                    );
                }
            } else {
                // SAFETY: as above.
                unsafe {
                    tile!(
                        [
                            "sub {steps}, 4",
                            "jb 3f",
                            "2:",
                            step_of_rows!($multiply, "0", "0"),
                            step_of_rows!($multiply, "256", "4"),
                            step_of_rows!($multiply, "512", "8"),
                            step_of_rows!($multiply, "768", "12"),
                            // One line of the next block for every four steps.
                            "prefetcht1 [{ahead}]",
                            "add {ahead}, 64",
                            "add {left}, 16",
                            "add {half}, 16",
                            "add {right}, 1024",
                            "sub {steps}, 4",
                            "jae 2b",
                            "3:",
                            "add {steps}, 4",
                            "jz 5f",
                            "4:",
                            step_of_rows!($multiply, "0", "0"),
                            "add {left}, 4",
                            "add {half}, 4",
                            "add {right}, 256",
                            "dec {steps}",
                            "jnz 4b",
                            "5:",
                        ]
                        left stride right steps out out_width add
                        half = inout(reg) left.wrapping_add(3 * stride) => _,
                        ahead = inout(reg) ahead => _,
                    );
                }
            }
        }
    };
}

struct Single;
impl Word for Single {
    #[inline(always)]
    unsafe fn multiply_add(x: __m512i, y: __m512i, sum: __m512) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(y), sum) }
    }

    whole!("vfmadd231ps");
}

struct Pair;
impl Word for Pair {
    #[inline(always)]
    unsafe fn multiply_add(x: __m512i, y: __m512i, sum: __m512) -> __m512 {
        // SAFETY: the caller's promise; a vector of 32-bit words is a vector of bfloat16 pairs.
        unsafe {
            let (x, y) = (std::mem::transmute::<__m512i, __m512bh>(x), std::mem::transmute::<__m512i, __m512bh>(y));
            _mm512_dpbf16_ps(sum, x, y)
        }
    }

    whole!("vdpbf16ps");
}

struct Tiles<W>(std::marker::PhantomData<W>);

impl<W: Word> Multiply for Tiles<W> {
    #[inline(always)]
    unsafe fn tile<const M: usize, const N: usize, const ADJACENT: bool>(operands: Operands) {
        let Operands { steps, left, stride, right, pitch, ahead: _, out, out_width, add } = operands;
        // SAFETY: the operands and the result are there by the caller's promise, N is a multiple of 16, and the caller
        // runs on a processor with the instructions.
        unsafe {
            if M == TILE && N == PANEL && pitch == PANEL {
                return W::whole::<ADJACENT>(operands);
            }
            let mut sums = [[_mm512_setzero_ps(); PANEL / 16]; M];
            let rows = rows_of::<M, ADJACENT>(left, stride);
            for p in 0..steps {
                let row = right.add(p * pitch);
                let mut y = [_mm512_set1_epi32(0); PANEL / 16];
                for (v, y) in y.iter_mut().take(N / 16).enumerate() {
                    *y = _mm512_loadu_si512(row.add(16 * v).cast());
                }
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let x = _mm512_set1_epi32(*row.add(if ADJACENT { p * stride } else { p }) as i32);
                    for (&y, sum) in y.iter().zip(sums).take(N / 16) {
                        *sum = W::multiply_add(x, y, *sum);
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (v, &sum) in sums.iter().take(N / 16).enumerate() {
                    let out = out.add(i * out_width + 16 * v);
                    _mm512_storeu_ps(out, if add { _mm512_add_ps(sum, _mm512_loadu_ps(out)) } else { sum });
                }
            }
        }
    }
}
