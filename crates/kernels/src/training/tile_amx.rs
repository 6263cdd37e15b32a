//! The products of [`super`] on the processor's matrix unit (Intel AMX): eight registers of 16 rows of 16 words.
//!
//! Four of them hold 32 rows by 32 columns of the result, two a block of the left operand and two of the right one, so that a
//! load serves two multiplications. Two multiplications take as long as four loads from the nearest cache.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

use super::{HALF_PANEL, Product};

/// Rows of a register, and words of a row.
pub(in super::super) const SIDE: usize = 16;

/// Words of the inner dimension between two visits of the result: 32 columns of that many (32 KB) stay in the nearest cache.
const STEPS: usize = 256;

/// Words of the right operand (a quarter of a megabyte) that all rows of the left one pass by before the next: they stay in the core's second
/// cache, and the result is visited along its rows. Where it lies far apart, its pages cost more than the products.
const GROUP: usize = 1 << 16;

/// Columns of a panel.
const PITCH: usize = HALF_PANEL;

/// Registers of the result that one block of it has in each direction.
const SPAN: usize = 2;

/// The shape of the eight registers, as `ldtilecfg` reads it: palette 1, then bytes a row (16 bits each) and rows.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = {
    let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
    let mut i = 0;
    while i < 8 {
        (row_bytes[i], rows[i]) = (4 * SIDE as u16, SIDE as u8);
        i += 1;
    }
    Shapes { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
};

/// Whether there is a matrix unit for bfloat16 that this process may use. The first call asks the system for it.
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| in_processor() && granted())
}

fn in_processor() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const AMX_BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    /// Of the registers that the system saves: the tiles' shapes and the tiles.
    const TILES: u32 = 0b11 << 17;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    let saved: u32;
    // SAFETY: the system has enabled the instruction (OSXSAVE), which reads one of its registers.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") saved, out("edx") _, options(nomem, nostack)) };
    __cpuid_count(7, 0).edx & AMX_BF16_AND_TILE == AMX_BF16_AND_TILE && saved & TILES == TILES
}

/// Linux gives the registers only to processes that ask.
#[cfg(target_os = "linux")]
fn granted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn granted() -> bool {
    false
}

/// The product of words of bfloat16 pairs. The left operand is in whole registers, those of 16 rows one after the other, the right one in panels of
/// 32 columns and whole registers of steps; what is beyond the matrix is zero.
///
/// # Panics
/// Where [`available`] is false, and if an operand is too short.
pub(in super::super) fn bf16_pairs(p: &Product<'_>, out: &mut [f32]) {
    assert!(available(), "tiles were packed without a unit that multiplies them");
    p.check(out);
    assert!(!p.adjacent_rows && p.steps == p.stride && p.steps.is_multiple_of(SIDE), "operands are whole tiles");
    assert!(p.rows.next_multiple_of(SIDE) * p.steps <= p.left.len(), "left operand too short");
    // SAFETY: the unit is there; the configuration is one that it knows. No one else on this thread uses the registers before they are released.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
    let group = (GROUP / p.steps.min(STEPS)).next_multiple_of(SPAN * SIDE);
    for from in (0..p.steps).step_by(STEPS) {
        for first in (0..p.columns).step_by(group) {
            let columns = first..p.columns.min(first + group);
            for top in (0..p.rows).step_by(SPAN * SIDE) {
                columns.clone().step_by(SPAN * SIDE).for_each(|first| block(p, top, first, from, out));
            }
        }
    }
    // SAFETY: as above. Registers that hold nothing are not saved when the system changes threads.
    unsafe { asm!("tilerelease", options(nomem, nostack)) };
}

/// The block of the result at row `top` and column `first`, steps from `from` on.
#[inline(always)]
fn block(p: &Product<'_>, top: usize, first: usize, from: usize, out: &mut [f32]) {
    let (rows, columns) = ((SPAN * SIDE).min(p.rows - top), (SPAN * SIDE).min(p.columns - first));
    let steps = STEPS.min(p.steps - from);
    let add = p.add || from > 0;
    let left = &p.left[top * p.steps + from * SIDE..];
    let below = rows.div_ceil(SIDE) - 1;
    assert!((below * p.steps + steps) * SIDE <= left.len(), "left operand too short");
    let right = &p.right[first * p.right_words + from * PITCH..][..steps * PITCH];
    let out = &mut out[top * p.out_width + first..];
    assert!((rows - 1) * p.out_width + columns <= out.len(), "result too short");
    let tiles = (rows.div_ceil(SIDE), columns.div_ceil(SIDE));
    let mut operands = Operands {
        tiles: steps / SIDE,
        left: left.as_ptr(),
        low_left: left.as_ptr().wrapping_add(below * p.steps * SIDE),
        right: right.as_ptr(),
        out: out.as_mut_ptr(),
        out_width: p.out_width,
        add,
    };
    if rows.is_multiple_of(SIDE) && columns.is_multiple_of(SIDE) {
        // SAFETY: both operands and the result hold that many whole tiles (seen above), and the registers are configured.
        return unsafe { multiply(tiles, &operands) };
    }
    let mut whole = [0f32; SPAN * SIDE * SPAN * SIDE];
    let whole_rows = || (0..rows).map(|i| (i * SPAN * SIDE, i * p.out_width));
    if add {
        for (to, from) in whole_rows() {
            whole[to..to + columns].copy_from_slice(&out[from..from + columns]);
        }
    }
    (operands.out, operands.out_width) = (whole.as_mut_ptr(), SPAN * SIDE);
    // SAFETY: as above; `whole` has room for every tile.
    unsafe { multiply(tiles, &operands) };
    for (from, to) in whole_rows() {
        out[to..to + columns].copy_from_slice(&whole[from..from + columns]);
    }
}

/// What a block is made of.
struct Operands {
    /// Tiles of the inner dimension.
    tiles: usize,
    left: *const u32,
    /// The registers of the 16 rows below, if there are any.
    low_left: *const u32,
    right: *const u32,
    out: *mut f32,
    out_width: usize,
    add: bool,
}

/// # Safety
/// The left operand holds `tiles.0` tiles of rows, the right one `tiles.1` tiles of columns, both `operands.tiles` of steps; the result holds
/// both; the registers are configured.
#[inline(always)]
unsafe fn multiply(tiles: (usize, usize), operands: &Operands) {
    // SAFETY: the caller's promise.
    unsafe {
        match tiles {
            (2, 2) => two_by_two(operands),
            (2, 1) => two_by_one(operands),
            (1, 2) => one_by_two(operands),
            _ => one_by_one(operands),
        }
    }
}

/// A block's loop over the inner dimension, between the reading and the writing of the result's registers, each with the address it has there.
macro_rules! block {
    ($name:ident, [$($loop:literal),* $(,)?], $($sum:literal $at:literal),*) => {
        /// # Safety
        /// As [`multiply`].
        #[inline(always)]
        unsafe fn $name(o: &Operands) {
            // SAFETY: reads and writes whole tiles that are there by the caller's promise, and registers that the compiler does not use.
            unsafe {
                asm!(
                    // Blocks of one row of tiles have no second one to write.
                    "/* {low_out} */",
                    "test {add}, {add}",
                    "jnz 2f",
                    $(concat!("tilezero ", $sum),)*
                    "jmp 3f",
                    "2:",
                    $(concat!("tileloadd ", $sum, ", [", $at, " + {out_width}*1]"),)*
                    "3:",
                    $($loop,)*
                    "add {left}, 1024",
                    "add {low_left}, 1024",
                    "add {right}, 2048",
                    "dec {tiles}",
                    "jnz 3b",
                    $(concat!("tilestored [", $at, " + {out_width}*1], ", $sum),)*
                    add = in(reg) usize::from(o.add),
                    tiles = inout(reg) o.tiles => _,
                    left = inout(reg) o.left => _,
                    low_left = inout(reg) o.low_left => _,
                    stride = in(reg) 4 * SIDE,
                    right = inout(reg) o.right => _,
                    pitch = in(reg) 4 * PITCH,
                    out = in(reg) o.out,
                    low_out = in(reg) o.out.wrapping_add(SIDE * o.out_width),
                    out_width = in(reg) 4 * o.out_width,
                    options(nostack),
                );
            }
        }
    };
}

block!(
    two_by_two,
    [
        "tileloadd tmm6, [{right} + {pitch}*1]",
        "tileloadd tmm7, [{right} + {pitch}*1 + 64]",
        "tileloadd tmm4, [{left} + {stride}*1]",
        "tdpbf16ps tmm0, tmm4, tmm6",
        "tdpbf16ps tmm1, tmm4, tmm7",
        "tileloadd tmm5, [{low_left} + {stride}*1]",
        "tdpbf16ps tmm2, tmm5, tmm6",
        "tdpbf16ps tmm3, tmm5, tmm7",
    ],
    "tmm0" "{out}", "tmm1" "{out} + 64", "tmm2" "{low_out}", "tmm3" "{low_out} + 64"
);
block!(
    two_by_one,
    [
        "tileloadd tmm6, [{right} + {pitch}*1]",
        "tileloadd tmm4, [{left} + {stride}*1]",
        "tdpbf16ps tmm0, tmm4, tmm6",
        "tileloadd tmm5, [{low_left} + {stride}*1]",
        "tdpbf16ps tmm2, tmm5, tmm6",
    ],
    "tmm0" "{out}", "tmm2" "{low_out}"
);
block!(
    one_by_two,
    [
        "tileloadd tmm6, [{right} + {pitch}*1]",
        "tileloadd tmm7, [{right} + {pitch}*1 + 64]",
        "tileloadd tmm4, [{left} + {stride}*1]",
        "tdpbf16ps tmm0, tmm4, tmm6",
        "tdpbf16ps tmm1, tmm4, tmm7",
    ],
    "tmm0" "{out}", "tmm1" "{out} + 64"
);
block!(
    one_by_one,
    [
        "tileloadd tmm6, [{right} + {pitch}*1]",
        "tileloadd tmm4, [{left} + {stride}*1]",
        "tdpbf16ps tmm0, tmm4, tmm6",
    ],
    "tmm0" "{out}"
);
